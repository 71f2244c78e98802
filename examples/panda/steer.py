"""One network with a fixed learning rate, and the same network after three commands.

    caviar serve                        # in another terminal
    python examples/panda/steer.py      # writes examples/panda/steered.svg

A rate of .05 learns fast for a while, then tears down what it has learnt. A person who watches sees the cost
swing, lowers the rate, later once more with a little L2, and lets it settle. Here the commands are scheduled,
so that anyone gets the same picture. Both runs have the same seed: they are one run until the first command.
"""

import argparse
from pathlib import Path

from caviar import Client

EPOCHS = 80
SETTINGS = {"epochs": EPOCHS, "hidden_units": [64, 32], "batch_size": 16, "optimizer": "adam"}
COMMANDS = (
    ("epoch:15", {"learning_rate": 0.01}),
    ("epoch:40", {"learning_rate": 0.002, "l2": 0.05}),
    ("epoch:60", {"learning_rate": 0.0005}),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--picture", type=Path, default=Path(__file__).with_name("steered.svg"))
    arguments = parser.parse_args()
    with Client() as client:
        pairs = [(train(client, seed, ()), train(client, seed, COMMANDS)) for seed in range(arguments.seeds)]
        print("seed   dev error: fixed  steered     dev cost: fixed  steered")
        for seed, (fixed, steered) in enumerate(pairs):
            a, b = client.trial(fixed).metrics, client.trial(steered).metrics
            print(f"{seed:4d}{100 * a['dev_error']:18.2f} %{100 * b['dev_error']:7.2f} %", end="")
            print(f"{a['dev_cost']:20.3f}{b['dev_cost']:9.3f}")
        curves = [client.curve(trial)["branches"][0] for trial in pairs[0]]
        marks = [(one["epoch"], label(one)) for one in client.given(pairs[0][1])]
        arguments.picture.write_text(picture(curves, marks), "utf-8")
        print(f"Picture: {arguments.picture}. Prove the steered run with: caviar replay {pairs[0][1]}")


def train(client: Client, seed: int, commands: tuple[tuple[str, dict], ...]) -> str:
    """Train one babysat trial; gives its name."""
    search = client.submit(
        name=f"panda, seed {seed}, {'steered' if commands else 'fixed'}",
        mode="panda",
        dataset={"name": "digits", "split": {"train": 0.5, "dev": 0.5, "test": 0}},
        settings=SETTINGS,
        space={"learning_rate": {"choices": [0.05]}},
        strategy={"name": "random"},
        budget={"trials": 1},
        schedule=[{"epoch": int(at.removeprefix("epoch:")), "set": settings} for at, settings in commands],
        seed=seed,
    )
    client.wait(search)
    return f"{search.id}.0"


def label(command: dict) -> str:
    """What a command changed, as the picture says it."""
    return ", ".join(f"{name} {value:g}" for name, value in command["after"].items())


def picture(curves: list[dict], marks: list[tuple[int, str]], width: int = 720, height: int = 360) -> str:
    """Draw the dev error of both runs by epoch, and the commands."""
    left, top, bottom = 56, 44, 40
    highest = max(value for curve in curves for value in curve["dev_error"][4:])

    def x(epoch: float) -> float:
        return left + (width - left - 16) * epoch / EPOCHS

    def y(error: float) -> float:
        return top + (height - top - bottom) * (1 - min(error, highest) / highest)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="12"><rect width="100%" height="100%" fill="white"/>'
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        place = y(share * highest)
        parts.append(f'<line x1="{left}" x2="{width - 16}" y1="{place:.1f}" y2="{place:.1f}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{left - 6}" y="{place + 4:.1f}" text-anchor="end">{100 * share * highest:.1f} %</text>'
        )
    for epoch in range(0, EPOCHS + 1, 20):
        parts.append(f'<text x="{x(epoch):.1f}" y="{height - 18}" text-anchor="middle">{epoch}</text>')
    for number, (epoch, text) in enumerate(marks):
        place, line = x(epoch), 18 + 16 * (number % 2)
        parts.append(
            f'<line x1="{place:.1f}" x2="{place:.1f}" y1="{line + 4}" y2="{height - bottom}" stroke="#888" '
            f'stroke-dasharray="3 3"/><text x="{place + 4:.1f}" y="{line}">{text}</text>'
        )
    for curve, colour, name, row in zip(
        curves, ("#d1495b", "#00798c"), ("fixed", "steered"), (0, 1), strict=True
    ):
        line = " ".join(
            f"{x(e):.1f},{y(v):.1f}" for e, v in zip(curve["epoch"], curve["dev_error"], strict=True)
        )
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        parts.append(
            f'<text x="{left + 8 + 90 * row}" y="{height - bottom - 8}" fill="{colour}">{name}</text>'
        )
    middle = (left + width) / 2
    parts.append(
        f'<text x="{middle:.0f}" y="{height - 4}" text-anchor="middle">epoch; dev error of digits</text>'
    )
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
