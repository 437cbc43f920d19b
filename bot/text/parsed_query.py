"""The one record of what is asked: by a search, the topic of a post, an alert or a question.

Each step of reading (docs/search.md) takes it as the step before left it, and adds to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice, zip_longest
from typing import NamedTuple

from bot.text import analyser, questions, term_keys
from bot.text.concepts import Form, QueryPart
from storage.models import NO_FILTERS, Filters

EITHER = "|"
"""What is between the sides of a query's text of which either may be there."""
_MAX_TRANSLATIONS = 12


class ReadingKind(StrEnum):
    """Another meaning of a query, which was not searched for."""

    INSTITUTION = "from"
    """The papers from an institution, whose name the words are too."""
    WORDS = "in-text"
    """The words of a name, in papers."""
    """The papers without what a word such as *not* seems to leave out."""


class Reading(NamedTuple):
    """A reading of a query: the query as it is typed with operators, what it names, and the number of an institution's papers."""

    kind: ReadingKind
    query: str
    name: str
    papers: int = 0


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query. All fields may be empty.

    - Typed (`query_parser`): `text` has the free words, `phrases` the quoted phrases, and `excluded` the words and phrases that
      are left out. `|` parts `text` into sides, of which either may be there. All `authors` must match, all `institutions`,
      and all `labels` of sources. With `is_like_list`, papers are like those of the server's list.
      `filters` has local dates, inclusive. `ignored` has what cannot be used, as typed. `wanted`: the query as typed, without
      what it leaves out. `meant`: the query as it is typed with signs, if words were read as such, else "".
    - Read (`query_reader`): `sought` has the words that are searched for. A paper matches if it has all `parts` or one of the
      `wholes` (alternatives to all parts), or if its title begins with one of the `names`. It must not be about a part of
      `without`. For a sentence, `topics` has topic weights by number and `implied` the terms of the main topics. `meanings` has
      the senses of an abbreviation, most common first.
    - Limits: `options` are further filters, and `paper_ids` the papers of the authors and labels, or a list's; None for all.
    - Notes (`interpretation`): `others` is what else the text may mean, `corrected` has pairs of typed and corrected words,
      `unknown` the words that no paper has, `unlisted` a year that neither a digest is of nor a paper has, and `absent` the
      terms that no paper has, if they have most of the query's weight or no paper has all others.
    """

    text: str = ""
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    institutions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    is_like_list: bool = False
    filters: Filters = NO_FILTERS
    ignored: tuple[str, ...] = ()
    wanted: str = field(default="", compare=False)
    meant: str = field(default="", compare=False)
    sought: str = ""
    parts: tuple[QueryPart, ...] = ()
    wholes: tuple[QueryPart, ...] = ()
    without: tuple[QueryPart, ...] = ()
    names: frozenset[str] = frozenset()
    topics: Mapping[int, float] = field(default_factory=dict)
    implied: Mapping[int, QueryPart] = field(default_factory=dict)
    meanings: tuple[str, ...] = ()
    options: Filters = NO_FILTERS
    paper_ids: Collection[int] | None = None
    others: tuple[Reading, ...] = ()
    corrected: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()
    unlisted: str = ""
    absent: tuple[str, ...] = ()

    @property
    def has_text(self) -> bool:
        """Whether the query has words or phrases, not just filters."""
        return bool(self.text or self.phrases)

    @property
    def is_limited(self) -> bool:
        """Whether the query has operators that only some papers meet."""
        return (
            bool(self.authors or self.institutions or self.labels or self.is_like_list)
            or self.filters != NO_FILTERS
        )

    @property
    def limits(self) -> Filters:
        return self.filters.narrowed(self.options)

    @property
    def is_rewritten(self) -> bool:
        """Whether words were left out."""
        return len(self.sought.split()) < len(self.text.split())

    def sure(self) -> ParsedQuery:
        """The query for use as a filter, without the forms that only one paper defines."""
        parts, wholes = (tuple(part.sure() for part in parts) for parts in (self.parts, self.wholes))
        return replace(self, parts=parts, wholes=wholes, implied={})

    @property
    def clearly_on(self) -> tuple[QueryPart, ...]:
        """The terms of the topics that the words of a question clearly describe."""
        clear = questions.find_clear_topics(self.text) if self.topics else ()
        return tuple(part for topic, part in self.implied.items() if topic in clear)

    @property
    def terms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part.term for part in self.parts))

    @property
    def forms_by_term(self) -> dict[str, tuple[str, ...]]:
        """The forms of each part, as `term_forms` has them, by the text that is shown for it."""
        return {
            asked.shown_text: tuple(text for part in asked.single for text in self._forms_of(part))
            for asked in self.parts
        }

    @property
    def term_forms(self) -> tuple[tuple[str, ...], ...]:
        """Each typed or implied term, followed by the forms added to it."""
        return tuple(
            self._forms_of(part) for asked in (*self.parts, *self.implied.values()) for part in asked.single
        )

    def _forms_of(self, part: QueryPart) -> tuple[str, ...]:
        return (part.text, *(form.text for form in self._added_to(part)))

    @property
    def added_forms(self) -> tuple[str, ...]:
        """The forms added to the terms, one of each term in turn."""
        by_term = zip_longest(*map(self._added_to, self._single_parts))
        return tuple(dict.fromkeys(form.text for forms in by_term for form in forms if form))

    @property
    def translations(self) -> tuple[str, ...]:
        """The first form in the other language of each term, of each concept that it means, unless that was typed too."""
        translations = list[str]()
        for part in self._single_parts:
            is_korean, added = analyser.has_hangul(part.text), self._added_to(part)
            other = [
                form for form in part.forms if form.is_shown and analyser.has_hangul(form.text) != is_korean
            ]
            first: dict[str, Form] = {}
            for form in [form for form in other if form.token] or other[:1]:
                first.setdefault(form.token, form)
            translations += (form.text for form in first.values() if form in added)
        return tuple(islice(dict.fromkeys(translations), _MAX_TRANSLATIONS))

    @property
    def _single_parts(self) -> Iterator[QueryPart]:
        return (part for asked in (*self.parts, *self.wholes) for part in asked.single)

    def _added_to(self, part: QueryPart) -> list[Form]:
        """Return the forms added to a part, except a noun typed with a particle (추론 for 추론은)."""
        typed, part_key = term_keys.korean_key(self.sought), term_keys.term_key(part.text)
        return [
            form
            for form in part.forms
            if form.is_shown
            and form.key != part_key
            and not (analyser.has_hangul(form.text) and form.key in typed)
        ]
