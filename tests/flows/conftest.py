"""A project on disk with two people, so that a second one can say yes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from prefloop.flows import project as projects
from prefloop.flows.project import Project
from prefloop.store import people


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """ana founded it (admin, lead, engineer); ben may approve (lead, senior)."""
    folder = tmp_path / "desk"
    projects.init(folder, "desk", "ana", b"k" * 32)
    opened = projects.open_project(folder, "ana")
    with opened.transaction() as tx:
        people.add(tx, "ben", ("lead", "senior"))
    yield opened
    opened.ledger.close()
