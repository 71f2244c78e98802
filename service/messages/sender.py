"""The loop that tells webhooks what has happened; usecases/webhooks.py says what that is."""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from ipaddress import ip_network

import httpcore
import orjson

from caviar.service.config import Config
from caviar.service.messages.outgoing import ForbiddenTargetError, post
from caviar.service.store import webhooks as rows
from caviar.service.store.database import Database
from caviar.service.store.snapshot import Snapshot
from caviar.service.store.webhooks import StoredNews, StoredWebhook
from caviar.service.usecases.webhooks import TAKEN_SECONDS, Message, body_of, settle, take_in

MOST = 20  # searches whose messages are taken at once
log = logging.getLogger(__name__)


class WebhookSender:
    """Sends what is due; several servers share the work."""

    def __init__(self, store: Database, config: Config) -> None:
        self._store = store
        self._networks = tuple(ip_network(text) for text in config.webhook_networks)
        self._seen = 0  # the highest revision of a search that was looked at

    async def run(self) -> None:
        """Take in what has changed, and send what is due."""
        changed, due = await self._store.read(self._look)
        if changed:
            await self._store.write(lambda tx: take_in(tx, [search for search, _ in changed]))
            self._seen = max(revision for _, revision in changed)
        if not (changed or due):
            return
        for webhook, news in await self._store.write(lambda tx: rows.take_due(tx, TAKEN_SECONDS, MOST)):
            await self._tell(webhook, news)

    def _look(self, snapshot: Snapshot) -> tuple[list[tuple[int, int]], bool]:
        if not rows.all_of_them(snapshot):
            return [], False
        due = rows.next_due(snapshot)
        return rows.changed(snapshot, self._seen), due is not None and due <= self._store.now(snapshot)

    async def _tell(self, webhook: StoredWebhook, news: StoredNews) -> None:
        told: dict[str, str | None] = {}
        for fields in orjson.loads(news.waiting or "[]"):
            message = Message(*fields)
            told[message.id] = await self.send(webhook, message)
            if told[message.id] is not None:
                break  # the next ones come after it
        await self._store.write(lambda tx: settle(tx, webhook.id, news.search_id, told))

    async def send(self, webhook: StoredWebhook, message: Message) -> str | None:
        """Send a message; return why it did not arrive."""
        body = orjson.dumps(body_of(webhook.style, message))
        moment = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Caviar",
            "Caviar-Event": message.event,
            "Caviar-Message": message.id,
            "Caviar-Signature": f"t={moment},sha256={signature(webhook.secret, moment, body)}",
            "Content-Length": str(len(body)),
        }
        try:
            status = await post(webhook.url, body, headers, self._networks)
        except (ForbiddenTargetError, TimeoutError, httpcore.NetworkError, httpcore.ProtocolError) as error:
            log.warning("webhook %s did not take message %s: %r", webhook.id, message.id, error)
            return str(error) or type(error).__name__
        if 200 <= status < 300:
            return None
        redirected = ", which is not followed" if 300 <= status < 400 else ""
        return f"it answered {status}{redirected}"


def signature(secret: str, moment: str, body: bytes) -> str:
    """Return the HMAC-SHA256 of `moment.body`, in hexadecimal digits."""
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
