"""Pages that stay open for long: what they ask of the server does not grow, and their links stay true."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.support.page_server import PATIENCE, SEARCH, Server

MODULE = "document.querySelector('script[type=module]').src.replace('app.js', '%s')"


def asked(page: Page, part: str) -> list[str]:
    """Collect the addresses with a part that the page asks for from now on."""
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url) if part in request.url else None)
    return found


def test_the_agents_are_asked_for_once_each_time_however_often_the_server_came_back(page: Page) -> None:
    page.goto("/agents")
    expect(page.get_by_role("region", name="Agents")).to_be_visible()
    up = f"import({MODULE % 'core/api.js'}).then((api) => api.connection.dispatchEvent(new Event('up')))"
    with page.expect_response("**/api/v1/agents*"):
        for _ in range(5):
            page.evaluate(up)
    found = asked(page, "/api/v1/agents")
    page.wait_for_timeout(5000)
    assert 1 <= len(found) <= 3, found


def test_what_was_ordered_before_does_not_flood_the_server_when_a_trial_is_opened(
    page: Page, server: Server
) -> None:
    long = {"epochs": 1_000_000, "hidden_layers": 1, "hidden_units": 16}
    made = server.call("/searches", SEARCH | {"mode": "panda", "settings": long, "budget": {"trials": 1}})
    trial = f"{made['id']}.0"
    page.goto(f"/trials/{trial}")
    expect(page.get_by_label("Steering")).to_be_visible(timeout=PATIENCE)
    notes = [{"kind": "note", "arguments": {"text": f"seen {number}"}} for number in range(30)]
    server.call(f"/trials/{trial}/commands", {"commands": notes})
    records, streams = asked(page, "/attempts"), asked(page, "/events")
    page.reload()
    expect(page.get_by_role("region", name="Commands")).to_contain_text("seen 29")
    page.wait_for_timeout(3000)
    assert 1 <= len(records) <= 8, len(records)
    assert streams and all("since=0-0-" in address for address in streams)


def test_a_cell_whose_text_stays_follows_its_link(page: Page, search: Any) -> None:
    page.goto("/")
    shown = f"""async () => {{
      const [{{ Table }}, {{ h }}] = await Promise.all(
        [import({MODULE % "components/table.js"}), import({MODULE % "core/dom.js"})]);
      const cell = (item) => h("a", {{ href: item.href }}, "0.1");
      const table = new Table({{ columns: [{{ key: "best", title: "", cell }}], key: () => "1", label: "" }});
      table.set([{{ href: "/trials/1.0" }}]);
      table.set([{{ href: "/trials/1.5" }}]);
      return table.body.querySelector("a").getAttribute("href");
    }}"""
    assert page.evaluate(shown) == "/trials/1.5"
