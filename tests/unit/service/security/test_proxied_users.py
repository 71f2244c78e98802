"""Which addresses may name a user, what they may say, and what a configuration must not trust."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from caviar.service import config
from caviar.service.security.proxied_users import named_by_proxy
from caviar.service.security.refusals import Refusal
from caviar.service.setting_source import ConfigError
from caviar.service.single_sign_on import SingleSignOn, networks_of, scopes_of

ON = SingleSignOn(networks_of("10.1.0.0/16, fd00::/8"), scopes=scopes_of("ml=submit, ops=admin, */x=read"))


def named(peer: str, user: str | None, groups: str | None = "ml", on: SingleSignOn = ON) -> Any:
    found = {b"x-forwarded-user": user, b"x-forwarded-groups": groups}
    return named_by_proxy(on, {"state": {}, "client": (peer, 1)}, found.get)


@pytest.mark.parametrize("peer", ["10.1.2.3", "fd00::1", "::ffff:10.1.2.3"])
def test_a_trusted_address_names_its_user(peer: str) -> None:
    token = named(peer, "Ren\xc3\xa9", " staff , ml")
    assert (token.name, token.scope, token.by_proxy) == ("René", "submit", True)
    assert named(peer, "x", "ops,ml").scope == "admin"
    assert named(peer, "x").digest != named(peer, "y").digest, "each has places of its own"


@pytest.mark.parametrize("peer", ["10.2.0.1", "127.0.0.1", "::1", "", "proxy", "::ffff:10.2.0.1"])
def test_of_all_other_addresses_the_header_says_nothing(peer: str) -> None:
    assert named(peer, "alice") is None


def test_without_networks_nobody_is_named() -> None:
    assert named("10.1.2.3", "alice", on=SingleSignOn()) is None


@pytest.mark.parametrize("user", [None, ""])  # "": it came twice
def test_no_header_or_two_name_nobody(user: str | None) -> None:
    assert named("10.1.2.3", user) is None


@pytest.mark.parametrize("user", [" ", "a\tb", "x" * 201, "\xff", "a\x7f"])
def test_what_is_no_name_is_refused(user: str) -> None:
    with pytest.raises(Refusal) as refused:
        named("10.1.2.3", user)
    assert refused.value.status == 400


def test_a_user_without_a_scope_is_refused() -> None:
    for groups in (None, "", "other"):
        with pytest.raises(Refusal) as refused:
            named("10.1.2.3", "eve", groups)
        assert refused.value.status == 403 and "CAVIAR_GROUP_SCOPES" in refused.value.remedy


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"CAVIAR_SIGN_ON_PROXIES": "0.0.0.0/0"}, "CAVIAR_SIGN_ON_PROXIES.*anybody"),
        ({"CAVIAR_SIGN_ON_PROXIES": "::/0"}, "anybody"),
        ({"CAVIAR_SIGN_ON_PROXIES": "proxy.example"}, "proxy.example"),
        ({"CAVIAR_SIGN_ON_PROXIES": "10.0.0.1/8"}, "host bits"),
        ({"CAVIAR_SIGN_ON_PROXIES": "10.0.0.1", "CAVIAR_TOKEN_REQUIRED": "no"}, "CAVIAR_TOKEN_REQUIRED"),
        ({"CAVIAR_USER_HEADER": "X User"}, "CAVIAR_USER_HEADER"),
        ({"CAVIAR_GROUP_SCOPES": "ml=agent"}, "CAVIAR_GROUP_SCOPES.*read, submit"),
        ({"CAVIAR_GROUP_SCOPES": "ml"}, "GROUP=SCOPE"),
    ],
)
def test_a_configuration_that_trusts_too_much_is_refused(
    tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        config.read(environment, data=tmp_path)


def test_with_a_trusted_proxy_everybody_else_needs_a_token(tmp_path: Path) -> None:
    read = config.read({"CAVIAR_SIGN_ON_PROXIES": "127.0.0.1"}, data=tmp_path)
    assert read.token_required and read.sign_on.trusts("127.0.0.1")
    assert read.sign_on.scope_of(["any"]) == "read"
    assert not config.read({}, data=tmp_path).token_required
