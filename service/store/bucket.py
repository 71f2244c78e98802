"""Files in a bucket of S3, or of a server that speaks its protocol, under their names in a data folder."""

from __future__ import annotations

import contextlib
import errno
import logging
import secrets
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from caviar.service.errors import UnavailableError
from caviar.service.store import faults
from caviar.service.store.blobs import AT_ONCE, check_digest, check_name, sound
from caviar.service.store.sqlite import StartError

CONNECT_SECONDS, READ_SECONDS, TRIES = 5, 30, 3
GONE = {"404", "NoSuchKey"}
log = logging.getLogger(__name__)


class Bucket:
    """A bucket, part of a bucket, and the client that calls it; the log says when it is away and back.

    Who may call it, and which region it is in, boto3 finds where it always does: in the AWS_ variables, in a
    profile, or by the role of the machine.
    """

    def __init__(self, url: str, endpoint: str | None = None) -> None:
        found = urlsplit(url)
        self.name, self.prefix = found.netloc, found.path.strip("/")
        self._url, self._endpoint = url, endpoint
        self._away = False
        self._lock = threading.Lock()

    @cached_property
    def client(self) -> Any:
        """Return the client, which threads may share."""
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": TRIES},
            max_pool_connections=AT_ONCE,
            # Not every server knows S3's newer checksums: bodies are signed, and what is read has our digest.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"payload_signing_enabled": True, "addressing_style": "path" if self._endpoint else "auto"},
        )
        return boto3.Session().client("s3", endpoint_url=self._endpoint, config=config)

    def check(self) -> None:
        """Write, read and remove an object. Raises StartError."""
        probe = "/".join(filter(None, (self.prefix, f"probe-{secrets.token_hex(8)}")))
        try:
            with self.calling():
                self.client.put_object(Bucket=self.name, Key=probe, Body=b"caviar")
                self.client.get_object(Bucket=self.name, Key=probe)["Body"].read()
                self.client.delete_object(Bucket=self.name, Key=probe)
        except (UnavailableError, OSError, ValueError) as error:
            where = f" at {self._endpoint}" if self._endpoint else ""
            remedy = (
                "check --store, --store-endpoint and the variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY "
                "and AWS_DEFAULT_REGION; the key needs s3:GetObject, s3:PutObject, s3:DeleteObject and "
                "s3:ListBucket"
            )
            cause = error.__cause__ or error
            raise StartError(f"{self._url}{where} cannot be used: {cause}; {remedy}") from None

    @contextlib.contextmanager
    def calling(self) -> Iterator[None]:
        """Turn what a call says into FileNotFoundError for no such object, else UnavailableError."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in GONE:
                raise FileNotFoundError(errno.ENOENT, "it is not in the bucket") from None
            self._fail(error)
        except BotoCoreError as error:
            self._fail(error)
        with self._lock:
            if self._away:
                self._away = False
                log.info("%s is there again", self._url)

    def _fail(self, error: Exception) -> None:
        with self._lock:
            if not self._away:
                self._away = True
                log.warning("%s cannot be used: %s; calls are tried again", self._url, error)
        message = "The bucket that keeps the files cannot be used now; the same request may be repeated"
        raise UnavailableError(message) from error


class BucketBlobs:
    """Blobs in a bucket, below the name of the folder that has copies of what is needed as a file."""

    def __init__(self, bucket: Bucket, copies: Path) -> None:
        self._bucket = bucket
        self._copies = copies
        self._root = "/".join(filter(None, (bucket.prefix, copies.name)))
        copies.mkdir(parents=True, exist_ok=True, mode=0o700)

    def write(self, name: str, pieces: Sequence[bytes], digest: str) -> None:
        """Store an object; errors as `Blobs`."""
        check_digest(pieces, digest)
        faults.point("blobs.write.before")
        self._put(name, b"".join(pieces))
        faults.point("blobs.write.after")

    def take(self, name: str, path: Path) -> None:
        """Store a file as an object, and keep it as a copy."""
        faults.point("blobs.write.before")
        with path.open("rb") as file:
            self._put(name, file)
        faults.point("blobs.write.after")
        path.replace(self._copies / name)

    def read(self, name: str, digest: str) -> bytes:
        """Return an object's bytes; errors as `Blobs`."""
        with self._bucket.calling():
            data = self._bucket.client.get_object(**self._of(name))["Body"].read()
        return sound(name, data, digest)

    def local(self, name: str, digest: str) -> Path:
        """Return the place of a copy, made if there is none; errors as `Blobs`."""
        path = self._copies / check_name(name)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
            try:
                part.write_bytes(self.read(name, digest))
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
        return path

    def names(self, store: str, before: float) -> list[str]:
        """Name the objects of a store that were last written before a time."""
        found = []
        for key, written in self._listed(store):
            name = key.removeprefix(f"{self._root}/")
            if written < before and name.count("/") == 2:
                found.append(name)
        return found

    def remove(self, name: str) -> None:
        """Remove an object and its copy; where the bucket does not let it go it stays."""
        faults.point("blobs.remove.before")
        (self._copies / check_name(name)).unlink(missing_ok=True)
        with contextlib.suppress(UnavailableError), self._bucket.calling():
            self._bucket.client.delete_object(**self._of(name))
        faults.point("blobs.remove.after")

    def remove_all(self, folder: str) -> None:
        """Remove all objects of a folder; as `remove`."""
        faults.point("blobs.remove.before")
        with contextlib.suppress(UnavailableError):
            keys = [key for key, _ in self._listed(folder)]
            for begin in range(0, len(keys), 1000):
                some = [{"Key": key} for key in keys[begin : begin + 1000]]
                with self._bucket.calling():
                    self._bucket.client.delete_objects(Bucket=self._bucket.name, Delete={"Objects": some})
        faults.point("blobs.remove.after")

    def _of(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket.name, "Key": f"{self._root}/{check_name(name)}"}

    def _put(self, name: str, body: Any) -> None:
        with self._bucket.calling():
            self._bucket.client.put_object(**self._of(name), Body=body)

    def _listed(self, folder: str) -> Iterator[tuple[str, float]]:
        """Give key and time of each object of a folder."""
        pages = self._bucket.client.get_paginator("list_objects_v2")
        with self._bucket.calling():
            found = pages.paginate(Bucket=self._bucket.name, Prefix=f"{self._root}/{check_name(folder)}/")
            for page in found:
                for one in page.get("Contents", ()):
                    yield one["Key"], one["LastModified"].timestamp()
