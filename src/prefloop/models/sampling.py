"""How completions are drawn, and what comes back. No torch, so that every room can say it."""

from dataclasses import dataclass

from prefloop.core.errors import BadInput

__all__ = ["Sampled", "Sampling"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How completions are drawn. Temperature 0 takes the likeliest token each time.

    `top_p` keeps the likeliest tokens that together hold this probability, `top_k` the k
    likeliest (0: all). `width` is how many completions are decoded side by side; it changes the
    speed and the memory, not the distribution. Raises BadInput for a value out of its range.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    max_new_tokens: int = 256
    width: int = 256

    def __post_init__(self) -> None:
        for name, right, wanted in (
            ("temperature", 0 <= self.temperature < float("inf"), "at least 0"),
            ("top_p", 0 < self.top_p <= 1, "above 0 and at most 1"),
            ("top_k", self.top_k >= 0, "at least 0 (0 keeps every token)"),
            ("max_new_tokens", self.max_new_tokens >= 1, "at least 1"),
            ("width", self.width >= 1, "at least 1"),
        ):
            if not right:
                value = getattr(self, name)
                raise BadInput(f"sampling: {name} is {value}: give a number that is {wanted}")


@dataclass(frozen=True, slots=True)
class Sampled:
    """One drawn completion.

    `token_ids` holds the end marker where there is one, `text` never does. `logprob` is the sum
    over `token_ids` in nats under the policy itself: at temperature 1 and before any cut by
    top_p or top_k, so that draws of different temperatures can be compared.
    """

    text: str
    token_ids: tuple[int, ...]
    logprob: float
    finished: bool
