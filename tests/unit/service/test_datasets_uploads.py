"""Uploads: what is kept, what is refused, and what hostile files cannot do."""

import io
import json
import os
import pickle
import resource
import struct
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import create_engine, insert
from sqlalchemy.engine import make_url

from caviar.service.config import Limits
from caviar.service.errors import ConflictError, NotFoundError, RefusedError, ServiceError
from caviar.service.store.blobs import FileBlobs
from caviar.service.store.clock import SteadyClock
from caviar.service.store.database import Database
from caviar.service.store.tables import identity, metadata, revisions
from caviar.service.store.uploads import Uploads
from caviar.service.usecases import datasets
from caviar.service.usecases.datasets import Datasets

MIB = 1 << 20
CSV = b"a,b,species\n1,2,x\n3,,y\n5,6,x\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    url = make_url(f"sqlite:///{tmp_path / 'caviar.db'}")
    engine = create_engine(url)
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(revisions).values(id=1, value=0))
        connection.execute(insert(identity).values(id="test"))
    engine.dispose()
    database = Database(url, SteadyClock())
    database.start()
    yield database
    database.close()


def uploads(folder: Path, limits: Limits) -> Uploads:
    return Uploads(folder, limits, FileBlobs(folder / "datasets"))


@pytest.fixture
def use(store: Database, tmp_path: Path) -> Datasets:
    return Datasets(store, uploads(tmp_path, Limits(upload=8 * MIB, inspect_seconds=10)))


async def stream(content: bytes, piece: int = 65536) -> AsyncIterator[bytes]:
    for start in range(0, len(content), piece):
        yield content[start : start + piece]


def upload(use: Datasets, content: bytes, name: str = "mine", **options: Any) -> dict[str, Any]:
    return anyio.run(lambda: use.upload(name, stream(content), options))[0]


def files(tmp_path: Path) -> list[str]:
    return sorted(
        str(p.relative_to(tmp_path)) for d in ("uploads", "datasets") for p in (tmp_path / d).iterdir()
    )


def test_an_upload_is_described_and_kept_under_its_hash(use: Datasets, tmp_path: Path) -> None:
    found = upload(use, CSV)
    assert (found["rows"], found["columns"], found["missing"], found["kind"]) == (3, 2, 1, "csv")
    assert found["options"]["target"] == "species"
    assert found["options"]["reading"]["layout"]["delimiter"] == ","
    assert found["target"]["classes"] == [{"name": "x", "count": 2}, {"name": "y", "count": 1}]
    assert files(tmp_path) == [f"datasets/{found['digest'].removeprefix('sha256:')}.csv"]
    key = str(found["id"])
    assert anyio.run(use.preview, key)["rows"] == [[1, 2, "x"], [3, None, "y"], [5, 6, "x"]]
    path, digest = anyio.run(use.content, key)
    assert path.read_bytes() == CSV and digest == found["digest"]


def test_the_same_upload_twice_is_one_and_another_under_its_name_is_refused(
    use: Datasets, tmp_path: Path
) -> None:
    first, again = upload(use, CSV), upload(use, CSV)
    assert first["id"] == again["id"]
    with pytest.raises(ConflictError):
        upload(use, CSV + b"7,8,y\n")
    assert upload(use, CSV, name="other")["id"] != first["id"]
    assert files(tmp_path) == [f"datasets/{first['digest'].removeprefix('sha256:')}.csv"]


def test_of_two_uploads_at_once_under_one_name_one_is_kept(use: Datasets, tmp_path: Path) -> None:
    outcomes: list[str] = []

    async def one(content: bytes) -> None:
        try:
            await use.upload("mine", stream(content), {})
            outcomes.append("kept")
        except ConflictError:
            outcomes.append("refused")

    async def both() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(one, CSV)
            group.start_soon(one, CSV + b"7,8,y\n")

    anyio.run(both)
    assert (sorted(outcomes), len(files(tmp_path))) == (["kept", "refused"], 1)


def test_parquet_and_npz_are_told_by_their_first_bytes(use: Datasets) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"x": [1.0, 2.0, 3.0, 4.0], "label": ["a", "b", "a", "b"]}), buffer)
    assert upload(use, buffer.getvalue(), "table")["kind"] == "parquet"
    buffer = io.BytesIO()
    np.savez(buffer, X=np.zeros((6, 4), np.float32), y=np.array([0, 1, 2, 0, 1, 2]))
    found = upload(use, buffer.getvalue(), "arrays")
    assert (found["kind"], found["rows"], found["columns"]) == ("npz", 6, 4)
    buffer = io.BytesIO()
    np.savez(buffer, features=np.zeros((6, 4)), labels=np.array([0, 1, 2, 0, 1, 2]))
    found = upload(use, buffer.getvalue(), "named", arrays=["features", "labels"])
    assert found["rows"] == 6


def test_built_in_sets_stand_beside_the_uploaded_ones(use: Datasets) -> None:
    upload(use, CSV)
    listed = anyio.run(use.listed)
    assert [item["name"] for item in listed] == [
        "digits",
        "breast_cancer",
        "wine",
        "iris",
        "diabetes",
        "mine",
    ]
    assert anyio.run(use.get, "digits")["image_shape"] == [8, 8, 1]
    for key in ("nothing", "99", "-1", "1e3", "../caviar.db", "²"):
        with pytest.raises(NotFoundError):
            anyio.run(use.get, key)
    with pytest.raises(NotFoundError):
        anyio.run(use.content, "digits")


@pytest.mark.parametrize("name", ["", "digits", "../x", "a/b", "x" * 101, "a\nb", ".hidden", "\x00"])
def test_names_that_cannot_be_given(use: Datasets, name: str) -> None:
    with pytest.raises(RefusedError):
        upload(use, CSV, name=name)


def test_a_search_learns_where_its_data_are_and_cannot_name_files(use: Datasets, store: Database) -> None:
    found = upload(use, CSV)
    with store.reading() as connection:
        split = {"train": 0.7, "dev": 0.3}
        resolved = datasets.resolve(connection, {"name": "mine", "split": split, "test": {"name": "mine"}})
        origin = {"id": found["id"], "digest": found["digest"], "kind": "csv"}
        assert resolved["upload"] == resolved["test"]["upload"] == origin
        assert resolved["target"] == "species" and resolved["split"] == split
        assert datasets.resolve(connection, {"name": "digits"}) == {"name": "digits"}
        for bad in (
            {"name": "nope"},
            {"path": "/etc/passwd"},
            {"name": "mine", "dev": {"path": "x"}},
            {"X": [[1]]},
        ):
            with pytest.raises(RefusedError):
                datasets.resolve(connection, bad)


def test_a_file_goes_with_the_last_data_set_that_has_it(use: Datasets, tmp_path: Path) -> None:
    first, second = upload(use, CSV, "first"), upload(use, CSV, "second")
    anyio.run(use.delete, str(first["id"]))
    assert len(files(tmp_path)) == 1
    assert anyio.run(use.content, str(second["id"]))[0].read_bytes() == CSV
    anyio.run(use.delete, str(second["id"]))
    assert files(tmp_path) == []
    with pytest.raises(NotFoundError):
        anyio.run(use.delete, str(second["id"]))
    with pytest.raises(ConflictError, match="is built in"):
        anyio.run(use.delete, "digits")
    assert upload(use, CSV, "first")["id"] != first["id"]


# Hostile files ------------------------------------------------------------------------------------


class Bomb:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("pickle-was-loaded"),))


def npy_header(shape: tuple[int, ...], descr: str = "<f8") -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def pickled_npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([[Bomb(), 1]], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def wide_parquet_bomb() -> bytes:
    """A table of 2 GiB once read, a few hundred kB as a file: one value, run-length encoded."""
    buffer = io.BytesIO()
    column = pa.array(np.zeros(1 << 20))
    with pq.ParquetWriter(buffer, pa.schema([(f"c{i}", pa.float64()) for i in range(8)])) as writer:
        for _ in range(32):
            writer.write_table(pa.table({f"c{i}": column for i in range(8)}))
    return buffer.getvalue()


HOSTILE = {
    "empty": lambda: b"",
    "pickle": lambda: pickle.dumps(Bomb()),
    "pickled npy": pickled_npy,
    "pickled npz": lambda: zipped({"X.npy": pickled_npy(), "y.npy": pickled_npy()}),
    "32 GiB in 80 bytes": lambda: npy_header((1 << 16, 1 << 16)),
    "negative shape": lambda: npy_header((-1, 4)) + b"\0" * 64,
    "header with code": lambda: (
        b"\x93NUMPY\x01\x00" + struct.pack("<H", 40) + b"__import__('os').system('touch owned')  \n"
    ),
    "huge header": lambda: b"\x93NUMPY\x02\x00" + struct.pack("<I", 0xFFFFFFFF) + b"{" * 4096,
    "zip bomb": lambda: zipped({"X.npy": npy_header((1 << 16, 1 << 9)) + b"\0" * (256 * MIB), "y.npy": b""}),
    "zip of names": lambda: zipped({f"{i}.npy": b"" for i in range(5000)}),
    "zip with escapes": lambda: zipped({"../../X.npy": npy_header((1, 1)), "/etc/y.npy": npy_header((1,))}),
    "cut zip": lambda: zipped({"X.npy": npy_header((2, 2)) + b"\0" * 32})[:-10],
    "gzip": lambda: b"\x1f\x8b" + b"\0" * 100,
    "binary": lambda: bytes(range(256)) * 64,
    "cut parquet": lambda: b"PAR1" + b"\0" * 100 + struct.pack("<I", 0x7FFFFFFF) + b"PAR1",
    "parquet bomb": wide_parquet_bomb,
    "a million columns": lambda: b",".join(b"c%d" % i for i in range(1_000_000)) + b"\n1\n",
    "one endless cell": lambda: b'a,b\n"' + b"x" * (6 * MIB),
    "ragged rows": lambda: b"a,b\n1,2\n1,2,3\n",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_and_leaves_nothing(
    use: Datasets, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = HOSTILE[kind]()
    monkeypatch.chdir(tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    with pytest.raises(ServiceError) as caught:
        upload(use, content)
    assert 400 <= caught.value.status < 500, caught.value
    assert time.perf_counter() - began < 8  # 2 s on a machine that is ours alone; soak checks that
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 * 1024
    assert files(tmp_path) == []
    assert not (tmp_path / "pickle-was-loaded").exists() and not (tmp_path / "owned").exists()


def test_an_endless_body_ends_at_the_cap(use: Datasets, tmp_path: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"1,2,3\n" * 10000

    with pytest.raises(ServiceError) as caught:
        anyio.run(lambda: use.upload("mine", endless(), {}))
    assert caught.value.status == 413
    assert files(tmp_path) == []


def test_a_client_that_goes_away_leaves_nothing(use: Datasets, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a,b\n"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        anyio.run(lambda: use.upload("mine", broken(), {}))
    assert files(tmp_path) == []


def test_what_a_killed_server_left_is_removed_at_the_next_start(use: Datasets, tmp_path: Path) -> None:
    half = tmp_path / "uploads" / "half"
    half.write_bytes(b"a,b")
    uploads(tmp_path, Limits()).open()
    assert half.exists(), "another server on the same folder may be receiving it"
    os.utime(half, (time.time() - 7200, time.time() - 7200))
    uploads(tmp_path, Limits()).open()
    assert files(tmp_path) == []


def test_a_reader_that_runs_too_long_is_ended(store: Database, tmp_path: Path) -> None:
    slow = Datasets(store, uploads(tmp_path, Limits(inspect_seconds=0.02)))
    with pytest.raises(RefusedError, match="reading it took"):
        upload(slow, CSV)
    assert json.dumps(anyio.run(slow.listed)).find("mine") < 0
