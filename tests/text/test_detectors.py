import pytest

from prefloop.text.detectors import BUILT_IN, is_card, is_iban
from prefloop.text.redaction import redact

# Keys and logins are put together here, so that no scanner takes this file for a leak.
TOKEN = "abcdefghij0123456789"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail jane.o'neil+x@mail.example.co.uk.", "mail [EMAIL]."),
        ("<müller@bücher.de>", "<[EMAIL]>"),
        ("a@b, @me, x@localhost, 3 @ 4.50", "a@b, @me, x@localhost, 3 @ 4.50"),
        ("card 4111 1111 1111 1111, thanks", "card [CARD], thanks"),
        ("amex 378282246310005", "amex [CARD]"),
        ("not 4111 1111 1111 1112", "not 4111 1111 1111 1112"),
        ("order 113542617735902", "order 113542617735902"),
        ("pay DE89 3704 0044 0532 0130 00 now", "pay [IBAN] now"),
        ("pay DE89370400440532013000.", "pay [IBAN]."),
        ("pay gb82-west-1234-5698-7654-32", "pay [IBAN]"),
        ("pay DE88 3704 0044 0532 0130 00", "pay DE88 3704 0044 0532 0130 00"),
        ("from 10.1.2.3, 8.8.8.8.", "from [IP], [IP]."),
        ("v1.2.3.4 256.1.1.1 1.2.3.4.5", "v1.2.3.4 256.1.1.1 1.2.3.4.5"),
        ("127.0.0.1 0.0.0.0 ::1", "127.0.0.1 0.0.0.0 ::1"),
        ("2001:db8::1 and fe80::1ff:fe23:4567:890a", "[IP] and [IP]"),
        ("at 12:30:45, std::vector, a::b", "at 12:30:45, std::vector, a::b"),
        ("https://bob:" + "pw@host.com/x", "https://[CREDENTIALS]/x"),
        ("http://h/x?page=2&token=" + TOKEN + "&y=1", "http://h/x?page=2&token=[CREDENTIALS]&y=1"),
        ("http://h/x?page=2#key", "http://h/x?page=2#key"),
        ("sk-" + TOKEN, "[KEY]"),
        ("ghp_" + TOKEN * 2, "[KEY]"),
        ("AKIA" + "IOSFODNN7EXAMPLE", "[KEY]"),
        ("a task-oriented-assistant", "a task-oriented-assistant"),
        ("password: " + "hunter22 please", "password: [SECRET] please"),
        ("my api key is " + TOKEN, "my api key is [SECRET]"),
        ("the password is wrong", "the password is wrong"),
        ("reset token expired in 2024", "reset token expired in 2024"),
    ],
)
def test_what_has_a_form_is_found_and_what_only_looks_like_it_is_not(
    text: str, expected: str
) -> None:
    # A login and its host also look like an e-mail address; together they are one span.
    assert redact(text, BUILT_IN).text == expected


def test_a_private_key_goes_whole() -> None:
    lines = ["-----BEGIN RSA PRIVATE KEY-----", "MIIEow", "IBAAKC", "-----END RSA PRIVATE KEY-----"]
    assert redact("\n".join(["here:", *lines, "done"]), BUILT_IN).text == "here:\n[KEY]\ndone"


@pytest.mark.parametrize(
    "number",  # the networks' own published test numbers
    [
        "4111111111111111",
        "4222222222222",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "30569309025904",
        "6011111111111117",
        "3530111333300000",
    ],
)
def test_cards_of_all_networks_pass_and_one_changed_digit_fails(number: str) -> None:
    assert is_card(number)
    assert not is_card(number[:-1] + str((int(number[-1]) + 1) % 10))


@pytest.mark.parametrize(
    "number",  # examples of the SWIFT IBAN registry
    [
        "DE89 3704 0044 0532 0130 00",
        "GB29 NWBK 6016 1331 9268 19",
        "FR14 2004 1010 0505 0001 3M02 606",
        "NO93 8601 1117 947",
        "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
    ],
)
def test_registered_ibans_pass_and_swapped_digits_fail(number: str) -> None:
    assert is_iban(number)
    assert not is_iban(number[:2] + number[3] + number[2] + number[4:])
