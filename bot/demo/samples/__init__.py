"""The digests that the demo starts with: the week before its clock, in every format and both languages.

Titles, ids and authors are those of real papers; dates, votes and summaries are made up.
"""

from __future__ import annotations

from importlib import resources


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
