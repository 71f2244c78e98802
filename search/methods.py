"""What strategies and stopping rules have in common: a name, help, and settings that a user writes."""

from collections.abc import Sequence
from inspect import getdoc
from typing import Any, ClassVar

from pydantic import BeforeValidator, ConfigDict

from caviar.search.checking import refuse_all
from caviar.search.parameters import FrozenModel
from caviar.search.problem import Problem, unknown


class Method(FrozenModel):
    """A strategy or a stopping rule. Its docstring's first line is its help in forms and docs."""

    model_config = ConfigDict(json_schema_extra=lambda schema, method: method.describe(schema))

    name: str
    title: ClassVar[str] = ""  # as forms write it, where the name itself does not read well
    uses_results: ClassVar[bool] = False  # whether it looks at the results of other trials

    @classmethod
    def key(cls) -> str:
        """Return the name under which a user asks for it."""
        return str(cls.model_fields["name"].default)

    @classmethod
    def describe(cls, schema: dict[str, Any]) -> None:
        """Add to its schema what forms need to know beside its settings."""
        schema["title"] = cls.title or cls.key().replace("_", " ")
        schema["x-uses-results"] = cls.uses_results

    @classmethod
    def help(cls) -> str:
        """Return what it does, in one sentence."""
        return (getdoc(cls) or "").partition("\n")[0]


def by_name(methods: Sequence[type[Method]]) -> BeforeValidator:
    """Accept a bare name for {name: ...}, and say which names there are when one is not known."""
    known = [method.key() for method in methods]

    def check(value: Any) -> Any:
        given = {"name": value} if isinstance(value, str) else value
        if isinstance(given, dict):
            if "name" not in given:
                problem = Problem("name", "is missing", f"known: {', '.join(known)}")
                raise refuse_all([problem])
            if given["name"] not in known:
                raise refuse_all([unknown("name", given["name"], known)])
        return given

    return BeforeValidator(check)
