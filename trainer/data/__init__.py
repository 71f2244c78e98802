"""Data sets: read, split, encoded, normalised."""

from caviar.trainer.data.builtin import BUILTIN
from caviar.trainer.data.check import check
from caviar.trainer.data.description import KEYS
from caviar.trainer.data.load import load
from caviar.trainer.data.types import Data

__all__ = ["BUILTIN", "KEYS", "Data", "check", "load"]
