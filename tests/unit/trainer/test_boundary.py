"""Decision boundaries against `Model.predict` of the same cells, one by one."""

import numpy as np
import pytest

from caviar.trainer.boundary import decision_boundary
from caviar.trainer.plugin import MLP
from caviar.trainer.predict import Model
from caviar.trainer.problem import AskedError

TRAINER = MLP()
KINDS = {"kind": "classification", "more": "classification", "price,tax": "regression"}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Numbers with gaps, a column of texts with gaps, two classes, three classes, two quantities."""
    rng = np.random.default_rng(4)
    lines = ["age,size,colour,kind,more,price,tax"]
    for i in range(160):
        age, size, colour = rng.normal(40, 9), rng.uniform(1, 5), rng.choice(["red", "green", "blue"])
        lot = age + 10 * size + (20 if colour == "red" else 0)
        gap = "" if i % 11 == 0 else f"{size:.3f}"
        colour = "" if i % 13 == 0 else colour
        kind, more = ("yes" if lot > 78 else "no"), ("a" if lot < 65 else "b" if lot < 85 else "c")
        lines.append(f"{age:.2f},{gap},{colour},{kind},{more},{3 * lot:.2f},{lot - age:.2f}")
    path = tmp_path_factory.mktemp("table") / "t.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=list(KINDS))
def case(request, table):
    targets = request.param.split(",")
    others = [name for name in ("kind", "more", "price", "tax") if name not in targets]
    target = targets if len(targets) > 1 else targets[0]
    dataset = {"path": str(table), "target": target, "task": KINDS[request.param], "ignore": others}
    settings = {"epochs": 15, "hidden_units": 6, "batch_size": 32, "learning_rate": 0.02}
    data = TRAINER.load(dataset, settings)
    run = TRAINER.start(settings, data, 2)
    while run.status == "running":
        run.advance(5.0)
    return Model.load(run.model()), dataset, data


def predicted(model, found, held):
    """The cells of the grid as columns, predicted as `caviar predict` does."""
    x, y = found["x"], found["y"]
    places = [(beside, below) for below in y["values"] for beside in x["values"]]
    columns = {name: [value] * len(places) for name, value in held.items()}
    columns |= {x["name"]: [one for one, _ in places], y["name"]: [one for _, one in places]}
    return model.predict(columns)


def held_of(found):
    return {one["name"]: one["value"] for one in found["held"]}


@pytest.mark.parametrize(("x", "y"), [("age", "size"), ("colour", "size"), ("size", "colour")])
def test_each_place_is_answered_as_its_cells_are_predicted(case, x, y):
    model, dataset, _ = case
    found = decision_boundary(model, dataset, x=x, y=y, resolution=9)
    same = predicted(model, found, held_of(found))
    shape = len(found["y"]["values"]), len(found["x"]["values"])
    assert shape == tuple(3 if name == "colour" else 9 for name in (y, x))
    if model.info["kind"] == "regression":
        assert np.array(found["answers"]) == pytest.approx(same.values[:, 0].reshape(shape))
        second = decision_boundary(model, dataset, x=x, y=y, resolution=9, target="tax")
        assert np.array(second["answers"]) == pytest.approx(same.values[:, 1].reshape(shape))
        return
    assert np.array_equal(found["answers"], same.numbers.reshape(shape))
    sure = same.probabilities[np.arange(len(same.numbers)), same.numbers]
    assert np.array(found["probabilities"]) == pytest.approx(sure.reshape(shape))


def test_others_have_their_median_or_their_most_frequent_text_of_training(case):
    model, dataset, _ = case
    fills = model.info["preprocessing"]["encoding"]["fills"]
    found = decision_boundary(model, dataset, x="colour", y="size", resolution=3)
    assert held_of(found) == {"age": pytest.approx(fills[0])} and not found["exact"]
    assert held_of(decision_boundary(model, dataset, x="age", y="size", resolution=3))["colour"] in (
        "red",
        "green",
        "blue",
    )


def test_others_have_those_of_a_row(case, table):
    model, dataset, _ = case
    rows = decision_boundary(model, dataset, resolution=3)["points"]["row"]
    lines = table.read_text().splitlines()
    gaps = [row for row in rows if ",," in lines[row]]
    for row in (rows[0], gaps[0]):
        _, size, colour = lines[row].split(",")[:3]
        found = decision_boundary(model, dataset, x="age", y="colour", resolution=3, row=row)
        assert held_of(found) == {"size": float(size) if size else None}
        found = decision_boundary(model, dataset, x="age", y="size", resolution=3, row=row)
        assert held_of(found) == {"colour": colour or None}
        same = predicted(model, found, held_of(found))
        answers = same.numbers if same.probabilities is not None else same.values[:, 0]
        assert np.array(found["answers"]).ravel() == pytest.approx(answers)


def test_points_are_rows_of_the_dev_set_as_the_file_has_them(case, table):
    model, dataset, data = case
    points = decision_boundary(model, dataset, x="age", y="colour", resolution=3)["points"]
    cells = [table.read_text().splitlines()[row].split(",") for row in points["row"]]
    assert points["total"] == len(points["row"]) == len(data.X_dev)
    assert points["x"] == [float(one[0]) for one in cells]
    assert points["y"] == [one[2] or None for one in cells]
    found = model.predict_prepared(data.X_dev)
    if model.info["kind"] == "regression":
        assert points["truth"] == pytest.approx([float(one[5]) for one in cells], rel=1e-5)
        assert points["answer"] == pytest.approx(found.values[:, 0].tolist())
        return
    place = 3 if len(data.class_names) == 2 else 4
    assert [data.class_names[code] for code in points["truth"]] == [one[place] for one in cells]
    assert [data.class_names[code] for code in points["answer"]] == found.labels


def test_what_there_is_not_is_refused(case):
    model, dataset, _ = case
    for asked, field in (
        ({"x": "kinds"}, "x"),
        ({"x": "age", "y": "age"}, "y"),
        ({"row": 100_000}, "row"),
        ({"target": "vat"}, "target"),
    ):
        with pytest.raises(AskedError) as error:
            decision_boundary(model, dataset, **asked)
        assert error.value.problems[0].field == field


def test_two_columns_have_their_exact_boundary_and_the_threshold_of_the_model(tmp_path):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 2)) * [100, 0.01] + [500, 3]
    labels = np.where(X[:, 0] > 500, "right", "left")
    lines = [f"{a:.3f},{b:.5f},{label}" for (a, b), label in zip(X, labels, strict=True)]
    path = tmp_path / "two.csv"
    path.write_text("east,north,side\n" + "\n".join(lines) + "\n", encoding="utf-8")
    dataset, settings = {"path": str(path), "target": "side"}, {"hidden_layers": 0, "epochs": 200}
    settings |= {"learning_rate": 0.1, "l2": 0, "normalize": False, "batch_size": 32}
    run = TRAINER.start(settings, TRAINER.load(dataset, settings), 1)
    run.advance(1e6)
    trained = Model.load(run.model())
    model = Model({**trained.info, "threshold": 0.8}, trained.tensors)
    found = decision_boundary(model, dataset, resolution=21)
    assert found["exact"] and found["held"] == [] and found["threshold"] == 0.8
    assert [found[axis]["name"] for axis in "xy"] == ["east", "north"]
    W, b = model.tensors["W1"].astype(float), model.tensors["b1"].astype(float)
    east, north = np.meshgrid(found["x"]["values"], found["y"]["values"])
    second = W[0, 0] * east + W[0, 1] * north + b[0] > np.log(0.8 / 0.2)
    assert np.array_equal(found["answers"], second.astype(int))


def test_columns_that_nobody_chose_are_those_that_move_the_answers_most(tmp_path):
    rng = np.random.default_rng(2)
    rare = (np.arange(300) % 50 == 0) * 1.0  # moves much, and nearly never
    X = np.column_stack([rng.normal(size=300), rare, rng.normal(size=300), rng.normal(size=300)])
    y = X @ [0.2, 9.0, 3.0, 2.0]
    lines = [",".join(f"{cell:.6f}" for cell in (*row, value)) for row, value in zip(X, y, strict=True)]
    path = tmp_path / "four.csv"
    path.write_text("a,rare,b,c,y\n" + "\n".join(lines) + "\n", encoding="utf-8")
    dataset, settings = {"path": str(path), "target": "y", "task": "regression"}, {"hidden_layers": 0}
    settings |= {"epochs": 300, "learning_rate": 0.05, "l2": 0}
    run = TRAINER.start(settings, TRAINER.load(dataset, settings), 1)
    run.advance(1e6)
    model = Model.load(run.model())
    found = decision_boundary(model, dataset, resolution=2)
    assert [found[axis]["name"] for axis in "xy"] == ["b", "c"]
    assert decision_boundary(model, dataset, x="c", resolution=2)["y"]["name"] == "b"
    assert decision_boundary(model, dataset, x="a", y="rare", resolution=2)["x"]["name"] == "a"
