"""A server that knows the path under which a proxy serves it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from caviar.service import config
from tests.support.inprocess import App, running

SEARCH = {
    "trainer": "external",
    "space": {"x": {"low": 0, "high": 1}},
    "objective": {"metric": "y", "direction": "minimize"},
    "budget": {"trials": 1},
}
PREFIX = "/caviar"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with running(tmp_path_factory.mktemp("data"), path_prefix=PREFIX, token_required=True) as app:
        yield app


@pytest.fixture(scope="module")
def token(app: App) -> dict[str, str]:
    _, text = app.app.state.tokens.create("test", "admin")
    return {"authorization": f"Bearer {text}"}


@pytest.mark.parametrize("front", [PREFIX, ""], ids=["left on", "taken off"])
def test_a_proxy_may_leave_the_path_on_or_take_it_off(app: App, token: dict[str, str], front: str) -> None:
    assert app.request("GET", f"{front}/api/v1/searches").status_code == 401
    made = app.request("POST", f"{front}/api/v1/searches", json=SEARCH, headers=token)
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"{PREFIX}/api/v1/searches/{made.json()['id']}"
    assert app.request("GET", made.headers["location"], headers=token).json()["id"] == made.json()["id"]
    assert app.request("GET", f"{front}/livez").status_code == 200


def test_the_session_is_sent_below_the_path_alone(app: App, token: dict[str, str]) -> None:
    signed_in = app.request("POST", f"{PREFIX}/api/v1/session", headers=token)
    assert f"Path={PREFIX};" in signed_in.headers["set-cookie"]
    cookie = signed_in.headers["set-cookie"].split(";")[0]
    out = app.request("DELETE", f"{PREFIX}/api/v1/session", headers={"cookie": cookie})
    assert any(f"Path={PREFIX};" in one and "Max-Age=0" in one for one in out.headers.get_list("set-cookie"))


def test_the_document_names_the_path(app: App, token: dict[str, str]) -> None:
    found = app.request("GET", f"{PREFIX}/api/v1/openapi.json", headers=token).json()
    assert found["servers"] == [{"url": PREFIX}]


@pytest.mark.parametrize(("path", "root"), [("/", "./"), ("/searches/3", "../"), ("/no/such/page", "../../")])
@pytest.mark.parametrize("front", [PREFIX, ""])
def test_a_page_finds_its_files_from_where_it_is(
    app: App, token: dict[str, str], front: str, path: str, root: str
) -> None:
    page = app.request("GET", front + path, headers={"accept": "text/html", **token}).text
    assert f'src="{root}static/' in page
    assert '"/static' not in page


def test_a_slash_too_many_leads_back_from_wherever_it_is(app: App, token: dict[str, str]) -> None:
    found = app.request("GET", f"{PREFIX}/api/v1/searches/?limit=1", headers=token)
    assert (found.status_code, found.headers["location"]) == (307, "../searches?limit=1")


@pytest.mark.parametrize("text", ["caviar", "/a b", "//a", "/a/../b?", "/a\n"])
def test_a_prefix_that_is_no_path_is_refused(tmp_path, text: str) -> None:
    with pytest.raises(config.ConfigError, match="--path-prefix"):
        config.read({}, data=tmp_path, path_prefix=text)


@pytest.mark.parametrize("text", ["proxy.example", "10.0.0.300", "10.0.0.1/40", "*"])
def test_a_proxy_is_trusted_by_address(tmp_path, text: str) -> None:
    with pytest.raises(config.ConfigError, match="CAVIAR_TRUSTED_PROXIES"):
        config.read({"CAVIAR_TRUSTED_PROXIES": text}, data=tmp_path)
