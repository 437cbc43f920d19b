"""Tell which arXiv ids of a line are those of its own papers, and which its sentences merely mention.

A line is one of a text, a message, an item of a list, a cell or a field. Lists, feeds and imports share the rule.
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
    r"\(\s{0,9}<?(https?://(?:[^\s()<>]|\([^\s()<>]{0,200}\)){1,1000}|[^\s()<>]{0,200})[^()\n]{0,200}\)"
)
"""A link or an image: its mark, its label, which may contain an image, and its address."""
ADDRESS = re.compile(
    r"<?(?:https?://|(?<![\w./-])(?:www\.)?arxiv\.org/)[^\s<>\[\]|\"'（）「」、。，]{1,1000}>?", re.IGNORECASE
)
REFERENCES = re.compile(
    r"\W*(?:references?|bibliography|citations?|citing|cite us|related works?|acknowledge?ments?|参考文献|참고문헌)\W*",
    re.IGNORECASE,
)
"""Headings above the papers that a text refers to."""
_BEFORE = re.compile(
    "of|in|to|by|with|from|as|than|and|or|also|see|via|per|are|was|were|like|we|cf|uses|using|into|about|between|says|against"
    "|both|while|where|which|extends|extending|en|de|con|por|como|y|que|dans|par|avec|et|von|mit|und|wie|bei|compare|compared"
    "|unlike|follows|following|cites|citing|vs|versus|e\\.g|i\\.e|reviews|improves|beats|outperforms|supersedes|replaces"
    "|siehe|vgl|voir|véase|참고|참조|비교|관련|후속|参照|参考|参见|比較"
    "|at|on|for|is|this|that|the|a|an|our|use"
)
"""Words that need what follows them, so that it is in their sentence."""
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
_CELL_END = re.compile(r"[\t|]")
_AROUND = 400
"""Characters before and after an id that say what it is."""


def around(text: str, start: int, end: int) -> tuple[str, str]:
    """Return what is before and behind a place in a text, as much of it as `is_in_sentence` needs."""
    return text[max(start - _AROUND, 0) : start], text[end : end + _AROUND]


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
    return goes_on or _BEFORE.fullmatch(_last_word(before)) is not None


def is_only_id(line: str) -> bool:
    """Return whether a line has ids or links, and no words of a sentence: `arXiv preprint arXiv:2401.00003 [cs]`."""
    parts = (part.strip("[](){}<>.:") for part in re.sub("[,;|]", " ", line[:2_000].casefold()).split())
    return all(
        "://" in part or _NEXT_TO_ID.fullmatch(part) or arxiv_ids.names_paper(part)
        for part in filter(None, parts)
    )


def list_own_ids(line: str, on: date, *, is_titled: bool = False) -> list[str]:
    """Return the ids of the papers that a line is about, in order. `on` is today's date.

    These are the ids that no sentence has. In a line of what `is_titled`, an id is one only in a link, or in a line of ids alone.
    """
    if not arxiv_ids.MAY_HAVE_ID.search(line):
        return []
    if is_only_id(line):
        return arxiv_ids.list_arxiv_ids(line, on)
    line = LINK.sub(_unlink, line) if "](" in line else line
    own = (id_ for cell in _CELL_END.split(line) for id_ in _list_in_cell(cell, on, is_titled))
    return list(dict.fromkeys(own))


def _list_in_cell(cell: str, on: date, is_titled: bool) -> Iterator[str]:
    places = [(*address.span(), False) for address in ADDRESS.finditer(cell)]
    if not is_titled:
        rest = ADDRESS.sub(lambda address: CUT * len(address[0]), cell)
        places += [(start, end, True) for _, start, end in arxiv_ids.find_places(rest)]
    for start, end, is_id in sorted(places):
        before, after = around(cell, start, end)
        if not is_in_sentence(before, after, cell[start:end], is_id=is_id):
            yield from arxiv_ids.list_arxiv_ids(cell[start:end], on)


def _unlink(link: re.Match[str]) -> str:
    """Return what a link is about: its address or, if that is of no paper, its label. An image is about nothing."""
    is_image, label, address = link.groups()
    return f" {CUT} " if is_image else f" {address if arxiv_ids.names_paper(address) else label} "


def _last_word(text: str) -> str:
    return "".join(re.split(r"[\s,;|\"'“]+", text.rstrip(' ,;|\t"“'))[-1:]).strip("(*_.").lower()
