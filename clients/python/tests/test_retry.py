"""When a request is sent again, without a server: the rule is a pure function."""

import pytest

from backstay.errors import TransportError, api_error
from backstay.retry import RetryPolicy


def problem(status, retry_after_s=None):
    return api_error(status, {}, request_id="", retry_after_s=retry_after_s)


def lost(may_have_happened):
    return TransportError("POST", "/", "http://h", "broke", may_have_happened=may_have_happened)


def pause(error, attempt=1, repeatable=True, random=lambda: 1.0, **policy):
    return RetryPolicy(**policy).pause_s(attempt, error, repeatable=repeatable, random=random)


def test_pauses_grow_are_bounded_and_end():
    pauses = [pause(problem(503), attempt, attempts=8, longest_pause_s=1) for attempt in range(1, 9)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1, 1, 1, None]


def test_jitter_is_at_most_half():
    assert pause(problem(503), random=lambda: 0.0) == 0.05
    assert 0.05 < pause(problem(503), random=lambda: 0.5) < 0.1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 413, 422, 500, 507])
def test_a_refusal_is_final(status):
    assert pause(problem(status)) is None


@pytest.mark.parametrize(("status", "repeatable", "again"), [
    (429, False, True), (503, False, True), (502, False, False), (504, False, False), (502, True, True),
    (504, True, True),
])  # fmt: skip
def test_what_the_server_did_not_do_may_be_repeated(status, repeatable, again):
    assert (pause(problem(status), repeatable=repeatable) is not None) == again


def test_a_lost_answer_is_repeated_only_where_that_is_harmless():
    assert pause(lost(True), repeatable=False) is None
    assert pause(lost(True), repeatable=True) is not None
    assert pause(lost(False), repeatable=False) is not None


def test_the_server_names_the_pause():
    assert pause(problem(429, 3.0)) == 3.0
    assert pause(problem(429, 0.0)) == 0.0
    assert pause(problem(429, 300.0)) is None


@pytest.mark.parametrize("policy", [{"attempts": 0}, {"first_pause_s": -1}, {"longest_pause_s": -1}])
def test_a_policy_makes_sense(policy):
    with pytest.raises(ValueError):
        RetryPolicy(**policy)
