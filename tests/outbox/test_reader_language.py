"""Posts of the samples and of Hugging Face's list are in the reader's language wherever such a text exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from importlib import resources
from typing import Any

import pytest

from bot.app.client import DiscordRenderer
from bot.archive import digest_writer, fields, parse
from bot.client import translations
from bot.daily import choice
from bot.outbox import contents
from bot.rendering.templates import Templates
from storage import models
from storage.models import Locale

ABSTRACT = "We train a small model with care and compare it on three benchmarks. It needs half of the data."
MAX_HANGUL_SHARE = 0.2
DAY = date(2026, 1, 1)


def read_appearances(*folders: str) -> dict[str, list[models.Appearance]]:
    """Return the papers of the samples in these folders with their entries."""
    found: dict[str, list[models.Appearance]] = {}
    for folder in folders:
        for file in (resources.files("bot.demo") / "samples" / folder).iterdir():
            for digest in parse.parse_text(file.read_text("utf-8")):
                written_in = fields.detect_language(digest.entries).value
                for entry in digest.entries:
                    found.setdefault(entry.arxiv_id, []).append(
                        models.Appearance(len(found), digest.format, digest.date, written_in, entry)
                    )
    return found


@cache
def build_details(*folders: str, with_abstracts: bool) -> list[models.PaperDetail]:
    facts = models.PaperFacts("", "huggingface", "u", datetime(2026, 1, 1, tzinfo=UTC), abstract=ABSTRACT)
    details = []
    for number, (arxiv_id, appearances) in enumerate(read_appearances(*folders).items()):
        paper_facts = [replace(facts, arxiv_id=arxiv_id)] if with_abstracts else []
        merged = digest_writer.merge(arxiv_id, appearances, paper_facts)
        fields = {name: getattr(merged, name) for name in models.MergedPaper.__dataclass_fields__}
        details.append(models.PaperDetail(**fields, id=number, appearances=tuple(appearances)))
    return details


@cache
def _renderer() -> DiscordRenderer:
    return DiscordRenderer(translations.Translations(), Templates(), lambda name: f"/{name}")


def render_bodies(details: list[models.PaperDetail], locale: Locale, style: models.Style) -> list[str]:
    """Return the texts of each message of a post of all the papers."""
    papers = tuple(contents.build_post_paper(detail, locale) for detail in details)
    post = choice.DailyPost("daily:1:2026-01-01", locale, style, DAY, len(papers), papers)
    return ["\n".join(_texts(part.payload)) for part in _renderer().render_daily(post)]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("content", "description") and isinstance(inner, str):
                yield inner
            else:
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def hangul_share(text: str) -> float:
    text = re.sub(r"\(https?://[^)]*\)", "", text)
    letters = len(re.findall("[가-힣A-Za-z]", text))
    return len(re.findall("[가-힣]", text)) / max(letters, 1)


@pytest.mark.parametrize("style", models.Style)
def test_no_message_of_an_english_channel_is_more_than_a_fifth_hangul(style: models.Style) -> None:
    details = build_details("newsletter-ko", "review-ko", with_abstracts=True)
    shares = [hangul_share(body) for body in render_bodies(details, Locale.EN, style)]
    assert shares
    assert max(shares) <= MAX_HANGUL_SHARE
