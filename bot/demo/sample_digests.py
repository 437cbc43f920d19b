"""The demo's content: digests in every format and both languages, lists of past months, and pictures.

The digests cover the week before the demo's clock and the days after it, the lists the year before that. Each
paper of a digest has a text in both languages. Titles, ids and authors belong to real papers; dates, votes and
summaries are made up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib import resources
from itertools import cycle
from typing import Any, NamedTuple

from bot.archive.arxiv_ids import huggingface_url
from storage import models

FOLDER = resources.files(__package__)
"""The demo's files. `samples/past-months.json` has titles of the year before, so that trends have earlier months."""


def _make_facts(arxiv_id: str, **values: Any) -> models.PaperFacts:
    """Return Hugging Face's facts about a paper, read before the clock starts."""
    read_at = datetime(2025, 12, 28, 12, tzinfo=UTC)
    return models.PaperFacts(arxiv_id, "huggingface", huggingface_url(arxiv_id), read_at, **values)


ABSTRACT = _make_facts(
    "2205.14135",
    abstract=(
        "Attention is slow on long sequences, since its time and memory grow with the square of the length. "
        "Methods that approximate attention compute less and are often no faster. "
        "We argue that what counts is how often an attention algorithm reads and writes the slow memory of a GPU. "
        "FlashAttention computes exact attention in tiles that stay in the fast memory. "
        "It needs fewer memory accesses than standard attention, and trains language models faster."
    ),
)
"""An abstract, in our words, for the only paper without an English summary, so that English posts show an extract."""
_UPLOADS = "https://cdn-uploads.huggingface.co/production/uploads/demo"
MEDIA = _make_facts(
    "2305.14314",
    code_url="https://github.com/artidoro/qlora",
    media=(f"{_UPLOADS}/qlora.webm", f"{_UPLOADS}/qlora.png"),
)
"""The media of the paper whose card has a video and a picture."""
CODE = _make_facts("2502.02737", code_url="https://github.com/huggingface/smollm")
"""The code repository of the paper that the first steps open."""


def load_facts() -> list[models.PaperFacts]:
    """Return facts about the papers that their digests lack: media, code, and the first institution of authors."""
    named = json.loads((FOLDER / "organizations.json").read_text(encoding="utf-8"))
    facts = {fact.paper_key: fact for fact in (ABSTRACT, MEDIA, CODE)}
    for organization, arxiv_ids in named.items():
        for arxiv_id in arxiv_ids:
            fact = facts.get(arxiv_id) or _make_facts(arxiv_id)
            facts[arxiv_id] = replace(fact, organization=organization)
    return list(facts.values())


SOURCES = {
    "list-en": ("https://github.com/example/reading-group", models.SourceKind.FEED),
    "look-up-en": ("arxiv:cs.CL", models.SourceKind.ARXIV),
    "look-up-ko": ("arxiv:cs.CL", models.SourceKind.ARXIV),
}
"""Sources that a daily post can be limited to, by the folder of their samples."""


class Sample(NamedTuple):
    """A digest with its name, such as `newsletter-ko/2025-12-29.md`."""

    name: str
    text: str

    @property
    def date_on(self) -> date:
        """The day of its papers."""
        return date.fromisoformat(self.name.partition("/")[2].partition(".")[0])

    @property
    def source(self) -> str:
        """The address of the source that it belongs to."""
        return SOURCES.get(self.name.partition("/")[0], ("https://digests.example.org", None))[0]


def sample_texts() -> list[Sample]:
    """Return all samples, oldest day first."""
    folders = [folder for folder in (FOLDER / "samples").iterdir() if folder.is_dir()]
    files = [
        Sample(f"{folder.name}/{file.name}", file.read_text(encoding="utf-8"))
        for folder in folders
        for file in folder.iterdir()
        if file.name.endswith((".md", ".json"))
    ]
    return sorted(files, key=lambda sample: (sample.date_on, sample.name))


def load_paper_texts(now: datetime) -> list[models.PaperText]:
    """Return texts of our own about five papers, which can be asked."""
    files = (FOLDER / "texts").iterdir()
    return [
        models.PaperText(
            arxiv_id, file.read_text(encoding="utf-8"), f"https://arxiv.org/html/{arxiv_id}", now
        )
        for file in sorted(files, key=lambda file: file.name)
        for arxiv_id in [file.name.removesuffix(".md")]
    ]


def load_covers() -> list[bytes]:
    """Return the pictures (PNG, 320 × 172 pixels) for thumbnails, so that nothing is fetched."""
    files = sorted((FOLDER / "pictures").iterdir(), key=lambda file: file.name)
    return [file.read_bytes() for file in files]


def assign_covers(entries: Iterable[models.Entry]) -> dict[str, tuple[str, bytes]]:
    """Map thumbnail URLs to (file name, PNG), in the form of SimCord's `assets`. Neighbours get different pictures."""
    thumbnails = {entry.thumbnail: entry.paper_key for entry in entries if entry.thumbnail is not None}
    return {
        url: (f"{arxiv_id}.png", cover)
        for (url, arxiv_id), cover in zip(thumbnails.items(), cycle(load_covers()), strict=False)
    }


def load_media() -> dict[str, tuple[str, bytes]]:
    """Return (file name, content) for each URL in `MEDIA`, in the form of SimCord's `assets`."""
    video, picture = MEDIA.media
    content = (FOLDER / "media" / "dots.webm").read_bytes()
    return {video: ("qlora.webm", content), picture: ("qlora.png", load_covers()[2])}
