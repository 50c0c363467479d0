"""What changed between two specifications, one readable line per difference.

No line is marked harmless: every change is breaking unless a stated reason says otherwise, since
what looks like a small edit of words is, to an annotator, a different instruction.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from prefloop.spec.model import Spec

__all__ = ["changes"]

# What tells the entries of a list apart; lists that are not here hold plain text.
_KEYS = {
    "dimensions": "name",
    "disqualifiers": "name",
    "tie_break": "by",
    "examples": "prompt",
    "edge_cases": "case",
}


def changes(old: Spec, new: Spec) -> list[str]:
    """One readable line per difference, in the order of the file; empty where there is none."""
    before, after = old.as_json(), new.as_json()
    return [
        line for section in after for line in _section(section, before[section], after[section])
    ]


def _section(name: str, old: Any, new: Any) -> list[str]:
    if name in _KEYS:
        return _entries(name, _keyed(old, _KEYS[name]), _keyed(new, _KEYS[name]))
    if isinstance(new, dict):
        return [line for key in new for line in _section(f"{name} {key}", old[key], new[key])]
    if isinstance(new, list):
        return _entries(name, dict.fromkeys(old), dict.fromkeys(new))
    return _field(name, old, new)


def _entries(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    lines = [f'{name}: "{key}" was removed' for key in old if key not in new]
    lines += [f'{name}: "{key}" was added' for key in new if key not in old]
    kept = [key for key in new if key in old]
    lines += _order(name, [key for key in old if key in new], kept)
    for key in kept:
        if isinstance(new[key], dict):
            for field, value in new[key].items():
                lines += _field(f'{name} "{key}": {field}', old[key][field], value)
    return lines


def _order(name: str, old: Sequence[str], new: Sequence[str]) -> list[str]:
    if old == new:
        return []
    return [f"{name}: the order was {' > '.join(old)}, is now {' > '.join(new)}"]


def _field(what: str, old: Any, new: Any) -> list[str]:
    return [] if old == new else [f"{what} was {_shown(old)}, is now {_shown(new)}"]


def _shown(value: Any) -> str:
    if value in ("", None):
        return "empty"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def _keyed(entries: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any]:
    """Entries by their key; the second of the same key (two examples of one prompt) is numbered."""
    met: Counter[str] = Counter()
    keyed = {}
    for entry in entries:
        met[entry[key]] += 1
        number = met[entry[key]]
        keyed[entry[key] if number == 1 else f"{entry[key]} ({number})"] = entry
    return keyed
