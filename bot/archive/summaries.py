"""What a digest's summaries are worth: refusals, inventions and empty sentences in them, and what they were written from.

A writer without the paper either refuses or invents a summary from the title or from general knowledge, and usually admits
it: above the chapters, in the first of them, or in a note below the last. All is found by stock phrases in Korean and
English; a doubtful text counts as a sound summary: better shown than lost. It is computed from the stored text, so that
what was stored before these rules existed needs no second reading. `shown_sections` is the one accessor for readers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import lru_cache

from bot.archive import fields
from bot.text import analyser
from storage.models import Appearance, DigestFormat, Entry, Locale, PaperDetail, Section


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
_REQUEST = re.compile("주시면|주세요|주십시오")
_FROM_ABSTRACT = re.compile(
    r"초록[^\n]{0,20}(?:바탕|기반|토대|근거|참고)[^\n]{0,20}(?:작성|요약|정리)|(?:based|written"
    r"|drawn)[^\n]{0,20}\b(?:on|from) (?:only )?the abstract",
    re.IGNORECASE,
)
_SELF_REFERENCE_SUBJECT = re.compile(
    r"(?:요약|정리|설명|답변|내용|분석|글)(?:은|는)\s|^(?:아래|다음|이상|위)(?:는|은)\s|\b(?:summary|overview|answer|review)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=64)
def find_basis(sections: tuple[Section, ...]) -> Basis | None:
    """What the writer of a summary says it was written from; None if it says nothing."""
    if not sections:
        return Basis.NONE
    if sections[0].heading in NEWSLETTER_LABELS:
        start, end = sections[0].body[:_LABELLED_CHARACTERS], sections[-1].body[-_LABELLED_CHARACTERS:]
        if not (_STRONG_HINT.search(start) or _STRONG_HINT.search(end)):
            return None
    head, tail = _sample(sections)
    if not (_HINT.search(head.lower()) or _HINT.search(tail.lower())):
        return None
    opening = _split_sentences(head)[:_OPENING_SENTENCES]
    closing = _split_sentences(tail or head)[-_CLOSING_SENTENCES:]
    return _basis_of_opening(opening, has_more=len(sections) > 1) or _basis_of_notes((*opening, *closing))


def _sample(sections: Sequence[Section]) -> tuple[str, str]:
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
        is_unread = _UNREAD_ENGLISH.search(sentence) or _LACKING.search(sentence)
        is_unread = is_unread or (_UNREAD.search(sentence) and _PERSONAL.search(sentence))
        if not (is_unread and any(_HINT.search(near.lower()) for near in nearby)):
            continue
        if any(map(_names_abstract, nearby)):
            return Basis.ABSTRACT
        if any(map(_is_assumed, nearby)):
            return Basis.NONE
        is_apology = index < _APOLOGY_SENTENCES and _APOLOGY.search(sentence)
        if is_apology and has_more and not any(map(_names_other_source, nearby)):
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
        says_source = _FROM_ABSTRACT.search(sentence) and _SELF_REFERENCE_SUBJECT.search(sentence)
        if _names_abstract(sentence) and (promises or says_source):
            return Basis.ABSTRACT
        if _is_assumed(sentence) or (refers and _MAY_DIFFER.search(sentence)):
            return Basis.NONE
    return None


def _names_other_source(sentence: str) -> bool:
    """Whether a sentence says what else was read: not what could not be read, nor what the reader is asked for."""
    unread = _UNREAD.search(sentence)
    found = _OTHER_SOURCE.search(sentence, unread.end() if unread else 0)
    return found is not None and not _REQUEST.search(sentence)


def _is_assumed(sentence: str) -> bool:
    return bool((_ASSUMED.search(sentence) and _OFFER.search(sentence)) or _ASSUMED_ENGLISH.search(sentence))


def _names_abstract(sentence: str) -> bool:
    return bool(_ABSTRACT.search(sentence)) and not _NOT_ABSTRACT.search(sentence)


# Refusals: texts in place of a summary, such as an apology, an error or a request for the paper.

_REFUSAL_OPENING = re.compile(
    r"(?:정말\s|대단히\s|매우\s)?(?:죄송|미안|유감스럽|안타깝)"
    r"|(?:i am|i['’]m)\s(?:very\s|really\s|so\s)?(?:sorry|unable|afraid|not able)"
    r"|sorry\b|(?:my\s|we\s|i\s)?(?:sincerely\s)?apolog|unfortunately|as an ai\b"
    r"|i\s(?:cannot|can['’]t|could not|couldn['’]t|do not have|don['’]t have|was unable|was not able)",
    re.IGNORECASE,
)
_RESOURCE = re.compile(
    r"링크|url|페이지|웹|인터넷|원문|본문|논문|제공(?:된|하신|해)"
    r"|\blinks?\b|website|web page|browse|the (?:paper|pdf|page|article)",
    re.IGNORECASE,
)
_FAILURE = re.compile(
    r"(?:확인|찾|접근|접속|열람?|볼|불러|읽|조회|제공|요약|작성|생성|존재|유효|도와|알|가져)[가-힣]{0,4}\s?"
    r"(?:수\s?(?:가\s)?없|지\s?못|못|지\s?않|않|실패)[가-힣]{0,8}\s?(?:것 같[가-힣]{0,4})?\W{0,3}$"
    r"|주시면|주세요|주십시오|주시기 바랍"
    r"|(?i:cannot|can['’]t|unable|could not|couldn['’]t|failed|not (?:available|accessible|possible))"
)
_PLACEHOLDER = re.compile(
    r"\W{0,9}(?:(?:n/?a|none|null|nan|empty|todo|tbd|없음|내용 없음|无|空|暂无(?:摘要|内容|总结)?)\W*"
    r"|(?:error|exception|traceback|timeout|오류|에러)(?:가 발생.*|\s?[:：(!\[].*|\s[0-9]{3}\b.*|\W*)"
    r"|(?:논문\s?)?(?:summary|요약)[^.\n]{0,60}(?:(?:error|오류)[^\n]{0,120}"
    r"|(?:unavailable|not available|failed|missing|실패|없음|없습니다|불가|못했습니다)[^.\n]{0,20}\W*))",
    re.IGNORECASE | re.DOTALL,
)
_TAIL = r"(?:\W{0,3}$|\s?[.:：;,(!|—–-][^\n]*|\s(?:for|on|in|by|please|when|after|with)\b[^\n]*)"
"""What can follow the name of an error; other words make it the subject of a sentence."""
_OUTPUT = r"(?:the |an? |this |your )?(?:ai )?(?:summary|abstract|paper|pdf|response|content|translation|text|url|json|api)\b"
_ERROR = re.compile(
    r"\W{0,9}(?:(?:api\s)?error(?:\scode|\soccurred|\s?[:：\]])[^\n]*|an? (?:\w{1,12}\s)?error (?:has )?occurred[^\n]*"
    r"|(?:failed|unable) to (?:generate|create|summari[sz]e|fetch|call|get|process|parse|translate|load)"
    rf"(?:\W{{0,3}}$|\s{_OUTPUT}[^\n]*)"
    r"|error (?:while |when |in )?(?:generating|creating|calling|fetching|processing|summari[sz]ing|translating)"
    rf"\s{_OUTPUT}[^\n]*"
    r"|(?:translation|summari[sz]ation|generation|request|connection|api call) (?:has )?(?:failed|timed out)"
    r"(?:\W{0,3}$|\s?[:：][^\n]*)"
    r"|(?:(?:openai|gemini|google|the|your|you|api|model|current|have|has|exceeded|daily|request|token|rate)\s){0,6}"
    rf"(?:quota|limit)\s(?:is |was |has been )?(?:exceeded|exhausted|reached){_TAIL}"
    r"|you (?:have )?exceeded your (?:\w{1,12}\s){0,2}quota\b[^\n]*"
    rf"|(?:(?:http )?(?:error )?[45][0-9]{{2}}\s)?(?:too many requests|service unavailable|bad gateway|gateway time-?out"
    rf"|internal server error|resource[_ ](?:has been )?exhausted|(?:client|server) error){_TAIL}"
    r"|(?:invalid|incorrect) api key\b[^\n]*|api key (?:is )?(?:not valid|invalid|missing)[^\n]*"
    rf"|(?:the )?(?:model|server|engine) is (?:currently )?(?:overloaded|unavailable){_TAIL}"
    r"|insufficient (?:balance|quota|credits?)\b[^\n]*"
    r"|(?:api|요청|사용|토큰|호출|모델|서버)[^.\n]{0,20}(?:할당량|한도|쿼터)[^.\n]{0,9}(?:초과|소진|도달)[^\n]*"
    r"|[^。\n]{0,20}(?:(?:达到|超出|超过|用尽)[^。\n]{0,9}(?:配额|额度)(?:限制|上限|$)"
    r"|(?:配额|额度|余额)[^。\n]{0,5}(?:不足|用尽|用完|已满|超限)"
    r"|(?:调用|生成|总结|请求|处理|翻译)(?:失败|超时|出错)(?:$|[^\w，][^\n]*|，请[^\n]*))[^\n]{0,60})",
    re.IGNORECASE,
)
"""What a model's server answers when it is asked too often, not paid, or down."""
_ERROR_HINT = re.compile(
    r"error|quota|limit|exceed|exhaust|fail|too many|unavailable|overload|time|gateway|api key|balance|credit|[45][0-9]{2}"
    r"|失败|超时|出错|配额|额度|余额|한도|할당량|쿼터",
    re.IGNORECASE,
)


def is_error(text: str) -> bool:
    """Whether each line of a text is an error of a model's server in place of a summary."""
    if len(text) > _MAX_REFUSAL_LENGTH or _ERROR_HINT.search(text) is None:
        return False
    lines = [bare for line in text.split("\n") if (bare := line.strip(_REFUSAL_MARKUP))]
    return bool(lines) and all(len(line) <= _MAX_ERROR_LENGTH and _ERROR.fullmatch(line) for line in lines)


_REFUSAL_PHRASE = re.compile(
    r"죄송|미안|수\s없|없습니다|없었|못했|주시|주세요|바랍니다|부탁|알려|도와|도움|드릴|드리겠|링크"
    r"|sorry|apolog|unable|cannot|can['’]t|couldn|could not|please|provide|let me know|happy to"
    r"|would you|could you|if you|access|as an ai",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!?。]\s|\n")
_REFUSAL_MARKUP = " \t\n*_>`\"'“”#-"
_MAX_REFUSAL_LENGTH = 3000
_MIN_SUMMARY_LENGTH = 160
_MAX_ERROR_LENGTH = 200


def drop_refusal(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """The sections without errors of a model's server; none if they have no heading and their text is a refusal."""
    sections = tuple(section for section in sections if not is_error(section.body))
    if any(section.heading for section in sections):
        return sections
    return () if is_refusal("\n".join(section.body for section in sections)) else sections


def is_refusal(text: str) -> bool:
    """Whether a text without chapters is empty or a refusal.

    It is one if little is left without the apology, the reasons and the requests.
    """
    bare = text[: 2 * _MAX_REFUSAL_LENGTH].strip(_REFUSAL_MARKUP)
    if not bare or is_error(bare):
        return True
    if len(bare) <= _MAX_ERROR_LENGTH and _PLACEHOLDER.fullmatch(bare):
        return True
    if len(bare) > _MAX_REFUSAL_LENGTH:
        return False
    end = _SENTENCE.search(bare)
    opening = bare[: end.start()] if end else bare
    if not (_REFUSAL_OPENING.match(bare) or (_RESOURCE.search(opening) and _FAILURE.search(opening))):
        return False
    sentences = _SENTENCE.split(bare[len(opening) :])
    content = (sentence for sentence in sentences if not _REFUSAL_PHRASE.search(sentence))
    return sum(len(sentence.strip(_REFUSAL_MARKUP)) for sentence in content) < _MIN_SUMMARY_LENGTH


# Empty statements only say that the paper gives no information on something: a review has fixed chapters, and its writer fills
# one that does not apply with such a sentence. A sentence that goes on to say something is kept.

_MAX_LENGTH = 200
_NEGATION = re.compile("[않없]|[nN]ot|n['’]t|[nN]o |[nN]/?[aA]|[nN]one|NONE")
"""Found in every empty statement, and in one summary of three."""
_ITEM_MARK = re.compile(r"^[ \t]*(?:[-*•·]|[0-9]{1,2}[.)])[ \t]+")
_LABEL = re.compile(r"^(?:\*\*|__)?[^:：\n*_]{1,60}(?:\*\*|__)?\s?[:：](?:\*\*|__)?\s*")
_SENTENCE_END = re.compile(r"(?<=[.!?。])[ \t]+")

_TOPIC = r"(?:정보|언급|설명|명시|기술|서술|세부\s?(?:사항|내용)?|상세(?:한)?\s?내용|자료|내용|수치|지표|결과|구체적[가-힣]{0,2})"
_END = r"(?:습니다|았습니다|았다|는다|음|다|었습니다|었다)"
_EMPTY_KOREAN = re.compile(
    r"[^.\n]{0,140}(?:"
    rf"{_TOPIC}[^.\n]{{0,24}}(?:제공|명시|언급|기술|공개|포함|제시|확인|설명|기재|서술|보고)"
    rf"(?:되어|돼|되지|된|되)[가-힣]{{0,2}}\s?(?:있지\s)?(?:않|못|없){_END}"
    rf"|(?:언급|정보|설명|명시|기술|내용)(?:은|는|이|가|도)?\s?(?:따로\s|별도로\s|전혀\s)?없{_END}"
    rf"|(?:명시|언급|제공|공개|기재)(?:되어|돼)\s?있지\s?않{_END}"
    rf"|(?:명시|언급|공개|기재)되지\s?않{_END}"
    rf"|(?:알 수|확인할 수|파악할 수)\s?없{_END}"
    r")[.。]?"
)
_EMPTY_KOREAN_PAPER = re.compile(
    r"(?:[^.\n]{0,30}\s)?(?:논문|연구|저자(?:들)?|본문|글|자료)(?:에서는?|에는|은|는|이|가|의)?\s[^.\n]{0,100}"
    rf"(?:제공|명시|언급|기술|공개|제시|설명|보고|서술)하지\s?않{_END}[.。]?"
)
"""In the active voice the subject must be the paper: a model may well provide no information."""

_EMPTY_ENGLISH = re.compile(
    r"(?:[^.\n]{0,120}\b(?:is|are|was|were) (?:not|never) (?:explicitly |specifically |clearly )?"
    r"(?:mentioned|specified|described|stated|disclosed|discussed|detailed)"
    r"|[^.\n]{0,60}\b(?:details?|information|specifics|numbers)\b[^.\n]{0,60}\b(?:is|are|was|were) not "
    r"(?:provided|given|available|reported)"
    r"|(?:in )?(?:the|this) (?:paper|authors?|article|work|text|study|summary) (?:does|do|did)(?: not|n['’]t) "
    r"(?:explicitly |specifically |clearly )?"
    r"(?:provide|mention|specify|describe|state|disclose|give|report|discuss|detail)\b[^.,;\n]{0,60}"
    r"|no (?:specific |detailed |further |explicit )?(?:information|details?|mention)\b[^.,;\n]{0,60})\.?",
    re.IGNORECASE,
)
_SAYS_MORE = re.compile(
    r"(?:으나|지만|으며|하며|이며|으로|으로서|하고|고|대신)\s?,|,\s?(?:but|instead|and|so)\b|대신",
    re.IGNORECASE,
)
"""A clause before or after the negation, such as "as a survey, the paper reports no experiments"."""

_NOTHING = re.compile(
    r"(?:n/?a|none|없음|해당\s?(?:사항\s?)?없음|not (?:applicable|provided|specified|mentioned))\.?", re.I
)
_PATTERNS = (_NOTHING, _EMPTY_KOREAN, _EMPTY_KOREAN_PAPER, _EMPTY_ENGLISH)


def is_empty_statement(sentence: str) -> bool:
    """Whether a sentence, without its list mark and label, only says that nothing is said, or is an error."""
    if is_error(_ITEM_MARK.sub("", sentence, count=1)):
        return True
    bare = _LABEL.sub("", _ITEM_MARK.sub("", sentence.strip(), count=1), count=1).strip(" *_")
    if not bare or len(bare) > _MAX_LENGTH or _SAYS_MORE.search(bare):
        return False
    return any(pattern.fullmatch(bare) for pattern in _PATTERNS)


def drop_empty_statements(sections: Sequence[Section]) -> tuple[Section, ...]:
    """The sections without empty statements, and without the sections that have nothing else."""
    if not any(map(_may_be_empty, (section.body for section in sections))):
        return tuple(section for section in sections if section.body.strip())
    kept = (replace(section, body="\n".join(_drop_from(section.body)).strip("\n")) for section in sections)
    return tuple(section for section in kept if section.body.strip())


def _may_be_empty(text: str) -> bool:
    return _NEGATION.search(text) is not None or _ERROR_HINT.search(text) is not None


def _drop_from(body: str) -> Iterator[str]:
    for line in body.split("\n"):
        if len(line) > 10 * _MAX_LENGTH or not _may_be_empty(line):
            yield line
            continue
        if is_empty_statement(line):
            continue
        sentences = _SENTENCE_END.split(line)
        # The first sentence carries the item's mark and label, so it is kept with what follows it.
        kept = [sentences[0], *(sentence for sentence in sentences[1:] if not is_empty_statement(sentence))]
        yield line if len(kept) == len(sentences) else " ".join(kept)


# The labels by which Paperround's writer says in a digest what an entry was written from, and what it left out.

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
"""By language. A summary written from the whole paper has no label."""
HEADINGS: Mapping[Locale, str] = {Locale.EN: "Basis", Locale.KO: "작성 근거"}
"""The chapter of a review that holds its labels."""

_BASIS_BY_LABEL = {text: basis for labels in BASIS_LABELS.values() for basis, text in labels.items()} | {
    # In digests that were written with the former labels.
    "This is an extract of the abstract in its own words.": Basis.EXTRACT,
    "This is Hugging Face's summary of the abstract, an extract in its own words.": Basis.HUGGINGFACE,
}


def label_dropped(language: Locale, count: int) -> str:
    """Return the label of an entry whose writer dropped `count` claims, at least 1."""
    if language is Locale.KO:
        return f"검사를 통과하지 못한 문장 {count}개는 뺐습니다."
    noun, verb = ("sentence", "was") if count == 1 else ("sentences", "were")
    return f"{count} {noun} that failed the checks {verb} left out."


def find_labelled_basis(sections: Sequence[Section]) -> Basis | None:
    """Return what an entry was written from by its label; None without one."""
    lines = (line for section in sections for line in section.body.split("\n"))
    return next((_BASIS_BY_LABEL[line] for line in lines if line in _BASIS_BY_LABEL), None)


def drop_labels(sections: Sequence[Section]) -> tuple[Section, ...]:
    """Return the sections without labels of the basis, for readers who are told it otherwise."""
    if find_labelled_basis(sections) is None:
        return tuple(sections)
    kept = []
    for section in sections:
        body = "\n".join(line for line in section.body.split("\n") if line not in _BASIS_BY_LABEL)
        if body.strip():
            kept.append(replace(section, body=body))
    return tuple(kept)


_LABEL_NAMES = {
    label.lower(): label.lower().replace("'", "").replace(" ", "-") for label in NEWSLETTER_LABELS
}


def shown_sections(entry: Entry) -> tuple[Section, ...]:
    """The sections without empty statements and labels of the basis; none for a refusal or an invention."""
    return () if entry.summary_missing else _select_shown(entry.sections)


@lru_cache(maxsize=64)
def _select_shown(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """It takes half a millisecond, and each view of a paper asks several times."""
    return () if find_basis(sections) is Basis.NONE else drop_empty_statements(drop_labels(sections))


def find_shown_basis(digest_format: DigestFormat, entry: Entry) -> Basis | None:
    """What the summary of an entry was written from; None if neither the text nor a service says it."""
    if entry.summary_missing or not shown_sections(entry):
        return Basis.NONE
    said = find_labelled_basis(entry.sections) or find_basis(entry.sections)
    if said is None and digest_format is DigestFormat.LISTING:
        return Basis.ABSTRACT  # Hugging Face's own sentence
    return said


def find_appearance_basis(appearance: Appearance) -> Basis | None:
    """What the summary of a stored entry was written from. Paperround's writer labels all but the whole paper."""
    basis = find_shown_basis(appearance.format, appearance.entry)
    return Basis.PAPER if basis is None and appearance.writer is not None else basis


def find_language(appearance: Appearance) -> str:
    """The language of the summary of an entry, which may differ from that of its digest."""
    return fields.detect_section_language(appearance.entry.sections) or appearance.language


def label_name(heading: str | None) -> str | None:
    """The name of one of the newsletter's three headings, such as `technical-details`; None for other headings."""
    return _LABEL_NAMES.get((heading or "").strip("* :").lower().replace("’", "'"))


# The text of a paper that readers see: its best summary, or otherwise an extract. Pure.
#
# An extract is Hugging Face's own sentence about a paper, else the three sentences of its abstract that say most of it.

MAX_SENTENCES = 3
_MAX_CHARACTERS = 700
"""A longer sentence is taken only if there is no other: it is most likely a list, or several that were not told apart."""
_MIN_CHARACTERS = 25
_POSITION_WEIGHTS = {0: 0.3, 1: 0.1, -1: 0.2}
"""Abstracts begin with the problem or the method, and end with the results."""
_TITLE_WEIGHT = 0.5
_NOTICES = ("http://", "https://", "available at", "project page", "코드는 ", "공개합니다")


@lru_cache(maxsize=1024)
def choose_sentences(abstract: str, title: str = "") -> tuple[str, ...]:
    """Return at most three whole sentences of an abstract, verbatim and in its order.

    It takes a millisecond or two; the posts of a day ask for the same papers again and again.
    """
    found = analyser.split_sentences(abstract)
    # What is cut off at the end is not a sentence.
    whole = [sentence for sentence in found if analyser.is_whole_sentence(sentence)] or found[:1]
    usable = [
        sentence
        for sentence in whole
        if _MIN_CHARACTERS <= len(sentence) <= _MAX_CHARACTERS
        and not any(notice in sentence.casefold() for notice in _NOTICES)
    ] or whole
    scores = _scores(usable, title)
    best = sorted(range(len(usable)), key=lambda index: (-scores[index], index))[:MAX_SENTENCES]
    return tuple(usable[index] for index in sorted(best))


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


WRITER_RANK = {
    DigestFormat.NEWSLETTER: 0,
    DigestFormat.REVIEW: 0,
    DigestFormat.LISTING: 1,
    DigestFormat.LIST: 1,
    DigestFormat.LOOKUP: 1,
}
"""Of sources of one priority, digests that someone wrote come before Hugging Face's sentence and the texts of lists, and
before extracts."""
_TAKEN_OVER = (Basis.EXTRACT, Basis.HUGGINGFACE)


def best_summary(detail: PaperDetail, locale: Locale) -> Summary | None:
    """Return the best summary for readers of `locale`: a digest's or the abstract, None if there is neither.

    By language, then a digest before the abstract, then by the priority of the sources, written digests before listings,
    older sources before younger ones; of one source by basis, whole before partial, newer before older.
    """
    _, best = _best(detail.appearances, locale) or (None, None)
    if (best is None or best.language != locale.value) and detail.abstract:
        sections = (Section(None, detail.abstract),)
        written_in = fields.detect_section_language(sections) or Locale.EN
        if best is None or written_in == locale.value:
            return Summary(sections, written_in, None, detail.last_on, Basis.ABSTRACT)
    return best


def are_all_foreign(languages: Iterable[str | None], locale: Locale) -> bool:
    """Return whether all papers of a message have a text, and all in another language than the reader's.

    It then says so once, otherwise below each text of another language. The language of a paper without a text is None.
    """
    found = set(languages)
    return bool(found) and not found & {locale.value, None}


def best_appearance(detail: PaperDetail, locale: Locale, digest_format: DigestFormat) -> Appearance | None:
    """Return the appearance with the best summary of a format for readers of `locale`, or None."""
    best = _best([of for of in detail.appearances if of.format is digest_format], locale)
    return best and best[0]


def misses_summary(appearance: Appearance) -> bool:
    """Return whether a digest has no summary of a paper; one for look-up is not expected to have any."""
    return appearance.format is not DigestFormat.LOOKUP and not shown_sections(appearance.entry)


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
        is_partial=len(sections) < len(drop_labels(entry.sections)),
        writer=appearance.writer,
    )


def _best(appearances: Iterable[Appearance], locale: Locale) -> tuple[Appearance, Summary] | None:
    def rank(row: tuple[Appearance, Summary]) -> tuple[object, ...]:
        appearance, summary = row
        return (
            summary.language != locale.value,
            appearance.trust.rank,
            max(WRITER_RANK[appearance.format], summary.basis in _TAKEN_OVER),
            appearance.trust.age,
            _BASIS_RANK[summary.basis],
            summary.is_partial,
            -appearance.counts_on.toordinal(),
            list(DigestFormat).index(appearance.format),
            appearance.digest_id,
        )

    return min(
        ((of, summary) for of in appearances if (summary := _digest_summary(of))), key=rank, default=None
    )
