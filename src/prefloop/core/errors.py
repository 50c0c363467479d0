"""Every error prefloop raises on purpose.

    PrefloopError
    ├── BadInput            what a person gave cannot be used (exit 2)
    │   ├── NotFound        a name, digest or file that is not there
    │   ├── Conflict        somebody else, or an earlier run, was first
    │   └── MissingExtra    a part of prefloop that is not installed
    ├── Refused             the rules say no
    │   ├── GateClosed      a gate's verdict, or its absence, stops a stage (exit 3)
    │   └── NotPermitted    this person may not do this
    ├── Unavailable         database or disk cannot be used just now: try again, nothing was done
    ├── Corrupt             a stored byte is not what its digest says
    └── Erased              the text was erased on request; its digest remains

A message is one line: what was wrong, where, and what to do.
"""


class PrefloopError(Exception):
    """The root; the command line prints its text without a traceback."""

    exit_code = 2


class BadInput(PrefloopError):
    """What a person gave cannot be used as it is."""


class NotFound(BadInput):
    """A name, digest or file that is not there."""


class Conflict(BadInput):
    """Somebody else, or an earlier run, was first."""


class MissingExtra(BadInput):
    """A part of prefloop whose libraries are not installed."""


class Refused(PrefloopError):
    """The rules of the house say no."""


class GateClosed(Refused):
    """A gate's verdict, or its absence, stops a stage."""

    exit_code = 3


class NotPermitted(Refused):
    """This person may not do this."""


class Unavailable(PrefloopError):
    """The database or its disk cannot be used just now; the same request may be sent again."""


class Corrupt(PrefloopError):
    """A stored byte is not what its digest says."""


class Erased(PrefloopError):
    """The text was erased on request; only its digest remains."""
