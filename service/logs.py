"""How the server logs: form and level, for uvicorn too. The two forms stand in caviar/logs.py."""

from __future__ import annotations

import logging
import logging.config
import sys
from typing import TYPE_CHECKING, Any

from cachetools import TTLCache

from caviar.logs import JsonFormatter, TextFormatter

if TYPE_CHECKING:
    from caviar.service.config import Config

SELDOM_SECONDS = 10.0


def as_json(config: Config) -> bool:
    """Return which of the two forms this configuration asks for."""
    return config.log_format == "json" or (config.log_format == "auto" and not sys.stderr.isatty())


class WithoutQuery(logging.Filter):
    """Cuts the query off the address of a request: a token in it must not be kept."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record of uvicorn's access log and let it pass."""
        if isinstance(record.args, tuple):
            record.args = tuple(one.partition("?")[0] if isinstance(one, str) else one for one in record.args)
        return True


class Seldom(logging.Filter):
    """Lets the same warning of uvicorn pass once in a while: what is no HTTP may come thousands of times."""

    def __init__(self) -> None:
        super().__init__()
        self._passed: TTLCache[str, bool] = TTLCache(64, SELDOM_SECONDS)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is to be written."""
        if record.levelno != logging.WARNING:
            return True
        message = record.getMessage()
        known = message in self._passed
        if not known:
            self._passed[message] = True
        return not known


def uvicorn_config(config: Config) -> dict[str, Any]:
    """Return the configuration of all loggers, uvicorn's among them, as `logging.config` takes it."""
    formatter = JsonFormatter if as_json(config) else TextFormatter
    level = config.log_level.upper()
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"without query": {"()": WithoutQuery}, "seldom": {"()": Seldom}},
        "formatters": {"line": {"()": formatter}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "caviar": {"level": level},
            "uvicorn": {"level": level},
            "uvicorn.error": {"filters": ["seldom"]},
            # A line for each exchange would drown everything else; metrics count them.
            "uvicorn.access": {
                "level": "INFO" if level == "DEBUG" else "WARNING",
                "filters": ["without query"],
            },
            "alembic": {"level": "WARNING"},  # it tells of itself at every look at the schema
        },
    }


def configure(config: Config) -> None:
    """Set up logging for this process."""
    logging.config.dictConfig(uvicorn_config(config))
