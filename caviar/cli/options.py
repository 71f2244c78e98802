"""Options that several commands share."""

import re
from collections.abc import Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caviar.exchange.device import DEVICE_LIMIT

if TYPE_CHECKING:
    from caviar.client import Client

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="CAVIAR_URL",
        help="Address of the server [default: http://127.0.0.1:8000]",
        show_envvar=False,
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        "--token", envvar="CAVIAR_TOKEN", help="Token, if the server requires one.", show_envvar=False
    ),
]
Data = Annotated[Path | None, typer.Option(help="Data folder [default: caviar-data]")]
DatabaseUrl = Annotated[
    str | None, typer.Option(help="Database URL [default: SQLite in the data folder]", metavar="URL")
]
Store = Annotated[
    str | None,
    typer.Option(help="Bucket for files, as in s3://BUCKET/PREFIX [default: data folder]", metavar="URL"),
]
Has = Annotated[
    str | None,
    typer.Option(
        "--resources",
        metavar="LIST",
        help="What each agent has, as in cpus=2,gpus=1,fast_disk=1 [default: cpus=1]",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def duration(text: str | float) -> float:
    """Read a duration, such as 90, 90s, 55m, 1h30m or 2d, in seconds. Raises typer.BadParameter."""
    found = re.fullmatch(r"(?:[0-9]+(?:\.[0-9]+)?[smhd])+|[0-9]+(?:\.[0-9]+)?", str(text).strip())
    seconds = 0.0
    if found:
        parts = re.findall(r"([0-9.]+)([smhd]?)", found[0])
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if not 0 < seconds < 1e9:
        raise typer.BadParameter(f"{str(text)!r} is not a duration above 0, such as 90s, 55m or 1h30m")
    return seconds


def devices_of(text: str | None, count: int | None, option: str) -> list[str]:
    """Read the devices of so many processes, one each; empty where none are named.

    Raises typer.BadParameter for a gap, and for another number of processes than of devices.
    """
    each = [] if text is None else [one.strip() for one in text.split(",")]
    if not all(each) or any(len(one) > DEVICE_LIMIT for one in each):
        raise typer.BadParameter(f"{text!r} does not name a device for each process, as 0,1,2,3 does")
    if each and count not in (None, len(each)):
        raise typer.BadParameter(
            f"{len(each)} devices are for {len(each)} processes, not {count}; leave {option} out"
        )
    return each


def _number_of_search(text: str) -> int:
    if not text.isdecimal():
        raise typer.BadParameter(f"{text!r} is not the number of a search, such as 3")
    return int(text)


SearchNumber = Annotated[
    int,
    typer.Argument(
        metavar="SEARCH", parser=_number_of_search, help="The search, by its number.", show_default=False
    ),
]


def client(url: str | None, token: str | None) -> "Client":
    """Connect to the server that a command was told."""
    from caviar.client import Client

    return Client(url, token)


def search_or_trial(text: str) -> tuple[int, str | None]:
    """Read `3` as a search and `3.17` as a trial of it."""
    search, dot, number = text.partition(".")
    if not search.isdigit() or (dot and not number.isdigit()):
        raise typer.BadParameter(f"{text!r} is neither a search such as 3 nor a trial such as 3.17")
    return int(search), text if dot else None


def trial_name(text: str) -> str:
    """Read `3.17` as a trial; a search is refused."""
    _, name = search_or_trial(text)
    if name is None:
        raise typer.BadParameter(f"{text!r} is a search; a trial is named like {text}.0")
    return name


def pairs(typed: Sequence[str], texts: Container[str] = ()) -> dict[str, Any]:
    """Read NAME=VALUE pairs, the values as YAML; those of the names in `texts` stay as they are typed."""
    import yaml

    found: dict[str, Any] = {}
    for pair in typed:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise typer.BadParameter(f"{pair!r} is not of the form NAME=VALUE")
        try:
            found[name] = value if name in texts else _number(yaml.safe_load(value))
        except (yaml.YAMLError, ValueError):
            raise typer.BadParameter(f"{pair!r}: what is behind = is not a value") from None
    return found


def _number(value: Any) -> Any:
    """Read 1e-4, which YAML takes for a text, as the number it is."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
