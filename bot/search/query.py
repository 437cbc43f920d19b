"""Queries: the segments of a typed query with the forms of each, by the glossary, and boolean queries to the index for them.

Queries ask for the tokens that `search.index` makes of a paper's canonical texts. A shingle joins two neighbouring words
("lang_mode" for language model, "화_학" for 강화 학습), so that phrases are found without positions in the index. It may stand
for several pairs of words: scoring, which reads the text, tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise, zip_longest
from typing import NamedTuple

from bot.glossary import resolver
from bot.text import analyser, concepts, questions, term_keys
from storage.search import AllOf, BooleanQuery, all_of, any_of, with_suffix

_EVERYDAY_WEIGHT = 0.8
_IMPLIED_WEIGHT = 0.6
"""The weight of the terms of the main topic that a question describes."""
_MIN_IMPLIED_WEIGHT = 0.2
"""The least weight of a topic whose terms are searched for."""
_MIN_SAID_WEIGHT = 0.5
"""The least weight of an implied topic's form for the answer to name the topic."""
_MAX_IMPLIED = 3
_MIN_SENTENCE = 3
"""Concepts from which key words are compared by topic, as a question is from which words were left out."""


def expand_query(
    glossary: resolver.Glossary, text: str, everyday: questions.Everyday | None = None
) -> concepts.Expansion:
    """Return the expansion of a query's terms, read without particles and filler ("papers about", 에 대한).

    A query that is a term as a whole, and terms of several words such as "chain of thought", stay whole.
    """
    everyday = everyday or questions.packaged_everyday()
    expanded = glossary.expand(questions.read_question(text, glossary.is_term, glossary.is_word, everyday))
    is_sentence = len(expanded.text.split()) < len(text.split()) or len(expanded.segments) >= _MIN_SENTENCE
    topics = questions.describe_topics(text) if is_sentence else {}
    is_term = len(expanded.segments) == 1
    return replace(
        expanded,
        segments=_add_everyday_terms(glossary, expanded.segments, everyday),
        meanings=tuple(glossary.list_senses(expanded.segments[0].text)) if is_term else (),
        topics=topics,
        implied=_list_implied(glossary, topics),
    )


def _list_implied(glossary: resolver.Glossary, topics: Mapping[int, float]) -> dict[int, concepts.Segment]:
    """Return the terms of the main topics that a question describes, the main one first; less likely ones weigh less."""
    implied = {}
    for topic in sorted(topics, key=lambda topic: (-topics[topic], topic))[:_MAX_IMPLIED]:
        if topics[topic] >= _MIN_IMPLIED_WEIGHT:
            terms = questions.load_topic_terms()[topic]
            forms = _forms_of(glossary, terms, _IMPLIED_WEIGHT * topics[topic])
            implied[topic] = concepts.Segment(terms[0], forms, terms[0])
    return implied


def _add_everyday_terms(
    glossary: resolver.Glossary, segments: Sequence[concepts.Segment], everyday: questions.Everyday
) -> tuple[concepts.Segment, ...]:
    """Return the segments with each everyday word or phrase as one segment that also has the forms of what it means.

    These weigh less than what is typed.
    """
    found: list[concepts.Segment] = []
    start = 0
    while start < len(segments):
        for end in range(min(len(segments), start + questions.MAX_WORDS), start, -1):
            text = " ".join(segment.text for segment in segments[start:end])
            if terms := everyday.find_terms(text):
                typed = segments[start] if end == start + 1 else concepts.literal_segment(text)
                forms = concepts.deduplicate_forms(
                    [*typed.forms, *_forms_of(glossary, terms, _EVERYDAY_WEIGHT)]
                )
                found.append(replace(typed, forms=forms, key=typed.key or term_keys.term_key(terms[0])))
                break
        else:
            end = start + 1
            found.append(segments[start])
        start = end
    return tuple(found)


def _forms_of(
    glossary: resolver.Glossary, terms: Iterable[str], weight: float
) -> tuple[concepts.WeightedForm, ...]:
    """Return the forms of terms by the glossary, with their weights times `weight`."""
    return tuple(form._replace(weight=form.weight * weight) for form in glossary.list_forms(tuple(terms)))


def list_excluded_forms(
    glossary: resolver.Glossary, excluded: Sequence[str], asked: concepts.Expansion
) -> tuple[str, ...]:
    """Return the terms to exclude in all their forms: those of the concept that a term names, in either language.

    A form that is shown in no answer excludes nothing. Of a concept
    that is asked for too (graph -그래프) only the form as typed is excluded.
    """
    forms: list[str] = []
    asked_keys = {segment.key for segment in (*asked.segments, *asked.composed)}
    for term in excluded:
        segments = glossary.expand(term).segments
        known = segments[0].forms if len(segments) == 1 and segments[0].key not in asked_keys else ()
        shown = (form for form in known if form.is_shown and form.weight >= concepts.MIN_SHOWN_WEIGHT)
        forms += [term, *(form.text for form in shown)]
    return tuple(dict.fromkeys(forms))


def query_terms(expanded: concepts.Expansion) -> tuple[str, ...]:
    """Return the distinct terms of a query as typed, Korean ones without particles."""
    return tuple(dict.fromkeys(analyser.strip_term(segment.text) for segment in expanded.segments))


def added_forms(expanded: concepts.Expansion) -> tuple[str, ...]:
    """Return the forms that expansion added, the first ones of each term before the second ones.

    A form that is typed with a particle, as the noun 추론 of 추론은, is not one.
    """
    by_term = [_added_forms(expanded, segment) for segment in (*expanded.segments, *expanded.composed)]
    by_term += [[name] for segment in expanded.implied.values() if (name := _said_name(expanded, segment))]
    return tuple(dict.fromkeys(form for forms in zip_longest(*by_term) for form in forms if form))


def _said_name(expanded: concepts.Expansion, segment: concepts.Segment) -> str | None:
    """Return the name of an implied topic, in the language of the query if it has one; None of an unlikely or typed one."""
    is_korean = analyser.has_hangul(expanded.text)
    asked = {form.key for part in (*expanded.segments, *expanded.composed) for form in part.forms}
    if any(form.key in asked for form in segment.forms[:1]):
        return None
    names = [form.text for form in segment.forms if form.is_shown and form.weight >= _MIN_SAID_WEIGHT]
    return next((name for name in names if analyser.has_hangul(name) == is_korean), next(iter(names), None))


def term_forms(expanded: concepts.Expansion) -> tuple[tuple[str, ...], ...]:
    """Return each term, as typed or implied, with the forms that expansion added to it."""
    terms = (*expanded.segments, *expanded.implied.values())
    return tuple((segment.text, *_added_forms(expanded, segment)) for segment in terms)


def _added_forms(expanded: concepts.Expansion, segment: concepts.Segment) -> list[str]:
    typed = term_keys.korean_key(expanded.text)
    return [
        form
        for form in segment.added_forms
        if not (analyser.has_hangul(form) and term_keys.korean_key(form) in typed)
    ]


# The tokens of a paper.

TITLE_MARK, REPEATED_MARK = "!t", "!"
"""Suffixes of tokens: in the title, twice or more in the body. Shingles have the first too."""
NAME_MARK, LEADING_NAME_MARK = "!n", "!l"
"""Suffixes of names: what the head of the title is ("mamba" of "Mamba: …"), and what a title begins with."""
INSTITUTION_MARK = "!i"
"""Suffix of the institutions that a paper comes from; alone it is a token of papers of which none is known."""
SHINGLE_SEPARATOR = "_"
MAX_BODY_FREQUENCY = 3
"""Cap on the term frequency in the body: beyond it votes and recency decide."""
_SHINGLE_LETTERS = 4
"""Letters of each Latin word in a shingle: enough to be rare, few enough to keep the number of shingles low."""


def shingle(left: str, right: str) -> str:
    """Return the token for two neighbouring words."""
    return shingle_left(left) + SHINGLE_SEPARATOR + shingle_right(right)


def shingle_left(word: str) -> str:
    """Return what a shingle has of the first of its words."""
    return word[-1] if analyser.is_hangul(word) else word[:_SHINGLE_LETTERS]


def shingle_right(word: str) -> str:
    """Return what a shingle has of the second of its words."""
    return word[0] if analyser.is_hangul(word) else word[:_SHINGLE_LETTERS]


# Index queries match too much, since a shingle stands for several word pairs; scoring, which reads the texts, does not.

_MAX_FORMS = 16
_MIN_COMPOUND_SYLLABLES = 4
"""Syllables from which a Korean word may be a compound of two: 강화학습 also matches 강화 학습."""


class IndexQuery(NamedTuple):
    """The conditions on a paper that has a term: `anywhere`, `repeated` (twice in the body), `in_title`."""

    anywhere: BooleanQuery
    repeated: BooleanQuery

    @property
    def in_title(self) -> BooleanQuery:
        """The condition that the title has it."""
        return with_suffix(self.anywhere, TITLE_MARK)


@lru_cache(maxsize=1 << 8)
def from_segment(segment: concepts.Segment) -> IndexQuery | None:
    """Return the query for papers with any of a segment's forms."""
    queries = (from_text(form.text) for form in segment.forms[:_MAX_FORMS])
    return combine_any([query for query in queries if query is not None])


@analyser.remembered(1 << 12)
def from_text(text: str) -> IndexQuery | None:
    """Return the query for one form of a term; a Korean form matches in any spacing."""
    if analyser.has_hangul(text):
        spaced, closed = map(analyser.canonical_words, (text, term_keys.korean_key(text)))
        spellings = [spaced] if "".join(spaced) == "".join(closed) else [spaced, closed]
        return combine_any([_korean_query(words) for words in spellings if words])
    return combine_any([_latin_query(variant.split()) for variant in term_keys.latin_variants(text)])


def topic_query(segments: Sequence[concepts.Segment]) -> BooleanQuery | None:
    """Return the query for papers about all segments: a form in the title or twice, or forms of both languages."""
    return all_of(
        any_of([query.in_title, query.repeated, in_both_languages(segment)])
        for segment in segments
        if (query := from_segment(segment))
    )


def in_both_languages(segment: concepts.Segment) -> BooleanQuery | None:
    """Return the query for papers with forms of a segment in both languages; None if it has forms in one only."""
    languages = [
        from_segment(concepts.Segment(segment.text, forms))
        for is_korean in (True, False)
        if (forms := tuple(form for form in segment.forms if analyser.has_hangul(form.text) == is_korean))
    ]
    return all_of([form.anywhere for form in languages if form]) if len(languages) > 1 else None


def from_names(names: Iterable[str]) -> list[BooleanQuery]:
    """Return the queries for papers whose titles' heads are one of these names, and whose titles begin with one."""
    ordered = sorted(names)[:_MAX_FORMS]
    marks = (NAME_MARK, LEADING_NAME_MARK)
    queries = [any_of([name + mark for name in ordered]) for mark in marks]
    return [query for query in queries if query is not None]


def from_words(words: Sequence[str]) -> IndexQuery | None:
    """Return the query for words in a row, as the analyser stems them."""
    if not words:
        return None
    return _korean_query(words) if any(map(analyser.is_hangul, words)) else _latin_query(words)


def combine_any(queries: Sequence[IndexQuery]) -> IndexQuery | None:
    """Return the query for papers that match any of the queries."""
    if not queries:
        return None
    return IndexQuery(*[field for field in map(any_of, zip(*queries, strict=True)) if field is not None])


def _latin_query(words: Sequence[str]) -> IndexQuery:
    tokens = [token for word in words for token in analyser.word_tokens(word)]
    return _build([*tokens, *(shingle(left, right) for left, right in pairwise(words))], tokens)


def _korean_query(words: Sequence[str]) -> IndexQuery:
    """Return the query for words written apart or as one; a single long word may also be two.

    A word may have the mark of a particle: bodies have no shingle of it and the next word.
    """
    parts: list[BooleanQuery] = []
    required: list[str] = []
    marked, words = words, [word.removesuffix(analyser.PARTICLE_MARK) for word in words]
    for word in words:
        if len(word) == 1 < len(words) and analyser.is_hangul(word):
            continue  # 제로 샷 as one word has no token 샷; the bigram or shingle with its neighbour covers it
        is_alone, length = len(words) == 1 and analyser.is_hangul(word), len(word)
        for number, bigram in enumerate(analyser.word_tokens(word)):
            is_inside = is_alone and 1 <= number <= length - 3
            # A space is usual behind a word's first syllable (키 프레임) or before its last (제로 샷).
            is_first = number == 0 and length >= _MIN_COMPOUND_SYLLABLES
            may_split = is_inside or (is_alone and (is_first or number == length - 2 > 0))
            parts.append(_bigram_or_shingle(bigram[0], bigram[1]) if may_split else bigram)
            if not is_inside:
                required.append(bigram)
    for (left, right), before in zip(pairwise(words), marked, strict=False):
        if before.endswith(analyser.PARTICLE_MARK):
            continue
        if analyser.ends_in_hangul(left) and analyser.is_hangul(right):
            parts.append(_bigram_or_shingle(left[-1], right[0]))
        else:
            parts.append(shingle(left, right))
    return _build(parts, required)


def _bigram_or_shingle(left: str, right: str) -> BooleanQuery:
    query = any_of([left + right, shingle(left, right)])
    assert query is not None
    return query


def _build(parts: Sequence[BooleanQuery], required: Sequence[str]) -> IndexQuery:
    """Return the query for a form, from all its tokens and shingles and from the tokens it has in any spacing."""
    anywhere = AllOf(tuple(dict.fromkeys(parts)), phrase=True)
    tokens = tuple(token + REPEATED_MARK for token in dict.fromkeys(required))
    repeated = AllOf(tokens, phrase=True) if tokens else anywhere
    return IndexQuery(anywhere, repeated)
