"""Files are kept alike in a folder and in a bucket."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from caviar.service.errors import UnavailableError
from caviar.service.store.blobs import Blobs, DigestError, FileBlobs, digest_of
from caviar.service.store.bucket import Bucket, BucketBlobs
from caviar.service.store.sqlite import StartError
from tests.support.buckets import KEYS, client_of, keys_of, new_bucket, object_server
from tests.support.inprocess import running
from tests.support.server_process import free_port

SOON = 60.0  # seconds by which clocks may differ


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with object_server() as address:
        yield address


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@dataclass
class Kept:
    """Blobs, and where their bytes lie."""

    blobs: Blobs
    folder: Path
    endpoint: str | None = None
    bucket: str = ""

    def damage(self, name: str) -> None:
        if self.endpoint is None:
            (self.folder / name).write_bytes(b"torn")
        else:
            client_of(self.endpoint).put_object(Bucket=self.bucket, Key=f"lab/kept/{name}", Body=b"torn")

    def other(self, folder: Path) -> Blobs:
        """The same blobs as another server has them."""
        if self.endpoint is None:
            return FileBlobs(self.folder)
        return BucketBlobs(Bucket(f"s3://{self.bucket}/lab", self.endpoint), folder / "kept")


@pytest.fixture(params=["folder", "bucket"])
def kept(request: pytest.FixtureRequest, tmp_path: Path, keys: None) -> Kept:
    folder = tmp_path / "one" / "kept"
    if request.param == "folder":
        return Kept(FileBlobs(folder), folder)
    endpoint = request.getfixturevalue("endpoint")
    bucket = new_bucket(endpoint)
    return Kept(BucketBlobs(Bucket(f"s3://{bucket}/lab/", endpoint), folder), folder, endpoint, bucket)


def write(blobs: Blobs, name: str, *pieces: bytes) -> str:
    digest = digest_of(*pieces)
    blobs.write(name, pieces, digest)
    return digest


def test_what_was_written_is_read_by_another_server_too(kept: Kept, tmp_path: Path) -> None:
    digest = write(kept.blobs, "identity/3/7-abc", b"some", b"", b"bytes")
    for blobs in (kept.blobs, kept.other(tmp_path)):
        assert blobs.read("identity/3/7-abc", digest) == b"somebytes"
    empty = write(kept.blobs, "identity/3/8-abc")
    assert kept.blobs.read("identity/3/8-abc", empty) == b""


def test_bytes_that_are_not_the_announced_ones_are_not_kept(kept: Kept) -> None:
    with pytest.raises(DigestError, match="was announced"):
        kept.blobs.write("identity/3/7-abc", [b"bytes"], digest_of(b"others"))
    with pytest.raises(FileNotFoundError):
        kept.blobs.read("identity/3/7-abc", digest_of(b"others"))


def test_damage_is_found(kept: Kept) -> None:
    digest = write(kept.blobs, "identity/3/7-abc", b"bytes")
    kept.damage("identity/3/7-abc")
    with pytest.raises(DigestError, match="damaged"):
        kept.blobs.read("identity/3/7-abc", digest)


def test_a_file_is_taken_and_is_at_hand_for_every_server(kept: Kept, tmp_path: Path) -> None:
    arrived = kept.folder.parent / "arrived"
    arrived.write_bytes(b"a,b\n1,2\n")
    digest = digest_of(b"a,b\n1,2\n")
    name = f"{digest.removeprefix('sha256:')}.csv"
    kept.blobs.take(name, arrived)
    assert not arrived.exists()
    other = kept.other(tmp_path)
    for blobs in (kept.blobs, other, other):  # the second time it is there already
        place = blobs.local(name, digest)
        assert place.read_bytes() == b"a,b\n1,2\n"
    kept.blobs.remove(name)
    for blobs in (kept.blobs, kept.other(tmp_path / "third")):
        with pytest.raises(FileNotFoundError):
            blobs.local(name, digest)


@pytest.mark.parametrize("kept", ["bucket"], indirect=True)
def test_no_copy_is_made_of_a_damaged_object(kept: Kept) -> None:
    digest = write(kept.blobs, "name.csv", b"bytes")
    kept.damage("name.csv")
    with pytest.raises(DigestError):
        kept.blobs.local("name.csv", digest)
    assert not list(kept.folder.iterdir())


def test_names_are_those_of_a_store_and_old_enough(kept: Kept) -> None:
    write(kept.blobs, "one/1/0-a", b"x")
    write(kept.blobs, "one/2/0-b", b"x")
    write(kept.blobs, "other/1/0-c", b"x")
    assert sorted(kept.blobs.names("one", time.time() + SOON)) == ["one/1/0-a", "one/2/0-b"]
    assert kept.blobs.names("one", time.time() - SOON) == []
    assert kept.blobs.names("none", time.time() + SOON) == []


def test_removing_what_is_there_and_what_is_not(kept: Kept) -> None:
    names = [f"one/1/{number}-a" for number in range(3)]
    digests = [write(kept.blobs, name, b"x") for name in (*names, "one/10/0-a")]
    kept.blobs.remove(names[0])
    kept.blobs.remove(names[0])
    assert sorted(kept.blobs.names("one", time.time() + SOON)) == ["one/1/1-a", "one/1/2-a", "one/10/0-a"]
    kept.blobs.remove_all("one/1")
    kept.blobs.remove_all("one/1")
    assert kept.blobs.names("one", time.time() + SOON) == ["one/10/0-a"]
    assert kept.blobs.read("one/10/0-a", digests[3]) == b"x"


@pytest.mark.parametrize("name", ["../x", "/x", "a//b", "a/../b", "A/1", "a/b/c/d", ""])
def test_no_other_name_is_taken(kept: Kept, name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a blob"):
        kept.blobs.write(name, [b""], digest_of())
    with pytest.raises(ValueError, match="not the name of a blob"):
        kept.blobs.read(name, digest_of())
    with pytest.raises(ValueError, match="not the name of a blob"):
        kept.blobs.remove(name)


def test_a_bucket_lays_files_out_as_the_data_folder_does(endpoint: str, tmp_path: Path, keys: None) -> None:
    name = new_bucket(endpoint)
    for url in (f"s3://{name}", f"s3://{name}/lab/one"):
        bucket = Bucket(url, endpoint)
        bucket.check()
        write(BucketBlobs(bucket, tmp_path / "checkpoints"), "one/1/0-a", b"x")
    assert keys_of(endpoint, name) == ["checkpoints/one/1/0-a", "lab/one/checkpoints/one/1/0-a"]


def test_a_bucket_that_does_not_answer_is_waited_for(
    tmp_path: Path, keys: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("caviar.service.store.bucket.TRIES", 1)
    caplog.set_level("INFO", logger="caviar.service.store.bucket")
    port = free_port()
    bucket = Bucket("s3://lab", f"http://127.0.0.1:{port}")
    blobs = BucketBlobs(bucket, tmp_path / "checkpoints")
    with pytest.raises(StartError, match=r"s3://lab at http://127.*Could not connect.*AWS_ACCESS_KEY_ID"):
        bucket.check()
    for _ in range(2):
        with pytest.raises(UnavailableError, match="may be repeated"):
            blobs.write("one/1/0-a", [b"x"], digest_of(b"x"))
    with pytest.raises(UnavailableError):
        blobs.read("one/1/0-a", digest_of(b"x"))
    blobs.remove("one/1/0-a")  # what stays is nobody's: it is removed after a start
    blobs.remove_all("one/1")
    with object_server(port) as endpoint:
        with pytest.raises(UnavailableError):  # there is no such bucket
            write(blobs, "one/1/0-a", b"x")
        client_of(endpoint).create_bucket(Bucket="lab")
        write(blobs, "one/1/0-a", b"x")
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2 and "cannot be used" in said[0] and said[1] == "s3://lab is there again", said


def test_a_start_without_keys_says_so(endpoint: str, keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(StartError, match=r"Unable to locate credentials.*AWS_ACCESS_KEY_ID"):
        Bucket("s3://lab", endpoint).check()


def test_a_server_keeps_data_sets_in_its_bucket(endpoint: str, tmp_path: Path, keys: None) -> None:
    bucket = new_bucket(endpoint)
    body = b"x,y\n" + b"".join(b"%d,%s\n" % (n, b"ab"[n % 2 : n % 2 + 1]) for n in range(40))
    with running(tmp_path, store=f"s3://{bucket}/lab", store_endpoint=endpoint) as app:
        made = app.request("POST", "/api/v1/datasets?name=rows&target=y", content=body)
        assert made.status_code == 201, made.text
        address = made.headers["Location"]
        [key] = keys_of(endpoint, bucket)
        assert key == f"lab/datasets/{made.json()['digest'].removeprefix('sha256:')}.csv"
        [copy] = (tmp_path / "datasets").iterdir()
        copy.unlink()
        assert app.request("GET", f"{address}/content").content == body
        client_of(endpoint).delete_object(Bucket=bucket, Key=key)
        copy.unlink()
        gone = app.request("GET", f"{address}/content")
        assert gone.status_code == 409 and "upload it again" in gone.json()["detail"]
        assert app.request("DELETE", address).status_code == 204
