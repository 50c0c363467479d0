"""Long stories told in steps that are remembered: run again, and what is done is not done twice."""

from collections.abc import Callable

from prefloop.core.errors import NotFound
from prefloop.flows.project import Project
from prefloop.store import names
from prefloop.store.artifacts import Artifact

__all__ = ["step"]


def step(project: Project, name: str, make: Callable[[], Artifact]) -> Artifact:
    """The artifact that this step made, now or in an earlier run of the same story."""
    with project.reader() as reader:
        try:
            return names.resolve(reader, f"{name}@v1")
        except NotFound:
            pass
    artifact = make()
    with project.transaction() as tx:
        names.add_version(tx, name, artifact.digest)
    return artifact
