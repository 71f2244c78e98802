"""The settings of `mlp`: one frozen value, its ranges and defaults, and errors that say what to do.

The names, ranges and defaults stand once, as the fields of `Settings`; forms, OpenAPI and the docs are
made from `describe()`.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .choices import CHOICES, Activation, Augmentation, Decay, Initialization, Optimizer
from .layer_checks import layer_problems
from .problem import Problem, SettingError
from .setting_types import SettingInfo, choice, flags, integer, json_value, number, parse, switch
from .setting_values import read_class_weight, read_metrics, read_model, read_name, read_price, read_threshold

PRECISIONS = ("float32", "float64")
DEFAULTS = 2  # version of the defaults; what each version says: defaults.py


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a network is and how it is trained. The letters in the help texts are the course's."""

    learning_rate: float | None = number(
        None,
        low=0,
        high=1e3,
        low_open=True,
        steerable=True,
        nullable=True,
        symbol="alpha",
        help=f"step size alpha0; default {Optimizer.each(lambda facts: facts.rate)}, of a regression "
        f"{Optimizer.each(lambda facts: facts.regression_rate)}, on the whole batch (classes, regression) "
        f"{Optimizer.each(lambda facts: facts.whole_batch_rates)}, as the run begins",
    )
    optimizer: str = choice(
        "adam", Optimizer.names(), steerable=True, help="a change restarts its averages at 0"
    )
    momentum: float = number(
        0.9,
        low=0,
        high=1,
        high_open=True,
        steerable=True,
        symbol="beta",
        help="beta of gradient descent with momentum",
    )
    beta1: float = number(0.9, low=0, high=1, high_open=True, steerable=True, help="Adam's average of dW")
    beta2: float | None = number(
        None,
        low=0,
        high=1,
        high_open=True,
        steerable=True,
        nullable=True,
        help="average of dW^2 in RMSprop and Adam; default "
        f"{Optimizer.each(lambda facts: facts.beta2)}, as the run begins",
    )
    epsilon: float = number(
        1e-8, low=0, high=1, low_open=True, steerable=True, help="added to the root in RMSprop and Adam"
    )
    decay: str = choice(
        "none",
        Decay.names(),
        steerable=True,
        help="how alpha falls: " + ", ".join(decay.facts.meaning for decay in Decay if decay != Decay.none),
    )
    decay_rate: float | None = number(
        None,
        low=0,
        high=1e6,
        low_open=True,
        steerable=True,
        nullable=True,
        help=f"rate of the decay; default {Decay.each(lambda facts: facts.rate)}",
    )
    decay_epochs: int = integer(
        10, low=1, high=1_000_000, steerable=True, unit="epochs", help="width of a stair"
    )
    batch_size: int | None = integer(
        None,
        low=1,
        high=10_000_000,
        steerable=True,
        nullable=True,
        unit="examples",
        help="default: the whole training set up to 2000 examples, else a power of two from 64 to 512",
    )
    epochs: int = integer(
        30, low=1, high=10_000_000, steerable=True, unit="epochs", help="passes over the data"
    )
    hidden_layers: int | None = integer(
        None,
        low=0,
        high=1000,
        nullable=True,
        help="default 1, or the length of hidden_units; 0: logistic, softmax or linear regression",
    )
    hidden_units: int | tuple[int, ...] = integer(
        100,
        low=1,
        high=1_000_000,
        per_layer=True,
        unit="units",
        help="n[l], one for all or one per hidden layer",
    )
    activation: str = choice("relu", Activation.names(), help="g of the hidden layers")
    leaky_slope: float = number(0.01, low=0, high=1, help="slope of leaky_relu left of 0")
    initialization: str | None = choice(
        None,
        Initialization.names(),
        nullable=True,
        help=f"default {Activation.each(lambda facts: facts.initialization)}; "
        "a tenth of xavier for the output layer",
    )
    init_scale: float | None = number(
        None,
        low=0,
        high=1e3,
        nullable=True,
        help=f"factor of the standard deviation; default {Initialization.each(lambda facts: facts.scale)}",
    )
    batch_norm: bool = switch(False, help="normalise Z of every hidden layer over the mini-batch")
    batch_norm_momentum: float = number(
        0.9,
        low=0,
        high=1,
        high_open=True,
        help="of the averages of mu and sigma^2 that are used at test time",
    )
    batch_norm_epsilon: float = number(1e-5, low=0, high=1, low_open=True, help="added to sigma^2")
    l1: float = number(0.0, low=0, high=1e9, steerable=True, symbol="lambda", help="lambda/(2m) sum |W|")
    l2: float | None = number(
        None,
        low=0,
        high=1e9,
        steerable=True,
        nullable=True,
        symbol="lambda",
        help="lambda/(2m) sum W^2; default 1 on the whole batch, which has no noise of mini-batches, else 0, "
        "as the run begins",
    )
    keep_prob: float | tuple[float, ...] = number(
        1.0,
        low=0,
        high=1,
        low_open=True,
        steerable=True,
        per_layer=True,
        help="inverted dropout: share of a hidden layer's units that is kept",
    )
    input_keep_prob: float = number(
        1.0,
        low=0,
        high=1,
        low_open=True,
        steerable=True,
        help="the same for the inputs; 1 unless you know why",
    )
    augmentation: str = flags(
        "none",
        Augmentation.names(),
        steerable=True,
        help="fresh random variants of training images each epoch, e.g. shift+zoom",
    )
    augmentation_strength: float = number(
        0.1,
        low=0,
        high=1,
        steerable=True,
        help="largest shift, zoom and distortion, as a share of the image; "
        "largest turn, as a share of a right angle",
    )
    patience: int | None = integer(
        None,
        low=1,
        high=10_000_000,
        steerable=True,
        nullable=True,
        unit="epochs",
        help="early stopping after so many epochs without a better dev error; the best weights are restored",
    )
    normalize: bool = switch(True, help="inputs to mean 0, variance 1, by the training set")
    init_from: str | None = json_value(
        None,
        "a trial as 3.17 or, without a server, the path of a model file",
        read_model,
        nullable=True,
        help="the model whose weights a trial starts from, with its network and its preparation of inputs",
    )
    frozen_layers: int = integer(
        0, low=0, high=999, unit="layers", help="so many of its first layers stay as init_from has them"
    )
    precision: Literal["float32", "float64"] = choice(
        "float32", PRECISIONS, help="of parameters, data and arithmetic"
    )
    class_weight: str | Mapping[str, float] | None = json_value(
        None,
        "balanced, or a weight by class as {spam: 10}",
        read_class_weight,
        nullable=True,
        help="what examples of a class count in cost and gradient, not in metrics; the mean is made 1",
    )
    positive_class: str | None = json_value(
        None,
        "the name of a class",
        read_name,
        nullable=True,
        help="of precision, recall, f1 and threshold; default the second of two",
    )
    threshold: float | str | None = json_value(
        None,
        "a number in (0, 1), or dev",
        read_threshold,
        nullable=True,
        help="probability above which the positive one of two classes is predicted, default .5; dev: chosen "
        "on the dev set and kept in the model",
    )
    price: tuple[tuple[float, ...], ...] | None = json_value(
        None,
        "a row of numbers for each class, [actual][predicted]",
        read_price,
        nullable=True,
        help="of each kind of mistake, for the metric price",
    )
    metrics: tuple[str, ...] = json_value(
        (),
        "a list of metrics",
        read_metrics,
        help="computed besides error and cost; a search gives what its objective and its `metrics` name",
    )
    layer_statistics: bool = switch(
        False,
        steerable=True,
        help="report of each layer and epoch the norm of W, and mean, deviation and dead share of its units",
    )
    clean_train_cost: bool = switch(
        False,
        steerable=True,
        help="report of each epoch cost and error of the whole training set without dropout, regulariser or "
        "augmentation: a pass more",
    )
    predict_rows: int = integer(
        100, low=1, high=100_000, unit="examples", help="how many are predicted at once for predict_ms"
    )
    seed: int = integer(
        0,
        low=0,
        high=2**63 - 1,
        help="of the initial weights and all that is drawn later; a split has dataset.seed",
    )
    defaults: int = integer(
        DEFAULTS,
        low=1,
        high=DEFAULTS,
        help="version of what stands for settings that are left out; searches stored before 2 keep 1",
    )

    @property
    def widths(self) -> tuple[int, ...]:
        """Units of each hidden layer, n[1] .. n[L-1]."""
        if isinstance(self.hidden_units, tuple):
            return self.hidden_units
        return (self.hidden_units,) * (1 if self.hidden_layers is None else self.hidden_layers)

    @property
    def keep_probs(self) -> tuple[float, ...]:
        """keep_prob of each hidden layer."""
        if isinstance(self.keep_prob, tuple):
            return self.keep_prob
        return (self.keep_prob,) * len(self.widths)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def describe() -> list[SettingInfo]:
    """Return every setting with its type, range, default and unit, in the order of importance to a form."""
    return [_described(field) for field in dataclasses.fields(Settings)]


def _described(field: dataclasses.Field[Any]) -> SettingInfo:
    """Add to what a field declares what the registries say of it."""
    chosen = CHOICES.get(field.name)
    only_with = {setting: choices.that_use(field.name) for setting, choices in CHOICES.items()}
    info: SettingInfo = field.metadata["info"]
    return dataclasses.replace(
        info,
        name=field.name,
        default=field.default,
        meanings=chosen.meanings() if chosen else {},
        only_with={setting: names for setting, names in only_with.items() if names},
    )


_INFOS = {info.name: info for info in describe()}


def problems_of(values: Mapping[str, Any]) -> list[Problem]:
    """All that is wrong with plain settings; an empty list if a `Settings` can be made of them."""
    return _parse_all(values)[1]


def make_settings(values: Mapping[str, Any] | Settings) -> Settings:
    """Make `Settings` of plain values (JSON, YAML, a trial's parameters).

    Raises
    ------
    SettingError
        With one problem per wrong field.
    """
    if isinstance(values, Settings):
        return values
    parsed, problems = _parse_all(values)
    if problems:
        raise SettingError(problems)
    return Settings(**parsed)


def changed(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """Make the settings of a run that is changed while it runs.

    Raises
    ------
    SettingError
        Also for a setting that cannot be changed once training has begun.
    """
    fixed = [name for name in values if name in _INFOS and not _INFOS[name].steerable]
    if fixed:
        steerable = ", ".join(name for name, info in _INFOS.items() if info.steerable)
        raise SettingError(
            Problem(
                f"settings.{name}",
                "cannot be changed while a trial runs",
                f"fork a new trial; changeable: {steerable}",
            )
            for name in fixed
        )
    return make_settings({**settings.as_dict(), **values})


def _parse_all(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    parsed: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in values.items():
        if name not in _INFOS:
            problems.append(_unknown(name))
            continue
        result = parse(_INFOS[name], value)
        if isinstance(result, Problem):
            problems.append(result)
        else:
            parsed[name] = result
    return parsed, problems or layer_problems(parsed)


def _unknown(name: str) -> Problem:
    """Report a setting that does not exist, with the nearest one that does."""
    near = difflib.get_close_matches(name, list(_INFOS), n=1)
    remedy = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(_INFOS)}"
    return Problem(f"settings.{name}", "no setting of mlp has this name", remedy)
