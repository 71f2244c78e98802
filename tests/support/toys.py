"""A toy of each kind, added by the recipes of CONTRIBUTING.md and nothing else."""

from __future__ import annotations

from tests.support.house import House


def scale(house: House) -> None:
    """Add `square_root`: roots are equally likely."""
    house.before("search/scales.py", "SCALES: dict[", SCALE)
    house.replace("search/scales.py", "OneMinusLogScale)}", "OneMinusLogScale, SquareRoot)}")


SCALE = '''class SquareRoot(Scale):
    """Equal widths of the root are equally likely: value = r^2, r uniform from sqrt low to sqrt high."""

    name = "square_root"
    example = (0.0, 1.0)
    transform = staticmethod(math.sqrt)

    @staticmethod
    def inverse(transformed: float, /) -> float:
        """Return the square."""
        return transformed * transformed

    @classmethod
    def problem(cls, low: float, high: float) -> Problem | None:
        """Return what is wrong with a range: it must begin at 0 or above."""
        return None if low >= 0 else Problem("low", f"{low:g} has no root", "choose low from 0 on")


'''


def strategy(house: House) -> None:
    """Add `halves`: the van der Corput sequence on every axis, from a first place on."""
    house.before("search/strategy_settings.py", "STRATEGIES: tuple[", STRATEGY)
    house.replace("search/strategy_settings.py", "    Population,\n)", "    Population,\n    Halves,\n)")
    house.add("search/halves.py", PROPOSE)


STRATEGY = '''class Halves(Strategy):
    """The middles of halves, of quarters, of eighths."""

    function = "caviar.search.halves:propose"

    name: Literal["halves"] = "halves"
    start: int = Field(default=1, ge=1, description="Place in the sequence of the first trial.")


'''
PROPOSE = '''"""Van der Corput's sequence: the digits of a number in base 2, mirrored at the point."""

import numpy as np

from caviar.search.history import History
from caviar.search.proposal import Proposal, propose_at
from caviar.search.spec import SearchSpec
from caviar.search.strategy_settings import Halves


def propose(spec: SearchSpec, number: int, history: History) -> Proposal:
    """Take place `start + number` of the sequence; the history plays no part."""
    assert isinstance(spec.strategy, Halves)
    place = spec.strategy.start + number
    unit = sum((place >> bit & 1) / 2 ** (bit + 1) for bit in range(place.bit_length()))
    units = np.full(spec.space.dimensions, unit)
    return propose_at(spec.space, units, "halves", f"place {place} of the sequence")
'''


def stopping_rule(house: House) -> None:
    """Add `cutoff`: every trial stops after some epochs."""
    house.before("search/stopping_rules.py", "RULES: tuple[", RULE)
    house.replace("search/stopping_rules.py", "    Race,\n)", "    Race,\n    Cutoff,\n)")


RULE = '''class Cutoff(StoppingRule):
    """Stop every trial after some epochs."""

    name: Literal["cutoff"] = "cutoff"
    epochs: int = Field(default=2, ge=1, description="After which no trial goes on.")

    def plan(self, number: int, curves: CurveTable, direction: str) -> StopPlan:
        """Give every trial a bound that none can meet."""
        bound = 1e300 if direction == "maximize" else -1e300
        return StopPlan(((self.epochs, bound),), why="nobody goes on")


'''


def optimiser(house: House) -> None:
    """Add `sign`: every step has the length alpha in every coordinate."""
    member = (
        '    sign = OptimizerFacts(code=9, meaning="W := W - alpha sign(dW)", rate=0.01, usual_rate=0.01)\n'
    )
    end = "\n\n@dataclass(frozen=True, slots=True, kw_only=True)\nclass DecayFacts"
    house.before("trainer/choices.py", end, member)
    kernels = "trainer/kernels/optimizers.py"
    branch = "    elif hyper.optimizer == Optimizer.sign:\n        sign_descent(W, dW, alpha)\n"
    house.before(kernels, "    else:\n        return False\n", branch)
    house.before(kernels, "@inner_kernel\ndef decayed(", KERNEL)


KERNEL = '''@inner_kernel
def sign_descent(W, dW, alpha):
    """W -= alpha sign(dW)."""
    a = like(W, alpha)
    for i in range(dW.size):
        W[i] -= a * np.sign(dW[i])


'''


def column(house: House) -> None:
    """Add `train_error`, a metric that can be sorted by, filtered, plotted and exported."""
    fields = "caviar/trial_fields.py"
    meant = 'Field("of its network on the training set", Use.ALL)'
    house.before(fields, "    agent: Annotated[", f"    train_error: Annotated[float | None, {meant}]\n")
    house.before(fields, "    agent: str | None = None\n", "    train_error: float | None = None\n")
    versions = sorted(path.name[:4] for path in (house.folder / "db_migrations/versions").glob("0*.py"))
    last, new = versions[-1], f"{int(versions[-1]) + 1:04}"
    house.add(f"db_migrations/versions/{new}_train_error.py", MIGRATION.format(new=new, last=last))
    attempts = "service/store/attempts.py"
    house.replace(
        attempts,
        '    "metrics": bindparam("new_metrics"),\n',
        '    "metrics": bindparam("new_metrics"),\n    "train_error": bindparam("new_train_error"),\n',
    )
    house.replace(
        attempts,
        '                "new_metrics": one.metrics,\n',
        '                "new_metrics": one.metrics,\n'
        '                "new_train_error": orjson.loads(one.metrics or "{}").get("train_error"),\n',
    )
    house.replace(attempts, "from sqlalchemy import", "import orjson\nfrom sqlalchemy import")


MIGRATION = '''"""the error of a trial on the training set"""

import sqlalchemy as sa
from alembic import op

revision = "{new}"
down_revision = "{last}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("trials", sa.Column("train_error", sa.Double()))


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
'''


def route(house: House) -> None:
    """Add a route that names the trials of a search which trained for long enough."""
    house.append("service/store/pages.py", STATEMENT)
    house.append("service/api/trials.py", ROUTE)


STATEMENT = '''

def trained_for(snapshot: Snapshot, search: int, least: int) -> list[int]:
    """Return the numbers of the trials that trained for `least` epochs or more, in their order."""
    query = select(t.number).where(t.search_id == search, t.epoch >= least).order_by(t.number)
    return list(snapshot.execute(query).scalars())
'''
ROUTE = """

@router.get("/searches/{search}/lengths", summary="Name the trials that trained for long")
async def list_lengths(
    services: App, search: int, least: Annotated[int, Query(ge=0, description="epochs")] = 0
) -> dict[str, list[int]]:
    found = await services.store.read(lambda snapshot: pages.trained_for(snapshot, search, least))
    return {"numbers": found}
"""


def picture(house: House) -> None:
    """Add a picture of how long each trial trained."""
    pictures = "service/dashboard/static/pictures"
    house.before(f"{pictures}/registry.js", '() => import("./timeline.js")', '() => import("./lengths.js"), ')
    house.add(f"{pictures}/lengths.js", PICTURE)


PICTURE = """/** How long each trial trained. */

import { call } from "../core/api.js";
import { line } from "../charts/layers.js";
import { linear } from "../charts/scales.js";
import { Figure } from "../components/figure.js";

/** @param {SearchView} view */
export function picture(view) {
  const figure = new Figure({ name: "lengths", title: "Lengths", hint: "Epochs of each trial." });
  async function update() {
    const found = await call(`/searches/${view.search().id}/trials?limit=1000`, { signal: view.signal });
    const x = found.items.map((/** @type {Trial} */ trial) => trial.number);
    const y = found.items.map((/** @type {Trial} */ trial) => trial.epoch);
    figure.show(
      {
        summary: `Epochs of ${x.length} trials`,
        x: { scale: linear(0, x.length), title: "trial" },
        y: { scale: linear(0, Math.max(1, ...y)), title: "epochs" },
        layers: [line({ x, y, colour: "currentColor" })],
      },
      () => ({ names: ["trial", "epochs"], rows: x.map((number, at) => [number, y[at]]) }),
    );
  }
  return { node: figure.node, update, fail: (/** @type {unknown} */ error) => figure.fail(error) };
}
"""

TOYS = {
    "scale": (scale, 3),
    "strategy": (strategy, 2),
    "stopping rule": (stopping_rule, 2),
    "optimiser": (optimiser, 3),
    "trial column": (column, 3),
    "route with a filter": (route, 2),
    "picture": (picture, 2),
}  # with the most files that each may take
