"""Write the tables of docs/ that follow from the code, between their markers: make tables."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from caviar.search.methods import Method
from caviar.search.scales import SCALES
from caviar.search.stopping_rules import RULES
from caviar.search.strategy_settings import STRATEGIES
from caviar.trainer.choices import (
    Activation,
    Augmentation,
    Choice,
    Decay,
    Initialization,
    Optimizer,
    OptimizerFacts,
    Output,
)
from caviar.trainer.metrics import (
    ALL,
    ALWAYS,
    CLEAN_TRAIN,
    LAYER_NORM,
    MEASURES,
    PARTS,
    PER_TRIAL,
    SECONDS,
    EpochMetric,
)
from caviar.trainer.setting_types import SettingInfo
from caviar.trainer.settings import describe

DOCS = Path(__file__).parent
_PLACE = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    lines = [list(head), ["---"] * len(list(head)), *([str(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def settings() -> str:
    """Return all settings of `mlp`."""
    head = ("setting", "values", "default", "what", "with", "steerable")
    return table(head, [_setting(info) for info in describe()])


def _setting(info: SettingInfo) -> list[str]:
    default = "null" if info.default is None else str(info.default).lower()
    conditions = "; ".join(f"{name}: {', '.join(values)}" for name, values in info.only_with.items())
    return [f"`{info.name}`", info.range, default, info.help, conditions, "yes" if info.steerable else ""]


def optimizers() -> str:
    """Return the optimisers with what they use."""
    rows = [(one.name, one.facts.meaning, _uses(one), _rates(one.facts)) for one in Optimizer]
    return table(("`optimizer`", "step", "settings", "alpha0"), rows)


def _rates(facts: OptimizerFacts) -> str:
    regression = f", {facts.regression_rate:g} for a regression" if facts.regression_rate else ""
    whole = facts.whole_batch_rates
    return f"{facts.rate:g}{regression}" + (f" ({whole[0]:g}, {whole[1]:g})" if whole else "")


def decays() -> str:
    """Return the decays of the learning rate."""
    rows = [(one.name, one.facts.meaning, _number(one.facts.rate), _uses(one)) for one in Decay]
    return table(("`decay`", "alpha", "default rate", "settings"), rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def activations() -> str:
    """Return g and its derivative."""
    rows = [(one.name, one.facts.meaning, one.facts.derivative, _uses(one)) for one in Activation]
    return table(("`activation`", "g(z)", "g'(z)", "settings"), rows)


def initializations() -> str:
    """Return the variances of the first weights."""
    suits = {
        one: [g.name for g in Activation if g.facts.initialization == one.name] for one in Initialization
    }
    rows = [(one.name, one.facts.meaning, ", ".join(suits[one])) for one in Initialization]
    return table(("`initialization`", "variance of W[l]", "default for"), rows)


def augmentations() -> str:
    """Return how images vary."""
    return table(("name", "what"), [(one.name, one.facts.meaning) for one in Augmentation])


def outputs() -> str:
    """Return output units, losses and errors."""
    rows = [(o.name, o.facts.meaning, o.facts.cost, o.facts.gradient, o.facts.error) for o in Output]
    return table(("data", "A[L]", "J without regulariser", "dZ[L]", "error"), rows)


def _uses(choice: Choice) -> str:
    return ", ".join(f"`{name}`" for name in choice.facts.uses)


def strategies() -> str:
    """Return the strategies, their settings, and what they need."""
    rows = []
    for one in STRATEGIES:
        needs = [f"caviar[{one.extra}]"] if one.extra else []
        needs += [f"at most {one.most_dimensions} coordinates"] if one.most_dimensions else []
        learns = "yes" if one.uses_results else ""
        rows.append((f"`{one.key()}`", one.help(), _options(one), learns, ", ".join(needs)))
    return table(("`strategy`", "what", "settings", "learns from results", "needs"), rows)


def stopping_rules() -> str:
    """Return the stopping rules and their settings."""
    rows = [(f"`{one.key()}`", one.help(), _options(one)) for one in RULES]
    return table(("`stopping`", "what", "settings"), rows)


def _options(method: type[Method]) -> str:
    texts = []
    for name, field in method.model_fields.items():
        if name != "name":
            usual = "" if field.is_required() or field.default is None else f": {json.dumps(field.default)}"
            texts.append(f"`{name}{usual}` {field.description or ''}")
    return " ".join(texts)


def scales() -> str:
    """Return the scales and for which values they are."""
    rows = [
        (f"`{name}`", one.help(), "yes" if one.counts else "", "{:g} to {:g}".format(*one.example))
        for name, one in SCALES.items()
    ]
    return table(("`scale`", "what", "integers, steps", "for example"), rows)


def epoch_metrics() -> str:
    """Return what every epoch reports."""
    rows = [(f"`{one.name}`", one.column.meaning, one.column.direction or "") for one in EpochMetric]
    rows += [(f"`{LAYER_NORM.format('l')}`", "the same of dW[l], for each layer l = 1 .. L", "")]
    asked = "with `clean_train_cost: true`, of the training set after the epoch's last step"
    rows += [
        (f"`{CLEAN_TRAIN.format(name)}`", f"{asked}: {MEASURES[name].meaning}", MEASURES[name].direction)
        for name in reversed(ALWAYS)
    ]
    return table(("metric", "what", "better"), [*rows, (f"`{SECONDS}`", "time spent in the epoch", "")])


def measures() -> str:
    """Return what is measured on each part at the end."""
    rows = [
        (", ".join(f"`{part}_{name}`" for part in PARTS), one.meaning, one.direction)
        for name, one in MEASURES.items()
        if name in ALWAYS
    ]
    return table(("metrics", "what", "better"), rows)


def named_measures() -> str:
    """Return what is computed where a search names it."""
    rows = [
        (f"`{name}`", one.meaning, one.direction, ", ".join(one.kinds) if one.kinds != ALL else "all")
        for name, one in {**MEASURES, **PER_TRIAL}.items()
        if name not in ALWAYS
    ]
    return table(("metric", "what", "better", "data"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "settings": settings,
    "optimizer": optimizers,
    "decay": decays,
    "activation": activations,
    "initialization": initializations,
    "augmentation": augmentations,
    "output": outputs,
    "strategies": strategies,
    "stopping_rules": stopping_rules,
    "scales": scales,
    "epoch_metrics": epoch_metrics,
    "measures": measures,
    "named_measures": named_measures,
}


def pages() -> dict[Path, str]:
    """Return each page that has tables, as it should read."""
    texts = {page: page.read_text() for page in sorted(DOCS.rglob("*.md"))}
    return {page: filled(text) for page, text in texts.items() if _PLACE.search(text)}


def filled(text: str) -> str:
    """Return a page with its tables made anew."""
    return _PLACE.sub(lambda found: found[1] + TABLES[found[2]]() + found[3], text)


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text)
