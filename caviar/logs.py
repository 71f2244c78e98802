"""Logs: a line of JSON for machines, a line of text on a terminal, both with search, trial and attempt."""

from __future__ import annotations

import logging
import re
import time
from typing import Any

import orjson

CONTEXT = ("search", "trial", "attempt", "agent", "command", "seconds", "status", "method", "path")

_SECRET = re.compile(r"(\bca[lsvx]_|\b[Bb]earer\s+)[A-Za-z0-9_.~+/=-]{8,}")


class JsonFormatter(logging.Formatter):
    """One JSON object a line; a newline in a message cannot forge a second one."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the record."""
        line: dict[str, Any] = {
            "time": _stamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in CONTEXT if hasattr(record, name)}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return without_secrets(orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode())


class TextFormatter(logging.Formatter):
    """Time, level, message and what the record is about, for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the record."""
        about = [f"{name}={getattr(record, name)}" for name in CONTEXT if hasattr(record, name)]
        moment = time.strftime("%H:%M:%S", time.localtime(record.created))
        message = _printable(record.getMessage())
        text = " ".join(
            [moment, f"{record.levelname.lower():<7}", message, *(_printable(item) for item in about)]
        )
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        return without_secrets(text)


def configure(json: bool, level: str) -> None:
    """Set up logging for an agent process, in the form of the server that started it."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if json else TextFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("caviar").setLevel(level.upper())


def without_secrets(text: str) -> str:
    """Blot out what is written like a token or a session, wherever a caller has put it."""
    return _SECRET.sub(r"\1***", text)


def _stamp(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}Z"


def _printable(text: str) -> str:
    """Show control characters as escapes: a name from outside must not move the cursor or start a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
