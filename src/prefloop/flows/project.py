"""A project as its people see it: four readable files, and the ledger beneath.

Everything a flow needs comes from here: the ledger, who is acting, the settings files.
"""

import getpass
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

import prefloop.annotation.tables  # noqa: F401  verify must know every sealed table
from prefloop.core.config import parse_yaml
from prefloop.core.errors import BadInput, Conflict, NotFound
from prefloop.flows.access import AccessSettings
from prefloop.flows.templates import gates_yaml, project_yaml, suite_yaml
from prefloop.gates.thresholds import Gates
from prefloop.spec.playbook import STARTER
from prefloop.store import Ledger, Reader, Transaction, people, project

__all__ = ["Project", "ProjectSettings", "init", "open_project", "read_text"]

FIRST_ROLES = ("admin", "lead", "engineer")


class ProjectSettings(BaseModel):
    """The project's prefloop.yaml."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, description="what this project is called in reports")
    spec: str = Field("spec/main", description="the name its specification is published under")
    database: str | None = Field(
        None, description="postgresql://... ; without it a SQLite file in .prefloop"
    )
    files: str | None = Field(
        None, description="s3://... or gs://... for files; without it a folder in .prefloop"
    )
    seed: int = Field(0, description="where every random choice of this project starts")
    access: AccessSettings = Field(
        default_factory=AccessSettings, description="who gets into the pages, and for how long"
    )


@dataclass(frozen=True)
class Project:
    """An open project and the person who acts."""

    folder: Path
    settings: ProjectSettings
    ledger: Ledger
    actor: str

    def as_(self, actor: str) -> "Project":
        """The same project with somebody else acting."""
        return Project(self.folder, self.settings, self.ledger, actor)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self.ledger.transaction(self.actor) as tx:
            yield tx

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        with self.ledger.reader() as reader:
            yield reader

    @cached_property
    def gates(self) -> Gates:
        """The thresholds of gates.yaml; the defaults where there is no such file."""
        path = self.folder / "gates.yaml"
        return parse_yaml(read_text(path), Gates, str(path)) if path.exists() else Gates()

    def work(self, name: str) -> Path:
        """A folder for the working state of one piece of work."""
        return project.work_folder(self.folder, name)

    def require(self, action: str) -> None:
        """Raise NotPermitted early, before long work begins."""
        with self.reader() as reader:
            people.check_actor(reader, self.actor)
        with self.transaction() as tx:
            people.require(tx, action)


def init(
    folder: Path, name: str | None = None, user: str | None = None, key: bytes | None = None
) -> list[str]:
    """Make a project, or complete one that was left half made; returns what was written.

    Files that are there are kept. Raises Conflict for a project that is whole already.
    """
    wanted = {
        "prefloop.yaml": project_yaml(name or folder.resolve().name or "project"),
        "spec.yaml": STARTER,
        "gates.yaml": gates_yaml(Gates()),
        "suite.yaml": suite_yaml(),
        ".gitignore": ".prefloop/\n",
    }
    missing = [file for file in wanted if not (folder / file).exists()]
    if not missing and project.exists(folder) and _people(folder):
        raise Conflict(f"{folder} is a project already: nothing was changed")
    project.create(folder, key)
    for file in missing:
        (folder / file).write_text(wanted[file], encoding="utf-8")
    if not _people(folder):
        handle = user or _login()
        with closing(_open(folder)) as ledger, ledger.transaction(handle) as tx:
            people.add(tx, handle, FIRST_ROLES)
        missing.append(f"person {handle} ({', '.join(FIRST_ROLES)})")
    return missing


def open_project(folder: Path, actor: str | None = None) -> Project:
    """The project in `folder`. Raises NotFound, and BadInput for a settings file with a fault."""
    path = folder / "prefloop.yaml"
    if not path.exists():
        half = project.exists(folder)
        why = "is half made: prefloop.yaml is missing" if half else "holds no project"
        raise NotFound(f"{folder.resolve()} {why}: prefloop init {folder} makes or completes one")
    settings = _settings(folder)
    ledger = project.open_ledger(folder, settings.database, settings.files)
    return Project(folder, settings, ledger, actor or _login())


def read_text(path: Path) -> str:
    """A text file as a person wrote it, or one clear line about why not."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise BadInput(f"{path} is a folder; a file is needed") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 at byte {error.start}: save it as UTF-8") from error
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error


def _people(folder: Path) -> list[str]:
    if not project.exists(folder) or not (folder / ".prefloop" / "key").exists():
        return []
    with closing(_open(folder)) as ledger, ledger.reader() as reader:
        return people.handles(reader)


def _open(folder: Path) -> Ledger:
    """The ledger where prefloop.yaml says it is: a half-made project may have a server already."""
    settings = _settings(folder)
    return project.open_ledger(folder, settings.database, settings.files)


def _settings(folder: Path) -> ProjectSettings:
    path = folder / "prefloop.yaml"
    return parse_yaml(read_text(path), ProjectSettings, str(path))


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user name
        return "owner"
