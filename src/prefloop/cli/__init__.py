"""The command line: noun, verb, on the project in this folder or in -C DIR. Thin.

Exit codes: 0 done, 2 bad input with one clear line, 3 a gate said no, 130 interrupted.
"""

import os
import sys
import traceback

__all__ = ["main"]


def main() -> None:
    """The `prefloop` command."""
    # Idle threads that spin double the CPU a run costs on a machine that others use too.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from prefloop.cli.app import app
    from prefloop.core.errors import PrefloopError

    try:
        app(standalone_mode=True)
    except PrefloopError as error:
        print(f"prefloop: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print(
            "\nprefloop: stopped; what was finished is kept, the same command goes on from there",
            file=sys.stderr,
        )
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
    except Exception:  # a bug: say so, with what a maintainer needs
        traceback.print_exc()
        print("prefloop: this is a bug in prefloop, please report it", file=sys.stderr)
        sys.exit(70)
