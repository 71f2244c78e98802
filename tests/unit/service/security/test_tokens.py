"""Tokens: made once, kept hashed, narrow in scope, gone when revoked."""

import stat
from pathlib import Path

import pytest

from caviar.service import config
from caviar.service.security.tokens import SCOPES, Token, TokenBook


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_token_has_256_bits_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    book = TokenBook(tmp_path)
    token, text = book.create("laptop", "submit")
    assert len(text.removeprefix("cav_")) == 43  # 32 bytes in base 64
    stored = (tmp_path / "tokens.json").read_text()
    assert text not in stored and token.digest in stored
    assert stat.S_IMODE((tmp_path / "tokens.json").stat().st_mode) == 0o600
    assert book.check(text) == token
    assert book.check(text[:-1] + ("A" if text[-1] != "A" else "B")) is None
    assert book.check("") is None


def test_scopes_form_a_ladder_beside_which_agents_stand() -> None:
    held = {scope: {n for n in SCOPES if Token("", "", scope, "", "").allows(n)} for scope in SCOPES}
    assert held["read"] == {"read"}
    assert held["submit"] == {"read", "submit"}
    assert held["steer"] == {"read", "submit", "steer"}
    assert held["admin"] == set(SCOPES)
    assert held["agent"] == {"agent"}


def test_another_process_sees_a_new_token_and_a_revoked_one_within_a_second(tmp_path: Path) -> None:
    clock = Clock()
    server, command = TokenBook(tmp_path, clock), TokenBook(tmp_path)
    assert server.check("x") is None
    _, text = command.create("ci", "read")
    clock.now = 1.0
    assert server.check(text) is not None
    assert command.revoke("ci") and not command.revoke("ci")
    clock.now = 2.0
    assert server.check(text) is None


def test_the_first_start_on_a_network_makes_two_tokens_and_the_second_none(tmp_path: Path) -> None:
    settings = config.read({}, data=tmp_path, host="0.0.0.0")
    made = TokenBook(tmp_path).start(settings)
    assert set(made) == {"admin", "agents"}
    again = TokenBook(tmp_path)
    assert again.start(settings) == {}
    admin, agents = again.check(made["admin"]), again.check(made["agents"])
    assert admin is not None and admin.scope == "admin"
    assert agents is not None and agents.scope == "agent"


def test_earlier_tokens_without_an_admin_do_not_stop_the_first_start(tmp_path: Path) -> None:
    book = TokenBook(tmp_path)
    book.create("agents", "agent")
    book.create("admin", "read")
    made = book.start(config.read({}, data=tmp_path, host="0.0.0.0"))
    assert {(token.name, token.scope) for token in book.stored()} >= {
        ("admin-2", "admin"),
        ("agents-2", "agent"),
    }
    assert list(made) == ["admin-2", "agents-2"] and all(book.check(text) for text in made.values())


def test_on_loopback_no_token_is_made(tmp_path: Path) -> None:
    assert TokenBook(tmp_path).start(config.read({}, data=tmp_path)) == {}
    assert not (tmp_path / "tokens.json").exists()


def test_an_operators_token_serves_instead_and_is_not_stored(tmp_path: Path) -> None:
    text = "0123456789abcdef" * 4
    settings = config.read({"CAVIAR_ADMIN_TOKEN": text}, data=tmp_path, host="0.0.0.0")
    book = TokenBook(tmp_path)
    assert book.start(settings) == {}
    found = book.check(text)
    assert found is not None and found.scope == "admin"
    assert not (tmp_path / "tokens.json").exists()
    short = config.read({"CAVIAR_ADMIN_TOKEN": "hunter2"}, data=tmp_path)
    with pytest.raises(config.ConfigError, match="too short"):
        TokenBook(tmp_path).start(short)


@pytest.mark.parametrize(("name", "scope"), [("", "read"), ("taken", "read"), ("new", "root")])
def test_names_are_unique_and_scopes_are_known(tmp_path: Path, name: str, scope: str) -> None:
    book = TokenBook(tmp_path)
    book.create("taken", "read")
    with pytest.raises(ValueError, match=r"name|scope"):
        book.create(name, scope)
    assert [token.name for token in book.stored()] == ["taken"]


def test_a_listing_shows_no_hash_and_a_tokens_of_this_process_is_in_none(tmp_path: Path) -> None:
    book = TokenBook(tmp_path)
    book.create("laptop", "submit")
    text = book.ephemeral("local agents", "agent")
    assert book.check(text) is not None
    assert [(token.name, token.digest) for token in book.stored()] == [("laptop", "")]
    assert TokenBook(tmp_path).check(text) is None
