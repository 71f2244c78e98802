"""The part of a space that its relations leave: uniform draws from it, and the way back into it.

Uniform means: the measure that the scales define, restricted to what satisfies the relations. Candidates are
laid by maps of constant density (a box, a simplex, a sorted chain, a sum solved for one of its parts) and
those that break a relation are left out, so that the rest is uniform whichever map laid it.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from caviar.search.axes import Axis, Numbers
from caviar.search.history import Floats
from caviar.search.parameters import Fixed, Parameter, Range
from caviar.search.problem import Problem
from caviar.search.randomness import generator
from caviar.search.relations import Order, Relation, SumRelation, range_of
from caviar.search.scales import SCALES

PILOT = 1024  # points by which maps are compared
LEAST, MOST = 4, 2**15  # points that must be found, among how many
BATCH = 64  # points drawn at once
ANCHORS = 256  # points towards which others are pulled
HALVINGS = 24

Flags = npt.NDArray[np.bool_]
# From uniforms of some members (m, k), and coordinates of all, to coordinates (m, k), and which are inside.
Lay = Callable[[Floats, Floats], tuple[Floats, Flags]]


class Member(NamedTuple):
    """A searched parameter that relations name."""

    name: str
    column: int  # its coordinate
    axis: Axis
    definition: Range
    low: float  # what the relations leave of its range
    high: float

    @property
    def continuous(self) -> bool:
        """Whether it has every value of its range, in proportion to its scale alone."""
        return self.definition.step is None and self.definition.type == "float" and not self.axis.zero


class Region:
    """What the relations of a space leave, in unit coordinates."""

    def __init__(
        self, axes: Sequence[Axis], definitions: dict[str, Parameter], relations: Sequence[Relation]
    ) -> None:
        self.relations, self._axes, self._definitions = tuple(relations), axes, definitions
        named = dict.fromkeys(name for one in relations for name in one.names)
        limits = _tightened(definitions, self.relations)
        column = {axis.name: place for place, axis in enumerate(axes)}
        self.members = tuple(
            Member(name, column[name], axes[column[name]], one, *limits[name])
            for name in named
            if isinstance(one := definitions[name], Range)
        )
        self.constants = {
            name: float(one.value)  # type: ignore[arg-type]
            for name in named
            if isinstance(one := definitions[name], Fixed)
        }
        self.empty = any(one.low > one.high for one in self.members)
        self.columns = np.array([one.column for one in self.members], dtype=np.intp)
        self._position = {one.name: place for place, one in enumerate(self.members)}
        self._maps: list[tuple[npt.NDArray[np.intp], Lay]] = []
        if not self.empty:
            ends = [_coordinates(one) for one in self.members]
            self._start = np.array([start for start, _ in ends])
            self._width = np.array([end - start for start, end in ends])
            self._choose_maps()

    def problem(self) -> Problem | None:
        """Return the first relation of which no points were found, given those before it."""
        if self._found():
            return None
        for count in range(1, len(self.relations) + 1):
            part = self
            if count < len(self.relations):
                part = Region(self._axes, self._definitions, self.relations[:count])
            if part is self or not part._found():
                last = self.relations[count - 1]
                said = f"nothing satisfies {last}" if part.empty else f"hardly anything satisfies {last}"
                others = "" if count == 1 else ", together with those before it"
                tried = "" if part.empty else f" (fewer than {LEAST} of {MOST} points drawn)"
                ends = [(name, *range_of(self._definitions[name])) for name in last.names]
                ranges = ", ".join(
                    f"{name} is {low:.12g}" if low == high else f"{name} is from {low:.12g} to {high:.12g}"
                    for name, low, high in ends
                )
                remedy = f"relax it, or change the ranges: {ranges}"
                return Problem(f"relations.{count - 1}", f"{said}{others}{tried}", remedy)
        return None

    def _found(self) -> bool:
        """Tell whether enough points obey, of the most that are tried."""
        rng, found = generator(0, 1, "pilot"), 0
        for _ in range(0 if self.empty else MOST // PILOT):
            found += int(self.candidates(rng.random((PILOT, len(self.members))))[1].sum())
            if found >= LEAST:
                return True
        return False

    def values(self, units: Floats) -> dict[str, Any]:
        """Values by name at coordinates of the members (m, k)."""
        found: dict[str, Any] = dict(self.constants)
        for place, one in enumerate(self.members):
            found[one.name] = np.array([one.axis.from_unit(unit) for unit in units[:, place].tolist()])
        return found

    def obeyed(self, units: Floats) -> Flags:
        """Tell which coordinates of the members (m, k) satisfy all relations."""
        values, flags = self.values(units), np.ones(len(units), dtype=np.bool_)
        for relation in self.relations:
            flags &= relation.holds(values)
        return flags

    def candidates(self, cube: Floats) -> tuple[Floats, Flags]:
        """Lay points of the unit cube (m, k) over the members, and tell which of them obey."""
        units, inside = self._laid(cube, self._maps)
        inside[inside] = self.obeyed(units[inside])
        return units, inside

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        """Uniform coordinates (count, k) of the members."""
        found: list[Floats] = []
        for size in [BATCH] * (16 * MOST // BATCH):  # which cannot fail, by what `problem` has made sure of
            units, flags = self.candidates(rng.random((max(size, count), len(self.members))))
            found.append(units[flags])
            if sum(map(len, found)) >= count:
                break
        return np.concatenate(found)[:count]

    @cached_property
    def anchors(self) -> Floats:
        """Points that obey (n, k), the same ones always."""
        return self.draw(generator(0, 2, "anchors"), ANCHORS)

    def settle(self, units: Floats) -> Floats:
        """Move those coordinates of all axes (m, d) that break a relation to near ones that obey.

        Values of an exact sum are moved by equal amounts. What breaks a relation still is pulled straight
        towards the nearest of some points that obey: all relations are linear in the values.
        """
        mine = units[:, self.columns]
        broken = np.flatnonzero(~self.obeyed(mine))
        if not len(broken):
            return units
        moved = self._on_exact_sums(mine[broken])
        still = np.flatnonzero(~self.obeyed(moved))
        if len(still):
            moved[still] = self._pulled(moved[still])
        settled = units.copy()
        settled[broken[:, None], self.columns] = moved
        return settled

    def _pulled(self, units: Floats) -> Floats:
        near = np.array([((self.anchors - row) ** 2).sum(axis=1).argmin() for row in units])
        best: Floats = self.anchors[near]
        start, ends = self._as_columns(best), self._as_columns(units)
        low, high = np.zeros((len(units), 1)), np.ones((len(units), 1))
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            tried = self._as_units(start + middle * (ends - start))
            flags = self.obeyed(tried)[:, None]
            best = np.asarray(np.where(flags, tried, best))
            low, high = np.where(flags, middle, low), np.where(flags, high, middle)
        return best

    def _on_exact_sums(self, units: Floats) -> Floats:
        """Shift the parts of exact sums by equal amounts, within their ranges, until the sums are right."""
        columns = self._as_columns(units)
        for members, places, rest in self._exact_sums:
            low, high = (np.array([getattr(one, end) for one in members]) for end in ("low", "high"))
            values = columns[:, places]
            least, most = (low - values).min(axis=1), (high - values).max(axis=1)
            for _ in range(60):
                shift = (least + most) / 2
                short = np.clip(values + shift[:, None], low, high).sum(axis=1) < rest
                least, most = np.where(short, shift, least), np.where(short, most, shift)
            columns[:, places] = np.clip(values + most[:, None], low, high)
        return self._as_units(columns)

    def _as_columns(self, units: Floats) -> Floats:
        """Values (m, k) at coordinates."""
        values = self.values(units)
        return np.array([values[one.name] for one in self.members], dtype=np.float64).T

    def _as_units(self, columns: Floats) -> Floats:
        """Coordinates (m, k) of values, the nearest that there are."""
        rows = [
            [one.axis.to_unit(value) for value in column]
            for one, column in zip(self.members, columns.T.tolist(), strict=True)
        ]
        return np.array(rows, dtype=np.float64).T

    def _laid(self, cube: Floats, maps: list[tuple[npt.NDArray[np.intp], Lay]]) -> tuple[Floats, Flags]:
        units, inside = self._start + cube * self._width, np.ones(len(cube), dtype=np.bool_)
        for places, lay in maps:
            laid, within = lay(cube[:, places], units)
            units[:, places] = np.clip(laid, 0.0, 1.0)
            inside &= within
        return units, inside

    def _choose_maps(self) -> None:
        """For each relation the map of which most points obey it; the exact ones, which need one, first."""
        cube = generator(0, 0, "pilot").random((PILOT, len(self.members)))
        taken: set[str] = set()
        for relation in sorted(self.relations, key=lambda one: not _is_exact(one)):
            names = [name for name in relation.names if name not in self.constants]
            if taken.intersection(names) or not names:
                continue
            places = np.array([self._position[name] for name in names], dtype=np.intp)
            options = [[(places, lay)] for lay in self._maps_of(relation, places)]
            if not _is_exact(relation):
                options.insert(0, [])
            shares = []
            for maps in options:
                units, inside = self._laid(cube, maps)
                inside[inside] = relation.holds(self.values(units[inside]))
                shares.append(int(inside.sum()))
            best = options[int(np.argmax(shares))]
            if best:
                self._maps += best
                taken.update(names)

    def _maps_of(self, relation: Relation, places: npt.NDArray[np.intp]) -> list[Lay]:
        members = [self.members[place] for place in places]
        plain = all(one.continuous for one in members)
        if isinstance(relation, Order):
            alike = len({one.definition.scale for one in members}) == 1
            return [_sorted_chain(members)] if plain and alike else []
        rest = self._rest(relation)
        linear = plain and all(one.definition.scale == "linear" for one in members)
        maps = [_simplex(members, rest, relation.exact, False)] if linear else []
        if relation.exact:
            maps += [_simplex(members, rest, True, True)] if linear else []
            maps.append(self._solved(members, places, rest))
        return maps

    def _solved(self, members: list[Member], places: npt.NDArray[np.intp], rest: float) -> Lay:
        """Draw all but one part of an exact sum, and solve for that one."""
        last = _to_solve(members)
        mine, others = members[last], [one for at, one in enumerate(members) if at != last]

        def solved(_: Floats, units: Floats) -> tuple[Floats, Flags]:
            values = self.values(units)
            wanted = rest - sum(values[one.name] for one in others)
            within = np.array([mine.axis.domain.contains(value) for value in wanted.tolist()], dtype=np.bool_)
            laid = units[:, places].copy()
            laid[:, last] = [mine.axis.to_unit(value) for value in wanted.tolist()]
            return laid, within

        return solved

    @cached_property
    def solved_columns(self) -> list[int]:
        """Coordinates of all axes that follow from the others: one for each exact sum."""
        return [members[_to_solve(members)].column for members, _, _ in self._exact_sums]

    def solved(self, units: Floats) -> Floats:
        """Coordinates of all axes (m, d) with the parts that exact sums are solved for."""
        mine = units[:, self.columns]
        for members, places, rest in self._exact_sums:
            mine[:, places], _ = self._solved(members, places, rest)(mine, mine)
        laid = units.copy()
        laid[:, self.columns] = mine
        return laid

    @cached_property
    def _exact_sums(self) -> list[tuple[list[Member], npt.NDArray[np.intp], float]]:
        """Of each exact sum its searched parts, their places, and what the fixed ones leave of its number."""
        found = []
        for relation in self.relations:
            if isinstance(relation, SumRelation) and relation.exact:
                places = [self._position[name] for name in relation.names if name in self._position]
                if places:
                    members = [self.members[at] for at in places]
                    found.append((members, np.array(places, dtype=np.intp), self._rest(relation)))
        return found

    def _rest(self, relation: SumRelation) -> float:
        """Return what the fixed parts of a sum leave of its number."""
        return relation.sum.total - sum(self.constants.get(name, 0.0) for name in relation.names)


def _is_exact(relation: Relation) -> bool:
    return isinstance(relation, SumRelation) and relation.exact


def _to_solve(members: list[Member]) -> int:
    """Place of the part that an exact sum is solved for: the widest, of the continuous ones if any."""
    return max(
        range(len(members)), key=lambda at: (members[at].continuous, members[at].high - members[at].low)
    )


def _sorted_chain(members: list[Member]) -> Lay:
    """Sorted uniforms over the union of the ranges; what leaves its own range is left out."""
    scale = SCALES[members[0].definition.scale]
    common = scale(min(one.low for one in members), max(one.high for one in members))
    own = [scale(one.definition.low, one.definition.high) for one in members]
    start, width = (np.array([getattr(one, part) for one in own]) for part in ("start", "width"))

    def chain(cube: Floats, _: Floats) -> tuple[Floats, Flags]:
        laid = (common.start + np.sort(cube, axis=1) * common.width - start) / width
        return laid, ((laid >= 0.0) & (laid <= 1.0)).all(axis=1)

    return chain


def _simplex(members: list[Member], rest: float, exact: bool, from_above: bool) -> Lay:
    """Spacings of sorted uniforms, scaled to what the sum leaves above the lows, or below the highs."""
    low, high = (np.array([getattr(one, end) for one in members]) for end in ("low", "high"))
    room = float(high.sum() - rest if from_above else rest - low.sum())
    first = np.array([one.definition.low for one in members])
    reach = np.array([one.definition.high for one in members]) - first

    def spacings(cube: Floats, _: Floats) -> tuple[Floats, Flags]:
        cuts = np.sort(cube[:, : -1 if exact else None], axis=1)
        ends = (np.zeros((len(cube), 1)), np.ones((len(cube), 1)))
        parts = room * np.diff(np.hstack([ends[0], cuts, ends[1]] if exact else [ends[0], cuts]), axis=1)
        laid = ((high - parts if from_above else low + parts) - first) / reach
        return laid, ((laid >= 0.0) & (laid <= 1.0)).all(axis=1)

    return spacings


def _coordinates(one: Member) -> tuple[float, float]:
    """Coordinates between which the values from low to high lie, cells of counted values whole."""
    domain, whole = one.axis.domain, one.definition
    assert isinstance(domain, Numbers)
    step = domain.step or 0.0  # of counted values a cell more on each side: what is too much is left out
    at_start = one.low - step <= whole.low or (domain.zero and one.low <= 0.0)
    start = 0.0 if at_start else domain.to_unit(one.low - step)
    end = 1.0 if one.high + step >= whole.high else domain.to_unit(max(one.high + step, whole.low))
    return start, end


def _tightened(
    definitions: dict[str, Parameter], relations: Sequence[Relation]
) -> dict[str, tuple[float, float]]:
    """Ends that the relations leave of each range, found by passing bounds on until nothing changes."""
    names = dict.fromkeys(name for one in relations for name in one.names)
    limits = {name: list(range_of(definitions[name])) for name in names}
    for _ in range(100):
        before = {name: tuple(ends) for name, ends in limits.items()}
        for one in relations:
            if isinstance(one, Order):
                for low, high in zip(one.names, one.names[1:], strict=False):
                    limits[high][0] = max(limits[high][0], limits[low][0])
                for low, high in reversed(list(zip(one.names, one.names[1:], strict=False))):
                    limits[low][1] = min(limits[low][1], limits[high][1])
            else:
                for end in (0, 1) if one.exact else (0,):
                    whole = sum(limits[name][end] for name in one.names)
                    for name in one.names:
                        left = one.sum.total - (whole - limits[name][end])
                        limits[name][1 - end] = (min if end == 0 else max)(limits[name][1 - end], left)
        if before == {name: tuple(ends) for name, ends in limits.items()}:
            break
    return {name: (ends[0], ends[1]) for name, ends in limits.items()}
