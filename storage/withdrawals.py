"""Who withdrew a paper, from its abstract and its comment: arXiv's API has no field for it."""

import re
from enum import StrEnum


class Withdrawal(StrEnum):
    """Who withdrew a paper from arXiv."""

    AUTHORS = "authors"
    ARXIV = "arxiv"


STEMS = ("ithdr", "etract", "emoved by", "ITHDR", "ETRACT")
"""Parts of words of which an abstract or a comment has one if it states a withdrawal."""
_THIS_PAPER = (
    r"(?:this|the|our) (?:arxiv |present )?"
    r"(?:paper|article|manuscript|submission|work|preprint|report|note|version|letter|draft)"
)
_KIND = "(?:paper|article|manuscript|submission|preprint|version)"
_AUTHORS = r"(?:(?:first|corresponding|submitting) )?authors?\b"
_BY = rf"by (?:the |its |all )?(?:{_AUTHORS}|submitter|us\b|arxiv|admin|moderators)"
_WITHDREW = r"(?:withdrawn|retracted)"
_WITHDRAW = (
    r"(?:(?:have |has |hereby )?(?:withdrawn?|withdrew|retract(?:ed)?)|(?:is|are|am) (?:withdrawing|retracting)"
    r"|(?:wish|would like) to (?:withdraw|retract))"
)
_WHY = "due|because|owing|for|until|pending|after|to be|(?:at|on|up)(?:on)? (?:the )?request|in favou?r"
_REMOVED = r"removed by (?:the )?(?:arxiv|admin)"
_WITHDRAWN = re.compile(
    # At the beginning of a sentence; of a comment also between commas.
    r"(?:^|(?P<comma>[,:|]\s|[(\[])|[.;!?]\s)[*\[(]{0,3}(?:\{?\\\w{2,6} )?(?:"
    rf"{_THIS_PAPER} (?:(?:has|have)(?: since)? been|was|is|is being|will be)(?! never| not)(?: \w{{3,15}})? {_WITHDREW}"
    rf"(?: by\b|\s?[.,;:!)\]*}}]|\s?$| (?:{_WHY}|since|as|from arxiv|temporarily|and)\b)"
    rf"|{_THIS_PAPER} (?:has been|was|is) (?:{_REMOVED}|removed {_BY})|(?:{_KIND} )?(?:(?:has been|was|is) )?{_REMOVED}"
    rf"|(?:(?:the )?{_AUTHORS}|we|i) {_WITHDRAW} (?:this|the|our) {_KIND}\b(?!['’]s)"
    rf"|(?:(?:this )?{_KIND} )?(?:(?:has been|was|is) )?(?:temporarily )?{_WITHDREW} {_BY}"
    rf"|(?P<bare>(?:(?:this )?{_KIND} )?(?:(?:has been|was|is) )?(?:temporarily )?{_WITHDREW}"
    rf"(?:\s?[.,;:!)\]*]|\s?$|(?P<why> (?:{_WHY})\b))))",
    re.IGNORECASE,
)
_NOT_FROM_ARXIV = re.compile(
    r"(?: (?:the |its |all )?(?:authors?|us|submitter))? from (?!(?:the |this )?(?:arxiv|archive|repository|server))"
    r"|(?: \w{2,20}){0,2} (?:in error|by mistake)\b|[^.]{0,80}\b(?:reinstated|restore[sd])\b",
    re.IGNORECASE,
)
"""Text after *withdrawn* if a paper was withdrawn from a conference, or is back."""
_OTHER = re.compile(
    r"(?:[A-Z]\w{1,20} ?'?[0-9]{2,4}|\b(?:to|at) [A-Z]\w{1,20}|[0-9]{4}\.[0-9]{4,5}(?:v[0-9]{1,2})?) ?$"
)
"""Text before *withdrawn* if that is of a conference or another paper: ICLR 2026 (withdrawn)."""
_BY_ARXIV = re.compile(
    rf"{_WITHDREW} (?:\w{{2,15}} )?by (?:the )?(?:arxiv|admin|moderators)|{_REMOVED}|admin note: [^.]{{0,40}}{_WITHDREW} (?!by)",
    re.IGNORECASE,
)


def find_withdrawal(abstract: str | None, comment: str | None) -> Withdrawal | None:
    """Return who withdrew a paper, or None.

    A paper about withdrawals names other papers than this one, or this one within a sentence; "withdrawn from" a
    conference is not withdrawn from arXiv.
    """
    for text, is_comment in ((comment, True), (abstract, False)):
        if text and any(stem in text for stem in STEMS):
            plain = " ".join(text.split())
            for match in _WITHDRAWN.finditer(plain):
                is_first = match.start() == 0 and match[0][-1] not in ",;"
                is_other = (
                    match["bare"]
                    and not match["why"]
                    and match["comma"]
                    and _OTHER.search(plain, max(0, match.start() - 30), match.start())
                )
                if is_other or _NOT_FROM_ARXIV.match(plain, match.end()):
                    continue
                if is_comment or is_first or not (match["comma"] or match["bare"]):
                    by_arxiv = _BY_ARXIV.search(plain, max(0, match.start() - 20), match.end() + 40)
                    return Withdrawal.ARXIV if by_arxiv else Withdrawal.AUTHORS
    return None
