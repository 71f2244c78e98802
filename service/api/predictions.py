"""Confusion matrix and residuals over REST."""

from __future__ import annotations

from fastapi import APIRouter, Response

from service.api.common import answer
from service.ids import trial_id
from service.services import Services
from service.uploads import Uploads
from service.usecases.predictions import Evaluator, Predictions


def router(services: Services, uploads: Uploads) -> APIRouter:
    """Serve what models get right and wrong below the prefix of the API."""
    routes = APIRouter(tags=["trials"])
    evaluator = Evaluator(services.store, services.blobs, uploads, services.config.limits)

    @routes.get(
        "/trials/{name}/predictions",
        response_model=Predictions,
        summary="What its model gets right and wrong on the dev set",
    )
    async def read_predictions(name: str) -> Response:
        return answer(await evaluator.predictions(trial_id(name)))

    return routes
