"""Answers that do not end."""

import requests


def test_event_stream_resumes_after_the_last_event(server, workspace):
    first = read_events(server, {}, count=3)
    assert [event["id"] for event in first] == sorted((event["id"] for event in first), key=int)
    rest = read_events(server, {"Last-Event-ID": first[0]["id"]}, count=2)
    assert [event["id"] for event in rest] == [event["id"] for event in first[1:3]]


def test_event_stream_needs_a_caller(server):
    answer = requests.get(f"{server.url}/api/v1/events/stream", timeout=10)
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("application/problem+json")


def read_events(server, headers, count):
    """Reads `count` events of the stream from its beginning, or after the one that the headers name."""
    headers = {"Last-Event-ID": "0", **server.headers(), **headers}
    found, event = [], {}
    with requests.get(f"{server.url}/api/v1/events/stream", headers=headers, stream=True, timeout=20) as answer:
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines(decode_unicode=True):
            if not line and "id" in event:
                found.append(event)
                event = {}
                if len(found) == count:
                    return found
            name, _, value = line.partition(":")
            if name:
                event[name] = value.strip()
    raise AssertionError(f"the stream ended after {len(found)} events")
