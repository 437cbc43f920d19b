"""The digests that the demo starts with: the week before its clock, in every format and both languages; and what else it has.

Titles, ids and authors are those of real papers; dates, votes and summaries are made up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from importlib import resources
from itertools import count, cycle

from storage import models

ABSTRACT = models.PaperFacts(
    arxiv_id="2205.14135",
    source="huggingface",
    location="https://huggingface.co/papers/2205.14135",
    read_at=datetime(2025, 12, 28, 12, tzinfo=UTC),
    abstract=(
        "Attention is slow on long sequences, since its time and memory grow with the square of the length. "
        "Methods that approximate attention compute less and are often no faster. "
        "We argue that what counts is how often an attention algorithm reads and writes the slow memory of a GPU. "
        "FlashAttention computes exact attention in tiles that stay in the fast memory. "
        "It needs fewer memory accesses than standard attention, and trains language models faster."
    ),
)
"""The abstract of the one paper that no digest summarises, in words of our own: posts have an extract of it."""


_UPLOADS = "https://cdn-uploads.huggingface.co/production/uploads/demo"
MEDIA = models.PaperFacts(
    arxiv_id="2305.14314",
    source="huggingface",
    location="https://huggingface.co/papers/2305.14314",
    read_at=datetime(2025, 12, 28, 12, tzinfo=UTC),
    code_url="https://github.com/artidoro/qlora",
    media=(f"{_UPLOADS}/qlora.webm", f"{_UPLOADS}/qlora.png"),
)
"""The paper whose card has a video and a picture."""
CODE = models.PaperFacts(
    arxiv_id="2502.02737",
    source="huggingface",
    location="https://huggingface.co/papers/2502.02737",
    read_at=datetime(2025, 12, 28, 12, tzinfo=UTC),
    code_url="https://github.com/huggingface/smollm",
)
"""The code of the paper that the first steps open."""
NEWS = {
    models.NewsKind.VENUE: "NeurIPS 2023",
    models.NewsKind.MODEL: "https://huggingface.co/timdettmers/guanaco-65b",
}
"""What became of that paper."""

SOURCES = {
    "list-en": ("https://github.com/example/reading-group", models.SourceKind.FEED),
    "look-up-en": ("arxiv:cs.CL", models.SourceKind.ARXIV),
}
"""The sources of the samples that a daily post can draw from, by folder."""


def sample_texts() -> list[tuple[str, str]]:
    """Return all samples as (name, text), oldest day first; a name is like `newsletter-ko/2025-12-29.md`."""
    folders = [folder for folder in (resources.files(__package__) / "samples").iterdir() if folder.is_dir()]
    files = [
        (f"{folder.name}/{file.name}", file.read_text(encoding="utf-8"))
        for folder in folders
        for file in folder.iterdir()
        if file.name.endswith((".md", ".json"))
    ]
    return sorted(files, key=lambda sample: sample[0].split("/")[::-1])


def load_covers() -> list[bytes]:
    """Return the pictures in place of thumbnails, so that nothing is fetched: PNG, 320 × 172 pixels."""
    folder = resources.files(__package__) / "pictures"
    return [file.read_bytes() for file in sorted(folder.iterdir(), key=lambda file: file.name)]


def assign_covers(entries: Iterable[models.Entry]) -> dict[str, tuple[str, bytes]]:
    """Map each thumbnail URL to (file name, PNG), as SimCord's `assets`; neighbours get different pictures."""
    thumbnails = {entry.thumbnail: entry.arxiv_id for entry in entries if entry.thumbnail is not None}
    return {
        url: (f"{arxiv_id}.png", cover)
        for (url, arxiv_id), cover in zip(thumbnails.items(), cycle(load_covers()), strict=False)
    }


def load_media() -> dict[str, tuple[str, bytes]]:
    """Map the address of each video and picture of `MEDIA` to (file name, content), as SimCord's `assets`."""
    video, picture = MEDIA.media
    content = (resources.files(__package__) / "media" / "dots.webm").read_bytes()
    return {video: ("qlora.webm", content), picture: ("qlora.png", load_covers()[2])}


FIRST_MONTH_ON = date(2024, 12, 1)
DAYS = (6, 20)
"""Days of each month that have a list."""
PAPERS_BY_TOPIC = {
    "language models": (2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3),
    "reasoning with LLMs": (0, 0, 1, 0, 1, 1, 1, 1, 1, 2, 1, 2),
    "scaling of LLMs": (0, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1),
    "image classification": (3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2),
    "diffusion models": (1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4),
    "speech recognition": (1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3),
    "graph neural networks": (1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2),
    "retrieval-augmented generation": (0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3),
    "robot manipulation": (0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 3),
    "quantization": (0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 2, 2),
    "efficiency of training": (0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1),
    "reinforcement learning": (0, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1),
    "agents": (0, 0, 0, 0, 0, 1, 0, 1, 1, 1, 0, 1),
}
"""The number of papers on a topic in each month of the year before the samples, so that trends have months to show."""
FIRST_NUMBER = 90_000
"""arXiv does not give out ids with numbers from this one on."""
SUMMARY = "Made up for the demo, where it counts as one paper on {topic}. There is no such paper on arXiv."


def render_listings() -> str:
    """Return the lists of all months, whose papers are made up and say so, in the listing format: a line per day."""
    numbers = count(1)
    month_count = len(next(iter(PAPERS_BY_TOPIC.values())))
    lines = []
    for position in range(month_count):
        topics = [topic for topic, counts in PAPERS_BY_TOPIC.items() for _ in range(counts[position])]
        month = FIRST_MONTH_ON.month - 1 + position
        for index, day in enumerate(DAYS):
            on = date(FIRST_MONTH_ON.year + month // 12, month % 12 + 1, day)
            papers = [_paper(on, next(numbers), topic) for topic in topics[index :: len(DAYS)]]
            lines.append(json.dumps({"format": "listing", "date": on.isoformat(), "papers": papers}))
    return "\n".join(lines)


def _paper(on: date, number: int, topic: str) -> dict[str, object]:
    return {
        "arxiv_id": f"{on:%y%m}.{FIRST_NUMBER + number}",
        "title": f"Sample {number}: {topic[0].upper()}{topic[1:]}",
        "votes": number * 7 % 19 + 1,
        "summary": SUMMARY.format(topic=topic),
    }
