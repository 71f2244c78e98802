"""Whatever the document allows, and what it does not: no server error, no answer it does not describe."""

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.support.inprocess import BASE, App

STREAMS = r"/events$|/wake$"  # answers that do not end by themselves
EXAMPLES, AT_DEPTH = 5, 60  # of each operation and mode


def submit(app: App) -> None:
    """Store two searches, so that some generated ids exist."""
    space = {"x": {"scale": "linear", "low": 0, "high": 1}}
    spec = {"name": "seen", "trainer": "external", "space": space, "budget": {"trials": 3}}
    for _ in range(2):
        assert app.request("POST", "/api/v1/searches", json=spec).status_code == 201


def call(app: App, case: schemathesis.Case) -> None:
    arguments = {k: v for k, v in case.as_transport_kwargs(base_url=BASE).items() if v is not None}
    method, url = arguments.pop("method"), arguments.pop("url")
    arguments.pop("cookies", None)
    if "data" in arguments:
        arguments["content"] = arguments.pop("data")
    try:
        answer = app.request(method, url, **arguments)
    except httpx.InvalidURL:  # longer than a client sends
        return
    assert answer.status_code < 500, (method, url, arguments, answer.text)
    if answer.status_code >= 400 and method != "HEAD":
        assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
        assert set(answer.json()) == {"type", "title", "status", "detail", "errors"}
    case.validate_response(answer, checks=[response_schema_conformance, content_type_conformance])


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["valid", "invalid"])
@pytest.mark.parametrize("examples", [EXAMPLES, pytest.param(AT_DEPTH, marks=pytest.mark.soak)])
def test_no_request_breaks_the_server(app: App, mode: GenerationMode, examples: int) -> None:
    submit(app)
    document = schemathesis.openapi.from_dict(app.app.openapi()).exclude(path_regex=STREAMS)
    faults, operations = [], 0
    for result in document.get_all_operations():
        operation = result.ok()
        operations += 1
        if mode is GenerationMode.NEGATIVE and not operation.body:
            continue  # any text may stand in a path: there is little to get wrong, and it takes long to find

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=examples,
            phases=[
                Phase.generate
            ],  # an example that breaks something is told as it is: shrinking takes minutes
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            database=None,
        )
        def each(case: schemathesis.Case) -> None:
            call(app, case)

        try:
            each()
        except Exception as error:
            if "Unsatisfiable" not in type(error).__name__:  # nothing about this operation can be wrong
                faults.append(f"{operation.label}: {error!r:.1500}")
    assert faults == []
    assert operations > 25
