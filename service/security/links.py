"""What the text of a link opens: one search, to be looked at. The text is 256 random bits, kept as a hash.

It stands behind the # of an address, which browsers send to no server: so it is in no log, not of a proxy
either. The page takes it from there and signs in with it; what it gets is a cookie of this search alone.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from caviar.service.security.scopes import LINK, Token
from caviar.service.store.links import StoredLink

PREFIX = "cal_"
COOKIE = "caviar_link_"  # and the number of its search: a browser may have links to several
MOST_COOKIES = 20  # that are looked at where an address belongs to no search

_API = r"/api/v1"
_ANY = re.compile(rf"{_API}/(session|trainers|openapi\.json)")  # what pages need, whatever they show
_SEARCH = re.compile(
    rf"{_API}/searches/(\d+)(/(trials|best|history|columns|curves|importance|timeline|rounds|standings|summary"
    r"|remaining|front|edits|events))?"
)
_TRIAL = re.compile(
    rf"{_API}/trials/(\d+)\.\d+(/(curve|events|attempts|diagnosis|commands|steering|checkpoints"
    r"|attributes|artifacts))?"
)
_OF_SEARCH = re.compile(rf"{_API}/(?:searches|trials)/(\d+)(?:[./].*)?")


def draw() -> str:
    """Draw the text of a link."""
    return PREFIX + secrets.token_urlsafe(32)


def token_of(link: StoredLink) -> Token:
    """Return whom a link makes its bearer."""
    return Token(f"link {link.id}", LINK, link.digest, search=link.search_id, expires=link.expires)


def opens(search: int, method: str, path: str) -> bool:
    """Return whether a link to a search opens a route. A new route is not opened unless it is named here."""
    if method not in ("GET", "HEAD"):
        return method == "POST" and path == f"{_API}/session"
    found = _SEARCH.fullmatch(path) or _TRIAL.fullmatch(path)
    return found[1] == str(search) if found else bool(_ANY.fullmatch(path))


def texts_for(path: str, cookies: Mapping[str, str]) -> list[str]:
    """Return the links that a browser has for an address: that of its search, or all where it has none."""
    found = _OF_SEARCH.fullmatch(path)
    if found:
        text = cookies.get(f"{COOKIE}{found[1]}")
        return [] if text is None else [text]
    return [text for name, text in cookies.items() if name.startswith(COOKIE)][:MOST_COOKIES]
