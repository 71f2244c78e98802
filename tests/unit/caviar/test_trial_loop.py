"""A script of one's own lives through a restart of the server."""

import subprocess
import sys
import time

import pytest

from caviar.errors import NotFoundError, RefusedError, UnreachableError
from caviar.trial_loop import ask
from tests.support.commandline import ROOT

SEARCH = {"id": 1, "name": "s", "state": "running", "spec": {"trainer": "external"}}
QUIET = {"lease": 30.0, "interval": 0.05}


class Restarting:
    """A server without work, whose looks at the search come to what a list says."""

    def __init__(self, *looks):
        self.looks = list(looks)

    url, headers = "http://127.0.0.1:1", {}

    def with_headers(self, _headers):
        return self

    def call(self, _method, path, **_):
        if path == "/searches/1":
            look = self.looks.pop(0)
            if isinstance(look, Exception):
                raise look
            return SEARCH | look
        if path == "/exchange":
            return QUIET
        time.sleep(0.02)
        raise UnreachableError("no hints here")


@pytest.fixture(autouse=True)
def short_looks(monkeypatch):
    monkeypatch.setattr("caviar.trial_loop.LOOK_SECONDS", 0.01)
    monkeypatch.setattr("caviar.transport.RESUME_SECONDS", 0.01)


def test_a_script_waits_for_a_server_that_comes_back():
    away = [
        UnreachableError("no connection"),
        RefusedError(503, "Too busy"),
        RefusedError(500, "Internal error"),
    ]
    server = Restarting({}, *away, {}, {"state": "completed"})
    assert list(ask(server, 1)) == []
    assert not server.looks


def test_a_script_waits_at_its_start_for_a_server_that_is_slow():
    slow = UnreachableError("it does not answer", timed_out=True)
    server = Restarting(slow, slow, {}, {"state": "completed"})
    assert list(ask(server, 1)) == []
    assert not server.looks


def test_a_script_ends_at_its_start_where_nobody_listens():
    with pytest.raises(UnreachableError):
        list(ask(Restarting(UnreachableError("no connection"), {}), 1))


def test_a_search_that_was_deleted_ends_its_script():
    with pytest.raises(NotFoundError):
        list(ask(Restarting({}, NotFoundError(404, "gone")), 1))


def test_a_trial_without_a_stopping_rule_does_not_make_its_script_wait_for_numpy():
    program = """
import sys
from caviar.script_reports import ScriptCurve
from tests.support.assigned import assigned_trial
assert ScriptCurve(assigned_trial("3.1")).judge(1, {"dev_error": 0.5}, 0) is None
assert "numpy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
