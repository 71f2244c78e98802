"""What the settings of `mlp` choose from. Each choice stands here once: name, code, meaning, settings.

Forms, error texts, REST, the tables of docs/trainer and the kernels follow from it. Users and files write a
choice's name, kernels compare its code; neither ever changes. To add one, write a member here and its kernel
in trainer/kernels/: a code that the kernels do not know ends a run with an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a choice.

    Attributes
    ----------
    code : int
        What kernels compare, and the value of the member.
    meaning : str
        One line for forms and docs.
    uses : tuple of str
        Settings that have an effect with this choice; with one that does not use them they have none.
    """

    code: int
    meaning: str
    uses: tuple[str, ...] = ()


class Choice(IntEnum):
    """A named choice; its value is its code in the kernels."""

    facts: Facts

    def __new__(cls, facts: Facts) -> Self:
        """Make a member: an int that carries facts."""
        member = int.__new__(cls, facts.code)
        member._value_ = facts.code
        member.facts = facts
        return member

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names, in the order in which they are shown."""
        return tuple(cls.__members__)

    @classmethod
    def meanings(cls) -> dict[str, str]:
        """Return what each name means."""
        return {choice.name: choice.facts.meaning for choice in cls}

    @classmethod
    def each(cls, fact: Callable[[Any], object]) -> str:
        """Return a fact of all choices that have it: "0.1 for gd and momentum, 0.001 for adam"."""
        names: dict[object, list[str]] = {}
        for choice in cls:
            if fact(choice.facts) is not None:
                names.setdefault(fact(choice.facts), []).append(choice.name)
        return ", ".join(f"{value} for {' and '.join(having)}" for value, having in names.items())

    @classmethod
    def that_use(cls, setting: str) -> tuple[str, ...]:
        """Return the names of the choices with which a setting matters."""
        return tuple(choice.name for choice in cls if setting in choice.facts.uses)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerFacts(Facts):
    """Learning rates, and what the optimiser remembers.

    Attributes
    ----------
    averages : tuple of {"v", "s"}
        The averages of `structs.State` that it keeps; checkpoints leave out the others.
    rate : float
        alpha0 if nobody says.
    regression_rate : float or None
        Another one for a regression, whose gradients grow with its errors.
    whole_batch_rates : (float, float) or None
        Others where an epoch is one step: for classes, and for regression, which fits noise sooner.
    beta2 : float or None
        Of the average of dW^2 if nobody says.
    usual_rate : float
        Middle of the range in which a next search looks.
    """

    averages: tuple[str, ...] = ()
    rate: float
    usual_rate: float
    regression_rate: float | None = None
    whole_batch_rates: tuple[float, float] | None = None
    beta2: float | None = None


@unique
class Optimizer(Choice):
    """How W follows from dW; kernels/optimizers.py."""

    facts: OptimizerFacts

    gd = OptimizerFacts(
        code=0,
        meaning="W := W - alpha dW",
        rate=0.1,
        regression_rate=0.01,
        whole_batch_rates=(0.1, 0.01),
        usual_rate=0.03,
    )
    momentum = OptimizerFacts(
        code=1,
        meaning="v := beta v + (1 - beta) dW; W := W - alpha v",
        uses=("momentum",),
        averages=("v",),
        rate=0.1,
        regression_rate=0.01,
        whole_batch_rates=(0.1, 0.03),
        usual_rate=0.1,
    )
    rmsprop = OptimizerFacts(
        code=2,
        meaning="s := beta2 s + (1 - beta2) dW^2; W := W - alpha dW/(sqrt(s) + epsilon)",
        uses=("beta2", "epsilon"),
        averages=("s",),
        rate=0.001,
        whole_batch_rates=(0.01, 0.002),
        beta2=0.9,  # without correction the first step is alpha/sqrt(1 - beta2)
        usual_rate=0.003,
    )
    adam = OptimizerFacts(
        code=3,
        meaning="v and s, corrected: W := W - alpha v/(1 - beta1^t) / (sqrt(s/(1 - beta2^t)) + epsilon)",
        uses=("beta1", "beta2", "epsilon"),
        averages=("v", "s"),
        rate=0.001,
        whole_batch_rates=(0.01, 0.002),
        beta2=0.999,
        usual_rate=0.003,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DecayFacts(Facts):
    """`meaning` is alpha; `rate` is decay_rate if nobody says, None without one."""

    rate: float | None = None


@unique
class Decay(Choice):
    """How alpha falls; `decayed` in kernels/optimizers.py."""

    facts: DecayFacts

    none = DecayFacts(code=0, meaning="alpha0")
    inverse = DecayFacts(code=1, meaning="alpha0/(1 + rate epoch)", uses=("decay_rate",), rate=1)
    exponential = DecayFacts(code=2, meaning="rate^epoch alpha0", uses=("decay_rate",), rate=0.95)
    inverse_sqrt = DecayFacts(code=3, meaning="rate/sqrt(epoch) alpha0", uses=("decay_rate",), rate=1)
    inverse_sqrt_step = DecayFacts(code=4, meaning="rate/sqrt(t) alpha0", uses=("decay_rate",), rate=1)
    staircase = DecayFacts(
        code=5,
        meaning="rate^floor((epoch - 1)/decay_epochs) alpha0",
        uses=("decay_rate", "decay_epochs"),
        rate=0.5,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationFacts(Facts):
    """`meaning` is g(z); its derivative in terms of a = g(z); the initialisation that suits it."""

    derivative: str
    initialization: str


@unique
class Activation(Choice):
    """g of the hidden layers; kernels/activations.py, and `_activate` in predict.py."""

    facts: ActivationFacts

    relu = ActivationFacts(
        code=0, meaning="max(z, 0)", derivative="1 where a > 0, else 0", initialization="he"
    )
    leaky_relu = ActivationFacts(
        code=1,
        meaning="z where z > 0, else slope z",
        uses=("leaky_slope",),
        derivative="1 where a > 0, else slope",
        initialization="he",
    )
    tanh = ActivationFacts(
        code=2, meaning="(e^z - e^-z)/(e^z + e^-z)", derivative="1 - a^2", initialization="xavier"
    )
    sigmoid = ActivationFacts(code=3, meaning="1/(1 + e^-z)", derivative="a (1 - a)", initialization="xavier")


@dataclass(frozen=True, slots=True, kw_only=True)
class InitializationFacts(Facts):
    """The variance of W[l] by n[l-1] and n[l]; `init_scale` (or `scale`) multiplies its root."""

    variance: Callable[[int, int], float]
    scale: float | None = 1


@unique
class Initialization(Choice):
    """How W is drawn; initialization.py."""

    facts: InitializationFacts

    zeros = InitializationFacts(code=0, meaning="0", variance=lambda fan_in, fan_out: 0.0, scale=None)
    normal = InitializationFacts(
        code=1,
        meaning="`init_scale`^2, default .01^2",
        uses=("init_scale",),
        variance=lambda fan_in, fan_out: 1.0,
        scale=0.01,
    )
    xavier = InitializationFacts(
        code=2, meaning="1/n[l-1]", uses=("init_scale",), variance=lambda fan_in, fan_out: 1 / fan_in
    )
    glorot = InitializationFacts(
        code=3,
        meaning="2/(n[l-1] + n[l])",
        uses=("init_scale",),
        variance=lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    )
    he = InitializationFacts(
        code=4, meaning="2/n[l-1]", uses=("init_scale",), variance=lambda fan_in, fan_out: 2 / fan_in
    )


@unique
class Augmentation(Choice):
    """How images vary; each code is a bit, a run may have several; kernels/augment.py."""

    flip = Facts(code=1, meaning="mirrored left to right, half of the time")
    shift = Facts(
        code=2, meaning="by s u of the height and s u of the width", uses=("augmentation_strength",)
    )
    zoom = Facts(code=4, meaning="by the factor 1 + s u", uses=("augmentation_strength",))
    rotate = Facts(code=8, meaning="by s u of a right angle", uses=("augmentation_strength",))
    distort = Facts(
        code=16,
        meaning="rows and columns moved along one sine wave each, of up to s/2 of the smaller side",
        uses=("augmentation_strength",),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFacts(Facts):
    """`meaning` is A[L]; then J without regulariser, dZ[L], and what `error` is."""

    cost: str
    gradient: str
    error: str


@unique
class Output(Choice):
    """Output unit and loss, by the kind of the data; kernels/losses.py."""

    facts: OutputFacts

    binary = OutputFacts(
        code=0,
        meaning="a = 1/(1 + e^-z)",
        cost="-1/m sum (y log a + (1 - y) log(1 - a))",
        gradient="(a - y)/m",
        error="share with (z > 0) not y",
    )
    multiclass = OutputFacts(
        code=1,
        meaning="a_j = e^(z_j - max z) / sum e^(z - max z)",
        cost="-1/m sum log a_y",
        gradient="(a - one-hot y)/m",
        error="share with argmax a not y (hardmax)",
    )
    regression = OutputFacts(
        code=2,
        meaning="a = z",
        cost="1/(m k) sum (z - y)^2",
        gradient="2 (z - y)/(m k)",
        error="sqrt(1/(m k) sum (z - y)^2) / standard deviation of the training targets",
    )


CHOICES: dict[str, type[Choice]] = {
    "optimizer": Optimizer,
    "decay": Decay,
    "activation": Activation,
    "initialization": Initialization,
    "augmentation": Augmentation,
}  # by the setting that chooses
