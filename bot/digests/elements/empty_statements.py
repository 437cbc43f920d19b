"""Empty statements: sentences and list items that only say that the paper gives no information on something.

A review has fixed chapters, and its writer fills one that does not apply with such a sentence. By stock phrases in Korean
and English; a sentence that goes on to say something is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from storage import models

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
    """Whether a sentence, without its list mark and label, only says that nothing is said."""
    bare = _LABEL.sub("", _ITEM_MARK.sub("", sentence.strip(), count=1), count=1).strip(" *_")
    if not bare or len(bare) > _MAX_LENGTH or _SAYS_MORE.search(bare):
        return False
    return any(pattern.fullmatch(bare) for pattern in _PATTERNS)


def drop_empty_statements(sections: Sequence[models.Section]) -> tuple[models.Section, ...]:
    """The sections without empty statements, and without the sections that have nothing else."""
    if not any(_NEGATION.search(section.body) for section in sections):
        return tuple(section for section in sections if section.body.strip())
    kept = (replace(section, body="\n".join(_drop_from(section.body)).strip("\n")) for section in sections)
    return tuple(section for section in kept if section.body.strip())


def _drop_from(body: str) -> Iterator[str]:
    for line in body.split("\n"):
        if len(line) > 10 * _MAX_LENGTH or not _NEGATION.search(line):
            yield line
            continue
        if is_empty_statement(line):
            continue
        sentences = _SENTENCE_END.split(line)
        # The first sentence carries the item's mark and label, so it is kept with what follows it.
        kept = [
            sentence
            for index, sentence in enumerate(sentences)
            if not index or not is_empty_statement(sentence)
        ]
        yield line if len(kept) == len(sentences) else " ".join(kept)
