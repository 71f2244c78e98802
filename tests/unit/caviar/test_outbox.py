"""What an agent has to tell is told once, in order, whatever fails in between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.exchange import outbox as outbox_module
from caviar.exchange.outbox import Outbox
from caviar.exchange.wire import Acknowledgement, Result

KEY = ("3.1", 1)
OTHER = ("3.2", 1)
COLUMNS = ["dev_error"]


def rows_of(reports, key=KEY):
    """The epochs that a server would know after these reports, as {epoch: row}."""
    known = {}
    for report in reports:
        if (report.trial, report.attempt) == key and report.rows:
            known |= {report.first + place: row for place, row in enumerate(report.rows)}
    return known


def test_epochs_in_a_row_share_one_report():
    box = Outbox()
    box.epochs(KEY, 0, COLUMNS, 1, [[0.5], [0.4]])
    box.epochs(KEY, 0, COLUMNS, 3, [[0.3]])
    box.result(KEY, 0, Result(state="completed"), 0.1)
    [report] = box.take()
    assert (report.first, report.rows) == (1, [[0.5], [0.4], [0.3]])
    assert report.result == Result(state="completed") and report.age == 0.1


def test_a_gap_or_another_branch_begins_a_new_report():
    box = Outbox()
    box.epochs(KEY, 0, COLUMNS, 1, [[0.5]])
    box.epochs(KEY, 0, COLUMNS, 5, [[0.4]])
    box.epochs(KEY, 1, COLUMNS, 3, [[0.3]])
    assert [(one.branch, one.first) for one in box.take()] == [(0, 1), (0, 5), (1, 3)]


def test_what_was_sent_is_gone_and_what_came_meanwhile_stays():
    box = Outbox()
    box.epochs(KEY, 0, COLUMNS, 1, [[0.5]])
    box.take()
    box.epochs(KEY, 0, COLUMNS, 2, [[0.4]])
    assert rows_of(box.sent()) == {1: [0.5]}
    assert rows_of(box.take()) == {2: [0.4]}


def test_after_a_failed_request_everything_is_taken_again_as_one_report():
    box = Outbox()
    box.epochs(KEY, 0, COLUMNS, 1, [[0.5]])
    box.acknowledge(KEY, 0, [Acknowledgement(command=1)])
    box.take()
    box.epochs(KEY, 0, COLUMNS, 2, [[0.4]])
    box.acknowledge(KEY, 0, [Acknowledgement(command=2)])
    [report] = box.take()
    assert rows_of([report]) == {1: [0.5], 2: [0.4]}
    assert [one.command for one in report.acknowledged] == [1, 2]


def test_a_dropped_attempt_is_not_heard_of_any_more():
    box = Outbox()
    box.epochs(KEY, 0, COLUMNS, 1, [[0.5]])
    box.epochs(OTHER, 0, COLUMNS, 1, [[0.1]])
    box.forget(KEY)
    assert [one.trial for one in box.take()] == ["3.2"]


def test_a_request_is_bounded_and_the_rest_follows(monkeypatch):
    monkeypatch.setattr(outbox_module, "ROWS_AT_ONCE", 10)
    box = Outbox()
    for number in range(6):
        box.epochs((f"3.{number}", 1), 0, COLUMNS, 1, [[0.1]] * 5)
    first = len(box.take())
    assert 0 < first < 6 and box.due == 0.0
    box.sent()
    assert len(box.take()) + first <= 6


def test_costs_are_thinned_out():
    box = Outbox()
    box.costs(KEY, 0, [(step, 0.1) for step in range(10_000)])
    [report] = box.take()
    assert len(report.costs) <= 50 and report.costs[0] == (0, 0.1)


@given(st.lists(st.sampled_from(["epoch", "take", "fail", "branch"]), max_size=60))
def test_no_epoch_is_lost_and_order_is_kept_whatever_fails(steps):
    box, server = Outbox(), []
    branch, epoch, told = 0, 0, []
    for step in steps:
        if step == "epoch":
            epoch += 1
            box.epochs(KEY, branch, COLUMNS, epoch, [[float(epoch)]])
            told.append((branch, epoch))
        elif step == "branch":
            branch, epoch = branch + 1, epoch // 2
        elif step == "take":
            box.take()
            server += box.sent()
        else:
            box.take()  # and the answer never comes
    box.take()
    server += box.sent()
    heard = [(report.branch, report.first + place) for report in server for place in range(len(report.rows))]
    assert heard == told


@pytest.mark.parametrize("last", ["paused", "released"])
def test_letting_go_closes_the_report(last):
    box = Outbox()
    box.state(KEY, 0, last)
    box.epochs(KEY, 0, COLUMNS, 1, [[0.5]])
    assert [one.state for one in box.take()] == [last, None]
