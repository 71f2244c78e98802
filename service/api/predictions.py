"""Confusion matrix and residuals over REST."""

from __future__ import annotations

from fastapi import APIRouter, Response

from caviar.service.api.common import answer
from caviar.service.api.services import Services
from caviar.service.ids import trial_id
from caviar.service.store.uploads import Uploads
from caviar.service.usecases.predictions import Evaluator, Predictions


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
