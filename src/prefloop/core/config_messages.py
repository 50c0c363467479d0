"""What pydantic found wrong with a YAML file, said with the file's lines and a way out."""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias, get_args

import yaml
from pydantic import BaseModel
from pydantic_core import ErrorDetails, PydanticCustomError

__all__ = ["Located", "explain", "problem"]

Located: TypeAlias = tuple[int, str]  # a line, counted from 1, and what is wrong there

_WANTED = {
    "string_type": "text is wanted",
    "int_type": "a whole number is wanted",
    "int_from_float": "a whole number is wanted",
    "int_parsing": "a whole number is wanted",
    "float_type": "a number is wanted",
    "float_parsing": "a number is wanted",
    "bool_type": "true or false is wanted",
    "bool_parsing": "true or false is wanted",
    "list_type": "a list is wanted",
    "tuple_type": "a list is wanted",
    "dict_type": "a mapping (key: value) is wanted",
    "model_type": "a mapping (key: value) is wanted",
    "model_attributes_type": "a mapping (key: value) is wanted",
    "dataclass_type": "a mapping (key: value) is wanted",
    "string_too_short": "text is wanted",
    "too_short": "at least one item is wanted",
}
_SWITCHES = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def problem(message: str, *at: str | int) -> PydanticCustomError:
    """For a validator to raise: a problem at a place below the value being validated."""
    return PydanticCustomError("at", "{message}", {"message": message, "at": at})


def explain(
    errors: Sequence[ErrorDetails], model: type[BaseModel], root: yaml.Node | None
) -> list[Located]:
    """One located line per error. A key that is missing because it was misspelt is told once."""
    told: list[Located] = []
    suggested: set[tuple[int | str, ...]] = set()
    for error in errors:
        if error["type"] == "extra_forbidden":
            *place, key = error["loc"]
            known = _names(model, place)
            near = difflib.get_close_matches(str(key), known, n=1)
            suggested.update((*place, name) for name in near)
            told.append((_line(root, error["loc"]), _unknown(str(key), place, known, near)))
    for error in errors:
        if error["type"] == "missing" and error["loc"] not in suggested:
            *place, key = error["loc"]
            inside = f" in {_path(place)}" if place else ""
            told.append((_line(root, place), f'the key "{key}" is missing{inside}: add it'))
        elif error["type"] not in ("missing", "extra_forbidden") and not _follows(error, errors):
            place = [*error["loc"], *error.get("ctx", {}).get("at", ())]
            told.append((_line(root, place), f"{_path(place)}{_fault(error, root)}"))
    return told


def _follows(error: ErrorDetails, errors: Sequence[ErrorDetails]) -> bool:
    """Whether a list is too short only because its items were wrong."""
    place = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in errors
    )


def _unknown(key: str, place: Sequence[int | str], known: list[str], near: list[str]) -> str:
    inside = f" in {_path(place)}" if place else ""
    way = f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(known)}"
    return f'unknown key "{key}"{inside}: {way}'


def _fault(error: ErrorDetails, root: yaml.Node | None) -> str:
    """What is wrong with a value, what was found instead, and what to write."""
    kind, node = error["type"], _find(root, error["loc"])
    if kind in ("at", "value_error", "assertion_error"):
        return f": {error['msg'].removeprefix('Value error, ').removeprefix('Assertion failed, ')}"
    if kind in ("literal_error", "enum"):
        expected = error.get("ctx", {}).get("expected", "")
        near = difflib.get_close_matches(str(error["input"]), re.findall("'([^']+)'", expected), 1)
        way = f': did you mean "{near[0]}"?' if near else ""
        return f": one of {expected} is wanted, found {_found(node)}{way}"
    said = _WANTED.get(kind) or error["msg"][:1].lower() + error["msg"][1:]
    return f": {said}, found {_found(node)}{_way_out(kind, node)}"


def _way_out(kind: str, node: yaml.Node | None) -> str:
    if not isinstance(node, yaml.ScalarNode):
        return ""
    if kind == "string_type" and node.value and not node.tag.endswith(":null"):
        return f': put it in quotes, "{node.value}"'
    if kind.startswith("bool") and node.value.lower() in _SWITCHES:
        return f": write {_SWITCHES[node.value.lower()]}"
    return ""


def _found(node: yaml.Node | None) -> str:
    """A value as a person would name it."""
    if node is None:
        return "nothing"
    if not isinstance(node, yaml.ScalarNode):
        kind = "list" if isinstance(node, yaml.SequenceNode) else "mapping"
        return f"a {kind}" if node.value else f"an empty {kind}"
    if not node.value:
        return "nothing"
    shown = node.value if len(node.value) <= 60 else node.value[:57] + "..."
    match node.tag.rpartition(":")[2]:
        case "null":
            return "nothing"
        case "str":
            return f'the text "{shown}"'
        case "bool":
            return f"{shown} (which YAML reads as true or false)"
    return f"the number {shown}"


def _path(place: Iterable[int | str]) -> str:
    """`dimensions[2].name`, items counted from 1 as people do."""
    path = ""
    for part in place:
        path += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if path else part
    return path or "the file"


def _line(root: yaml.Node | None, place: Iterable[int | str]) -> int:
    """The line of the key or item at `place`, or of the nearest thing around it; from 1."""
    line = root.start_mark.line if root else 0
    for key, value in _steps(root, place):
        line = (key or value).start_mark.line
    return line + 1


def _find(root: yaml.Node | None, place: Iterable[int | str]) -> yaml.Node | None:
    node = root
    for _, node in _steps(root, place):  # noqa: B007  the last one is the answer
        pass
    return node


def _steps(
    node: yaml.Node | None, place: Iterable[int | str]
) -> Iterable[tuple[yaml.Node | None, yaml.Node]]:
    """The (key, value) nodes met on the way; parts that are no place (union tags) are passed."""
    for part in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            if part < len(node.value):
                node = node.value[part]
                yield None, node
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    node = value
                    yield key, value
                    break


def _names(model: type[BaseModel], place: Iterable[int | str]) -> list[str]:
    """The keys that are known at `place`, found by walking the types of the model."""
    models: list[type[BaseModel]] = [model]
    for part in place:
        inner = [kind for each in models for kind in _inner(each, part)]
        models = inner or models
    return list(dict.fromkeys(name for each in models for name in _keys(each)))


def _inner(model: type[BaseModel], part: int | str) -> list[type[BaseModel]]:
    field = _keys(model).get(str(part))
    return _models(field) if field is not None else []


def _keys(model: type[BaseModel]) -> dict[str, Any]:
    fields = model.model_fields.items()
    return {field.alias or name: field.annotation for name, field in fields}


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]
