"""A fake Zotero (Web API, version 3) on loopback, as strict as the service about what is read, versions and fields.

It keeps `docs/services.md`, section *Zotero*.
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from tests.support import origin_server

KEY, USER = "zoterokey-of-the-lab", "678"
_OBJECT_KEY = re.compile("[23456789ABCDEFGHIJKLMNPQRSTUVWXYZ]{8}")
_COMMON = {"key", "version"}
_OF_ALL = frozenset(
    {"title", "abstractNote", "date", "DOI", "url", "extra", "accessDate", "language", "rights", "shortTitle"}
)
FIELDS: Mapping[str, frozenset[str]] = {
    "preprint": _OF_ALL
    | {"genre", "repository", "archiveID", "place", "series", "seriesNumber", "citationKey", "archive"}
    | {"archiveLocation", "libraryCatalog", "callNumber"},
    "journalArticle": _OF_ALL | {"publicationTitle", "volume", "issue", "pages"},
}
"""The fields of the item types that the tests use."""
CREATORS = ("author", "contributor", "editor", "reviewedAuthor", "translator")
_STRUCTURE = {"itemType", "creators", "tags", "collections", "relations"}
TOKENS_LAST = timedelta(hours=12)
_WORDS = re.compile('"[^"]+"|[^ "]+')


def _finds(word: str, row: Mapping[str, Any], mode: str) -> bool:
    """Return whether a word of `q` finds an object: in its title, a creator or its full text, or as its year; nowhere else."""
    word, creators = word.strip('"').lower(), row.get("creators", ())
    names = [creator.get("name") or f"{creator['firstName']} {creator['lastName']}" for creator in creators]
    texts = [str(row.get("title") or row.get("name") or ""), *names]
    texts += [str(row.get("fulltext", ""))] * (mode == "everything")
    return any(word in text.lower() for text in texts) or word == str(row.get("date", ""))[:4]


@dataclass
class Library:
    """A library's objects by key, with its version."""

    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    collections: dict[str, dict[str, Any]] = field(default_factory=dict)
    version: int = 1

    def put(self, kind: str, key: str, **data: Any) -> None:
        self.version += 1
        getattr(self, kind)[key] = {"key": key, "version": self.version, **data}


def answer_itself(request: web.BaseRequest, body: str) -> web.Response | None:
    """Leave a request to the fake Zotero."""
    return None


@dataclass
class FakeZotero:
    """Its libraries by name, what the key may do, and faults. `requests` holds method, path and answered status of each.

    Each of `faults` is for one request: a status with headers, which is answered in place of Zotero; `()`, none; or None: the
    request is carried out, and the connection ends before the answer. `headers` are in every answer. `refuse` returns why an
    item is refused.
    """

    clock: Callable[[], datetime]
    libraries: dict[str, Library] = field(default_factory=dict)
    access: dict[str, Any] = field(
        default_factory=lambda: {"groups": {"all": {"library": True, "write": True}}}
    )
    faults: list[tuple[int, Mapping[str, str]] | tuple[()] | None] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    refuse: Callable[[Mapping[str, Any]], str] = lambda _: ""
    instead: Callable[[web.BaseRequest, str], web.Response | None] = answer_itself
    """What answers a request with this body in place of Zotero, if anything does."""
    lags: bool = False
    """Whether what was written is missing in what is read, as in a replica."""
    requests: list[tuple[str, str, int]] = field(default_factory=list)
    url: str = ""
    _tokens: dict[str, datetime] = field(default_factory=dict)
    _new: set[str] = field(default_factory=set)

    @property
    def written(self) -> list[str]:
        return [path for method, path, _ in self.requests if method == "POST"]

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        fault = self.faults.pop(0) if self.faults else ()
        strange = self.instead(request, (await request.read()).decode())
        answer: web.StreamResponse
        if strange is not None:
            answer = strange
        elif fault:
            answer = web.Response(status=fault[0], headers=fault[1], text="a fault")
        else:
            answer = await self._answer(request)
        answer.headers.update(self.headers)
        self.requests.append((request.method, request.path_qs, answer.status))
        if fault is None:
            assert request.transport is not None
            request.transport.abort()
        return answer

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if request.headers.get("Zotero-API-Version") != "3":
            return web.Response(status=400, text="Ask for version 3")
        if request.headers.get("Zotero-API-Key") != KEY:
            return web.Response(status=403, text="Invalid key")
        if request.path == "/keys/current":
            return web.json_response(
                {"key": KEY, "userID": int(USER), "username": "lab", "access": self.access}
            )
        kind, number, collection, *top = request.path[1:].split("/")
        name = f"{kind}/{number}"
        if (library := self.libraries.get(name)) is None:
            return web.Response(status=404, text="Library not found")
        rights = self.access.get("user", {}) if kind == "users" else self.access.get("groups", {})
        rights = rights if kind == "users" else rights.get(number, rights.get("all", {}))
        if not rights.get("library"):
            return web.Response(status=403, text="Forbidden")
        assert collection in ("items", "collections")
        assert top in ([], ["top"])
        if request.method == "GET":
            return self._list(request, library, collection, is_top=bool(top))
        if not rights.get("write"):
            return web.Response(status=403, text="Write access denied")
        return await self._write(request, library, collection)

    def _list(self, request: web.BaseRequest, library: Library, kind: str, *, is_top: bool) -> web.Response:
        asked, version = dict(request.query), f"{library.version}"
        if int(request.headers.get("If-Modified-Since-Version", -1)) >= library.version:
            return web.Response(status=304, headers={"Last-Modified-Version": version})
        form, start, limit = asked.pop("format", "json"), int(asked.pop("start", 0)), asked.pop("limit", "")
        keys, since = asked.pop(f"{kind[:-1]}Key", ""), int(asked.pop("since", 0))
        words, mode = asked.pop("q", ""), asked.pop("qmode", "titleCreatorYear")
        assert not asked, f"unknown parameters: {asked}"
        if not all(map(_OBJECT_KEY.fullmatch, keys.split(",") if keys else ())):
            return web.Response(status=400, text=f"Invalid '{kind[:-1]}Key' value '{keys}'")
        if mode not in ("titleCreatorYear", "everything"):
            return web.Response(status=400, text=f"Invalid 'qmode' value '{mode}'")
        rows = [
            row
            for row in getattr(library, kind).values()
            if row["version"] > since
            and (not keys or row["key"] in keys.split(","))
            and (kind == "collections" or not row.get("deleted"))
            and not (is_top and "parentItem" in row)
            and not (self.lags and row["key"] in self._new)
            and all(_finds(word, row, mode) for word in _WORDS.findall(words))
        ]
        rows.sort(key=lambda row: -row["version"])
        headers = {"Last-Modified-Version": version, "Total-Results": f"{len(rows)}"}
        if form in ("keys", "versions"):
            versions = {row["key"]: row["version"] for row in rows}
            text = "\n".join(versions) if form == "keys" else json.dumps(versions)
            return web.Response(text=text, headers=headers)
        assert form == "json", f"unknown format: {form}"
        size = 100 if keys else min(int(limit), 100) if limit.isdigit() and int(limit) else 25
        if start + size < len(rows):
            following = request.url.update_query(start=start + size)
            headers["Link"] = f'<{following}>; rel="next", <{request.url}>; rel="alternate"'
        shown = rows[start : start + size]
        return web.json_response(
            [{"key": row["key"], "version": row["version"], "data": row} for row in shown], headers=headers
        )

    async def _write(self, request: web.BaseRequest, library: Library, kind: str) -> web.Response:
        if request.content_type != "application/json":
            return web.Response(status=400, text="The body is not JSON")
        if (token := request.headers.get("Zotero-Write-Token")) is not None:
            if len(token) != 32:
                return web.Response(status=400, text="Write token must be 32 characters")
            if token in self._tokens and self.clock() < self._tokens[token] + TOKENS_LAST:
                return web.Response(status=412, text="Write token already used")
            self._tokens[token] = self.clock()
        objects = await request.json()
        if not isinstance(objects, list):
            return web.Response(status=400, text="Uploaded data must be a JSON array")
        if len(objects) > 50:
            return web.Response(status=413, text="Cannot add more than 50 items at a time")
        failed, success = dict[str, Any](), dict[str, str]()
        for number, thing in enumerate(objects):
            code, message = self._check(library, kind, thing)
            if code:
                failed[f"{number}"] = {"key": thing.get("key", ""), "code": code, "message": message}
            else:
                key = thing.get("key") or f"AAAA{len(library.items) + 2222:04}".translate({48: "A", 49: "B"})
                library.put(
                    kind, key, **{name: value for name, value in thing.items() if name not in _COMMON}
                )
                success[f"{number}"] = key
                self._new.add(key)
        answer = {"successful": {}, "success": success, "unchanged": {}, "failed": failed}
        return web.json_response(answer, headers={"Last-Modified-Version": f"{library.version}"})

    def _check(self, library: Library, kind: str, thing: Mapping[str, Any]) -> tuple[int, str]:
        key = thing.get("key")
        if key is not None:
            if not _OBJECT_KEY.fullmatch(key):
                return 400, f"'{key}' is not a valid {kind} key"
            if "version" not in thing:
                return (
                    428,
                    "If-Unmodified-Since-Version or a version property must be provided for key-based writes",
                )
            stored = getattr(library, kind).get(key)
            if stored is not None and thing["version"] != stored["version"]:
                return 412, f"{kind} has been modified since specified version"
            if stored is None and thing["version"] != 0:
                return 404, f"{kind} doesn't exist"
        if kind == "collections":
            unknown = thing.keys() - _COMMON - {"name", "parentCollection", "relations"}
            return (400, f"Invalid property '{min(unknown)}'") if unknown else (0, "")
        return self._check_item(library, thing)

    def _check_item(self, library: Library, thing: Mapping[str, Any]) -> tuple[int, str]:
        if thing.get("itemType") not in FIELDS:
            return 400, f"'{thing.get('itemType')}' is not a valid item type"
        unknown = thing.keys() - _COMMON - _STRUCTURE - FIELDS[thing["itemType"]]
        if unknown:
            return 400, f"'{min(unknown)}' is not a valid field for type '{thing['itemType']}'"
        for creator in thing.get("creators", ()):
            names = creator.keys() - {"creatorType"}
            if creator.get("creatorType") not in CREATORS:
                return 400, "creatorType is not valid"
            if names not in ({"name"}, {"firstName", "lastName"}) or not all(creator[name] for name in names):
                return 400, "creator must contain a name, or a firstName and lastName"
        if any(
            tag.keys() - {"tag", "type"} or not 0 < len(tag["tag"]) <= 255 for tag in thing.get("tags", ())
        ):
            return 400, "tag must be a string of at most 255 characters"
        for collection in thing.get("collections", ()):
            if collection not in library.collections:  # one in the trash is there
                return 409, f"Collection {collection} doesn't exist"
        reason = self.refuse(thing)
        return (400, reason) if reason else (0, "")


@asynccontextmanager
async def run(clock: Callable[[], datetime]) -> AsyncIterator[FakeZotero]:
    """Serve an empty Zotero, whose time is that of the clock."""
    fake = FakeZotero(clock)
    server = web.Server(fake.handle, access_log=None)
    async with origin_server.serving(web.ServerRunner(server, shutdown_timeout=0.1)) as port:
        fake.url = f"http://127.0.0.1:{port}"
        yield fake
