"""What has a form and can be checked: addresses, account numbers, credentials.

Each detector is a pattern that proposes and, where the thing has a check digit or a grammar, a
check that decides. Patterns are bounded, so that no text takes more than linear time.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from re import Match, Pattern

from prefloop.text.spans import Detector, Span

__all__ = ["BUILT_IN", "Iban", "Matching", "is_card", "is_iban", "is_public_address"]


@dataclass(frozen=True, slots=True)
class Matching:
    """A pattern, which proposes its group `it` or all of itself, and a check, which decides."""

    name: str
    kind: str
    pattern: Pattern[str]
    check: Callable[[str], bool] = bool

    def find(self, text: str) -> Iterator[Span]:
        group = "it" if "it" in self.pattern.groupindex else 0
        for match in self.pattern.finditer(text):
            if self.check(match[group]):
                yield Span(match.start(group), match.end(group), self.kind)


def is_card(text: str) -> bool:
    """Whether a number begins like a payment card's, is as long, and passes Luhn (ISO/IEC 7812)."""
    digits = re.sub(r"\D", "", text)
    return bool(_CARD_RANGES.fullmatch(digits)) and _luhn(digits)


_CARD_RANGES = re.compile(
    r"4\d{12}(\d{3}){0,2}"  # Visa: 13, 16 or 19
    r"|5[1-5]\d{14}|2(22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(0[0-5]|[68]\d)\d{11,16}"  # Diners Club
    r"|(6011|64[4-9]\d|65\d\d|62\d\d|81\d\d)\d{12,15}"  # Discover, UnionPay
    r"|35(2[89]|[3-8]\d)\d{12,15}"  # JCB
    r"|(50|5[6-8]|6\d)\d{10,17}"  # Maestro
)


def _luhn(digits: str) -> bool:
    doubled = [int(d) * 2 for d in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(n - 9 * (n > 9) for n in doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether the check digits are right: the rearranged number is 1 modulo 97 (ISO 13616)."""
    bare = re.sub(r"[ -]", "", text).upper()
    if not re.fullmatch(r"[A-Z]{2}\d\d[A-Z0-9]{11,30}", bare, re.ASCII):
        return False
    return int("".join(str(int(letter, 36)) for letter in bare[4:] + bare[:4])) % 97 == 1


class Iban:
    """International bank account numbers, in groups or in one piece."""

    name = "iban"
    _PATTERN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d\d(?:[ -]?[A-Za-z0-9]){11,30}", re.ASCII)

    def find(self, text: str) -> Iterator[Span]:
        for match in self._PATTERN.finditer(text):
            end = self._end(text, match)
            if end:
                yield Span(match.start(), end, "IBAN")

    def _end(self, text: str, match: Match[str]) -> int:
        """Where it ends: words may follow that look like more of it, so the longest right one."""
        for end in range(match.end(), match.start() + 14, -1):
            at_edge = end == len(text) or not text[end].isalnum()
            if at_edge and text[end - 1].isalnum() and is_iban(text[match.start() : end]):
                return end
        return 0


def is_public_address(text: str) -> bool:
    """Whether this is an IP address, other than the machine's own (127.0.0.1, ::1, 0.0.0.0)."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def _is_ipv6(text: str) -> bool:
    return any(c.isdigit() for c in text) and is_public_address(text)


def _mixes(text: str) -> bool:
    """A secret has letters and digits; words after "password:" have not."""
    return any(c.isdigit() for c in text) and any(c.isalpha() for c in text)


_KEYS = re.compile(
    r"\b(?:"
    r"sk-[A-Za-z0-9_-]{16,200}"  # OpenAI, Anthropic
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{16,200}"  # Stripe
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}"  # AWS
    r"|gh[pousr]_[A-Za-z0-9]{36,200}|github_pat_\w{22,200}"  # GitHub
    r"|glpat-[\w-]{20,200}"  # GitLab
    r"|hf_[A-Za-z0-9]{30,200}"  # Hugging Face
    r"|xox[abprs]-[A-Za-z0-9-]{10,200}"  # Slack
    r"|AIza[\w-]{35}"  # Google
    r"|eyJ[\w-]{10,2000}\.eyJ[\w-]{10,2000}\.[\w-]{10,1000}"  # JSON Web Token
    r")(?![\w-])",
    re.ASCII,
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?P<what>[A-Z ]{0,30})PRIVATE KEY-----"
    r"[A-Za-z0-9+/=\s:,-]{0,8000}?-----END (?P=what)PRIVATE KEY-----"
)
_SAID = re.compile(
    r"(?i)\b(?:password|passwd|pwd|passphrase|secret|api[ _-]?key|access[ _-]?token|token)"
    r"(?: is |\s{0,3}[:=]\s{0,3})[\"'`]?(?P<it>[^\s\"'`,;&]{6,200})"
)
_EMAIL = re.compile(r"(?<![\w.+%'-])[\w.+%'-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])")
_CARD = re.compile(r"(?<![\w.,-])\d(?:[ -]?\d){11,18}(?![\w-])", re.ASCII)
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)", re.ASCII)
_IPV6 = re.compile(
    r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:(?:\.\d{1,3}){3})?(?![\w:])"
)
_USERINFO = re.compile(
    r"\b[A-Za-z][A-Za-z0-9+.-]{0,20}://(?P<it>[^\s/@:?#]{0,100}:[^\s/@]{1,100})@"
)
_QUERY = re.compile(
    r"(?i)[?&;](?:access_token|api_?key|auth|key|passw(?:or)?d|secret|sig|signature|token)="
    r"(?P<it>[^\s&#;]{4,500})"
)

# In the order of what is worst to leave in a text.
BUILT_IN: tuple[Detector, ...] = (
    Matching("private key", "KEY", _PRIVATE_KEY),
    Matching("key", "KEY", _KEYS, _mixes),
    Matching("url login", "CREDENTIALS", _USERINFO),
    Matching("url secret", "CREDENTIALS", _QUERY),
    Matching("said secret", "SECRET", _SAID, _mixes),
    Matching("card", "CARD", _CARD, is_card),
    Iban(),
    Matching("email", "EMAIL", _EMAIL),
    Matching("ipv4", "IP", _IPV4, is_public_address),
    Matching("ipv6", "IP", _IPV6, _is_ipv6),
)
