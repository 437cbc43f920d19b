"""Summary basis: what a summary was written from, by what its writer says.

A writer without the paper either refuses (see `refusals`) or invents a summary from the title or from general knowledge, and
usually admits it: above the chapters, in the first of them, or in a note below the last. By stock phrases in Korean and
English. A doubtful summary counts as sound: better shown than lost.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

from storage import models


class Basis(StrEnum):
    """What a summary was written from."""

    PAPER = "paper"
    ABSTRACT = "abstract"
    EXTRACT = "extract"
    """Sentences of the abstract itself."""
    HUGGINGFACE = "huggingface"
    """Hugging Face's summary of the abstract, taken over."""
    NONE = "none"
    """Neither: the summary is missing or invented."""


NEWSLETTER_LABELS = ("What's New", "Technical Details", "Performance Highlights")
"""The headings that the newsletter has since its writer reads the whole paper."""

_LABELLED_CHARACTERS = 240
"""Characters read of the first and of the last of these highlights: their writer has never apologised."""
_HEAD_CHARACTERS = 2_000
_TAIL_CHARACTERS = 1_000
_OPENING_SENTENCES = 14
_CLOSING_SENTENCES = 6
_NEARBY_SENTENCES = 3
"""Sentences from the one that says that the paper was not read to the one that says what was used instead."""
_APOLOGY_SENTENCES = 4
_MAX_SENTENCE_LENGTH = 400
_URL = re.compile(r"\(?https?://[^\s)]+\)?")
_MARKUP = " \t*_>`\"'“”#-•·:()[]※"

_HINT = re.compile(
    "죄송|유감|안타깝|아쉽|제목|지식|추[측정]|유추|짐작|초록|추론[하한해된]|일반적인 [내정이]|일반적으로 알|예상[되하]"
    "|가상의|다를 수|차이가 [있날]"
    "|일치하지|반영하지"
    "|sorry|unfort|apolog|titl|knowle|infer|assum|hypothet|specul|plaus|guess|abstract|not re|not ac|differ f"
)
"""Without any of these, in lower case, nothing below matches. Nine texts of ten are sound by this alone."""

_STRONG_HINT = re.compile("죄송|제목|초록|[sS]orry|apolog|titl|abstract")
_UNREAD = re.compile(
    r"(?:링크|url|페이지|웹\s?사이트|사이트|원문|본문|전문|pdf|논문)"
    r"[^\n]{0,120}?(?:확인|찾|접근|접속|열람?|열어|볼|불러|읽|조회|가져|파악|얻|검색|방문)[가-힣]{0,4}\s?"
    r"(?:수\s?(?:가\s?|는\s?)?없|지\s?못|못|이?\s?(?:어렵|어려|불가|제한|실패)|않았)",
    re.IGNORECASE,
)
_LACKING = re.compile(r"(?:논문|링크)[^\n]{0,40}정보(?:가|는)?\s?(?:매우\s|충분히\s)?(?:부족|제한적)")
_PERSONAL = re.compile(
    r"죄송|유감|안타깝|아쉽|직접|제공(?:된|하신|해)|요청하신|주신|해당\s|현재|제가|저는|(?:없었|못했)습니다"
    r"|(?:없|못해|어려)(?:어|워|으므로|기 때문)"
)
_APOLOGY = re.compile(
    r"^(?!.*(?:기존|이전|방법|모델|\b(?:previous|existing|models?|detectors?)\b))"
    r"(?:(?:정말\s|대단히\s)?(?:죄송|미안|유감스럽|안타깝게도|아쉽게도)|(?:i['’]?\s?a?m\s(?:very\s|so\s)?sorry"
    r"|sorry|unfortunately|(?:i\s|my\s)?apolog))",
    re.IGNORECASE,
)
_UNREAD_ENGLISH = re.compile(
    r"\b(?:i\s(?:am|was|['’]m)?\s?(?:cannot|can['’]t|could\s?n[o'’]?['’]?t|could not|unable|not able|do(?:n['’]t| not) have"
    r"|did(?:n['’]t| not) have|have not read|have no)"
    r"|i['’]m (?:unable|not able)|without (?:direct )?(?:access|reading)|(?:was|were|is) (?:not accessible|unavailable))\b"
    r"[^\n]{0,100}?\b(?:paper|link|page|url|pdf|full text|document|content|article|arxiv)"
    r"|\b(?:paper|link|page|url|pdf|full text|article)\b[^\n]{0,60}"
    r"\b(?:could not be|cannot be|can['’]t be|couldn['’]t be|(?:was|is) not) (?:accessed|opened|retrieved"
    r"|loaded|read|found|accessible|available to me)",
    re.IGNORECASE,
)
_BASED_ON = r"(?:바탕|기반|토대|기초|근거|참고|활용|의존|미루어|유추|추정|추론|추측|짐작|예상)"
_ASSUMED = re.compile(
    rf"제목[^\n]{{0,160}}?(?:{_BASED_ON}|만으로|만\s보고|만을\s보고|따라|통해|에서\s(?:알|드러|유추))"
    r"|(?:일반(?:적인?|적으로)?\s?(?:알려진\s|연구\s)?(?:지식|이해|정보|내용|원칙|상식|접근|동향|맥락|관점)"
    r"|(?:배경|사전|기존|도메인|학습된|내부|가진|보유한|전문)\s?지식|지식에"
    rf"|(?:관련|유사한?|비슷한)\s?(?:분야|연구|논문|주제|기술))[^\n]{{0,80}}?(?:{_BASED_ON}|따라|통해"
    rf"|으로\s?(?:요약|정리|작성|설명))"
    r"|(?:추측|추정|유추|짐작|추론|예상)(?:하여|하였|했|해|한\s|된|되는|에\s?(?:기반|근거)|을\s?(?:바탕|기반"
    r"|포함)|입니다|이며|일\s뿐)"
    r"|가상의\s(?:요약|내용)"
)
_ASSUMED_ENGLISH = re.compile(
    r"\b(?:based (?:only |solely |purely |largely |mostly |primarily )?(?:up)?on|from|using|infer(?:red|ring)?|drawing on"
    r"|draw on|relying on|relies on|rely on|guess(?:ed|ing)?)\b[^\n]{0,80}"
    r"\b(?:the (?:paper['’]s )?title|(?:its|paper['’]s|whose) title|title alone|(?:general|prior|background"
    r"|common|existing|my own) knowledge"
    r"|knowledge of the (?:field|area|topic)|similar (?:papers|work)|related work|assumptions?)\b"
    r"|\b(?:hypothetical|speculative|presumed|plausible|educated guess)\b",
    re.IGNORECASE,
)
_OFFER = re.compile(
    r"(?:요약|정리|설명|작성|추론|추정|유추|추측|예상|구성|제공|제시|안내|말씀|답변|서술|기술|생성|분석)[가-힣]{0,4}\s?"
    r"(?:드리|드립|드려|하겠|해\s?보|보겠|했|하였|한\s(?:것|내용|요약)|된\s(?:것|내용|요약)|되었|됐|합니다|됩니다|한\s?결과|입니다)"
)
_PROMISE = re.compile(
    r"(?:요약|정리|설명|작성|추론|추정|유추|추측|예상|구성|제공|제시|안내|말씀|답변|서술|분석)[가-힣]{0,4}\s?"
    r"(?:드리|드립|드려|하겠습니다|보겠습니다|하도록\s?하겠)"
)
"""What a chat answer says and a summary does not."""
_SELF_REFERENCE = re.compile(
    r"(?:위|아래|다음|이|이하|본|상기|해당|이상의?)\s?(?:의\s)?(?:내용|요약|정리|설명|답변|분석|글)(?:은|는|이|의"
    r"|에|도|\s(?:내용|전체)|$)"
    r"|(?:요약|정리|답변)\s?내용|^(?:아래|다음|이상|위)(?:는|은)\s|참고로|참고\s?[:：]|유의"
)
_MAY_DIFFER = re.compile(
    r"(?:실제|원)\s?(?:논문|내용|본문|연구|문)?[^\n]{0,50}(?:다를|차이|일치하지|상이|반영하지)[^\n]{0,14}(?:수|있|않|점)"
    r"|(?:may|might|could) (?:not (?:fully |accurately |exactly )*(?:reflect|match|represent)|differ from)[^\n]{0,40}"
    r"(?:paper|article|work|study|content)",
    re.IGNORECASE,
)
_SELF_REFERENCE_ENGLISH = re.compile(
    r"\b(?:this|the (?:above|following|present)|my|these) (?:summar(?:y|ies)|overview|answer|response|outline"
    r"|analysis|review|chapters|sections|text)\b"
    r"|^(?:the )?(?:above|following)\b|\bi (?:will|can|have|['’]ll|['’]ve|would)\b|\bi['’](?:ll|ve)\b"
    r"|\bhere(?: is|['’]s) (?:a|an|my|the) [^\n]{0,30}(?:summary|overview|outline|answer)|\blet me\b|^(?:please )?note",
    re.IGNORECASE,
)
_ABSTRACT = re.compile(r"초록|\babstract\b", re.IGNORECASE)
_NOT_ABSTRACT = re.compile(
    r"(?:초록|abstract)[^\n]{0,30}(?:도\s|조차|역시|마저|없|못)|\b(?:no|nor|neither)\b[^\n]{0,30}abstract"
    r"|abstract (?:interpretation|syntax|reasoning|concept|algebra|level)|초록색",
    re.I,
)
_OTHER_SOURCE = re.compile(
    r"검색\s?결과|검색을\s통해|arxiv|github|깃허브|프로젝트\s?페이지|블로그|다른\s?(?:자료|출처|경로)|공개된"
    r"|공식\s|초안|web search|search results",
    re.IGNORECASE,
)


def find_basis(sections: Sequence[models.Section]) -> Basis | None:
    """What the writer of a summary says it was written from; None if it says nothing."""
    if not sections:
        return Basis.NONE
    if sections[0].heading in NEWSLETTER_LABELS and not _has_strong_hint(sections):
        return None
    head, tail = _sample(sections)
    if not (_HINT.search(head.lower()) or _HINT.search(tail.lower())):
        return None
    opening = _split_sentences(head)[:_OPENING_SENTENCES]
    closing = _split_sentences(tail or head)[-_CLOSING_SENTENCES:]
    return _basis_of_opening(opening, has_more=len(sections) > 1) or _basis_of_notes((*opening, *closing))


def _has_strong_hint(sections: Sequence[models.Section]) -> bool:
    start, end = sections[0].body[:_LABELLED_CHARACTERS], sections[-1].body[-_LABELLED_CHARACTERS:]
    return bool(_STRONG_HINT.search(start) or _STRONG_HINT.search(end))


def _sample(sections: Sequence[models.Section]) -> tuple[str, str]:
    """The start and the end of a summary, without what lies between; the end is empty if the start has it all."""
    length = sum(len(section.body) for section in sections)
    if length <= _HEAD_CHARACTERS:
        return "\n".join(f"{section.heading or ''}\n{section.body}" for section in sections), ""
    head, size = [], 0
    for section in sections:
        head += [section.heading or "", section.body[: _HEAD_CHARACTERS - size]]
        size += len(section.body)
        if size >= _HEAD_CHARACTERS:
            break
    tail = f"{sections[-1].heading or ''}\n{sections[-1].body[-_TAIL_CHARACTERS:]}"
    return "\n".join(head), tail


def _split_sentences(text: str) -> list[str]:
    for end in (". ", "! ", "? "):
        text = text.replace(end, end[0] + "\n")
    lines = (_URL.sub("", line).strip(_MARKUP)[:_MAX_SENTENCE_LENGTH] for line in text.split("\n"))
    return [line for line in lines if line]


def _basis_of_opening(opening: Sequence[str], *, has_more: bool) -> Basis | None:
    """What was used instead, if the writer says that the paper could not be read."""
    for index, sentence in enumerate(opening):
        nearby = opening[max(index - 1, 0) : index + _NEARBY_SENTENCES]
        if not (any(_HINT.search(near.lower()) for near in nearby) and _is_unread(sentence)):
            continue
        if any(map(_names_abstract, nearby)):
            return Basis.ABSTRACT
        if any(map(_is_assumed, nearby)):
            return Basis.NONE
        is_apology = index < _APOLOGY_SENTENCES and _APOLOGY.search(sentence)
        if is_apology and has_more and not any(map(_OTHER_SOURCE.search, nearby)):
            return Basis.NONE
    return None


def _basis_of_notes(sentences: Sequence[str]) -> Basis | None:
    """What a sentence about the summary itself says that it was written from."""
    for sentence in sentences:
        if not _HINT.search(sentence.lower()):
            continue
        promises = bool(_PROMISE.search(sentence))
        refers = bool(_SELF_REFERENCE.search(sentence) or _SELF_REFERENCE_ENGLISH.search(sentence))
        if not (promises or refers):
            continue
        if _names_abstract(sentence) and (promises or _is_written_from_abstract(sentence)):
            return Basis.ABSTRACT
        if _is_assumed(sentence) or (refers and _MAY_DIFFER.search(sentence)):
            return Basis.NONE
    return None


def _is_unread(sentence: str) -> bool:
    """Whether a sentence in the first person says that the paper could not be read."""
    if _UNREAD_ENGLISH.search(sentence) or _LACKING.search(sentence):
        return True
    return bool(_UNREAD.search(sentence) and _PERSONAL.search(sentence))


def _is_assumed(sentence: str) -> bool:
    return bool((_ASSUMED.search(sentence) and _OFFER.search(sentence)) or _ASSUMED_ENGLISH.search(sentence))


_FROM_ABSTRACT = re.compile(
    r"초록[^\n]{0,20}(?:바탕|기반|토대|근거|참고)[^\n]{0,20}(?:작성|요약|정리)|(?:based|written"
    r"|drawn)[^\n]{0,20}\b(?:on|from) (?:only )?the abstract",
    re.IGNORECASE,
)


def _is_written_from_abstract(sentence: str) -> bool:
    return bool(_FROM_ABSTRACT.search(sentence) and _SELF_REFERENCE_SUBJECT.search(sentence))


_SELF_REFERENCE_SUBJECT = re.compile(
    r"(?:요약|정리|설명|답변|내용|분석|글)(?:은|는)\s|^(?:아래|다음|이상|위)(?:는|은)\s|\b(?:summary|overview|answer|review)\b",
    re.IGNORECASE,
)


def _names_abstract(sentence: str) -> bool:
    return bool(_ABSTRACT.search(sentence)) and not _NOT_ABSTRACT.search(sentence)
