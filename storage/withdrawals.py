"""Who withdrew a paper, from what its abstract and its comment say: arXiv's API has no field for it."""

import re
from enum import StrEnum


class Withdrawal(StrEnum):
    """Who withdrew a paper from arXiv."""

    AUTHORS = "authors"
    ARXIV = "arxiv"


STEMS = ("ithdr", "etract", "emoved by", "ITHDR", "ETRACT")
"""Parts of words of which an abstract or a comment has one if it says that the paper is withdrawn."""
_THIS_PAPER = (
    r"(?:this|the|our) (?:arxiv )?(?:paper|article|manuscript|submission|work|preprint|report|note|version)"
)
_KIND = "(?:paper|article|manuscript|submission|preprint)"
_BY = r"by (?:the |its |all )?(?:(?:first|corresponding|submitting) )?(?:authors?\b|submitter|us\b|arxiv|admin|moderators)"
_WITHDREW = r"(?:withdrawn|retracted)"
_REMOVED = r"removed by (?:the )?(?:arxiv|admin)"
_WITHDRAWN = re.compile(
    # At the beginning of a sentence; of a comment also between commas.
    r"(?:^|(?P<comma>[,:|]\s|[(\[])|[.;!?]\s)[*\[(]{0,3}(?:"
    rf"{_THIS_PAPER} (?:has been|have been|was|is|is being|will be)(?! never| not)(?: \w{{3,15}})? {_WITHDREW}"
    rf"(?: by\b|\s?[.,;:!)\]*]|\s?$| (?:due|because|owing|for|since|as|until|pending|from arxiv|temporarily)\b)"
    rf"|{_THIS_PAPER} (?:has been|was|is) {_REMOVED}|(?:{_KIND} )?(?:(?:has been|was|is) )?{_REMOVED}"
    rf"|(?:(?:the )?authors?|we|i) (?:have |has |hereby )?(?:withdrawn?|withdrew|retract(?:ed)?) (?:this|the|our) {_KIND}\b"
    rf"|(?:{_KIND} )?(?:(?:has been|was|is) )?(?:temporarily )?{_WITHDREW} {_BY}"
    rf"|(?P<bare>(?:{_KIND} )?(?:(?:has been|was|is) )?(?:temporarily )?{_WITHDREW}"
    r"(?:\s?[.,;:!)\]*]|\s?$| (?:due|because|owing|for|until|pending)\b)))",
    re.IGNORECASE,
)
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
                if is_comment or is_first or not (match["comma"] or match["bare"]):
                    by_arxiv = _BY_ARXIV.search(plain, max(0, match.start() - 20), match.end() + 40)
                    return Withdrawal.ARXIV if by_arxiv else Withdrawal.AUTHORS
    return None
