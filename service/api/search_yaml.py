"""A search as people write it: YAML from anyone who may read, so only what JSON can say, and little of it."""

from __future__ import annotations

from typing import Any

import orjson
import yaml
from anyio import to_thread
from fastapi import APIRouter, Request, Response

from caviar.service.api import answers
from caviar.service.errors import RefusedError

LIMIT = 64 * 1024  # bytes; a long search file has 2,000, and what is larger is sent as JSON
DEEPEST = 50  # mappings and lists in each other
REMEDY = "see examples/ for how a search is written"
_BODY = {"requestBody": {"required": True, "content": {"application/yaml": {"schema": {"type": "string"}}}}}
_TEXT = "tag:yaml.org,2002:str"


router = APIRouter(prefix="/searches", tags=["figures"])


@router.post(
    "/parse",
    response_model=answers.ParsedSearch,
    summary="Read a search from YAML; nothing is checked or stored",
    openapi_extra=_BODY,
)
async def parse_search(request: Request) -> Response:
    body = await to_thread.run_sync(read, await request.body())
    return Response(body, media_type="application/json")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # a base chosen at run time
    """Values as safe YAML has them, keys that are text, and a place for everything that is wrong."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        for key, _ in node.value:
            if key.tag != _TEXT:
                raise _wrong("a key that is not text; put it in quotes", key)
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:  # 2001-99-99, 0x_
            raise _wrong(str(error), node) from None


def read(body: bytes) -> bytes:
    """Return the mapping that a YAML (or JSON) text holds, as JSON.

    Aliases are refused: nine of them, each naming the one before nine times, make gigabytes.
    Raises RefusedError, which names the line where there is one.
    """
    if len(body) > LIMIT:
        raise RefusedError.of("body", f"has {len(body)} bytes", f"send at most {LIMIT}, or send JSON")
    try:
        _check(body)
        spec = yaml.load(body, _Loader)  # noqa: S506 - a safe loader
        if isinstance(spec, dict):
            return orjson.dumps({"spec": spec})
    except yaml.MarkedYAMLError as error:
        where, mark = "", error.problem_mark
        if mark is not None:
            where = f"line {mark.line + 1}, column {mark.column + 1}: "
        raise RefusedError.of("body", f"{where}{error.problem or 'not YAML'}", REMEDY) from None
    except (yaml.YAMLError, UnicodeDecodeError, TypeError) as error:  # TypeError: of orjson, for 2 ** 70
        raise RefusedError.of("body", " ".join(str(error).split())[:300], REMEDY) from None
    raise RefusedError.of("body", "is not a mapping", "begin with a line like name: digits")


def _check(body: bytes) -> None:
    """Refuse what the loader would unfold, follow or make other than JSON, before it does."""
    depth = 0
    for event in yaml.parse(body, _Loader):
        if isinstance(event, yaml.AliasEvent):
            raise _wrong(f"an alias (*{event.anchor}); write the value itself", event)
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise _wrong(f"a tag ({tag}); leave it out", event)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise _wrong(f"more than {DEEPEST} mappings and lists in each other", event)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _wrong(what: str, found: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=what, problem_mark=found.start_mark)
