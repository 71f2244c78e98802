"""Serve the dashboard's static files from memory, cached for ever under the hash of their content.

Every file is addressed as /static/<hash of all files>/<path>, so that a browser never asks twice for the same
content and never mixes two versions; only the small page itself is asked for again each time.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

STATIC = Path(str(files("caviar.service.dashboard") / "static"))

# Addresses the page's own router understands, "/searches/{search}"; each is answered with the same page.
PAGES = tuple(re.findall(r'^  \{ path: "([^"]+)"', (STATIC / "routes.js").read_text(), re.MULTILINE))

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True)
class Asset:
    """One static file, ready to be sent."""

    content: bytes
    compressed: bytes
    media_type: str

    def response(self, request: Request, cache: str) -> Response:
        """The file as an answer, compressed where the browser takes it."""
        headers = {**SECURITY_HEADERS, "Cache-Control": cache, "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(self.compressed, media_type=self.media_type, headers=headers)
        return Response(self.content, media_type=self.media_type, headers=headers)


@dataclass(frozen=True)
class Site:
    """All files of the dashboard and the version made of their content."""

    version: str
    template: str
    assets: dict[str, Asset]

    def page(self, request: Request) -> Response:
        """The page, with links to its files that hold below any path that a proxy puts in front."""
        return _page(self.template, request.scope["path"].count("/") - 1).response(request, "no-cache")


def load_site(root: Path = STATIC) -> Site:
    """Read every file below `root` and prepare the page that loads them."""
    contents = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.suffix in MEDIA_TYPES
    }
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    version = digest.hexdigest()[:12]
    template = _template(contents.pop("index.html").decode(), version, list(contents))
    return Site(
        version=version,
        template=template,
        assets={name: _asset(name, content) for name, content in contents.items()},
    )


def _asset(name: str, content: bytes) -> Asset:
    return Asset(content, gzip.compress(content, 6, mtime=0), MEDIA_TYPES[Path(name).suffix])


def _template(page: str, version: str, names: list[str]) -> str:
    """Fill in the version; name the shared modules, so that they load at once and not level after level."""
    shared = [name for name in names if name.endswith(".js") and not name.startswith(("pages/", "pictures/"))]
    addresses = [f"{{root}}static/{version}/{name}" for name in shared]
    preloads = "\n".join(f'<link rel="modulepreload" href="{address}">' for address in addresses)
    return page.replace("<!-- preload -->", preloads).replace("{version}", version)


@lru_cache(maxsize=32)
def _page(template: str, depth: int) -> Asset:
    """Make the page for an address so many folders deep."""
    return _asset("index.html", template.replace("{root}", "../" * depth or "./").encode())


def mount_dashboard(app: FastAPI) -> None:
    """Add the pages and the static files to `app`; they hold no data and need no token."""
    site = load_site()

    async def page(request: Request) -> Response:
        return site.page(request)

    async def static(address: str, request: Request) -> Response:
        version, _, name = address.partition("/")
        asset = site.assets.get(name)
        if asset is None:
            raise HTTPException(404, "No such file of the dashboard; reload the page.")
        fresh = version == site.version
        return asset.response(request, "public, max-age=31536000, immutable" if fresh else "no-cache")

    for address in PAGES:
        app.add_api_route(address, page, methods=["GET", "HEAD"], include_in_schema=False)
    app.add_api_route("/static/{address:path}", static, methods=["GET", "HEAD"], include_in_schema=False)
    app.router.default = _nowhere(site, app.router.default)


def _nowhere(site: Site, otherwise: ASGIApp) -> ASGIApp:
    """Show people the page where an address leads nowhere: it says so. Programs get a problem."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _by_a_person(Request(scope)):
            await otherwise(scope, receive, send)
            return
        response = site.page(Request(scope))
        response.status_code = 404
        await response(scope, receive, send)

    return answer


def _by_a_person(request: Request) -> bool:
    """Return whether a browser asks for something to be shown."""
    data = request.url.path.startswith(("/api/", "/static/"))
    return request.method in ("GET", "HEAD") and not data and "text/html" in request.headers.get("accept", "")
