"""A submission and the model that its trials start from: the network it gets, and what does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from caviar.search.spec import SearchSpec
from caviar.service.errors import FieldProblem
from caviar.service.usecases.submit_columns import named_in, targets
from caviar.trainer import transfer
from caviar.trainer.checkpoint import read
from caviar.trainer.model_file import FORMAT, network_of
from caviar.trainer.problem import SettingError
from caviar.trainer.settings import describe, make_settings
from caviar.trainer.source_model import column_problems

_DEFAULTS = {info.name: info.default for info in describe()}
Known = Mapping[str, Any]  # a data set as its upload described it


def with_network(data: dict[str, Any], saved: bytes) -> dict[str, Any]:
    """Return a submission with the network of a model, where it says nothing of it.

    Raises ProblemsError for a file that is no model of the trainer.
    """
    settings, space = data["settings"], data.get("space")
    searched = {*space} if isinstance(space, dict) else set()
    network = network_of(read(saved, FORMAT)[0])
    full = transfer.with_network(settings, network)
    if isinstance(full.get("hidden_units"), list) and "hidden_layers" not in settings:
        full.pop("hidden_layers", None)  # the list says it
    told = {
        name: value
        for name, value in full.items()
        if name in settings or (value != _DEFAULTS[name] and name not in searched)
    }
    return {**data, "settings": told}


def problems_of(spec: SearchSpec, saved: bytes, known: Known | None) -> list[FieldProblem]:
    """Find settings that ask for another network than that of a model, and data whose columns are not its.

    `known` is what is known of the data set, None if nothing is.
    """
    info, tensors = read(saved, FORMAT)
    found = [
        FieldProblem(
            f"space.{name}", "is that of the model, which all trials start from", "take it out of the space"
        )
        for name in transfer.NETWORK
        if name in spec.space.names
    ]
    told = {name: spec.settings[name] for name in (*transfer.NETWORK, "precision") if name in spec.settings}
    wrong = []
    if not found:
        with suppress(SettingError):  # which the trainer tells
            wrong = transfer.network_problems(make_settings(told), network_of(info))
    found += [FieldProblem(one.field, one.message, one.remedy) for one in wrong]
    normalized = bool(tensors["mu"].any() or (tensors["sigma"] != 1).any())
    for field, told_of in (("settings", spec.settings), ("dataset", spec.dataset)):
        if told_of.get("normalize") not in (None, normalized):
            message = f"inputs are prepared as for the model, {'with' if normalized else 'without'} it"
            found.append(FieldProblem(f"{field}.normalize", message, "leave it out"))
    return found + _columns(info, spec.dataset, known)


def _columns(info: Mapping[str, Any], dataset: Mapping[str, Any], known: Known | None) -> list[FieldProblem]:
    """Compare the columns of a data set with those of a model, where all are known."""
    if known is None or len(known["features"]) < known["columns"]:
        return []
    left_out = {*named_in(dataset.get("ignore")), *targets(dataset, known), *_of_rows(dataset)}
    forced = {*named_in(dataset.get("categorical"))}
    kinds = {one["name"]: one["kind"] for one in known["features"] if one["name"] not in left_out}
    numbers = tuple(name for name, kind in kinds.items() if kind == "number" and name not in forced)
    categories = tuple(name for name in kinds if name not in numbers)
    shape = dataset.get("image_shape") or known.get("image_shape")
    return [
        FieldProblem(one.field, one.message, one.remedy)
        for one in column_problems(info, numbers, categories, shape)
    ]


def _of_rows(dataset: Mapping[str, Any]) -> list[str]:
    """Name the columns that say something of rows and are no features."""
    names = [dataset.get("weights"), dataset.get("split_groups")]
    if not dataset.get("groups_are_features"):
        names.append(dataset.get("groups"))
    return [name for name in names if isinstance(name, str)]
