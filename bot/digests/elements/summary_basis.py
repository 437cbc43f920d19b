"""Summary basis: what a summary was written from, by what its writer says, and sentences that only say nothing is said.

A writer without the paper either refuses (see `refusals`) or invents a summary from the title or from general knowledge, and
usually admits it. By stock phrases in Korean and English. A doubtful summary counts as sound: better shown than lost.
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
    NONE = "none"
    """Neither: the summary is missing or invented."""


_OPENING_SENTENCES = 6
_CLOSING_SENTENCES = 4
_MAX_SENTENCE_LENGTH = 400
_SENTENCE_END = re.compile(r"(?<=[.!?。])\s+|\n+")
_MARKUP = " \t*_>`\"'“”#-•·:()[]"

_UNREAD = re.compile(
    r"(?:링크|url|페이지|웹\s?사이트|원문|본문|전문|pdf|논문)"
    r"[^.\n]{0,80}(?:확인|찾|접근|접속|열람?|볼|불러|읽|조회|가져|파악|얻)[가-힣]{0,4}\s?"
    r"(?:수\s?(?:가\s?|는\s?)?없|지\s?못|못|이?\s?(?:어렵|불가|제한))",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"죄송|유감|안타깝|아쉽|직접|제공(?:된|하신|해)|요청하신|주신|해당\s|현재|제가|저는"
    r"|(?:없었|못했)습니다|(?:없|못해|어려)(?:어|워|으므로|기 때문)"
)
_UNREAD_ENGLISH = re.compile(
    r"\b(?:i\s(?:am|was|['’]m)?\s?(?:cannot|can['’]t|could\s?n[o'’]t|could not|unable|not able|do(?:n['’]t| not) have)"
    r"|i['’]m (?:unable|not able)|without (?:access|reading))\b[^.\n]{0,80}"
    r"\b(?:paper|link|page|url|pdf|full text|document|content|article|arxiv)",
    re.IGNORECASE,
)
_ASSUMED = re.compile(
    r"(?:제목|일반(?:적인?|적으로)?\s?(?:지식|이해|정보|내용|원칙|상식|접근)|(?:배경|사전|기존|도메인)\s?지식"
    r"|(?:관련|유사한?|비슷한)\s?(?:분야|연구|논문|주제)|추측|추정|유추|추론(?:하여|해|한)|짐작)"
)
_ASSUMED_ENGLISH = re.compile(
    r"\b(?:based (?:only |solely |purely )?on|from|using|inferr?(?:ed|ing)?|drawing on|relying on)\b[^.\n]{0,60}"
    r"\b(?:the title|its title|title alone|general knowledge|prior knowledge|background knowledge|common knowledge"
    r"|similar (?:papers|work)|related work|assumptions?)\b"
    r"|\b(?:hypothetical|speculative|presumed|plausible) (?:summary|overview|content)",
    re.IGNORECASE,
)
_OFFER = re.compile(
    r"(?:요약|정리|설명|작성|추론|추정|유추|추측|구성|제공|제시|안내|말씀|답변)[가-힣]{0,4}\s?"
    r"(?:드리|드립|하겠|해\s?보|했|하였|한\s(?:것|내용)|되었|됐|합니다|한\s?결과)"
)
_SELF_REFERENCE = re.compile(
    r"(?:위|아래|다음|이|본|상기|이상의?)\s?(?:의\s)?(?:내용|요약|정리|설명|답변)|(?:요약|정리|답변)\s?내용"
)
_MAY_DIFFER = re.compile(
    r"(?:실제|원)\s?(?:논문|내용|본문|연구)[^.\n]{0,40}(?:다를|차이|일치하지|상이|반영하지)"
    r"|(?:may|might|could) (?:not (?:accurately )?(?:reflect|match|represent)|differ from)[^.\n]{0,40}"
    r"(?:paper|article|work|study)",
    re.IGNORECASE,
)
_SELF_REFERENCE_ENGLISH = re.compile(
    r"\b(?:this|the (?:above|following)|my) (?:summary|overview|answer|response|outline|analysis)\b"
    r"|\bi (?:will|can|have|['’]ll|['’]ve)\b|\bhere (?:is|['’]s)\b|\blet me\b",
    re.IGNORECASE,
)
_ABSTRACT = re.compile(r"초록|\babstract\b", re.IGNORECASE)
_NOT_ABSTRACT = re.compile(
    r"(?:초록|abstract)[^.\n]{0,30}(?:도|조차|역시|마저|없|못)|\b(?:no|nor|neither)\b[^.\n]{0,30}abstract",
    re.I,
)


def find_basis(sections: Sequence[models.Section]) -> Basis | None:
    """What the writer of a summary says it was written from; None if it says nothing."""
    if not sections:
        return Basis.NONE
    sentences = _split_sentences("\n".join(section.body for section in sections))
    opening, closing = sentences[:_OPENING_SENTENCES], sentences[-_CLOSING_SENTENCES:]
    is_unread = any(_is_unread(sentence) for sentence in opening)
    if is_unread and any(_names_abstract(sentence) for sentence in opening):
        return Basis.ABSTRACT
    if is_unread and any(_is_assumed(sentence) for sentence in opening):
        return Basis.NONE
    if any(map(_admits_invention, (*opening, *closing))):
        return Basis.NONE
    return None


def _split_sentences(text: str) -> list[str]:
    sentences = (sentence.strip(_MARKUP)[:_MAX_SENTENCE_LENGTH] for sentence in _SENTENCE_END.split(text))
    return [sentence for sentence in sentences if sentence]


def _is_unread(sentence: str) -> bool:
    """Whether a sentence in the first person says that the paper could not be read."""
    return bool(_UNREAD_ENGLISH.search(sentence) or (_UNREAD.search(sentence) and _PERSONAL.search(sentence)))


def _is_assumed(sentence: str) -> bool:
    return bool((_ASSUMED.search(sentence) and _OFFER.search(sentence)) or _ASSUMED_ENGLISH.search(sentence))


def _admits_invention(sentence: str) -> bool:
    """Whether a sentence about the summary itself says that it was not written from the paper."""
    about_itself = _SELF_REFERENCE.search(sentence) or _SELF_REFERENCE_ENGLISH.search(sentence)
    return bool(about_itself and (_is_assumed(sentence) or _MAY_DIFFER.search(sentence)))


def _names_abstract(sentence: str) -> bool:
    return bool(_ABSTRACT.search(sentence)) and not _NOT_ABSTRACT.search(sentence)
