"""Tokens and sessions: 256 random bits, kept as a hash, each with one scope.

They are in the database, which all servers share; what the guard asks at every request is a copy in memory.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from cachetools import TTLCache

from caviar.service.config import Config
from caviar.service.errors import ConflictError, DamagedError, UnavailableError
from caviar.service.security import links
from caviar.service.security.scopes import AGENT, LOCAL, NAME, SCOPES, Token
from caviar.service.security.token_file import free_name, take_over
from caviar.service.setting_source import ConfigError
from caviar.service.store import audit, schema
from caviar.service.store import links as link_rows
from caviar.service.store import tokens as rows
from caviar.service.store.clock import SteadyClock
from caviar.service.store.database import Direct
from caviar.service.store.links import StoredLink
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.tokens import StoredSession, StoredToken

logger = logging.getLogger(__name__)
T = TypeVar("T")

PREFIX, SESSION_PREFIX = "cav_", "cas_"
SHORTEST = 32  # characters of a token that an operator brings along
REFRESH_SECONDS = 1.0  # after which a server knows what another one, or the command line, has changed
UNKNOWN_SECONDS = 1.0  # for which what nobody knows is not looked up again
UNKNOWN = 4096
SESSION_SECONDS = 30 * 86400.0


@dataclass(frozen=True)
class Credential:
    """What a caller shows: the digest of a token's text, or of what a browser's cookie holds."""

    digest: str
    is_session: bool

    @classmethod
    def token(cls, text: str) -> Credential:
        """Make the credential of a token."""
        return cls(digest_of(text), False)

    @classmethod
    def session(cls, text: str) -> Credential:
        """Make the credential of a session."""
        return cls(digest_of(text), True)


class Source(Protocol):
    """What the book asks of a database, on the caller's thread."""

    def write_now(self, work: Callable[[Snapshot], T]) -> T:
        """Run a piece of writing in a transaction and return its result once it is committed."""

    def read_now(self, query: Callable[[Snapshot], T]) -> T:
        """Run a query on one consistent snapshot."""


@dataclass(frozen=True)
class _Known:
    """A copy of the database: tokens (links too) and sessions by their digests, as they were at a time."""

    tokens: Mapping[str, Token] = field(default_factory=dict)
    sessions: Mapping[str, StoredSession] = field(default_factory=dict)
    at: float = float("-inf")


class TokenBook:
    """The tokens and sessions of one database, and the tokens that end with the process."""

    def __init__(self, database: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._ephemeral: Mapping[str, Token] = {}
        self._known = _Known()
        self._unknown: TTLCache[Credential, bool] = TTLCache(UNKNOWN, UNKNOWN_SECONDS, clock)
        self._thread = ThreadPoolExecutor(1, "tokens")  # its own: busy readers must not delay a revocation

    def start(self, config: Config) -> dict[str, str]:
        """Take the operator's tokens and those of an old file; make the first where no admin has one.

        Return the texts just made, by name. Raises ConfigError for an operator's token that is too short, or
        a file that cannot be read.
        """
        for name, text, scope in (
            ("CAVIAR_ADMIN_TOKEN", config.admin_token, "admin"),
            ("CAVIAR_AGENT_TOKEN", config.agent_token, AGENT),
        ):
            if text is not None:
                self._take(name, text, scope)
        take_over(config.data, self._database.write_now)
        made: dict[str, str] = {}
        if config.token_required and not any(one.scope == "admin" for one in self._ephemeral.values()):
            made = self._database.write_now(_first_tokens)
        self.refresh()
        return made

    def close(self) -> None:
        """End the thread that reads."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    # What the guard asks

    def known(self, credential: Credential) -> Token | None:
        """Return who a credential makes its bearer, as far as is known without asking the database."""
        # Found by digest: the time taken tells nothing about a text of 256 random bits.
        find = self._session if credential.is_session else self._token
        return find(credential.digest)

    async def find(self, credential: Credential) -> Token | None:
        """Return who a credential makes its bearer; the database is asked about one that is not known."""
        found = self.known(credential)
        if found is None and credential not in self._unknown:
            loop, asked = asyncio.get_running_loop(), self._clock()
            await loop.run_in_executor(self._thread, self._refresh_since, asked)
            found = self.known(credential)
            if found is None:
                self._unknown[credential] = True
        return found

    def holds(self, caller: Token) -> bool:
        """Return whether a caller that was let in before still would be."""
        if caller == LOCAL:
            return True
        if caller.by_proxy:
            return time.time() < caller.expires
        found = self._session(caller.session) if caller.session else self._token(caller.digest)
        return found is not None

    # What changes them, on threads that may wait

    def create(self, name: str, scope: str, who: str | None = None) -> tuple[StoredToken, str]:
        """Make and store a token in the name of a person; its text is returned here and kept nowhere.

        Raises ValueError for an unknown scope or a name that is not allowed or taken.
        """
        if scope not in SCOPES:
            raise ValueError(f"scope: {scope!r} is unknown. Choose one of {', '.join(SCOPES)}")
        text = new_text()
        token = _stored(name.strip(), scope, text)
        try:
            if not NAME.fullmatch(token.name):
                raise ConflictError("not a name")
            self._database.write_now(lambda tx: _add(tx, token, who))
        except ConflictError:
            raise ValueError(f"name: {name!r} is taken, or not of letters, digits and . _ - alone") from None
        self.refresh()
        return token, text

    def ephemeral(self, name: str, scope: str) -> str:
        """Make a token that ends with this process, for the agents it starts itself."""
        text = new_text()
        self._hold(name, text, scope)
        return text

    def revoke(self, name: str, who: str | None = None) -> bool:
        """Revoke the stored token of this name and end its sessions; other servers notice within 2 s."""

        def work(tx: Snapshot) -> bool:
            now = time.time()
            revoked = rows.revoke(tx, name, now)
            if revoked:
                audit.add(tx, now, who, "revoke token", subject=name)
            return revoked

        revoked = self._database.write_now(work)
        self.refresh()
        return revoked

    def stored(self) -> tuple[StoredToken, ...]:
        """Return the stored tokens, without their digests."""
        return tuple(replace(token, digest="") for token in self._database.read_now(rows.live))

    def open_session(self, caller: Token) -> str:
        """Open a session for the holder of a token and return what its cookie holds."""
        text, now = SESSION_PREFIX + secrets.token_urlsafe(32), time.time()
        session = StoredSession(digest_of(text), caller.digest, caller.name, now, now + SESSION_SECONDS)
        self._database.write_now(lambda tx: rows.open_session(tx, session))
        self.refresh()
        return text

    def end_session(self, text: str) -> None:
        """End a session; servers notice as they do a revoked token."""
        self._database.write_now(lambda tx: rows.end_session(tx, digest_of(text)))
        self.refresh()

    def refresh(self) -> None:
        """Read what is stored anew; while the database is away, what was known last holds on."""
        began = self._clock()

        def everything(
            tx: Snapshot,
        ) -> tuple[tuple[StoredToken, ...], tuple[StoredSession, ...], list[StoredLink]]:
            now = time.time()
            return rows.live(tx), rows.live_sessions(tx, now), link_rows.live(tx, now)

        try:
            tokens, sessions, shared = self._database.read_now(everything)
        except DamagedError:
            return  # logged once, where it was seen
        except UnavailableError as error:
            logger.warning("tokens are those of %.0f s ago: %s", began - self._known.at, error)
            return
        if began >= self._known.at:
            known = {one.digest: Token(one.name, one.scope, one.digest) for one in tokens}
            known |= {one.digest: links.token_of(one) for one in shared}
            self._known = _Known(known, {one.digest: one for one in sessions}, began)

    async def refreshed(self) -> None:
        """Refresh in the book's own thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self.refresh)

    # Inside

    def _refresh_since(self, asked: float) -> None:
        if self._known.at < asked:  # one reading answers all who have asked before it began
            self.refresh()

    def _token(self, digest: str) -> Token | None:
        found = self._ephemeral.get(digest) or self._known.tokens.get(digest)
        return None if found is None or found.expires <= time.time() else found

    def _session(self, digest: str) -> Token | None:
        session = self._known.sessions.get(digest)
        if session is None or session.expires <= time.time():
            return None
        token = self._token(session.token)
        return None if token is None else replace(token, session=digest)

    def _take(self, name: str, text: str, scope: str) -> None:
        if not (text.isascii() and text.isprintable()):
            remedy = "Give letters, digits and signs of ASCII; `caviar token new` prints some"
            raise ConfigError(name, "the token has characters that no client can send", remedy)
        if len(text) < SHORTEST:
            remedy = f"Give at least {SHORTEST} random characters; `caviar token new` prints some"
            raise ConfigError(name, "the token is too short to be safe", remedy)
        self._hold(name, text, scope)

    def _hold(self, name: str, text: str, scope: str) -> None:
        digest = digest_of(text)
        self._ephemeral = {**self._ephemeral, digest: Token(name, scope, digest)}


def new_text() -> str:
    """Draw the text of a token: 256 bits from the system's generator."""
    return PREFIX + secrets.token_urlsafe(32)


def _first_tokens(tx: Snapshot) -> dict[str, str]:
    """Make an admin's and an agent's token where no admin has one; both or none."""
    found = rows.live(tx)
    if any(token.scope == "admin" for token in found):
        return {}
    made = {}
    for wish, scope in (("admin", "admin"), ("agents", AGENT)):
        name, text = free_name(wish, {token.name for token in found}), new_text()
        _add(tx, _stored(name, scope, text), None)
        made[name] = text
    return made


def _add(tx: Snapshot, token: StoredToken, who: str | None) -> None:
    rows.add(tx, token)
    scope = json.dumps({"scope": token.scope})
    audit.add(tx, token.created, who, "create token", subject=token.name, after=scope)


def _stored(name: str, scope: str, text: str) -> StoredToken:
    return StoredToken(secrets.token_hex(4), name, scope, digest_of(text), time.time())


def digest_of(text: str) -> str:
    """Return what is kept of the text of a token, a session or a link."""
    # No salt and no slow hash: 256 random bits cannot be guessed from a hash, unlike a password.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@contextmanager
def opened(config: Config) -> Iterator[TokenBook]:
    """Open the tokens of a database beside a server that may run; an empty database is built.

    Raises StartError, ConfigError and UnavailableError, as a server's start does.
    """
    database = Direct(config.database_url, SteadyClock())
    try:
        schema.prepare(database.dialect, config.database_shown)
        take_over(config.data, database.write_now)
        book = TokenBook(database)
        yield book
        book.close()
    finally:
        database.close()
