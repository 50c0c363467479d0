"""A project's suite.yaml as cases that can be run."""

from pathlib import Path

from prefloop.core.config import parse_yaml
from prefloop.core.records import Prompt
from prefloop.evaluation.suite import Case, Checker, Suite
from prefloop.flows import evaluate
from prefloop.flows.evaluate import SuiteCases
from prefloop.flows.project import Project, read_text
from prefloop.store import artifacts, names
from prefloop.store.artifacts import Artifact

__all__ = ["from_file", "keep"]


def from_file(path: Path) -> SuiteCases:
    """The suite in a file; every problem is named with its line."""
    suite = parse_yaml(read_text(path), Suite, str(path))
    return SuiteCases(
        name=suite.name,
        dimensions=[case.dimension for case in suite.cases],
        prompts=[Prompt.of(case.prompt, topic=case.dimension) for case in suite.cases],
        expected=[_said(case) for case in suite.cases],
        checks=[_checker(case) for case in suite.cases],
    )


def keep(project: Project, cases: SuiteCases) -> Artifact:
    """Record the suite beside the project's current specification, where there is one."""
    with project.reader() as reader:
        known = names.versions(reader, project.settings.spec)
        spec = artifacts.get(reader, known[-1]).digest if known else None
    return evaluate.keep_suite(project, cases, spec)


def _checker(case: Case) -> Checker:
    return lambda prompt, completion: all(one.holds(completion) for one in case.expect)


def _said(case: Case) -> str:
    return "; ".join(
        f"{name} {value}"
        for one in case.expect
        for name, value in one.model_dump(exclude_none=True).items()
    )
