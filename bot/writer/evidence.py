"""What a claim says, compared with the sentences of the paper that its span names. Plain words and counts, no model.

A claim fails for a number or a name of another place, for a negation, direction, doubt, cause or generality that stands
on one side only, for things that are swapped, and for words that accuse or advertise unless the paper has them there.
What is true or false beyond such words is not found.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence, Set
from fractions import Fraction
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from bot.text import analyser
from bot.writer import claim_numbers, claim_words, derived_numbers

_JOINING_WORDS = (
    "and or but while whereas although though because since when where which who so yet however compared against than"
    " 그리고 그러나 하지만 반면"
)
_CLAUSE_WORDS = frozenset(_JOINING_WORDS.split())
_CLAUSE_ENDINGS = ("하고", "이고", "며", "지만", "는데", "으나", "반면", "하나", "고", "서")


# A text as a sequence of words and numbers, to see which word belongs to which number.


class _Item(NamedTuple):
    """A word (its stem) or a number at a place: words from the beginning, with borders of clauses counted as several."""

    place: int
    word: str
    value: Fraction | None = None
    dimension: str = ""
    is_name: bool = False
    kind: str = ""


_WORD = re.compile(r"[^\W\d_][\w'’-]*|[,;:.!?()¦]|\S", re.UNICODE)
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-.][A-Za-z0-9]+)*")
_CLAUSE_COST, _SENTENCE_COST = 3, 8
_ARTICLES = frozenset(("the", "a", "an", "its", "their", "our"))
_MAX_DISTANCE = 20


@lru_cache(maxsize=256)
def _read(text: str, names: Set[str]) -> Sequence[_Item]:
    """Return the Latin words and the numbers of a text with their places. `names` are those that `list_names` returns."""
    digits = claim_numbers.to_digits(text)
    mentions = {mention.start: mention for mention in claim_numbers.find_numbers(digits)}
    items: list[_Item] = []
    place, position, is_border = 0, 0, True
    while position < len(digits):
        if mention := mentions.get(position):
            place, is_border = place + 1, False
            kind = _read_kind(digits, mention.start, mention.end)
            for value, dimension in mention.readings:
                items.append(_Item(place, "", value, dimension, kind=kind))
            position = max(mention.end, position + 1)
            continue
        match = _WORD.match(digits, position)
        if match is None:
            position += 1
            continue
        word = match[0]
        position = match.end()
        if len(word) == 1 and not word.isalnum():
            if not is_border and word in ".!?,;:()":
                place, is_border = place + (_SENTENCE_COST if word in ".!?" else _CLAUSE_COST), True
            continue
        lower = word.casefold()
        if lower in _ARTICLES or lower == "of":
            continue  # it ties what follows to what stands before
        place += 1 if is_border or lower not in _CLAUSE_WORDS else 1 + _CLAUSE_COST
        is_border = False
        latin = _LATIN.match(word)
        if latin and latin[0].casefold() not in _NO_THINGS:
            name = latin[0][:-1] if latin[0][:-1].isupper() and latin[0].endswith("s") else latin[0]
            items.append(_Item(place, analyser.stem(name.casefold()), is_name=name in names))
        if analyser.has_hangul(word) and word.endswith(_CLAUSE_ENDINGS):
            place, is_border = place + _CLAUSE_COST, True
    return items


_NAME = re.compile(
    r"(?<=[a-z0-9,;:)] )\(?([A-Z][A-Za-z0-9]*(?:[-.][A-Za-z0-9]+)*)"
    r"|(?<![A-Za-z0-9])([A-Za-z][a-z0-9]*[A-Z0-9][A-Za-z0-9]*(?:[-.][A-Za-z0-9]+)*)"
)


def list_names(text: str) -> frozenset[str]:
    """Return the words of a text that are names: with a capital within a sentence, or with a digit or capital inside."""
    return frozenset(match[1] or match[2] for match in _NAME.finditer(text))


_NO_THINGS = (
    analyser.FUNCTION_WORDS
    | _CLAUSE_WORDS
    | frozenset(["per", "more", "most", "least", "less", "only", "about", "no", "not"])
)
_KIND = re.compile(r"[ -]([A-Za-z][A-Za-z-]{2,})")
_KOREAN_KIND = re.compile(r" ?(일|주|개월|년|단계|층|토큰|스텝|시간|배)(?![가-힣]*[진검])")
_KOREAN_KINDS = {
    "일": "day",
    "주": "week",
    "개월": "month",
    "년": "year",
    "단계": "stage",
    "층": "layer",
    "토큰": "token",
    "스텝": "step",
}
_COUNTED_BEFORE = re.compile(r"([A-Za-z][A-Za-z0-9-]+) $")


def _read_kind(text: str, start: int, position: int) -> str:
    """Return the stem of the word that a number counts, if it stands behind it; in Korean before it, as in GPU 8개."""
    if korean := _KOREAN_KIND.match(text, position):
        return _KOREAN_KINDS.get(korean[1], "")
    if text.startswith(("개", "장", "대", "명"), position):
        before = _COUNTED_BEFORE.search(text, max(0, start - 30), start)
        return analyser.stem(before[1].casefold()) if before else ""
    match = _KIND.match(text, position)
    return (
        ""
        if match is None or match[1].casefold() in analyser.FUNCTION_WORDS | _CLAUSE_WORDS
        else analyser.stem(match[1].casefold())
    )


def _bind(items: Sequence[_Item], dimension: str) -> dict[str, list[tuple[int, _Item]]]:
    """Return for each word the numbers of a dimension next to it, with the distance: at each place the nearest."""
    numbers = [item for item in items if item.value is not None and item.dimension == dimension]
    places = [number.place for number in numbers]
    found: dict[str, list[tuple[int, _Item]]] = {}
    for item in items if numbers else ():
        if item.word:
            at = bisect_left(places, item.place)
            sides = {places[index] for index in (at - 1, at) if 0 <= index < len(places)}
            nearest = min(abs(place - item.place) for place in sides)
            if nearest <= _MAX_DISTANCE:
                first, last = (
                    bisect_left(places, item.place - nearest),
                    bisect_right(places, item.place + nearest),
                )
                near = [
                    (nearest, number)
                    for number in numbers[first:last]
                    if abs(number.place - item.place) == nearest
                ]
                found.setdefault(item.word, []).extend(near)
    return found


class Passage(NamedTuple):
    """The paragraph of a span and what is around it.

    `sentence` has the sentences that the span touches, `context` also the one before and the one after, `window` also the
    paragraphs before and after.
    """

    span: str
    normalised: str
    sentence: str
    context: str
    paragraph: str
    window: str
    sentences: Sequence[str]
    names: frozenset[str]


def find_problems(claim: str, passage: Passage, names: Set[str]) -> list[str]:
    """Return what a claim says that the passage of its span does not, in words. `names` are those with numbers in them."""
    said, sentence, context = (
        claim_words.pad(claim),
        claim_words.pad(passage.sentence),
        claim_words.pad(passage.context),
    )
    paragraph, window = claim_words.pad(passage.paragraph), claim_words.pad(passage.window)
    return [
        *_find_polarity(said, sentence, context, claim_words.pad(passage.span)),
        *_find_doubts(
            said, _clause_of(sentence, claim_words.pad(passage.span)), sentence, context, paragraph
        ),
        *_find_charged(said, paragraph, window),
        *_find_directions(said, _clause_of(sentence, claim_words.pad(passage.span)), sentence),
        *_find_anchored(claim, passage.sentence),
        *_find_numbers(claim, passage, names),
        *_find_swaps(claim, passage),
        *_find_replaced(claim, passage),
        *_find_other_place(claim, passage),
    ]


def _find_polarity(said: str, sentence: str, context: str, span: str) -> Iterator[str]:
    # An adnominal negation may be another word for what a source calls routine or unseen.
    denied = claim_words.has("denial", _ADNOMINAL.sub("_", said))
    negates = any(claim_words.has(group, said) for group in ("denial", "contrast"))
    negates = negates or any(
        said[start:end] not in sentence for start, end in claim_words.find("privative", said)
    )
    if claim_words.has("denial", _clause_to(sentence, span)) and not negates:
        yield "the span denies what the claim says"
    elif denied and not any(claim_words.has(group, context) for group in ("denial", "contrast", "privative")):
        yield "the claim denies something, the sentence of its span does not"
    elif (
        claim_words.has("equal", sentence)
        and not (denied or claim_words.has("equal", said) or _list_directions(sentence))
        and {name for name, _ in _list_directions(said)} & {"quality", "speed", "amount"}
    ):
        yield "the sentence of the span finds no difference"


_ADNOMINAL = re.compile("(?:않은|없던|없는|아닌)_")
_MAX_BEFORE = 7


def _clause_to(sentence: str, span: str) -> str:
    """Return the span with what stands before it in its clause: a "not" is often there."""
    at = sentence.find(span)
    before = sentence[: max(at, 0)].split("_")[-_MAX_BEFORE:]
    while claim_words.BORDER in before:
        before = before[before.index(claim_words.BORDER) + 1 :]
    return "_" + "_".join([*before, span.strip("_")]) + "_"


def _clause_of(sentence: str, span: str) -> str:
    """Return the span with the rest of its clause."""
    at = max(sentence.find(span), 0)
    begin, end = (
        sentence.rfind(claim_words.BORDER, 0, at) + 1,
        sentence.find(claim_words.BORDER, at + len(span)),
    )
    return sentence[begin : end if end >= 0 else len(sentence)]


def _find_doubts(said: str, clause: str, sentence: str, context: str, paragraph: str) -> Iterator[str]:
    if claim_words.has("doubt", clause) and not any(
        claim_words.has(group, said) for group in ("doubt", "caution", "denial")
    ):
        yield "the sentence of the span doubts what the claim says"
    if claim_words.has("proof", said) and not (
        claim_words.has("denial", said)
        or claim_words.has("proof", paragraph)
        or claim_words.has("certainty", paragraph)
    ):
        yield "the paragraph of the span proves nothing"
    if claim_words.has("universal", said) and not (
        claim_words.has("universal", paragraph) or claim_words.has("general", paragraph)
    ):
        yield "the claim is more general than the paragraph of its span"
    if (
        claim_words.has("universal", said)
        and claim_words.has("partial", sentence)
        and not claim_words.has("partial", said)
    ):
        yield "the sentence of the span is not general"
    if claim_words.has("cause", said) and not (
        claim_words.has("cause", context) or claim_words.has("explanation", context)
    ):
        yield "the sentence of the span gives no cause"
    ends = [end for _, end in claim_words.find("cause", said)]
    words = _stems(set(said[ends[0] :].split("_"))) if ends and not analyser.has_hangul(said) else set()
    if 3 * len(words - _stems(set(context.split("_")))) > 2 * len(words):
        yield "the sentences of the span do not give this cause"


def _find_charged(said: str, paragraph: str, window: str) -> Iterator[str]:
    for pattern in claim_words.patterns()["charged"]:
        if (match := pattern.search(said)) and not pattern.search(window):
            yield f'"{match[0].replace("_", " ").strip()}" needs a paragraph that has it'
    if claim_words.has("vague", said) and not any(
        claim_words.has(group, paragraph) for group in ("vague", "plenty")
    ):
        yield "a vague size stands in the claim alone"


_DIRECTIONS = ("amount", "quality", "speed", "size", "level", "age", "many")


def _list_directions(padded: str) -> set[tuple[str, str]]:
    return {(name, sign) for name in _DIRECTIONS for sign in "+-" if claim_words.has(name + sign, padded)}


def _find_directions(said: str, clause: str, sentence: str) -> Iterator[str]:
    """A claim may turn a comparison round if it also exchanges what is compared."""
    claimed, stated = _list_directions(said), _list_directions(clause) or _list_directions(sentence)
    opposite = {name for name, sign in claimed for other in "+-" if other != sign and (name, other) in stated}
    opposite -= {name for name, sign in claimed & stated}
    same = {name for name, _ in claimed & stated} - opposite
    # Several opposites and nothing alike: the claim tells the same from the other side.
    is_other_side = not same and len(opposite) > 1
    is_comparison_alone = bool(_split_compared(said)[1]) and not _split_compared(sentence)[1]
    is_excused = is_other_side or (is_comparison_alone and "quality" not in opposite)
    if opposite and not _is_exchanged(said, sentence) and not is_excused:
        yield f"the claim and the sentence of its span have opposite directions ({min(opposite)})"
    if same and not opposite and _is_swapped(said, sentence):
        yield "what is compared is exchanged"


def _find_anchored(claim: str, sentence: str) -> Iterator[str]:
    """Numbers with one direction in the claim, and the other one in the sentence of its span."""
    compared, stated = (
        _split_compared(claim_words.pad(claim))[1],
        _split_compared(claim_words.pad(sentence))[1],
    )
    if compared and not compared & stated:
        return
    there = _list_moves(sentence)
    for key, sign in _list_moves(claim).items():
        if sign and there.get(key) and there[key] != sign:
            yield f"a number of the claim rises where the paper's falls ({key[1] or 'count'})"
            return


_CLAUSES = re.compile(
    r"(?<!\d)[,;:.!?()]+|[,;:.!?()]+(?!\d)|\s[-–—]+\s|—|\b(?:and|but|while|whereas|although|though|because|which)\b"
    r"|(?<=[고며면])\s|(?<=지만)\s|(?<=는데)\s|(?<=으나)\s"
)


def _list_moves(text: str) -> dict[claim_numbers.Reading, str]:
    """Return the numbers of clauses with one direction, "+" or "-"; "" for those with none, or with both."""
    found: dict[claim_numbers.Reading, str] = {}
    for clause in _CLAUSES.split(claim_numbers.to_digits(claim_numbers.plain_source(text))):
        padded = claim_words.pad(clause)
        signs = {sign for name, sign in _list_directions(padded) if name in ("amount", "size")}
        sign = signs.pop() if len(signs) == 1 and not claim_words.has("denial", padded) else ""
        for mention in claim_numbers.find_numbers(clause):
            for reading in mention.readings:
                found[reading] = "" if found.get(reading, sign) != sign else sign
    return found


_KOREAN_COMPARISONS = re.compile("보다_|_대비_|_비해_")
_THAN = re.compile("_than_|보다_")
_MAX_COMPARED = 6


def _is_exchanged(said: str, sentence: str) -> bool:
    claimed, stated = _split_compared(said), _split_compared(sentence)
    return bool(claimed[1] - stated[1] - claimed[0] and (stated[1] & claimed[0]) - claimed[1] - stated[0])


def _is_swapped(said: str, sentence: str) -> bool:
    """Whether two things are compared in both texts, each with the other; "it" may be any of them."""
    claimed, stated = _split_compared(said), _split_compared(sentence)
    moved = claimed[1] - stated[1] - claimed[0]
    if not all(_THAN.search(padded) for padded in (said, sentence)):
        return False
    is_known = moved & stated[0] or (moved and re.search("_(?:it|we|ours|our_method)_", sentence))
    return bool(is_known and (stated[1] & claimed[0]) - claimed[1] - stated[0])


def _split_compared(padded: str) -> tuple[set[str], set[str]]:
    """Return the stems of a text apart from what it compares with, and those."""
    compared: set[str] = set()
    for _, end in claim_words.find("than", padded):
        words = [
            word for word in padded[end:].split("_")[:_MAX_COMPARED] if not word.isdigit() and word != "of"
        ]
        is_thing = [word not in _NO_THINGS and word != claim_words.BORDER for word in words]
        begin = is_thing.index(True) if True in is_thing else 0
        words = [word for word in words[begin:] if word not in _ARTICLES]
        compared |= set(takewhile(lambda word: word not in _NO_THINGS and word != claim_words.BORDER, words))
    for match in _KOREAN_COMPARISONS.finditer(padded):
        compared |= {word for word in padded[: match.start()].split("_")[-2:] if word != claim_words.BORDER}
    stems = _stems(compared)
    return _stems(set(padded.split("_"))) - stems, stems


def _stems(words: set[str]) -> set[str]:
    """Return the stems of the Latin words, without those of grammar."""
    latin = {match[0] for word in words if (match := _LATIN.match(word))}
    return {analyser.stem(word) for word in latin if word not in analyser.FUNCTION_WORDS}


# Numbers: in the passage as they are, rounded, or following from others; changes in the same direction.

_WORDED_SHARE = re.compile(
    r"(?<![\d.,])\d+ in \d+\b|\b\d+ (?:quarters|thirds|fifths|tenths)\b", re.IGNORECASE
)


def _find_numbers(claim: str, passage: Passage, names: Set[str]) -> Iterator[str]:
    text = claim_numbers.to_plain_text(claim)
    for percent, words in derived_numbers.SHARES.items():
        if not re.search(words, passage.paragraph, re.IGNORECASE):
            text = re.sub(words, f"about {percent}%", text, flags=re.IGNORECASE)
    text = _WORDED_SHARE.sub(" ", claim_numbers.to_digits(text))
    if len(claim_numbers.find_numbers(text)) > derived_numbers.MAX_NUMBERS:
        yield f"the claim has more than {derived_numbers.MAX_NUMBERS} numbers"
        return
    in_sentence, in_window = (
        derived_numbers.list_readings(passage.context),
        derived_numbers.list_readings(passage.window),
    )
    yield from claim_numbers.find_number_problems(
        text,
        _source_numbers(passage.window),
        names,
        lambda digits, mention: derived_numbers.is_derived(digits, mention, in_sentence, in_window),
    )
    yield from _find_kinds(text, passage)


_COUNTED_WITHIN = 3
_STRICT = claim_numbers.SOFT - {claim_numbers.POINT}


def _find_kinds(text: str, passage: Passage) -> Iterator[str]:
    """Numbers of the passage that the claim gives another currency, counts other things with, or exchanges as from and to."""
    claimed, stated = _read(text, passage.names), _read(passage.window, passage.names)
    counted: dict[Fraction, set[str]] = {}
    for item in stated:
        if item.value is not None:
            counted.setdefault(item.value, set()).add(item.kind)
    units = {(item.value, item.dimension) for item in stated}
    kinds = {item.kind for item in stated if item.kind}
    for item in stated:
        if item.value is not None and item.value in counted:
            counted[item.value] |= _list_behind(item, stated)
    for item in claimed:
        if item.value is None or item.value not in counted:
            continue
        is_hour = item.dimension == claim_numbers.HOUR and "hour" in counted[item.value]
        if item.dimension in _STRICT and (item.value, item.dimension) not in units and not is_hour:
            yield f"a number of the paragraph has another unit ({item.dimension})"
        own = counted[item.value]
        if item.kind in kinds and "" not in own and not own & {item.kind, *_list_behind(item, claimed)}:
            yield f"a number of the paragraph counts something else ({item.kind})"
    begins, ends = _list_changes(text)
    begins_there, ends_there = _list_changes(
        claim_numbers.to_digits(claim_numbers.plain_source(passage.sentence))
    )
    if begins & ends_there and ends & begins_there:
        yield "a change goes the other way"


def _list_behind(number: _Item, items: Sequence[_Item]) -> set[str]:
    return {item.word for item in items if item.word and 0 < item.place - number.place <= _COUNTED_WITHIN}


def _list_changes(text: str) -> tuple[set[Fraction], set[Fraction]]:
    """Return the numbers from which a text says that something changes, and to which."""
    begins, ends = set(), set()
    for mention in claim_numbers.find_numbers(text):
        values = {value for value, _ in mention.readings}
        before, after = text[max(0, mention.start - 8) : mention.start], text[mention.end : mention.end + 8]
        if re.search(r"\bfrom (?:about )?$", before) or after.startswith("에서"):
            begins |= values
        elif re.search(r"\bto (?:about )?$", before) or after.startswith(("로", "으로")):
            ends |= values
    return begins, ends


@lru_cache(maxsize=8)
def _source_numbers(text: str) -> claim_numbers.SourceNumbers:
    return claim_numbers.SourceNumbers(text)


_TIGHT = 5
_MAX_RATIO = 10
_LARGE = 10**6
"""Numbers of the same kind are mostly of the same order."""


def _find_swaps(claim: str, passage: Passage) -> Iterator[str]:
    claimed = _read(claim, passage.names)
    rows = [_read(row, passage.names) for row in passage.sentences]
    offset, stated = 0, []
    for row in rows:
        stated += [item._replace(place=item.place + offset) for item in row]
        offset = (stated[-1].place if stated else 0) + _SENTENCE_COST
    names = {item.word for item in claimed if item.is_name}
    for dimension in {item.dimension for item in claimed if item.value is not None}:
        own = {item.value for item in claimed if item.dimension == dimension and item.value is not None}
        tight = _TIGHT if len(own) > 1 else 2 * _TIGHT
        in_claim = _bind(claimed, dimension)
        agreed, disagreed = _count_votes(in_claim, stated, dimension, names=set(), tight=tight)
        names_agreed = names_not = 0
        for value in own:
            one = {
                word: bound
                for word, bound in in_claim.items()
                if min(bound, key=lambda row: row[0])[1].value == value and word in names
            }
            votes = [
                _count_votes(one, row, dimension, names=names, tight=tight)
                for row in rows
                if any((item.value, item.dimension) == (value, dimension) for item in row)
                and len({item.word for item in row if item.is_name}) > 1
            ]
            # One sentence that agrees is enough: a number may stand in several.
            names_agreed += max((vote for vote, _ in votes), default=0)
            names_not += min((vote for _, vote in votes), default=0)
        is_clear = disagreed > max(agreed, 1)
        if names_not > names_agreed or (names_not == names_agreed and is_clear):
            yield f"numbers of the claim belong to something else in the paragraph ({dimension or 'count'})"


def _count_votes(
    in_claim: Mapping[str, Sequence[tuple[int, _Item]]],
    stated: Sequence[_Item],
    dimension: str,
    *,
    names: Set[str],
    tight: int,
) -> tuple[int, int]:
    """Return how many words stand next to the same number in both texts, and how many next to another one."""
    in_source = _bind(stated, dimension)
    kinds: dict[Fraction | None, set[str]] = {}
    for item in stated:
        if item.value is not None and item.dimension == dimension:
            kinds.setdefault(item.value, set()).add(item.kind)
    agreed = disagreed = 0
    for word, bound in in_claim.items():
        distance, number = min(bound, key=lambda row: row[0])
        if word not in in_source or distance > tight or number.value not in kinds:
            continue
        rival_distance, rival = min(in_source[word], key=lambda row: row[0])
        if number.value in {other.value for _, other in in_source[word]}:
            agreed += 1
        elif rival_distance <= (2 * _TIGHT if names else _TIGHT) and _is_rival(
            rival, number, kinds[number.value]
        ):
            disagreed += 1
    return agreed, disagreed


_SMALL = 10
_PLACE = re.compile(r"\b(?:[Ii]n|[Oo]n|[Ff]or|[Aa]t) (?:the )?([A-Z][\w-]*)|([A-Za-z][\w-]*)에서")


def _find_other_place(claim: str, passage: Passage) -> Iterator[str]:
    """A number whose clause names another dataset or place than the claim."""
    places = _list_places(claim) & {analyser.stem(name.casefold()) for name in passage.names}
    readings = {reading for reading in derived_numbers.list_readings(claim) if reading[0] > _SMALL}
    held: dict[claim_numbers.Reading, list[set[str]]] = {}
    before = ""
    for row in passage.sentences if len(places) == 1 else ():
        carried, before = _list_places(before), row
        for clause in _CLAUSES.split(claim_numbers.to_digits(claim_numbers.to_plain_text(row))):
            carried = _list_places(clause) or carried
            words = {item.word for item in _read(clause, passage.names)}
            for reading in readings.intersection(derived_numbers.list_readings(clause)):
                held.setdefault(reading, []).append(carried | words if carried else set(places))
    if any(all(places.isdisjoint(row) for row in rows) for rows in held.values()):
        yield f"a number of the paragraph is not one of {min(places)}"


def _find_replaced(claim: str, passage: Passage) -> Iterator[str]:
    """Return a name of a claim that stands elsewhere in the paper, where the sentence of the span has another one."""
    # A capital at the beginning of a claim makes no name.
    first = analyser.stem(claim.split(" ")[0].casefold()) if claim[1:2].islower() else ""
    names = {item.word for item in _read(claim, passage.names) if item.is_name} - {first}
    own = {item.word for item in _read(passage.sentence, passage.names) if item.is_name}
    near = {item.word for item in _read(passage.paragraph, passage.names)}
    is_of_authors = re.search(r"\b(?:[Oo]urs?)\b", passage.sentence)
    if own - names and (missing := names - near) and not is_of_authors:
        yield f"the paragraphs of the span do not name {', '.join(sorted(missing))}"


def _list_places(text: str) -> set[str]:
    return {analyser.stem((match[1] or match[2]).casefold()) for match in _PLACE.finditer(text)}


def _is_rival(rival: _Item, number: _Item, kinds: Set[str]) -> bool:
    """Whether two numbers may be of the same quantity: with the same unit or the same thing counted, or alike in size."""
    if rival.dimension:
        return True
    if number.kind and number.kind in kinds:
        return rival.kind == number.kind
    first, second = rival.value or Fraction(0), number.value or Fraction(0)
    small, large = sorted((abs(first), abs(second)))
    if small >= _LARGE:
        return large <= _MAX_RATIO * small
    is_alike = rival.kind in kinds or (
        ("" in kinds or not rival.kind) and (first.denominator == 1) == (second.denominator == 1)
    )
    return large <= _MAX_RATIO * small and is_alike
