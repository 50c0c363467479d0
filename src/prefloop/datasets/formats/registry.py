"""Which formats there are: those in this folder, and those that other packages plug in."""

import difflib
from importlib.metadata import entry_points

from prefloop.core.errors import BadInput
from prefloop.datasets.formats.hh_rlhf import HhRlhf
from prefloop.datasets.formats.rows import Format, WritableFormat
from prefloop.datasets.formats.trl import TrlPreference

__all__ = ["GROUP", "detect", "formats", "named", "writable"]

GROUP = "prefloop.formats"
_BUILT_IN: tuple[Format, ...] = (HhRlhf(), TrlPreference())


def formats() -> dict[str, Format]:
    """Every format by its name. Raises BadInput for a plug-in that is broken or takes a name."""
    found = {form.name: form for form in _BUILT_IN}
    for entry in entry_points(group=GROUP):
        form = _loaded(entry.value, entry.load)
        if form.name in found:
            raise BadInput(f"{entry.value}: the format name {form.name} is taken: rename it")
        found[form.name] = form
    return found


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
    raise BadInput(f"{where} is in no known format ({', '.join(known)}): name one with --format")


def _loaded(value: str, load: object) -> Format:
    if not callable(load):
        raise BadInput(f"the plug-in {value} cannot be loaded")
    try:
        target = load()
        form = target() if isinstance(target, type) else target
    except Exception as error:
        raise BadInput(f"the plug-in {value} cannot be loaded: {error}") from error
    if not isinstance(form, Format):
        raise BadInput(f"the plug-in {value} is no format: it needs name, sniff and read")
    return form
