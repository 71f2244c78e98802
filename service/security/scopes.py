"""What a token may do: one scope each."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from caviar.service.single_sign_on import LADDER

AGENT = "agent"  # the worker protocol and nothing else
LINK = "link"  # to look at one search, and nothing else
SCOPES = (*LADDER, AGENT)  # of tokens that people make
NAME = re.compile(r"[A-Za-z0-9._-]{1,60}")


@dataclass(frozen=True)
class Token:
    """Who a caller is; the text of a token is shown once, when it is made."""

    name: str
    scope: str
    digest: str = ""
    session: str = ""  # digest of the session by which it came
    search: int | None = None  # that a link opens
    expires: float = math.inf  # seconds since 1970
    by_proxy: bool = False  # a user whom a trusted proxy names

    def allows(self, needed: str) -> bool:
        """Return whether this token may do what needs the given scope."""
        if self.scope == "admin" or self.scope == needed:
            return True
        return self.scope in LADDER and needed in LADDER and LADDER.index(self.scope) > LADDER.index(needed)


LOCAL = Token("this machine", "admin")  # where no token is asked for
ANYONE = Token("anyone", "none")  # without a token, where that is enough
