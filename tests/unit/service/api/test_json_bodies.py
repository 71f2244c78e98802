"""Every route reads JSON in one way; reports of agents are made readable."""

import orjson
import pytest

from caviar.service.api.exchange import read_message
from caviar.service.api.json_bodies import read_json
from caviar.service.errors import RefusedError


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"a": {"b": ["x", "\\u0000"]}}', "a.b.1"),
        (b'{"a": {"b\\u0000": 1}}', "a"),
        (b'"\\u0000"', "body"),
        (b'{"a": "\\ud800"}', "body"),
        (b'{"a": NaN}', "body"),
        (b"[" * 120 + b"]" * 120, ".".join(["0"] * 100)),
        (b"[" * 100_000, "body"),
        (b"[" + b"[]," * 300_000 + b"1]", "body"),
        (b"[" + b"1," * 1_000_001 + b"1]", "body"),
    ],
)
def test_what_one_of_two_databases_would_refuse_is_refused_with_its_place(body: bytes, field: str) -> None:
    with pytest.raises(RefusedError) as refused:
        read_json(body)
    assert [one.field for one in refused.value.problems] == [field]


def test_of_many_mistakes_the_first_are_told() -> None:
    with pytest.raises(RefusedError) as refused:
        read_json(b"[" + b'"\\u0000",' * 10_000 + b"1]")
    assert [one.field for one in refused.value.problems] == [str(number) for number in range(100)]


def test_what_may_be_nested_is_taken() -> None:
    assert read_json(b"[" * 100 + b"]" * 100)


def test_of_two_values_under_one_name_the_last_counts() -> None:
    assert read_json(b'{"a": 1, "a": 2}') == {"a": 2}


def test_a_report_is_not_lost_for_a_character() -> None:
    body = (
        b'{"agent": {"id": "a-0000000000000001", "host": "h\\u0000"}, "reports": [{"trial": "1.0",'
        b' "attempt": 1, "result": {"state": "failed",'
        b' "reason": "a\\u0000b\\ud800c", "log": "\\ud83d\\ude00 \\u0000"}}]}'
    )
    message = read_message(body)
    assert message.agent.host == "h\ufffd"
    result = message.reports[0].result
    assert result is not None
    assert (result.reason, result.log) == ("a\ufffdb\ufffdc", "\U0001f600 \ufffd")


def test_settings_that_an_agent_acknowledges_can_be_stored() -> None:
    settings = b'{"a\\u0000": ["\\ud800", 1180591620717411303424, -1%s, 18446744073709551615]}' % (b"0" * 400)
    body = (
        b'{"agent": {"id": "a-0000000000000001", "host": "\\ud800"}, "reports": [{"trial": "1.0",'
        b' "attempt": 1, "acknowledged": [{"command": 1, "before": %s}]}]}' % settings
    )
    [found] = read_message(body).reports[0].acknowledged
    assert found.before == {"a\ufffd": ["\ufffd", 2.0**70, None, 2**64 - 1]}
    assert orjson.loads(orjson.dumps(found.before)) == found.before
