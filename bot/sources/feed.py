"""A feed as a source: entries that hold or link a digest, and entries that are single papers. Parses no XML itself."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

from yarl import URL

from bot.sources import base, digest_detector, feed_parser, url
from bot.sources.http import charset, errors, fetcher
from storage import models

ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.5"
_MOST_LINKS = 50


class FeedSource:
    """One feed. A place is the feed's address with `#` and the entry's id; what an entry links has its own address."""

    def __init__(self, address: str, fetch: fetcher.Fetcher) -> None:
        self._address = address
        self._fetch = fetch
        host = URL(address).raw_host or ""
        self._service = "arxiv" if host == "arxiv.org" or host.endswith(".arxiv.org") else address

    async def fetch(self, visit: base.Visit) -> AsyncIterator[base.Outcome]:
        """Read the feed, then what is new in it. The feed itself is remembered only once nothing in it was missed."""
        gone = base.still_gone(self._address, visit)
        if gone is not None:
            yield gone
            return
        try:
            answer = await self._fetch.get(self._address, visit.pages.get(self._address), accept=ACCEPT)
        except errors.AbsentError as error:
            yield base.Outcome(self._address, models.FetchStatus.FAILED, error.reason)
            return
        except errors.FetchError as error:
            yield base.failed(self._address, error, visit)
            return
        if answer.body is None:
            yield base.Outcome(self._address, models.FetchStatus.UNCHANGED, pages=(answer.page,))
            return
        try:
            entries = await asyncio.to_thread(_parse, answer)
        except errors.FetchError as error:
            yield await self._read_instead(answer, error, visit)
            return
        async for outcome in self._read_entries(entries, answer.page, visit):
            yield outcome

    async def _read_instead(
        self, answer: fetcher.Answer, error: errors.FetchError, visit: base.Visit
    ) -> base.Outcome:
        """Read what is no feed: a digest in its place is welcome all the same."""
        try:
            found = await digest_detector.read_answer(answer, self._address)
        except errors.FetchError as other:
            reason = (
                other.reason
                if error.reason == feed_parser.NO_FEED and isinstance(other, errors.PageError)
                else error.reason
            )
            return base.Outcome(self._address, models.FetchStatus.FAILED, reason)
        return base.Outcome(self._address, models.FetchStatus.OK, digests=(found,), pages=(answer.page,))

    async def _read_entries(
        self, entries: list[feed_parser.FeedEntry], page: models.Page, visit: base.Visit
    ) -> AsyncIterator[base.Outcome]:
        """Give what each new entry holds, and the feed's own outcome last."""
        missed = links = 0
        for entry in entries:
            told = self._page(entry, visit)
            known = visit.pages.get(told.place)
            if known is not None and known.hash == told.hash:
                continue
            outcome = await asyncio.to_thread(self._read_entry, entry, told)
            if outcome is None and (links == _MOST_LINKS or missed == base.PATIENCE):
                missed += 1
                break  # the next visit goes on from here
            if outcome is None:
                links += 1
                outcome = await self._read_link(entry, told, visit)
                missed += outcome.status is models.FetchStatus.FAILED
            yield outcome
        status = models.FetchStatus.UNCHANGED if entries else models.FetchStatus.NOT_YET
        reason = "" if entries else "the feed has no entries"
        yield base.Outcome(self._address, status, reason, pages=() if missed else (page,))

    def _page(self, entry: feed_parser.FeedEntry, visit: base.Visit) -> models.Page:
        """Return what to remember of an entry. Its dates don't count: feeds are re-dated for no reason."""
        said = "\0".join([entry.title or "", entry.link or "", *entry.authors, *entry.texts])
        digest = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()
        place = f"{self._address}#{entry.key}"
        return models.Page(place=place, read_at=visit.now, status=models.FetchStatus.OK, hash=digest)

    def _read_entry(self, entry: feed_parser.FeedEntry, told: models.Page) -> base.Outcome | None:
        """Return what the entry itself holds, or None where only its link can tell."""
        for text in entry.texts:
            try:
                found = digest_detector.read_text(text, told.place)
            except errors.FetchError:
                continue
            return base.Outcome(told.place, models.FetchStatus.OK, digests=(found,), pages=(told,))
        facts = feed_parser.paper_facts(entry, told.place, self._service, told.read_at)
        if facts is not None:
            return base.Outcome(told.place, models.FetchStatus.OK, facts=(facts,), pages=(told,))
        if entry.link is None:
            return base.Outcome(told.place, models.FetchStatus.UNCHANGED, pages=(told,))
        return None

    async def _read_link(
        self, entry: feed_parser.FeedEntry, told: models.Page, visit: base.Visit
    ) -> base.Outcome:
        """Read what the entry links. A page without a digest is not looked at again until the entry changes."""
        link = entry.link or ""
        try:
            answer = await self._fetch.get(link, visit.pages.get(link), accept=url.ACCEPT)
        except (errors.AbsentError, errors.GoneError, errors.RefusedError) as error:
            status = error.status if isinstance(error, errors.RefusedError) else models.FetchStatus.UNCHANGED
            return base.Outcome(link, status, f"{link}: {error.reason}"[:300], pages=(told,))
        except errors.FetchError as error:
            return base.Outcome(link, models.FetchStatus.FAILED, f"{link}: {error.reason}"[:300])
        pages = (told, answer.page)
        if answer.body is None:
            return base.Outcome(link, models.FetchStatus.UNCHANGED, pages=pages)
        try:
            found = await digest_detector.read_answer(answer, link)
        except errors.FetchError as error:
            return base.Outcome(
                link, models.FetchStatus.UNCHANGED, f"{link}: {error.reason}"[:300], pages=pages
            )
        return base.Outcome(link, models.FetchStatus.OK, digests=(found,), pages=pages)


def _parse(answer: fetcher.Answer) -> list[feed_parser.FeedEntry]:
    return feed_parser.parse_feed(charset.decode_text(answer.body or b"", answer.charset))
