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
_MAX_LINKS = 50


class FeedSource:
    """One feed. A place is the feed's address with `#` and the entry's id; what an entry links has its own address."""

    def __init__(self, address: str, fetch: fetcher.Fetcher) -> None:
        self._feed_url = address
        self._fetcher = fetch
        host = URL(address).raw_host or ""
        self._source_name = "arxiv" if host == "arxiv.org" or host.endswith(".arxiv.org") else address

    async def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Read the feed, then what is new in it. The feed itself is remembered only once nothing in it was missed."""
        gone = base.known_gone_result(self._feed_url, request)
        if gone is not None:
            yield gone
            return
        try:
            answer = await self._fetcher.get(
                self._feed_url, request.page_states.get(self._feed_url), accept=ACCEPT
            )
        except errors.NotFoundError as error:
            yield base.FetchResult(self._feed_url, models.FetchStatus.FAILED, error.reason)
            return
        except errors.FetchError as error:
            yield base.failed_result(self._feed_url, error, request)
            return
        if answer.body is None:
            yield base.FetchResult(
                self._feed_url, models.FetchStatus.UNCHANGED, page_states=(answer.page_state,)
            )
            return
        try:
            entries = await asyncio.to_thread(_parse_response, answer)
        except errors.FetchError as error:
            yield await self._read_as_digest(answer, error, request)
            return
        async for outcome in self._read_entries(entries, answer.page_state, request):
            yield outcome

    async def _read_as_digest(
        self, answer: fetcher.Response, error: errors.FetchError, visit: base.FetchRequest
    ) -> base.FetchResult:
        """Read what is no feed: a digest in its place is welcome all the same."""
        try:
            found = await digest_detector.detect_in_response(answer, self._feed_url)
        except errors.FetchError as other:
            reason = (
                other.reason
                if error.reason == feed_parser.NOT_A_FEED and isinstance(other, errors.HtmlPageError)
                else error.reason
            )
            return base.FetchResult(self._feed_url, models.FetchStatus.FAILED, reason)
        return base.FetchResult(
            self._feed_url, models.FetchStatus.OK, documents=(found,), page_states=(answer.page_state,)
        )

    async def _read_entries(
        self, entries: list[feed_parser.FeedEntry], page: models.PageState, visit: base.FetchRequest
    ) -> AsyncIterator[base.FetchResult]:
        """Give what each new entry holds, and the feed's own outcome last."""
        missed = links = 0
        for entry in entries:
            told = self._entry_state(entry, visit)
            known = visit.page_states.get(told.location)
            if known is not None and known.hash == told.hash:
                continue
            outcome = await asyncio.to_thread(self._read_entry, entry, told)
            if outcome is None and (links == _MAX_LINKS or missed == base.MAX_CONSECUTIVE_FAILURES):
                missed += 1
                break  # the next visit goes on from here
            if outcome is None:
                links += 1
                outcome = await self._fetch_link(entry, told, visit)
                missed += outcome.status is models.FetchStatus.FAILED
            yield outcome
        status = models.FetchStatus.UNCHANGED if entries else models.FetchStatus.NOT_YET
        reason = "" if entries else "the feed has no entries"
        yield base.FetchResult(self._feed_url, status, reason, page_states=() if missed else (page,))

    def _entry_state(self, entry: feed_parser.FeedEntry, visit: base.FetchRequest) -> models.PageState:
        """Return what to remember of an entry. Its dates don't count: feeds are re-dated for no reason."""
        said = "\0".join([entry.title or "", entry.link or "", *entry.authors, *entry.contents])
        digest = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()
        place = f"{self._feed_url}#{entry.key}"
        return models.PageState(location=place, read_at=visit.now, status=models.FetchStatus.OK, hash=digest)

    def _read_entry(self, entry: feed_parser.FeedEntry, told: models.PageState) -> base.FetchResult | None:
        """Return what the entry itself holds, or None where only its link can tell."""
        for text in entry.contents:
            try:
                found = digest_detector.detect_in_text(text, told.location)
            except errors.FetchError:
                continue
            return base.FetchResult(
                told.location, models.FetchStatus.OK, documents=(found,), page_states=(told,)
            )
        facts = feed_parser.paper_facts(entry, told.location, self._source_name, told.read_at)
        if facts is not None:
            return base.FetchResult(told.location, models.FetchStatus.OK, facts=(facts,), page_states=(told,))
        if entry.link is None:
            return base.FetchResult(told.location, models.FetchStatus.UNCHANGED, page_states=(told,))
        return None

    async def _fetch_link(
        self, entry: feed_parser.FeedEntry, told: models.PageState, visit: base.FetchRequest
    ) -> base.FetchResult:
        """Read what the entry links. A page without a digest is not looked at again until the entry changes."""
        link = entry.link or ""
        try:
            answer = await self._fetcher.get(link, visit.page_states.get(link), accept=url.ACCEPT)
        except (errors.NotFoundError, errors.GoneError, errors.BlockedUrlError) as error:
            status = (
                error.status if isinstance(error, errors.BlockedUrlError) else models.FetchStatus.UNCHANGED
            )
            return base.FetchResult(link, status, f"{link}: {error.reason}"[:300], page_states=(told,))
        except errors.FetchError as error:
            return base.FetchResult(link, models.FetchStatus.FAILED, f"{link}: {error.reason}"[:300])
        pages = (told, answer.page_state)
        if answer.body is None:
            return base.FetchResult(link, models.FetchStatus.UNCHANGED, page_states=pages)
        try:
            found = await digest_detector.detect_in_response(answer, link)
        except errors.FetchError as error:
            return base.FetchResult(
                link, models.FetchStatus.UNCHANGED, f"{link}: {error.reason}"[:300], page_states=pages
            )
        return base.FetchResult(link, models.FetchStatus.OK, documents=(found,), page_states=pages)


def _parse_response(answer: fetcher.Response) -> list[feed_parser.FeedEntry]:
    return feed_parser.parse_feed(charset.decode_text(answer.body or b"", answer.charset))
