"""What webhooks are told: that a search ended, paused itself, failed its first trial, found a best, drifted.

What has been told of a search, and what is still to be, is stored beside it. So nothing is lost when a server
dies, and nothing is told twice by two servers; a receiver that answers late may hear a message again, and
knows it by its id. A new best that waits gives way to a better one.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson

from caviar.metric_text import metric_text
from caviar.service.errors import ConflictError, NotFoundError
from caviar.service.store import audit
from caviar.service.store import webhooks as rows
from caviar.service.store.datasets import target_of_search
from caviar.service.store.rows import StoredSearch
from caviar.service.store.transaction import Transaction
from caviar.service.store.webhooks import StoredNews, StoredWebhook

MOST = 50  # webhooks
TRIES, SHORTEST, LONGEST = 12, 5.0, 3600.0  # tries of a message, seconds between two of them
TAKEN_SECONDS = 60.0  # a server that took messages may be gone after so long


class Message(NamedTuple):
    """One event of a search, in words for a person and in fields for a program."""

    id: str
    event: str
    search: int
    name: str
    project: str | None
    subject: str
    text: str
    value: float | None
    trial: str | None
    at: float


def create(
    tx: Transaction, url: str, style: str, events: Sequence[str], project: str | None, secret: str
) -> StoredWebhook:
    """Store a webhook. Raises ConflictError when there are MOST of them."""
    if len(rows.all_of_them(tx)) >= MOST:
        raise ConflictError(f"there are {MOST} webhooks; remove one that is not needed")
    made = StoredWebhook(
        id=secrets.token_hex(4),
        url=url,
        style=style,
        events=orjson.dumps(list(events)).decode(),
        project=project,
        secret=secret,
        who=tx.who,
        created=tx.now,
        sent=None,
        problem=None,
    )
    rows.add(tx, made)
    told = {"host": urlsplit(url).hostname, "events": list(events)}  # the path may be a secret
    audit.record(tx, "create webhook", None, made.id, after=told)
    return made


def remove(tx: Transaction, webhook: str) -> None:
    """Remove a webhook. Raises NotFoundError."""
    if not rows.remove(tx, webhook):
        raise NotFoundError(f"there is no webhook {webhook!r}")
    audit.record(tx, "remove webhook", None, webhook)


def take_in(tx: Transaction, changed: Sequence[int]) -> None:
    """Note what webhooks are to be told of searches that have changed."""
    hooks = rows.all_of_them(tx)
    told = rows.news_of(tx, [hook.id for hook in hooks], changed)
    for row in rows.searches_by_id(tx, changed):
        for hook in hooks:
            if row.retest_of is not None or hook.project not in (None, row.project):
                continue
            before = told.get((hook.id, row.id))
            known = before if before is not None else _beginning(hook, row)
            after = _after(tx, hook, row, known)
            if after != before:
                rows.put(tx, after, before is not None)


def _beginning(hook: StoredWebhook, row: StoredSearch) -> StoredNews:
    """Return what counts as told when a webhook meets a search: all that was before the webhook."""
    if row.created >= hook.created:
        return StoredNews(hook.id, row.id, False, None, False, None, None, None, 0, 0.0)
    ended = row.ended is not None and row.ended < hook.created
    failed, best = row.failed > 0, row.best_value
    return StoredNews(hook.id, row.id, ended, row.problem, failed, best, row.drift, None, 0, 0.0)


def _after(tx: Transaction, hook: StoredWebhook, row: StoredSearch, told: StoredNews) -> StoredNews:
    events = orjson.loads(hook.events)
    found = [one for one in _messages(tx, row, told) if one.event in events]
    now = told._replace(
        ended=row.ended is not None,
        problem=row.problem,
        failed=row.failed > 0,
        best=row.best_value,
        drift=row.drift,
    )
    if not found:
        return now
    waiting = [Message(*one) for one in orjson.loads(told.waiting or "[]")]
    fresh = {one.event for one in found} & {"best"}
    kept = [one for one in waiting if one.event not in fresh]
    due = told.due if kept else tx.now
    return now._replace(waiting=orjson.dumps([list(one) for one in kept + found]).decode(), due=due)


def _messages(tx: Transaction, row: StoredSearch, told: StoredNews) -> list[Message]:
    """Return what is new in a search."""
    spec = orjson.loads(row.spec)
    metric = spec.get("objective", {}).get("metric", "the objective")
    task = target_of_search(tx, spec).task
    best = None if row.best_number is None else f"{row.id}.{row.best_number}"
    value = "" if row.best_value is None else f"{metric} {metric_text(metric, row.best_value, task)}"
    trials = f"{row.completed + row.stopped} of {row.total} trials"
    found: list[tuple[str, str]] = []
    if row.best_value is not None and row.best_value != told.best:
        found.append(("best", f"Trial {best} is the best so far: {value}."))
    if row.failed and not told.failed:
        found.append(("failed", "A trial failed. Its page says why; the search goes on."))
    if row.problem is not None and row.problem != told.problem:
        found.append(("paused", f"It paused itself: {row.problem}"))
    if row.ended is not None and not told.ended:
        end = f"The best is trial {best}: {value}." if best else "No trial has a result."
        found.append(("ended", f"It has ended after {trials}. {end}"))
    if row.drift is not None and row.drift != told.drift:
        found.append(("drift", row.drift))
    named = f"Search {row.id} ({row.name})" if row.name else f"Search {row.id}"
    heads = {
        "best": f"new best, {value}",
        "failed": "a trial failed",
        "paused": "paused itself",
        "ended": f"ended, {value}" if best else "ended without a result",
        "drift": "its re-test has failed",
    }
    return [
        Message(
            secrets.token_hex(8),
            event,
            row.id,
            row.name,
            row.project,
            f"{named}: {heads[event]}",
            f"{named}. {said}",
            row.best_value,
            best,
            tx.now,
        )
        for event, said in found
    ]


def body_of(style: str, message: Message) -> dict[str, Any]:
    """Return what is sent: all fields, or a text as Slack and its like take it."""
    if style == "slack":
        return {"text": message.text}
    return message._asdict()


def settle(tx: Transaction, webhook: str, search: int, told: Mapping[str, str | None]) -> None:
    """Note how the tries of messages went, by their ids: None arrived, else why not.

    What did not arrive is tried again after a while that doubles each time, and given up after TRIES.
    """
    news = rows.news_of(tx, [webhook], [search]).get((webhook, search))
    if news is None:
        return  # removed meanwhile
    waiting = [Message(*one) for one in orjson.loads(news.waiting or "[]")]
    left = [one for one in waiting if told.get(one.id, "") is not None]
    problems = [why for why in told.values() if why is not None]
    if problems:
        tries = news.tries + 1
        pause = min(LONGEST, SHORTEST * 2 ** (tries - 1))
        given_up = tries >= TRIES
        left = [one for one in left if not (given_up and one.id in told)]
        said = f"{problems[0]}; given up after {TRIES} tries" if given_up else problems[0]
        news = news._replace(tries=0 if given_up else tries, due=tx.now + pause)
        rows.note(tx, webhook, None, said)
    else:
        news = news._replace(tries=0, due=tx.now)
        rows.note(tx, webhook, tx.now, None)
    text = orjson.dumps([list(one) for one in left]).decode() if left else None
    rows.put(tx, news._replace(waiting=text), known=True)
