"""A server that speaks S3's protocol, in this process, and buckets in it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto.server import ThreadedMotoServer

KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


@contextmanager
def object_server(port: int = 0) -> Iterator[str]:
    """Give the address of a server with nothing in it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request otherwise
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def new_bucket(endpoint: str) -> str:
    """Make a bucket; gives its name."""
    name = f"caviar-{secrets.token_hex(6)}"
    client_of(endpoint).create_bucket(Bucket=name)
    return name


def client_of(endpoint: str):  # type: ignore[no-untyped-def]
    """A client that knows the keys of the tests."""
    key, secret, region = list(KEYS.values())[:3]
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        region_name=region,
    )


def keys_of(endpoint: str, bucket: str) -> list[str]:
    """Return the keys of all objects, sorted."""
    pages = client_of(endpoint).get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return sorted(one["Key"] for page in pages for one in page.get("Contents", ()))
