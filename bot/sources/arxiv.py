"""arXiv's Atom API: title, authors, categories and abstract of papers by id. https://info.arxiv.org/help/api/

At most 100 ids a request and one request in 3 seconds, retries included.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from bot.archive import arxiv_ids
from bot.sources import base, feed, fetch_errors, url
from storage import models
from storage.models import FetchStatus

if TYPE_CHECKING:
    from bot.sources import fetcher
    from bot.sources.fetcher import Response

IDS_PER_REQUEST = 100

_ERROR_MARK = "api/errors"
_UNKNOWN_RETRY_INTERVAL = timedelta(days=7)


class ArxivSource:
    """The API at one address. Papers that arXiv does not know have a page state by id; they are retried after a week."""

    def __init__(self, endpoint: str, fetch: fetcher.Fetcher, throttle: fetcher.Throttle) -> None:
        self._endpoint = endpoint
        self._fetcher = fetch
        self._throttle = throttle

    async def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Fetch the requested papers, a hundred at a time."""
        if (gone := base.known_gone_result(self._endpoint, request)) is not None:
            yield gone
            return
        paper_ids = dict.fromkeys(map(arxiv_ids.extract_arxiv_id, request.arxiv_ids))
        due = [paper_id for paper_id in paper_ids if paper_id and self._is_due(paper_id, request)]
        if not due:
            yield base.FetchResult(self._endpoint, FetchStatus.UNCHANGED, "no paper lacks its facts")
        for start in range(0, len(due), IDS_PER_REQUEST):
            result = await self._fetch_batch(due[start : start + IDS_PER_REQUEST], request)
            yield result
            if result.status is not FetchStatus.OK:
                return

    def _is_due(self, paper_id: str, request: base.FetchRequest) -> bool:
        page_state = request.page_states.get(paper_id)
        return page_state is None or request.now - page_state.read_at >= _UNKNOWN_RETRY_INTERVAL

    async def _fetch_batch(self, ids: Sequence[str], request: base.FetchRequest) -> base.FetchResult:
        url = query_url(self._endpoint, ids)
        try:
            response = await self._fetcher.get(url, accept="application/atom+xml", throttle=self._throttle)
            facts = await asyncio.to_thread(_parse_response, response, ids, self._endpoint)
        except fetch_errors.FetchError as error:
            return base.failed_result(self._endpoint, error, request)
        missing = sorted({*ids} - {paper.arxiv_id for paper in facts})
        return base.FetchResult(
            self._endpoint,
            FetchStatus.OK,
            f"arXiv does not know {', '.join(missing[:5])}" if missing else "",
            facts=facts,
            page_states=tuple(
                models.PageState(paper_id, request.now, FetchStatus.NOT_YET) for paper_id in missing
            ),
        )


def _parse_response(response: Response, ids: Sequence[str], location: str) -> tuple[models.PaperFacts, ...]:
    """Return the facts of the requested papers; other entries are ignored. Raises FetchError."""
    facts_by_id = {}
    text = response.text()
    affiliations = feed.parse_affiliations(text)
    for entry in parse_entries(text):
        facts = feed.paper_facts(entry, location, models.SourceKind.ARXIV.value, response.page_state.read_at)
        if facts is not None and facts.arxiv_id in ids:
            facts_by_id[facts.arxiv_id] = replace(facts, affiliations=affiliations.get(entry.key, ()))
    return tuple(facts_by_id.values())


def query_url(endpoint: str, ids: Sequence[str]) -> str:
    """Return the address of the papers with these ids."""
    query = urlencode({"id_list": ",".join(ids), "max_results": len(ids)}, safe=",/")
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"


def parse_entries(text: str) -> list[feed.FeedEntry]:
    """Return the entries of an answer. Raises FetchError, also for an error that the answer reports."""
    entries = feed.parse_feed(text)
    for entry in entries:
        if _ERROR_MARK in entry.key:
            raise fetch_errors.FetchError(f"it reports an error: {' '.join(entry.contents)[:200]}")
    return entries


def _matches(address: str, endpoints: base.Endpoints) -> bool:
    plain = address.rstrip("/")
    is_own = plain == endpoints[models.SourceKind.ARXIV].rstrip("/")
    return "{" not in address and (is_own or plain.endswith("arxiv.org/api/query"))


def _open(address: str, options: Mapping[str, object], context: base.SourceContext) -> ArxivSource:
    """Open arXiv's own address at the endpoint of the settings, and any other address as it is."""
    endpoint = address.rstrip("/")
    if endpoint.endswith(("arxiv.org", "arxiv.org/api/query")):
        endpoint = context.endpoints[models.SourceKind.ARXIV]
    return ArxivSource(endpoint, context.fetch, context.throttles[models.SourceKind.ARXIV])


KIND = base.KindRecord(
    kind=models.SourceKind.ARXIV,
    matches=_matches,
    check=partial(url.check_undated, kind=models.SourceKind.ARXIV),
    open=_open,
    public_label=url.public_label,
    poll_interval=timedelta(minutes=5),
    stage=base.Stage.MISSING_FACTS,
    seconds_per_request=3.0,
)
