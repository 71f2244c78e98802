"""Folders as checkpoints: they come back as they were, and nothing is written outside them."""

import io
import tarfile
from pathlib import Path

import pytest

from caviar.checkpoint_files import packed, unpack
from caviar.errors import CaviarError

FORMS = ["own filter", *(["filter of tarfile"] if hasattr(tarfile, "data_filter") else [])]


@pytest.fixture(params=FORMS, autouse=True)
def _python(request, monkeypatch):
    """Both forms: Python before 3.11.4 has no filters."""
    if request.param == "own filter":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)


def test_a_folder_comes_back_as_it_was(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (state / "deep" / "empty").mkdir(parents=True)
    (state / "deep" / "weights.bin").write_bytes(b"\0\1\2")
    (state / "last").symlink_to("deep/weights.bin")
    unpack(packed(state), tmp_path / "back")
    assert (tmp_path / "back" / "last").readlink() == Path("deep/weights.bin")
    assert (tmp_path / "back" / "last").read_bytes() == b"\0\1\2"
    assert (tmp_path / "back" / "deep" / "empty").is_dir()


@pytest.mark.parametrize(
    ("name", "kind", "link"),
    [
        ("../outside", tarfile.REGTYPE, ""),
        ("link", tarfile.SYMTYPE, "../outside"),
        ("link", tarfile.SYMTYPE, "/etc/passwd"),
        ("link", tarfile.LNKTYPE, "../outside"),
        ("pipe", tarfile.FIFOTYPE, ""),
    ],
)
def test_nothing_leads_outside_the_folder(tmp_path: Path, name: str, kind: bytes, link: str) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, link
        archive.addfile(member)
    with pytest.raises(CaviarError, match="cannot be written"):
        unpack(content.getvalue(), tmp_path / "back")
    assert [one.name for one in tmp_path.iterdir()] == ["back"]
    assert not list((tmp_path / "back").iterdir())
