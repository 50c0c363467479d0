"""Passwords: what is refused, what is kept, and how they are told from others."""

import pytest

from prefloop.core.errors import BadInput, NotFound
from prefloop.store import Ledger, passwords, people


def give(ledger: Ledger, password: str) -> None:
    """Cleo with this password."""
    with ledger.transaction("ana") as tx:
        if not people.handles(tx):
            people.add(tx, "ana", ("admin",))
            people.add(tx, "cleo", ("annotator",))
        passwords.set_hash(tx, "cleo", passwords.hashed("cleo", password))


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("eleven char", "at least 12"),
        ("x" * 1001, "at most 1000"),
        ("cleocleocleo", "little more than the name"),
        ("Cleo1234cleo", "little more than the name"),
        ("aaaaaaaaaaaa", "first that are guessed"),
        ("123412341234", "first that are guessed"),
        ("password1234", "first that are guessed"),
        ("PasswordPassword", "first that are guessed"),
    ],
)
def test_a_password_that_is_guessed_first_is_refused(password: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        passwords.hashed("cleo", password)


@pytest.mark.parametrize(
    "password", ["twelve chars", "zwölf Zeichen", "密码" * 6 + "abcde", "🦊🐻🐼🐨🐯🦁" * 2]
)
def test_no_composition_is_asked_for(password: str) -> None:
    assert passwords.hashed("al", password).startswith("$argon2id$")


def test_a_password_fits_however_the_keyboard_composes_it(sqlite_ledger: Ledger) -> None:
    give(sqlite_ledger, "caf\u00e9 caf\u00e9 caf\u00e9 bar")
    assert passwords.fits(sqlite_ledger, "cleo", "cafe\u0301 cafe\u0301 cafe\u0301 bar")
    for other in ("", "\x00", "\ud800", "x" * 5000):
        assert not passwords.fits(sqlite_ledger, "cleo", other)


def test_a_new_password_is_the_only_one(ledger: Ledger) -> None:
    give(ledger, "the first sentence")
    give(ledger, "the second sentence")
    assert not passwords.fits(ledger, "cleo", "the first sentence")
    assert passwords.fits(ledger, "cleo", "the second sentence")
    with ledger.reader() as reader:
        assert passwords.exists(reader, "cleo")
        assert not passwords.exists(reader, "ana")


def test_somebody_without_one_has_none_that_fits(ledger: Ledger) -> None:
    give(ledger, "the first sentence")
    for handle in ("ana", "nobody"):
        for password in ("", "the first sentence", "\x00nobody"):
            assert not passwords.fits(ledger, handle, password)
    with pytest.raises(NotFound), ledger.transaction("ana") as tx:
        passwords.set_hash(tx, "nobody", "hash")


def test_the_same_password_is_kept_differently_each_time() -> None:
    kept = {passwords.hashed("cleo", "the first sentence") for _ in range(2)}
    assert len(kept) == 2
