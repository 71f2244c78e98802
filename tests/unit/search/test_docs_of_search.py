"""The pages about spaces and strategies name everything that can be set."""

from pathlib import Path

import pytest
import yaml

from caviar.search.parameters import Choice, Fixed, Range
from caviar.search.scales import SCALES
from caviar.search.spec import SearchSpec
from caviar.search.stopping_rules import RULES, Hyperband, Median, Patience, SuccessiveHalving, Threshold
from caviar.search.strategy_settings import STRATEGIES, CoarseToFine, Tpe

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.mark.parametrize("name", [one.key() for one in (*STRATEGIES, *RULES)])
def test_every_strategy_and_rule_is_described(name):
    text = (DOCS / "strategies.md").read_text()
    assert f"\n## {name}\n" in text or f"| `{name}` |" in text


@pytest.mark.parametrize(
    "model", [CoarseToFine, Median, SuccessiveHalving, Hyperband, Patience, Threshold, Tpe]
)
def test_every_setting_is_described(model):
    text = (DOCS / "strategies.md").read_text()
    assert [field for field in model.model_fields if field != "name" and f"`{field}" not in text] == []


@pytest.mark.parametrize("model", [Range, Choice, Fixed])
def test_every_key_of_a_parameter_is_described(model):
    text = (DOCS / "spaces.md").read_text()
    assert [field for field in model.model_fields if f"{field}" not in text] == []
    assert all(f"`{scale}`" in text for scale in SCALES)


def test_the_space_of_the_page_is_accepted():
    text = (DOCS / "spaces.md").read_text().split("```yaml\n")[1].split("```")[0]
    spec = SearchSpec.parse({**yaml.safe_load(text), "budget": {"trials": 10}})
    assert spec.space.dimensions == 8


def test_the_pictures_are_there():
    for page in ("strategies.md", "spaces.md"):
        for part in (DOCS / page).read_text().split("](")[1:]:
            target = part.split(")")[0].split("#")[0]
            assert target.startswith("http") or (DOCS / target).exists(), target  # "" is this page
