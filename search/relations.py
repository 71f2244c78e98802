"""Relations between the parameters of a space: an order of their values, or a bound on their sum."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import reduce
from graphlib import CycleError, TopologicalSorter
from operator import and_
from typing import Any, Self, TypeAlias

from pydantic import (
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from caviar.search.checking import problems_of, refuse_all, refuse_boolean
from caviar.search.parameters import Choice, Fixed, FrozenModel, Parameter, Range, plain, refuse
from caviar.search.problem import Problem, unknown, written

MOST_RELATIONS = 100
EXACT, ROUNDING = 1e-9, 1e-12  # by which a sum may miss its number or exceed its bound, in shares of both
ORDER_EXAMPLE = "write a < b, or a <= b <= c"
EXAMPLE = "a < b, or {sum: {of: [a, b], max: 1}}"
_SIGN = re.compile(r"\s*(<=|>=|<|>)\s*")

Definitions = Mapping[str, Parameter]


class Order(FrozenModel):
    """Values that ascend: `a < b`, or a chain as in `a <= b < c`."""

    order: str = Field(max_length=10_000, description="As in a < b, or a <= b <= c.")

    @model_validator(mode="after")
    def _written_well(self) -> Self:
        parts = _SIGN.split(self.order.strip())
        signs = {sign[0] for sign in parts[1::2]}
        if len(parts) < 3 or not all(parts):
            raise refuse("order", f"{self.order!r} does not compare two parameters", ORDER_EXAMPLE)
        if len(signs) > 1:
            raise refuse("order", f"{self.order!r} goes up and down", "write two relations")
        twice = [name for name in parts[::2] if parts[::2].count(name) > 1]
        if twice:
            raise refuse("order", f"{twice[0]!r} appears more than once", "name each parameter once")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters, the one with the lowest value first."""
        return self._read[0]

    @property
    def strict(self) -> tuple[bool, ...]:
        """Whether each is below the next one, and not equal to it."""
        return self._read[1]

    @property
    def _read(self) -> tuple[tuple[str, ...], tuple[bool, ...]]:
        parts = _SIGN.split(self.order.strip())
        names, signs = parts[::2], parts[1::2]
        if signs[0].startswith(">"):
            names, signs = names[::-1], signs[::-1]
        return tuple(names), tuple(len(sign) == 1 for sign in signs)

    def holds(self, values: Mapping[str, Any]) -> Any:
        """Tell whether values, single ones or arrays of them by name, obey."""
        ordered = [values[name] for name in self.names]
        pairs = zip(ordered, ordered[1:], self.strict, strict=False)
        return reduce(and_, (low < high if strict else low <= high for low, high, strict in pairs))

    def written(self) -> Any:
        """Return the relation as it is submitted."""
        return self.order

    def __str__(self) -> str:
        return self.order.strip()


class Sum(FrozenModel):
    """A sum of values that is at most, or exactly, a number."""

    of: list[str] = Field(min_length=2, max_length=1000, description="Parameters whose values are added.")
    max: float | None = Field(default=None, description="The sum is at most this.")
    equals: float | None = Field(default=None, description="The sum is exactly this.")

    _numbers = field_validator("max", "equals", mode="before")(
        lambda value: refuse_boolean(plain(value))  # as YAML reads 1e-4
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.max is None) == (self.equals is None):
            said = "has neither max nor equals" if self.max is None else "has both max and equals"
            raise refuse("", said, "give one of them: max: 1, or equals: 1")
        twice = [name for name in self.of if self.of.count(name) > 1]
        if twice:
            raise refuse("of", f"{twice[0]!r} appears more than once", "name each parameter once")
        return self

    @property
    def total(self) -> float:
        """The number that the sum is held to."""
        return float(self.equals if self.max is None else self.max)  # type: ignore[arg-type]


class SumRelation(FrozenModel):
    """Holds a sum of parameters to a number."""

    sum: Sum

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters whose values are added."""
        return tuple(self.sum.of)

    @property
    def exact(self) -> bool:
        """Whether the sum equals its number, and is not only bounded by it."""
        return self.sum.equals is not None

    def holds(self, values: Mapping[str, Any]) -> Any:
        """Tell whether values, single ones or arrays of them by name, obey."""
        parts = [values[name] for name in self.names]
        slack = (EXACT if self.exact else ROUNDING) * sum(map(abs, parts), 1e-300 + abs(self.sum.total))
        excess = sum(parts) - self.sum.total
        return abs(excess) <= slack if self.exact else excess <= slack

    def complete(self, point: dict[str, Any], definitions: Definitions) -> None:
        """Take what coordinates have lost of an exact sum, their last bits, up into its largest part."""
        missing = self.sum.total - sum(point[name] for name in self.names)
        parts = [(name, one) for name in self.names if isinstance(one := definitions[name], Range)]
        parts = [(name, one) for name, one in parts if one.type == "float" and one.step is None]
        if missing == 0 or abs(missing) > 1e-6 * sum(one.high - one.low for _, one in parts):
            return
        for name, one in sorted(parts, key=lambda part: -abs(point[part[0]])):
            if one.low <= point[name] + missing <= one.high:
                point[name] += missing
                return

    def written(self) -> Any:
        """Return the relation as it is submitted."""
        return {"sum": self.sum.model_dump(exclude_unset=True)}

    def __str__(self) -> str:
        return f"{' + '.join(self.names)} {'=' if self.exact else '<='} {self.sum.total:.12g}"


Relation: TypeAlias = Order | SumRelation


def problems_of_relations(relations: tuple[Relation, ...], definitions: Definitions) -> list[Problem]:
    """Everything wrong with what the relations name; whether anything satisfies them is another question."""
    problems = [
        Problem(f"relations.{place}.{'sum.of' if isinstance(one, SumRelation) else 'order'}", *found)
        for place, one in enumerate(relations)
        for name in one.names
        for found in _unfit(name, one, definitions)
    ]
    problems += _circles(relations)
    taken: dict[str, int] = {}
    for place, one in enumerate(relations):
        if isinstance(one, SumRelation) and one.exact:
            for name in one.names:
                if name in taken and name in definitions and not isinstance(definitions[name], Fixed):
                    said = f"{name} is also in the exact sum of relations.{taken[name]}"
                    problems.append(Problem(f"relations.{place}.sum.of", said, "use max in one of the two"))
                taken[name] = place
    return problems


def _circles(relations: tuple[Relation, ...]) -> Iterator[Problem]:
    """Find orders that put a parameter below itself."""
    above: dict[str, set[str]] = {}
    for place, one in enumerate(relations):
        if not isinstance(one, Order):
            continue
        for low, high in zip(one.names, one.names[1:], strict=False):
            above.setdefault(low, set()).add(high)
        try:
            TopologicalSorter(above).prepare()
        except CycleError as error:
            said = f"contradicts the orders before it: {' < '.join(reversed(error.args[1]))}"
            yield Problem(f"relations.{place}.order", said, "remove one of them")
            return


def _unfit(name: str, relation: Relation, definitions: Definitions) -> Iterator[tuple[str, str]]:
    """Message and remedy for each reason for which a relation cannot name a parameter."""
    if name not in definitions:
        found = unknown("", name, list(definitions))
        yield f"there is no parameter {name!r}", f"name parameters of the space; {found.remedy}"
        return
    one = definitions[name]
    if one.when is not None:
        yield f"{name} is conditional: some points do not have it", f"take {name} out, or its `when`"
    elif one.each is not None:
        yield f"{name} is a list, one value per layer", "name parameters with one number each"
    elif isinstance(one, Choice):
        yield f"{name} is categorical, it has no order", f"make {name} a range, or take it out"
    elif isinstance(one, Fixed):
        number = isinstance(one.value, int | float) and not isinstance(one.value, bool)
        if not number:
            yield f"{name} is fixed at {written(one.value)}, which is not a number", "remove it"
    elif isinstance(relation, SumRelation) and relation.exact and (one.scale != "linear" or one.zero):
        what = "has a share of exact zeros" if one.zero else f"is on a {one.scale} scale"
        remedy = "exact sums are drawn evenly: use scale: linear without zero, or max in place of equals"
        yield f"{name} {what}", remedy


def range_of(one: Parameter) -> tuple[float, float]:
    """Lowest and highest value of a range or a fixed number."""
    if isinstance(one, Range):
        return (min(one.low, 0.0) if one.zero else one.low), one.high
    value = float(one.value)  # type: ignore[union-attr, arg-type]
    return value, value


def read_relations(given: Any) -> tuple[Relation, ...]:
    """Read the list of relations of a space. Raises pydantic's error with all problems of them."""
    if not isinstance(given, list | tuple):
        raise refuse_all([Problem("relations", f"{written(given)} is not a list", f"write [{EXAMPLE}]")])
    if len(given) > MOST_RELATIONS:
        said = f"has {len(given)} entries"
        raise refuse_all([Problem("relations", said, f"give at most {MOST_RELATIONS}")])
    problems: list[Problem] = []
    found: list[Relation] = []
    for place, one in enumerate(given):
        where = f"relations.{place}"
        if not isinstance(one, str | dict) or (isinstance(one, dict) and not {"sum", "order"} & set(one)):
            problems.append(Problem(where, f"{written(one)} is not a relation", f"write {EXAMPLE}"))
            continue
        try:
            found.append(_read_one(one))
        except ValidationError as error:
            told = [(f"{where}.{each.field}".rstrip("."), each) for each in _told(error)]
            problems += [replace(each, field=field) for field, each in told]
    if problems:
        raise refuse_all(problems)
    return tuple(found)


def _read_one(value: Any) -> Relation:
    if isinstance(value, str):
        return Order(order=value)
    if "sum" in value:
        return SumRelation.model_validate(value)
    return Order.model_validate(value)


def _told(error: ValidationError) -> list[Problem]:
    return problems_of(error, lambda path: list((Sum if path[0] == "sum" else SumRelation).model_fields))
