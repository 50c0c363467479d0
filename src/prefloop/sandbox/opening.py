"""The folder of a demo: made, found again, or refused untouched."""

from pathlib import Path

from prefloop.core.digest import digest
from prefloop.core.errors import Conflict
from prefloop.flows import project as projects
from prefloop.flows.project import Project
from prefloop.sandbox import desk
from prefloop.sandbox.spec import SPEC_V1, as_yaml

__all__ = ["open_demo"]


def open_demo(folder: Path, seed: int) -> Project:
    """The demo's project; its key follows from the seed, so that the same seed gives the same
    digests. (A real project's key is random and secret; nothing here is anybody's.)"""
    name = f"support desk, seed {seed}"
    if not (folder / "prefloop.yaml").exists():
        if folder.exists() and not folder.is_dir():
            raise Conflict(f"{folder} is a file: name another folder for the demo")
        others = [p for p in folder.iterdir() if p.name != ".prefloop"] if folder.exists() else []
        if others:
            raise Conflict(f"{folder} is not empty and holds no demo: name another folder")
        folder.mkdir(parents=True, exist_ok=True)
        projects.init(folder, name, desk.LEAD, bytes.fromhex(digest(["demo", seed])))
        (folder / "spec.yaml").write_text(as_yaml(SPEC_V1), encoding="utf-8")
        (folder / "suite.yaml").unlink()  # the desk's suite is marked by its own parser
    project = projects.open_project(folder, desk.LEAD)
    if project.settings.name != name:
        raise Conflict(
            f"{folder} holds {project.settings.name!r}: name another folder for seed {seed}"
        )
    return project
