"""What the agent relies on, as tests for any trainer: `promises.keep(Ridge(), settings, dataset)`.

python examples/own_trainer/promises.py
"""

from collections.abc import Mapping
from typing import Any


def keep(trainer: Any, settings: Mapping[str, Any], dataset: Mapping[str, Any], seed: int = 7) -> None:
    """Raise AssertionError unless a trainer keeps its promises; `settings` train at least 4 epochs."""
    assert not trainer.check(settings, dataset), "settings and data are fine"
    data = trainer.load(dataset, settings)
    whole, rows = trained(trainer.start(settings, data, seed))
    assert whole.status == "completed"
    assert [row["epoch"] for row in rows] == list(range(1, whole.epoch + 1)), (
        "each epoch is told once, in order"
    )
    assert len({tuple(row) for row in rows}) == 1, "every epoch has the same columns"
    named = trainer.metrics(dataset) if hasattr(trainer, "metrics") else ()
    if not hasattr(trainer, "settings_for"):  # else it computes only what a search names
        assert set(named) <= set(whole.result()), "the result has every metric that is named"

    again, _ = trained(trainer.start(settings, data, seed), seconds=0.0)
    assert again.save() == whole.save(), "same seed, same bits, however the time is sliced"

    run = trainer.start(settings, data, seed)
    run.advance(60.0, None, 2)
    assert run.epoch == 2, "never past until_epoch"
    run.advance(60.0, run.step + 1, None)
    assert run.step == rows[1]["step"] + 1, "never past until_step, in the middle of an epoch"
    restored, _ = trained(trainer.restore(run.save(), data))
    assert restored.save() == whole.save(), "restored as if never stopped"
    assert restored.model() == whole.model()

    replayed = trainer.start(settings, data, seed)
    while replayed.step < run.step:
        replayed.advance(60.0, run.step)
    steerable = [one for one in trainer.settings() if one.steerable and one.type == "float"]
    for info in steerable:
        value = (info.default or info.high) * 0.5
        change = run.change({info.name: value})
        assert info.name in change.before and change.after == {info.name: value} and change.step == run.step
        replayed.change(change.after)
    assert replayed.save() == run.save(), "the same changes at the same step give the same bits"
    state = run.save()
    try:
        run.change({**{info.name: info.default for info in steerable}, "no_such_setting": 1})
    except ValueError:
        assert run.save() == state, "all or nothing"
    else:
        raise AssertionError("an unknown setting is refused")

    run.stop()
    assert (run.status, run.advance(0.0).status) == ("stopped", "stopped")
    whole.change({"epochs": whole.epoch + 1})
    assert whole.status == "running", "more epochs wake a completed run"
    try:
        trainer.restore(b"damaged", data)
    except (ValueError, KeyError):
        return
    raise AssertionError("a damaged checkpoint is refused")


def trained(run: Any, seconds: float = 0.05) -> tuple[Any, list[dict[str, float]]]:
    """Train to the end; gives the run and the rows of its epochs."""
    rows: list[dict[str, float]] = []
    while run.status == "running":
        rows += run.advance(seconds).epochs
    return run, rows


if __name__ == "__main__":
    from ridge_trainer import Ridge

    keep(Ridge(), {"epochs": 5, "l2": 0.3}, {"name": "diabetes"})
    print("All promises are kept.")
