"""Every operation of the OpenAPI document, called with generated requests: no 5xx, nothing undocumented.

Half of the requests name things that exist, so that they get further than "not found".
"""

import os
import random

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = int(os.environ.get("BACKSTAY_SCHEMA_EXAMPLES", "25"))
TIMEOUT_SECONDS = 20

# Where things that can be named by a path parameter are listed.
LISTS = {
    "workspaces": "/api/v1/workspaces",
    "snapshots": "/api/v1/snapshots",
    "tasks": "/api/v1/tasks",
    "operations": "/api/v1/operations",
    "users": "/api/v1/users",
    "tenants": "/api/v1/tenants",
    "webhooks": "/api/v1/webhooks",
}
# Answers that do not end: they have tests of their own.
ENDLESS = r"/(stream|output)$"


@pytest.fixture(scope="module")
def document(server, workspace):
    """The schema of the live server, which by then has something to show."""
    return schemathesis.openapi.from_url(f"{server.url}/api/openapi.json", headers=server.headers())


@pytest.fixture(scope="module")
def existing(server, workspace):
    """Ids of things that exist, by the collection they are in."""
    known = {"workspaces": [workspace[0]], "snapshots": list(workspace[1])}
    # Without a run all of training is 503, as its dashboards expect.
    made = server.call("POST", "/api/v1/training/runs", json={"name": "schema", "params": {"max_epochs": 50}})
    assert made.status_code == 201, made.text
    for collection, path in LISTS.items():
        answer = server.call("GET", path)
        if answer.status_code != 200:
            continue
        items = next((value for value in answer.json().values() if isinstance(value, list)), [])
        known.setdefault(collection, []).extend(item["id"] for item in items if "id" in item)
    return {collection: ids for collection, ids in known.items() if ids}


schema = schemathesis.pytest.from_fixture("document").exclude(path_regex=ENDLESS)


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_operation(case, server, existing):
    name_existing(case, existing)
    try:
        answer = case.call(headers=server.headers(), timeout=TIMEOUT_SECONDS)
    except requests.Timeout:
        pytest.fail(f"{case.method} {case.formatted_path} did not answer within {TIMEOUT_SECONDS} seconds")
    # An address that is too long names no operation.
    if answer.status_code != 414:
        case.validate_response(answer, checks=CHECKS)
    assert server.process.poll() is None, "the server ended"


def name_existing(case, existing):
    """Puts an id that exists into the path of every other request that changes nothing or only adds."""
    parts = case.path.strip("/").split("/")
    choice = random.Random(repr((case.path_parameters, case.query, case.method)))
    if case.method == "DELETE" or choice.random() < 0.5:
        return
    for position, part in enumerate(parts):
        ids = existing.get(parts[position - 1], []) if position else []
        if part.startswith("{") and ids:
            case.path_parameters[part.strip("{}")] = choice.choice(ids)


def test_document_names_every_answer(server):
    """An operation that needs permission documents the refusals, and errors are problem details."""
    document = requests.get(f"{server.url}/api/openapi.json", timeout=10).json()
    assert document["openapi"].startswith("3.1")
    missing = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method not in ("get", "post", "put", "patch", "delete", "head"):
                continue
            secured = operation.get("security", document.get("security", []))
            if secured and {} not in secured and "401" not in operation["responses"]:
                missing.append(f"{method.upper()} {path}: 401")
            for status, response in operation["responses"].items():
                content = response.get("content", {})
                if status[0] in "45" and content and "application/problem+json" not in content:
                    missing.append(f"{method.upper()} {path}: {status} is no problem document")
    assert not missing
