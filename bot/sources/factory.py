"""Makes the source that an address and its kind stand for. Asks no server anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.sources import arxiv, base, feed, folder, huggingface, kinds, url, url_template
from bot.sources.http import fetcher
from storage import models


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What sources are made with: the fetcher, the services' addresses, arXiv's pace, and the zone of who names none."""

    fetch: fetcher.Fetcher
    endpoints: kinds.Endpoints
    arxiv_throttle: fetcher.Throttle
    default_timezone: str


def create_source(
    kind: models.SourceKind, address: str, options: Mapping[str, object], context: SourceContext
) -> base.Source:
    """Return the source for an address that was checked when it was added."""
    if kind is models.SourceKind.FOLDER:
        return folder.FolderSource(kinds.parse_folder_path(address) or Path(address))
    if kind is models.SourceKind.HUGGINGFACE:
        # Hugging Face itself is asked where the settings say that it is; any other address stands for itself.
        own = address.partition(kinds.DAILY_PAPERS_PATH)[0].rstrip("/").removesuffix("/papers")
        endpoint = context.endpoints.huggingface if kinds.is_huggingface(own) else own
        return huggingface.HuggingFaceSource(endpoint, context.fetch)
    if kind is models.SourceKind.ARXIV:
        own = address.rstrip("/")
        public = own.endswith(("arxiv.org", "arxiv.org/api/query"))
        return arxiv.ArxivSource(
            context.endpoints.arxiv if public else own, context.fetch, context.arxiv_throttle
        )
    if kind is models.SourceKind.FEED:
        return feed.FeedSource(address, context.fetch)
    return url.UrlSource(
        url_template.parse_url_template(address),
        context.fetch,
        kinds.parse_publishing_schedule(options, context.default_timezone),
    )
