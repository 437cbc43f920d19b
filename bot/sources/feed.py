"""An RSS or Atom feed: entries that hold or link a digest, and entries that are single papers."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from yarl import URL

from bot.sources import base, digest_detector, feed_parser, web_address
from bot.sources.http import errors
from storage import models

if TYPE_CHECKING:
    from bot.sources.http import fetcher
    from bot.sources.http.response import Response

ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.5"
_MAX_LINKS = 50


class FeedSource:
    """One feed. An entry's location is the feed's address, `#` and the entry's id; a linked page has its own address."""

    def __init__(self, address: str, fetch: fetcher.Fetcher) -> None:
        self._feed_url = address
        self._fetcher = fetch
        host = URL(address).raw_host or ""
        is_arxiv = host == "arxiv.org" or host.endswith(".arxiv.org")
        self._facts_source = models.SourceKind.ARXIV.value if is_arxiv else address

    async def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Read the feed, then its new entries. The feed's page state is yielded only if no entry was missed."""
        page = await base.get_page(self._fetcher, self._feed_url, request, accept=ACCEPT)
        if isinstance(page, base.FetchResult):
            yield page
            return
        try:
            entries = await asyncio.to_thread(lambda: feed_parser.parse_feed(page.text()))
        except errors.FetchError as error:
            yield await self._read_as_digest(page, error)
            return
        async for result in self._read_entries(entries, page.page_state, request):
            yield result

    async def _read_as_digest(self, response: Response, feed_error: errors.FetchError) -> base.FetchResult:
        """Read a page that is not a feed: a digest is accepted all the same."""
        try:
            digests = await digest_detector.detect_in_response(response)
        except errors.FetchError as error:
            is_web_page = isinstance(error, errors.HtmlPageError)
            is_feed = feed_error.reason != feed_parser.NOT_A_FEED
            reason = error.reason if is_web_page and not is_feed else feed_error.reason
            return base.FetchResult(self._feed_url, models.FetchStatus.FAILED, reason)
        return base.FetchResult(
            self._feed_url, models.FetchStatus.OK, digests=digests, page_states=(response.page_state,)
        )

    async def _read_entries(
        self, entries: list[feed_parser.FeedEntry], feed_state: models.PageState, request: base.FetchRequest
    ) -> AsyncIterator[base.FetchResult]:
        """Yield a result for each new entry, and the feed's own result last."""
        missed = links = 0
        for entry in entries:
            entry_state = self._entry_state(entry, request)
            known = request.page_states.get(entry_state.location)
            if known is not None and known.hash == entry_state.hash:
                continue
            result = await asyncio.to_thread(self._read_entry, entry, entry_state)
            if result is None and (links == _MAX_LINKS or missed == base.MAX_CONSECUTIVE_FAILURES):
                missed += 1
                break  # the next run continues here
            if result is None:
                links += 1
                result = await self._fetch_link(entry, entry_state, request)
                missed += result.status is models.FetchStatus.FAILED
            yield result
        status = models.FetchStatus.UNCHANGED if entries else models.FetchStatus.NOT_YET
        reason = "" if entries else "the feed has no entries"
        yield base.FetchResult(self._feed_url, status, reason, page_states=() if missed else (feed_state,))

    def _entry_state(self, entry: feed_parser.FeedEntry, request: base.FetchRequest) -> models.PageState:
        """Return the page state of an entry. Its dates are not hashed: some feeds change them without reason."""
        content = "\0".join([entry.title or "", entry.link or "", *entry.authors, *entry.contents])
        return models.PageState(
            location=f"{self._feed_url}#{entry.key}",
            read_at=request.now,
            status=models.FetchStatus.OK,
            hash=hashlib.sha256(content.encode("utf-8", "replace")).hexdigest(),
        )

    def _read_entry(
        self, entry: feed_parser.FeedEntry, entry_state: models.PageState
    ) -> base.FetchResult | None:
        """Return the result of the entry's own content, or None if its link has to be fetched."""
        location = entry_state.location
        page_states = (entry_state,)
        for text in entry.contents:
            try:
                digests = digest_detector.detect_in_text(text)
            except errors.FetchError:
                continue
            return base.FetchResult(location, models.FetchStatus.OK, digests=digests, page_states=page_states)
        facts = feed_parser.paper_facts(entry, location, self._facts_source, entry_state.read_at)
        if facts is not None:
            return base.FetchResult(location, models.FetchStatus.OK, facts=(facts,), page_states=page_states)
        if entry.link is None:
            return base.FetchResult(location, models.FetchStatus.UNCHANGED, page_states=page_states)
        return None

    async def _fetch_link(
        self, entry: feed_parser.FeedEntry, entry_state: models.PageState, request: base.FetchRequest
    ) -> base.FetchResult:
        """Read the linked page. One without a digest is not read again until the entry changes."""
        link = entry.link or ""
        known = request.page_states.get(link)
        try:
            page = await self._fetcher.get(link, known, accept=digest_detector.ACCEPT)
        except (errors.NotFoundError, errors.GoneError, errors.BlockedUrlError) as error:
            is_blocked = isinstance(error, errors.BlockedUrlError)
            status = error.status if is_blocked else models.FetchStatus.UNCHANGED
            return base.FetchResult(link, status, _link_reason(link, error), page_states=(entry_state,))
        except errors.FetchError as error:
            return base.FetchResult(link, models.FetchStatus.FAILED, _link_reason(link, error))
        page_states = (entry_state, page.page_state)
        if page.body is None:
            return base.FetchResult(link, models.FetchStatus.UNCHANGED, page_states=page_states)
        try:
            digests = await digest_detector.detect_in_response(page)
        except errors.FetchError as error:
            reason = _link_reason(link, error)
            return base.FetchResult(link, models.FetchStatus.UNCHANGED, reason, page_states=page_states)
        return base.FetchResult(link, models.FetchStatus.OK, digests=digests, page_states=page_states)


def _link_reason(link: str, error: errors.FetchError) -> str:
    return errors.clean_reason(f"{link}: {error.reason}")


KIND = base.KindRecord(
    kind=models.SourceKind.FEED,
    matches=lambda *_: True,
    check=partial(web_address.check_undated, kind=models.SourceKind.FEED),
    open=lambda address, _options, context: FeedSource(address, context.fetch),
    public_label=web_address.public_label,
    poll_interval=timedelta(minutes=30),
    page_retention=timedelta(days=90),
)
