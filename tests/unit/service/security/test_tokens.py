"""Tokens: made once, kept hashed, narrow in scope, shared by all servers of a database, gone when revoked."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import URL

from caviar.service import config
from caviar.service.errors import TooManyError
from caviar.service.security.scopes import SCOPES, Token
from caviar.service.security.tokens import Credential, TokenBook
from caviar.service.store import tokens as rows
from caviar.service.store.clock import SteadyClock
from caviar.service.store.database import Direct


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


Make = Callable[..., TokenBook]


@pytest.fixture
def make(built_url: URL) -> Iterator[Make]:
    """Make books of one database, as several servers have them."""
    opened: list[tuple[TokenBook, Direct]] = []

    def build(clock: Clock | None = None) -> TokenBook:
        source = Direct(built_url, SteadyClock())
        book = TokenBook(source, clock) if clock else TokenBook(source)
        opened.append((book, source))
        return book

    yield build
    for book, source in opened:
        book.close()
        source.close()


def found(book: TokenBook, token: str) -> Token | None:
    return asyncio.run(book.find(Credential.token(token)))


def signed_in(book: TokenBook, session: str) -> Token | None:
    return asyncio.run(book.find(Credential.session(session)))


def on_a_network(folder: Path, **environment: str) -> config.Config:
    return config.read(environment, data=folder, host="0.0.0.0")


def test_a_token_has_256_bits_and_only_its_hash_is_kept(make: Make, built_url: URL) -> None:
    book = make()
    token, secret = book.create("laptop", "submit")
    assert len(secret.removeprefix("cav_")) == 43  # 32 bytes in base 64
    source = Direct(built_url, SteadyClock())
    stored = str(source.read_now(lambda tx: tx.execute(text("SELECT * FROM tokens")).all()))
    source.close()
    assert secret not in stored and hashlib.sha256(secret.encode()).hexdigest() in stored
    caller = found(book, secret)
    assert caller is not None and (caller.name, caller.scope) == ("laptop", "submit")
    assert token.digest == caller.digest
    assert found(book, secret[:-1] + ("A" if secret[-1] != "A" else "B")) is None
    assert found(book, "") is None


def test_scopes_form_a_ladder_beside_which_agents_stand() -> None:
    held = {scope: {n for n in SCOPES if Token("", scope).allows(n)} for scope in SCOPES}
    assert held["read"] == {"read"}
    assert held["submit"] == {"read", "submit"}
    assert held["steer"] == {"read", "submit", "steer"}
    assert held["admin"] == set(SCOPES)
    assert held["agent"] == {"agent"}


def test_another_server_knows_a_new_token_at_once_and_a_revoked_one_when_it_reads_next(make: Make) -> None:
    server, other = make(), make()
    _, secret = other.create("ci", "read")
    caller = found(server, secret)
    assert caller is not None and server.holds(caller)
    assert other.revoke("ci") and not other.revoke("ci")
    asyncio.run(server.refreshed())  # a running server does so every second
    assert found(server, secret) is None and not server.holds(caller)


def test_a_request_with_a_known_token_asks_nothing_of_the_database(make: Make, built_url: URL) -> None:
    source = Direct(built_url, SteadyClock())
    clock = Clock()
    book = TokenBook(source, clock)
    _, secret = book.create("ci", "read")
    queries: list[str] = []
    for engine in (source.dialect.readers, source.dialect.writer):
        event.listen(engine, "before_cursor_execute", lambda *told: queries.append(told[2]))
    for _ in range(100):
        assert found(book, secret) is not None
    assert queries == []
    clock.now += 0.1
    assert found(book, "cav_unknown") is None
    asked = len(queries)
    assert asked > 0
    for _ in range(100):
        assert found(book, "cav_unknown") is None  # for a second it is not looked up again
    assert len(queries) == asked
    clock.now += 1.5
    assert found(book, "cav_unknown") is None and len(queries) > asked
    book.close()
    source.close()


def test_the_first_start_on_a_network_makes_two_tokens_and_the_second_none(
    make: Make, tmp_path: Path
) -> None:
    settings = on_a_network(tmp_path)
    made = make().start(settings)
    assert set(made) == {"admin", "agents"}
    again = make()
    assert again.start(settings) == {}
    admin, agents = found(again, made["admin"]), found(again, made["agents"])
    assert admin is not None and admin.scope == "admin"
    assert agents is not None and agents.scope == "agent"


def test_earlier_tokens_without_an_admin_do_not_stop_the_first_start(make: Make, tmp_path: Path) -> None:
    book = make()
    book.create("agents", "agent")
    book.create("admin", "read")
    made = book.start(on_a_network(tmp_path))
    assert {(token.name, token.scope) for token in book.stored()} >= {
        ("admin-2", "admin"),
        ("agents-2", "agent"),
    }
    assert list(made) == ["admin-2", "agents-2"] and all(found(book, secret) for secret in made.values())


def test_on_loopback_no_token_is_made(make: Make, tmp_path: Path) -> None:
    book = make()
    assert book.start(config.read({}, data=tmp_path)) == {}
    assert book.stored() == ()


def test_an_operators_token_serves_instead_and_is_not_stored(make: Make, tmp_path: Path) -> None:
    secret = "0123456789abcdef" * 4
    book = make()
    assert book.start(on_a_network(tmp_path, CAVIAR_ADMIN_TOKEN=secret)) == {}
    caller = found(book, secret)
    assert caller is not None and caller.scope == "admin"
    assert book.stored() == ()
    short = config.read({"CAVIAR_ADMIN_TOKEN": "hunter2"}, data=tmp_path)
    with pytest.raises(config.ConfigError, match="too short"):
        make().start(short)


@pytest.mark.parametrize(
    ("name", "scope"), [("", "read"), ("taken", "read"), ("new", "root"), ("a b", "read")]
)
def test_names_are_unique_and_scopes_are_known(make: Make, name: str, scope: str) -> None:
    book = make()
    book.create("taken", "read")
    with pytest.raises(ValueError, match=r"name|scope"):
        book.create(name, scope)
    assert [token.name for token in book.stored()] == ["taken"]


def test_a_name_is_free_again_once_its_token_is_revoked(make: Make) -> None:
    book = make()
    _, old = book.create("ci", "read")
    book.revoke("ci")
    _, new = book.create("ci", "read")
    assert found(book, old) is None and found(book, new) is not None


def test_a_listing_shows_no_hash_and_a_token_of_this_process_is_in_none(make: Make) -> None:
    book = make()
    book.create("laptop", "submit")
    secret = book.ephemeral("local agents", "agent")
    assert found(book, secret) is not None
    assert [(token.name, token.digest) for token in book.stored()] == [("laptop", "")]
    assert found(make(), secret) is None


# Sessions ------------------------------------------------------------------------------------------


def test_a_session_ends_when_it_is_closed_and_when_its_token_is_revoked(make: Make) -> None:
    book, other = make(), make()
    _, secret = book.create("me", "steer")
    caller = found(book, secret)
    assert caller is not None
    first, second = book.open_session(caller), book.open_session(caller)
    assert secret not in first and found(book, first) is None, "a session is no token"
    seen = signed_in(other, first)
    assert seen is not None and (seen.name, seen.scope) == ("me", "steer")
    book.end_session(first)
    assert signed_in(book, first) is None and signed_in(book, second) is not None
    asyncio.run(other.refreshed())
    assert signed_in(other, first) is None and not other.holds(seen)
    book.revoke("me")
    assert signed_in(book, second) is None


def test_a_session_expires(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    book = make()
    _, secret = book.create("me", "read")
    caller = found(book, secret)
    assert caller is not None
    session = book.open_session(caller)
    now = time.time()
    monkeypatch.setattr("caviar.service.security.tokens.time.time", lambda: now + 31 * 86400)
    assert signed_in(book, session) is None


def test_a_token_opens_so_many_sessions_in_a_minute(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    book = make()
    _, secret = book.create("me", "read")
    caller = found(book, secret)
    assert caller is not None
    for _ in range(rows.LOGINS):
        book.open_session(caller)
    with pytest.raises(TooManyError, match="within a minute"):
        book.open_session(caller)
    now = time.time()
    monkeypatch.setattr("caviar.service.security.tokens.time.time", lambda: now + 61)
    assert signed_in(book, book.open_session(caller)) is not None


def test_a_token_holds_so_many_sessions_and_the_oldest_gives_way(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "LOGINS", 1000)
    book = make()
    _, secret = book.create("me", "read")
    caller = found(book, secret)
    assert caller is not None
    opened = [book.open_session(caller) for _ in range(rows.SESSIONS + 2)]
    assert [signed_in(book, one) is not None for one in opened[:3]] == [False, False, True]
    assert signed_in(book, opened[-1]) is not None


# tokens.json -------------------------------------------------------------------------------------------


def old_file(folder: Path, *names: str) -> dict[str, str]:
    """Write the file as caviar 0.1 did; gives the texts by name."""
    texts = {name: f"cav_{name:x<43}" for name in names}
    tokens = [
        {
            "id": f"{number:08x}",
            "name": name,
            "scope": "admin" if number == 0 else "agent",
            "digest": hashlib.sha256(secret.encode()).hexdigest(),
            "created": "2025-11-03T10:11:12+00:00",
        }
        for number, (name, secret) in enumerate(texts.items())
    ]
    (folder / "tokens.json").write_text(json.dumps({"version": 1, "tokens": tokens}, indent=1))
    return texts


def test_the_tokens_of_a_file_are_taken_over_once(make: Make, tmp_path: Path) -> None:
    texts = old_file(tmp_path, "admin", "agents")
    book = make()
    assert book.start(on_a_network(tmp_path)) == {}, "there is an admin: no first tokens"
    assert all(found(book, secret) for secret in texts.values())
    assert [token.name for token in book.stored()] == ["admin", "agents"]
    assert not (tmp_path / "tokens.json").exists() and (tmp_path / "tokens.json.imported").exists()


def test_a_crash_before_the_file_is_renamed_brings_nothing_back(make: Make, tmp_path: Path) -> None:
    texts = old_file(tmp_path, "admin", "agents")
    book = make()
    book.start(on_a_network(tmp_path))
    (tmp_path / "tokens.json.imported").rename(tmp_path / "tokens.json")
    book.revoke("agents")
    again = make()
    assert again.start(on_a_network(tmp_path)) == {}
    assert [token.name for token in again.stored()] == ["admin"]
    assert found(again, texts["agents"]) is None


def test_files_of_two_folders_keep_all_their_tokens(make: Make, tmp_path: Path) -> None:
    made: list[str] = []
    for folder, names in (("a", ("admin", "x")), ("b", ("admin",))):
        (tmp_path / folder).mkdir()
        texts = old_file(tmp_path / folder, *names)
        if folder == "b":  # another token of the same name
            path = tmp_path / folder / "tokens.json"
            path.write_text(
                path.read_text()
                .replace("00000000", "0000000f")
                .replace(
                    hashlib.sha256(texts["admin"].encode()).hexdigest(), hashlib.sha256(b"other").hexdigest()
                )
            )
            texts = {"admin": "other"}
        make().start(on_a_network(tmp_path / folder))
        made += texts.values()
    book = make()
    assert [token.name for token in book.stored()] == ["admin", "admin-2", "x"]
    assert all(found(book, secret) for secret in made)


def test_servers_that_start_at_once_take_a_file_over_once(make: Make, tmp_path: Path) -> None:
    old_file(tmp_path, "admin", "agents")
    failures: list[BaseException] = []
    books = [make() for _ in range(4)]

    def start(book: TokenBook) -> None:
        try:
            assert book.start(on_a_network(tmp_path)) == {}
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=start, args=(book,)) for book in books]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [token.name for token in books[0].stored()] == ["admin", "agents"]


def torn(content: str) -> list[Any]:
    row = json.loads(content)["tokens"][0]
    bad = [{**row, "digest": "x"}, {**row, "scope": "root"}, {**row, "created": 5}, {"name": "a"}, 7]
    return [content[:-40], "", "[]", "\x00" * 50, *(json.dumps({"tokens": [one]}) for one in bad)]


def test_a_torn_file_is_refused_with_a_remedy_and_kept(make: Make, tmp_path: Path) -> None:
    old_file(tmp_path, "admin", "agents")
    path = tmp_path / "tokens.json"
    for content in torn(path.read_text()):
        path.write_text(content)
        book = make()
        with pytest.raises(config.ConfigError, match=r"tokens\.json.*caviar token new"):
            book.start(on_a_network(tmp_path))
        assert path.read_text() == content and book.stored() == ()
