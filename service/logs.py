"""Logs: a line of JSON for machines, a line of text on a terminal, both with search, trial and attempt."""

from __future__ import annotations

import logging
import logging.config
import sys
import time
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from caviar.service.config import Config

CONTEXT = ("search", "trial", "attempt", "agent", "command", "seconds", "status", "method", "path")


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
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


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
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def as_json(config: Config) -> bool:
    """Tell which of the two forms this configuration asks for."""
    return config.log_format == "json" or (config.log_format == "auto" and not sys.stderr.isatty())


def uvicorn_config(config: Config) -> dict[str, Any]:
    """Give the configuration of all loggers, uvicorn's among them, as `logging.config` takes it."""
    formatter = JsonFormatter if as_json(config) else TextFormatter
    level = config.log_level.upper()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "service": {"level": level},
            "caviar": {"level": level},
            "uvicorn": {"level": level},
            # A line for each exchange would drown everything else; metrics count them.
            "uvicorn.access": {"level": "INFO" if level == "DEBUG" else "WARNING"},
            "alembic": {"level": "WARNING"},  # it tells of itself at every look at the schema
        },
    }


def configure_agent(json: bool, level: str) -> None:
    """Set up logging for an agent process, in the form of the server that started it."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if json else TextFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for name in ("service", "caviar"):
        logging.getLogger(name).setLevel(level.upper())


def configure(config: Config) -> None:
    """Set up logging for this process."""
    logging.config.dictConfig(uvicorn_config(config))


def _stamp(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}Z"


def _printable(text: str) -> str:
    """Show control characters as escapes: a name from outside must not move the cursor or start a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
