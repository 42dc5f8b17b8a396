"""Checks that a webhook comes from the server: Standard Webhooks (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping

from backstay.errors import BackstayError

_PREFIX = "whsec_"


class SignatureError(BackstayError):
    """A webhook is not signed by the holder of the secret, or not now. Answer 401 and do nothing."""


def verify(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    tolerance_s: float = 300.0,
    now: Callable[[], float] = time.time,
) -> str:
    """Checks the signature of a webhook and returns its id, which is the same for every attempt to deliver it.

    `secret` is as it was shown when the webhook or executor was made (`whsec_…`), `body` the bytes as they came.
    Signatures are compared in constant time. Raises `SignatureError` when none of the signatures fits, when a header is
    missing, or when the webhook was signed more than `tolerance_s` from now: it may be a recording.
    """
    key = _key(secret)
    sent = {name.lower(): value for name, value in headers.items()}
    try:
        identifier, timestamp, signatures = (sent[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    except KeyError as missing:
        raise SignatureError(f"the header {missing.args[0]} is missing") from None
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        raise SignatureError("webhook-timestamp is not a time")
    expected = hmac.new(key, f"{identifier}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    fits = False
    for signature in signatures.split(" "):
        version, _, encoded = signature.partition(",")
        # All are compared, whichever fits, so that the time taken tells nothing.
        fits |= version == "v1" and hmac.compare_digest(_decoded(encoded), expected)
    if not fits:
        raise SignatureError("no signature fits: it is another secret, or the body was changed")
    if abs(now() - int(timestamp)) > tolerance_s:
        raise SignatureError(f"the webhook was signed more than {tolerance_s:g} seconds from now")
    return identifier


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError("the secret of a webhook is like whsec_…")
    return key


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return b""
