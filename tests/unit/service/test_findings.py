"""What a confusion matrix shows that an error hides."""

from __future__ import annotations

from caviar.service.usecases.findings import of_model


def test_a_model_with_one_answer_is_named() -> None:
    [found] = of_model("3.1", [[90, 0], [10, 0]], ["no", "yes"])
    assert (found.kind, found.level) == ("one_class", "warning")
    assert "'no' for every row" in found.message


def test_a_class_that_is_never_answered_is_named() -> None:
    [found] = of_model("3.1", [[5, 1, 0], [1, 5, 0], [2, 2, 0]], ["a", "b", "c"])
    assert found.kind == "never_predicted" and found.message.endswith("never answers 'c'.")


def test_a_class_without_rows_is_not_missed() -> None:
    assert of_model("3.1", [[5, 0], [0, 0]], ["a", "b"]) == []
    assert of_model("3.1", [[5, 1], [0, 4]], ["a", "b"]) == []
    assert of_model("3.1", None, None) == []
