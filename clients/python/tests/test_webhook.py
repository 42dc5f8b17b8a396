"""Signatures, by the example of the specification, which the server's own tests share."""

import pytest

from backstay.webhook import SignatureError, verify

# The example of https://github.com/standard-webhooks/standard-webhooks.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
HEADERS = {
    "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "Webhook-Timestamp": "1614265330",
    "Webhook-Signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def at_the_time():
    return 1614265330.0


def check(headers=None, body=BODY, secret=SECRET, now=at_the_time, **options):
    return verify(secret, {**HEADERS, **(headers or {})}, body, now=now, **options)


def test_the_example_of_the_specification():
    assert check() == "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_one_of_several_signatures_is_enough():
    both = "v1a,xx v1,AAAA " + HEADERS["Webhook-Signature"]
    assert check({"Webhook-Signature": both}) == HEADERS["Webhook-Id"]


@pytest.mark.parametrize(
    "change",
    [
        {"body": b'{"test": 2432232315}'},
        {"secret": "whsec_" + "A" * 32},
        {"headers": {"Webhook-Id": "msg_other"}},
        {"headers": {"Webhook-Timestamp": "1614265331"}},
        {"headers": {"Webhook-Timestamp": "soon"}},
        {"headers": {"Webhook-Timestamp": "9" * 40}},
        {"headers": {"Webhook-Signature": ""}},
        {"headers": {"Webhook-Signature": "v1,"}},
        {"headers": {"Webhook-Signature": "v2," + HEADERS["Webhook-Signature"][3:]}},
        {"headers": {"Webhook-Signature": "v1,not base64"}},
        {"now": lambda: 1614265330 + 301.0},
        {"now": lambda: 1614265330 - 301.0},
    ],
)
def test_anything_else_is_refused(change):
    with pytest.raises(SignatureError):
        check(**change)


@pytest.mark.parametrize("missing", list(HEADERS))
def test_every_header_is_needed(missing):
    with pytest.raises(SignatureError, match=missing.lower()):
        verify(SECRET, {name: value for name, value in HEADERS.items() if name != missing}, BODY, now=at_the_time)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64"])
def test_a_secret_that_is_none_is_a_mistake_of_the_caller(secret):
    with pytest.raises(ValueError):
        check(secret=secret)
