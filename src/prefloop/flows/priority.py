"""What to ask people next: where a reward model cannot tell, or where it and people disagree."""

from scipy.special import expit

from prefloop.annotation import batches, campaigns, queries
from prefloop.annotation.campaigns import Campaign
from prefloop.annotation.priority import prioritise
from prefloop.core.errors import BadInput
from prefloop.core.records import Prompt
from prefloop.flows import models
from prefloop.flows.ppo import scorer
from prefloop.flows.project import Project
from prefloop.store import texts
from prefloop.store.artifacts import Artifact
from prefloop.store.engine import Reader
from prefloop.store.rows import read_prompt

__all__ = ["by_reward", "worth"]

_WORTH = {"a": 1.0, "tie": 0.5, "b": 0.0}
_Item = tuple[Prompt, str, str]


def by_reward(project: Project, name: str, reward: Artifact) -> int:
    """Have a campaign's open comparisons judged in the order in which `reward` says they are worth
    it; returns how many were scored. Raises BadInput where nothing is open."""
    from prefloop.models.load import load_reward_model

    project.require("campaign.request")
    models.reward(reward)
    with project.reader() as reader:
        campaign = campaigns.get(reader, name)
        open_, votes = _open(reader, campaign), _votes(reader, campaign)
    if not open_:
        raise BadInput(f"campaign {name} has no comparisons that are still to be judged")
    rewards = scorer(load_reward_model(models.fetch(project, reward)), reward)
    of_a = rewards([(prompt, a) for prompt, a, _ in open_.values()])
    of_b = rewards([(prompt, b) for prompt, _, b in open_.values()])
    scores = {
        comparison: worth(float(chance), votes.get(comparison))
        for comparison, chance in zip(open_, expit(of_a - of_b), strict=True)
    }
    with project.transaction() as tx:
        prioritise(tx, campaigns.get(tx, name), scores, source=reward.digest)
    return len(scores)


def worth(chance: float, votes: float | None) -> float:
    """How much a judgment would tell, 0 to 1. `chance` is the reward model's for a; `votes` the
    share of a among those who judged it (a tie is half), None where nobody has.

    Without votes it is how near the model is to a coin; with them, how far it is from people.
    """
    return 1 - abs(2 * chance - 1) if votes is None else abs(chance - votes)


def _open(reader: Reader, campaign: Campaign) -> dict[str, _Item]:
    """The comparisons with places still free: prompt, a, b. Those with an erased text are left."""
    rows = queries.comparisons(reader, queries.open_work(reader, campaign.id))
    words = texts.get_many(
        reader,
        {
            name
            for row in rows.values()
            for name in (row.a, row.b, *(message["text"] for message in row.messages))
        },
    )
    found = {}
    for name in sorted(rows):
        row = rows[name]
        a, b = words[row.a], words[row.b]
        if a is not None and b is not None:
            prompt = read_prompt({"messages": row.messages, "facts": row.facts}, words)
            found[name] = (prompt, a, b)
    return found


def _votes(reader: Reader, campaign: Campaign) -> dict[str, float]:
    """Share of a among the judgments so far."""
    found = {}
    for row in batches.so_far(reader, campaign):
        said = [_WORTH[j["verdict"]] for j in row["judgments"] if queries.counts(j["purpose"])]
        if said:
            found[row["comparison"]] = sum(said) / len(said)
    return found
