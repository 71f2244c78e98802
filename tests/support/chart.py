"""Render the Helm chart, of whose language it uses little: values, if, include, and the functions below.

Whatever else a template says is an error here. The output was the same, byte for byte, as that of Go's
text/template with Sprig, on which Helm stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[2] / "examples" / "deploy" / "charts" / "caviar"
_ACTION = re.compile(r"(\s*)\{\{- (.*?) -?\}\}|\{\{ (.*?) (-?)\}\}", re.DOTALL)
_WORD = re.compile(r'"[^"]*"|[()|]|[^\s()|]+')

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "quote": lambda value: json.dumps(str(value)),
    "toJson": lambda value: json.dumps(value, separators=(",", ":"), sort_keys=True),
    "toYaml": lambda value: yaml.safe_dump(value, default_flow_style=False).rstrip("\n"),
    "nindent": lambda count, text: "\n" + "\n".join(" " * count + line for line in text.split("\n")),
    "eq": lambda one, other: one == other,
    "gt": lambda one, other: one > other,
    "int": int,
    "not": lambda value: not value,
    "join": lambda between, values: between.join(values),
    "printf": lambda form, *values: form % values,
}


def values(**given: Any) -> dict[str, Any]:
    """Return the chart's values with others laid over them."""
    return _merged(yaml.safe_load((CHART / "values.yaml").read_text()), given)


def rendered(settings: dict[str, Any]) -> list[Any]:
    """Return the documents that the chart makes of its values, for the release `lab` in `science`."""
    return [one for one in yaml.safe_load_all(text(settings)) if one is not None]


def text(settings: dict[str, Any]) -> str:
    """Return what the templates say, one after the other."""
    data = {"Values": settings, "Release": {"Name": "lab", "Namespace": "science"}}
    writer = _Writer(data)
    sources = {path.name: path.read_text() for path in sorted((CHART / "templates").iterdir())}
    written = {name: writer.write(source) for name, source in sources.items()}
    return "".join(f"---\n# Source: {name}\n{one}\n" for name, one in written.items() if name[0] != "_")


class _Writer:
    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data
        self._defined: dict[str, list[Any]] = {}

    def write(self, source: str) -> str:
        tokens = _tokens(source)
        tree = _tree(tokens)
        assert next(tokens, None) is None, "an end too many"
        return self._text(tree)

    def _text(self, tree: list[Any]) -> str:
        return "".join(part if isinstance(part, str) else self._said(*part) for part in tree)

    def _said(self, action: str, then: list[Any], otherwise: list[Any]) -> str:
        word, _, rest = action.partition(" ")
        if word == "define":
            self._defined[rest.strip('"')] = then
            return ""
        if word == "if":
            return self._text(then if self._value(rest) else otherwise)
        return str(self._value(action))

    def _value(self, expression: str) -> Any:
        words = _WORD.findall(expression)
        found = self._pipeline(words)
        assert not words, expression
        return found

    def _pipeline(self, words: list[str]) -> Any:
        found = self._call(words, [])
        while words and words[0] == "|":
            words.pop(0)
            found = self._call(words, [found])
        return found

    def _call(self, words: list[str], last: list[Any]) -> Any:
        name = words.pop(0)
        if name not in FUNCTIONS and name != "include":
            return self._operand(name, words)
        arguments = []
        while words and words[0] not in "|)":
            arguments.append(self._operand(words.pop(0), words))
        if name == "include":
            return self._text(self._defined[arguments[0]])
        return FUNCTIONS[name](*arguments, *last)

    def _operand(self, word: str, words: list[str]) -> Any:
        if word == "(":
            found = self._pipeline(words)
            assert words.pop(0) == ")"
            return found
        if word[0] in '"0123456789':
            return json.loads(word)
        assert word[0] == ".", f"{word} is beyond this renderer"
        found = self._data
        for name in filter(None, word.split(".")):
            found = found[name]
        return found


def _tokens(source: str) -> Iterator[str | tuple[str]]:
    """Yield text as it is and each action as a tuple of one; a dash takes the white space beside it."""
    at = 0
    for match in _ACTION.finditer(source):
        if match.start() >= at:
            yield source[at : match.start()]
        at = match.end()
        if match[0].endswith("-}}"):
            at += len(source[at:]) - len(source[at:].lstrip())
        yield ((match[2] or match[3]).strip(),)
    assert "{{" not in source[at:]
    yield source[at:]


def _tree(tokens: Iterator[str | tuple[str]]) -> list[Any]:
    """Return text and (action, then, otherwise), up to the end of this block."""
    return _block(tokens)[0]


def _block(tokens: Iterator[str | tuple[str]]) -> tuple[list[Any], str]:
    found: list[Any] = []
    for token in tokens:
        if isinstance(token, str):
            found.append(token)
        elif token[0] in ("else", "end"):
            return found, token[0]
        elif token[0].split()[0] in ("if", "define"):
            then, ended = _block(tokens)
            otherwise = _block(tokens)[0] if ended == "else" else []
            found.append((token[0], then, otherwise))
        else:
            found.append((token[0], [], []))
    return found, ""


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {**under, **over}
    for name, value in over.items():
        if isinstance(value, dict) and isinstance(under.get(name), dict):
            both[name] = _merged(under[name], value)
    return both
