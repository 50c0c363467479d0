"""Phone numbers, by the numbering plans in the `phonenumbers` package (extra `data`)."""

from collections.abc import Iterator
from importlib.util import find_spec

from prefloop.core.errors import MissingExtra
from prefloop.text.spans import Span

__all__ = ["Phone", "phones_available"]


def phones_available(required: bool = False) -> bool:
    """Whether phone numbers can be found here. Raises MissingExtra where they are required."""
    there = find_spec("phonenumbers") is not None
    if required and not there:
        raise MissingExtra("finding phone numbers needs an extra: pip install 'prefloop[data]'")
    return there


class Phone:
    """Numbers valid in a numbering plan: international ones, and those of one region."""

    name = "phone"

    def __init__(self, region: str = "US") -> None:
        self.region = region

    def find(self, text: str) -> Iterator[Span]:
        import phonenumbers  # slow to load, and in an extra

        for match in phonenumbers.PhoneNumberMatcher(text, self.region):
            yield Span(match.start, match.end, "PHONE")
