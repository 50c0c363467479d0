from importlib.metadata import EntryPoint
from typing import Protocol, runtime_checkable

import pytest

from prefloop.core.errors import BadInput
from prefloop.core.plugins import plugins


@runtime_checkable
class Bell(Protocol):
    @property
    def name(self) -> str: ...

    def ring(self) -> str: ...


class Tin:
    name = "tin"

    def ring(self) -> str:
        return "clank"


class Brass(Tin):
    name = "brass"


class Silent:
    name = "silent"


class Broken(Tin):
    def __init__(self) -> None:
        raise RuntimeError("no clapper")


def plugged(monkeypatch: pytest.MonkeyPatch, *targets: object) -> dict[str, Bell]:
    found = {f"bells:{number}": target for number, target in enumerate(targets)}
    entries = [EntryPoint("any", value, "test.bells") for value in found]
    monkeypatch.setattr(EntryPoint, "load", lambda self: found[self.value])
    monkeypatch.setattr("prefloop.core.plugins.entry_points", lambda group: entries)
    return plugins("test.bells", Bell, [Tin()])  # type: ignore[type-abstract]


def test_without_plug_ins_the_built_in_ones_remain() -> None:
    assert list(plugins("test.none", Bell, [Tin()])) == ["tin"]  # type: ignore[type-abstract]


def test_a_class_and_an_instance_can_be_plugged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(plugged(monkeypatch, Brass)) == ["tin", "brass"]
    assert plugged(monkeypatch, Brass())["brass"].ring() == "clank"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (Tin, r"^the plug-in bells:0: the name tin is taken: rename it$"),
        (Silent, r"^the plug-in bells:0 \(test\.bells\) is no Bell: mend or uninstall it$"),
        (Broken, r"^the plug-in bells:0 \(test\.bells\) cannot be loaded: no clapper: mend"),
    ],
)
def test_a_plug_in_that_does_not_fit_is_named(
    monkeypatch: pytest.MonkeyPatch, target: object, expected: str
) -> None:
    with pytest.raises(BadInput, match=expected):
        plugged(monkeypatch, target)


def test_a_plug_in_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [EntryPoint("x", "no.such.module:Bell", "test.bells")]
    monkeypatch.setattr("prefloop.core.plugins.entry_points", lambda group: entries)
    with pytest.raises(BadInput, match=r"no\.such\.module:Bell .* cannot be loaded: No module"):
        plugins("test.bells", Bell, [])  # type: ignore[type-abstract]
