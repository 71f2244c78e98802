"""The pictures of docs/strategies.md, each from real trainings of the built-in trainer on the digits.

Run it as `python -m benchmarks.strategy_pictures`; it writes docs/pictures/*.svg and takes about a minute.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.training_seeds import training_seed
from caviar.search.history import History
from caviar.search.proposal import Proposal
from caviar.search.rounds import rounds
from caviar.search.simulate import Simulated, simulate
from caviar.search.spec import SearchSpec
from caviar.trainer.plugin import MLP

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
DATASET = {"name": "digits", "split": {"train": 0.7, "dev": 0.15, "test": 0.15}}
SPACE = {
    "learning_rate": {"scale": "log", "low": 1e-4, "high": 1.0},
    "beta1": {"scale": "one_minus_log", "low": 0.5, "high": 0.999},
}
WIDTH, HEIGHT, MARGIN, TICK = 300, 240, 34, 6
Points = Sequence[tuple[float, float]]


class Training:
    """Trains a point on the digits; the curve is the dev error after each epoch."""

    def __init__(self, epochs: int) -> None:
        self.trainer = MLP()
        self.settings = {"epochs": epochs, "optimizer": "adam", "hidden_layers": 1, "hidden_units": 32}
        self.data = self.trainer.load(DATASET, self.settings)

    def __call__(self, number: int, proposal: Proposal) -> list[float]:
        """Dev errors of one training."""
        run = self.trainer.start({**self.settings, **proposal.point}, self.data, training_seed(0, number))
        errors: list[float] = []
        while run.status == "running":
            errors += [epoch["dev_error"] for epoch in run.advance(10.0).epochs]
        return errors or [float("nan")]


def spec(strategy: str, trials: int, stopping: str = "none") -> SearchSpec:
    return SearchSpec.parse(
        {"space": SPACE, "strategy": strategy, "stopping": stopping, "budget": {"trials": trials}, "seed": 3}
    )


def colour(share: float) -> str:
    """From dark blue (best) to pale yellow (worst)."""
    stops = np.array([[38, 70, 133], [42, 157, 143], [233, 196, 106], [246, 232, 195]])
    place = min(max(share, 0.0), 1.0) * 3
    low = min(int(place), 2)
    red, green, blue = stops[low] + (stops[low + 1] - stops[low]) * (place - low)
    return f"rgb({red:.0f},{green:.0f},{blue:.0f})"


def label(x: float, y: float, text: str, anchor: str = "middle", size: int = 11) -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="{anchor}" fill="#444">{text}</text>'
    )


def frame(title: str, below: str, left: str) -> list[str]:
    middle = (MARGIN + HEIGHT) / 2
    turned = label(12, middle, left).replace("<text ", f'<text transform="rotate(-90 12 {middle:.0f})" ')
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + 24}"'
        ' font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT + 24}" fill="white"/>',
        label(WIDTH / 2, 16, title, size=13),
        f'<rect x="{MARGIN}" y="24" width="{WIDTH - MARGIN - 10}" height="{HEIGHT - 48}"'
        ' fill="none" stroke="#999"/>',
        label(WIDTH / 2, HEIGHT + 8, below),
        turned,
    ]


def place(x: float, y: float) -> tuple[float, float]:
    return MARGIN + x * (WIDTH - MARGIN - 10), HEIGHT - 24 - y * (HEIGHT - 48)


def scatter(name: str, run: Simulated, boxes: Sequence[str] = ()) -> None:
    """Points in the plane, coloured by rank, with a tick below for each value that was tried."""
    parts = frame(f"{name}, {len(run.values)} trials", "learning_rate, log", "beta1, one_minus_log")
    parts += boxes
    rank = np.argsort(np.argsort(run.values)) / max(len(run.values) - 1, 1)
    for number, proposal in enumerate(run.proposals):
        x, y = place(*proposal.unit)
        bottom = HEIGHT - 24
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + TICK}" stroke="#444"/>')
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour(rank[number])}"'
            ' stroke="#333" stroke-width=".5">'
            f"<title>trial {number}: dev error {run.values[number]:.4f}</title></circle>"
        )
    (PICTURES / f"{name}.svg").write_text("\n".join([*parts, "</svg>\n"]))


def boxes(search: SearchSpec, run: Simulated) -> list[str]:
    """The box of every round as a frame, the later the darker, with its number in a corner."""
    units = np.array([proposal.unit for proposal in run.proposals])
    found = rounds(search, History.of(range(len(units)), units, run.values, run.states))
    parts = []
    for one in found:
        (left, right), (low, high) = (
            [axis.to_unit(value) for value in one.box[axis.name]] for axis in search.space.axes
        )
        (x, bottom), (end, y) = place(left, low), place(right, high)
        shade = f"rgba(178,24,43,{0.25 + 0.75 * one.index / len(found):.2f})"
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{end - x:.1f}" height="{bottom - y:.1f}" fill="none"'
            f' stroke="{shade}" stroke-width="1.5"><title>round {one.index}: {one.why}</title></rect>'
        )
        parts.append(label(x + 6, y + 11, str(one.index)))
    return parts


def curves(name: str, run: Simulated, epochs: int) -> None:
    """Learning curves up to where each trial was stopped."""
    title = f"{name}: {run.epochs} of {epochs * len(run.curves)} epochs"
    parts = frame(title, "epoch", "dev error, log")
    low, high = np.log(0.01), np.log(1.0)
    for curve, state in zip(run.curves, run.states, strict=True):
        heights = (np.log(np.clip(curve, 0.01, 1.0)) - low) / (high - low)
        line = " ".join(
            "{:.1f},{:.1f}".format(*place((epoch + 1) / epochs, height))
            for epoch, height in enumerate(heights)
        )
        stroke = "#264685" if state == "completed" else "#d08c60"
        parts.append(f'<polyline points="{line}" fill="none" stroke="{stroke}" stroke-width="1"/>')
        x, y = place(len(curve) / epochs, heights[-1])
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{stroke}"/>')
    (PICTURES / f"{name}.svg").write_text("\n".join([*parts, "</svg>\n"]))


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    short, long = Training(5), Training(27)
    for name in ("random", "grid", "sobol", "tpe", "cmaes"):
        run = simulate(spec(name, 25), short)
        values = {axis: len({proposal.point[axis] for proposal in run.proposals}) for axis in SPACE}
        print(f"{name:20} best dev error {run.values.min():.4f}, values tried {values}")
        scatter(name, run)
    search = spec("coarse_to_fine", 25)
    run = simulate(search, short)
    print(f"{'coarse_to_fine':20} best dev error {run.values.min():.4f}")
    scatter("coarse_to_fine", run, boxes(search, run))
    for rule in ("none", "median", "successive_halving", "hyperband", "learning_curve"):
        run = simulate(spec("random", 40, rule), long)
        best = min(value for value, state in zip(run.values, run.states, strict=True) if state == "completed")
        print(f"{rule:20} best dev error {best:.4f} in {run.epochs} epochs of {40 * 27}")
        if rule != "none":
            curves(rule, run, 27)


if __name__ == "__main__":
    main()
