"""Where files are kept if not in the data folder: a bucket of S3, or of a server that speaks its protocol."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Any

from caviar.service.setting_source import ConfigError, Source

_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w.-]+)*/?", re.ASCII)
_ENDPOINT = re.compile(r"https?://[^/?#\s@]+/?")


def bucket_address(source: Source) -> dict[str, Any]:
    """Read `store` and `store_endpoint`. Raises ConfigError."""
    store, endpoint = (
        str(text) if (text := source.get(name, f"CAVIAR_{name.upper()}", None)) else None
        for name in ("store", "store_endpoint")
    )
    label = source.label("store", "CAVIAR_STORE")
    if store is not None and not _BUCKET.fullmatch(store):
        raise ConfigError(label, f"{store!r} is not a bucket", "Write s3://BUCKET or s3://BUCKET/PREFIX")
    if store is not None and find_spec("boto3") is None:
        raise ConfigError(label, "a bucket needs boto3", "pip install 'caviar[s3]'")
    label = source.label("store_endpoint", "CAVIAR_STORE_ENDPOINT")
    if endpoint is not None and store is None:
        raise ConfigError(label, "is for a bucket", "Name it with --store s3://BUCKET, or leave this out")
    if endpoint is not None and not _ENDPOINT.fullmatch(endpoint):
        raise ConfigError(label, f"{endpoint!r:.80} is not an address", "Write https://HOST:PORT")
    return {"store": store, "store_endpoint": endpoint}
