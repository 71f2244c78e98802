"""Which scope every route needs. What is not in this table needs admin; a test holds it complete."""

from __future__ import annotations

import re
from functools import lru_cache

OPEN = "open"  # no token: liveness, the dashboard's files, which hold no data, and signing out

_ID = r"[^/]+"
_API = r"/api/v1"

# (methods, path, scope), the first that matches decides. A path that slips through needs more, never less.
_TABLE: tuple[tuple[str, str, str], ...] = (
    ("GET", r"/(livez|readyz)", OPEN),
    ("GET", r"/|/favicon\.(ico|svg)|/static/.+", OPEN),
    ("GET", rf"/(searches|trials|datasets)(/{_ID})?|/trials/{_ID}/errors|/(new|compare|agents|docs)", OPEN),
    ("GET", r"/metrics", "read"),
    # The worker protocol
    ("POST", rf"{_API}/exchange", "agent"),
    ("GET", rf"{_API}/agents/{_ID}/wake", "agent"),
    ("POST", rf"{_API}/agents/{_ID}/lease", "agent"),
    ("POST", rf"{_API}/agents/{_ID}/trust", "steer"),
    ("PUT", rf"{_API}/trials/{_ID}/checkpoints", "agent"),
    ("PUT", rf"{_API}/trials/{_ID}/(attributes|artifacts)", "agent"),
    # Tokens and the session of a browser
    ("DELETE", rf"{_API}/session", OPEN),
    ("GET POST", rf"{_API}/session", "read"),
    ("GET POST DELETE", rf"{_API}/tokens(/{_ID})?", "admin"),
    ("GET", rf"{_API}/audit", "admin"),
    ("GET POST DELETE", rf"{_API}/webhooks(/{_ID}(/test)?)?", "admin"),
    # Searches
    ("POST", rf"{_API}/searches", "submit"),
    ("POST", rf"{_API}/searches/(check|parse)", "read"),
    ("POST", rf"{_API}/searches/{_ID}/(points|rerun|verifications|retests)", "submit"),
    ("DELETE", rf"{_API}/searches/{_ID}/retests/schedule", "submit"),
    ("POST", rf"{_API}/searches/{_ID}/(pause|resume|cancel|archive|unarchive)", "steer"),
    ("GET POST DELETE", rf"{_API}/searches/{_ID}/links(/{_ID})?", "steer"),
    ("PATCH", rf"{_API}/searches/{_ID}", "steer"),
    ("DELETE", rf"{_API}/searches/{_ID}", "admin"),
    # Studies of Optuna
    ("POST", rf"{_API}/studies(/{_ID}/(attributes|trials|changes|rest))?", "submit"),
    # Trials
    ("POST", rf"{_API}/trials/{_ID}/predict", "read"),
    ("POST", rf"{_API}/trials/{_ID}/commands", "steer"),
    ("DELETE", rf"{_API}/trials/{_ID}/commands/{_ID}", "steer"),
    ("POST", rf"{_API}/trials/{_ID}/rerun", "submit"),
    ("POST", rf"{_API}/trials/{_ID}/(exclude|include)", "steer"),
    ("PUT", rf"{_API}/trials/{_ID}/errors/{_ID}/{_ID}", "submit"),
    ("POST", rf"{_API}/trials/{_ID}/errors/versions", "submit"),
    # Looks at the test set: who may only read, sees none of their results
    ("GET POST", rf"{_API}/trials/{_ID}/test", "submit"),
    ("GET", rf"{_API}/searches/{_ID}/tests", "submit"),
    # Data sets
    ("POST", rf"{_API}/datasets", "submit"),
    ("DELETE", rf"{_API}/datasets/{_ID}", "admin"),
    # Everything that only reads
    ("GET", rf"{_API}/.*", "read"),
)
_RULES = tuple((frozenset(methods.split()), re.compile(path), scope) for methods, path, scope in _TABLE)

# What agents may read besides: their checkpoints, models and data, and how many of them are wanted.
_AGENT_READS = re.compile(
    rf"{_API}/(checkpoints/{_ID}|searches/{_ID}/init-model|datasets(/{_ID}(/content)?)?|trainers|session|agents(/wanted)?)"
)


@lru_cache(maxsize=4096)
def needed(method: str, path: str) -> tuple[str, ...]:
    """Return the scopes of which a caller must hold one, or (OPEN,)."""
    verb = "GET" if method == "HEAD" else method
    for methods, pattern, scope in _RULES:
        if verb in methods and pattern.fullmatch(path):
            reads = verb == "GET" and _AGENT_READS.fullmatch(path)
            return (scope, "agent") if reads else (scope,)
    return ("admin",)


def listed(method: str, path: str) -> bool:
    """Return whether the table names this route, rather than leaving it to the default."""
    verb = "GET" if method == "HEAD" else method
    return any(verb in methods and pattern.fullmatch(path) for methods, pattern, _ in _RULES)
