"""Parts that other installed packages plug in: looked up by entry point, checked, named once."""

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, TypeVar

from prefloop.core.errors import BadInput

__all__ = ["plugins"]


class Named(Protocol):
    @property
    def name(self) -> str: ...


P = TypeVar("P", bound=Named)


def plugins(group: str, kind: type[P], built_in: Iterable[P]) -> dict[str, P]:
    """The built-in parts and those plugged in under `group`, by their names.

    An entry point names an instance, or a class without arguments, that satisfies `kind`, a
    runtime-checkable protocol. Raises BadInput for one that does not load, does not satisfy it,
    or takes a name that is there already.
    """
    found = {part.name: part for part in built_in}
    for entry in entry_points(group=group):
        part = _loaded(entry, kind)
        if part.name in found:
            raise BadInput(f"the plug-in {entry.value}: the name {part.name} is taken: rename it")
        found[part.name] = part
    return found


def _loaded(entry: EntryPoint, kind: type[P]) -> P:
    try:
        target = entry.load()
        part = target() if isinstance(target, type) else target
    except Exception as error:  # whatever somebody else's code raises, this line names it
        raise BadInput(
            f"the plug-in {entry.value} ({entry.group}) cannot be loaded: {error}: "
            "mend or uninstall it"
        ) from error
    if not isinstance(part, kind):
        raise BadInput(
            f"the plug-in {entry.value} ({entry.group}) is no {kind.__name__}: mend or uninstall it"
        )
    return part
