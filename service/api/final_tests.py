"""The test set over REST: to look at it, and the looks that were taken."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from caviar.service.api.http import answer
from caviar.service.api.records import iso
from caviar.service.api.services import App
from caviar.service.ids import TrialId, trial_id
from caviar.service.security.scopes import Token
from caviar.service.store import looks as look_rows
from caviar.service.store import searches as search_rows
from caviar.service.store import trials as trial_rows
from caviar.service.store.looks import StoredLook
from caviar.service.usecases import final_tests

router = APIRouter(tags=["trials"])


class NewLook(BaseModel):
    """Why somebody looks at the test set."""

    model_config = ConfigDict(extra="forbid")
    why: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] | None = None


class TestedMetric(BaseModel):
    """A measure on the test set, with its 95 % interval, beside the dev set."""

    name: str
    direction: Literal["minimize", "maximize"]
    value: float
    low: float = Field(description="of the 95 % interval: Wilson's for a share, else of a bootstrap")
    high: float
    dev: float = Field(description="the same measure on the dev set")


class Look(BaseModel):
    """A look at a test set."""

    trial: str
    nth: int = Field(description="look at this test set, by any trial of any search")
    test_set: str = Field(description="its fingerprint: equal for the same source and split")
    created: str
    who: str = Field(description="the name of the token")
    why: str | None
    rows: int = Field(description="of the test set")
    compared: int = Field(description="trials that the winner was chosen from, when it was tested")
    metrics: list[TestedMetric] = Field(description="first the one that the search was judged by")
    verdict: Literal["agrees", "worse", "better"] = Field(
        description="the first metric against the dev set; worse and better mean by more than chance"
    )
    text: list[str] = Field(description="the same in sentences")
    warning: str | None = Field(description="of a second look and later ones")


class Looks(BaseModel):
    """Looks at test sets, oldest first."""

    items: list[Look]


def _shown(row: StoredLook) -> dict[str, Any]:
    result = orjson.loads(row.result)
    text, warning = final_tests.said(row)
    return Look(
        trial=str(TrialId(row.search_id, row.number)),
        nth=row.nth,
        test_set=row.test_set,
        created=iso(row.created) or "",
        who=row.who,
        why=row.why,
        text=text,
        warning=warning,
        **{key: result[key] for key in ("rows", "compared", "metrics", "verdict")},
    ).model_dump()


@router.post(
    "/trials/{name}/test", status_code=201, response_model=Look, summary="Test its model on the test set"
)
async def test_trial(services: App, request: Request, name: str, new: NewLook | None = None) -> Response:
    caller: Token = request.state.caller
    why = (new.why or None) if new else None
    look = await final_tests.take(services.store, services.evaluator, trial_id(name), caller.name, why)
    return answer(_shown(look), 201)


@router.get("/trials/{name}/test", response_model=Looks, summary="Looks at the test set by its model")
async def read_tests(services: App, name: str) -> Response:
    trial = trial_id(name)

    def look(snapshot: Any) -> list[StoredLook]:
        trial_rows.get(snapshot, trial)
        return look_rows.of_trial(snapshot, trial)

    return answer({"items": [_shown(row) for row in await services.store.read(look)]})


@router.get("/searches/{search}/tests", response_model=Looks, summary="Looks at the test set by its trials")
async def list_tests(services: App, search: int) -> Response:
    def look(snapshot: Any) -> list[StoredLook]:
        search_rows.get(snapshot, search)
        return look_rows.of_search(snapshot, search)

    return answer({"items": [_shown(row) for row in await services.store.read(look)]})
