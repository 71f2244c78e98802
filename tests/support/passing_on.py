"""How proxies of tests pass an answer on: as it comes, event streams too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Container
from contextlib import AsyncExitStack

import httpx
from starlette.responses import Response, StreamingResponse


def passed_on(
    answer: httpx.Response, own: Container[bytes], client: httpx.AsyncClient | None = None
) -> Response:
    """Return a streamed answer without the headers that are the proxy's `own`; its end closes the client."""

    async def pieces() -> AsyncIterator[bytes]:
        async with AsyncExitStack() as stack:
            if client is not None:
                stack.push_async_callback(client.aclose)
            stack.push_async_callback(answer.aclose)
            async for piece in answer.aiter_raw():
                yield piece

    passed = StreamingResponse(pieces(), answer.status_code)
    passed.raw_headers = [(name, value) for name, value in answer.headers.raw if name.lower() not in own]
    return passed
