"""Servers to be killed: one is forked for every line on standard input.

Python and the application are loaded once, so that killing twenty-five takes no minutes.
"""

import os
import sys
from pathlib import Path

from prefloop.flows.project import open_project
from prefloop.web import server


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            os.write(1, f"{os.getpid()}\n".encode())
            server.serve(open_project(folder, "lena"), server.Serving(port=port), lambda _: None)
            os._exit(0)
        os.waitpid(child, 0)
        os.write(1, b"gone\n")


if __name__ == "__main__":
    main()
