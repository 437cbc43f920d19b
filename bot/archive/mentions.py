"""Tell which arXiv ids of a line are those of its own papers, and which its sentences merely mention.

A line is one of a text, a message, an item of a list, a cell or a field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from bot.archive import arxiv_ids, title_reader
from bot.archive.title_reader import CUT
from bot.text import plain

LINK = re.compile(
    r"(!?)\[((?:[^\[\]]++|\[[^\[\]]*+\](?:\([^()\s]*+\))?)*+)\]"
    r"\(\s{0,9}<?(https?://[^\s()<>]{1,1000}|[^\s()<>]{0,200})[^()\n]{0,200}\)"
)
"""A link or an image: its mark, its label, which may contain an image, and its address."""
ADDRESS = re.compile(
    r"<?(?:https?://|(?<![\w./-])(?:www\.)?arxiv\.org/)[^\s<>|\"'（）「」、。，]{1,1000}>?", re.IGNORECASE
)
REFERENCES = re.compile(
    r"\W*(?:references?|bibliography|citations?|citing|cite us|related works?|acknowledge?ments?|参考文献|참고문헌)\W*",
    re.IGNORECASE,
)
"""Headings above the papers that a text refers to."""
_BEFORE_ADDRESS = (
    "of|in|to|by|with|from|as|than|and|or|also|see|via|per|are|was|were|like|we|cf|uses|using|into|about|between|says|against"
    "|both|while|where|which|extends|extending|en|de|con|por|como|y|que|dans|par|avec|et|von|mit|und|wie|bei|compare|compared"
    "|unlike|follows|following|cites|citing|vs|versus|e\\.g|i\\.e|reviews|improves|beats|outperforms|supersedes|replaces"
    "|siehe|vgl|voir|véase|참고|참조|비교|관련|후속|参照|参考|参见|比較"
)
_BEFORE = {
    False: re.compile(_BEFORE_ADDRESS),
    True: re.compile(f"{_BEFORE_ADDRESS}|at|on|for|is|this|that|the|a|an|our|use"),
}
"""Words that need what follows them, so that it is in their sentence: before an address, and before an id."""
_OPENING = re.compile("unlike|see|also|compared?|cf|we|similar|vgl|siehe|참고|참조|비교")
"""Words with which sentences about other papers begin."""
_OTHERS = re.compile(
    r"(?:related|prior|previous|earlier|baselines?|follow-?ups?|predecessors?|successors?|cf|관련|전작|선행|후속|비교|참고|参考|参照|参见|関連)"
    r"(?: \w{1,12})?\s?[:：=)은는]{1,2}\s*$",
    re.IGNORECASE,
)
"""What other papers are called before their ids: `related work: arXiv:…`."""
_PARTICLE = re.compile(
    r"(?:논문)?(?:이?랑|하고|[과와은는이가을를의도]|에서?|보다|처럼|같은|으?로)(?!\w)|(?:논문 ?)?(?:참고|참조|비교)(?!\w)"
)
"""Korean particles, which may be separated from an id, and *see*."""
_WORD = re.compile(r"[^\W\d_]++(?!\.\w)")
"""A word, and no category of arXiv such as cs.CL."""
_AFTER_ADDRESS = frozenset(
    ("by", "from", "via", "vote", "votes", "upvotes", "likes", "points", "stars", "comments")
)
_NEXT_TO_ID = re.compile(
    r"arxiv(?:\.org)?|(?:e-?|pre-?)?prints?|corr|abs|pdf|html|doi|urls?|https?|links?|id|identifier|tex\.eprint"
    r"|manuscript|technical|report|version|cornell|university|published|submitted|accepted|available|online|accessed|retrieved"
    r"|visited|last|at|from|on|pp?"
    rf"|(?:{plain.MONTH})|v?[0-9]{{1,4}}(?:[-/.][0-9]{{1,2}}){{0,2}}|\W+"
    r"|(?:cs|math|stat|eess|econ|physics|(?:astro|math|quant)-ph|cond-mat|gr-qc|hep-\w+|nlin|nucl-\w+|q-bio|q-fin)(?:\.[a-z-]+)?"
)
"""Words, dates and categories that may accompany the id of an entry's own paper: *arXiv preprint arXiv:2401.00003 [cs]*."""
_SENDER = re.compile(
    r"(?:\[[^\[\]]{1,60}\]\s*+){1,2}(?:[^\s:][^:]{0,40}:\s)?"
    r"|[^\n:]{0,30}[0-9]:[0-9]{2}[^\n:]{0,12}(?::[0-9]{2}[^\n:]{0,12})?[^\n:：]{1,40}[:：]\s"
)
"""Who wrote a line of a chat, and when: `[Ann] [9:12 AM]`, `12/3/24, 9:12 AM - Ann:`."""
_CLAUSE_END = re.compile(r"[.;!?|]\s+(?=\S)")
_CELL_SIGNS = tuple(",;\t|")
"""Signs between the cells of a row."""
_AROUND = 400
"""Characters before and after an id that say what it is."""
_CLOSING = " )]}*_`\"'>»”’"


def is_in_sentence(before: str, after: str, place: str, *, is_id: bool) -> bool:
    """Return whether an address or an id is part of a sentence: a word before it needs it, or the sentence continues after it.

    An id without words before it is not, and text after its comma or bracket belongs to another sentence, as in references.
    """
    if is_id and not any(map(str.isalpha, before)):
        return False
    if title_reader.CJK.search(place) or title_reader.CJK.match(after.lstrip(")>")):
        return True  # with a particle
    word = _WORD.match(after.lstrip(" " if is_id else " ,)"))
    goes_on = word is not None and word[0].islower() and word[0] not in _AFTER_ADDRESS
    return goes_on or _BEFORE[True].fullmatch(_last_word(before)) is not None


def is_only_id(line: str) -> bool:
    """Return whether a line has ids or links, and no words of a sentence: `arXiv preprint arXiv:2401.00003 [cs]`."""
    parts = (part.strip("[](){}<>.:") for part in re.sub("[,;|]", " ", line[:2_000].casefold()).split())
    return all(
        "://" in part or _NEXT_TO_ID.fullmatch(part) or arxiv_ids.names_paper(part)
        for part in filter(None, parts)
    )


def list_subjects(line: str, on: date, above: str = "") -> list[str]:
    """Return the ids of the papers that a line is about, in order. `on` is today's date.

    An address counts unless a word before it needs it (*see …*); an id also needs to begin or to end the line or a part of
    it. `above` is the line before, if this one may go on with it.
    """
    if not arxiv_ids.MAY_HAVE_ID.search(line) or line.startswith("% "):  # a comment in LaTeX
        return []
    line = LINK.sub(_unlink, line) if "](" in line else line
    parts = line.split("|") if line.lstrip().startswith("|") else [line]
    return list(dict.fromkeys(id_ for part in parts for id_ in _list_in_part(part, on, above)))


def _unlink(link: re.Match[str]) -> str:
    """Return what a link is about: its address or, if that is of no paper, its label. An image is about nothing."""
    is_image, label, address = link.groups()
    return f" {CUT} " if is_image else f" {address if arxiv_ids.names_paper(address) else label} "


def _list_in_part(part: str, on: date, above: str) -> Iterator[str]:
    own = list[tuple[int, str]]()

    def is_own(text: str, start: int, end: int, *, is_id: bool) -> bool:
        near = max(start - _AROUND, 0)
        start = (
            max(near - 1, *(text.rfind(sign, near, start) for sign in " \t,;|：（「")) + 1 if is_id else start
        )
        before, after = text[max(start - _AROUND, 0) : start], text[end : end + _AROUND]
        whole = f"{above[-_AROUND:]} {before}"
        return not _is_mentioned(whole, before, after, text[start:end], is_id=is_id)

    def take(place: re.Match[str]) -> str:
        if is_own(part, *place.span(), is_id=False):
            own.extend((place.start(), id_) for id_ in arxiv_ids.list_arxiv_ids(place[0], on))
        return CUT * len(place[0])

    rest = ADDRESS.sub(take, part)
    for id_, start, end in arxiv_ids.find_places(rest):
        if arxiv_ids.is_possible(id_, on) and is_own(rest, start, end, is_id=True):
            own.append((start, id_))
    for _, id_ in sorted(own):
        yield id_


def _is_mentioned(whole: str, before: str, after: str, place: str, *, is_id: bool) -> bool:
    """Return whether an address or an id is in a sentence about something else. `whole` is `before` with the line above."""
    last, rest = _last_word(whole), after.lstrip(_CLOSING)
    if _BEFORE[is_id].fullmatch(last) or _PARTICLE.match(rest) or _OTHERS.search(before[-40:]):
        return True
    if title_reader.CJK.match(after.lstrip(")>*_`]")) or (not is_id and title_reader.CJK.search(place)):
        return True
    above = whole[: len(whole) - len(before)].rstrip()
    before = title_reader.strip_item(_SENDER.sub("", before, count=1))
    first = _first_word(_CLAUSE_END.split(before)[-1])
    if _OPENING.fullmatch(first) and (is_id or first != "we"):
        return True
    word = _WORD.match(rest.lstrip(" ,"))
    goes_on = word is not None and (word[0].islower() or bool(title_reader.CJK.match(word[0])))
    if not is_id or not any(map(str.isalpha, before)):
        return is_id and goes_on and above[-1:].isalnum()  # the text above goes on here
    is_cell = before.rstrip(' "')[-1:] in _CELL_SIGNS and after.lstrip(' "')[:1] in _CELL_SIGNS
    return goes_on and not is_cell and rest[0] not in ":：—–|-" and not is_only_id(rest)


def _last_word(text: str) -> str:
    return "".join(re.split(r"[\s,;|\"'“]+", text.rstrip(' ,;|\t"“'))[-1:]).strip("(*_.").lower()


def _first_word(text: str) -> str:
    return "".join(text.split(maxsplit=1)[:1]).strip("(*_,.:").lower()
