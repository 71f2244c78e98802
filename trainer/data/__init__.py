"""Data sets: read, split, encoded, normalised."""

from trainer.data.builtin import BUILTIN
from trainer.data.check import check
from trainer.data.description import KEYS
from trainer.data.load import load
from trainer.data.types import Data

__all__ = ["BUILTIN", "KEYS", "Data", "check", "load"]
