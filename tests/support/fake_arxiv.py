"""A fake arXiv on loopback: RSS and query API with made-up papers, and faults set by the test.

It keeps `docs/services.md`, sections *arXiv's API* and *arXiv's feeds*.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from email.utils import format_datetime
from html import escape
from zoneinfo import ZoneInfo

from aiohttp import web

from tests.support import origin_server, source_payloads

_NEW_YORK = ZoneInfo("America/New_York")
_FEED_ORDER = ("replace-cross", "replace", "cross", "new")
FEED_LIMIT, LARGEST_PAGE, MAX_RESULTS = 2_000, 2_000, 30_000
REFUSALS = {
    **{f"{status}": web.Response(status=status) for status in (403, 406, 429, 500, 503)},
    "text": web.Response(text="Rate exceeded."),
    "empty": web.Response(),
}
"""The answers with which arXiv refuses an address, whatever is asked."""


@dataclass(frozen=True)
class Paper:
    """A made-up paper. The first category is its primary one."""

    arxiv_id: str
    title: str
    authors: tuple[str, ...]
    abstract: str
    categories: tuple[str, ...]
    created_on: date
    announced_as: str = "new"


def make_paper(number: int, on: date, categories: Sequence[str] = ("cs.CL",), **changes: object) -> Paper:
    """Return a paper submitted on a day. Its id contains that month and the number."""
    paper = Paper(
        arxiv_id=f"{on:%y%m}.{number:05}",
        title=f"Sparse Paper {number}",
        authors=tuple(f"Ada {chr(65 + number % 26)}. Sen{number + place}" for place in range(1 + number % 6)),
        abstract=f"We study things. It is < 5 % & more.\n  Numbered {number}.",
        categories=tuple(categories),
        created_on=on,
    )
    return replace(paper, **changes)  # type: ignore[arg-type]


def make_papers(count: int, first: date, a_day: int = 130) -> Iterator[Paper]:
    """Yield papers submitted on consecutive days, oldest first. Every tenth is only cross-listed in cs.CL."""
    for number in range(count):
        on = first + timedelta(days=number // a_day)
        of_month = number - a_day * ((on.replace(day=1) - first).days if on.replace(day=1) > first else 0)
        cross = number % 10 == 9
        yield make_paper(of_month + 1, on, ("cs.IR", "cs.CL") if cross else ("cs.CL", "cs.AI"))


@dataclass
class FakeArxiv:
    """Both of arXiv's services. `papers` are found by searches, oldest first; `announced` are in one day's
    feeds.

    `titles` holds more papers, found only by id or title. Requests for an id in `refused` are rejected. Each of
    `faults` responds to one search. `served` counts how often searches returned each paper. A day without papers has
    one that is cross-listed from another archive, unless `has_quiet_days`.
    """

    origin: origin_server.OriginServer
    papers: Sequence[Paper] = ()
    announced: Sequence[Paper] = ()
    announced_on: date = date(2025, 5, 6)
    titles: dict[str, str] = field(default_factory=dict)
    refused: Collection[str] = ()
    refusal_status: int = 400
    faults: list[web.Response] = field(default_factory=list)
    served: Counter[str] = field(default_factory=Counter)
    has_quiet_days: bool = False

    def __post_init__(self) -> None:
        self.origin.pages["/api/query"] = self.query

    def add(self, arxiv_id: str, title: str = "Small Things") -> None:
        """Add a paper that can only be found by id."""
        self.titles[arxiv_id] = title

    def serve_feeds(self, *names: str) -> None:
        """Serve a feed for each name, such as `cs.CL+cs.LG`."""
        self.origin.pages |= {f"/rss/{name}": self.rss for name in names}

    def counted(self, path: str) -> int:
        return sum(asked.startswith(path) for asked in self.origin.paths)

    @property
    def asked(self) -> list[list[str]]:
        """The ids in each request for papers by id."""
        requests = [request for request in self.origin.requests if "id_list" in request.query]
        return [request.query["id_list"].split(",") for request in requests]

    async def rss(self, request: web.BaseRequest) -> web.Response:
        """Return a feed in arXiv's order, which is cut: replacements come first, and of new papers the lowest ids last."""
        wanted = request.path.rpartition("/")[2]
        found = [paper for paper in self.announced if _is_in(paper, wanted.split("+"))]
        found.sort(key=lambda paper: paper.arxiv_id, reverse=True)
        found.sort(key=lambda paper: _FEED_ORDER.index(paper.announced_as))
        items = [_item(paper, self.announced_on) for paper in found[:FEED_LIMIT]]
        at = _rfc_date(self.announced_on)
        text = (
            "<?xml version='1.0' encoding='UTF-8'?>"
            '<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0">'
            f"<channel><title>{wanted} updates on arXiv.org</title><pubDate>{at}</pubDate>"
            f"<skipDays><day>Saturday</day><day>Sunday</day></skipDays>{''.join(items)}</channel></rss>"
        )
        return web.Response(text=text)

    async def query(self, request: web.BaseRequest) -> web.Response:
        """Return papers by id or title, or of a day in some categories: ten, unless the request says otherwise."""
        if "*/*" not in request.headers["Accept"]:
            return web.Response(status=406)
        start, size = int(request.query.get("start", 0)), int(request.query.get("max_results", 10))
        if size > MAX_RESULTS:
            return web.Response(status=400, text=_error("max_results_must_be_less_than_30000"))
        shown = slice(start, start + min(size, LARGEST_PAGE))
        if "id_list" in request.query:
            ids = request.query["id_list"].split(",")
            if bad := next((name for name in ids if name in self.refused), None):
                return web.Response(status=self.refusal_status, text=_error(f"incorrect_id_format_for_{bad}"))
            known = {paper.arxiv_id: paper.title for paper in (*self.announced, *self.papers)} | self.titles
            return _titles_page([(name, known[name]) for name in ids if name in known], shown)
        if self.faults:
            return self.faults.pop(0)
        query = request.query["search_query"]
        if phrases := re.findall(r'ti:"([^"]+)"', query):
            # arXiv compares stems, in any order; an exact title need not come early.
            known = {paper.arxiv_id: paper.title for paper in self.papers} | self.titles
            wanted = [_stems(phrase) for phrase in phrases]
            found = [row for row in known.items() if any(stems <= _stems(row[1]) for stems in wanted)]
            found.sort(key=lambda row: len(_stems(row[1])), reverse=True)
            return _titles_page(found, shown)
        listed = [name.removesuffix(".*") for name in re.findall(r"cat:([^ )]+)", query)]
        [day] = re.findall(r"submittedDate:\[(\d{8})0000 TO \d{8}2359\]", query)
        on = date.fromisoformat(day)
        of_day = [paper for paper in self.papers if paper.created_on == on and _is_in(paper, listed)]
        if not of_day and not self.has_quiet_days:
            of_day = [make_paper(90_000 + on.day, on, ("physics.optics", listed[0]))]
        self.served.update(paper.arxiv_id for paper in of_day[shown] if paper in self.papers)
        return web.Response(text=search_page(of_day[shown], len(of_day)))


def _error(name: str) -> str:
    error = f"<id>http://arxiv.org/api/errors#{name}</id><title>Error</title>"
    return source_payloads.atom(f"<entry>{error}<summary>{name.replace('_', ' ')}</summary></entry>")


def _titles_page(found: Sequence[tuple[str, str]], shown: slice) -> web.Response:
    entries = "".join(source_payloads.arxiv_entry(name, escape(title)) for name, title in found[shown])
    return web.Response(text=_page(entries, len(found)))


def _stems(title: str) -> set[str]:
    return {re.sub("(?:s|ed|ing)$", "", word) for word in re.findall(r"\w+", title.casefold())}


def _is_in(paper: Paper, wanted: Sequence[str]) -> bool:
    return any(category in wanted or category.partition(".")[0] in wanted for category in paper.categories)


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


def search_page(page: Sequence[Paper], total: int) -> str:
    """Return a page of search results, out of `total`."""
    entries = "".join(
        f"<entry><id>http://arxiv.org/abs/{paper.arxiv_id}v1</id><title>{escape(paper.title)}</title>"
        f"<published>{paper.created_on}T12:00:00Z</published><summary>  {escape(paper.abstract)}\n</summary>"
        + "".join(f"<author><name>{escape(name)}</name></author>" for name in paper.authors)
        + "".join(f'<category term="{name}"/>' for name in paper.categories)
        + "</entry>"
        for paper in page
    )
    return _page(entries, total)


def _page(entries: str, total: int) -> str:
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom"'
        ' xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
        f"<opensearch:totalResults>{total}</opensearch:totalResults>{entries}</feed>"
    )
