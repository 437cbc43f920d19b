"""Reads words of a query that mean an operator: *not*, *without* and 말고 leave something out, *or* and 또는 mean either.

Nothing else of a sentence is parsed; its other words are ranked. The scope of *not* is the longest term after it, or a few
words; the scope of 말고 is the term before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from bot.text import analyser, plain, questions

EITHER = "|"
MEANING_EITHER = frozenset((EITHER, "or", "또는", "혹은", "아니면"))
_LISTING = frozenset(("without", "except", "excluding"))
"""Those after which a comma goes on with what is left out: robots excluding surveys, benchmarks."""
_NOT = _LISTING | {"not", "neither"}
_KOREAN_NOT = ("말고", "빼고", "제외", "제외하고", "제외한", "아닌", "아니고")
_JOINED = ("말고", "빼고", "제외")
"""Those that are also written without a space: 서베이말고."""
COMMAS = (",", "，", "、")
_LINKS = frozenset(("a", "an", "the", "any", "on", "about", "for", "from", "by"))
"""Words allowed between an operator and its operand: not on robots."""
_FURTHER = frozenset(("or", "nor", "and"))
"""Words that add another operand of an English operator: without maps or labels."""
_KOREAN_FURTHER = ("이나", "나", "이랑", "랑", "와", "과", ",")
_KOREAN_BOTH = "도"
"""What joins terms that each end in it: 서베이도 벤치마크도 아닌."""
_LEADING = frozenset(("but", "and", "that", "which", "are", "is"))
"""Words before *not* that belong to it: papers that are not surveys."""
_MAX_TERM, _MAX_GOVERNED = 5, 3
"""The maximum number of words of a term, and of an operand in a sentence that is not a term."""


def read(typed: Sequence[str], *, leaves_out: bool = True) -> tuple[Sequence[str], Sequence[str]]:
    """Return the words of a query with `|` between alternatives, and what it leaves out. Phrases are in quotation marks."""
    if not leaves_out:
        return _read_either(typed), ()
    words, excluded, place = [part for word in typed for part in _split(word)], list[str](), 0
    while place < len(words):
        word = _spell(words[place])
        find = _span_after if word in _NOT else _span_before if word in _KOREAN_NOT else None
        start, end, terms = find(words, place) if find else (place, place, ())
        if not terms:
            place += 1
            continue
        rest = [*words[:start], *words[end:]]
        if start and end == len(words):
            rest[start - 1] = rest[start - 1].rstrip("".join(COMMAS))
        words, place = [word for word in rest if word], start
        excluded += (term.strip('"') for term in terms)
    bare = [word for word in words if not _is_filler(word)]
    asked = {*analyser.stemmed_words(" ".join(bare))}
    if any(asked.issuperset(analyser.stemmed_words(term)) for term in excluded):
        return _read_either(typed), ()  # LLM 환각 말고 VLM 환각
    # Papers on robots are robots, but the newest robots are more.
    is_term = (
        bool(excluded)
        and questions.is_term(" ".join(bare))
        and not questions.list_options(" ".join(words), bare)
    )
    return _read_either(bare if is_term else words), excluded


_NegationSpan = tuple[int, int, Sequence[str]]
"""The start and end, in a query, of a word for *not* with its operands, and these terms, if any."""


def _span_after(words: Sequence[str], place: int) -> _NegationSpan:
    """Return the reach of an English word for *not*.

    "Without labels" is a term, "works without attention" says how, "why not" and "does not" negate a verb, and so does an action:
    without running it. "Not" governs what punctuation or a clause sets off: robots, not surveys; papers that are not surveys. By
    itself it governs a term that ends a query or comes before another such word. In capitals it is an operator.
    """
    nothing = place, place, ()
    before, is_set_off = (
        _spell(words[place - 1]) if place else "",
        place > 0 and _ends_clause(words[place - 1]),
    )
    is_operator, is_listing = words[place] == "NOT", place > 0 and _spell(words[place]) in _LISTING
    is_sure = _spell(words[place]) not in ("not", "neither") or before == "but" or is_set_off or is_operator
    if any(questions.is_term(" ".join(words[place:end])) for end in range(place + 2, place + _MAX_TERM + 2)):
        return nothing
    if _spell(words[place]) == "without" and questions.classify_filler(before) in ("verb", "maybe"):
        return nothing
    if before in ("is", "are"):
        is_sure = any(map(questions.names_papers, words))
        if not (is_sure or _spell(words[place - 2]) in ("that", "which")):
            return nothing
    elif (
        not is_sure
        and place
        and before != "and"
        and _is_filler(before)
        and not questions.names_papers(before)
    ):
        return nothing
    start, following, terms = place, place + 1, list[str]()
    end = following
    while start and _spell(words[start - 1]) in _LEADING:
        start -= 1
    while size := _measure_term(words, first := _skip_links(words, following), is_sure=is_sure):
        end = first + size
        terms.append(" ".join(words[first:end]).rstrip(" ,.;?!"))
        following = _skip_joiners(words, end)
        if following == end and not (is_listing and words[end - 1].endswith(COMMAS)):
            break
    is_delimited = is_sure or end == len(words) or _ends_clause(words[end - 1])
    return start, end, terms if is_delimited or words[end] == "AND" or _spell(words[end]) in _NOT else ()


def _skip_joiners(words: Sequence[str], place: int) -> int:
    """Return the place after the words that go on with what is left out: *or*, *and not*. AND alone is an operator."""
    end = place
    while end < len(words) and _spell(words[end]) in _FURTHER | _NOT:
        end += 1
    return place if words[place:end] == ["AND"] else end


def _skip_links(words: Sequence[str], place: int) -> int:
    while place < len(words) and _spell(words[place]) in _LINKS:
        place += 1
    return place


def _measure_term(words: Sequence[str], start: int, *, is_sure: bool) -> int:
    """Return how many words from a place on are a term or, if `is_sure`, a few words up to the next filler; else 0."""
    end = start
    while (
        end < len(words) and not _is_filler(words[end]) and (end == start or not _ends_clause(words[end - 1]))
    ):
        end += 1
    if start < end and words[start].startswith('"'):
        return 1
    for last in range(min(end, start + _MAX_TERM), start, -1):
        if questions.is_term(questions.trim_filler(" ".join(words[start:last]))):
            return last - start
    is_action = start < end and _spell(words[start]).endswith("ing")
    return end - start if is_sure and not is_action and end - start <= _MAX_GOVERNED else 0


def _span_before(words: Sequence[str], place: int) -> _NegationSpan:
    """Return the reach of a Korean word for *not*; 만 말고 is not only, and 하지 말고 negates a verb.

    A comma goes on with what is left out, but not to the first word of a query that ends so: 로봇, 서베이 제외.
    """
    last, terms = place, list[str]()
    while last and questions.names_papers(words[last - 1]):  # 서베이 논문 빼고
        last -= 1
    start, bare = last, questions.trim_filler(words[last - 1]) if last else ""
    if not bare or bare.endswith("만") or (bare.endswith("지") and not questions.is_term(bare)):
        return place, place, ()
    while start > 0:
        word = words[start - 1]
        if start < last:
            further = (*_KOREAN_FURTHER, *([_KOREAN_BOTH] if words[last - 1].endswith(_KOREAN_BOTH) else ()))
            end = next(
                (
                    end
                    for end in further
                    if word.endswith(end) and (end == "," or questions.ending_agrees(word, end))
                ),
                "",
            )
            is_topic = start == 1 and place + 1 == len(words) and end == ","
            if not end or is_topic or (end != "," and questions.is_term(word)):
                break
            word = word.removesuffix(end)
        trimmed = questions.trim_filler(word)
        bare = analyser.monosyllabic_noun(trimmed) or questions.strip_query_word(trimmed, questions.is_term)
        spans = (
            " ".join((*words[first : start - 1], bare))
            for first in range(max(0, start - _MAX_GOVERNED), start)
        )
        term = next(filter(questions.is_term, spans), word if word[:1] == '"' else bare)
        if not term:
            break  # a comma, or an ending alone
        start = max(0, start - (1 if word[:1] == '"' else len(term.split())))
        terms.insert(0, term)
    is_content = all(term and not _is_filler(term) for term in terms)
    return start, place + 1, terms if is_content else ()


def _read_either(words: Sequence[str]) -> Sequence[str]:
    """Return words with `|` for each word that means either, if words to search for are on both sides.

    Between keywords, a comma means either. In a sentence, which has words without a topic, it is punctuation; and a long sentence
    is ranked by all of its words, since its alternatives would lose what they share: can agents plan a trip or a party?
    """
    content = (word for word in words if _spell(word) not in MEANING_EITHER and word not in COMMAS)
    is_sentence = any(
        questions.classify_filler(word) in ("filler", "verb") or questions.is_verb(word) for word in content
    )
    runs = [
        sum(not _is_filler(word) for word in run)
        for is_either, run in groupby(words, lambda word: _spell(word) in MEANING_EITHER)
        if not is_either
    ]
    if is_sentence and max(runs, default=0) > _MAX_GOVERNED:
        words = [word for word in words if _spell(word) not in MEANING_EITHER - {EITHER}]
    read, either = list[str](), list[int]()
    for word in words:
        is_comma = not is_sentence and word.endswith(COMMAS)
        bare = word.rstrip("".join(COMMAS)) if is_comma else word
        follows_operator = either[-1:] == [len(read) - 1]
        if follows_operator and (_spell(bare) in MEANING_EITHER or _spell(bare) in _LINKS):
            continue
        if _spell(bare) in MEANING_EITHER:
            either.append(len(read))
        read += [bare] if bare else []
        if is_comma and either[-1:] != [len(read) - 1]:
            either.append(len(read))
            read.append(EITHER)
    for place in either:
        sides = "".join(read[place - 1 : place]), "".join(read[place + 1 : place + 2])
        read[place] = "" if not any(map(_is_filler, sides)) else read[place]
    return [word or EITHER for word in read if word not in (EITHER, *COMMAS)]


def _split(word: str) -> Sequence[str]:
    """Split a Korean word for *not* from the word that it is joined to."""
    end = next((end for end in _JOINED if word.endswith(end) and len(word) > len(end) + 1), "")
    return (word.removesuffix(end), end) if end and not word.startswith('"') else (word,)


def _ends_clause(word: str) -> bool:
    """Return whether a word ends in a comma, a semicolon or the end of a sentence, which an abbreviation's full stop is not."""
    return word.endswith((*COMMAS, ";")) or any(plain.find_ends(f"{word} A"))


def _spell(word: str) -> str:
    return questions.trim_filler(word.casefold())


def _is_filler(word: str) -> bool:
    return questions.classify_filler(word) == "filler"
