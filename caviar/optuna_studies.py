"""The half of a storage of Optuna that is about studies: each is a search on a Caviar server."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from optuna.exceptions import DuplicatedStudyError
from optuna.storages import BaseStorage
from optuna.storages._base import DEFAULT_STUDY_NAME_PREFIX
from optuna.study._frozen import FrozenStudy
from optuna.study._study_direction import StudyDirection

from caviar.errors import ConflictError, NotFoundError
from caviar.transport import Transport, retry_while_away

FIRST_SECONDS = 10.0  # for which a server is waited for that has not answered yet


class StudyStorage(BaseStorage):
    """Studies on a server, and the calls of it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._met = False  # the server has answered once
        self._described: dict[int, FrozenStudy] = {}  # names and directions, which never change

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        """Call the server. Raises KeyError for 404, CaviarError."""
        return self._patiently(lambda: self._transport.call(method, path, **arguments))

    def _patiently(self, call: Callable[[], Any]) -> Any:
        """Make a call that may be repeated, while the server is away: for longer once it has answered."""
        try:
            found = retry_while_away(call, math.inf if self._met else time.monotonic() + FIRST_SECONDS)
        except NotFoundError as error:
            raise KeyError(str(error)) from None
        self._met = True
        return found

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        """Create a study. Raises DuplicatedStudyError."""
        name = DEFAULT_STUDY_NAME_PREFIX + str(uuid.uuid4()) if study_name is None else study_name
        asked = {
            "name": name,
            "directions": [one.name.lower() for one in directions],
            "key": uuid.uuid4().hex,
        }
        try:
            return int(self._call("POST", "/studies", json=asked)["id"])
        except ConflictError as error:
            raise DuplicatedStudyError(str(error)) from None

    def delete_study(self, study_id: int) -> None:
        """Delete a study; the token needs the scope admin. Raises KeyError."""
        self._study(study_id)
        self._call("DELETE", f"/searches/{study_id}")
        self._described.pop(study_id, None)

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        """Set an attribute of a study. Raises KeyError."""
        self._call("POST", f"/studies/{study_id}/attributes", json={"user": {key: json.dumps(value)}})

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        """Set an attribute of Optuna's of a study. Raises KeyError."""
        self._call("POST", f"/studies/{study_id}/attributes", json={"system": {key: json.dumps(value)}})

    def get_study_id_from_name(self, study_name: str) -> int:
        """Return the id of a study. Raises KeyError."""
        found = self._call("GET", "/studies", params={"name": study_name})["items"]
        if not found:
            raise KeyError(f"there is no study {study_name!r}")
        return int(found[0]["id"])

    def get_study_name_from_id(self, study_id: int) -> str:
        """Return the name of a study. Raises KeyError."""
        return str(self._known(study_id).study_name)

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        """Return the directions of a study. Raises KeyError."""
        return list(self._known(study_id).directions)

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """Return the attributes of a study. Raises KeyError."""
        return dict(self._study(study_id).user_attrs)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """Return Optuna's attributes of a study. Raises KeyError."""
        return dict(self._study(study_id).system_attrs)

    def get_all_studies(self) -> list[FrozenStudy]:
        """Return all studies of the server by id."""
        return [_study(one) for one in self._call("GET", "/studies")["items"]]

    def _study(self, study_id: int) -> FrozenStudy:
        return _study(self._call("GET", f"/studies/{study_id}"))

    def _known(self, study_id: int) -> FrozenStudy:
        if study_id not in self._described:
            self._described[study_id] = self._study(study_id)
        return self._described[study_id]


def _study(told: dict[str, Any]) -> FrozenStudy:
    return FrozenStudy(
        study_name=told["name"],
        direction=None,
        directions=[StudyDirection[one.upper()] for one in told["directions"]],
        user_attrs={name: json.loads(text) for name, text in told["user"].items()},
        system_attrs={name: json.loads(text) for name, text in told["system"].items()},
        study_id=told["id"],
    )
