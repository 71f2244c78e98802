"""Error analysis over REST: rows of the dev set with losses, tags by hand, and what mending would bring."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from caviar import spreadsheets
from caviar.service.security.rules import needed
from caviar.service.security.scopes import Token
from caviar.service.store import row_tags
from caviar.service.usecases.datasets import resolve
from caviar.service.usecases.final_tests import test_set_of as identity_of
from caviar.trainer.plugin import MLP
from caviar.trainer.predict import Model
from tests.support.inprocess import App
from tests.support.trained_trials import API, SETTINGS, Trial, finished, trained


def errors(trial: Trial, what: str = "", **query: Any) -> Any:
    return trial.app.request("GET", f"{API}/trials/{trial.id}/errors{what}", params=query)


def put(trial: Trial, row: int, *tags: str, part: str = "dev", **more: Any) -> Any:
    path = f"{API}/trials/{trial.id}/errors/{part}/{row}"
    return trial.app.request("PUT", path, json={"tags": list(tags), **more})


@pytest.fixture(scope="module")
def digits(app: App) -> Trial:
    return finished(app, 1, {"name": "digits"})


def test_rows_with_truth_answer_and_loss(app: App, digits: Trial) -> None:
    data = MLP().load({"name": "digits"}, SETTINGS)
    found = Model.load(trained({"name": "digits"})[0]).predict_prepared(data.X_dev)
    assert found.probabilities is not None
    losses = -np.log(np.float64(found.probabilities[np.arange(len(data.Y_dev)), data.Y_dev]))
    page = errors(digits, show="all", limit=200).json()
    rest = errors(digits, show="all", limit=200, offset=200).json()
    items = page["items"] + rest["items"]
    assert page["total"] == page["rows"] == len(items) == len(data.Y_dev)
    assert [one["loss"] for one in items] == pytest.approx(sorted(losses, reverse=True), rel=1e-5)
    place = int(np.argmax(losses))
    assert (items[0]["truth"], items[0]["answer"]) == (
        str(data.Y_dev[place]),
        str(found.numbers[place]),
    )
    assert items[0]["confidence"] == pytest.approx(found.probabilities[place].max(), rel=1e-5)
    assert len(items[0]["pixels"]) == 64
    wrong = errors(digits, limit=200).json()
    assert wrong["total"] == wrong["wrong"] == int((found.numbers != data.Y_dev).sum())
    assert all(one["wrong"] for one in wrong["items"])


def test_tags_their_share_of_the_error_and_its_ceiling(app: App, digits: Trial) -> None:
    first, second, third = errors(digits, limit=3).json()["items"]
    label = next(c for c in "0123456789" if c != first["truth"])
    tagged = put(digits, first["row"], "blurry", " cut  off ", label=label)
    assert [one["tag"] for one in tagged.json()["tags"]] == ["blurry", "cut off", "label is wrong"]
    assert tagged.json()["label"] == label
    for row in (second["row"], third["row"]):
        assert put(digits, row, "blurry").status_code == 200
    table = errors(digits, "/tags").json()
    wrong, rows = table["wrong"], errors(digits, limit=1).json()["rows"]
    assert table["examined"] == 3
    [blurry, *others] = table["causes"]
    assert (blurry["tag"], blurry["rows"], blurry["wrong"]) == ("blurry", 3, 3)
    assert blurry["share"] == pytest.approx(3 / wrong)
    assert blurry["ceiling"] == pytest.approx((wrong - 3) / rows)
    assert (blurry["share_of_examined"], blurry["projected"]) == (1.0, 0.0)
    assert [one["share_of_examined"] for one in others] == pytest.approx([1 / 3, 1 / 3])
    chosen = errors(digits, tag="cut off").json()
    assert [one["row"] for one in chosen["items"]] == [first["row"]]
    again = put(digits, first["row"], "blurry").json()
    assert ([one["tag"] for one in again["tags"]], again["label"]) == (["blurry"], None)
    assert again["tags"][0] == tagged.json()["tags"][0], "who set it and when stays"


def test_tagging_a_row_as_it_is_tagged_leaves_no_second_row_in_the_audit_trail(
    app: App, digits: Trial
) -> None:
    def recorded() -> int:
        return len(app.request("GET", f"{API}/audit", params={"what": "tag rows"}).json()["items"])

    row = errors(digits, limit=4).json()["items"][3]
    first, second = [c for c in "0123456789" if c != row["truth"]][:2]
    for label, more in ((first, 1), (first, 0), (second, 1)):
        before = recorded()
        assert put(digits, row["row"], "faint", label=label).json()["label"] == label
        assert recorded() == before + more
    assert put(digits, row["row"]).json()["tags"] == []


def test_what_cannot_be_said_of_a_row_is_refused(app: App, digits: Trial) -> None:
    row = errors(digits, limit=1).json()["items"][0]
    refused = put(digits, row["row"], label="dog")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "label")
    assert "use one of 0, 1" in refused.json()["errors"][0]["remedy"]
    assert put(digits, row["row"], label=row["truth"]).status_code == 422
    assert put(digits, row["row"], "label is wrong").json()["errors"][0]["field"] == "label"
    assert put(digits, row["row"], "a\u202eb").status_code == 422
    assert put(digits, row["row"], part="test").status_code == 422


def test_rows_of_the_test_and_training_set_are_not_reached(app: App, digits: Trial) -> None:
    shown = {
        one["row"]
        for at in (0, 200)
        for one in errors(digits, show="all", limit=200, offset=at).json()["items"]
    }
    hidden = sorted(set(range(1, 1798)) - shown)
    assert len(hidden) == 1797 - 360
    assert {put(digits, row, "peeked").status_code for row in hidden[:40]} == {404}
    assert errors(digits, part="test").status_code == 422
    refused = errors(digits, part="train_dev")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "part")


def test_a_csv_of_a_table_with_a_train_dev_set(app: App) -> None:
    lines = (
        f"{i % 17},{(i * 7) % 13},{'=1+1' if i % 3 else '-x'},{'yes' if i % 2 else 'no'}" for i in range(240)
    )
    content = "row,b,kind,answer\n" + "\n".join(lines)
    assert app.request("POST", f"{API}/datasets", params={"name": "t"}, content=content).status_code == 201
    dataset = {"name": "t", "split": {"train": 0.6, "dev": 0.2, "test": 0.2, "train_dev": 0.2}}
    services = app.app.state.services
    digest = app.request("GET", f"{API}/datasets/1").json()["digest"]
    path = asyncio.run(services.uploads.path("t", digest, "csv"))
    model, result = trained({**dataset, "path": str(path), "target": "answer"})
    trial = Trial(app, 2, dataset)
    trial.keep(model)
    trial.end(**result)
    for part in ("dev", "train_dev"):
        found = errors(trial, show="all", part=part, limit=200).json()
        assert found["error"] == pytest.approx(result[f"{part}_error"])
        written = content.splitlines()
        for one in found["items"]:
            assert ",".join([*one["cells"], one["truth"]]) == written[one["row"]]
        text = errors(trial, "/export", show="all", part=part).text
        columns = spreadsheets.read_csv(text)
        assert "\n,=" not in text and ",=1" not in text
        assert columns["kind"] == [one["cells"][2] for one in found["items"]]
        assert columns["input row"] == [one["cells"][0] for one in found["items"]]
        assert columns["row"] == [str(one["row"]) for one in found["items"]]
    path.unlink()
    later = Trial(app, 4, dataset)
    later.keep(model)
    later.end(**result)
    gone = errors(later)
    assert gone.status_code == 409
    assert "upload it again under this name" in gone.json()["detail"]


def test_a_regression_is_sorted_by_its_squares(app: App) -> None:
    trial = finished(app, 3, {"name": "diabetes"})
    found = errors(trial, limit=200).json()
    data = MLP().load({"name": "diabetes"}, SETTINGS)
    squares = [((one["answer"] - one["truth"]) / data.target_sigma[0]) ** 2 for one in found["items"]]
    assert [one["loss"] for one in found["items"]] == pytest.approx(squares, rel=1e-3)
    assert found["error"] == pytest.approx(np.sqrt(np.mean(squares)) / data.target_deviation, rel=1e-4)
    assert (found["wrong"], found["total"]) == (None, found["rows"])
    assert errors(trial, show="wrong").status_code == 422
    worst = found["items"][0]
    assert put(trial, worst["row"], "odd", label="12,5").status_code == 422
    assert put(trial, worst["row"], "odd").status_code == 200
    [odd] = errors(trial, "/tags").json()["causes"]
    left = sum(squares[1:]) / len(squares)
    assert odd["ceiling"] == pytest.approx(np.sqrt(left) / data.target_deviation, rel=1e-4)
    assert odd["share"] == pytest.approx(squares[0] / sum(squares), rel=1e-4)
    assert errors(trial, "/slices").json()["columns"][0]["name"] == "progression"


def versioned(trial: Trial, name: str, part: str = "dev") -> Any:
    path = f"{API}/trials/{trial.id}/errors/versions"
    return trial.app.request("POST", path, json={"name": name, "part": part})


def test_corrected_labels_make_a_version_on_which_the_search_starts_again(app: App, digits: Trial) -> None:
    assert versioned(digits, "mended").status_code == 409, "nothing to correct"
    rows = [one for one in errors(digits, limit=4).json()["items"] if one["truth"] not in ("3", "4")]
    for one, label in zip(rows, "34", strict=False):
        assert put(digits, one["row"], "odd", label=label).status_code == 200
    made = versioned(digits, "mended")
    assert made.status_code == 201, made.text
    data, search = made.json()["dataset"], made.json()["search"]
    told = data["version"]
    assert (told["of"], told["by"]) == ("digits", "this machine")
    history = {one["row"]: (one["old"], one["new"], one["who"]) for one in told["corrections"]}
    changes = dict(zip(((one["row"], one["truth"]) for one in rows), "34", strict=False))
    assert history == {row: (old, new, "this machine") for (row, old), new in changes.items()}
    content = app.request("GET", f"{API}/datasets/{data['id']}/content").text.splitlines()
    for (row, _), new in changes.items():
        assert content[row].split(",")[-1] == new
    with app.app.state.services.store.reading() as snapshot:
        kept = [(tag.row, tag.tag) for tag in row_tags.of_data(snapshot, f"upload:{data['id']}")]
    assert {row for row, tag in kept if tag == "odd"} == {row for row, _ in changes}
    assert "label is wrong" not in {tag for _, tag in kept}
    search["budget"] = {"trials": 1}
    again = app.request("POST", f"{API}/searches", json=search)
    assert again.status_code == 201, again.text
    services = app.app.state.services
    with services.store.reading() as snapshot:
        resolved = resolve(snapshot, again.json()["spec"]["dataset"])
    local = asyncio.run(services.uploads.local(resolved))
    old, new = (MLP().load(one, SETTINGS) for one in ({"name": "digits"}, local))
    assert all(
        np.array_equal(getattr(old, f"X_{p}"), getattr(new, f"X_{p}")) for p in ("train", "dev", "test")
    )
    assert (old.Y_dev != new.Y_dev).sum() == len(changes)
    assert identity_of(resolved) == identity_of({"name": "digits"}), "looks at its test set go on counting"


@pytest.mark.parametrize("prepare", ["running", "no model", "external"])
def test_trials_that_cannot_be_looked_into_say_why(app: App, prepare: str) -> None:
    external = prepare == "external"
    trial = Trial(
        app, 10 + len(prepare), {} if external else {"name": "iris"}, "external" if external else "mlp"
    )
    if prepare != "running":
        trial.end(dev_error=0.5)
    status, words = {
        "running": (409, "once it has ended"),
        "no model": (404, "train it again (caviar rerun)"),
        "external": (404, "let your own program predict"),
    }[prepare]
    refused = errors(trial)
    assert refused.status_code == status
    assert words in refused.json()["detail"]


def test_who_may_read_looks_and_who_may_submit_tags() -> None:
    reader = Token("reader", "read")
    for what in ("", "/tags", "/slices", "/export"):
        assert reader.allows(needed("GET", f"{API}/trials/1.0/errors{what}")[0])
    for method, what in (("PUT", "dev/3"), ("POST", "versions")):
        [scope] = needed(method, f"{API}/trials/1.0/errors/{what}")
        assert not reader.allows(scope)
        assert Token("writer", "submit").allows(scope)
