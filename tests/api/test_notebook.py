"""Searches and trials in notebooks: the example runs, and what they show is what the server has."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
import pytest
from nbclient import NotebookClient

from caviar import Client
from caviar.errors import CaviarError
from caviar.notebook import svg
from caviar.notebook.data import curve_columns, frame
from caviar.records import Search
from tests.support.commandline import ROOT, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with one worker."""
    with serving(tmp_path_factory.mktemp("notebook"), workers=1) as url:
        yield url


@pytest.fixture(scope="module")
def outputs(server: str) -> list[dict[str, Any]]:
    """Return what the cells of the example show, run once."""
    notebook = nbformat.read(ROOT / "examples" / "notebook.ipynb", as_version=4)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CAVIAR_URL", server)
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(ROOT)}}).execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [output.get("data", {}) for cell in cells for output in cell.outputs]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_the_example_shows_a_search_its_trials_frames_and_figures(
    outputs: list[dict[str, Any]], client: Client
) -> None:
    [search] = client.searches(name="notebook")
    shown, alone, best, first, trials, curves, *figures = outputs
    assert search.state == "completed" and search.best is not None
    for html in (shown["text/html"], alone["text/html"]):
        assert "<progress" in html and "8 of 8 trials" in html and "<svg" in html
        assert search.best["trial"] in html
    assert best["text/html"].count("<tr>") == 6 and search.best["trial"] in best["text/html"]
    assert first["text/html"].startswith(f"<div><b>Trial {search.best['trial']}</b>")
    assert "params.learning_rate" in trials["text/html"] and "mean" in curves["text/html"]
    for figure in figures:
        assert figure["application/vnd.plotly.v1+json"]["data"]


def test_frames_hold_what_the_server_has(outputs: list[dict[str, Any]], client: Client) -> None:
    [search] = client.searches(name="notebook")
    known = list(client.trials(search))
    for library in ("pandas", "polars"):
        trials = search.trials_frame(library)
        assert list(trials["value"]) == [one.value for one in known]
        assert list(trials["params.hidden_units"]) == [one.params["hidden_units"] for one in known]
        curves = search.curves_frame(library)
        assert len(curves) == sum(one.epoch for one in known)
        assert list(known[0].curve_frame(library)["epoch"]) == [1, 2, 3, 4]
    with pytest.raises(CaviarError, match="take one of history"):
        search.figure("pie")
    with pytest.raises(CaviarError, match="take one of pandas, polars"):
        frame({}, "dask")
    assert pickle.loads(pickle.dumps(search)) == search


def test_a_record_that_no_client_read_is_shown_as_text() -> None:
    assert Search(1, "mine", "running")._repr_html_() is None


def test_a_picture_is_sound_svg_whatever_a_name_or_a_value_is() -> None:
    odd = svg.Line([1, 2, 3], [1.0, None, float("nan")], leading=True, title="<a & b>")
    lines = [odd, svg.Line([1], [2.0], leading=False, title="one")]
    drawn = ElementTree.fromstring(svg.draw(lines, "cost & <epoch>"))
    assert [one.text for one in drawn.iter() if one.text and "&" in one.text] == ["<a & b>", "cost & <epoch>"]
    assert svg.draw([svg.Line([1], [None], True, "none")], "nothing") == ""


def test_a_rewound_trial_has_each_epoch_once_in_its_frame() -> None:
    told = {
        "columns": ["epoch", "cost"],
        "branches": [
            {"branch": 0, "parent": None, "from_epoch": 0, "epoch": [1, 2, 3], "cost": [9.0, 8.0, 7.0]},
            {"branch": 1, "parent": 0, "from_epoch": 2, "epoch": [3, 4], "cost": [5.0, 4.0]},
        ],
    }
    assert curve_columns("1.0", 0, told) == {
        "trial": ["1.0"] * 4,
        "number": [0] * 4,
        "epoch": [1, 2, 3, 4],
        "cost": [9.0, 8.0, 5.0, 4.0],
    }


def test_the_notebook_is_kept_without_outputs() -> None:
    cells = json.loads(Path(ROOT / "examples" / "notebook.ipynb").read_text("utf-8"))["cells"]
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in cells)
