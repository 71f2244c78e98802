"""What `caviar best` and `caviar watch` say below the table of the best trials."""

from __future__ import annotations

from typing import Any

import pytest

from caviar.cli.conclusion import print_summary
from caviar.records import Search

WARNING = {"level": "warning", "message": "The best trial is no better than always answering 'no'."}
SUMMARY: dict[str, Any] = {
    "final": True,
    "metric": "dev_error",
    "winner": {"trial": "4.45", "value": 0.0311, "model": True},
    "runner_up": {"trial": "4.7", "behind": 0.002},
    "trivial": {"text": "always answering 'no'", "value": 0.05},
    "findings": [{**WARNING, "remedy": "Check the target."}],
    "next": [{"kind": "test", "text": "Measure the winner once on the test set.", "trial": "4.45"}],
}


def said(capsys: pytest.CaptureFixture[str], **changes: Any) -> str:
    print_summary(Search(4, "s", "completed", task="classification"), {**SUMMARY, **changes})
    return capsys.readouterr().out


def test_the_winner_stands_against_the_second_and_the_trivial_model(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, *rest = said(capsys).splitlines()
    assert first == (
        "The winner is trial 4.45: dev_error 3.11 %; trial 4.7 is 0.20 points behind; "
        "always answering 'no' scores 5.00 %."
    )
    assert rest[0].startswith("Warning: The best trial is no better") and rest[0].endswith(
        "Check the target."
    )
    assert rest[1:] == [
        "Next:",
        "  - Save the model: caviar model 4.45 -o best.model",
        "  - Measure the winner once on the test set: caviar test 4.45",
    ]


def test_a_model_that_was_not_stored_is_trained_again(capsys: pytest.CaptureFixture[str]) -> None:
    winner = {"trial": "4.45", "value": 0.0311, "model": False}
    assert "caviar replay 4.45 --model best.model" in said(capsys, winner=winner)


def test_a_running_search_has_no_winner_yet(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, final=False, trivial=None)
    assert text.startswith("So far the best is trial 4.45") and "Next" not in text
    assert said(capsys, winner=None) == ""


@pytest.mark.parametrize(
    ("search", "waits"),
    [
        ({"state": "paused"}, "a person"),
        ({"state": "queued"}, "an agent"),
        ({"state": "queued", "spec": {"trainer": "external"}}, "a script"),
        ({"state": "running", "counts": {"running": 1}}, ""),
        ({"state": "completed"}, ""),
    ],
)
def test_a_search_says_what_it_waits_for(search: dict[str, Any], waits: str) -> None:
    assert Search.of({"id": 1, "name": "s", **search}).waits_for == waits
