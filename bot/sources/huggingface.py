"""Hugging Face's daily papers: votes, authors, titles, abstracts, keywords and links of a day's papers. No digests.

Its address is `{endpoint}/api/daily_papers?date=YYYY-MM-DD`, a JSON list; days are counted in UTC and a day's list
grows until it is over.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bot.digests.elements import arxiv_id
from bot.sources import base, sanitize
from bot.sources.http import charset, errors, fetcher
from storage import models

NAME = "huggingface"
"""The name under which its facts and votes are kept."""

_VOTE_REFRESH_DAYS = (1, 3, 7)
_MAX_PAPERS = 1_000


class HuggingFaceSource:
    """The daily papers of one endpoint. A place is the address of a day's list."""

    def __init__(self, endpoint: str, fetch: fetcher.Fetcher) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._fetcher = fetch

    def daily_papers_url(self, day: date) -> str:
        """Return where the list of that day is."""
        return f"{self._endpoint}/api/daily_papers?date={day.isoformat()}"

    async def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Ask for each day that is due: those of the visit, else today and the days whose votes are to be read again."""
        today = request.now.astimezone(UTC).date()
        failures_in_a_row = 0
        for day in self._due_days(request, today) if request.days is None else request.days:
            if day > today:
                reason = f"{day} has not begun"
                yield base.FetchResult(
                    self.daily_papers_url(day), models.FetchStatus.NOT_YET, reason, day=day
                )
                continue
            outcome = await self._fetch_day(day, request)
            yield outcome
            failures_in_a_row = failures_in_a_row + 1 if outcome.status is models.FetchStatus.FAILED else 0
            if failures_in_a_row == base.MAX_CONSECUTIVE_FAILURES:
                return

    def _due_days(self, visit: base.FetchRequest, today: date) -> Sequence[date]:
        """Today, and each day of the last week that was not read since its last of 1, 3 and 7 days had passed."""
        due = [today]
        for back in range(1, max(_VOTE_REFRESH_DAYS) + 1):
            day = today - timedelta(days=back)
            page = visit.page_states.get(self.daily_papers_url(day))
            passed = max((age for age in _VOTE_REFRESH_DAYS if age <= back), default=0)
            if page is None or page.read_at.astimezone(UTC).date() < day + timedelta(days=passed):
                due.append(day)
        return due

    async def _fetch_day(self, day: date, visit: base.FetchRequest) -> base.FetchResult:
        place = self.daily_papers_url(day)
        gone = base.known_gone_result(place, visit, day)
        if gone is not None:
            return gone
        try:
            answer = await self._fetcher.get(place, visit.page_states.get(place), accept="application/json")
            if answer.body is None:
                return base.FetchResult(
                    place, models.FetchStatus.UNCHANGED, page_states=(answer.page_state,), day=day
                )
            found = await asyncio.to_thread(_parse_response, answer, place, day)
        except errors.NotFoundError as error:
            return base.FetchResult(place, models.FetchStatus.NOT_YET, f"{day}: {error.reason}", day=day)
        except errors.FetchError as error:
            return base.failed_result(place, error, visit, day)
        if not found:
            # Weekends have none; today's may still fill.
            return base.FetchResult(
                place,
                models.FetchStatus.NOT_YET,
                f"{day}: its list of papers is empty",
                page_states=(answer.page_state,) if day < visit.now.astimezone(UTC).date() else (),
                day=day,
            )
        return base.FetchResult(
            place, models.FetchStatus.OK, facts=found, page_states=(answer.page_state,), day=day
        )


def _parse_response(answer: fetcher.Response, place: str, day: date) -> tuple[models.PaperFacts, ...]:
    """Return what the list says of each paper. Raises FetchError for what is no such list."""
    text = charset.decode_text(answer.body or b"", answer.charset)
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        kind = "an HTML page" if text.lstrip()[:1] == "<" else "no JSON"
        raise errors.FetchError(f"its answer is {kind} instead of a list of papers") from None
    if not isinstance(said, list):
        note = sanitize.clean_line(said.get("error"), 200) if isinstance(said, dict) else None
        raise errors.FetchError(f"its answer is no list of papers{f': {note}' if note else ''}")
    found: dict[str, models.PaperFacts] = {}
    for item in said[:_MAX_PAPERS]:
        read = _parse_paper(item, place, day, answer.page_state.read_at)
        if read is not None:
            found.setdefault(read.arxiv_id, read)
    if said and not found:
        raise errors.FetchError(f"none of the {len(said)} papers in its list can be understood")
    return tuple(found.values())


def _parse_paper(item: Any, place: str, day: date, read_at: datetime) -> models.PaperFacts | None:
    """Return what one item says, or None where it names no paper. What is missing or odd in it is left out."""
    if not isinstance(item, Mapping):
        return None
    paper = item.get("paper")
    if not isinstance(paper, Mapping):
        paper = item
    name = sanitize.clean_line(paper.get("id"), 100)
    known = arxiv_id.extract_arxiv_id(name) if name else None
    if known is None:
        return None
    people = paper.get("authors")
    people = people if isinstance(people, list) else []
    return models.PaperFacts(
        arxiv_id=known,
        source=NAME,
        location=place,
        read_at=read_at,
        title=sanitize.clean_line(paper.get("title")) or sanitize.clean_line(item.get("title")),
        authors=sanitize.clean_names(person.get("name") for person in people if isinstance(person, Mapping)),
        votes=sanitize.clean_votes(paper.get("upvotes")),
        abstract=sanitize.clean_paragraph(paper.get("summary"))
        or sanitize.clean_paragraph(item.get("summary")),
        keywords=sanitize.clean_labels(paper.get("ai_keywords")),
        code_url=sanitize.clean_url(paper.get("githubRepo")),
        project_url=sanitize.clean_url(paper.get("projectPage")),
        thumbnail=sanitize.clean_url(item.get("thumbnail")),
        published_on=sanitize.clean_date(paper.get("publishedAt"))
        or sanitize.clean_date(item.get("publishedAt")),
        listed_on=day,
    )
