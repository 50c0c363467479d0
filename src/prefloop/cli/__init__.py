"""The command line: noun, verb, on the project in this folder or in -C DIR. Thin.

Exit codes: 0 done, 2 bad input with one clear line, 3 a gate said no, 130 interrupted.
"""

import os
import sys
import traceback
from typing import NoReturn

__all__ = ["main"]

_INTERRUPTED = 130
_STOPPED = "\nprefloop: stopped; what was finished is kept, the same command goes on from there"


def main() -> None:
    """The `prefloop` command."""
    # Idle threads that spin double the CPU a run costs on a machine that others use too.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from prefloop.cli.app import app
    from prefloop.core.errors import PrefloopError

    try:
        app()
    except PrefloopError as error:
        _leave(f"prefloop: {error}", error.exit_code)
    except SystemExit as leaving:  # how Typer passes on an interrupt
        if leaving.code == _INTERRUPTED:
            _leave(_STOPPED, _INTERRUPTED)
        raise
    except KeyboardInterrupt:
        _leave(_STOPPED, _INTERRUPTED)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        _leave(f"prefloop: {error.strerror or error}: {error.filename or ''}".rstrip(": "), 2)
    except Exception as error:
        if type(error).__module__.startswith("sqlalchemy"):
            reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
            _leave(f"prefloop: the ledger's database failed: {reason}", 2)
        # A bug: say so, with what a maintainer needs.
        _leave(f"{traceback.format_exc()}prefloop: this is a bug in prefloop, please report it", 70)


def _leave(line: str, code: int) -> NoReturn:
    from prefloop.cli.common import say

    say(line, err=True)
    sys.exit(code)
