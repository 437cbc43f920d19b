"""arXiv on loopback: its RSS, OAI-PMH and query API over made-up papers, with faults that a test sets.

As an own process: `python -m tests.support.fake_arxiv PAPERS`, which prints its address. `/stats` tells what was asked.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from html import escape
from zoneinfo import ZoneInfo

from aiohttp import web

from tests.support import origin_server, source_payloads

_NEW_YORK = ZoneInfo("America/New_York")
_WORDS, _NAMES = (
    names.split()
    for names in (
        "sparse dense causal latent robust neural symbolic federated speech vision graph policy reward token memory kernel"
        " diffusion retrieval alignment planning parsing translation summarisation robotics dialogue reasoning attention",
        "Ada Berta Carl Dora Emil Fritz Gerda Hana Ilse Jun Kim Lena Mina Nora Otto Paul Quirin Rosa Sora Tae",
    )
)


@dataclass(frozen=True)
class Paper:
    """A made-up paper: its primary category first; `changed_on` is the datestamp of its record."""

    arxiv_id: str
    title: str
    authors: tuple[str, ...]
    abstract: str
    categories: tuple[str, ...]
    created_on: date
    changed_on: date
    is_revised: bool = False
    announced_as: str = "new"


_SYLLABLES = [first + vowel for first in "bdfgklmnprstvz" for vowel in "aeiou"]
_VOCABULARY, _TEXTS, _ABSTRACT_WORDS = 4_096, 2_000, 180


@lru_cache(_VOCABULARY)
def _made_up_word(number: int) -> str:
    """Return one of 4,096 words, those with small numbers real ones."""
    if number < len(_WORDS):
        return _WORDS[number]
    return "".join(
        _SYLLABLES[number * factor % len(_SYLLABLES)] for factor in (1, 31, 7, 13)[: 2 + number % 3]
    )


@lru_cache(2 * _TEXTS + 2)
def _made_up_text(number: int, words: int) -> str:
    """Return words of which a few are frequent and most are rare, as in a language."""
    chosen = random.Random(number)
    return " ".join(_made_up_word(int(_VOCABULARY * chosen.random() ** 3)) for _ in range(words))


def make_paper(number: int, on: date, categories: Sequence[str] = ("cs.CL",), **changes: object) -> Paper:
    """Return the paper with a number, of the month of a day; its words and authors follow from the number."""
    authors = tuple(
        f"{_NAMES[(number + place) % len(_NAMES)]} {_NAMES[(number // 20 + 3 * place) % len(_NAMES)]}sen{number % 500}"
        for place in range(1 + number % 6)
    )
    text = number % _TEXTS
    paper = Paper(
        arxiv_id=f"{on:%y%m}.{number:05}",
        title=f"{_WORDS[number % len(_WORDS)].capitalize()} {_made_up_text(text, 8)} {number}",
        authors=authors,
        abstract=f"We study {_made_up_text(_TEXTS - text, _ABSTRACT_WORDS)}. It is < 5 % & more.\n  Numbered {number}.",
        categories=tuple(categories),
        created_on=on,
        changed_on=on,
    )
    return replace(paper, **changes)  # type: ignore[arg-type]


def make_papers(count: int, first: date, a_day: int = 130) -> Iterator[Paper]:
    """Yield papers of consecutive days in the order of their datestamps; every tenth only cross-lists cs.CL."""
    for number in range(count):
        on = first + timedelta(days=number // a_day)
        of_month = number - a_day * ((on.replace(day=1) - first).days if on.replace(day=1) > first else 0)
        cross = number % 10 == 9
        yield make_paper(of_month + 1, on, ("cs.IR", "cs.CL") if cross else ("cs.CL", "cs.AI"))


@dataclass
class FakeArxiv:
    """The three services over `papers`, which are in the order of OAI-PMH.

    `announced` are the papers of the feeds, of the day `announced_on`. `served` counts how often OAI-PMH gave each paper.
    Each of `faults` answers one request to OAI-PMH; `expire_tokens` makes all tokens given so far unknown.
    """

    papers: Sequence[Paper] = ()
    announced: Sequence[Paper] = ()
    announced_on: date = date(2025, 5, 6)
    page_size: int = 100
    sets: frozenset[str] | None = None
    faults: list[web.Response] = field(default_factory=list)
    requests: list[tuple[str, datetime]] = field(default_factory=list)
    served: Counter[str] = field(default_factory=Counter)
    _epoch: int = 0

    def expire_tokens(self) -> None:
        self._epoch += 1

    def counted(self, path: str) -> int:
        """Return the number of requests to a path."""
        return sum(asked.startswith(path) for asked, _ in self.requests)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/rss/{category}", self.rss),
            web.get("/oai", self.oai),
            web.get("/api/query", self.query),
            web.get("/stats", self.stats),
            web.post("/expire", self._expire),
        ]

    def install(self, origin: origin_server.OriginServer, *categories: str) -> None:
        """Answer below a server of tests, with a feed for each category."""
        origin.pages |= {f"/rss/{category}": self.rss for category in categories}
        origin.pages |= {"/oai": self.oai, "/api/query": self.query}

    async def rss(self, request: web.BaseRequest) -> web.Response:
        self._note(request)
        category = request.path.rpartition("/")[2]
        items = [
            _item(paper, self.announced_on)
            for paper in self.announced
            if any(category in (name, name.partition(".")[0]) for name in paper.categories)
        ]
        at = _rfc_date(self.announced_on)
        text = (
            "<?xml version='1.0' encoding='UTF-8'?>"
            '<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0">'
            f"<channel><title>{category} updates on arXiv.org</title><pubDate>{at}</pubDate>"
            f"<skipDays><day>Saturday</day><day>Sunday</day></skipDays>{''.join(items)}</channel></rss>"
        )
        return web.Response(text=text, content_type="application/rss+xml")

    async def oai(self, request: web.BaseRequest) -> web.Response:
        self._note(request)
        if self.faults:
            return self.faults.pop(0)
        token = request.query.get("resumptionToken")
        if token is not None:
            epoch, name, since, start = token.split("|")
            if int(epoch) != self._epoch:
                return _oai_error("badResumptionToken", "the token has expired")
        else:
            name, since, start = request.query["set"], request.query["from"], "0"
            assert request.query["metadataPrefix"] == "arXiv"
        if self.sets is not None and name not in self.sets:
            return _oai_error("noRecordsMatch", "")
        found = [
            paper for paper in self.papers if paper.changed_on.isoformat() >= since and _is_in(paper, name)
        ]
        first = int(start)
        page = found[first : first + self.page_size]
        if not page:
            return _oai_error("noRecordsMatch", "")
        self.served.update(paper.arxiv_id for paper in page)
        after = first + len(page)
        following = f"{self._epoch}|{name}|{since}|{after}" if after < len(found) else ""
        return web.Response(text=_record_list(page, following, first, len(found)), content_type="text/xml")

    async def query(self, request: web.BaseRequest) -> web.Response:
        self._note(request)
        ids = request.query["id_list"].split(",")
        known = {paper.arxiv_id: paper for paper in (*self.announced, *self.papers)}
        entries = [source_payloads.arxiv_entry(name, known[name].title) for name in ids if name in known]
        return web.Response(text=source_payloads.atom(*entries), content_type="application/atom+xml")

    async def stats(self, request: web.BaseRequest) -> web.Response:
        spans = [
            (later - earlier).total_seconds()
            for (_, earlier), (_, later) in zip(self.requests, self.requests[1:], strict=False)
        ]
        return web.json_response(
            {
                "requests": len(self.requests),
                "oai": self.counted("/oai"),
                "shortest": min(spans, default=None),
                "served": len(self.served),
                "twice": sum(count > 1 for count in self.served.values()),
            }
        )

    async def _expire(self, request: web.BaseRequest) -> web.Response:
        self.expire_tokens()
        return web.Response()

    def _note(self, request: web.BaseRequest) -> None:
        self.requests.append((request.path_qs, datetime.now(UTC)))


def busy(seconds: int) -> web.Response:
    """Return arXiv's answer to requests that come too fast."""
    return web.Response(status=503, headers={"Retry-After": str(seconds)}, text="Retry after a while")


def _is_in(paper: Paper, name: str) -> bool:
    group, _, rest = name.partition(":")
    wanted = rest.replace(":", ".") or group
    return any(wanted in (category, category.partition(".")[0]) for category in paper.categories)


def _rfc_date(on: date) -> str:
    return format_datetime(datetime(on.year, on.month, on.day, tzinfo=_NEW_YORK))


def _item(paper: Paper, on: date) -> str:
    categories = "".join(f"<category>{name}</category>" for name in paper.categories)
    return (
        f"<item><title>{escape(paper.title)}</title><link>https://arxiv.org/abs/{paper.arxiv_id}</link>"
        f"<description>arXiv:{paper.arxiv_id}v1 Announce Type: {paper.announced_as} \nAbstract: "
        f'{escape(paper.abstract)}</description><guid isPermaLink="false">oai:arXiv.org:{paper.arxiv_id}v1</guid>'
        f"{categories}<pubDate>{_rfc_date(on)}</pubDate><arxiv:announce_type>{paper.announced_as}</arxiv:announce_type>"
        f"<dc:creator>{escape(', '.join(paper.authors))}</dc:creator></item>"
    )


def _record(paper: Paper) -> str:
    authors = "".join(
        f"<author><keyname>{escape(name.rpartition(' ')[2])}</keyname>"
        f"<forenames>{escape(name.rpartition(' ')[0])}</forenames></author>"
        for name in paper.authors
    )
    updated = f"<updated>{paper.changed_on}</updated>" if paper.is_revised else ""
    return (
        f"<record><header><identifier>oai:arXiv.org:{paper.arxiv_id}</identifier><datestamp>{paper.changed_on}</datestamp>"
        f'<setSpec>cs</setSpec></header><metadata><arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>{paper.arxiv_id}</id>'
        f"<created>{paper.created_on}</created>{updated}<authors>{authors}</authors><title>{escape(paper.title)}</title>"
        f"<categories>{' '.join(paper.categories)}</categories><abstract>  {escape(paper.abstract)}\n</abstract></arXiv>"
        "</metadata></record>"
    )


_ENVELOPE = (
    "<?xml version='1.0' encoding='UTF-8'?><OAI-PMH xmlns=\"http://www.openarchives.org/OAI/2.0/\">"
    "<responseDate>2025-05-06T12:00:00Z</responseDate>{}</OAI-PMH>"
)


def _record_list(page: Sequence[Paper], token: str, cursor: int, size: int) -> str:
    following = f'<resumptionToken cursor="{cursor}" completeListSize="{size}">{token}</resumptionToken>'
    return _ENVELOPE.format(f"<ListRecords>{''.join(map(_record, page))}{following}</ListRecords>")


def _oai_error(code: str, text: str) -> web.Response:
    return web.Response(
        text=_ENVELOPE.format(f'<error code="{code}">{text}</error>'), content_type="text/xml"
    )


async def _serve(count: int) -> None:
    first = datetime.now(UTC).date() - timedelta(days=count // 130 + 2)
    fake = FakeArxiv(list(make_papers(count, first)), page_size=1_000)
    app = web.Application()
    app.add_routes(fake.routes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    sys.stdout.write(json.dumps({"url": f"http://{host}:{port}", "since": first.isoformat()}) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
