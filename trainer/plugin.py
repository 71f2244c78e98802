"""The built-in trainer: what the service and `caviar` call. Everything else of trainer/ stands behind it.

What trains is imported where it is first needed: a server only checks settings, and Numba costs it 60 MB.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from .effects import trains_nothing
from .metric_checks import metric_problems
from .metrics import (
    COUNTS,
    MEASURES,
    PARTS,
    PER_TRIAL,
    Direction,
    direction_of,
    named,
    only_asked,
    result_metrics,
)
from .problem import Problem
from .setting_types import SettingInfo
from .settings import Settings, describe, make_settings, problems_of

if TYPE_CHECKING:
    from .data.types import Data
    from .folded_data import FoldedData
    from .folded_run import FoldedRun
    from .run import Run

AnyRun = TypeVar("AnyRun", "Run", "FoldedRun")


class MLP:
    """Fully connected networks; the entry point `mlp` of the group caviar.trainers."""

    name = "mlp"
    most_threads = 1  # sums must not depend on how many threads share them
    data_settings = ("precision", "normalize", "init_from")  # what `load` depends on besides the data set

    def settings(self) -> list[SettingInfo]:
        """Return every setting with type, range, default, unit, and whether it may change in a run."""
        return describe()

    def metrics(self, dataset: Mapping[str, Any]) -> list[str]:
        """Return the metrics that a result can have: what can be named. The most usual ones come first."""
        split = dataset.get("split")
        kept = isinstance(split, Mapping) and split.get("train_dev")
        parts = [part for part in PARTS if part != "train_dev" or kept]
        further = result_metrics(parts, MEASURES, groups=bool(dataset.get("groups")))
        return [*result_metrics(parts), *COUNTS, *only_asked(further), *PER_TRIAL]

    def lacking(self, metric: str) -> str | None:
        """Return what a data set needs that results have this metric, in words; None for no metric of it."""
        found = named(metric)
        if found is None:
            return None
        if found.over:
            return "name the column of groups as dataset.groups"
        return "give dataset.split.train_dev a share" if found.part == "train_dev" else None

    def settings_for(self, metrics: Iterable[str]) -> dict[str, Any]:
        """Return the settings by which a run computes these metrics; error and cost need none."""
        asked = only_asked(metrics)
        return {"metrics": asked} if asked else {}

    def metric_problems(
        self,
        metrics: Mapping[str, str],
        settings: Mapping[str, Any],
        classes: Sequence[str],
        task: str | None,
    ) -> list[Problem]:
        """Return what is wrong with metrics, by the field that names each, for what is known of the target.

        `classes` names all classes, or is empty where they are not known; `task` is classification,
        regression or None.
        """
        return metric_problems(metrics, settings, classes, task)

    def direction(self, metric: str) -> Direction | None:
        """Return which way a metric of results is better, "minimize" or "maximize"; None where neither is."""
        return direction_of(metric)

    def check(self, settings: Mapping[str, Any], dataset: Mapping[str, Any]) -> list[Problem]:
        """Return all that is wrong with settings and the description of a data set; the data is not read."""
        from .data.check import check

        return [*problems_of(settings), *trains_nothing(settings), *check(dataset)]

    def load(self, dataset: Mapping[str, Any], settings: Mapping[str, Any] | Settings) -> Data | FoldedData:
        """Read, split and normalise a data set; it serves many runs, see `data_settings`.

        Raises
        ------
        SettingError, DataError
            With field and remedy.
        """
        from .data.load import Prepared
        from .folded_data import FoldedData
        from .model_file import network_of
        from .source_model import source_model_of

        source = source_model_of(dataset, settings)
        parsed = _parsed(settings, None if source is None else network_of(source.info))
        prepared = Prepared(dataset, parsed.precision, parsed.normalize, source)
        return FoldedData(prepared) if dataset.get("folds") else prepared.data(0)

    def start(
        self, settings: Mapping[str, Any] | Settings, data: Data | FoldedData, seed: int | None = None
    ) -> Run | FoldedRun:
        """Begin a run; without a seed that of the settings is taken.

        Raises
        ------
        SettingError
            The settings do not fit the data, or the network not the memory.
        """
        from . import warming
        from .folded_data import FoldedData
        from .folded_run import FoldedRun
        from .run import Run

        first = data.fold(0) if isinstance(data, FoldedData) else data
        parsed = _parsed(settings, None if first.start is None else first.start.network)
        warming.ensure(parsed.precision)
        seed = parsed.seed if seed is None else seed
        if isinstance(data, FoldedData):
            return _ready(FoldedRun(parsed, data, seed))
        return _ready(Run(parsed, data, seed))

    def restore(self, checkpoint: bytes, data: Data | FoldedData) -> Run | FoldedRun:
        """Go on from a checkpoint, bit for bit as if never stopped.

        Raises
        ------
        ProblemsError
            The checkpoint is damaged or belongs to other data.
        """
        from . import warming
        from .folded_data import FoldedData
        from .folded_run import FoldedRun
        from .run import Run

        if isinstance(data, FoldedData):
            warming.ensure(data.fold(0).dtype.name)
            return _ready(FoldedRun.restore(checkpoint, data))
        warming.ensure(data.dtype.name)
        return _ready(Run.restore(checkpoint, data))

    def warm(self) -> None:
        """Compile the kernels, or load them from the cache."""
        from . import warming

        warming.warm()


def _parsed(settings: Mapping[str, Any] | Settings, network: Mapping[str, Any] | None) -> Settings:
    """Return settings, with those of the network of the model that runs start from, if they do."""
    if network is None or isinstance(settings, Settings):
        return make_settings(settings)
    from .transfer import with_network

    return make_settings(with_network(settings, network))


def _ready(run: AnyRun) -> AnyRun:
    """Compile or load the kernels of named metrics and weights where a run needs them."""
    from . import warming

    if run.measures:
        warming.ensure(run.data.dtype.name, "measured")
    return run
