"""When the screen asks an annotator for reasons."""

from collections.abc import Mapping

from prefloop.annotation.campaigns import CampaignSettings
from prefloop.annotation.judgments import Submission
from prefloop.core.errors import BadInput

__all__ = ["contradicts", "require"]


def contradicts(choice: int, dimensions: Mapping[str, int]) -> bool:
    """Whether an overall choice (1, 2, 0 for a tie) goes against the choices per dimension.

    A preference does when more dimensions favor the other response; a tie does when all of them
    favor the same one.
    """
    ones = sum(said == 1 for said in dimensions.values())
    twos = sum(said == 2 for said in dimensions.values())
    if choice == 0:
        return bool(dimensions) and len(dimensions) in (ones, twos)
    return twos > ones if choice == 1 else ones > twos


def require(settings: CampaignSettings, sent: Submission) -> None:
    """Raise BadInput where the campaign asks for reasons and there are none."""
    if sent.rationale.strip() or settings.rationale == "optional":
        return
    if settings.rationale == "required":
        raise BadInput("this campaign asks for a rationale: say why in a sentence")
    if contradicts(sent.choice, sent.dimensions):
        raise BadInput("the overall choice goes against the dimensions: say why in a sentence")
