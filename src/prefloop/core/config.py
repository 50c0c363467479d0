"""YAML as people write it, turned into a pydantic model, with every problem named by its line.

Departure from PyYAML's defaults: plain scalars follow the YAML 1.2 core schema. So `no`, `on`
and `2024-01-31` are the text that they look like, `1e-3` is a number, and `010` is ten. Aliases
(`*name`) are refused: a file of settings has no need of them, and they can hide an explosion.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from prefloop.core.config_messages import Located, explain
from prefloop.core.errors import BadInput

__all__ = ["parse_yaml"]

T = TypeVar("T", bound=BaseModel)

_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """Composes nodes only; the scalars it recognizes are those of YAML 1.2's core schema."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  PyYAML's own protocol

    def compose_node(self, parent: Any, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, f"the alias *{event.anchor} is not supported; write the value out",
                event.start_mark,
            )  # fmt: skip
        return super().compose_node(parent, index)


for _kind, _pattern in {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9]{1,300}|0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}",
    "float": r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?",
}.items():
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(f"^(?:{_pattern})$"), None)


def parse_yaml(text: str, model: type[T], where: str) -> T:
    """`text` as a `model`; `where` names the file in messages.

    Types are those of JSON and are not guessed: text is never read as a number, nor a number as
    text. Raises BadInput with one line per problem, `where:line: what is wrong: what to do`,
    in the order of the file.
    """
    root = _compose(text, where)
    reading = _Reading([])
    value = {} if root is None else reading.value(root)
    if reading.problems:
        raise _refusal(reading.problems, where)
    try:
        return model.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        problems = explain(error.errors(include_url=False), model, root)
        raise _refusal(problems, where) from error


@dataclass
class _Reading:
    """Plain values out of nodes; what cannot be read is collected, so that all of it is told."""

    problems: list[Located]

    def value(self, node: yaml.Node) -> Any:
        match node:
            case yaml.MappingNode():
                return self._mapping(node)
            case yaml.SequenceNode():
                return [self.value(item) for item in node.value]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        found: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.problems.append((line, "a key must be one word or phrase, not a list"))
            elif key.value in found:
                self.problems.append(
                    (line, f'the key "{key.value}" is here twice (first in line '
                     f"{first[key.value]}): remove one")
                )  # fmt: skip
            else:
                found[key.value], first[key.value] = self.value(value), line
        return found

    def _scalar(self, node: yaml.Node) -> Any:
        text = node.value
        match node.tag.removeprefix(_TAG):
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text, 0 if text[:2] in ("0o", "0x") else 10)
            case "float" if math.isfinite(float(text)):
                return float(text)
            case "str" if text.isascii() or _is_unicode(text):
                return text
            case kind:
                said = {"float": "is beyond what a number can hold", "str": "is not valid Unicode"}
                why = said.get(kind, f"has the tag {node.tag}, which is not supported: remove it")
                self.problems.append((node.start_mark.line + 1, f"{text!r} {why}"))
                return None


def _compose(text: str, where: str) -> yaml.Node | None:
    """The one document in `text` as nodes, which know their lines."""
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
        said = ", ".join(part for part in (error.context, error.problem) if part)
        hint = ": indent with spaces, not tabs" if "'\\t'" in said else ""
        raise BadInput(f"{place}: not valid YAML: {said}{hint}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        raise BadInput(
            f"{where}:{line}:{column}: the character U+{ord(text[error.position]):04X} may not "
            "stand in YAML: remove it"
        ) from error
    except (ValueError, OverflowError) as error:  # chr() of an escape such as "\\UFFFFFFFF"
        raise BadInput(f"{where}: an escape (\\U...) names no character: correct it") from error
    except RecursionError as error:
        raise BadInput(f"{where}: nested too deeply to be read: flatten it") from error


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _refusal(problems: list[Located], where: str) -> BadInput:
    lines = dict.fromkeys(
        f"{where}:{line}: {' '.join(said.splitlines())}" for line, said in sorted(problems)
    )
    return BadInput("\n".join(lines))
