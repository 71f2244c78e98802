"""Data sets: those that come with the trainer, and those that people upload."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from caviar.service.errors import ConflictError, FieldProblem, NotFoundError, RefusedError
from caviar.service.sandbox.inspection import describe_table
from caviar.service.store import audit
from caviar.service.store import datasets as rows
from caviar.service.store.database import Database
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.transaction import Transaction
from caviar.service.store.uploads import Received, Uploads
from caviar.service.usecases.names import name_problems
from caviar.trainer.data import builtin
from caviar.trainer.data.more_rows import other_sources, with_sources

OPTIONS = ("target", "task", "categorical", "ignore", "arrays", "image_shape")
FROM_FILES = ("path", "X", "y")  # what REST never carries
NAMED = 10  # searches that are told by number
_NAME = re.compile(r"[\w][\w .()+-]{0,99}")


class Datasets:
    """What the REST layer asks about data sets."""

    def __init__(self, store: Database, uploads: Uploads) -> None:
        self._store = store
        self._uploads = uploads
        self._keeping = asyncio.Lock()

    async def upload(
        self, name: str, stream: AsyncIterator[bytes], options: Mapping[str, Any], who: str | None = None
    ) -> tuple[dict[str, Any], bool]:
        """Store a file under a name; gives the data set and whether it is new.

        Raises RefusedError for a name or a file that will not do, ConflictError when the name is taken.
        """
        check_name(name)
        received = await self._uploads.receive(stream)
        try:
            meta = await self._uploads.inspect(received, options)
            meta["size"] = received.size
            return await self.keep(name, received, meta, who)
        finally:
            self._uploads.discard(received)

    async def keep(
        self, name: str, received: Received, meta: dict[str, Any], who: str | None = None
    ) -> tuple[dict[str, Any], bool]:
        """Keep a file that was inspected under a name; result and errors as `upload`."""
        kind = str(meta.pop("kind"))

        def known(snapshot: Snapshot) -> rows.StoredDataset | None:
            found = rows.by_name(snapshot, name)
            if found is None:
                return None
            if found.digest == received.digest and _same(json.loads(found.meta)["options"], meta["options"]):
                return found
            raise ConflictError(f"A different data set is already called {name!r}; choose another name")

        def work(transaction: Transaction) -> tuple[dict[str, Any], bool]:
            found = known(transaction)
            if found is not None:
                return self._shown(found), False
            audit.record(transaction, "upload data set", None, name, after={"rows": meta["rows"]})
            number = rows.add(transaction, name, received.digest, kind, meta)
            return self._shown(rows.by_id(transaction, number)), True

        async with self._keeping, self._store.held(received.digest):  # of two uploads one leaves a file
            if await self._store.read(known) is None:
                _check_columns(meta)
            await self._uploads.keep(received, kind)
            return await self._store.write(work, who)

    async def delete(self, key: str, who: str | None = None) -> None:
        """Remove one by its id, and its file unless another data set has the same.

        Raises NotFoundError, ConflictError for a built-in one and for one that searches use.
        """
        found = await self._whole(key)
        if found["builtin"]:
            raise ConflictError(f"{key} is built in and cannot be deleted")

        def work(transaction: Transaction) -> bool:
            snapshot = transaction
            if rows.by_id(snapshot, found["id"]) is None:
                raise NotFoundError(f"There is no data set {key!r}")
            if used := _users(snapshot, found["name"]):
                raise ConflictError(_in_use(found["name"], used))
            rows.remove(transaction, found["id"])
            audit.record(transaction, "delete data set", None, found["name"])
            return rows.shares_file(snapshot, found["digest"], found["kind"])

        async with self._keeping, self._store.held(found["digest"]):  # an upload keeps its file
            if not await self._store.write(work, who):
                await self._uploads.remove(found["digest"], found["kind"])

    async def listed(self) -> list[dict[str, Any]]:
        """Return all data sets, the built-in ones first."""
        uploaded = await self._store.read(rows.listed)
        known = await asyncio.to_thread(lambda: [_builtin(name) for name in builtin.BUILTIN])
        items = [_brief(item) for item in (*known, *(self._shown(row) for row in uploaded))]
        for version in (item["version"] for item in items if item.get("version")):
            version["corrections"] = []  # there may be thousands; the data set itself tells them
        return items

    async def get(self, key: str) -> dict[str, Any]:
        """Return one by its id, or a built-in one by its name. Raises NotFoundError."""
        return _brief(await self._whole(key))

    async def preview(self, key: str) -> dict[str, Any]:
        """Return the first rows of one. Raises NotFoundError."""
        preview: dict[str, Any] = (await self._whole(key))["preview"]
        return preview

    async def content(self, key: str) -> tuple[Path, str]:
        """Return the place and the digest of an uploaded file. Raises NotFoundError, ConflictError."""
        found = await self._whole(key)
        if found["builtin"]:
            raise NotFoundError(f"{key} is built in and has no file")
        path = await self._uploads.path(found["name"], found["digest"], found["kind"])
        return path, found["digest"]

    async def _whole(self, key: str) -> dict[str, Any]:
        if key in builtin.BUILTIN:
            return await asyncio.to_thread(_builtin, key)
        found = await self._store.read(lambda c: rows.by_id(c, int(key))) if _is_id(key) else None
        if found is None:
            raise NotFoundError(f"There is no data set {key!r}")
        return self._shown(found)

    @staticmethod
    def _shown(row: rows.StoredDataset | None) -> dict[str, Any]:
        assert row is not None
        shown = {name: getattr(row, name) for name in ("id", "name", "digest", "kind", "created")}
        return {**json.loads(row.meta), **shown, "builtin": False}


def resolve(snapshot: Snapshot, dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Say where each source of a search's `dataset` object comes from.

    A source that names an uploaded data set gains `upload` (id, digest, kind), by which an agent fetches it,
    and the options it was uploaded with, unless the search says otherwise.

    Raises RefusedError for names that are not known, and for files: REST names data sets, never paths.
    """
    resolved, problems = dict(dataset), []
    if "init_from" in dataset:
        remedy = "write init_from among the settings"
        problems.append(FieldProblem("dataset.init_from", "is set by the server", remedy))
    others = other_sources(dataset)
    for part in (None, *others):
        source = resolved if part is None else others[part]
        field = "dataset" if part is None else f"dataset.{part}"
        if not isinstance(source, Mapping):
            continue
        message = "a search over REST cannot read files of the server"
        remedy = "upload it (POST /api/v1/datasets, or caviar upload) and give its name"
        given = [key for key in FROM_FILES if source.get(key) is not None]
        problems += [FieldProblem(f"{field}.{key}", message, remedy) for key in given]
        name = source.get("name")
        if name is None or str(name) in builtin.BUILTIN:
            if "upload" in source:
                problems.append(FieldProblem(f"{field}.upload", "is set by the server", "give `name` alone"))
            continue
        row = rows.by_name(snapshot, str(name))
        if row is None:
            problems.append(_unknown(snapshot, f"{field}.name", str(name)))
            continue
        meta = json.loads(row.meta)
        upload = {"upload": {"id": row.id, "digest": row.digest, "kind": row.kind}}
        if version := meta.get("version"):
            upload["upload"]["root"] = version["root"]
        options = meta["options"]
        if part is None:
            resolved = {**options, **resolved, **upload}
        else:
            kept = {key: options[key] for key in ("reading", "relabelled") if key in options}
            others[part] = {**kept, **source, **upload}
    if problems:
        raise RefusedError("; ".join(f"{one.field}: {one.message}" for one in problems), problems)
    return with_sources(resolved, others)


def _same(stored: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
    """Return whether a file is sent again as it was; one of an older version has no reading."""
    return stored == (sent if "reading" in stored else {k: v for k, v in sent.items() if k != "reading"})


def _users(snapshot: Snapshot, name: str) -> list[int]:
    """Return the searches with a source (data, dev, test, more training data) that has this name."""
    users = []
    for search, spec in rows.mentioning(snapshot, name):
        dataset = json.loads(spec).get("dataset") or {}
        sources = [dataset, *other_sources(dataset).values()]
        if any(isinstance(source, Mapping) and str(source.get("name")) == name for source in sources):
            users.append(search)
    return users


def _in_use(name: str, users: list[int]) -> str:
    named = ", ".join(map(str, users[:NAMED])) + (f" and {len(users) - NAMED} more" * (len(users) > NAMED))
    which, them = ("search", "it") if len(users) == 1 else ("searches", "them")
    return f"{name!r} is the data of {which} {named}; delete {them} first"


def _unknown(snapshot: Snapshot, field: str, name: str) -> FieldProblem:
    """Say that no data set has a name, and which one may have been meant."""
    near = get_close_matches(name, [*builtin.BUILTIN, *(row.name for row in rows.listed(snapshot))], n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    remedy = f"{hint}upload it, or use one of {', '.join(builtin.BUILTIN)}"
    return FieldProblem(field, f"no data set is called {name!r}", remedy)


def described(snapshot: Snapshot, name: str) -> dict[str, Any] | None:
    """Return what is known of a data set by its name: rows, target and more; None for an unknown one."""
    if name in builtin.BUILTIN:
        return _builtin(name)
    row = rows.by_name(snapshot, name)
    return None if row is None else {**json.loads(row.meta), "kind": row.kind}


@lru_cache(maxsize=len(builtin.BUILTIN))
def _builtin(name: str) -> dict[str, Any]:
    described = describe_table(builtin.read(name))
    return {**described, "id": name, "name": name, "kind": "builtin", "digest": None, "size": None} | {
        "created": None,
        "options": {},
        "builtin": True,
    }


def _brief(dataset: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in dataset.items() if key != "preview"}


def check_name(name: str) -> None:
    """Raise RefusedError for a name that no data set can have."""
    if name in builtin.BUILTIN:
        message = f"{name!r} is the name of a built-in data set"
        raise RefusedError.of("name", message, f"choose a name other than {', '.join(builtin.BUILTIN)}")
    if not _NAME.fullmatch(name):
        message = f"{name!r:.120} is not a name for a data set"
        remedy = "begin with a letter or digit and use up to 100 letters, digits, spaces and . _ - ( ) +"
        raise RefusedError.of("name", message, remedy)


def _check_columns(meta: Mapping[str, Any]) -> None:
    """Raise RefusedError for names of columns that do not show what they are."""
    named = [*(one["name"] for one in meta.get("features", ())), *(meta.get("target") or {}).get("names", ())]
    wrong = list(name_problems((f"columns.{name}", str(name)) for name in named))
    if wrong:
        raise RefusedError.of_all(wrong)


def _is_id(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) < 10
