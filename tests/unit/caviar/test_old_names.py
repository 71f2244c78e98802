"""Trainers that other people wrote for the names `trainer` and `search` still load, and nothing else does."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PLUGIN = """
import search.scales
import trainer.plugin as plugin
from trainer.data.load import load
from trainer.plugin import MLP


class Mine(MLP):
    def late(self):
        from trainer.data import types
        return types


LOADED = load, search.scales, plugin
"""
PROBE = """
import sys, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from caviar import trainers
    mine = trainers.get("mine")
said = sorted(str(one.message) for one in caught if one.category is DeprecationWarning)
{after}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of packages with one trainer, registered as pip would, and a link to caviar alone."""
    site = tmp_path / "site"
    registered = site / "mine-1.0.dist-info"
    registered.mkdir(parents=True)
    (registered / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (registered / "entry_points.txt").write_text(
        "[caviar.trainers]\nmine = their_trainer:Mine\nolder = trainer.plugin:MLP\n"
    )
    (site / "their_trainer.py").write_text(PLUGIN)
    (site / "caviar").symlink_to(ROOT / "caviar")
    return site


def run(site: Path, code: str) -> str:
    """Run code where `trainer` and `search` are no folders on the path."""
    hidden = f"import sys; sys.path[:] = [one for one in sys.path if one != {str(ROOT)!r}]\n"
    done = subprocess.run(
        [sys.executable, "-P", "-c", hidden + code],
        check=False,
        cwd=site.parent,
        env={"PYTHONPATH": str(site), "PATH": "", "HOME": str(site.parent)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def probe(site: Path, after: str) -> str:
    return run(site, PROBE.format(after=after))


def test_the_old_names_give_the_same_modules_and_a_warning(site: Path) -> None:
    after = """
import caviar.search.scales, caviar.trainer.data.load, caviar.trainer.data.types, caviar.trainer.plugin
import their_trainer
assert their_trainer.LOADED[0] is caviar.trainer.data.load.load
assert their_trainer.LOADED[1] is caviar.search.scales
assert their_trainer.LOADED[2] is caviar.trainer.plugin
assert isinstance(mine, caviar.trainer.plugin.MLP)
assert mine.late() is caviar.trainer.data.types
assert caviar.trainer.plugin.__spec__.name == caviar.trainer.plugin.__name__ == "caviar.trainer.plugin"
assert isinstance(trainers.get("older"), caviar.trainer.plugin.MLP)
print(*said, sep="\\n")
"""
    warned = probe(site, after).splitlines()
    assert [one.split(" is called")[0] for one in warned] == ["the package 'search'", "the package 'trainer'"]


def test_another_package_of_that_name_goes_first(site: Path) -> None:
    (site / "search").mkdir()
    (site / "search" / "__init__.py").write_text("OTHER = True\n")
    (site / "search" / "scales.py").write_text("THEIRS = True\n")
    after = "import search.scales; print(search.OTHER, search.scales.THEIRS, len(said))"
    assert probe(site, after).split() == ["True", "True", "1"]


def test_without_such_a_plugin_the_names_are_free(site: Path) -> None:
    code = """
import importlib.util
from caviar import trainers
trainers.get("mlp")
import caviar.trial_loop
print(importlib.util.find_spec("trainer"), importlib.util.find_spec("search"))
"""
    assert run(site, code).split() == ["None", "None"]


def test_what_the_old_name_never_had_is_missing_under_its_own_name(site: Path) -> None:
    after = """
try:
    import trainer.no_such_module
except ModuleNotFoundError as error:
    print(error)
"""
    assert "no_such_module" in probe(site, after)
