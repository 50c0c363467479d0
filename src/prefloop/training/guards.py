"""Guards that watch a run at every step: KL over its budget, KL that leaps, a policy that stays."""

from collections.abc import Sequence

from prefloop.training.settings import PPOSettings
from prefloop.training.work import Guard, History

__all__ = ["kl", "kl_budget", "kl_spike", "standstill"]

_STILL = 0.05  # nats: less than this after a third of the run is no movement


def kl(settings: PPOSettings) -> Sequence[Guard]:
    """The guards that PPO always has."""
    return (
        kl_budget(settings.kl_warn, settings.kl_budget, settings.over_budget),
        kl_spike(settings.kl_spike),
        standstill(settings.steps),
    )


def kl_budget(warn: float, budget: float, then: str) -> Guard:
    """Warns on the step that first passes `warn` nats; says `then` on one that passes `budget`."""

    def guard(history: History) -> str | None:
        now, before = history[-1]["kl"], [record["kl"] for record in history[:-1]]
        if now > budget and (then != "warn" or max(before, default=0.0) <= budget):
            return f"{then}: KL is {now:.1f} nats per completion, over the budget of {budget:g}"
        if now > warn >= max(before, default=0.0):
            return f"warn: KL is {now:.1f} nats per completion; the budget is {budget:g}"
        return None

    return guard


def kl_spike(rise: float) -> Guard:
    """Warns where KL rises by more than `rise` nats from one step to the next, and by a quarter:
    where it is large, its estimate alone moves by nats."""

    def guard(history: History) -> str | None:
        if len(history) < 2:
            return None
        now, before = history[-1]["kl"], history[-2]["kl"]
        if now - before > rise and now > 1.25 * before:
            return f"warn: KL leapt from {before:.1f} to {now:.1f} nats: lower learning_rate"
        return None

    return guard


def standstill(steps: int) -> Guard:
    """Warns once, after a third of the run, where the policy has barely moved."""

    def guard(history: History) -> str | None:
        if len(history) != max(2, steps // 3):
            return None
        now = history[-1]["kl"]
        if abs(now) < _STILL:
            return f"warn: KL is {now:.3f} nats: the policy barely moves; raise learning_rate"
        return None

    return guard
