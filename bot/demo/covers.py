"""Pictures that the demo page shows in place of papers' thumbnails, so that nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from itertools import cycle

from storage import models


def load_covers() -> list[bytes]:
    """Return the bundled pictures: PNG, 320 × 172 pixels, in the proportions of Hugging Face's thumbnails."""
    folder = resources.files(__package__) / "pictures"
    return [file.read_bytes() for file in sorted(folder.iterdir(), key=lambda file: file.name)]


def assign_covers(entries: Iterable[models.Entry]) -> dict[str, tuple[str, bytes]]:
    """Map each thumbnail URL to (file name, PNG), as SimCord's `assets`; neighbours get different pictures."""
    thumbnails = {entry.thumbnail: entry.arxiv_id for entry in entries if entry.thumbnail is not None}
    return {
        url: (f"{arxiv_id}.png", cover)
        for (url, arxiv_id), cover in zip(thumbnails.items(), cycle(load_covers()), strict=False)
    }
