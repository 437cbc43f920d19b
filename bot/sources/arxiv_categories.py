"""The new papers of arXiv categories: each announcement by RSS, earlier papers by OAI-PMH. They are for search and alerts.

RSS: a feed for each category has the papers of one announcement, none at weekends.
https://info.arxiv.org/help/rss_specifications.html
OAI-PMH: lists of a thousand papers and more, each with a token for the next. A paper's datestamp there is the day of its
last change, so a list from a day on has all papers submitted since, among older ones. https://info.arxiv.org/help/oa/
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pydantic

from bot.archive import arxiv_ids, digest_writer, fields, listing
from bot.sources import arxiv, base, feed
from storage import errors, models
from storage.models import FetchStatus

SCHEME = "arxiv:"
_MAX_CATEGORIES = 20
_GROUPS = {
    "physics": (
        *("astro-ph", "cond-mat", "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math-ph", "nlin"),
        *("nucl-ex", "nucl-th", "physics", "quant-ph"),
    ),
    **{name: (name,) for name in ("cs", "econ", "eess", "math", "q-bio", "q-fin", "stat")},
}
"""The archives of each set of OAI-PMH. Source: https://arxiv.org/category_taxonomy"""
_SUBJECTS = {
    "astro-ph": "CO EP GA HE IM SR",
    "cond-mat": "dis-nn mes-hall mtrl-sci other quant-gas soft stat-mech str-el supr-con",
    "cs": (
        "AI AR CC CE CG CL CR CV CY DB DC DL DM DS ET FL GL GR GT HC IR IT LG LO MA MM MS NA NE NI OH OS PF PL RO SC SD SE SI"
        " SY"
    ),
    "econ": "EM GN TH",
    "eess": "AS IV SP SY",
    "math": "AC AG AP AT CA CO CT CV DG DS FA GM GN GR GT HO IT KT LO MG MP NA NT OA OC PR QA RA RT SG SP ST",
    "nlin": "AO CD CG PS SI",
    "physics": (
        "acc-ph ao-ph app-ph atm-clus atom-ph bio-ph chem-ph class-ph comp-ph data-an ed-ph flu-dyn gen-ph geo-ph hist-ph ins-det"
        " med-ph optics plasm-ph pop-ph soc-ph space-ph"
    ),
    "q-bio": "BM CB GN MN NC OT PE QM SC TO",
    "q-fin": "CP EC GN MF PM PR RM ST TR",
    "stat": "AP CO ME ML OT TH",
}
"""The subjects of the archives that have any. Source: https://arxiv.org/category_taxonomy"""
_ALIASES = {
    "cs.NA": "math.NA",
    "cs.SY": "eess.SY",
    "math.IT": "cs.IT",
    "math.MP": "math-ph",
    "q-fin.EC": "econ.GN",
    "stat.TH": "math.ST",
}
"""Categories with two names: arXiv gives papers both, the one on the right as their primary category."""
_FIRST_DAY = date(1991, 7, 1)

MAX_ANSWER_BYTES = 20_000_000
"""Of one answer of OAI-PMH, which has a thousand papers and more."""
_PACKING_LEVEL = 1
MAX_STORED_ANSWER = 4_000_000
"""Characters of an answer that is stored until its papers are: each list of the sources reads it. One of 2,000 papers has two
million; a larger one is asked for again by the process after one that dies."""
_ANNOUNCED = ("new", "cross")
_MAX_TRIES = 5
"""Waits in a row that arXiv may ask for, and tokens that may expire without any progress, in one run."""
_MAX_TOKEN_FAILURES = 3
"""Runs in a row that may fail with a token before the list is asked for again."""
_MOST_RECORDS = 10_000_000
"""More than arXiv has; a list that says how many records it has ends at twice as many."""
_FEED_INTERVAL = timedelta(minutes=30)
_BACK_FILL = "back-fill"
"""The key in `Progress.feeds_due` of OAI-PMH, if it asks for a longer wait: the feeds are asked for meanwhile."""
_MAX_WAIT = timedelta(days=1)
"""What the fetcher believes of a Retry-After. A later time was stored while the clock was ahead."""
_NEW_YORK = ZoneInfo("America/New_York")
_HELD_DAYS = 7
"""Days between the submission of a paper and its announcement, if arXiv's moderators hold it."""
_DELAY_DAYS = 14
"""A paper that was not revised since, and whose record changed in this time, was announced on the day of that change."""


class ExpiredTokenError(base.FetchError):
    """The token of a list is not known any more: the list must be asked for again."""


class EmptyListError(base.FetchError):
    """No record matches, or the set is not known."""


_ERRORS = {
    "badResumptionToken": ExpiredTokenError,
    "noRecordsMatch": EmptyListError,
    "noSetHierarchy": EmptyListError,
}


class Record(NamedTuple):
    """A paper in an answer of arXiv, its primary category first.

    `on` is the day of its announcement in RSS, of its last change in OAI-PMH; `created_on` that of the first version.
    `announced_as`: new, cross, replace or replace-cross in RSS.
    """

    arxiv_id: str
    title: str | None
    abstract: str | None
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    on: date | None
    announced_as: str = ""
    created_on: date | None = None
    is_revised: bool = False


class RecordList(NamedTuple):
    """The papers of one answer of OAI-PMH, the token of the next one, and the number in all answers if it is given."""

    records: tuple[Record, ...]
    token: str | None
    size: int | None
    last_on: date | None
    """The datestamp of the last record if they ascend: then all before it are read."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a source has come. Days are ISO dates.

    `announced_on` is the last announcement of each category that was read. Papers first submitted from `since` to `until`
    are read by OAI-PMH: those of the first of `sets` from `resume_on` on, or at `token` if there is one. `read` records of
    `size` are read, of which `papers` are the source's. `gap_on`: the announcements since that day are still to be read.
    `is_ordered`: the records of the set came by datestamp so far, so its list can be asked for again from `resume_on` on.
    `answer`: the last answer, packed, until its papers are stored: a process that dies meanwhile does not ask again.
    `failures`: runs in a row that ended with an error other than a wait. `feeds_due`: when the feed of each category is to be
    asked again (ISO, UTC): once its announcement of the day is read, after midnight in New York; also when OAI-PMH is.
    """

    announced_on: Mapping[str, str] = field(default_factory=dict)
    since: str | None = None
    until: str | None = None
    sets: Sequence[str] = ()
    start_on: str | None = None
    resume_on: str | None = None
    token: str | None = None
    read: int = 0
    size: int | None = None
    papers: int = 0
    gap_on: str | None = None
    is_ordered: bool = True
    answer: str | None = None
    failures: int = 0
    feeds_due: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return asdict(self) | {"sets": list(self.sets)}

    def begin(self, sets: Sequence[str], start: str, since: str, until: str | None = None) -> Progress:
        """Return the progress at the start of a back-fill."""
        announced, due = self.announced_on, self.feeds_due
        return Progress(announced, since, until, sets, start, start, gap_on=self.gap_on, feeds_due=due)

    def widened(self, sets: Sequence[str], since: str, until: str | None) -> Progress:
        """Return the progress of a back-fill of these days, and of those that one in progress is to read."""
        if self.sets:
            since = min(since, self.since or since)
            until = until and self.until and max(until, self.until)
        is_known = (since, until) == (self.since, self.until)
        return self if is_known else self.begin(sets, since, since, until)

    def after(self, page: RecordList, papers: int) -> Progress:
        """Return the progress after one answer of OAI-PMH."""
        read, papers = self.read + len(page.records), self.papers + papers
        size = self.size if page.size is None or self.token else (self.size or 0) + page.size
        is_ordered = page.token is None or (self.is_ordered and page.last_on is not None)
        resume_on = self.start_on
        if page.token is not None and is_ordered and page.last_on is not None:
            resume_on = page.last_on.isoformat()
        return replace(
            self,
            sets=self.sets if page.token is not None else self.sets[1:],
            resume_on=resume_on,
            token=page.token,
            read=read,
            size=size,
            papers=papers,
            is_ordered=is_ordered,
            answer=None,
            failures=0,
        )

    def after_failure(self) -> Progress:
        """Return the progress after a run that failed. Not every mirror says that it does not know a token any more."""
        failures = self.failures + 1
        return replace(self, failures=failures, token=self.token if failures < _MAX_TOKEN_FAILURES else None)


def read_back_fill(progress: Mapping[str, Any]) -> base.BackFill | None:
    """Return how far a back-fill is, from the stored progress; None if there was none."""
    if progress.get("since") is None:
        return None
    is_last = len(progress["sets"]) == 1  # the others have not said yet how many records they have
    size = progress["size"] if is_last else None
    return base.BackFill(
        progress["since"], progress["papers"], progress["read"], size, is_done=not progress["sets"]
    )


def parse_categories(address: str) -> tuple[str, ...]:
    """Return the categories and archives of an address such as `arxiv:cs.CL,stat.ML`. Raises UsageError."""
    names = [name.strip() for name in address.removeprefix(SCHEME).split(",")]
    if len(names) > _MAX_CATEGORIES:
        raise errors.UsageError(
            f"{len(names)} arXiv categories are too many for one source; the maximum is {_MAX_CATEGORIES}."
        )
    return tuple(dict.fromkeys(_parse_category(name) for name in names))


def _parse_category(name: str) -> str:
    archive, point, subject = name.partition(".")
    archive = archive.lower()
    is_known = any(archive in archives for archives in _GROUPS.values())
    by_key = {known.lower(): known for known in _SUBJECTS.get(archive, "").split()}
    if not is_known or (point and subject.lower() not in by_key):
        raise errors.UsageError(
            f"{name[:40]!r} is not an arXiv category. Write arxiv:cs.CL, several as arxiv:cs.CL,stat.ML, or a whole arXiv"
            " archive as arxiv:cs; https://arxiv.org/category_taxonomy lists them."
        )
    if not point:
        return archive
    category = f"{archive}.{by_key[subject.lower()]}"
    return _ALIASES.get(category, category)


def _set_of(category: str) -> str:
    """Return the set of a category or archive in OAI-PMH: `cs:cs:CL`, `physics:hep-th`, `cs`."""
    archive, _, subject = category.partition(".")
    group = next(name for name, archives in _GROUPS.items() if archive in archives)
    if subject:
        return f"{group}:{archive}:{subject}"
    return group if archive == group and group != "physics" else f"{group}:{archive}"


def _parse_xml(text: str) -> ElementTree.Element:
    """Return the root of an answer, which may not declare entities. Raises FetchError."""
    if "<!ENTITY" in text or "<!DOCTYPE" in text:
        raise base.FetchError("its XML has a document type or entities of its own, which are not read")
    try:
        # It is decoded already, so the declaration must not name another charset.
        return ElementTree.fromstring(feed.XML_DECLARATION.sub("", text, count=1))  # noqa: S314 - it declares no entities
    except (ElementTree.ParseError, ValueError) as error:
        raise base.FetchError(f"its XML is broken: {error}") from None


def _text(element: ElementTree.Element, name: str) -> str:
    return element.findtext(f"{{*}}{name}") or ""


def parse_announcement(text: str) -> tuple[date | None, tuple[Record, ...]]:
    """Return the day of a feed and its papers. Raises FetchError for other text.

    The day is that of the announcement in New York, as the feed writes it.
    """
    root = _parse_xml(text)
    channel = root.find("{*}channel")
    if channel is None:
        raise base.FetchError(feed.NOT_A_FEED)
    records = filter(None, map(_parse_item, root.iterfind(".//{*}item")))
    return _parse_rfc_date(_text(channel, "pubDate")), tuple(records)


def _parse_item(item: ElementTree.Element) -> Record | None:
    key = _text(item, "guid").removeprefix("oai:arXiv.org:")[:500]
    arxiv_id = arxiv_ids.extract_arxiv_id(key) or arxiv_ids.extract_arxiv_id(_text(item, "link")[:500])
    if arxiv_id is None:
        return None
    creators = [part.text or "" for part in item.iterfind("{*}creator")]
    names = creators[0].split(", ") if len(creators) == 1 else creators
    return Record(
        arxiv_id,
        fields.clean_line(_text(item, "title")),
        fields.clean_paragraph(feed.ARXIV_ABSTRACT_PREFIX.sub("", _text(item, "description").strip())),
        fields.clean_names(names),
        fields.clean_labels(part.text for part in item.iterfind("{*}category")),
        _parse_rfc_date(_text(item, "pubDate")),
        announced_as=_text(item, "announce_type").strip().lower(),
    )


def _parse_rfc_date(text: str | None) -> date | None:
    try:
        return parsedate_to_datetime((text or "")[:100]).date()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def parse_record_list(text: str, since: str = "") -> RecordList:
    """Return the papers of an answer to ListRecords; deleted ones are left out. Raises FetchError, also for its errors.

    `since` is the ISO date up to which the answers before it were read.
    """
    root = _parse_xml(text)
    if (error := root.find("{*}error")) is not None:
        code = error.get("code", "")
        kind = _ERRORS.get(code, base.FetchError)
        raise kind(f"it reports an error: {code[:40]} {(error.text or '').strip()[:200]}")
    if (found := root.find("{*}ListRecords")) is None:
        raise base.FetchError("its response is not an OAI-PMH list")
    elements = found.findall("{*}record")
    stamps = [since, *(_text(element, "header/{*}datestamp")[:10] for element in elements)]
    is_ascending = all(former <= stamp for former, stamp in itertools.pairwise(stamps))
    token = _text(found, "resumptionToken").strip()[:4_000] or None
    end = found.find("{*}resumptionToken")
    total = "" if end is None else end.get("completeListSize", "")
    size = int(total) if total.isascii() and total.isdigit() and len(total) < 10 else None
    records = tuple(filter(None, map(_parse_record, elements)))
    return RecordList(records, token, size, fields.clean_date(stamps[-1]) if is_ascending else None)


def _parse_record(record: ElementTree.Element) -> Record | None:
    paper = record.find("{*}metadata/{*}arXiv")
    arxiv_id = arxiv_ids.extract_arxiv_id(_text(paper, "id").strip()[:100]) if paper is not None else None
    if paper is None or arxiv_id is None:
        return None
    return Record(
        arxiv_id,
        fields.clean_line(_text(paper, "title")),
        fields.clean_paragraph(_text(paper, "abstract")),
        fields.clean_names(
            " ".join(_text(author, part) for part in ("forenames", "keyname", "suffix"))
            for author in paper.iterfind("{*}authors/{*}author")
        ),
        fields.clean_labels(_text(paper, "categories").split()),
        fields.clean_date(_text(record, "header/{*}datestamp").strip()[:10]),
        created_on=fields.clean_date(_text(paper, "created").strip()),
        is_revised=bool(_text(paper, "updated").strip()),
    )


_Announcement = tuple[date | None, tuple[Record, ...]]
_ANNOUNCEMENT = pydantic.TypeAdapter[_Announcement](_Announcement)
_RECORD_LIST = pydantic.TypeAdapter(RecordList)


def _read_announcement(body: bytes, charset_name: str | None) -> _Announcement:
    return parse_announcement(base.decode_text(body, charset_name))


def _read_record_list(body: bytes, since: str) -> RecordList:
    return parse_record_list(base.decode_text(body), since)


class ArxivCategories:
    """New papers of the categories at an address, with cross-lists from others if `with_cross_lists`, and since a day."""

    def __init__(
        self,
        address: str,
        context: base.SourceContext,
        *,
        with_cross_lists: bool = False,
        since: date | None = None,
    ) -> None:
        self._address = address
        self._categories = parse_categories(address)
        self._with_cross_lists = with_cross_lists
        self._since = since
        self._fetcher = context.fetch
        self._throttle = context.throttles[models.SourceKind.ARXIV]
        self._rss, self._oai = context.arxiv_rss_url.rstrip("/"), context.arxiv_oai_url

    async def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Read the announcement, then continue the back-fill. With `request.days`, these are filled instead."""
        progress = Progress() if request.progress is None else Progress(**request.progress)
        today = request.now.date()
        if request.progress is None and self._since is not None:
            since = self._since.isoformat()
            progress = progress.begin(self._sets(), since, since)
        if request.days is None:
            results, progress = await self._read_announcement(request, progress)
            for result in results:
                yield result
        else:
            until = max(request.days).isoformat() if max(request.days) < today else None
            progress = progress.widened(self._sets(), min(request.days).isoformat(), until)
        is_waiting = request.max_seconds is not None and request.now.isoformat() < progress.feeds_due.get(
            _BACK_FILL, ""
        )
        if progress.sets and request.max_seconds != 0 and not is_waiting:
            async for result in self._harvest(request, progress):
                yield result

    def _sets(self) -> list[str]:
        return list(dict.fromkeys(map(_set_of, self._categories)))

    def _is_listed(self, category: str) -> bool:
        return category in self._categories or category.partition(".")[0] in self._categories

    def _is_own(self, record: Record) -> bool:
        """Whether a paper is one of the source: by its primary category, or by any with cross-lists."""
        return any(map(self._is_listed, record.categories[: None if self._with_cross_lists else 1]))

    def _is_announced(self, record: Record) -> bool:
        if not record.announced_as:  # a mirror may not say it
            return self._is_own(record)
        return record.announced_as in _ANNOUNCED[: 2 if self._with_cross_lists else 1]

    async def _read_announcement(
        self, request: base.FetchRequest, progress: Progress
    ) -> tuple[list[base.FetchResult], Progress]:
        """Return the results of the categories' feeds that are due, a day's papers in one, and the progress after it.

        The poll that continues a back-fill comes at once, and does not ask for the same feeds again.
        """
        failed: list[base.FetchResult] = []
        states: list[models.PageState] = []
        by_day: dict[date, dict[str, Record]] = {}
        read_on: dict[str, date] = {}
        empty_on: dict[str, date] = {}
        is_unchanged = True
        today, in_new_york = request.now.date(), request.now.astimezone(_NEW_YORK)
        midnight = datetime.combine(in_new_york.date() + timedelta(days=1), datetime.min.time(), _NEW_YORK)
        # A later time was stored while the clock was ahead.
        latest = (midnight + _FEED_INTERVAL).astimezone(UTC).isoformat()
        latest_by_name = {_BACK_FILL: (request.now + _MAX_WAIT).isoformat()}
        feeds_due = {
            name: due for name, due in progress.feeds_due.items() if due <= latest_by_name.get(name, latest)
        }
        for category in self._categories:
            if request.max_seconds and request.now.isoformat() < feeds_due.get(category, ""):
                continue
            feeds_due[category] = (request.now + _FEED_INTERVAL).isoformat()
            location = f"{self._rss}/{category}"
            try:
                page = await self._fetcher.get(
                    location, request.known(location), accept=feed.ACCEPT, throttle=self._throttle
                )
                if page.body is None:
                    states.append(page.page_state)
                    continue
                is_unchanged = False
                is_large = len(page.body) >= base.LARGE_BYTES
                day, records = await base.parse_apart(
                    _ANNOUNCEMENT.validate_python,
                    _read_announcement,
                    page.body,
                    page.charset,
                    is_large=is_large,
                )
                states.append(page.page_state)
            except base.FetchError as error:
                result = base.failed_result(location, error, request)
                failed.append(replace(result, reason=base.clean_reason(f"{category}: {error.reason}")))
                continue
            if records and day is not None and day >= in_new_york.date():
                feeds_due[category] = midnight.astimezone(UTC).isoformat()
            if not records and day is not None:
                empty_on[category] = day
            for record in records:
                on = min(record.on or day or today, today)
                read_on[category] = max(on, read_on.get(category, on))
                if self._is_announced(record) and arxiv_ids.is_possible(record.arxiv_id, today):
                    by_day.setdefault(on, {}).setdefault(record.arxiv_id, record)
        results = [
            self._to_day(on, [_to_facts(of, self._rss, request.now, on) for of in records.values()])
            for on, records in sorted(by_day.items())
        ]
        progress = replace(progress, feeds_due=feeds_due)
        # A category without new papers is empty while others are not; if all are, an announcement may be late.
        full_on = set(read_on.values())
        read_on |= {category: on for category, on in empty_on.items() if on in full_on}
        progress = self._mark_announced(progress, read_on, today)
        if not results:
            status = FetchStatus.UNCHANGED if is_unchanged else FetchStatus.NOT_YET
            none = "arXiv has announced no new papers in these categories today, which is normal on weekends"
            reason = "" if is_unchanged else none
            results = [] if failed and is_unchanged else [base.FetchResult(self._address, status, reason)]
        if results:
            results[-1] = replace(results[-1], page_states=tuple(states), progress=progress.to_json())
        return results + failed, progress

    def _mark_announced(self, progress: Progress, read_on: Mapping[str, date], today: date) -> Progress:
        """Note the announcement of each category. If one missed others since its last, they are read by OAI-PMH."""
        # A later day was stored while the clock was ahead.
        announced = {name: on for name, on in progress.announced_on.items() if on <= today.isoformat()}
        missed: list[str] = []
        for category, on in read_on.items():
            last = date.fromisoformat(announced.get(category, on.isoformat()))
            between = (last + timedelta(days=n) for n in range(1, min((on - last).days, 8)))
            if any(day.isoweekday() < 6 for day in between):  # its feeds are empty at weekends
                missed.append(last.isoformat())
            announced[category] = max(on, last).isoformat()
        progress = replace(progress, announced_on=announced)
        if missed:
            # A back-fill in progress may be past them.
            progress = replace(progress, gap_on=min([*missed, progress.gap_on or missed[0]]))
            progress = progress if progress.sets else self._begin_gap(progress)
        return progress

    def _begin_gap(self, progress: Progress) -> Progress:
        start = progress.gap_on or ""
        since = date.fromisoformat(start) - timedelta(days=_HELD_DAYS)
        return replace(progress, gap_on=None).begin(self._sets(), start, since.isoformat())

    async def _harvest(
        self, request: base.FetchRequest, progress: Progress
    ) -> AsyncIterator[base.FetchResult]:
        """Continue a back-fill, for `request.max_seconds`. Each answer's last result has the progress to be stored with it."""
        started = time.monotonic()
        tries: Counter[str] = Counter()
        while progress.sets:
            try:
                if progress.answer is None:
                    answer = await self._request_list(progress)
                    progress = replace(progress, answer=answer)
                    if len(answer) <= MAX_STORED_ANSWER:
                        yield base.FetchResult(self._oai, FetchStatus.UNCHANGED, progress=progress.to_json())
                page = await _read_next(await asyncio.to_thread(_unpack, progress), progress)
            except base.FetchError as error:
                progress = replace(progress, answer=None)
                recovered = await self._recover(error, progress, request, tries)
                if isinstance(recovered, base.FetchResult):
                    if error.retry_at is None:
                        progress = progress.after_failure()
                    elif recovered.retry_at is None:
                        due = {**progress.feeds_due, _BACK_FILL: error.retry_at.isoformat()}
                        progress = replace(progress, feeds_due=due)
                    yield replace(recovered, progress=progress.to_json())
                    return
                progress = recovered
                continue
            results = await asyncio.to_thread(self._to_results, page, progress, request)
            own = len(results[0].facts)
            former, progress = progress, progress.after(page, own)
            tries["waits"] = 0
            if (former.sets, former.resume_on) != (progress.sets, progress.resume_on):
                tries["restarts"] = 0
            if not progress.sets and progress.gap_on:
                progress = self._begin_gap(progress)
            is_over = request.max_seconds is not None and time.monotonic() - started >= request.max_seconds
            results[-1] = replace(
                results[-1], progress=progress.to_json(), is_unfinished=bool(progress.sets) and is_over
            )
            del page
            for result in results:
                yield result
            del results
            if is_over:
                return

    async def _recover(
        self, error: base.FetchError, progress: Progress, request: base.FetchRequest, tries: Counter[str]
    ) -> Progress | base.FetchResult:
        """Return the progress with which to ask again after an error, or the result that ends the run. May wait before."""
        if isinstance(error, EmptyListError):  # perhaps a mirror without sets of categories
            group = progress.sets[0].partition(":")[0]
            others = [name for name in progress.sets[1:] if name.partition(":")[0] != group]
            return replace(progress, sets=[group, *others])
        if isinstance(error, ExpiredTokenError) and progress.token is not None:
            tries["restarts"] += 1
            if tries["restarts"] <= _MAX_TRIES:
                return replace(progress, token=None)
        if error.retry_at is None:
            return base.failed_result(self._oai, error, request)
        tries["waits"] += 1
        if request.max_seconds is None and tries["waits"] <= _MAX_TRIES:
            await self._fetcher.wait_until(error.retry_at)
            return progress
        reason = f"arXiv asks us to wait until {error.retry_at:%Y-%m-%d %H:%M} UTC: {error.reason}"
        if request.max_seconds is not None and error.retry_at - request.now > _FEED_INTERVAL:
            return base.FetchResult(self._oai, FetchStatus.NOT_YET, reason)
        return base.FetchResult(
            self._oai, FetchStatus.NOT_YET, reason, retry_at=error.retry_at, is_unfinished=True
        )

    async def _request_list(self, progress: Progress) -> str:
        """Return the next answer of OAI-PMH, packed. Raises FetchError."""
        if progress.token is not None:
            query = {"verb": "ListRecords", "resumptionToken": progress.token}
        else:
            query = {"verb": "ListRecords", "metadataPrefix": "arXiv", "set": progress.sets[0]}
            query["from"] = progress.resume_on or ""
        url = f"{self._oai}{'&' if '?' in self._oai else '?'}{urlencode(query, safe=':')}"
        response = await self._fetcher.get(
            url, accept="text/xml", throttle=self._throttle, max_bytes=MAX_ANSWER_BYTES
        )
        body = response.body or b""
        if b"<ListRecords" not in body:
            await _read_next(body, progress)
        return await asyncio.to_thread(_pack, body)

    def _to_results(
        self, page: RecordList, progress: Progress, request: base.FetchRequest
    ) -> list[base.FetchResult]:
        """Return the facts of an answer's papers, then the recent days among them: no post takes older ones."""
        today = request.now.date()
        by_day: dict[date, list[models.PaperFacts]] = {}
        for record in page.records:
            created = record.created_on or record.on
            is_paper = arxiv_ids.is_possible(record.arxiv_id, today) and self._is_own(record)
            if created is None or not is_paper:
                continue
            if (progress.since or "") <= created.isoformat() <= (progress.until or "9999"):
                on = min(_announced_on(record, created), today)
                by_day.setdefault(on, []).append(_to_facts(record, self._oai, request.now, on))
        facts = tuple(of for group in by_day.values() for of in group)
        status = FetchStatus.OK if facts else FetchStatus.UNCHANGED
        recent = today - timedelta(days=digest_writer.FILL_AGE_DAYS)
        days = [self._to_day(on, group) for on, group in sorted(by_day.items()) if on >= recent]
        return [base.FetchResult(self._oai, status, facts=facts), *(replace(day, facts=()) for day in days)]

    def _to_day(self, on: date, facts: Sequence[models.PaperFacts]) -> base.FetchResult:
        """Return the papers of a day: a digest of their ids, and their facts, which say all the rest."""
        ids = [{"arxiv_id": of.arxiv_id} for of in facts]
        digest = listing.build(on, ids, form=models.DigestFormat.LOOKUP)
        location = f"{self._address}/{on}"
        return base.FetchResult(location, FetchStatus.OK, digests=(digest,), facts=tuple(facts))


def _pack(body: bytes) -> str:
    return base64.b64encode(zlib.compress(body, _PACKING_LEVEL)).decode("ascii")


def _unpack(progress: Progress) -> bytes:
    return zlib.decompress(base64.b64decode(progress.answer or ""))


async def _read_next(body: bytes, progress: Progress) -> RecordList:
    """Return the records of the next answer. Raises FetchError, EmptyListError if the set may not be known."""
    try:
        is_large, since = len(body) >= base.LARGE_BYTES, progress.resume_on or ""
        page = await base.parse_apart(
            _RECORD_LIST.validate_python, _read_record_list, body, since, is_large=is_large
        )
    except EmptyListError:
        if progress.token is None and ":" in progress.sets[0]:
            raise
        page = RecordList((), None, 0, None)
    is_end = progress.token is not None and not page.records and page.token is None
    if is_end and progress.read < (progress.size or 0):
        raise ExpiredTokenError("its list ended before it had sent all the records it announced")
    if page.token is not None and page.token == progress.token:
        raise base.FetchError("its list does not continue: it returned the same token twice")
    if page.token is not None and progress.read > 2 * (progress.size or _MOST_RECORDS):
        raise base.FetchError(f"its list does not end: it has sent {progress.read:,} records")
    return page


def _announced_on(record: Record, created: date) -> date:
    """Return the day of a paper's announcement as well as OAI-PMH says it, else that of its first version."""
    if record.is_revised or record.on is None or not 0 <= (record.on - created).days <= _DELAY_DAYS:
        return created
    return record.on


def _to_facts(record: Record, location: str, read_at: datetime, on: date) -> models.PaperFacts:
    return models.PaperFacts(
        arxiv_id=record.arxiv_id,
        source=models.SourceKind.ARXIV.value,
        location=location,
        read_at=read_at,
        title=record.title,
        authors=record.authors,
        abstract=record.abstract,
        categories=record.categories,
        published_on=record.created_on or on,
        listed_on=on,
    )


def check_options(address: str, options: Mapping[str, object], today: date) -> None:
    """Raise UsageError for a day since which no paper can be asked for, and for options of categories at another address."""
    if not address.startswith(SCHEME) and options.keys() & {"since", "cross_lists"}:
        raise errors.UsageError(
            "--since and --cross-lists are for arXiv categories such as arxiv:cs.CL. For other sources, use `paperround"
            " sources fetch --since`."
        )
    if since := options.get("since"):
        with suppress(ValueError):
            if _FIRST_DAY <= date.fromisoformat(str(since)) <= today:
                return
        raise errors.UsageError(
            f"--since {since} is not a day from {_FIRST_DAY} to today. Example: 2025-01-31."
        )


def _open(address: str, options: Mapping[str, object], context: base.SourceContext) -> ArxivCategories:
    since = fields.clean_date(options.get("since"))
    return ArxivCategories(
        address, context, with_cross_lists=options.get("cross_lists") == "yes", since=since
    )


KIND = base.KindRecord(
    kind=models.SourceKind.ARXIV,
    scheme=SCHEME,
    matches=lambda address, _: address.startswith(SCHEME),
    check=parse_categories,
    open=_open,
    read_back_fill=read_back_fill,
    poll_interval=_FEED_INTERVAL,
    is_for_lookup=True,
    seconds_per_request=arxiv.KIND.seconds_per_request,
)
