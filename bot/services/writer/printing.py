"""Prints the digest of a day from its summaries, by the exporters that other digests are printed with. Pure.

What is printed is parsed back to the same entries without a problem, and printing those gives the same bytes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from operator import attrgetter

from bot.digests import listing, parse
from bot.digests.elements import arxiv_ids, refusals, writer_labels
from bot.digests.elements.summary_basis import Basis
from bot.rendering.export.formats import ExportDigest, ExportFormat, render_export
from bot.rendering.wording.templates import Templates
from bot.services.writer import prompts
from storage import models

_MARKUP = re.compile(r"[`*_~<>\\|]{2,}|<!--|-->|!\[|</?(?=[a-zA-Z!])")
"""Parts of Markdown and HTML that may open a block or hide text."""
_BLOCK_START = re.compile(
    r"^(?:[\s#>*_\-+=~`|•‣▪●🔗:：]|[0-9]{1,3}[.)](?=\s|$)|(?:summary|요약)(?:\s?[:：]|\W*$))+", re.IGNORECASE
)

_PUNCTUATION = re.compile(r"[^\w\s.,:+-]")
_NOT_A_LETTER = re.compile(r"[\W\d_]+")


def build_sections(
    digest_format: models.DigestFormat,
    language: models.Locale,
    claims: Sequence[prompts.Claim],
    basis: Basis,
    claims_dropped: int = 0,
) -> tuple[models.Section, ...]:
    """Return the sections of a summary that passed its checks, with the labels of what it was written from."""
    headings = prompts.SECTIONS[digest_format]
    sections = []
    for key, group in groupby(claims, key=attrgetter("section")):
        texts = [text for claim in group if (text := clean_text(claim.text))]
        if texts:
            sections.append(models.Section(headings[key][language], _join(digest_format, texts)))
    return (*sections, *_build_labels(digest_format, language, basis, claims_dropped))


def build_extract(
    digest_format: models.DigestFormat, language: models.Locale, text: str, basis: Basis
) -> tuple[models.Section, ...]:
    """Return the sections of an extract: its text, and the label that it is one. None for a text that is a refusal."""
    cleaned = clean_text(text)
    if refusals.is_refusal(cleaned):
        return ()
    return (models.Section(None, cleaned), *_build_labels(digest_format, language, basis, 0))


def build_entry(
    rank: int, paper: Mapping[str, object], sections: tuple[models.Section, ...] = ()
) -> models.Entry:
    """Return the entry of a paper of a listing, without a summary if there are no sections."""
    [entry] = listing.build(date.min, [{**paper, "summary": None}]).entries
    return models.Entry(
        rank=rank,
        arxiv_id=entry.arxiv_id,
        title=entry.title and clean_text(entry.title).rstrip(" #"),
        url=arxiv_ids.huggingface_url(entry.arxiv_id),
        votes=entry.votes,
        authors=entry.authors,
        thumbnail=entry.thumbnail,
        sections=sections,
        summary_missing=not sections,
    )


def render_digest(
    on: date, digest_format: models.DigestFormat, entries: Sequence[models.Entry], templates: Templates
) -> str:
    """Return the digest as the text of a file. A title that would not be read back loses its punctuation."""
    readable = [_make_readable(entry, on, digest_format, templates) for entry in entries]
    return _render(on, digest_format, readable, templates)


def _make_readable(
    entry: models.Entry, on: date, digest_format: models.DigestFormat, templates: Templates
) -> models.Entry:
    """Return the entry with the first form of its title that is parsed back as it is: in doubt without one."""
    title = entry.title or ""
    for candidate in (title, _PUNCTUATION.sub(" ", title), _NOT_A_LETTER.sub(" ", title)):
        changed = replace(entry, title=" ".join(candidate.split()) or None)
        # The rank counts from 1 in a digest of one paper.
        alone = replace(changed, rank=1)
        text = _render(on, digest_format, [alone], templates)
        if any((digest.entries, digest.problems) == ((alone,), ()) for digest in parse.parse_text(text)):
            return changed
    return replace(entry, title=None)


def _render(
    on: date, digest_format: models.DigestFormat, entries: Sequence[models.Entry], templates: Templates
) -> str:
    digest = models.Digest(digest_format, on, tuple(entries), (), "")
    return render_export(ExportFormat(digest_format.value), [ExportDigest(digest, "")], templates)


def clean_text(text: str) -> str:
    """Return a text on one line that no parser takes for anything but text: without markup that begins a block."""
    printable = "".join(character if unicodedata.category(character)[0] != "C" else " " for character in text)
    cleaned, former = " ".join(printable.split()), None
    while cleaned != former:
        former = cleaned
        cleaned = " ".join(_BLOCK_START.sub("", _MARKUP.sub("", cleaned)).split())
    return cleaned


def _join(digest_format: models.DigestFormat, texts: Sequence[str]) -> str:
    """Return sentences as a highlight, or as the items of a chapter."""
    if digest_format is models.DigestFormat.REVIEW and len(texts) > 1:
        return "\n".join(f"- {text}" for text in texts)
    return " ".join(texts)


def _build_labels(
    digest_format: models.DigestFormat, language: models.Locale, basis: Basis, claims_dropped: int
) -> tuple[models.Section, ...]:
    labels = [label] if (label := writer_labels.BASIS_LABELS[language].get(basis)) else []
    labels += [writer_labels.label_dropped(language, claims_dropped)] if claims_dropped else []
    if digest_format is models.DigestFormat.REVIEW:
        heading = writer_labels.HEADINGS[language]
        return (models.Section(heading, "\n".join(labels)),) if labels else ()
    return tuple(models.Section(None, label) for label in labels)
