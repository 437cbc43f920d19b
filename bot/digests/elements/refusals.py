"""Refusal detection: texts in place of a summary, such as an apology, an error or a request for the paper.

By stock phrases in Korean and English. A doubtful text counts as a summary: better shown than lost.
"""

from __future__ import annotations

import re

from storage import models

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
    r"\W{0,9}(?:(?:n/?a|none|null|nan|empty|todo|tbd|없음|내용 없음)\W*"
    r"|(?:error|exception|traceback|timeout|오류|에러)(?:가 발생.*|\s?[:：(!\[].*|\s[0-9]{3}\b.*|\W*)"
    r"|(?:논문\s?)?(?:summary|요약)[^.\n]{0,60}(?:(?:error|오류)[^\n]{0,120}"
    r"|(?:unavailable|not available|failed|missing|실패|없음|없습니다|불가|못했습니다)[^.\n]{0,20}\W*))",
    re.IGNORECASE | re.DOTALL,
)
_REFUSAL_PHRASE = re.compile(
    r"죄송|미안|수\s없|없습니다|없었|못했|주시|주세요|바랍니다|부탁|알려|도와|도움|드릴|드리겠|링크"
    r"|sorry|apolog|unable|cannot|can['’]t|couldn|could not|please|provide|let me know|happy to"
    r"|would you|could you|if you|access|as an ai",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!?。]\s|\n")
_MARKUP = " \t\n*_>`\"'“”#-"
_MAX_REFUSAL_LENGTH = 3000
_MIN_SUMMARY_LENGTH = 160
_MAX_ERROR_LENGTH = 200


def drop_refusal(sections: tuple[models.Section, ...]) -> tuple[models.Section, ...]:
    """The sections, or none if they have no heading and their text is a refusal."""
    if sections and (sections[0].heading or any(section.heading for section in sections)):
        return sections
    return () if is_refusal("\n".join(section.body for section in sections)) else sections


def is_refusal(text: str) -> bool:
    """Whether a text without chapters is empty or a refusal.

    It is one if little is left without the apology, the reasons and the requests.
    """
    bare = text[: 2 * _MAX_REFUSAL_LENGTH].strip(_MARKUP)
    if not bare or (len(bare) <= _MAX_ERROR_LENGTH and _PLACEHOLDER.fullmatch(bare)):
        return True
    if len(bare) > _MAX_REFUSAL_LENGTH:
        return False
    end = _SENTENCE.search(bare)
    opening = bare[: end.start()] if end else bare
    if not (_REFUSAL_OPENING.match(bare) or (_RESOURCE.search(opening) and _FAILURE.search(opening))):
        return False
    sentences = _SENTENCE.split(bare[len(opening) :])
    content = (sentence for sentence in sentences if not _REFUSAL_PHRASE.search(sentence))
    return sum(len(sentence.strip(_MARKUP)) for sentence in content) < _MIN_SUMMARY_LENGTH
