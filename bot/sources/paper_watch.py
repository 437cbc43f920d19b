"""What arXiv and Hugging Face say now of papers that readers saved: versions, withdrawals, venues, code, models.

Paper by paper Hugging Face has `{endpoint}/api/papers/{id}` with the code, and `{endpoint}/api/arxiv/{id}/repos` with the
models that name the paper.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.digests.elements import paper_comments, sanitize
from bot.sources import arxiv, base, feed_parser
from bot.sources.http import errors
from storage.models import NewsKind, SourceKind

if TYPE_CHECKING:
    from bot.sources.http import fetcher

HUGGINGFACE_SECONDS = 1.0
"""Time between two requests to Hugging Face for single papers, of which there is no list."""
_VERSION = re.compile(r"v(\d{1,3})\Z")
_MODEL_NAME = re.compile(r"\w[\w.-]{0,95}/\w[\w.-]{0,95}")

Facts = dict[NewsKind, str]


class PaperWatch:
    """Reads the present state of papers. `throttle` and `huggingface_throttle` keep the pace of the two services."""

    def __init__(
        self,
        fetch: fetcher.Fetcher,
        endpoints: base.Endpoints,
        throttle: fetcher.Throttle,
        huggingface_throttle: fetcher.Throttle,
    ) -> None:
        self._fetcher = fetch
        self._endpoints = endpoints
        self._throttle = throttle
        self._huggingface_throttle = huggingface_throttle

    async def read_arxiv(self, arxiv_ids: Sequence[str]) -> dict[str, tuple[Facts, datetime | None]]:
        """Return what arXiv says of at most 100 papers, with the time (UTC) of their last version. Raises FetchError."""
        url = arxiv.query_url(self._endpoints[SourceKind.ARXIV], arxiv_ids)
        response = await self._fetcher.get(url, accept="application/atom+xml", throttle=self._throttle)
        entries = await asyncio.to_thread(arxiv.parse_entries, response.text())
        return {
            arxiv_id: (_arxiv_facts(entry), entry.updated_at)
            for entry in entries
            if (arxiv_id := entry.arxiv_id) is not None and arxiv_id in arxiv_ids
        }

    async def read_huggingface(self, arxiv_id: str) -> Facts:
        """Return what Hugging Face says of a paper; nothing of one that it does not know. Raises FetchError."""
        paper = await self._get_json(f"/api/papers/{arxiv_id}")
        facts: Facts = {}
        if code := sanitize.clean_url(paper.get("githubRepo")):
            facts[NewsKind.CODE] = code
        models = (await self._get_json(f"/api/arxiv/{arxiv_id}/repos")).get("models")
        for model in models if isinstance(models, list) else ():
            name = model.get("id") if isinstance(model, Mapping) else None
            if isinstance(name, str) and _MODEL_NAME.fullmatch(name):
                facts[NewsKind.MODEL] = f"https://huggingface.co/{name}"
                break
        return facts

    async def _get_json(self, path: str) -> Mapping[str, Any]:
        url = self._endpoints[SourceKind.HUGGINGFACE].rstrip("/") + path
        try:
            response = await self._fetcher.get(
                url, accept="application/json", throttle=self._huggingface_throttle
            )
        except (errors.NotFoundError, errors.GoneError):
            return {}
        try:
            answer = await asyncio.to_thread(json.loads, response.text())
        except (ValueError, RecursionError):
            raise errors.FetchError("its answer is no JSON") from None
        return answer if isinstance(answer, Mapping) else {}


def _arxiv_facts(entry: feed_parser.FeedEntry) -> Facts:
    facts: Facts = {}
    if match := _VERSION.search(entry.key):
        facts[NewsKind.VERSION] = match[1].lstrip("0") or "1"
    texts = (entry.comment, *entry.contents[:1])
    if any(paper_comments.says_withdrawn(text) for text in texts):
        facts[NewsKind.WITHDRAWN] = "withdrawn"
    elif venue := paper_comments.find_venue(entry.comment):
        facts[NewsKind.VENUE] = venue
    return facts
