from hypothesis import given
from hypothesis import strategies as st

from prefloop.core.records import Prompt, PromptSource
from prefloop.prompts.coverage import Line, coverage
from prefloop.prompts.plan import Plan, Range

USAGE, SYNTHETIC, ADVERSARIAL, EXPERT = (
    PromptSource.USAGE,
    PromptSource.SYNTHETIC,
    PromptSource.ADVERSARIAL,
    PromptSource.EXPERT,
)


def some(counts: dict[PromptSource, int], hard: int = 0) -> list[Prompt]:
    sources = [source for source, count in counts.items() for _ in range(count)]
    return [Prompt.of("what is it?", source=s, hard=i < hard) for i, s in enumerate(sources)]


def lines(prompts: list[Prompt], plan: Plan | None = None) -> dict[str, Line]:
    return {line.what: line for line in coverage(prompts, plan or Plan())}


def test_a_mix_as_declared_needs_nothing() -> None:
    found = lines(some({USAGE: 65, SYNTHETIC: 23, ADVERSARIAL: 12}, hard=25), Plan(fewest=0))
    assert all(line.ok and line.add == 0 for line in found.values())
    assert str(found["source usage"]) == "source usage: 65, 65.0% (wanted 60% to 70%)"


def test_what_to_add_mends_all_shares_together() -> None:
    # 100 usage prompts may be 70 % of 143 at most: 43 others. At least .2 x 143 = 28.6, so 29,
    # synthetic and .05 x 143 = 7.15, so 8, adversarial; the other 6 go where most is lacking:
    # adversarial, 8 of a target of 14.7, before synthetic, 29 of 33.
    found = lines(some({USAGE: 100}))
    assert (found["source synthetic"].add, found["source adversarial"].add) == (29, 14)
    assert found["source usage"].add == 0
    assert not found["source usage"].ok
    # of 143 prompts 28.6 should be hard
    assert found["hard cases"].add == 29


def test_a_topic_that_must_be_covered_is_missed() -> None:
    prompts = [Prompt.of("x", topic="billing"), Prompt.of("y", topic="billing")]
    found = lines(prompts, Plan(topics=("refund", "billing"), fewest=2))
    assert str(found["topic refund"]) == "topic refund: 0, 0.0%: add 2"
    assert found["topic billing"].ok
    assert found["complexity conversation"].add == 2


def test_a_source_outside_the_plan_is_shown_and_left_alone() -> None:
    found = lines(some({USAGE: 65, SYNTHETIC: 23, ADVERSARIAL: 12, EXPERT: 9}))
    assert found["source expert (not in the plan)"].count == 9
    assert found["source usage"].share == 0.65


def test_no_prompts_have_no_shares() -> None:
    found = lines([])
    assert found["source usage"].share == 0
    assert found["length short"].add == 5


COUNTS = st.dictionaries(st.sampled_from([USAGE, SYNTHETIC, ADVERSARIAL]), st.integers(0, 400))
PLANS = st.sampled_from(
    [
        Plan(),
        Plan(shares={USAGE: Range(low=0.5, high=0.5), SYNTHETIC: Range(low=0.5, high=0.5)}),
        Plan(shares={USAGE: Range(low=0.5, high=0.6), SYNTHETIC: Range(low=0.5, high=0.9)}),
        Plan(
            shares={
                USAGE: Range(low=0.333, high=0.333),
                SYNTHETIC: Range(low=0.333, high=0.333),
                ADVERSARIAL: Range(low=0.334, high=0.334),
            }
        ),
        Plan(shares={USAGE: Range(low=0, high=1), ADVERSARIAL: Range(low=0, high=0)}),
    ]
)


@given(COUNTS, PLANS)
def test_with_what_is_added_every_share_is_in_its_range(
    counts: dict[PromptSource, int], plan: Plan
) -> None:
    found = coverage(some(counts), plan)
    after = {s: counts.get(s, 0) for s, share in plan.shares.items() if share.high > 0}
    for source in after:
        after[source] += next(line.add for line in found if line.what == f"source {source}")
    total = sum(after.values())
    for source, count in after.items():
        share = plan.shares[source]
        # A range narrower than one prompt is met to within one.
        slack = 0 if (share.high - share.low) * total >= 1 else 1
        assert share.low * total - slack - 1e-6 <= count <= share.high * total + slack + 1e-6
