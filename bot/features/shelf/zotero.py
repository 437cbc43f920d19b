"""Brings the papers of one server's list into a library of Zotero, each once.

The list is the outbox: a paper waits until `storage.zotero` knows that it is in the library. An item's key follows from the
library and the paper, and is written as version 0, which Zotero refuses (412) if the key is there. So a repeat after a kill,
at any later time, writes nothing twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

import structlog

from bot.archive import arxiv_ids, exports
from bot.core import isolation
from bot.core.clock import Clock, parse_retry_after
from bot.sources import fetcher
from bot.sources.base import FetchError
from storage import errors, models, papers, shelf, zotero
from storage.database import Database
from storage.errors import StorageError

log = structlog.get_logger(__name__)

RETRY, PAUSE = timedelta(minutes=2), timedelta(hours=1)
"""How long nothing is written after a temporary failure, and after another, such as a wrong key."""
AT_ONCE = 50
Read = TypeVar("Read")
COLLECTION = "Paperround"
MAX_REASON = 200
_PAGE_SIZE = 100
_KEY_SIGNS = "23456789ABCDEFGHIJKLMNPQRSTUVWXYZ"
_WITH_IDS = ("archiveID", "url", "DOI", "extra")
"""The fields of an item by which a paper is known."""
WRONG_SERVER = "PAPERROUND_ZOTERO_SERVER must name one of the servers that the bot is in"


@dataclass(eq=False)
class ZoteroLibrary:
    """A library (`groups/12345`) by Zotero's API at `url`. Its methods raise FetchError if nothing can be written there now."""

    fetch: fetcher.HttpFetcher
    url: str
    name: str
    key: str = field(repr=False)
    pause_until: datetime = models.NEVER
    """Until when Zotero asked for a pause (UTC). What was begun may be completed."""

    async def check(self) -> None:
        """Raise FetchError unless the key may write in the library."""
        if not await self._request("GET", "keys/current", self._may_write):
            raise FetchError(f"the key may not write in {self.name}", code=403)

    def _may_write(self, answer: Any) -> bool:
        rights = {f"groups/{id_}": of for id_, of in answer["access"].get("groups", {}).items()}
        rights[f"users/{answer['userID']}"] = answer["access"].get("user", {})
        everywhere = f"{self.name.partition('/')[0]}/all"
        return any(rights.get(name, {}).get("write") for name in (self.name, everywhere))

    async def find_collection(self) -> str:
        """Return the key of our collection, which is made if there is none."""
        async for row in self._list("collections"):
            if row.get("name") == COLLECTION and not row.get("deleted"):
                return str(row["key"])
        if reason := await self._create("collections", COLLECTION, {"name": COLLECTION}):
            raise FetchError(f"it refuses a collection: {reason}", code=400)
        return self._make_key(COLLECTION)

    async def has(self, arxiv_id: str) -> bool:
        """Return whether an item names a paper by its arXiv id or URL."""
        async for row in self._list("items", q=arxiv_id, qmode="everything"):
            if any(arxiv_id == arxiv_ids.extract_arxiv_id(str(row.get(name, ""))) for name in _WITH_IDS):
                return True
        return False

    async def add(self, item: Mapping[str, Any], collection: str) -> str:
        """Create an item in a collection, unless this was done before. Returns why Zotero refuses it, or ""."""
        return await self._create("items", item["archiveID"], {**item, "collections": [collection]})

    def _make_key(self, name: str) -> str:
        number = int.from_bytes(hashlib.sha256(f"{self.name} {name}".encode()).digest())
        return "".join(_KEY_SIGNS[number // len(_KEY_SIGNS) ** place % len(_KEY_SIGNS)] for place in range(8))

    async def _create(self, kind: str, name: str, thing: Mapping[str, Any]) -> str:
        new = {**thing, "key": self._make_key(name), "version": 0}
        return await self._request("POST", f"{self.name}/{kind}", _read_outcome, [new])

    async def _list(self, kind: str, **query: str) -> AsyncIterator[Mapping[str, Any]]:
        start = 0
        while True:
            asked = urlencode({**query, "limit": _PAGE_SIZE, "start": start})
            rows = await self._request(
                "GET", f"{self.name}/{kind}?{asked}", lambda answer: [dict(row["data"]) for row in answer]
            )
            for row in rows:
                yield row
            if len(rows) < _PAGE_SIZE:
                return
            start += _PAGE_SIZE

    async def _request(
        self, method: str, path: str, read: Callable[[Any], Read], body: object = None
    ) -> Read:
        """Return what is read in Zotero's answer (JSON). Raises FetchError, also for an answer that is not Zotero's."""
        headers = {"Zotero-API-Version": "3", "Zotero-API-Key": self.key}
        url = f"{self.url.rstrip('/')}/{path}"
        status, answered, data = await self.fetch.call(method, url, headers=headers, body=body)
        pause_until = parse_retry_after(answered.get("Backoff"), self.fetch.now())
        self.pause_until = max(self.pause_until, pause_until or models.NEVER)
        reason = f"Zotero answers {status}: {data[:MAX_REASON].decode('utf-8', 'replace')}"
        if method == "POST" and status in (400, 413):
            return read({"failed": {"0": {"code": status, "message": reason}}})
        if status != 200:
            # 409: the library is locked.
            raise FetchError(reason, code=status, is_retryable=status == 409)
        try:
            return read(await asyncio.to_thread(json.loads, data))
        except (ValueError, LookupError, TypeError, AttributeError):
            raise FetchError("what answers is not Zotero", code=status) from None


def _read_outcome(answer: Any) -> str:
    """Return why Zotero refused to create an object; "" if it is there."""
    if "0" in answer.get("success", ()):
        return ""
    refused = answer["failed"]["0"]
    return "" if refused["code"] == 412 else str(refused["message"])


@dataclass(eq=False)
class ZoteroOutbox:
    """Writes what is new on a server's list. `server_id` is that of the settings, or None; `list_servers` those of the bot."""

    database: Database
    clock: Clock
    library: ZoteroLibrary
    server_id: int | None
    list_servers: Callable[[], Sequence[int]]
    _resume_at: datetime = models.NEVER

    async def write_due(self) -> None:
        """Write the papers that wait. Failures are logged, and stored unless they may pass; a later call goes on."""
        if self.clock() < max(self._resume_at, self.library.pause_until):
            return
        with isolation.isolated(log, "the list was not written into Zotero") as failed:
            servers = self.list_servers()
            if not servers:
                return  # not logged in yet
            server_id = self.server_id or (servers[0] if len(servers) == 1 else 0)
            try:
                if server_id not in servers:
                    raise FetchError(WRONG_SERVER, code=0)
                await self._write(server_id)
            except FetchError as error:
                await self._pause(server_id if server_id in servers else servers[0], error)
        if failed:
            self._resume_at = self.clock() + PAUSE

    async def _pause(self, server_id: int, error: FetchError) -> None:
        is_lasting = error.code is not None and not error.is_retryable
        self._resume_at = error.retry_at or self.clock() + (PAUSE if is_lasting else RETRY)
        log.info("Zotero not written", reason=str(error), next_at=self._resume_at.isoformat())
        if is_lasting:
            problem = zotero.ZoteroProblem(server_id, error.code or 0, str(error))
            await self.database.write(zotero.set_problem, problem)

    async def _write(self, server_id: int) -> None:
        name, now = self.library.name, self.clock()
        waiting = await self.database.fetch(zotero.list_waiting, server_id, name, now, AT_ONCE)
        if not waiting and await self.database.fetch(zotero.get_problem) is None:
            return
        collection = await self.library.find_collection()
        for paper_id in waiting:
            reason = None
            # A paper that cannot be written costs itself alone.
            with isolation.collected([], reraise=(FetchError, StorageError)) as failed:
                reason = await self._write_paper(server_id, paper_id, collection) or None
            reason = f"an error ({type(failed[0]).__name__})" if failed else reason
            if reason is not None:
                reason = errors.make_printable(" ".join(reason.split()))[:MAX_REASON]
                log.warning("paper not written into Zotero", paper=paper_id, reason=reason)
            await self.database.write(zotero.record, server_id, name, paper_id, self.clock(), reason)
            if self.clock() < self.library.pause_until:
                break
        # Not before: a key that may only read finds the collection.
        await self.database.write(zotero.set_problem, None)

    async def _write_paper(self, server_id: int, paper_id: int, collection: str) -> str:
        """Write a paper of the list unless the library has it. Returns why Zotero refuses it, or ""."""
        async with self.database.read() as connection:
            rows, _ = await shelf.list_rows(connection, server_id, paper_ids=[paper_id])
            facts = (await papers.list_facts_by_paper(connection, [paper_id])).get(paper_id, ())
            merged = await papers.list_merged(connection, ids=[paper_id])
        if not rows:
            return ""
        if rows[0].title is None:
            return "its title is not known yet"
        if await self.library.has(rows[0].arxiv_id):
            return ""
        published = [fact.published_on for fact in facts if fact.published_on]
        item = exports.to_zotero(rows[0], merged[paper_id].abstract, min(published, default=None))
        return await self.library.add(item, collection)
