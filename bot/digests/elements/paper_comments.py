"""What authors write in arXiv's comment field: where a paper was accepted, and that it was withdrawn. Pure.

The field is free text ("15 pages, 4 figures. Accepted at NeurIPS 2025 (Spotlight)").
"""

from __future__ import annotations

import re

_MAX_LENGTH = 1_000
_MAX_VENUE_LENGTH = 60
_NAMES = (
    *(
        "NeurIPS",
        "NIPS",
        "ICML",
        "ICLR",
        "COLM",
        "COLT",
        "AISTATS",
        "UAI",
        "AAAI",
        "IJCAI",
        "ECAI",
        "MLSys",
        "CoLLAs",
    ),
    *(
        "CVPR",
        "ICCV",
        "ECCV",
        "WACV",
        "BMVC",
        "ACCV",
        "3DV",
        "MICCAI",
        "MIDL",
        "ICIP",
        "ICPR",
        "SIGGRAPH Asia",
        "SIGGRAPH",
    ),
    *("ACL", "EMNLP", "NAACL", "EACL", "AACL", "COLING", "CoNLL", "LREC-COLING", "LREC", "IJCNLP", "SemEval"),
    *("INTERSPEECH", "ICASSP", "ASRU", "SLT", "ISMIR", "WASPAA", "ICRA", "IROS", "CoRL", "L4DC", "HRI"),
    *(
        "KDD",
        "WWW",
        "The Web Conference",
        "SIGIR",
        "CIKM",
        "WSDM",
        "RecSys",
        "ECIR",
        "ICDM",
        "PAKDD",
        "VLDB",
        "SIGMOD",
    ),
    *(
        "ACM MM",
        "ACM Multimedia",
        "ICME",
        "CHI",
        "UIST",
        "CSCW",
        "IUI",
        "FAccT",
        "AIES",
        "SaTML",
        "CHIL",
        "ICAIF",
    ),
    *(
        "ICSE",
        "FSE",
        "ASE",
        "ISSTA",
        "OSDI",
        "SOSP",
        "NSDI",
        "ASPLOS",
        "ISCA",
        "HPCA",
        "DAC",
        "USENIX Security",
        "NDSS",
    ),
    *("TMLR", "JMLR", "TACL", "TPAMI", "IJCV", "TNNLS", "JAIR", "DMLR", "RA-L", "TASLP"),
)
"""Conferences and journals by the names that authors use. A longer name stands before one that it contains."""
_CANONICAL = {name.lower(): name for name in _NAMES}
_YEAR = r"(?:\s{0,2}[-'’,]?\s{0,2}(?P<year>20\d\d|(?<=[-'’])\d\d))?(?!\w)"
_VENUE = re.compile(rf"(?<![\w-])(?P<name>{'|'.join(map(re.escape, _NAMES))}){_YEAR}", re.IGNORECASE)
_ACCEPTED = re.compile(
    r"(?i:\b(?:accepted|published|to (?:appear|be published)|appear(?:s|ed|ing)?)"
    r"(?: (?:as|for)(?: an?)?(?: [\w-]+){1,3}?)? (?:at|to|by|in|for)(?: publication (?:at|to|by|in))?"
    r"(?: the| proceedings of(?: the)?)?) (?P<name>[A-Z][^.,;()\[\]|]{2,80})"
)
_SAYS_ACCEPTED = re.compile(
    r"\b(?:accept|appear|publish|camera|oral|spotlight|highlight|poster|findings|proceedings|track)",
    re.IGNORECASE,
)
"""Without a year, a name alone may be a word of another meaning."""
_NOT_ACCEPTED = re.compile(
    r"\b(?:under (?:peer[ -])?review|in submission|submitted|submission|rejected|withdrawn from|preprint"
    r"|exten(?:ded version|sion) of)\b",
    re.IGNORECASE,
)
_WITHDRAWN = re.compile(
    r"\A\W{0,3}withdrawn\b(?! from (?!arxiv))|\b(?:paper|submission|article|manuscript|work|preprint|version|it)"
    r" (?:has been|have been|was|is|is being) (?:\w+ )?(?:withdrawn|retracted)\b(?! from (?!arxiv))",
    re.IGNORECASE,
)


def find_venue(comment: str | None) -> str | None:
    """Return where a paper was accepted, such as `NeurIPS 2025`, `ICML 2025 workshop` or `Findings of EMNLP 2025`.

    None if the comment says nothing of it, or only where the paper was submitted.
    """
    for clause in re.split(r"(?<=[^\d.])\.(?=\s|\Z)|[;|\n]", (comment or "")[:_MAX_LENGTH]):
        if _NOT_ACCEPTED.search(clause):
            continue
        match = _VENUE.search(clause)
        if match and (match["year"] or _SAYS_ACCEPTED.search(clause)):
            return _canonical_name(match, clause)
        if match := _ACCEPTED.search(clause):
            return match["name"].strip(" \"'")[:_MAX_VENUE_LENGTH].rstrip()
    return None


def says_withdrawn(comment: str | None) -> bool:
    """Return whether a comment, or the abstract of a withdrawn version, says that the paper is withdrawn."""
    return _WITHDRAWN.search((comment or "")[:_MAX_LENGTH]) is not None


def _canonical_name(match: re.Match[str], clause: str) -> str:
    name, year = _CANONICAL[match["name"].lower()], match["year"]
    venue = f"{name} {year if len(year) == 4 else f'20{year}'}" if year else name
    lower = clause.lower()
    if "workshop" in lower:
        return f"{venue} workshop"
    return f"Findings of {venue}" if "findings" in lower else venue
