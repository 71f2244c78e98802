"""Exports hold no formula, and read back as they were."""

import io
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.spreadsheets import escape, escaped, read_csv, unescape, write_csv

HOSTILE = ["=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1+1", "\u00a0=1", "-", "+"]
HOSTILE += ["\uff1d1+1", "\uff0b1", "\uff0d1+1", "\uff20A1", "'=1", "'", "''", '=HYPERLINK("http://x","y")']
HOSTILE += ["=cmd|' /C calc'!A0", "=a;=1+1", "+a\t=1", '=a",=1', "@a\n=1", "-a\rb"]
# A program that separates cells by something else than a comma cuts these, and takes the rest for a cell.
HOSTILE += [
    "x;=1+1",
    "x; =1+1",
    "x\t=1+1",
    "x|=1+1",
    "x\n=1+1",
    "x\r=1+1",
    'x";"=1+1',
    "x;@SUM(1)",
    "a;'=1",
    ";-1-1",
]
HOSTILE += ['"=1+1', '"";=1+1', "=;=;=1", "';';'"]
HARMLESS = ["x,-1", "a;b", "-1.5", "+3", "-1e-05", "adam", "", "1.1", "x=1", "é", "[-1, 2]", "a-b"]
COLUMNS = {
    "=cmd()": [*HOSTILE, *HARMLESS],
    "number": [-1.5 - row for row in range(len(HOSTILE) + len(HARMLESS))],
    "@name;=1": ["plain"] * (len(HOSTILE) + len(HARMLESS)),
}


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_begins_like_a_formula(text: str) -> None:
    shown = escape(text)
    for piece in re.split(r"[;|\t\r\n]", shown):
        assert piece.lstrip(' "\u00a0')[:1] not in tuple("=+-@\uff1d\uff0b\uff0d\uff20")
    assert not shown.startswith(("\t", "\r", "\n"))
    assert unescape(shown) == text


def test_numbers_stay_numbers() -> None:
    assert [escape(value) for value in (-1.5, 3, None, True, *HARMLESS)] == [-1.5, 3, None, True, *HARMLESS]


def test_csv_reads_back_equal() -> None:
    text = write_csv(COLUMNS)
    assert read_csv(text) == {name: [str(cell) for cell in cells] for name, cells in COLUMNS.items()}


def test_parquet_reads_back_equal() -> None:
    file = io.BytesIO()
    pq.write_table(pa.table(escaped(COLUMNS)), file)
    found = pq.read_table(file).to_pydict()
    assert all(cell == escape(cell) or "'" in cell for cell in found["'=cmd()"])
    assert {unescape(k): [unescape(v) for v in column] for k, column in found.items()} == COLUMNS


@given(st.text(alphabet="'=+-@;|\t\r\n \"1a\uff1d\u2028"))
def test_every_text_reads_back(text: str) -> None:
    assert unescape(escape(text)) == text
    assert read_csv(write_csv({"n": [0, 1], text: [text, 1]})) == {"n": ["0", "1"], text: [text, "1"]}


@pytest.mark.soak
@pytest.mark.parametrize("separators", ["44", "59", "9", "124", "44/59/9"])
def test_a_spreadsheet_program_finds_no_formula(tmp_path: Path, separators: str) -> None:
    """By comma, semicolon (where a decimal comma is usual), tab, bar, and whatever comes first."""
    office = shutil.which("soffice") or pytest.skip("needs LibreOffice Calc")
    (tmp_path / "trials.csv").write_text(write_csv(COLUMNS), "utf-8", newline="")
    profile = f"-env:UserInstallation=file://{tmp_path / 'profile'}"
    read = f"--infilter=Text - txt - csv (StarCalc):{separators},34,76,1"
    command = [office, profile, "--headless", read, "--convert-to", "ods", "--outdir", str(tmp_path)]
    subprocess.run([*command, str(tmp_path / "trials.csv")], check=True, timeout=180, capture_output=True)
    content = zipfile.ZipFile(tmp_path / "trials.ods").read("content.xml").decode()
    assert "table:formula" not in content
    if separators == "44":
        assert 'office:value="-1.5"' in content, "numbers are numbers"
