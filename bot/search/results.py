"""Requests to the search service, their results, and snippets: sentences of papers that match a query."""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from bot.core.admission import work_in_thread
from bot.text import analyser, plain
from bot.text.parsed_query import ParsedQuery
from storage import models

if TYPE_CHECKING:
    # Libraries for snippets are imported late, because the shell's search makes none and starts 10 % faster.
    from storage.database import Connection


class Sort(StrEnum):
    """The order of a list of papers: best matches, most votes, newest or oldest first."""

    RELEVANCE = "relevance"
    VOTES = "votes"
    DATE = "date"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search for papers on a topic.

    Papers must pass the `filters` and those in the `query` (author:, since:, until:, votes:). If `sort` is None, it is by
    relevance, or by votes if there are no words. If a `snippet_locale` is given, the result includes snippets. `today` is the
    reader's date, by which "last week" is read; in UTC if None. `server_id` is the server whose list is meant by like:list, 0 in
    direct messages, None where no server is known. `parsed`: the query, if it was parsed on that date before.
    """

    query: str
    filters: models.Filters = models.NO_FILTERS
    limit: int = 10
    offset: int = 0
    sort: Sort | None = None
    snippet_locale: models.Locale | None = None
    server_id: int | None = None
    today: date | None = None
    parsed: ParsedQuery | None = field(default=None, compare=False)


class SharedConcept(NamedTuple):
    """A concept that a paper has in common with so many wanted `papers`, by its name in both languages."""

    papers: int
    english: str
    korean: str

    def name(self, locale: models.Locale) -> str:
        return self.korean if locale is models.Locale.KO else self.english


class Relevance(NamedTuple):
    """How well a paper matches a topic and, for like:list, the concepts that it has in common with the list's papers."""

    score: float
    reasons: tuple[SharedConcept, ...] = ()


@dataclass(frozen=True, slots=True)
class PaperPage:
    """One page of a list of papers. `total` counts the papers on all pages."""

    rows: tuple[models.PaperRow, ...] = ()
    total: int = 0


class MatchKind(StrEnum):
    """The way in which a paper matches a query. A list has the kinds in this order, each below its own divider but the first."""

    ON_TOPIC = "on"
    """It is about the query: each term is in its title or one of its main concepts."""
    ALL_TERMS = "all"
    """It has all terms of the query somewhere."""
    SOME_TERMS = "some"
    """It lacks a term of the query."""


class Hint(StrEnum):
    """An option that does what words of a query seem to ask for, and words alone do not do."""

    ORDER = "order"
    """As in "newest", 추천순."""
    TODAY = "today"
    """It asks for nothing but what there is to read: "what should I read today?", 오늘 뭐 읽지."""


@dataclass(frozen=True, slots=True)
class SearchResult(PaperPage):
    """A page of search results, best first: papers on the topic, then those with all terms, then those that lack one.

    - `read`: the query as it was read and searched for.
    - `on_topic` and `all_terms`: the numbers of papers of these kinds on all pages; `kinds`: how each paper of the page
      matches, by key; `missing`: the terms of which the index has no form in a paper that lacks some.
    - `hints`: the options that the query seems to need; `suggestions`: other queries, if no paper has all terms.
    - `unknown_id`: the requested key, if the archive does not have it.
    - `alert_terms`: terms for an alert on papers like these; empty if a name may mean several people, or if no
      paper has any of the words.
    - `is_stale`: the index is not up to date; `snippets`: by key, if requested.
    - `shared`: what the papers have in common with those of the server's list, by key.
    """

    read: ParsedQuery = field(default_factory=ParsedQuery)
    on_topic: int = 0
    all_terms: int = 0
    kinds: dict[str, MatchKind] = field(default_factory=dict)
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    hints: tuple[Hint, ...] = ()
    suggestions: tuple[str, ...] = ()
    unknown_id: str = ""
    alert_terms: tuple[models.AlertTerm, ...] = ()
    is_stale: bool = False
    snippets: dict[str, Snippet] = field(default_factory=dict)
    shared: dict[str, tuple[SharedConcept, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuthorResult(PaperPage):
    """A page of an author's papers. `author` is None if no name matches; `matches` lists all matching names, best first.

    `namesakes` are the authors of the papers if a name may mean several people. `is_corrected`: the name was misspelt.
    `near` has the authors with the most similar names, if the name is unknown.
    """

    author: str | None = None
    matches: tuple[str, ...] = ()
    namesakes: tuple[str, ...] = ()
    is_corrected: bool = False
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """An autocomplete choice: the label to show, of any length, and the value to search for.

    A paper's label is its title, which may be "". An author's choice has the number of `papers`.
    """

    name: str
    value: str
    papers: int | None = None
    votes: int | None = None


_LIST_MARKER = re.compile(r"^\s*(?:[-*•]|[0-9]{1,2}[.)])\s+")
_MAX_TEXT_LENGTH = 20_000
_MIN_SPACED_SYLLABLES = 4
_MAX_TERMS, _MAX_MATCHES = 20, 100
_MIN_TRAILING_CHARACTERS = 10
"""A sentence is cut only at its end if the match ends at least this many characters before the limit."""


Patterns: TypeAlias = Sequence[re.Pattern[str]]
"""One pattern per query term; it matches any of the term's forms."""


def build_patterns(term_forms: Sequence[Sequence[str]]) -> Patterns:
    return list(filter(None, map(compile_pattern, term_forms[:_MAX_TERMS])))


class Snippet(NamedTuple):
    """A sentence about a paper as plain text, its language, and where in it the matches are."""

    text: str
    language: str
    spans: tuple[tuple[int, int], ...]

    @property
    def pieces(self) -> tuple[tuple[str, bool], ...]:
        """The sentence in pieces, each with whether it is a match."""
        pieces, end = list[tuple[str, bool]](), 0
        for start, stop in self.spans:
            pieces += [(self.text[end:start], False), (self.text[start:stop], True)]
            end = stop
        return (*pieces, (self.text[end:], False))


async def list_snippets(
    connection: Connection,
    rows: Sequence[models.PaperRow],
    locale: models.Locale,
    patterns: Patterns = (),
    words: Patterns = (),
) -> dict[str, Snippet]:
    """Return a matching sentence of each paper, by its key: one with a term, else with `words` of one.

    If only the title or a text in another language matches, it is the first sentence in the reader's language, if any.
    """
    from storage import papers

    def make(detail: models.PaperDetail) -> Snippet | None:
        title, snippet = detail.title or "", find_snippet(detail, locale, patterns)
        if snippet is None or snippet.language != locale.value:
            apart = find_snippet(detail, locale, words) if words else None
            snippet = apart if apart and apart.language == locale.value else snippet or apart
        titles = title, "".join(filter(str.isalnum, title))  # so that deepseekr1 matches DeepSeek-R1
        has_title = any(pattern.search(title) for pattern in patterns for title in titles)
        if (snippet is not None and snippet.language == locale.value) or not (snippet or has_title):
            return snippet
        first = find_snippet(detail, locale, ())
        return first if first and (snippet is None or first.language == locale.value) else snippet

    details = await papers.list_details(connection, [row.id for row in rows])
    # Each snippet takes milliseconds.
    made = await work_in_thread(lambda: [(detail.key, make(detail)) for detail in details])
    return {paper_key: snippet for paper_key, snippet in made if snippet}


def find_snippet(detail: models.PaperDetail, locale: models.Locale, patterns: Patterns) -> Snippet | None:
    """Return the sentence that matches the most patterns, from the best summary or else any other summary or the abstract."""
    from bot.archive import summaries

    for text in summaries.list_texts(detail, locale):
        sentence, spans = make_snippet("\n\n".join(section.body for section in text.sections), patterns)
        if sentence:
            return Snippet(sentence, text.language, spans)
    return None


_BEFORE_THOUSANDS = re.compile(r"(?<=[0-9])(?=(?:[0-9]{3})+(?![0-9]))")


def is_shown(forms: Iterable[str], texts: Iterable[str]) -> bool:
    """Return whether a shown text has a form of a term: what is bold in one is nowhere said to be missing."""
    pattern = compile_pattern(forms)
    return pattern is not None and any(map(pattern.search, texts))


def without_shown(result: SearchResult) -> SearchResult:
    """Return a result of which no term that is in a shown title, name or sentence is said to be missing, or in no paper."""
    forms = result.read.forms_by_term
    texts = {row.key: [row.title or "", *row.authors] for row in result.rows}
    for key, snippet in result.snippets.items():
        texts[key].append(snippet.text)
    missing = {
        key: tuple(term for term in terms if not is_shown(forms[term], texts[key]))
        for key, terms in result.missing.items()
    }
    everything = list(itertools.chain.from_iterable(texts.values()))
    absent = tuple(term for term in result.read.absent if not is_shown(forms[term], everything))
    return replace(result, missing=missing, read=replace(result.read, absent=absent))


def compile_pattern(terms: Iterable[str]) -> re.Pattern[str] | None:
    """Return a pattern for any of these terms, or None without terms. Latin terms match only at word starts.

    Spaces between words may vary, as may spaces within a long Korean term (강화학습).
    """
    alternatives = []
    for term in sorted(dict.fromkeys(term.strip().strip('"') for term in terms), key=len, reverse=True):
        if len(term) > 1:
            syllables = "".join(term.split())
            is_free = len(syllables) >= _MIN_SPACED_SYLLABLES and all(map(analyser.is_hangul, syllables))
            spaced = r"\s*".join(
                map(re.escape, syllables if is_free else analyser.join_thousands(term).split())
            )
            spaced = _BEFORE_THOUSANDS.sub(",?", spaced)
            alternatives.append(rf"(?<![A-Za-z0-9]){spaced}[A-Za-z0-9]*" if term[0].isascii() else spaced)
    return re.compile("|".join(alternatives[:_MAX_TERMS]), re.IGNORECASE) if alternatives else None


def make_snippet(text: str, patterns: Patterns) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return the sentence that matches the most patterns, and where its matches are, or "" if no sentence matches.

    Without patterns, return the first sentence. A heading, a table's row or an item without an end is just the second choice.
    """
    from bot.rendering import markdown

    lines = markdown.render_plain(text[:_MAX_TEXT_LENGTH]).splitlines()
    blocks = (" ".join(_LIST_MARKER.sub("", line).split()) for line in lines)
    sentences = [sentence for block in blocks for sentence in plain.split_sentences(block)]
    sentences.sort(key=plain.is_whole_sentence, reverse=True)
    if not patterns:
        return _shorten_around(sentences[0] if sentences else "", None), ()
    matches = [list(filter(None, (p.search(sentence) for p in patterns))) for sentence in sentences]
    best = max(range(len(sentences)), key=lambda number: len(matches[number]), default=None)
    if best is None or not matches[best]:
        return "", ()
    sentence = _shorten_around(sentences[best], matches[best][0])
    return sentence, _list_spans(sentence, patterns)


def _list_spans(text: str, patterns: Patterns) -> tuple[tuple[int, int], ...]:
    """Return where the matches are in a text, those that do not overlap an earlier one."""
    spans = list[tuple[int, int]]()
    matches = (itertools.islice(pattern.finditer(text), _MAX_MATCHES) for pattern in patterns)
    for start, end in sorted(match.span() for of_pattern in matches for match in of_pattern):
        if text[start:end].strip() and start >= (spans[-1][1] if spans else 0):
            spans.append((start, end))
    return tuple(spans)


_REFERRING = re.compile(
    r"(?:It|Its|They|Their|This|These|Those|He|She)\b|(?:이는|이것|이들|이러한|그는|그것)"
)


_AFTER_ITEM = re.compile(r"^([ \t]{0,8}[-*+•] .+)\n(?=[^\s*+•-])", re.MULTILINE)
"""An item of a list before a line that belongs to none, which Markdown would join to it."""


class WeightedPattern(NamedTuple):
    """A pattern for the forms of a part of a question, and the part's weight."""

    pattern: re.Pattern[str]
    weight: float = 1.0


MAX_EXCERPT = 320
"""The characters of an excerpt, unless its first sentence is longer."""
_MAX_SENTENCE = 480
"""The characters of a sentence that is shown whole."""


def make_excerpt(
    text: str, patterns: Sequence[WeightedPattern], *, most: int = MAX_EXCERPT, is_quote: bool = False
) -> Snippet:
    """Return the sentence of a text (Markdown) that has most of a question, marked, among whole sentences.

    Those after it are added up to `most` characters, then those before it. A text that fits is shown whole. List items are lines
    of their own. In a quote, the matches are marked instead, and all of the best sentence's are in the excerpt.
    """
    from bot.rendering import discord_text, markdown

    text = _AFTER_ITEM.sub(r"\1\n\n", text[:_MAX_TEXT_LENGTH])
    lines = (" ".join(line.split()) for line in markdown.render_plain(text).splitlines())
    shown = "\n".join(re.sub("^- ", "• ", line) for line in lines if line)
    sentences = _find_sentences(shown) or [(0, 0)]
    starts = [start for start, _ in sentences]
    having: list[dict[int, tuple[int, int]]] = [{} for _ in sentences]
    for place, (pattern, _) in enumerate(patterns):
        for match in itertools.islice(pattern.finditer(shown), _MAX_MATCHES):
            having[bisect.bisect(starts, match.start()) - 1].setdefault(place, match.span())
    weights = [sum(patterns[place].weight for place in found) for found in having]
    best = max(range(len(sentences)), key=weights.__getitem__)
    (first, end), found = sentences[best], sorted(having[best].values())
    end, start = max([end, *(stop for _, stop in found)]), first
    # A sentence that begins with "It" needs the one before.
    if best and _REFERRING.match(shown, first) and end - starts[best - 1] <= MAX_EXCERPT:
        start = starts[best - 1]
    end = max([end, *(stop for _, stop in sentences if stop - start <= most)])
    start = min([start, *(before for before, _ in sentences if end - before <= most)])
    if end - start > (longest := max(_MAX_SENTENCE, most)):
        if found[:1] and found[0][0] - start > MAX_EXCERPT // 2:
            # A sentence too long to be shown from its beginning.
            start = first = shown.rfind(" ", 0, found[0][0] - MAX_EXCERPT // 2) + 1
        longest = MAX_EXCERPT
    excerpt = discord_text.shorten(shown[start:end], longest, markdown=False)
    lead, length = "…" * bool(start), len(excerpt.rstrip(" …\u00a0"))
    excerpt = (
        lead
        + excerpt
        + discord_text.SPACED_ELLIPSIS * (end < len(shown) and not excerpt.endswith(discord_text.ELLIPSIS))
    )
    if is_quote or not found:
        return Snippet(excerpt, "", _list_spans(excerpt, [pattern for pattern, _ in patterns]))
    span = len(lead) + first - start, len(lead) + min(sentences[best][1] - start, length)
    return Snippet(excerpt, "", (span,))


def _find_sentences(text: str) -> list[tuple[int, int]]:
    """Return where each sentence of a text, or line without one, begins and ends."""
    breaks = {0, len(text), *plain.find_ends(text), *(match.start() for match in re.finditer("\n", text))}
    pairs = itertools.pairwise(sorted(breaks))
    spans = ((start + len(text[start:end]) - len(text[start:end].lstrip()), end) for start, end in pairs)
    return [(start, end) for start, end in spans if start < end]


def _shorten_around(sentence: str, match: re.Match[str] | None) -> str:
    """Shorten a sentence to `discord_text.MAX_COLUMNS` columns around the match."""
    from bot.rendering import discord_text

    limit = discord_text.count_fitting(sentence)
    if len(sentence) <= limit:
        return sentence
    if match is None or match.end() <= limit - _MIN_TRAILING_CHARACTERS:
        return discord_text.shorten(sentence, limit, markdown=False)
    start = sentence.rfind(" ", 0, max(match.start() - limit // 3, 1)) + 1
    return "…" + discord_text.shorten(sentence[start:], limit - 1, markdown=False)
