"""A space: named parameters, and the way between its points and unit coordinates."""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import (
    ConfigDict,
    ModelWrapValidatorHandler,
    PrivateAttr,
    RootModel,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from caviar.search.axes import Axis, Choices, Numbers
from caviar.search.checking import refuse_all
from caviar.search.conditions import (
    evaluation_order,
    largest_count,
    needs,
    problems_of_conditions,
    when_holds,
)
from caviar.search.parameters import Choice, Fixed, FrozenModel, Parameter, Range, Value, identity
from caviar.search.problem import Problem, unknown, written
from caviar.search.randomness import Salts, salts
from caviar.search.region import Region
from caviar.search.relations import Relation, SumRelation, problems_of_relations, read_relations

Point = dict[str, Any]
Units = npt.NDArray[np.float64]
MOST_PARAMETERS = 1000
RELATIONS = "relations"  # a list under this name is no parameter
NEUTRAL = 0.5  # the coordinate of a parameter that a point does not have


def describe_relations(schema: dict[str, Any]) -> None:
    """Add the relations to the schema of a space."""
    schema["properties"] = {
        RELATIONS: {
            "type": "array",
            "title": "Relations",
            "description": "What must hold between parameters: an order, or a bound on a sum.",
            "items": {"anyOf": [{"type": "string"}, {"type": "object"}]},
            "examples": [["a < b", {"sum": {"of": ["a", "b"], "max": 1}}]],
        }
    }


class Space(RootModel[dict[str, Parameter]]):
    """Parameters by name, in the order of the user.

    Every searched parameter has one axis, a per-layer parameter as many as it can have entries, a fixed one
    none. An axis that is inactive at a point has the coordinate 0.5. Beside the parameters there may be a
    list under the name `relations`.
    """

    model_config = ConfigDict(frozen=True, json_schema_extra=describe_relations)

    _relations: tuple[Relation, ...] = PrivateAttr(default=())

    @model_validator(mode="wrap")
    @classmethod
    def _with_relations(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, Mapping) or not is_relations(data.get(RELATIONS)):
            return handler(data)
        relations = read_relations(data[RELATIONS])
        space = handler({name: one for name, one in data.items() if name != RELATIONS})
        problems = problems_of_relations(relations, space.root)
        if problems:
            raise refuse_all(problems)
        space._relations = relations
        unsatisfied = None if space.region is None else space.region.problem()
        if unsatisfied is not None:
            raise refuse_all([unsatisfied])
        return space

    @model_serializer(mode="wrap")
    def _as_submitted(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = handler(self)
        if self._relations:
            found = {**found, RELATIONS: [one.written() for one in self._relations]}
        return found

    @cached_property
    def _exact_sums(self) -> tuple[SumRelation, ...]:
        return tuple(one for one in self._relations if isinstance(one, SumRelation) and one.exact)

    @property
    def relations(self) -> tuple[Relation, ...]:
        """What holds between parameters."""
        return self._relations

    @cached_property
    def region(self) -> Region | None:
        """What the relations leave of the space; None if there are none."""
        return Region(self.axes, self.root, self._relations) if self._relations else None

    def settle(self, units: Units) -> Units:
        """Coordinates (d,), moved to near ones where they break a relation."""
        return units if self.region is None else np.asarray(self.region.settle(units[None])[0])

    @model_validator(mode="after")
    def _rules(self) -> Self:
        problems = problems_of_conditions(self.root)
        if len(self.root) > MOST_PARAMETERS:
            problems.append(
                Problem("", f"{len(self.root)} parameters", f"search at most {MOST_PARAMETERS} at once")
            )
        if problems:
            raise refuse_all(problems)
        if self.dimensions > MOST_PARAMETERS:
            per_layer = [name for name, one in self.root.items() if one.each is not None]
            raise refuse_all(
                [
                    Problem(
                        f"{per_layer[0]}.each",
                        f"the space has {self.dimensions} coordinates",
                        f"let per-layer parameters have fewer entries: {MOST_PARAMETERS} in all at most",
                    )
                ]
            )
        return self

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters, fixed ones too, in the order of the user."""
        return tuple(self.root)

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """Axes of the unit cube, in the order of the user."""
        return tuple(axis for name in self.names for axis in _axes_of(name, self.root))

    @cached_property
    def dimensions(self) -> int:
        """Number of axes."""
        return len(self.axes)

    @cached_property
    def conditional(self) -> frozenset[str]:
        """Names of the parameters that some points do not have, or not all entries of."""
        return frozenset(
            name for name, one in self.root.items() if one.when is not None or isinstance(one.each, str)
        )

    @cached_property
    def salts(self) -> Salts:
        """One hash per axis, for random numbers that hang on its name and not on its position."""
        return salts([axis.name for axis in self.axes])

    @cached_property
    def _slices(self) -> dict[str, slice]:
        first: dict[str, int] = {}
        last: dict[str, int] = {}
        for position, axis in enumerate(self.axes):
            first.setdefault(axis.parameter, position)
            last[axis.parameter] = position + 1
        return {name: slice(first[name], last[name]) for name in first}

    @cached_property
    def _order(self) -> tuple[tuple[str, Parameter], ...]:
        return tuple((name, self.root[name]) for name in evaluation_order(self.root))

    @cached_property
    def _reordered(self) -> bool:
        return tuple(name for name, _ in self._order) != self.names

    def from_unit(self, units: Sequence[float] | Units) -> Point:
        """Point at unit coordinates, without the parameters that are inactive there."""
        row = units.tolist() if isinstance(units, np.ndarray) else units
        point: Point = {}
        for name, parameter in self._order:
            if parameter.when is not None and not when_holds(parameter.when, point):
                continue
            if isinstance(parameter, Fixed):
                value: Value = parameter.value
                point[name] = value if parameter.each is None else [value] * self._count(parameter, point)
                continue
            where = self._slices[name]
            if parameter.each is None:
                point[name] = self.axes[where.start].from_unit(row[where.start])
            else:
                entries = range(where.start, where.start + self._count(parameter, point))
                point[name] = [self.axes[entry].from_unit(row[entry]) for entry in entries]
        for relation in self._exact_sums:
            relation.complete(point, self.root)
        return {name: point[name] for name in self.names if name in point} if self._reordered else point

    def to_unit(self, point: Mapping[str, Any]) -> Units:
        """Unit coordinates of a point; what it does not have is at 0.5, what lies outside is clipped."""
        row = [NEUTRAL] * self.dimensions
        for name, where in self._slices.items():
            if name not in point:
                continue
            value = point[name]
            if self.root[name].each is None:
                row[where.start] = self.axes[where.start].to_unit(value)
            else:
                for entry, item in zip(range(where.start, where.stop), value, strict=False):
                    row[entry] = self.axes[entry].to_unit(item)
        return np.array(row)

    def active(self, point: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
        """Return for each axis whether the point has it."""
        flags = [False] * self.dimensions
        for position, axis in enumerate(self.axes):
            if axis.parameter in point:
                flags[position] = axis.index is None or axis.index < len(point[axis.parameter])
        return np.array(flags, dtype=np.bool_)

    def active_at(self, units: Units) -> npt.NDArray[np.bool_]:
        """Return for each row of coordinates (n, d) and each axis whether the point there has it."""
        flags = np.ones(units.shape, dtype=np.bool_)
        if not self.conditional:
            return flags
        for place, row in enumerate(units.tolist()):
            deciding: Point = {}
            for name, parameter in self._deciding:
                if parameter.when is not None and not when_holds(parameter.when, deciding):
                    flags[place, self._slices.get(name, slice(0))] = False
                    continue
                count = None if parameter.each is None else self._count(parameter, deciding)
                if count is not None and name in self._slices:
                    where = self._slices[name]
                    flags[place, where.start + count : where.stop] = False
                elif isinstance(parameter, Fixed):
                    deciding[name] = parameter.value
                elif name in self.deciders:
                    axis = self._slices[name].start
                    deciding[name] = self.axes[axis].from_unit(row[axis])
        return flags

    @cached_property
    def deciders(self) -> frozenset[str]:
        """Parameters that others hang on."""
        return frozenset(name for parameter in self.root.values() for name in needs(parameter))

    @cached_property
    def _deciding(self) -> tuple[tuple[str, Parameter], ...]:
        return tuple(
            (name, one) for name, one in self._order if name in self.deciders or name in self.conditional
        )

    def check(self, point: Mapping[str, Any]) -> list[Problem]:
        """Everything wrong with a point: missing, unknown, inactive or out of its range."""
        problems = [unknown(name, name, list(self.names)) for name in point if name not in self.root]
        known = dict(point)  # and the fixed values, which may be left out
        for name, parameter in self._order:
            active = parameter.when is None or when_holds(parameter.when, known)
            if active and isinstance(parameter, Fixed) and parameter.each is None:
                known.setdefault(name, parameter.value)
            if not active and name in point:
                problems.append(
                    Problem(name, "is inactive here", f"leave it out, or meet {_words(parameter)}")
                )
            elif active and name not in point and not isinstance(parameter, Fixed):
                problems.append(Problem(name, "is missing", f"give {self._describe(name)}"))
            elif active and name in point:
                problems += self._check_value(name, parameter, known)
        return problems or [
            Problem(next(iter(relation.names)), f"breaks the relation {relation}", "change one of its values")
            for relation in self._relations
            if not relation.holds(known)
        ]

    def _check_value(self, name: str, parameter: Parameter, point: Mapping[str, Any]) -> list[Problem]:
        value = point[name]
        items = [value]
        if parameter.each is not None:
            if not isinstance(value, list | tuple):
                return [Problem(name, f"{written(value)} is no list", "give one value per entry")]
            count = self._count(parameter, point)
            if len(value) != count:
                return [
                    Problem(name, f"has {len(value)} entries", f"give {count}: one for each {parameter.each}")
                ]
            items = list(value)
        if isinstance(parameter, Fixed):
            wrong = [item for item in items if identity(item) != identity(parameter.value)]
            remedy = f"give {written(parameter.value)}"
            return [Problem(name, f"{written(one)} is not the fixed value", remedy) for one in wrong[:1]]
        domain = self.axes[self._slices[name].start].domain
        return [
            Problem(name, f"{written(item)} is outside the space", f"give {domain.describe()}")
            for item in items
            if not domain.contains(item)
        ][:1]

    def _describe(self, name: str) -> str:
        text: str = self.axes[self._slices[name].start].domain.describe()
        return text

    def canonical(self, point: Mapping[str, Any]) -> Point:
        """Same point in the order and types of the space; fixed values filled in. It must pass check()."""
        result: Point = {}
        for name, parameter in self._order:
            if parameter.when is not None and not when_holds(parameter.when, result):
                continue
            if isinstance(parameter, Fixed):
                value: Value = parameter.value
                result[name] = value if parameter.each is None else [value] * self._count(parameter, result)
            else:
                domain = self.axes[self._slices[name].start].domain
                if parameter.each is None:
                    result[name] = domain.canonical(point[name])
                else:
                    result[name] = [domain.canonical(item) for item in point[name]]
        return {name: result[name] for name in self.names if name in result}

    def key(self, point: Mapping[str, Any]) -> tuple[Any, ...]:
        """Hashable identity of a point: two points that train alike have one key."""
        return tuple(_rounded(identity(value)) for value in self.canonical(point).values())

    def _count(self, parameter: Parameter, point: Mapping[str, Any]) -> int:
        if isinstance(parameter.each, int):
            return parameter.each
        count = point.get(parameter.each or "", 0)
        whole = isinstance(count, int | float) and 0 < count <= MOST_PARAMETERS
        return int(count) if whole else 0


def is_relations(value: Any) -> bool:
    """Tell the list of relations from a parameter of the same name, which is an object that defines it."""
    defined = isinstance(value, Mapping) and {"low", "high", "scale", "choices", "value"} & set(value)
    return value is not None and not defined and not isinstance(value, FrozenModel)


def parameter_names(space: Mapping[str, Any]) -> list[str]:
    """Names of the parameters of a space that is JSON."""
    return [name for name, one in space.items() if name != RELATIONS or not is_relations(one)]


def varying(space: Space) -> tuple[str, ...]:
    """Name the parameters that vary and of which no other one's presence or length hangs."""
    return tuple(
        name for name, one in space.root.items() if not isinstance(one, Fixed) and name not in space.deciders
    )


def _rounded(key: Any) -> Any:
    """Twelve digits are enough: what a round trip through unit coordinates changes is no other point."""
    if isinstance(key, float) and math.isfinite(key):
        return float(f"{key:.12g}")
    return tuple(map(_rounded, key)) if isinstance(key, tuple) else key


def _axes_of(name: str, definitions: Mapping[str, Parameter]) -> list[Axis]:
    parameter = definitions[name]
    if isinstance(parameter, Fixed):
        return []
    domain = Numbers(parameter) if isinstance(parameter, Range) else Choices(parameter)
    if parameter.each is None:
        return [Axis(name, name, None, domain)]
    count = largest_count(parameter.each, definitions)
    return [Axis(f"{name}.{index}", name, index, domain) for index in range(count)]


def _words(parameter: Parameter) -> str:
    return ", ".join(f"{name}: {written(value)}" for name, value in (parameter.when or {}).items())


__all__ = ["Choice", "Fixed", "Point", "Range", "Space", "Units"]
