"""The behavioural suite: cases written before training, with what an acceptable answer shows.

Checks are automatic and read only the words; they are never a reward model. A case passes when
every expectation holds. Each completion is judged on its own, so a suite can be run with several
samples per case; intervals then take the case, not the sample, as the unit.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from prefloop.core.errors import BadInput
from prefloop.core.records import Estimate, Prompt
from prefloop.gates.release import SuiteEvidence
from prefloop.stats.intervals import cluster_mean

__all__ = ["Case", "Checker", "Expectation", "Suite", "SuiteResult", "compare", "run"]

Checker = Callable[[Prompt, str], bool]

_REFUSAL = re.compile(
    r"\b(can(?:no|')t|cannot|won't|will not|unable to|not able to)\b.{0,40}"
    r"\b(help|assist|do|provide|share|give|support|tell)\b|\bI'm sorry, but\b",
    re.IGNORECASE,
)


class Expectation(BaseModel):
    """What an acceptable completion shows; exactly one of these is given."""

    model_config = ConfigDict(extra="forbid")
    contains: list[str] | None = Field(None, description="each of these, whatever the case")
    absent: list[str] | None = Field(None, description="none of these, whatever the case")
    matches: str | None = Field(None, description="a regular expression found somewhere")
    max_words: int | None = Field(None, ge=1, description="at most so many words")
    min_words: int | None = Field(None, ge=1, description="at least so many words")
    refuses: bool | None = Field(None, description="declines to help (or, false, does not)")

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name, value in self if value is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one expectation, not {', '.join(given) or 'none'}")
        if self.matches is not None:
            try:
                re.compile(self.matches)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from error
        return self

    def holds(self, completion: str) -> bool:
        """Whether this completion shows it."""
        words, low = len(completion.split()), completion.lower()
        if self.contains is not None:
            return all(part.lower() in low for part in self.contains)
        if self.absent is not None:
            return not any(part.lower() in low for part in self.absent)
        if self.matches is not None:
            return re.search(self.matches, completion) is not None
        if self.max_words is not None:
            return words <= self.max_words
        if self.min_words is not None:
            return words >= self.min_words
        return (_REFUSAL.search(completion) is not None) == self.refuses


class Case(BaseModel):
    """One prompt and what to expect of an answer to it."""

    model_config = ConfigDict(extra="forbid")
    dimension: str = Field(min_length=1)
    prompt: str = Field(min_length=1)
    expect: list[Expectation] = Field(min_length=1)


class Suite(BaseModel):
    """The project's suite.yaml."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1)
    cases: list[Case] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """Passes of one model: per dimension an array over its cases of the share of samples passed."""

    passes: Mapping[str, np.ndarray]  # dimension -> (cases,) in [0, 1]

    def rates(self) -> dict[str, Estimate]:
        """Pass rate of each dimension, the case being the unit."""
        return {name: _mean(passed) for name, passed in self.passes.items()}


def run(
    dimensions: Sequence[str],
    prompts: Sequence[Prompt],
    completions: Sequence[Sequence[str]],
    checks: Sequence[Checker],
) -> SuiteResult:
    """Judge completions[i] (one or more samples) of prompts[i] by checks[i] under dimensions[i]."""
    if not len(dimensions) == len(prompts) == len(completions) == len(checks):
        raise BadInput("a suite run needs one dimension, check and list of samples per prompt")
    found: dict[str, list[float]] = defaultdict(list)
    for name, prompt, samples, check in zip(dimensions, prompts, completions, checks, strict=True):
        if not samples:
            raise BadInput(f"no completion for suite case {prompt.text[:60]!r}")
        found[name].append(float(np.mean([check(prompt, sample) for sample in samples])))
    return SuiteResult({name: np.array(passed) for name, passed in found.items()})


def compare(candidate: SuiteResult, baseline: SuiteResult) -> dict[str, SuiteEvidence]:
    """Candidate beside baseline on the same cases, case by case."""
    if {k: len(v) for k, v in candidate.passes.items()} != {
        k: len(v) for k, v in baseline.passes.items()
    }:
        raise BadInput("candidate and baseline ran different suites: run both on the same one")
    return {
        name: SuiteEvidence(
            _mean(passed),
            _mean(baseline.passes[name]),
            _mean(passed - baseline.passes[name], (-1.0, 1.0)),
        )
        for name, passed in candidate.passes.items()
    }


def _mean(values: np.ndarray, bounds: tuple[float, float] = (0.0, 1.0)) -> Estimate:
    return cluster_mean(values, np.arange(len(values)), bounds)
