"""Judge summaries: detect refusals and invented summaries, and find the text a summary was written from.

A model without the paper either refuses or invents a summary from the title or general knowledge. It usually
admits this in stock Korean or English phrases above the chapters, in the first chapter or in a note below the
last. A doubtful text counts as a real summary. Readers only ever see `shown_sections`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import lru_cache

from bot.archive import languages
from bot.text import plain
from storage.models import Appearance, DigestFormat, Entry, Locale, PaperDetail, Section


class Basis(StrEnum):
    """The text that a summary was written from."""

    PAPER = "paper"
    ABSTRACT = "abstract"
    EXTRACT = "extract"
    """The summary quotes the abstract."""
    HUGGINGFACE = "huggingface"
    """The summary quotes Hugging Face's summary of the abstract."""
    NONE = "none"
    """The summary is missing or invented."""


NEWSLETTER_LABELS = ("What's New", "Technical Details", "Performance Highlights")

# Refusals and invented summaries by models that could not read the paper.

_MAX_REFUSAL_LENGTH, _MAX_NOTE_LENGTH = 1_500, 200
_APOLOGY = re.compile(
    r"\W{0,9}(?:(?:정말|대단히|매우)\s)?(?:죄송|미안합니다|유감스럽)"
    r"|\W{0,9}(?:api\s)?error\s?[:：\]]"
    r"|\W{0,9}(?:i(?: a|['’])m (?:very )?(?:sorry|unable|afraid)|sorry\b|i apologi|unfortunately,? i\b|as an ai\b"
    r"|i (?:cannot|can['’]t|could not|couldn['’]t|do not have|don['’]t have)\b)",
    re.IGNORECASE,
)
_UNREAD = re.compile(
    r"(?:논문|링크|페이지)[^\n]{0,60}(?:확인|찾을|접근|열|불러|읽)[^\n]{0,8}(?:수\s?없|못)[가-힣]{0,6}(?:$|[.,])"
)
_NOTHING = re.compile(
    r"\W*+(?:n/?a|none|null|없음|해당\s?(?:사항\s?)?없음|not (?:applicable|provided|specified|mentioned))?\W*+",
    re.IGNORECASE,
)
_GUESSED = re.compile(
    r"(?:제목|일반적인?\s?(?:지식|내용)|배경\s?지식)[^\n]{0,80}(?:기반|바탕|토대|만으로|추론|추측|추정|유추)"
    r"|\b(?:based|inferred|guessed|summary|outline)\b[^\n]{0,40}\b(?:title|general knowledge)\b",
    re.IGNORECASE,
)
_FROM_ABSTRACT = re.compile(
    r"초록[^\n]{0,20}(?:바탕|기반|토대|근거|내용)[^\n]{0,20}(?:작성|요약|정리)"
    r"|\bsummary\b[^\n]{0,30}\b(?:on|from) (?:only )?the abstract|\bfrom the abstract:",
    re.IGNORECASE,
)
_OPENING_CHARACTERS, _NOTE_CHARACTERS = 600, 300
_KOREAN_NOTE, _ENGLISH_NOTE = r"\s(?:내용|요약|정리)", "(?i:his|he above)(?i: summary)"
# A pattern whose alternatives begin with letters is searched four times as fast.
_NOTE = re.compile(
    rf"위{_KOREAN_NOTE}|본{_KOREAN_NOTE}|이(?:상의?)?{_KOREAN_NOTE}|t{_ENGLISH_NOTE}|T{_ENGLISH_NOTE}"
)


@lru_cache(maxsize=64)
def find_basis(sections: tuple[Section, ...]) -> Basis | None:
    """Return the basis that a summary states in its text, or None if it states none."""
    if not sections:
        return Basis.NONE
    opening = sections[0].body[:_OPENING_CHARACTERS]
    last = sections[-1].body[-_NOTE_CHARACTERS:].rpartition("\n\n")[2]
    has_apology = _APOLOGY.match(opening) is not None
    for text in ([opening] if has_apology else []) + ([last] if _NOTE.search(last) else []):
        if _FROM_ABSTRACT.search(text):
            return Basis.ABSTRACT
        if _GUESSED.search(text):
            return Basis.NONE
    return Basis.NONE if has_apology and _UNREAD.search(opening) else None


def drop_refusal(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """Return the sections, or an empty tuple if they have no headings and their text is a refusal."""
    if any(section.heading for section in sections):
        return sections
    return () if is_refusal("\n".join(section.body for section in sections)) else sections


def is_refusal(text: str) -> bool:
    """Return whether a text without chapters is empty or an apology instead of a summary."""
    if len(text) > _MAX_REFUSAL_LENGTH or _FROM_ABSTRACT.search(text):
        return False
    is_note = len(text) <= _MAX_NOTE_LENGTH and _UNREAD.search(text) is not None
    return is_note or _APOLOGY.match(text) is not None or _NOTHING.fullmatch(text) is not None


# The labels in Paperround's digests for the basis of an entry and for dropped sentences.

BASIS_LABELS: Mapping[Locale, Mapping[Basis, str]] = {
    Locale.EN: {
        Basis.ABSTRACT: "This summary was written from the abstract.",
        Basis.EXTRACT: "This is a verbatim extract of the abstract.",
        Basis.HUGGINGFACE: "This is a verbatim extract of Hugging Face's summary of the abstract.",
    },
    Locale.KO: {
        Basis.ABSTRACT: "이 요약은 논문의 초록을 바탕으로 작성했습니다.",
        Basis.EXTRACT: "논문의 초록에서 문장을 그대로 발췌했습니다.",
        Basis.HUGGINGFACE: "Hugging Face가 초록을 요약한 글을 그대로 발췌했습니다.",
    },
}
"""Labels by language. A summary of the whole paper has no label."""
HEADINGS: Mapping[Locale, str] = {Locale.EN: "Basis", Locale.KO: "작성 근거"}
"""The heading above the labels in a review."""

_BASIS_BY_LABEL = {text: basis for labels in BASIS_LABELS.values() for basis, text in labels.items()}


def label_dropped(language: Locale, count: int) -> str:
    """Return the label that states how many claims were dropped (`count`, at least 1)."""
    if language is Locale.KO:
        return f"검사를 통과하지 못한 문장 {count}개는 뺐습니다."
    noun, verb = ("sentence", "was") if count == 1 else ("sentences", "were")
    return f"{count} {noun} that failed the checks {verb} left out."


def find_labelled_basis(sections: Sequence[Section]) -> Basis | None:
    """Return the basis that an entry's label states, or None if it has no label."""
    lines = (line for section in sections for line in section.body.split("\n"))
    return next((_BASIS_BY_LABEL[line] for line in lines if line in _BASIS_BY_LABEL), None)


def drop_labels(sections: Sequence[Section]) -> tuple[Section, ...]:
    """Remove basis labels, which readers see elsewhere."""
    if find_labelled_basis(sections) is None:
        return tuple(sections)
    unlabelled = []
    for section in sections:
        body = "\n".join(line for line in section.body.split("\n") if line not in _BASIS_BY_LABEL)
        if body.strip():
            unlabelled.append(replace(section, body=body))
    return tuple(unlabelled)


_LABEL_NAMES = {
    label.lower(): label.lower().replace("'", "").replace(" ", "-") for label in NEWSLETTER_LABELS
}


def shown_sections(entry: Entry) -> tuple[Section, ...]:
    """Return the sections that readers see, without basis labels; empty for a refused or invented summary."""
    return () if entry.summary_missing else select_shown(entry.sections)


@lru_cache(maxsize=64)
def select_shown(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """Return the sections of a summary that readers see. Cached, since views call this repeatedly."""
    return () if find_basis(sections) is Basis.NONE else drop_labels(sections)


def find_appearance_basis(appearance: Appearance) -> Basis | None:
    """Return the basis of a stored entry's summary, or None if it is unknown.

    Paperround labels every basis except the whole paper. Hugging Face's sentence comes from the abstract.
    """
    entry = appearance.entry
    if not shown_sections(entry):
        return Basis.NONE
    if stated := find_labelled_basis(entry.sections) or find_basis(entry.sections):
        return stated
    if appearance.format is DigestFormat.LISTING:
        return Basis.ABSTRACT
    return None if appearance.writer is None else Basis.PAPER


def find_language(appearance: Appearance) -> str:
    """Return the language of an entry's summary, which may differ from the digest's language."""
    return languages.detect_section_language(appearance.entry.sections) or appearance.language


def label_name(heading: str | None) -> str | None:
    """Return the name of one of the newsletter's three headings, such as `technical-details`, or None."""
    return _LABEL_NAMES.get((heading or "").strip("* :").lower().replace("’", "'"))


# A paper's best summary, or else an extract of its abstract, which begins with the problem and ends with the results.

_NOTICES = ("http://", "https://", "available at", "project page", "코드는 ", "공개합니다")


def choose_sentences(abstract: str) -> tuple[str, ...]:
    """Return an abstract's first two sentences and its last, verbatim, skipping notices of code and data."""
    sentences = plain.split_sentences(abstract)
    # The last sentence may be truncated.
    whole = [sentence for sentence in sentences if plain.is_whole_sentence(sentence)] or sentences[:1]
    kept = [text for text in whole if not any(notice in text.casefold() for notice in _NOTICES)] or whole
    return tuple(kept) if len(kept) <= 3 else (*kept[:2], kept[-1])


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary for readers, in Markdown. `basis` is None if unknown.

    `format` and `digest_id` are None for the paper's abstract. `writer` is the model that Paperround used, `source` the
    digest's source.
    """

    sections: tuple[Section, ...]
    language: str
    format: DigestFormat | None
    date: date
    basis: Basis | None
    digest_id: int | None = None
    writer: str | None = None
    source: str = ""


_BASIS_RANK = {Basis.PAPER: 0, None: 1, Basis.ABSTRACT: 2, Basis.HUGGINGFACE: 3, Basis.EXTRACT: 4}


WRITER_RANK = {
    DigestFormat.NEWSLETTER: 0,
    DigestFormat.REVIEW: 0,
    DigestFormat.LISTING: 1,
    DigestFormat.LIST: 1,
    DigestFormat.LOOKUP: 1,
}
"""The order among sources of equal priority: written digests, Hugging Face's sentence, lists, extracts."""
_TAKEN_OVER = (Basis.EXTRACT, Basis.HUGGINGFACE)


def best_summary(detail: PaperDetail, locale: Locale) -> Summary | None:
    """Return the best summary for readers of `locale`, from a digest or the abstract, or None.

    Order: by language; digests before the abstract; by source priority; written digests before listings;
    older sources first; and within a source by basis, then newest first.
    """
    _, best = _best(detail.appearances, locale) or (None, None)
    abstract = _abstract_summary(detail) if best is None or best.language != locale.value else None
    return abstract if abstract and (best is None or abstract.language == locale.value) else best


def _abstract_summary(detail: PaperDetail) -> Summary | None:
    if not detail.abstract:
        return None
    sections = (Section(None, detail.abstract),)
    written_in = languages.detect_section_language(sections) or Locale.EN
    return Summary(sections, written_in, None, detail.last_on, Basis.ABSTRACT)


def list_texts(detail: PaperDetail, locale: Locale) -> list[Summary]:
    """Return a paper's summaries and abstract: the best first, then texts in the reader's language."""
    best = best_summary(detail, locale)
    texts = list(filter(None, (*map(_digest_summary, detail.appearances), _abstract_summary(detail))))
    texts.sort(key=lambda text: (text != best, text.language != locale.value))
    return texts


def are_all_foreign(languages: Iterable[str | None], locale: Locale) -> bool:
    """Return whether no paper in a message has a text in the reader's language.

    If so, the message states this once, not below each text. A paper without a text has the language None.
    """
    distinct = set(languages)
    return bool(distinct) and not distinct & {locale.value, None}


def best_appearance(
    appearances: Iterable[Appearance], locale: Locale, digest_format: DigestFormat | None = None
) -> Appearance | None:
    """Return the appearance with the best summary (in a format) for readers of `locale`, or None."""
    best = _best(
        [appearance for appearance in appearances if digest_format in (None, appearance.format)], locale
    )
    return best and best[0]


def misses_summary(appearance: Appearance) -> bool:
    """Return whether an entry lacks a summary. Entries of LIST and LOOKUP digests never have one."""
    has_ids_alone = appearance.format in (DigestFormat.LIST, DigestFormat.LOOKUP)
    return not has_ids_alone and not shown_sections(appearance.entry)


def _digest_summary(appearance: Appearance) -> Summary | None:
    entry = appearance.entry
    sections = shown_sections(entry)
    if not sections:
        return None
    return Summary(
        sections,
        find_language(appearance),
        appearance.format,
        appearance.date,
        find_appearance_basis(appearance),
        appearance.digest_id,
        writer=appearance.writer,
        source=appearance.source,
    )


def _best(appearances: Iterable[Appearance], locale: Locale) -> tuple[Appearance, Summary] | None:
    def rank(candidate: tuple[Appearance, Summary]) -> tuple[object, ...]:
        appearance, summary = candidate
        return (
            summary.language != locale.value,
            appearance.source_rank.rank,
            max(WRITER_RANK[appearance.format], summary.basis in _TAKEN_OVER),
            appearance.source_rank.age,
            _BASIS_RANK[summary.basis],
            -appearance.ranking_date.toordinal(),
            list(DigestFormat).index(appearance.format),
            appearance.digest_id,
        )

    summaries = ((of, _digest_summary(of)) for of in appearances)
    return min(((of, summary) for of, summary in summaries if summary), key=rank, default=None)
