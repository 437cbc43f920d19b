"""New papers in arXiv categories, for search and alerts: announcements by RSS, earlier papers by the API.

RSS: one feed for all categories of a source, with the papers of one announcement. It is empty at weekends. It has at most
2,000 items, new papers last, so that one of 2,000 lacks new papers: then each category's own feed is read.
https://info.arxiv.org/help/rss_specifications.html

API: pages of the papers submitted on a day, oldest first. https://info.arxiv.org/help/api/

A day of which papers are missing is a gap: it is named, and read again on each of the next days.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from bot.archive import arxiv_ids, digest_writer, fields, listing, sorting
from bot.sources import arxiv, base, feed_entries
from storage import errors, models
from storage.models import FetchStatus, ReadingReport, Skipped, SkipReason, add_up

SCHEME = "arxiv:"
_MAX_CATEGORIES = 20
_ARCHIVES = (
    *("astro-ph", "cond-mat", "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math-ph", "nlin", "nucl-ex"),
    *("nucl-th", "physics", "quant-ph", "cs", "econ", "eess", "math", "q-bio", "q-fin", "stat"),
)
"""Source: https://arxiv.org/category_taxonomy"""
_UNDIVIDED = ("gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math-ph", "nucl-ex", "nucl-th", "quant-ph")
"""Archives without subjects. They are categories themselves."""
_SUBJECT = re.compile(r"[a-z]{2,}+|[a-z]++-[a-z]+", re.IGNORECASE)
"""Two letters, which arXiv writes in upper case (`CL`), or a word in lower case (`mes-hall`)."""
_ALIASES = {
    "cs.NA": "math.NA",
    "cs.SY": "eess.SY",
    "math.IT": "cs.IT",
    "math.MP": "math-ph",
    "q-fin.EC": "econ.GN",
    "stat.TH": "math.ST",
}
"""Categories with two names, which arXiv lists together. The one on the right is the primary category."""
_MAX_BACK_FILL = timedelta(days=366)
_PAGE_SIZE = 250
"""Papers per API request: pages of papers with thousands of authors stay below the size limit."""
_DAYS_A_POLL = 5
"""Days of a back-fill read per poll. The next poll follows at once."""
_FEED_LIMIT = 2_000
_SETTLED = timedelta(days=4)
"""How long after their submission papers are announced at the latest, if they are not held: over a weekend and a holiday."""
_MAX_TRIES = 7
"""On how many further days a gap is read again."""
_HELD_DAYS = timedelta(days=7)
"""How long arXiv's moderators may hold a submitted paper before its announcement."""
_DAY = timedelta(days=1)
_MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class Progress:
    """A source's progress. Days are ISO dates.

    `announced_on` is the last announcement that was read. The back-fill covers papers submitted from `since`
    to `until` and continues on the day `on`, which is None once it is done. `papers` counts the source's
    papers read so far. `gaps` are days of submission of which papers are missing, each with the number of its readings and
    the day of the last one.
    """

    announced_on: str | None = None
    since: str | None = None
    until: str | None = None
    on: str | None = None
    papers: int = 0
    gaps: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    @classmethod
    def load(cls, stored: Mapping[str, Any] | None) -> Progress:
        """Return a stored progress. Earlier versions also counted `polls`."""
        return cls(**{name: value for name, value in (stored or {}).items() if name != "polls"})

    def fill_from(self, since: date, until: date) -> Progress:
        """Return the progress with these days added to its back-fill."""
        first, last = since.isoformat(), until.isoformat()
        if self.on is None:
            return replace(self, since=first, until=last, on=first, papers=0)
        return replace(self, since=min(first, self.since or first), until=last, on=min(first, self.on))

    def after(self, papers: int, left_on: date | None = None) -> Progress:
        """Return the progress after reading a day that had this number of the source's papers.

        If others are missing, the day is a gap as of the day `left_on`.
        """
        following = (date.fromisoformat(self.on or "") + _DAY).isoformat()
        on = following if following <= (self.until or "") else None
        after = replace(self, on=on, papers=self.papers + papers)
        if left_on is not None:
            return after.leave([self.on or ""], left_on)
        return replace(after, gaps={day: row for day, row in self.gaps.items() if day != self.on})

    def leave(self, days: Iterable[str], today: date) -> Progress:
        """Return the progress with these days as gaps, but for those that were read again often enough."""
        gaps, now = dict(self.gaps), today.isoformat()
        for day in days:
            number, on = gaps.pop(day, (0, ""))
            if number < _MAX_TRIES:
                gaps[day] = number + (on != now), now
        return replace(self, gaps=gaps)

    def list_due(self, today: date) -> list[str]:
        """Return the gaps that were not read today, oldest first."""
        return sorted(day for day, (_, on) in self.gaps.items() if on < today.isoformat())

    @property
    def share(self) -> float:
        """The share of the back-fill's days that have been read."""
        first, last = date.fromisoformat(self.since or ""), date.fromisoformat(self.until or "")
        return 1.0 if self.on is None else (date.fromisoformat(self.on) - first) / (last - first + _DAY)

    def describe(self) -> str:
        """Describe the back-fill, if there is one, and the gaps, for `paperround sources list`."""
        parts = list[str]()
        if self.since:
            state = " done:" if self.on is None else f": {self.share:.0%} read,"
            plural = "" if self.papers == 1 else "s"
            parts.append(f"back-fill{state} {self.papers:,} paper{plural} since {self.since}")
        if days := sorted(self.gaps):
            more = f" and {len(days) - _MAX_NAMED} more days" if len(days) > _MAX_NAMED else ""
            parts.append(f"incomplete, read again daily: {', '.join(days[:_MAX_NAMED])}{more}")
        return "; ".join(parts)


def read_back_fill(progress: Mapping[str, Any] | None) -> Progress | None:
    """Return a source's stored progress if it has a back-fill or gaps."""
    return Progress.load(progress) if progress and (progress.get("since") or progress.get("gaps")) else None


def parse_categories(address: str) -> tuple[str, ...]:
    """Parse the categories and archives in an address such as `arxiv:cs.CL,stat.ML`. Raises UsageError."""
    names = [name.strip() for name in address.removeprefix(SCHEME).split(",")]
    if len(names) > _MAX_CATEGORIES:
        raise errors.UsageError(
            f"{len(names)} arXiv categories are too many for one source; the maximum is {_MAX_CATEGORIES}."
        )
    return tuple(dict.fromkeys(_parse_category(name) for name in names))


def covers(categories: Collection[str], names: Iterable[str]) -> bool:
    """Return whether one of a paper's categories is among these categories, or in one of these archives."""
    return any(name in categories or name.partition(".")[0] in categories for name in names)


def _parse_category(name: str) -> str:
    archive, point, subject = name.partition(".")
    archive = archive.lower()
    if archive not in _ARCHIVES or (point and (archive in _UNDIVIDED or not _SUBJECT.fullmatch(subject))):
        raise errors.UsageError(
            f"{name[:40]!r} is not an arXiv category. Write arxiv:cs.CL, several as arxiv:cs.CL,stat.ML, or a whole arXiv"
            " archive as arxiv:cs; https://arxiv.org/category_taxonomy lists them."
        )
    if not point:
        return archive
    category = f"{archive}.{subject.upper() if len(subject) == 2 else subject.lower()}"
    return _ALIASES.get(category, category)


@dataclass(eq=False)
class ArxivCategories:
    """New papers in some categories, optionally with cross-lists from others and a back-fill from `since`."""

    address: str
    context: base.SourceContext
    with_cross_lists: bool
    since: date | None

    def __post_init__(self) -> None:
        self._categories = parse_categories(self.address)
        self._rss = f"{self.context.arxiv_rss_url.rstrip('/')}/{'+'.join(self._categories)}"
        self._api = self.context.endpoints[models.SourceKind.ARXIV]
        self._reader = arxiv.ArxivReader(self._api, self.context.fetch, self.context.arxiv_throttle)

    async def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Read the announcement and continue the back-fill, or read papers submitted on `request.days`."""
        today = request.now.date()
        progress = Progress.load(request.progress)
        if request.days is not None:
            async for result in self._read_days(request, progress, min(request.days), max(request.days)):
                yield result if request.progress is not None else replace(result, progress=None)
            return
        if request.progress is None and self.since is not None:
            progress = progress.fill_from(max(self.since, today - _MAX_BACK_FILL), today)
        results, progress = await self._read_announcement(request, progress)
        for result in results:
            yield result
        async for result in self._back_fill(request, progress, _DAYS_A_POLL):
            progress = Progress.load(result.progress) if result.progress else progress
            yield result
        for day in progress.list_due(today)[:_DAYS_A_POLL] if progress.on is None else ():
            on = date.fromisoformat(day)
            async for result in self._read_days(replace(request, days=[on]), progress, on, on):
                progress = Progress.load(result.progress) if result.progress else progress
                status = FetchStatus.NOT_YET if result.status is FetchStatus.FAILED else result.status
                yield replace(result, status=status, day=None)

    async def _read_days(
        self, request: base.FetchRequest, progress: Progress, first: date, last: date
    ) -> AsyncIterator[base.FetchResult]:
        """Read some days by themselves: of the source's progress they only change the gaps."""
        span = replace(progress, on=None).fill_from(first, last)
        async for result in self._back_fill(request, span, (last - first).days + 1):
            if result.progress is not None:
                result = replace(result, progress=asdict(replace(progress, gaps=result.progress["gaps"])))
            yield result

    async def _read_announcement(
        self, request: base.FetchRequest, progress: Progress
    ) -> tuple[list[base.FetchResult], Progress]:
        """Return a result for each day in the feed, or one for an empty feed, and the source's new progress."""
        page = await base.get_page(
            self._reader.fetcher,
            self._rss,
            request,
            accept=feed_entries.ACCEPT,
            throttle=self._reader.throttle,
        )
        if isinstance(page, base.FetchResult):
            return [page], progress
        try:
            parsed = await feed_entries.read_document(page)
            entries, is_cut = await self._complete(parsed)
        except base.FetchError as error:
            return [base.failed_result(self._rss, error)], progress
        facts, skipped = sorting.sort_out(entries, lambda entry: self._judge_entry(entry, request))
        listed = await request.find_listed([fact.paper_key for fact in facts])
        today = request.now.date()
        # At times arXiv announces a former batch again, with the date of the day.
        new = [
            fact
            for fact in facts
            if listed.get(fact.paper_key, date.max) >= min(fact.published_on or today, today)
        ]
        by_day = self._by_day(request, new)
        if is_cut:
            on = min(parsed.built_on or today, today)
            note = f"the announcement of {on} has over {_FEED_LIMIT:,} items, of which arXiv gave as many"
            skipped = *skipped, sorting.skip(SkipReason.NOT_READ, note)
            days = (on - _DAY * n for n in range(_SETTLED.days + 1))
            progress = progress.leave((day.isoformat() for day in days), today)
        report = ReadingReport(len(facts), skipped=add_up([*skipped, *parsed.skipped]))
        state = replace(page.page_state, reading=report)
        if not by_day:
            reason = (
                "arXiv announces only papers that this source has; what it left out is read when it announces others"
                if facts
                else "arXiv has announced no new papers in these categories today, which is normal on weekends"
            )
            result = base.FetchResult(
                self.address, FetchStatus.NOT_YET, reason, page_states=(state,), reading=report
            )
            return [replace(result, progress=asdict(progress)) if is_cut else result], progress
        last, newest = progress.announced_on and date.fromisoformat(progress.announced_on), max(by_day)
        progress = replace(progress, announced_on=newest.isoformat())
        if last and _is_weekday_between(last, newest):  # whose announcement was missed
            progress = progress.fill_from(max(last - _HELD_DAYS, today - _MAX_BACK_FILL), today)
        results = [*by_day.values()]
        # Each day's result counts its own papers; the last one also counts what belongs to no day.
        rest = replace(report, kept=len(facts) - len(new) + len(by_day[newest].facts))
        results[-1] = replace(results[-1], page_states=(state,), progress=asdict(progress), reading=rest)
        return results, progress

    async def _complete(self, parsed: feed_entries.Feed) -> tuple[list[feed_entries.FeedEntry], bool]:
        """Return a feed's entries, with those of each category's own feed if it was cut, and whether some are missing still."""
        if not _is_cut(parsed):
            return [*parsed.entries], False
        entries, is_cut = {entry.key: entry for entry in parsed.entries}, len(self._categories) == 1
        for name in self._categories if not is_cut else ():
            url = f"{self.context.arxiv_rss_url.rstrip('/')}/{name}"
            try:
                page = await self._reader.fetcher.get(
                    url, accept=feed_entries.ACCEPT, throttle=self._reader.throttle
                )
                feed = await feed_entries.read_document(page)
            except base.FetchError:
                is_cut = True
            else:
                is_cut |= _is_cut(feed)
                entries = {entry.key: entry for entry in feed.entries} | entries
        return [*entries.values()], is_cut

    async def _back_fill(
        self, request: base.FetchRequest, progress: Progress, days: int
    ) -> AsyncIterator[base.FetchResult]:
        """Continue a back-fill by some days. Each day's last result holds the progress to store.

        A day that arXiv gives in part or not at all is a gap. A poll ends at an error of the service; requested days are
        tried until three fail in a row.
        """
        today = request.now.date()
        failed_in_row, is_after_gap = 0, False
        outage: base.FetchError | None = None
        for _ in range(days):
            if progress.on is None:
                return
            try:
                if outage is not None:
                    raise outage
                submitted, gap, missing = await self._read_day(progress.on, today, is_doubtful=is_after_gap)
            except base.FetchError as error:
                failed_in_row += not error.is_of_page
                if error.retry_at is not None or failed_in_row >= base.MAX_FAILED_IN_ROW:
                    outage = error
                failed = self._fail_day(request, progress.on, error)
                if request.days is None and error.retry_at is not None:
                    # A wait requested by arXiv is not a failure.
                    yield replace(failed, status=FetchStatus.NOT_YET, reading=None, progress=asdict(progress))
                    return
                progress = progress.after(0, today)
                yield replace(failed, progress=asdict(progress))
                if request.days is None and not error.is_of_page:
                    return
                continue
            results, count = self._list_day(request, submitted, gap, missing)
            progress = progress.after(count, today if gap else None)
            failed_in_row, is_after_gap = 0, bool(gap)
            for result in results[:-1]:
                yield result
            yield replace(results[-1], progress=asdict(progress))

    def _fail_day(self, request: base.FetchRequest, on: str, error: base.FetchError) -> base.FetchResult:
        """Return the result for a day that could not be read."""
        reason = f"{on}: {error}"
        unread = ReadingReport(skipped=(sorting.skip(error.skip_reason, reason),))
        day = None if request.days is None else date.fromisoformat(on)
        return replace(base.failed_result(self._api, error), day=day, reason=reason, reading=unread)

    def _list_day(
        self, request: base.FetchRequest, submitted: Iterable[models.PaperFacts], gap: str, missing: int
    ) -> tuple[list[base.FetchResult], int]:
        """Return the results for a day that was read, with a note on its `gap`, and the number of the source's papers."""
        in_categories, skipped = sorting.sort_out(submitted, lambda fact: self._judge(fact, request))
        by_day = self._by_day(request, in_categories)
        facts = tuple(fact for result in by_day.values() for fact in result.facts)
        unread = [sorting.skip(SkipReason.NOT_READ, gap, max(1, missing))] if gap else []
        report = ReadingReport(len(facts), skipped=add_up([*skipped, *unread]))
        # Older papers are never posted.
        recent = request.now.date() - digest_writer.FILL_AGE
        digests = [replace(result, facts=(), reading=None) for on, result in by_day.items() if on >= recent]
        status = FetchStatus.OK if facts else FetchStatus.UNCHANGED
        results = [base.FetchResult(self._api, status, facts=facts), *digests] if facts or not gap else []
        if gap:
            status = FetchStatus.FAILED if missing else FetchStatus.NOT_YET
            results.append(base.FetchResult(self._api, status, gap))
        return [replace(results[0], reading=report), *results[1:]], len(facts)

    async def _read_day(
        self, on: str, today: date, *, is_doubtful: bool
    ) -> tuple[list[models.PaperFacts], str, int]:
        """Return the papers submitted on a day, a note if some are missing, and how many more arXiv counts. Raises FetchError.

        arXiv's answers are at times empty. So the papers of a weekday without any count as missing, unless it is too new, and so
        do those of any empty day after an incomplete one (`is_doubtful`).
        """
        compact = on.replace("-", "")
        listed = " OR ".join(
            f"cat:{name}" if "." in name or name in _UNDIVIDED else f"cat:{name}.*"
            for name in self._categories
        )
        query = {
            "search_query": f"({listed}) AND submittedDate:[{compact}0000 TO {compact}2359]",
            "sortBy": "submittedDate",
            "sortOrder": "ascending",
        }
        facts, missing = await self._reader.search(query, _PAGE_SIZE)
        gap = ""
        if missing:
            gap = f"arXiv gave {len(facts):,} of the {len(facts) + missing:,} papers that it counts on {on}"
        elif not facts and (day := date.fromisoformat(on)) < today - _SETTLED:
            is_gap = is_doubtful or day.isoweekday() < 6
            gap = f"arXiv gave no paper of {on}, a {day:%A}" if is_gap else ""
        return facts, gap, missing

    def _judge_entry(
        self, entry: feed_entries.FeedEntry, request: base.FetchRequest
    ) -> models.PaperFacts | Skipped:
        """Return what an announcement says of a new paper of the source's categories, or why it is left out."""
        if entry.is_replacement:
            return sorting.skip(SkipReason.NEW_VERSION, entry.title)
        facts = arxiv.read_facts(entry, self._rss, request.now)
        return self._judge(facts, request) if facts else sorting.skip(SkipReason.NO_ID, entry.title)

    def _judge(self, fact: models.PaperFacts, request: base.FetchRequest) -> models.PaperFacts | Skipped:
        """Return a paper of the source's categories, or why it is left out."""
        counted = None if self.with_cross_lists else 1  # the first category is the primary one
        if not covers(self._categories, fact.categories[:counted]):
            return sorting.skip(SkipReason.OTHER_CATEGORY, fact.title)
        if not arxiv_ids.is_possible(fact.paper_key, request.now.date()):
            return sorting.skip(SkipReason.NO_ID, fact.paper_key)
        return fact

    def _by_day(
        self, request: base.FetchRequest, facts: Iterable[models.PaperFacts]
    ) -> dict[date, base.FetchResult]:
        """Return a result for each day of announcement (RSS) or submission (API), oldest first.

        Each result has a digest with the papers' ids, and facts with all other data.
        """
        today = request.now.date()
        groups: dict[date, list[models.PaperFacts]] = {}
        for fact in facts:
            on = min(fact.published_on or today, today)
            groups.setdefault(on, []).append(replace(fact, published_on=on, listed_on=on))
        days = {}
        for on, group in sorted(groups.items()):
            papers = [{"key": of.paper_key} for of in group]
            digest = listing.build(on, papers, form=models.DigestFormat.LOOKUP)
            days[on] = base.FetchResult(
                f"{self.address}/{on}",
                FetchStatus.OK,
                digests=(digest,),
                facts=tuple(group),
                reading=ReadingReport(len(group)),
            )
        return days


def _is_weekday_between(first: date, last: date) -> bool:
    return any((first + _DAY * n).isoweekday() < 6 for n in range(1, min((last - first).days, 8)))


def _is_cut(feed: feed_entries.Feed) -> bool:
    return len(feed.entries) + sum(row.number for row in feed.skipped) >= _FEED_LIMIT


def check_options(address: str, options: Mapping[str, object], today: date) -> None:
    """Raise UsageError for an invalid or future `since`, and for options the address does not support."""
    if not address.startswith(SCHEME) and options.keys() & {"since", "cross_lists"}:
        raise errors.UsageError(
            "--since and --cross-lists are for arXiv categories such as arxiv:cs.CL. For other sources, use `paperround"
            " sources fetch --since`."
        )
    if since := options.get("since"):
        with suppress(ValueError):
            if date.fromisoformat(str(since)) <= today:
                return
        raise errors.UsageError(f"--since {since} is not a day up to {today}. Example: 2025-01-31.")


def _open(address: str, options: Mapping[str, object], context: base.SourceContext) -> ArxivCategories:
    since = fields.clean_date(options.get("since"))
    return ArxivCategories(
        address, context, with_cross_lists=options.get("cross_lists") == "yes", since=since
    )


KIND = base.KindRecord(
    kind=models.SourceKind.ARXIV,
    matches=lambda address, _: address.startswith(SCHEME),
    check=parse_categories,
    open=_open,
    poll_interval=timedelta(minutes=30),
    is_for_lookup=True,
)
