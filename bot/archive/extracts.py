"""The text of a paper that readers see: its best summary, or an extract if nobody wrote one. Pure.

An extract is Hugging Face's own sentence about a paper, else the three sentences of its abstract that say most of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from bot.archive import fields, listing, summaries
from bot.archive.summaries import Basis
from bot.text import analyser, sentences
from storage.models import Appearance, DigestFormat, Locale, PaperDetail, Section

MAX_SENTENCES = 3
_MAX_CHARACTERS = 700
"""A longer sentence is taken only if there is no other: it is most likely a list, or several that were not told apart."""
_MIN_CHARACTERS = 25
_POSITION_WEIGHTS = {0: 0.3, 1: 0.1, -1: 0.2}
"""Abstracts begin with the problem or the method, and end with the results."""
_TITLE_WEIGHT = 0.5
_NOTICES = ("http://", "https://", "available at", "project page", "코드는 ", "공개합니다")


def choose(paper: listing.Paper) -> tuple[str, Basis] | None:
    """Return the extract of a paper of a listing and what it was taken from; None without summary and abstract."""
    if summary := str(paper.get("summary") or "").strip():
        return summary, Basis.HUGGINGFACE
    chosen = choose_sentences(str(paper.get("abstract") or ""), str(paper.get("title") or ""))
    return (" ".join(chosen), Basis.EXTRACT) if chosen else None


@lru_cache(maxsize=1024)
def choose_sentences(abstract: str, title: str = "") -> tuple[str, ...]:
    """Return at most three whole sentences of an abstract, verbatim and in its order.

    It takes a millisecond or two; the posts of a day ask for the same papers again and again.
    """
    found = sentences.split(abstract)
    # What is cut off at the end is no sentence.
    whole = [sentence for sentence in found if sentences.is_whole(sentence)] or found[:1]
    usable = [sentence for sentence in whole if _is_usable(sentence)] or whole
    scores = _scores(usable, title)
    best = sorted(range(len(usable)), key=lambda index: (-scores[index], index))[:MAX_SENTENCES]
    return tuple(usable[index] for index in sorted(best))


def _is_usable(sentence: str) -> bool:
    is_notice = any(notice in sentence.casefold() for notice in _NOTICES)
    return not is_notice and _MIN_CHARACTERS <= len(sentence) <= _MAX_CHARACTERS


def _scores(found: Sequence[str], title: str) -> list[float]:
    """Return how much each sentence shares with the others and the title, with a bonus for its position."""
    words = [set(analyser.analyse(sentence)) for sentence in found]
    shared = Counter(word for tokens in words for word in tokens)
    title_words = set(analyser.analyse(title))
    raw = [
        sum(shared[word] - 1 + (_TITLE_WEIGHT * len(found) if word in title_words else 0) for word in tokens)
        / max(len(tokens), 1) ** 0.5
        for tokens in words
    ]
    highest = max(raw, default=0.0) or 1.0
    scores = [score / highest for score in raw]
    for position, weight in _POSITION_WEIGHTS.items():
        if len(scores) > abs(position):
            scores[position] += weight
    return scores


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary that readers may see: Markdown, its language, its writer, and what it was written from (None: unknown).

    `format` and `digest_id` are None for the paper's own abstract; `is_partial`: chapters that say nothing are left out.
    `writer` is the model that Paperround wrote it with.
    """

    sections: tuple[Section, ...]
    language: str
    format: DigestFormat | None
    date: date
    basis: Basis | None
    digest_id: int | None = None
    is_partial: bool = False
    writer: str | None = None


_BASIS_RANK = {Basis.PAPER: 0, None: 1, Basis.ABSTRACT: 2, Basis.HUGGINGFACE: 3, Basis.EXTRACT: 4}


WRITER_RANK = {DigestFormat.NEWSLETTER: 0, DigestFormat.REVIEW: 0, DigestFormat.LISTING: 1, None: 2}
"""Digests that someone wrote come before Hugging Face's sentence, and that before the abstract (None)."""


def best_summary(detail: PaperDetail, locale: Locale) -> Summary | None:
    """Return the best summary for readers of `locale`: a digest's or the abstract, None if there is neither.

    By language, then a digest before the abstract, then by basis, whole before partial, newer before older.
    """
    found = [summary for summary in map(_digest_summary, detail.appearances) if summary]
    if detail.abstract:
        sections = (Section(None, detail.abstract),)
        written_in = fields.detect_section_language(sections) or Locale.EN
        found.append(Summary(sections, written_in, None, detail.last_on, Basis.ABSTRACT))
    return min(found, key=lambda summary: _sort_key(summary, locale), default=None)


def best_appearance(detail: PaperDetail, locale: Locale, digest_format: DigestFormat) -> Appearance | None:
    """Return the appearance with the best summary of a format for readers of `locale`, or None."""
    candidates = (
        (summary, appearance)
        for appearance in detail.appearances
        if appearance.format is digest_format and (summary := _digest_summary(appearance)) is not None
    )
    best = min(candidates, key=lambda candidate: _sort_key(candidate[0], locale), default=None)
    return best and best[1]


def summary_sections(detail: PaperDetail, locale: Locale) -> tuple[Section, ...]:
    """Return the sections of the best summary, or none."""
    best = best_summary(detail, locale)
    return best.sections if best else ()


def _digest_summary(appearance: Appearance) -> Summary | None:
    entry = appearance.entry
    sections = summaries.shown_sections(entry)
    if not sections:
        return None
    return Summary(
        sections,
        summaries.find_language(appearance),
        appearance.format,
        appearance.date,
        summaries.find_appearance_basis(appearance),
        appearance.digest_id,
        is_partial=len(sections) < len(summaries.drop_labels(entry.sections)),
        writer=appearance.writer,
    )


def _sort_key(summary: Summary, locale: Locale) -> tuple[object, ...]:
    return (
        summary.language != locale.value,
        WRITER_RANK[summary.format],
        _BASIS_RANK[summary.basis],
        summary.is_partial,
        -summary.date.toordinal(),
        0 if summary.format is None else list(DigestFormat).index(summary.format),
    )
