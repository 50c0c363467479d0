"""Which formats there are: those in this folder, and those that other packages plug in."""

import difflib

from prefloop.core.errors import BadInput
from prefloop.core.plugins import plugins
from prefloop.datasets.formats.hh_rlhf import HhRlhf
from prefloop.datasets.formats.rows import Format, WritableFormat
from prefloop.datasets.formats.trl import TrlPreference

__all__ = ["GROUP", "detect", "formats", "named", "writable"]

GROUP = "prefloop.formats"
_BUILT_IN: tuple[Format, ...] = (HhRlhf(), TrlPreference())


def formats() -> dict[str, Format]:
    """Every format by its name. Raises BadInput for a plug-in that is broken or takes a name."""
    return plugins(GROUP, Format, _BUILT_IN)  # type: ignore[type-abstract]


def named(name: str) -> Format:
    """The format called `name`. Raises BadInput with the nearest one there is."""
    known = formats()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 1)
    way = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
    raise BadInput(f"no format {name}: {way}")


def writable(name: str) -> WritableFormat:
    """The format called `name`, for export."""
    form = named(name)
    if isinstance(form, WritableFormat):
        return form
    can = ", ".join(each for each, f in formats().items() if isinstance(f, WritableFormat))
    raise BadInput(f"{name} can be imported, not exported to: use one of {can}")


def detect(head: bytes, where: str) -> Format:
    """The one format that a file beginning with `head` has. Raises BadInput for none or several."""
    if not head.strip():
        raise BadInput(f"{where} is empty")
    known = formats()
    claims = [form for form in known.values() if form.sniff(head, where)]
    if len(claims) == 1:
        return claims[0]
    if claims:
        both = ", ".join(form.name for form in claims)
        raise BadInput(f"{where} could be any of {both}: say which with --format")
    raise BadInput(
        f"{where} is in no known format ({', '.join(known)}): name one with --format, or the "
        "columns of any table (--label, --annotator, --item)"
    )
