"""What is truly so at the desk: how much better off customers are with one policy than another.

Only a simulation has such an oracle. It tells whether the gates, which see what any team would see,
decided rightly; nothing that is trained or decided ever reads it.
"""

from dataclasses import dataclass

import numpy as np

from prefloop.core.digest import rng
from prefloop.core.records import Estimate
from prefloop.flows import improve
from prefloop.flows.project import Project
from prefloop.sandbox.preferences import V2
from prefloop.sandbox.questions import draw_prompts
from prefloop.stats.intervals import student_mean
from prefloop.store.artifacts import Artifact

__all__ = ["PROBES", "Truth", "truth"]

PROBES = 2000


@dataclass(frozen=True, slots=True)
class Truth:
    """Mean true utility, candidate minus baseline, over all probes and for each intent."""

    utility: Estimate
    topics: dict[str, Estimate]

    @property
    def better(self) -> bool:
        """Customers are better off as a whole, and none of the intents is served worse."""
        worse = [name for name, found in self.topics.items() if found.high < 0]
        return self.utility.low > 0 and not worse


def truth(
    project: Project,
    candidate: Artifact,
    baseline: Artifact,
    temperature: float,
    seed: int,
    probes: int = PROBES,
) -> Truth:
    """Ask both policies `probes` questions nobody trained on, at the temperature users are
    answered at, and look the true utilities up.

    The truth is what customers need, accuracy included, whatever the specification of the day.
    """
    prompts = draw_prompts(int(rng(seed, "oracle").integers(2**31)), probes, reserved=True)
    utilities: list[np.ndarray] = []
    for number, policy in enumerate((candidate, baseline)):
        draw = int(rng(seed, "oracle", number).integers(2**31))
        said = improve.sampler(project, policy, temperature=temperature)(prompts, draw)
        known = [V2.utility(p, text) for p, text in zip(prompts, said, strict=True)]
        utilities.append(np.array(known))
    gained = utilities[0] - utilities[1]
    topics = np.array([prompt.topic for prompt in prompts])
    return Truth(
        student_mean(gained),
        {topic: student_mean(gained[topics == topic]) for topic in dict.fromkeys(topics.tolist())},
    )
