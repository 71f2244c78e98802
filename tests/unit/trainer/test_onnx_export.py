"""A graph of ONNX, run by onnxruntime, answers as the built-in predictor does."""

import json
import sys

import numpy as np
import onnx
import onnxruntime
import pytest

from caviar import export_onnx
from caviar.trainer.choices import Activation
from caviar.trainer.data.columns import Encoding
from caviar.trainer.onnx_export import to_onnx
from caviar.trainer.plugin import MLP
from caviar.trainer.predict import Model
from caviar.trainer.problem import DataError, ProblemsError

ROWS = 7
COLOURS = ("blue", "grün", "red")
GAPPY = Encoding(("age", "pay"), (0.4, 2.5), ("pay", "colour"), {"colour": COLOURS, "zip": ("7", "10115")})
KINDS = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c"), "regression": ("price", "rent")}


def model_of(kind, encoding, *, activation="relu", batch_norm=False, hidden=(6, 5), dtype="float32", **more):
    """Make a model with random weights, averages of batch norm among them, that predicts every class."""
    rng = np.random.default_rng(3)
    names = KINDS[kind]
    sizes = (len(encoding.feature_names), *hidden, 1 if kind == "binary" else len(names))
    tensors = {"mu": rng.normal(0.5, 0.2, sizes[0]), "sigma": rng.uniform(0.5, 3, sizes[0])}
    for layer in range(1, len(sizes)):
        n = sizes[layer]
        of_layer = {"W": rng.normal(0, 1, (n, sizes[layer - 1])), "b": rng.normal(0, 1, n)}
        if batch_norm and layer < len(sizes) - 1:
            del of_layer["b"]
            of_layer |= {"gamma": rng.normal(1, 0.3, n), "beta": rng.normal(0, 1, n)}
            of_layer |= {"mean": rng.normal(0, 1, n), "variance": rng.uniform(0.1, 4, n)}
        tensors |= {f"{name}{layer}": tensor.astype(dtype) for name, tensor in of_layer.items()}
    if kind == "regression":
        tensors |= {"target_mu": np.array([250.0, -3.0]), "target_sigma": np.array([80.0, 0.5])}
    preprocessing = {"encoding": encoding.as_dict(), "missing": "impute" if encoding.fills else "refuse"}
    info = {
        "kind": kind,
        "sizes": sizes,
        "activation": activation,
        "leaky_slope": 0.03 if activation == "leaky_relu" else 0.0,
        "batch_norm": batch_norm,
        "batch_norm_epsilon": 1e-5,
        "class_names": [] if kind == "regression" else list(names),
        "target_names": list(names) if kind == "regression" else ["answer"],
        "preprocessing": {**preprocessing, **more.pop("preprocessing", {})},
        **more,
    }
    typical = Model(info, tensors).logits(rng.normal(0, 1, (200, sizes[0])).astype(dtype))
    tensors[f"b{len(sizes) - 1}"] -= np.median(typical, axis=0)
    return Model(info, tensors)


def answers(graph, **inputs):
    onnx.checker.check_model(onnx.load_from_string(graph), full_check=True)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    assert {value.name for value in session.get_inputs()} == set(inputs)
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs), strict=True))


def agree(found, expected):
    if expected.probabilities is None:
        assert found["value"] == pytest.approx(expected.values, rel=1e-5, abs=1e-5)
    else:
        assert found["probabilities"] == pytest.approx(expected.probabilities, abs=1e-5)
        assert list(found["label"]) == expected.labels
        assert len(set(expected.labels)) > 1  # or a constant would do


def numbers_of(p):
    return Encoding(tuple(f"x{j}" for j in range(p)), (), (), {})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch_norm", [False, True], ids=["plain", "batch_norm"])
@pytest.mark.parametrize("activation", Activation.names())
def test_every_activation_and_output(kind, batch_norm, activation):
    X = np.random.default_rng(1).normal(0.5, 3, (ROWS, 4))
    model = model_of(kind, numbers_of(4), activation=activation, batch_norm=batch_norm)
    agree(answers(to_onnx(model), numbers=X), model.predict(X))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", [(), (5,)], ids=["linear", "hidden"])
def test_precisions_and_no_hidden_layers(dtype, hidden):
    X = np.random.default_rng(1).normal(0.5, 3, (ROWS, 4))
    model = model_of("multiclass", numbers_of(4), hidden=hidden, dtype=dtype, batch_norm=True)
    found = answers(to_onnx(model), numbers=X)
    assert found["probabilities"].dtype == dtype
    agree(found, model.predict(X))


def cells(pay, colours, codes):
    """Return the same rows for a graph and for `predict`."""
    age = np.linspace(-1, 2, len(pay))
    texts = np.array([[c or "", z or ""] for c, z in zip(colours, codes, strict=True)], object)
    return (
        {"numbers": np.column_stack([age, pay]), "texts": texts},
        {"age": age, "pay": pay, "colour": colours, "zip": codes},
    )


@pytest.mark.parametrize("kind", KINDS)
def test_missing_numbers_texts_and_unknown_texts(kind):
    pay = [1.0, np.nan, 3.0, np.nan, 5.0, 2.0]
    colours = ["red", "grün", None, "violet", "blue", "red"]
    inputs, columns = cells(pay, colours, ["7", "10115", None, "7", "99999", "10115"])
    model = model_of(kind, GAPPY)
    agree(answers(to_onnx(model), **inputs), model.predict(columns))


def test_texts_alone():
    model = model_of("multiclass", Encoding((), (), (), {"colour": COLOURS}), hidden=())
    colours = ["red", "blue", "grün", "violet"]
    agree(
        answers(to_onnx(model), texts=np.array(colours, object)[:, None]), model.predict({"colour": colours})
    )


def reading(missing=(), **columns):
    layout = {"kind": "csv"}
    return {"reading": {"version": 1, "layout": layout, "columns": columns, "missing": list(missing)}}


def test_values_that_mean_a_missing_cell():
    inputs, columns = cells([1.0, -999.0, 3.0], ["red", "n.v.", "blue"], ["7", "10115", "7"])
    model = model_of("multiclass", GAPPY, preprocessing=reading(missing=["-999", "n.v."]))
    found = answers(to_onnx(model), **inputs)
    agree(found, model.predict(columns))
    assert found["probabilities"] != pytest.approx(
        model_of("multiclass", GAPPY).predict(columns).probabilities
    )


@pytest.mark.parametrize("shape", [(4, 4, 1), (3, 2, 3)])
def test_images_keep_their_shape(shape):
    images = np.random.default_rng(2).uniform(-2, 3, (ROWS, *shape))
    more = {"preprocessing": {"image_shape": list(shape)}}
    model = model_of("multiclass", numbers_of(np.prod(shape)), activation="tanh", **more)
    agree(answers(to_onnx(model), image=images), model.predict(images))


@pytest.mark.parametrize("threshold", [0.4, 0.9])
def test_the_threshold_of_two_classes(threshold):
    X = np.random.default_rng(1).normal(0.5, 3, (40, 4))
    model = model_of("binary", numbers_of(4), threshold=threshold)
    found = model.predict(X)
    assert found.labels != [found.classes[i] for i in found.probabilities.argmax(axis=1)]
    agree(answers(to_onnx(model), numbers=X), found)


@pytest.mark.parametrize("activation", Activation.names())
@pytest.mark.parametrize("cell", [np.nan, np.inf, -np.inf, 1e300])
def test_a_row_that_predict_refuses_has_no_answer(activation, cell):
    X = np.full((2, 4), 2.0)
    X[1, 2] = cell
    for kind in KINDS:
        model = model_of(kind, numbers_of(4), activation=activation)
        with pytest.raises(DataError, match="row 2"):
            model.predict(X)
        found = answers(to_onnx(model), numbers=X)
        numbers = found["value" if kind == "regression" else "probabilities"]
        assert np.isfinite(numbers[0]).all()
        assert np.isnan(numbers[1]).all()
        if kind != "regression":
            assert list(found["label"]) == [*model.predict(X[:1]).labels, ""]


@pytest.mark.parametrize(
    ("encoding", "told", "words"),
    [
        (
            Encoding(("sold year", "sold month", "sold day", "sold weekday"), (), (), {}),
            {
                "sold": {
                    "dates": {"format": "%Y-%m-%d", "ways": ["parts"], "timed": False, "origin": "2000-01-01"}
                }
            },
            "column 'sold' has dates.*give numbers",
        ),
        (
            Encoding((), (), (), {"flag": ("No", "Yes")}),
            {"flag": {"texts": {"yes": "Yes"}}},
            "column 'flag' has texts that are spelled in several ways.*as_is",
        ),
        (Encoding((), (), (), {"flag": ("", "x")}), {}, "column 'flag' has the empty text.*write a word"),
    ],
    ids=["dates", "spellings", "empty"],
)
def test_what_no_graph_can_prepare_is_refused(encoding, told, words):
    with pytest.raises(ProblemsError, match=words):
        to_onnx(model_of("binary", encoding, preprocessing=reading(**told)))


def test_a_trained_model_file_becomes_a_file(tmp_path):
    lines = ["size,colour,answer"]
    rng = np.random.default_rng(5)
    for size in range(60):
        colour = COLOURS[rng.integers(3)]
        lines.append(
            f"{'' if size % 7 == 0 else size},{colour},{'yes' if (size > 30) == (colour == 'red') else 'no'}"
        )
    (tmp_path / "data.csv").write_text("\n".join(lines), encoding="utf-8")
    trainer = MLP()
    settings = {"epochs": 30, "hidden_units": [8], "batch_norm": True, "learning_rate": 0.03}
    data = trainer.load({"path": str(tmp_path / "data.csv"), "target": "answer"}, settings)
    run = trainer.start(settings, data, 1)
    while run.status == "running":
        run.advance()
    (tmp_path / "best.model").write_bytes(run.model())
    export_onnx(tmp_path / "best.model", tmp_path / "best.onnx")
    graph = (tmp_path / "best.onnx").read_bytes()
    numbers, texts = np.array([[5.0], [np.nan], [50.0], [41.0]]), ["red", "blue", "", "grün"]
    found = answers(graph, numbers=numbers, texts=np.array(texts, object)[:, None])
    columns = {"size": numbers[:, 0], "colour": [text or None for text in texts]}
    agree(found, Model.load(tmp_path / "best.model").predict(columns))
    told = json.loads({p.key: p.value for p in onnx.load_from_string(graph).metadata_props}["caviar"])
    assert told["numbers"] == ["size"]
    assert told["levels"] == {"colour": ["blue", "grün", "red"]}
    assert told["classes"] == ["no", "yes"]
    with pytest.raises(DataError, match=r"cannot write .*No such file.*folder"):
        export_onnx(tmp_path / "best.model", tmp_path / "nowhere" / "best.onnx")


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ProblemsError, match=r"needs the package onnx \(pip install 'caviar\[onnx\]'\)"):
        to_onnx(model_of("binary", numbers_of(2)))
