"""The dashboard's files: kept for ever under their hash, guarded by headers, nothing else reachable."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from caviar.service.dashboard.site import PAGES, SECURITY_HEADERS, STATIC, load_site, mount_dashboard

Get = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def get() -> Get:
    app = FastAPI(docs_url=None)
    mount_dashboard(app)

    async def ask(path: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://dashboard") as client:
            return await client.get(path, headers=headers)

    return lambda path, **headers: asyncio.run(ask(path, headers))


def test_the_server_knows_the_addresses_of_the_pages() -> None:
    routes = (STATIC / "routes.js").read_text()
    assert len(PAGES) == routes.count("import(") >= 10
    assert {"/", "/searches/{search}", "/trials/{trial}"} <= set(PAGES)


@pytest.mark.parametrize("address", PAGES)
def test_every_page_is_the_same_small_document_asked_for_anew(get: Get, address: str) -> None:
    answer = get(re.sub(r"\{\w+\}", "3", address))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"
    assert "{version}" not in answer.text


def test_all_that_the_page_names_is_there_and_may_be_kept(get: Get) -> None:
    links = re.findall(r'(?:href|src)="\./(static/[^"]+)"', get("/").text)
    assert len(links) > 20
    for link in links:
        answer = get(f"/{link}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


def test_an_old_version_gets_what_is_there_but_does_not_keep_it(get: Get) -> None:
    answer = get("/static/000000000000/app.js")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["x/../../site.py", "x/..%2f..%2fsite.py", "x/index.html", "x/", "app.js"])
def test_nothing_but_the_files_is_served(get: Get, path: str) -> None:
    assert get(f"/static/{path}").status_code == 404


def test_an_address_that_leads_nowhere_shows_people_the_page_and_programs_a_problem(get: Get) -> None:
    shown = get("/nowhere", accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert shown.status_code == 404
    assert shown.content == get("/").content
    for path, accept in (("/nowhere", "*/*"), ("/api/v1/nowhere", "text/html"), ("/static/x", "text/html")):
        answer = get(path, accept=accept)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/json"


def test_only_scripts_and_styles_of_this_server_may_run() -> None:
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self';" in policy
    assert "http:" not in policy and "https:" not in policy


def test_the_version_follows_the_content(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!-- preload --> {version}")
    (tmp_path / "app.js").write_text("1")
    first = load_site(tmp_path)
    (tmp_path / "app.js").write_text("2")
    assert load_site(tmp_path).version != first.version
    assert first.version in first.template
