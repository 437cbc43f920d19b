"""The digests that the demo starts with: the week before its clock, in every format and both languages.

Titles, ids and authors are those of real papers; dates, votes and summaries are made up.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources

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


def sample_texts() -> list[tuple[str, str]]:
    """Return all samples as (name, text), oldest day first; a name is like `newsletter-ko/2025-12-29.md`."""
    folders = [folder for folder in resources.files(__name__).iterdir() if folder.is_dir()]
    files = [
        (f"{folder.name}/{file.name}", file.read_text(encoding="utf-8"))
        for folder in folders
        for file in folder.iterdir()
        if file.name.endswith((".md", ".json"))
    ]
    return sorted(files, key=lambda sample: sample[0].split("/")[::-1])
