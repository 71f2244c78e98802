"""Copying a study of Optuna from a file to a server, with all its trials."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from optuna.exceptions import DuplicatedStudyError

from caviar.errors import CaviarError
from caviar.optuna_storage import CaviarStorage
from caviar.search.optuna_study import opened_study


class Copied(NamedTuple):
    """A study that was copied."""

    search: int
    name: str
    trials: int


def copy_study(file: Path, storage: CaviarStorage, name: str | None = None) -> Copied:
    """Copy a study of an SQLite file, by name if it holds several.

    Raises SearchError for a file without it, CaviarError where the server has a study of that name.
    """
    with opened_study(file, name) as study:
        trials = study.get_trials(deepcopy=False)
        try:
            made = storage.create_new_study(study.directions, study.study_name)
        except DuplicatedStudyError as error:
            raise CaviarError(f"{error}; rename or delete it on the server to copy this one") from None
        for key, value in study.user_attrs.items():
            storage.set_study_user_attr(made, key, value)
        source = study._storage
        for key, value in source.get_study_system_attrs(study._study_id).items():
            storage.set_study_system_attr(made, key, value)
        storage.add_trials(made, trials)
    return Copied(made, study.study_name, len(trials))
