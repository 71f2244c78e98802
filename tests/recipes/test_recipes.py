"""The product is extended by the recipes of CONTRIBUTING.md alone, and everything that should follow does."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.chromium import CHROMIUM, chromium
from tests.support.commandline import caviar, serving
from tests.support.house import House, recipes
from tests.support.toys import TOYS

LOW, HIGH = 0.0001, 0.04
SEARCH = f"""
name: toys
dataset: {{name: iris}}
settings: {{optimizer: sign, epochs: 5, hidden_layers: 1, hidden_units: 8, batch_size: 32}}
space:
  learning_rate: {{scale: square_root, low: {LOW}, high: {HIGH}}}
strategy: {{name: halves, start: 1}}
stopping: {{name: cutoff, epochs: 3}}
budget: {{trials: 3}}
"""


@dataclass(frozen=True)
class Product:
    """The extended product at work, with one search that uses all toys and has ended."""

    house: House
    url: str
    env: dict[str, str]

    def get(self, path: str, **params: Any) -> Any:
        answer = httpx.get(f"{self.url}/api/v1{path}", params=params, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def type(self, *words: object) -> str:
        """Type a command; gives what it printed."""
        done = caviar(*words, env={**self.env, "CAVIAR_URL": self.url}, root=self.house.folder, timeout=120)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    def run(self, *words: str) -> str:
        """Run Python in the copy; gives what it printed."""
        command, env = [sys.executable, *words], {**os.environ, **self.env}
        done = subprocess.run(
            command, cwd=self.house.folder, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Copy the source tree and follow every recipe, counting the files of each."""
    made = House.copied(tmp_path_factory.mktemp("house"))
    promised = recipes()
    for kind, (add, most) in TOYS.items():
        made.touched.clear()
        add(made)
        recipe = promised[kind]
        assert len(made.touched) <= recipe.files <= most, (kind, sorted(made.touched))
        untold = [path for path in made.touched if not recipe.names(path)]
        assert untold == [], f"the recipe for a {kind} does not name them"
    return made


@pytest.fixture(scope="module")
def product(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Serve the copy and run a search through the command line."""
    folder = tmp_path_factory.mktemp("data")
    env = {"PYTHONPATH": str(house.folder), "CAVIAR_CACHE": str(folder / "cache")}
    env["CAVIAR_KERNELS"] = "blas"  # which are compiled sooner than the tiles
    (folder / "search.yaml").write_text(SEARCH)
    with serving(folder, env=env, root=house.folder) as url:
        made = Product(house, url, env)
        made.type("submit", folder / "search.yaml")
        made.type("watch", 1)
        yield made


def test_the_search_did_what_the_toys_say(product: Product) -> None:
    assert product.run("-c", "import caviar.search; print(caviar.search.__file__)").startswith(
        str(product.house.folder)
    )
    trials = product.get("/searches/1/trials")["items"]
    middles = [0.5, 0.25, 0.75]
    width = HIGH**0.5 - LOW**0.5
    expected = [(LOW**0.5 + unit * width) ** 2 for unit in middles]
    assert [trial["params"]["learning_rate"] for trial in trials] == pytest.approx(expected, rel=1e-12)
    assert {trial["origin"]["kind"] for trial in trials} == {"halves"}
    assert {(trial["state"], trial["epoch"]) for trial in trials} == {("stopped", 3)}
    assert all("nobody goes on" in trial["reason"] for trial in trials)
    assert [trial["train_error"] for trial in trials] == [t["metrics"]["train_error"] for t in trials]


def test_the_column_is_filtered_sorted_and_plotted(product: Product) -> None:
    errors = {t["number"]: t["train_error"] for t in product.get("/searches/1/trials")["items"]}
    middle = sorted(errors.values())[1]
    few = product.get("/searches/1/trials", filter=f"train_error<={middle!r}", sort="-train_error")["items"]
    wanted = sorted((n for n, e in errors.items() if e <= middle), key=lambda n: (-errors[n], n))
    assert [trial["number"] for trial in few] == wanted
    columns = product.get("/searches/1/columns", fields="number,train_error")
    assert "train_error" in json.dumps(columns)


def test_the_route_filters_and_is_documented(product: Product) -> None:
    assert product.get("/searches/1/lengths", least=3) == {"numbers": [0, 1, 2]}
    assert product.get("/searches/1/lengths", least=4) == {"numbers": []}
    refused = httpx.get(f"{product.url}/api/v1/searches/1/lengths?least=-1")
    assert refused.status_code == 422 and refused.json()["errors"][0]["field"] == "least"


def test_wrong_use_is_told_with_the_names_that_there_are(product: Product) -> None:
    def errors(**changes: Any) -> str:
        space = {"learning_rate": {"scale": "square_root", "low": -1.0, "high": 1.0}}
        body = {"dataset": {"name": "iris"}, "space": space, "budget": {"trials": 1}, **changes}
        return httpx.post(f"{product.url}/api/v1/searches", json=body).text

    assert "has no root" in errors()
    fine = {"space": {"learning_rate": {"scale": "log", "low": 0.1, "high": 1.0}}}
    assert "halves" in errors(**fine, strategy="nothing")
    assert "cutoff" in errors(**fine, stopping="nothing")
    assert "sign" in errors(**fine, settings={"optimizer": "nothing"})
    assert "square_root" in errors(space={"learning_rate": {"scale": "nothing", "low": 0.1, "high": 1.0}})


def test_the_command_line_shows_and_exports_them(product: Product, tmp_path: Path) -> None:
    best = json.loads(product.type("best", 1, "--json"))
    assert "train_error" in json.dumps(best)
    product.type("export", 1, tmp_path / "trials.csv")
    with (tmp_path / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["origin"] for row in rows] == ["halves"] * 3
    assert all(float(row["train_error"]) >= 0 for row in rows)
    program = "from caviar import Client; print(Client().trial('1.0').train_error)"
    shown = product.run("-c", f"import os; os.environ['CAVIAR_URL'] = {product.url!r}; {program}")
    assert float(shown) == float(rows[0]["train_error"])


def test_the_optimiser_takes_steps_of_one_length(product: Product) -> None:
    """With one step of length alpha every weight moves by alpha, or not at all."""
    product.run("-c", ONE_STEP)


ONE_STEP = """
import numpy as np
from caviar.trainer.data.types import Data
from caviar.trainer.run import Run
from caviar.trainer.settings import make_settings

draw = np.random.default_rng(3)
X, Y = draw.standard_normal((64, 4)).astype("float32"), draw.integers(0, 3, 64).astype("int32")
data = Data("multiclass", X, Y, X[:8], Y[:8], n_classes=3, mu=np.zeros(4), sigma=np.ones(4))
settings = make_settings({"optimizer": "sign", "learning_rate": 0.125, "epochs": 1, "batch_size": 64})
run = Run(settings, data, 1)
before = run.weights.copy()
run.advance(60, until_step=1)
moved = np.abs(run.weights - before)
assert np.isin(np.round(moved, 5), (0, 0.125)).all() and (moved > 0.1).mean() > 0.5, moved
"""


def test_docs_and_the_rest_document_follow(product: Product) -> None:
    for script in ("docs/tables.py", "docs/openapi.py"):
        product.run(script)
    docs = product.house.folder / "docs"
    assert "`square_root`" in (docs / "spaces.md").read_text()
    strategies = (docs / "strategies.md").read_text()
    assert "| `halves` |" in strategies and "| `cutoff` |" in strategies
    assert "sign(dW)" in "".join(page.read_text() for page in (docs / "trainer").glob("*.md"))
    document = json.loads((docs / "openapi.json").read_text())
    assert "/api/v1/searches/{search}/lengths" in document["paths"]
    schemas = document["components"]["schemas"]
    assert "train_error" in schemas["Trial"]["properties"]
    assert document == product.get("/openapi.json")
    told = json.dumps(schemas)
    assert all(f'"{name}"' in told for name in ("square_root", "halves", "cutoff"))
    [mlp] = [one for one in product.get("/trainers")["items"] if one["name"] == "mlp"]
    [setting] = [one for one in mlp["settings"] if one["name"] == "optimizer"]
    assert "sign" in setting["choices"]


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; apt-get install chromium brings it")
def test_form_and_pictures_show_them(product: Product) -> None:
    from playwright.sync_api import expect

    with chromium() as browser:
        page = browser.new_context(base_url=product.url).new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/new?example=digits")
        page.get_by_label("The search as YAML").fill(SEARCH)
        expect(page.get_by_label("Strategy")).to_have_value("halves")
        expect(page.get_by_label("Stop bad trials early")).to_have_value("cutoff")
        expect(page.get_by_label("Scale of learning rate")).to_have_value("square_root")
        page.get_by_role("button", name="Start the search").and_(page.locator(":enabled")).wait_for()
        page.goto("/searches/1?view=pictures")
        drawn = page.locator("#figure-lengths")
        drawn.scroll_into_view_if_needed()
        expect(drawn).to_have_attribute("data-ready", "true")
        expect(drawn.get_by_label("Epochs of 3 trials")).to_be_visible()
        assert complaints == []
