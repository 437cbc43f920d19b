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

_VOTES_AGAIN = (1, 3, 7)
_MOST_PAPERS = 1_000


class HuggingFaceSource:
    """The daily papers of one endpoint. A place is the address of a day's list."""

    def __init__(self, endpoint: str, fetch: fetcher.Fetcher) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._fetch = fetch

    def address(self, day: date) -> str:
        """Return where the list of that day is."""
        return f"{self._endpoint}/api/daily_papers?date={day.isoformat()}"

    async def fetch(self, visit: base.Visit) -> AsyncIterator[base.Outcome]:
        """Ask for each day that is due: those of the visit, else today and the days whose votes are to be read again."""
        today = visit.now.astimezone(UTC).date()
        failures_in_a_row = 0
        for day in self._due_days(visit, today) if visit.days is None else visit.days:
            if day > today:
                reason = f"{day} has not begun"
                yield base.Outcome(self.address(day), models.FetchStatus.NOT_YET, reason, day=day)
                continue
            outcome = await self._read(day, visit)
            yield outcome
            failures_in_a_row = failures_in_a_row + 1 if outcome.status is models.FetchStatus.FAILED else 0
            if failures_in_a_row == base.PATIENCE:
                return

    def _due_days(self, visit: base.Visit, today: date) -> Sequence[date]:
        """Today, and each day of the last week that was not read since its last of 1, 3 and 7 days had passed."""
        due = [today]
        for back in range(1, max(_VOTES_AGAIN) + 1):
            day = today - timedelta(days=back)
            page = visit.pages.get(self.address(day))
            passed = max((age for age in _VOTES_AGAIN if age <= back), default=0)
            if page is None or page.read_at.astimezone(UTC).date() < day + timedelta(days=passed):
                due.append(day)
        return due

    async def _read(self, day: date, visit: base.Visit) -> base.Outcome:
        place = self.address(day)
        gone = base.still_gone(place, visit, day)
        if gone is not None:
            return gone
        try:
            answer = await self._fetch.get(place, visit.pages.get(place), accept="application/json")
            if answer.body is None:
                return base.Outcome(place, models.FetchStatus.UNCHANGED, pages=(answer.page,), day=day)
            found = await asyncio.to_thread(_parse, answer, place, day)
        except errors.AbsentError as error:
            return base.Outcome(place, models.FetchStatus.NOT_YET, f"{day}: {error.reason}", day=day)
        except errors.FetchError as error:
            return base.failed(place, error, visit, day)
        if not found:
            # Weekends have none; today's may still fill.
            return base.Outcome(
                place,
                models.FetchStatus.NOT_YET,
                f"{day}: its list of papers is empty",
                pages=(answer.page,) if day < visit.now.astimezone(UTC).date() else (),
                day=day,
            )
        return base.Outcome(place, models.FetchStatus.OK, facts=found, pages=(answer.page,), day=day)


def _parse(answer: fetcher.Answer, place: str, day: date) -> tuple[models.Facts, ...]:
    """Return what the list says of each paper. Raises FetchError for what is no such list."""
    text = charset.decode_text(answer.body or b"", answer.charset)
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        kind = "an HTML page" if text.lstrip()[:1] == "<" else "no JSON"
        raise errors.FetchError(f"its answer is {kind} instead of a list of papers") from None
    if not isinstance(said, list):
        note = sanitize.line(said.get("error"), 200) if isinstance(said, dict) else None
        raise errors.FetchError(f"its answer is no list of papers{f': {note}' if note else ''}")
    found: dict[str, models.Facts] = {}
    for item in said[:_MOST_PAPERS]:
        read = _paper(item, place, day, answer.page.read_at)
        if read is not None:
            found.setdefault(read.arxiv_id, read)
    if said and not found:
        raise errors.FetchError(f"none of the {len(said)} papers in its list can be understood")
    return tuple(found.values())


def _paper(item: Any, place: str, day: date, read_at: datetime) -> models.Facts | None:
    """Return what one item says, or None where it names no paper. What is missing or odd in it is left out."""
    if not isinstance(item, Mapping):
        return None
    paper = item.get("paper")
    if not isinstance(paper, Mapping):
        paper = item
    name = sanitize.line(paper.get("id"), 100)
    known = arxiv_id.parse_arxiv_id(name) if name else None
    if known is None:
        return None
    people = paper.get("authors")
    people = people if isinstance(people, list) else []
    return models.Facts(
        arxiv_id=known,
        source=NAME,
        place=place,
        read_at=read_at,
        title=sanitize.line(paper.get("title")) or sanitize.line(item.get("title")),
        authors=sanitize.names(person.get("name") for person in people if isinstance(person, Mapping)),
        votes=sanitize.votes(paper.get("upvotes")),
        abstract=sanitize.paragraph(paper.get("summary")) or sanitize.paragraph(item.get("summary")),
        keywords=sanitize.words(paper.get("ai_keywords")),
        code_url=sanitize.web_address(paper.get("githubRepo")),
        project_url=sanitize.web_address(paper.get("projectPage")),
        thumbnail=sanitize.web_address(item.get("thumbnail")),
        published_on=sanitize.day(paper.get("publishedAt")) or sanitize.day(item.get("publishedAt")),
        listed_on=day,
    )
