"""Brings the papers of one server's list into a library of Zotero, each once.

The list is the outbox: a paper waits until `storage.zotero` knows that it is in the library. An item's key follows from the
library and the paper, and is written as version 0, which Zotero refuses (412) if the key is there. So a repeat after a kill,
at any later time, writes nothing twice. What else the library has is read before, since no search finds an arXiv id.
"""

from __future__ import annotations

import asyncio
import hashlib
import html
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode

import structlog

from bot.archive import arxiv_ids, exports, schemes
from bot.core import isolation
from bot.core.clock import Clock, parse_retry_after
from bot.sources import base, fetcher
from bot.sources.base import FetchError
from storage import errors, models, papers, shelf, zotero
from storage.database import Database
from storage.errors import StorageError

log = structlog.get_logger(__name__)

RETRY, PAUSE = timedelta(minutes=2), timedelta(hours=1)
"""The time for which nothing is written after a temporary failure, and after another, such as a wrong key."""
DEADLINE = timedelta(minutes=10)
"""The time after which one look at the list ends. What was read and written until then stays."""
AT_ONCE = 50
Read = TypeVar("Read")
ListNames = Callable[[Mapping[str, Any]], Iterable[str]]
MAX_LINES, MAX_LINE = 50, 500
"""The lines of a field, and the characters of each, in which an id is looked for."""
COLLECTION = "Paperround"
MAX_REASON = 200
_KEYS_AT_ONCE = 50
_KEY_SIGNS = "23456789ABCDEFGHIJKLMNPQRSTUVWXYZ"
_LOCKED = 409
_VARYING = re.compile(r"(?<!\S)[^\s0-9]*+[0-9]\S*+")
"""Words with digits, such as the id of a request: two answers that differ in nothing else have one cause."""
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_BEFORE_ID = re.compile(
    r"(?:(?:(?:tex\.)?eprint|arxiv(?: id)?|archive ?id|doi|url|number)\s?:\s*)?(?:https?://[^/\s]+/(?:[a-z]+/)?)?",
    re.IGNORECASE,
)
"""What precedes an arXiv id in a field or a line of Extra that has it alone: a field's name, and the address of a page."""
_FIELD_NAME = re.compile(r"(?:doi|url)\s?:\s*", re.IGNORECASE)
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
    _known: dict[str, dict[str, tuple[int, Set[str]]]] = field(default_factory=dict, init=False, repr=False)
    """The version and the names of each object, by kind and key."""

    async def check(self) -> None:
        """Raise FetchError unless the library is there and the key may write in it."""
        if not await self._request("GET", "keys/current", self._may_write):
            raise FetchError(f"the key may not write in {self.name}", code=403)
        await self._request("GET", f"{self.name}/collections?format=versions", _read_versions)

    def _may_write(self, answer: Any) -> bool:
        rights = {f"groups/{id_}": of for id_, of in answer["access"].get("groups", {}).items()}
        rights[f"users/{answer['userID']}"] = answer["access"].get("user", {})
        everywhere = f"{self.name.partition('/')[0]}/all"
        return any(rights.get(name, {}).get("write") for name in (self.name, everywhere))

    async def find_collection(self) -> str:
        """Return the key of our collection, which is created if the only one is in the trash or missing."""
        known = await self._list_names("collections", "collections", _list_collection_names)
        if found := next((key for key, names in known.items() if COLLECTION in names), None):
            return found
        name = COLLECTION
        while known.get(self._make_key(name)) == frozenset():  # that one is in the trash
            name += " again"
        if reason := await self._create("collections", name, {"name": COLLECTION}):
            raise FetchError(f"it refuses a collection: {reason}", code=400)
        return self._make_key(name)

    async def list_ids(self) -> Set[str]:
        """Return the keys that items of the library have in a field of their own."""
        known = await self._list_names("items", "items/top", _list_item_ids)
        return frozenset[str]().union(*known.values())

    async def add(self, paper_key: str, item: Mapping[str, Any], collection: str) -> str:
        """Create a paper's item in a collection, unless this was done before. Returns why Zotero refuses it, or ""."""
        name = f"arXiv:{paper_key}" if schemes.is_arxiv(paper_key) else paper_key
        return await self._create("items", name, {**item, "collections": [collection]})

    def _make_key(self, name: str) -> str:
        number = int.from_bytes(hashlib.sha256(f"{self.name} {name}".encode()).digest())
        return "".join(_KEY_SIGNS[number // len(_KEY_SIGNS) ** place % len(_KEY_SIGNS)] for place in range(8))

    async def _create(self, kind: str, name: str, thing: Mapping[str, Any]) -> str:
        new = {**thing, "key": self._make_key(name), "version": 0}
        return await self._request("POST", f"{self.name}/{kind}", self._read_outcome, [new])

    def _read_outcome(self, answer: Any) -> str:
        """Return why Zotero refused to create an object; "" if it is there. Raises FetchError for what may pass."""
        if "0" in answer.get("success", ()):
            return ""
        refused = answer["failed"]["0"]
        code, reason = int(refused["code"]), self._hide_key(html.unescape(str(refused["message"])))
        if _may_pass(code):
            raise FetchError(f"Zotero answers {code}: {reason}", code=code, is_retryable=True)
        return "" if code == 412 else reason

    def _hide_key(self, text: str) -> str:
        """Return a text without our key, which Zotero may quote as it is, as entities of HTML or as escapes of JSON."""
        for decoded in (text, html.unescape(text), _ESCAPE.sub(lambda of: chr(int(of[1], 16)), text)):
            if self.key in decoded:
                text = decoded.replace(self.key, errors.HIDDEN)
        return text

    async def _list_names(self, kind: str, path: str, list_names: ListNames) -> Mapping[str, Set[str]]:
        """Return the names of each object by its key. Only what changed since the former call is read, some at a time.

        The keys come all at once, so neither the end nor the order depends on what changes meanwhile.
        """
        versions = await self._request("GET", f"{self.name}/{path}?format=versions", _read_versions)
        former = self._known.get(kind, {})
        known = self._known[kind] = {key: row for key, row in former.items() if key in versions}
        changed = [key for key, version in versions.items() if key not in known or known[key][0] != version]
        for start in range(0, len(changed), _KEYS_AT_ONCE):
            if start and self.fetch.now() < self.pause_until:
                raise FetchError("it asks for a pause", is_retryable=True)
            wanted = changed[start : start + _KEYS_AT_ONCE]
            asked = urlencode({f"{kind[:-1]}Key": ",".join(wanted), "limit": _KEYS_AT_ONCE})
            read = partial(_read_objects, list_names)
            known |= await self._request("GET", f"{self.name}/{kind}?{asked}", read)
            if not known.keys() >= {*wanted}:
                raise FetchError(f"it leaves out {kind} that it has", is_retryable=True)
        return {key: names for key, (_, names) in known.items()}

    async def _request(
        self, method: str, path: str, read: Callable[[Any], Read], body: object = None
    ) -> Read:
        """Return what is read in Zotero's answer (JSON). Raises FetchError, also for an answer that is not Zotero's."""
        headers = {"Zotero-API-Version": "3", "Zotero-API-Key": self.key}
        url = f"{self.url.rstrip('/')}/{path}"
        status, answered, data = await self.fetch.call(method, url, headers=headers, body=body)
        for name in ("Backoff", "Retry-After"):
            asked_until = parse_retry_after(answered.get(name), self.fetch.now())
            self.pause_until = max(self.pause_until, asked_until or models.NEVER)
        text = data.decode("utf-8", "replace")
        shown = self._hide_key(text[: 5 * MAX_REASON])
        reason = f"Zotero answers {status}: {_VARYING.sub('…', shown)[:MAX_REASON]}"
        if method == "POST" and status in (400, 413):
            return read({"failed": {"0": {"code": status, "message": reason}}})
        if status >= 400:
            raise FetchError(reason, code=status, is_retryable=_may_pass(status))
        try:
            # In a thread, since a member of the library may fill its items.
            return await asyncio.to_thread(lambda: read(json.loads(text)))
        except (ValueError, OverflowError, LookupError, TypeError, AttributeError, RecursionError):
            raise FetchError("what answers is not Zotero", code=200) from None


def _may_pass(code: int) -> bool:
    return code == _LOCKED or code in fetcher.RETRYABLE


def _read_versions(answer: Any) -> dict[str, int]:
    return {str(key): int(version) for key, version in dict(answer).items()}


def _read_objects(list_names: ListNames, answer: Any) -> dict[str, tuple[int, Set[str]]]:
    """Return the version and the names of each object, by its key."""
    return {str(row["key"]): (int(row["version"]), frozenset(list_names(row["data"]))) for row in answer}


def _list_collection_names(collection: Mapping[str, Any]) -> list[str]:
    """Return the name of a collection; none for one in the trash."""
    return [] if collection.get("deleted") else [str(collection.get("name"))]


def _list_item_ids(item: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys that an item has alone in a field or in a line of Extra. One within a sentence is another paper's."""
    for name in ("archiveID", "DOI", "url", "extra"):
        for line in str(item.get(name) or "")[: MAX_LINES * MAX_LINE].splitlines()[:MAX_LINES]:
            begin = _BEFORE_ID.match(line.strip())
            rest = re.split("[?#]", line.strip()[begin.end() if begin else 0 :])[0]
            if arxiv_id := arxiv_ids.parse_bare_id(rest.rstrip("/")):
                yield arxiv_id
            elif " " not in _FIELD_NAME.sub("", line.strip()):
                yield from itertools.filterfalse(schemes.is_arxiv, schemes.find_keys(line))


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
                    raise FetchError(f"{WRONG_SERVER}: {', '.join(map(str, servers[:5]))}", code=0)
                async with asyncio.timeout(DEADLINE.total_seconds()):
                    await self._write(server_id)
            except FetchError as error:
                await self._pause(server_id if server_id in servers else servers[0], error)
            except TimeoutError:
                await self._pause(server_id, FetchError("reading and writing take longer than ten minutes"))
        if failed:
            self._resume_at = self.clock() + PAUSE

    async def _pause(self, server_id: int, error: FetchError) -> None:
        """Store a problem, one that may pass to be reported after a day, unless there is one already."""
        self._resume_at = self.clock() + (PAUSE if error.is_lasting else RETRY)
        log.info("Zotero not written", reason=str(error), next_at=self._resume_at.isoformat())
        problem = zotero.ZoteroProblem(server_id, error.code or 0, str(error))
        if not error.is_lasting:
            if await self.database.fetch(zotero.get_problem) is not None:
                return
            report_at = self.clock() + zotero.RETRY_AFTER
            problem = problem._replace(code=zotero.AWAY, report_at=report_at.isoformat())
        await self.database.write(zotero.set_problem, problem)

    async def _write(self, server_id: int) -> None:
        name, now = self.library.name, self.clock()
        waiting = await self.database.fetch(zotero.list_waiting, server_id, name, now, AT_ONCE)
        if not waiting and await self.database.fetch(zotero.get_problem) is None:
            return
        collection = await self.library.find_collection()
        known = await self.library.list_ids() if waiting else frozenset()
        known |= {*(await self.database.fetch(papers.get_current_keys, known)).values()}
        failures: list[FetchError | None] = []
        for paper_id in waiting:
            if failures and self.clock() < self.library.pause_until:
                break
            reason = None
            # A paper that cannot be written costs itself alone.
            with isolation.collected([], reraise=(StorageError,)) as failed:
                reason = await self._write_paper(server_id, paper_id, collection, known)
            failure = failed[0] if failed and isinstance(failed[0], FetchError) else None
            if failure is not None and failure.is_lasting:
                raise failure
            if failed:
                reason = str(failure or f"an error ({type(failed[0]).__name__})")
            if reason is None:
                continue  # the list has it no more
            reason = errors.make_printable(" ".join(reason.split()))[:MAX_REASON] or None
            if reason is not None:
                log.warning("paper not written into Zotero", paper=paper_id, reason=reason)
            tried = paper_id, self.clock(), reason, failure is not None
            await self.database.write(zotero.record, server_id, name, *tried)
            failures.append(failure)
            if failure is not None:
                self._resume_at = self.clock() + RETRY
                if len(failures) >= base.MAX_FAILED_IN_ROW and all(failures[-base.MAX_FAILED_IN_ROW :]):
                    raise failure
        # Not before: a key that may only read finds the collection.
        if not failures or not all(failures):
            await self.database.write(zotero.set_problem, None)

    async def _write_paper(
        self, server_id: int, paper_id: int, collection: str, known: Set[str]
    ) -> str | None:
        """Write a paper unless the library has it. Returns why Zotero refuses it, "", or None if the list has it no more."""
        async with self.database.read() as connection:
            rows, _ = await shelf.list_rows(connection, server_id, paper_ids=[paper_id])
            facts = (await papers.list_facts_by_paper(connection, [paper_id])).get(paper_id, ())
            merged = await papers.list_merged(connection, ids=[paper_id])
        if not rows:
            return None
        if rows[0].title is None:
            return "its title is not known yet"
        if rows[0].key in known:
            return ""
        published = [fact.published_on for fact in facts if fact.published_on]
        item = exports.to_zotero(rows[0], merged[paper_id].abstract, min(published, default=None))
        return await self.library.add(rows[0].key, item, collection)
