"""Tokens: 256 random bits, kept as a hash, compared in constant time, each with one scope."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

from caviar.service.config import Config, ConfigError

PREFIX = "cav_"
LADDER = ("read", "submit", "steer", "admin")  # each holds the ones before it
AGENT = "agent"  # the worker protocol and nothing else
SCOPES = (*LADDER, AGENT)
NAME = re.compile(r"[A-Za-z0-9._-]{1,60}")
SHORTEST = 32  # characters of a token that an operator brings along
RELOAD_SECONDS = 1.0


@dataclass(frozen=True)
class Token:
    """What is known of a token; its text is shown once, when it is made."""

    id: str
    name: str
    scope: str
    digest: str
    created: str

    def allows(self, needed: str) -> bool:
        """Tell whether this token may do what needs the given scope."""
        if self.scope == "admin" or self.scope == needed:
            return True
        return self.scope in LADDER and needed in LADDER and LADDER.index(self.scope) > LADDER.index(needed)


LOCAL = Token("local", "this machine", "admin", "", "")


class TokenBook:
    """The tokens of one server: hashes in a file of its data folder, and those that end with the process."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = folder / "tokens.json"
        self._clock = clock
        self._ephemeral: tuple[Token, ...] = ()
        self._stored: tuple[Token, ...] = ()
        self._stamp: tuple[int, int, int] | None = None
        self._looked = float("-inf")

    def start(self, config: Config) -> dict[str, str]:
        """Take the operator's tokens; when tokens are required and there is none, make the first ones.

        Returns the texts just made, by name. Raises ConfigError for an operator's token that is too short.
        """
        for name, text, scope in (
            ("CAVIAR_ADMIN_TOKEN", config.admin_token, "admin"),
            ("CAVIAR_AGENT_TOKEN", config.agent_token, AGENT),
        ):
            if text is not None:
                self._take(name, text, scope)
        if not config.token_required or any(token.scope == "admin" for token in self._all()):
            return {}
        made = {}
        with self._change() as tokens:  # both or none: what has no admin yet may hold tokens of any name
            for wish, scope in (("admin", "admin"), ("agents", AGENT)):
                name, text = _free(wish, tokens), new_text()
                tokens.append(_token(name, scope, text))
                made[name] = text
        return made

    def check(self, text: str) -> Token | None:
        """Find the token with this text; the time taken does not depend on which one it is."""
        digest = _digest(text)
        found = None
        for token in self._all():
            if hmac.compare_digest(token.digest, digest):
                found = token
        return found

    def holds(self, token: Token) -> bool:
        """Tell whether a token that was checked before was not revoked since."""
        return token == LOCAL or any(one.id == token.id for one in self._all())

    def create(self, name: str, scope: str) -> tuple[Token, str]:
        """Make and store a token; its text is returned here and kept nowhere.

        Raises ValueError for an unknown scope or a name that is empty or taken.
        """
        if scope not in SCOPES:
            raise ValueError(f"scope: {scope!r} is unknown. Choose one of {', '.join(SCOPES)}")
        text = new_text()
        token = _token(name.strip(), scope, text)
        with self._change() as tokens:
            if not NAME.fullmatch(token.name) or any(other.name == token.name for other in tokens):
                raise ValueError(f"name: {name!r} is taken, or not of letters, digits and . _ - alone")
            tokens.append(token)
        return token, text

    def ephemeral(self, name: str, scope: str) -> str:
        """Make a token that ends with this process, for the agents it starts itself."""
        text = new_text()
        self._ephemeral = (*self._ephemeral, _token(name, scope, text))
        return text

    def revoke(self, name: str) -> bool:
        """Remove the stored token of this name; servers notice within a second."""
        with self._change() as tokens:
            kept = [token for token in tokens if token.name != name]
            removed = len(kept) < len(tokens)
            tokens[:] = kept
        return removed

    def stored(self) -> tuple[Token, ...]:
        """Give the stored tokens, without their digests."""
        self._load()
        return tuple(replace(token, digest="") for token in self._stored)

    def _take(self, name: str, text: str, scope: str) -> None:
        if len(text) < SHORTEST:
            remedy = f"Give at least {SHORTEST} random characters; `caviar token new` prints some"
            raise ConfigError(name, "the token is too short to be safe", remedy)
        self._ephemeral = (*self._ephemeral, _token(name, scope, text))

    def _all(self) -> tuple[Token, ...]:
        now = self._clock()
        if now - self._looked >= RELOAD_SECONDS:
            self._looked = now
            self._load()
        return self._ephemeral + self._stored

    def _load(self) -> None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._stored, self._stamp = (), None
            return
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp != self._stamp:
            self._stored = tuple(Token(**row) for row in json.loads(self._path.read_text("utf-8"))["tokens"])
            self._stamp = stamp

    @contextmanager
    def _change(self) -> Iterator[list[Token]]:
        """Read, change and write the file while no other process does."""
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._stamp = None
            self._load()
            tokens = list(self._stored)
            yield tokens
            _write(
                self._path,
                json.dumps({"version": 1, "tokens": [asdict(token) for token in tokens]}, indent=1),
            )
            self._stored, self._stamp = tuple(tokens), None


def new_text() -> str:
    """Draw the text of a token: 256 bits from the system's generator."""
    return PREFIX + secrets.token_urlsafe(32)


def _free(name: str, tokens: Iterable[Token]) -> str:
    """Give a name that no token has: the name itself, or with the first number that is free."""
    taken = {token.name for token in tokens}
    candidates = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(one for one in candidates if one not in taken)


def _token(name: str, scope: str, text: str) -> Token:
    return Token(
        secrets.token_hex(4), name, scope, _digest(text), datetime.now(UTC).isoformat(timespec="seconds")
    )


def _digest(text: str) -> str:
    # No salt and no slow hash: 256 random bits cannot be guessed from a hash, unlike a password.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _write(path: Path, text: str) -> None:
    """Replace a file so that a crash leaves the old one or the new one, readable for its owner alone."""
    fresh = path.with_suffix(".new")
    with os.fdopen(
        os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
