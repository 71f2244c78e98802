"""Conditions: which parameters a point has, given the others."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from caviar.search.axes import Choices, Numbers
from caviar.search.parameters import Between, Choice, Fixed, Parameter, Range, Value, When, identity
from caviar.search.problem import Problem, unknown

Definitions = Mapping[str, Parameter]


def when_holds(when: When, point: Mapping[str, Any]) -> bool:
    """Return whether all of a condition's parts hold; a parameter that is not there meets none."""
    return all(name in point and _meets(wanted, point[name]) for name, wanted in when.items())


def _meets(wanted: Between | Value, value: Any) -> bool:
    if isinstance(wanted, Between):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return (wanted.low is None or value >= wanted.low) and (wanted.high is None or value <= wanted.high)
    if isinstance(wanted, list):
        return any(identity(one) == identity(value) for one in wanted)
    return bool(identity(wanted) == identity(value))


def needs(parameter: Parameter) -> list[str]:
    """Names of the parameters that must be known before this one."""
    names = list(parameter.when or {})
    return [*names, parameter.each] if isinstance(parameter.each, str) else names


def evaluation_order(definitions: Definitions) -> tuple[str, ...]:
    """Names in an order in which every condition can be decided; the user's order as far as possible.

    Raises graphlib.CycleError if there is none.
    """
    if not any(needs(parameter) for parameter in definitions.values()):
        return tuple(definitions)
    return tuple(TopologicalSorter({name: needs(one) for name, one in definitions.items()}).static_order())


def largest_count(each: str | int, definitions: Definitions) -> int:
    """How many entries a per-layer parameter has at most."""
    if isinstance(each, int):
        return each
    counter = definitions[each]
    if isinstance(counter, Range):
        return int(Numbers(counter).from_unit(1.0))
    values = [counter.value] if isinstance(counter, Fixed) else counter.choices
    return max((value for value in values if isinstance(value, int)), default=0)


def problems_of_conditions(definitions: Definitions) -> list[Problem]:
    """Everything wrong between parameters: missing ones, circles, conditions that can never hold."""
    problems = [one for name in definitions for one in _problems_of_one(name, definitions)]
    if problems:
        return problems
    try:
        order = evaluation_order(definitions)
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        return [
            Problem(
                f"{error.args[1][0]}.when", f"depends on itself: {circle}", "remove one of the conditions"
            )
        ]
    return _never_active(order, definitions)


def _problems_of_one(name: str, definitions: Definitions) -> list[Problem]:
    parameter = definitions[name]
    problems = []
    for other, wanted in (parameter.when or {}).items():
        field = f"{name}.when.{other}"
        if other not in definitions:
            remedy = "name a parameter of the space; a fixed one can be added as {value: ...}"
            near = unknown(field, other, list(definitions)).remedy
            problems.append(Problem(field, f"there is no parameter {other!r}", f"{remedy}; {near}"))
        elif definitions[other].each is not None:
            problems.append(Problem(field, "a list cannot be a condition", "name a parameter with one value"))
        elif not _possible(definitions[other], [wanted]):
            problems.append(
                Problem(field, f"{_words(wanted)} can never be", f"{other} is {_domain(definitions[other])}")
            )
    if isinstance(parameter.each, str):
        problems += _problems_of_each(name, parameter.each, definitions)
    return problems


def _problems_of_each(name: str, each: str, definitions: Definitions) -> list[Problem]:
    field = f"{name}.each"
    if each not in definitions:
        near = unknown(field, each, list(definitions)).remedy
        return [
            Problem(field, f"there is no parameter {each!r}", f"name one of the space, or a number; {near}")
        ]
    counter = definitions[each]
    if counter.each is not None:
        return [Problem(field, f"{each} is a list itself", "name a parameter with one integer")]
    if isinstance(counter, Range):
        whole = counter.type == "int" and counter.low >= 0
    else:
        values = [counter.value] if isinstance(counter, Fixed) else counter.choices
        whole = all(type(value) is int and value >= 0 for value in values)
    if not whole:
        return [
            Problem(
                field, f"{each} is not a count", f"make {each} an integer parameter from 0 up (type: int)"
            )
        ]
    return []


def _never_active(order: tuple[str, ...], definitions: Definitions) -> list[Problem]:
    """Find conditions that, together with those of the parameters they name, exclude each other."""
    demands: dict[str, dict[str, list[Between | Value]]] = {}
    problems = []
    for name in order:
        mine: dict[str, list[Between | Value]] = {}
        for other, wanted in (definitions[name].when or {}).items():
            mine.setdefault(other, []).append(wanted)
            for ancestor, demanded in demands[other].items():
                mine.setdefault(ancestor, []).extend(demanded)
        demands[name] = mine
        for ancestor, demanded in mine.items():
            if len(demanded) > 1 and not _possible(definitions[ancestor], demanded):
                text = " and ".join(_words(one) for one in demanded)
                problems.append(
                    Problem(
                        f"{name}.when",
                        f"can never hold: {ancestor} would have to be {text}",
                        "relax one of them",
                    )
                )
    return problems


def _possible(parameter: Parameter, wanted: list[Between | Value]) -> bool:
    """Return whether some value of a parameter meets all demands."""
    if isinstance(parameter, Fixed):
        return all(_meets(one, parameter.value) for one in wanted)
    if isinstance(parameter, Choice):
        return any(
            all(_meets(one, value) for one in wanted) for value in Choices(parameter).definition.choices
        )
    domain = Numbers(parameter)
    candidates: list[Any] = [0.0] if domain.zero else []
    low, high = parameter.low, parameter.high
    for one in wanted:
        if isinstance(one, Between):
            low = low if one.low is None else max(low, one.low)
            high = high if one.high is None else min(high, one.high)
        else:
            candidates += one if isinstance(one, list) else [one]
    if low <= high and not any(not isinstance(one, Between) for one in wanted):
        candidates += _values_between(domain, low, high)
    return any(domain.contains(value) and all(_meets(one, value) for one in wanted) for value in candidates)


def _values_between(domain: Numbers, low: float, high: float) -> list[int | float]:
    if domain.step is None:
        return [low]
    near = domain.canonical(low)
    above = domain.canonical(near + domain.step)
    return [value for value in (near, above) if low <= value <= high]


def _words(wanted: Between | Value) -> str:
    if isinstance(wanted, Between):
        low = "" if wanted.low is None else f" from {wanted.low:.12g}"
        high = "" if wanted.high is None else f" up to {wanted.high:.12g}"
        return "a number" + low + high
    return " or ".join(map(repr, wanted)) if isinstance(wanted, list) else repr(wanted)


def _domain(parameter: Parameter) -> str:
    if isinstance(parameter, Fixed):
        return f"fixed at {parameter.value!r}"
    return (Numbers(parameter) if isinstance(parameter, Range) else Choices(parameter)).describe()
