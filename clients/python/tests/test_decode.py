"""Values from JSON."""

import datetime
from dataclasses import dataclass

import pytest

from backstay._decode import decode, to_datetime
from backstay._request import to_json, to_time
from backstay.errors import DecodeError

UTC = datetime.timezone.utc


@dataclass(frozen=True)
class Inner:
    at: datetime.datetime


@dataclass(frozen=True)
class Outer:
    name: str
    inner: tuple[Inner, ...] = ()
    size: float | None = None
    counts: dict[str, int] | None = None


def test_members_that_are_not_known_are_ignored():
    assert decode(Outer, {"name": "a", "later": 1}) == Outer("a")


def test_nesting():
    value = {"name": "a", "inner": [{"at": "2026-01-08T09:30:00.123456789Z"}], "size": 2, "counts": {"x": 1}}
    at = datetime.datetime(2026, 1, 8, 9, 30, 0, 123456, UTC)
    assert decode(Outer, value) == Outer("a", (Inner(at),), 2, {"x": 1})


@pytest.mark.parametrize(
    "value",
    [None, [], {}, {"name": 1}, {"name": None}, {"name": "a", "inner": {}}, {"name": "a", "inner": [{"at": "now"}]},
     {"name": "a", "inner": [{"at": 1}]}, {"name": "a", "counts": {"x": True}}, {"name": "a", "counts": []}],
)  # fmt: skip
def test_what_does_not_fit_is_named(value):
    with pytest.raises(DecodeError):
        decode(Outer, value)


@pytest.mark.parametrize("text", ["2026-01-08T09:30:00Z", "2026-01-08T09:30:00.5Z", "2026-01-08T10:30:00+01:00"])
def test_times(text):
    assert to_datetime(text).astimezone(UTC).replace(microsecond=0) == datetime.datetime(2026, 1, 8, 9, 30, tzinfo=UTC)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        to_time(datetime.datetime(2026, 1, 8))
    berlin = datetime.timezone(datetime.timedelta(hours=1))
    assert to_time(datetime.datetime(2026, 1, 8, 1, tzinfo=berlin)) == "2026-01-08T00:00:00Z"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": "\ud800"}])
def test_what_is_no_json_is_not_sent(value):
    with pytest.raises(ValueError, match="cannot be sent"):
        to_json(value)


def test_json_is_sent_as_it_is():
    assert (
        to_json({"b": 2**70, "a": "\x00ü", "f": 1.0}) == '{"b":1180591620717411303424,"a":"\\u0000ü","f":1.0}'.encode()
    )
