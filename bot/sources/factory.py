"""Makes the source that an address and its kind stand for. Asks no server anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.sources import arxiv, base, feed, folder, huggingface, kinds, url, url_template
from bot.sources.http import fetcher
from storage import models


@dataclass(frozen=True, slots=True)
class Access:
    """What sources are made with: the fetcher, the services' addresses, arXiv's pace, and the zone of who names none."""

    fetch: fetcher.Fetcher
    endpoints: kinds.Endpoints
    arxiv_pace: fetcher.Pace
    zone: str


def open_source(
    kind: models.SourceKind, address: str, options: Mapping[str, object], access: Access
) -> base.Source:
    """Return the source for an address that was checked when it was added."""
    if kind is models.SourceKind.FOLDER:
        return folder.FolderSource(kinds.folder_of(address) or Path(address))
    if kind is models.SourceKind.HUGGINGFACE:
        # Hugging Face itself is asked where the settings say that it is; any other address stands for itself.
        own = address.partition(kinds.LIST)[0].rstrip("/").removesuffix("/papers")
        endpoint = access.endpoints.huggingface if kinds.is_huggingface(own) else own
        return huggingface.HuggingFaceSource(endpoint, access.fetch)
    if kind is models.SourceKind.ARXIV:
        own = address.rstrip("/")
        public = own.endswith(("arxiv.org", "arxiv.org/api/query"))
        return arxiv.ArxivSource(access.endpoints.arxiv if public else own, access.fetch, access.arxiv_pace)
    if kind is models.SourceKind.FEED:
        return feed.FeedSource(address, access.fetch)
    return url.UrlSource(
        url_template.parse_dated_address(address), access.fetch, kinds.read_habits(options, access.zone)
    )
