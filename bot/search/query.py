"""Interprets queries: splits them into parts, each with all its forms in both languages.

A part is the longest run of words known to the glossary or the table of everyday words, or else a word
without its particles. Filler is left out. Sentences are also compared by the topics they describe. Token
phrases find the forms of a part (see `bot.text.tokens`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, groupby, pairwise, zip_longest

from bot.glossary import resolver
from bot.text import (
    analyser,
    concepts,
    exclusions,
    institutions,
    query_parser,
    questions,
    seed,
    term_keys,
    tokens,
)
from bot.text.concepts import Form, QueryPart

_EVERYDAY_WEIGHT, _TRANSLATED_WEIGHT = 0.9, 0.4
IMPLIED_WEIGHT = 0.6
"""The weight of the terms of a question's main topic."""
_MIN_IMPLIED_WEIGHT, _MAX_IMPLIED = 0.2, 5
"""The lowest weight and the highest number of topics whose terms are added."""
_MIN_SAID_WEIGHT = 0.5
"""The lowest weight of a form for the answer to name the implied topic."""
_MAX_TYPED_WORDS, _MAX_WORDS, _MAX_RUN = 24, 12, 6
"""The maximum number of words read from a query, searched for, and in one term."""
_MAX_COMPOUND = 20
"""In syllables. Longer words are not split into terms."""
_FEW = 3
"""Fewer papers with a term of several words are not all that is near, as for KV cache compression."""
_MAX_CACHED = 1 << 12
_SPELLING_AND_VERSION = re.compile(
    rf"([{analyser.SYLLABLES}]+(?: [{analyser.SYLLABLES}]+)*) ?([^{analyser.SYLLABLES}]*)"
)

_OR = "|"
"""Stands between alternatives in the words of a query."""
_COMMA, _MAX_LISTED = ",", 4
"""What separates alternatives of fewer words than this number too."""
_EDGE = ";"
"""Ends the phrase with alternatives, where filler or a particle was."""
_BEFORE_AUXILIARY = re.compile(
    f"[{analyser.SYLLABLES}]*[어아여해워려겨켜쳐져춰와] [보봐볼본봤봅주줘줄준드둘둔놓놔버].*|[a-z]+ (?:me|us)"
)
"""As in 읽어 보고."""
_MODEL = re.compile(r"(?<=.)[\s-]?(?:models?|모델)\Z", re.IGNORECASE)
_GENERAL = re.compile(
    r"\A(?:human|person|사람|인간|인물)\s|(?<=.)\s(?:applications?|tasks?|papers?|research|domains?|fields?|areas?|variants?|versions?|famil(?:y|ies)|series|data(?:sets?)?|응용|분야|쪽|도메인|태스크|과제|논문|연구|계열|변형|버전|데이터|데이터셋)\Z",
    re.IGNORECASE,
)
"""What says nothing beside a topic: medical applications, 의료 분야, 사람 얼굴."""
_PARTICIPLE = re.compile(r"([a-z-]+-[a-z]+ed) [a-z]+", re.IGNORECASE)
"""As in retrieval-augmented generation, which papers name as retrieval augmentation or a retrieval-augmented model too."""
_STATE_OF_THE_ART = re.compile("state of the art", re.IGNORECASE)

ChooseNames = Callable[[str, Sequence[str]], Sequence[str]]
"""Takes a Korean word and similar-sounding names. Returns the names that occur in papers together with the word."""

CountPapers = Callable[[QueryPart], int]
"""Returns how many papers have a part."""


@dataclass(frozen=True, slots=True)
class ReadQuery:
    """An interpreted query; `text` has the words that are searched for.

    A paper matches if it has all `parts` or one of the `wholes` (alternatives to all parts), or if its title begins
    with one of the `names`. It must not have an `excluded` part. The parts of `unread` negations are not searched for,
    nor what belongs to them. For a sentence, `topics` has topic weights by number, `implied` the terms of the main topics, and
    `clear_topics` those that it is clearly on; it is a question unless it only asks for papers on its words. `meanings` has
    the senses of an abbreviation, most common first.
    """

    text: str = ""
    parts: tuple[QueryPart, ...] = ()
    wholes: tuple[QueryPart, ...] = ()
    excluded: tuple[QueryPart, ...] = ()
    unread: tuple[QueryPart, ...] = ()
    names: frozenset[str] = frozenset()
    topics: Mapping[int, float] = field(default_factory=dict)
    is_question: bool = False
    implied: Mapping[int, QueryPart] = field(default_factory=dict)
    clear_topics: Collection[int] = ()
    meanings: tuple[str, ...] = ()

    def sure(self) -> ReadQuery:
        """The query for use as a filter, without the forms that only one paper defines."""

        def keep(parts: Iterable[QueryPart]) -> tuple[QueryPart, ...]:
            return tuple(part._replace(forms=tuple(f for f in part.forms if f.is_sure)) for part in parts)

        return replace(self, parts=keep(self.parts), wholes=keep(self.wholes), implied={})

    # For answers.

    @property
    def said(self) -> dict[str, QueryPart]:
        """The topics that the question is clearly about without naming them, keyed by name."""
        clear = ((topic, part) for topic, part in self.implied.items() if topic in self.clear_topics)
        return {name: part for topic, part in clear if (name := self._name_topic(topic, part))}

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of the parts, without duplicates."""
        return tuple(dict.fromkeys(part.shown_text for part in self.parts))

    @property
    def term_forms(self) -> tuple[tuple[str, ...], ...]:
        """Each typed or implied term, followed by the forms added to it."""
        return tuple(
            (*(one.text for one in part.alternatives), *self._added_to(part))
            for part in (*self.parts, *self.implied.values())
        )

    @property
    def added_forms(self) -> tuple[str, ...]:
        """The added forms, one from each term in turn, followed by the name of the related topic."""
        by_term = zip_longest(*map(self._added_to, (*self.parts, *self.wholes)))
        added = [form for forms in by_term for form in forms if form]
        return tuple(dict.fromkeys([*added, *self.said]))

    def _added_to(self, part: QueryPart) -> list[str]:
        """Return the forms added to a part, except a noun typed with a particle (추론 for 추론은)."""
        typed, keys = (
            term_keys.korean_key(self.text),
            {term_keys.term_key(text) for text in (self.text, *(one.text for one in part.alternatives))},
        )
        shown = ((form.text, form.key) for form in part.forms if form.is_shown)
        return [
            text
            for text, key in shown
            if key not in keys and not (analyser.has_hangul(text) and key in typed)
        ]

    def _name_topic(self, topic: int, part: QueryPart) -> str | None:
        """Return the name of an implied topic, in the query's language if possible; None if unlikely or already typed."""
        is_korean = analyser.has_hangul(self.text)
        asked = {form.key for own in (*self.parts, *self.wholes) for form in own.forms}
        if part.forms[0].key in asked:
            return None
        least = _MIN_SAID_WEIGHT / (IMPLIED_WEIGHT * self.topics[topic])
        names = [form.text for form in part.forms if form.is_shown and form.weight >= least]
        return next(
            (name for name in names if analyser.has_hangul(name) == is_korean), next(iter(names), None)
        )


class QueryReader:
    """Interprets queries using a glossary, with a cache. Thread-safe."""

    def __init__(self, glossary: resolver.Glossary) -> None:
        self.glossary, self._senses = glossary, [*seed.read_rows("senses.tsv")]
        self._known: dict[tuple[str, bool], QueryPart | None] = {}
        self._forms_by_topic: dict[int, tuple[Form, ...]] = {}

    def read(
        self,
        query: query_parser.Query,
        choose_names: ChooseNames = lambda _, names: names,
        count_papers: CountPapers = lambda _: 0,
    ) -> ReadQuery:
        """Interpret a query, adding all forms of its terms in both languages."""
        if query.is_narrowed:
            query = replace(query, text=self._drop_papers(query.text.split()))
        marked = self._list_content(query.text)
        places = [at for at, word in enumerate(marked) if word not in (_OR, _EDGE)][:_MAX_WORDS]
        words, marked = [marked[at] for at in places], marked[: max(places, default=0) + 1]
        text = " ".join(words) or query.text
        joint = "또는" if analyser.has_hangul(query.text) else "or"
        parts, wholes = self._read_parts(text, words)
        if _OR in marked:
            parts, wholes = [*self._group(marked, joint, count_papers)], []
        if len(parts) > 1 or not (parts and parts[0].key):
            parts, wholes = self._add_names(parts, wholes, words, choose_names)
        parts = [concepts.change(part, lambda one: self._choose_sense(one, query.text)) for part in parts]
        is_sentence = len(words) + marked.count(_OR) < len(query.text.split())
        excluded = tuple(
            part._replace(is_topic=part.is_topic or query.has_alternatives)
            for term in query.excluded
            for part in self._list_excluded(term, query.text, choose_names)
        )
        ignored = (self._divide(self._list_content(words)) for words in query.ignored)
        unread = tuple(part for divided in ignored for part in divided if part.key)
        parts = [_leave_out(part, excluded, unread) for part in parts]
        topics = questions.describe_topics(query.text) if is_sentence else {}
        is_question = is_sentence and not _is_request(query.text, words)
        quoted = (concepts.literal_part(phrase)._replace(key=phrase) for phrase in query.phrases)
        named = [
            text,
            query.text,
            *filter(lambda bare: " " in bare, [_MODEL.sub("", text)]),  # the Segment Anything model
            *(f.text for p in (*wholes, *(parts if len(parts) == 1 else ())) for f in p.forms if f.is_shown),
        ]
        asked = frozenset(form.key for part in (*parts, *wholes) for form in part.forms)
        return ReadQuery(
            text,
            _distinct((*parts, *quoted)),
            tuple(wholes),
            excluded,
            unread,
            names=frozenset[str]().union(*map(term_keys.query_names, named)),
            topics=topics,
            is_question=is_question,
            implied=self._list_implied(topics, query.text, (*excluded, *unread)),
            clear_topics=questions.list_clear_topics(query.text, asked) if topics else (),
            meanings=tuple(self.glossary.list_senses(parts[0].text)) if len(parts) == 1 else (),
        )

    def read_exclusions(
        self, query: query_parser.Query, is_writer: Callable[[str], bool] = lambda _: False
    ) -> query_parser.Query:
        """Turn exclusions in words ("except agents", 강화학습 없이) into terms or writers that papers must not have.

        Of means, they exclude those with which a method of the query has a name: reinforcement learning without human
        feedback is not RLHF.
        """

        is_korean = analyser.has_hangul(query.text)

        def is_named(text: str) -> bool:
            # "without Whisper", whisper 없이
            is_name = " " not in text and (text != text.lower() or (is_korean and text.isascii()))
            return (
                (is_name and not questions.classify_filler(text))
                or exclusions.is_kind_of_paper(text)
                or self.is_excludable(text)
                or is_writer(text)
            )

        def is_term(text: str) -> bool:
            is_common = bool(questions.find_everyday_terms(text) or self.glossary.translate(text))
            return is_named(text) or (is_common and not questions.classify_filler(text))

        def is_excluded(text: str) -> bool:
            return is_named(text) and (
                not questions.is_means(text) or bool(self._find_kinds(text, query.text))
            )

        apart = exclusions.read_alternatives(query.text, self.is_excludable)
        for asked in dict.fromkeys((apart, query.text)):
            read = exclusions.read_exclusions(asked, is_term, is_excluded)
            words = read.text.split()
            has_noun = questions.has_topic(words) or "verb" in map(questions.classify_filler, words)
            text = read.text if has_noun or not (read.excluded or read.unread) else ""
            text = text if text or asked == query.text else self._find_wider(read.excluded)
            if text and (read.has_alternatives or not has_noun):
                break
        return replace(
            query,
            text=text,
            excluded=(*query.excluded, *read.excluded),
            ignored=(*query.ignored, *read.unread),
            described=read.described,
            has_alternatives=read.has_alternatives or (asked != query.text and bool(read.excluded)),
        )

    def _find_wider(self, names: Iterable[str]) -> str:
        """Return the nearest term that the first of some terms belongs to: preference optimization for DPO; "" without one."""
        keys = set(self.glossary.find(next(iter(names), "")))
        rows = [
            wider.split("|")[0]
            for wider, narrower in seed.read_rows("narrower_terms.tsv")
            if any(not keys.isdisjoint(self.glossary.find(one)) for one in narrower.split("|"))
        ]
        return next((wider for wider in reversed(rows) if not wider.startswith("-")), "")

    def is_excludable(self, text: str) -> bool:
        """Return whether a text is a term, a name as of a model, or an institution."""
        is_writer = bool(institutions.list_forms(text) or institutions.list_companies(text))
        is_name = is_writer or (" " not in text and concepts.is_name(text))
        return is_name or bool(self.glossary.find(text, in_phrase=True))

    def _find_kinds(self, means: str, text: str) -> list[str]:
        """Return the methods of a query that have a name with these means: RLHF, for human feedback."""
        words = text.split()[:_MAX_TYPED_WORDS]
        runs = (
            words[start:end]
            for start, end in combinations(range(len(words) + 1), 2)
            if end - start < _MAX_RUN
        )
        return [
            kind
            for run in filter(self.glossary.find, map(" ".join, runs))
            for subject in (run, *self.glossary.find(run))
            for way in (means, *self.glossary.find(means))
            for kind in (f"{subject} from {way}", f"{subject} with {way}", f"{way} 기반 {subject}")
            if self.glossary.find(kind)
        ]

    def divide(self, read: ReadQuery, count_papers: CountPapers) -> ReadQuery:
        """Return a query with the terms in each term that few papers have, unless it is quoted, besides that term itself.

        Papers with translation alone are near to machine translation, but no full matches.
        """
        parts, rest = dict[str, QueryPart](), [*read.parts][::-1]
        while rest:
            part = _leave_out(rest.pop(), read.excluded, read.unread)
            if part.text in parts:
                continue
            parts[part.text], key = part, Form(part.text).key
            spelled = (part.text, *(form.text for form in part.forms if form.key == key))  # 지식증류
            words = next((run for text in spelled if len(run := _list_words(text)) > 1), [])
            is_typed = part.text in read.text or part not in read.parts
            if part.either or not (words and is_typed) or questions.find_everyday_terms(part.text):
                continue
            is_wide = any(tokens.is_wide(form.text) for form in part.forms)
            if count_papers(part) < (1 if is_wide else _FEW):
                pieces = (piece for piece in self._divide(words, whole=False) if piece.key)
                # A paper with the term in another form has its words as well: NAS for 신경망 구조 탐색.
                rest += [
                    piece._replace(forms=concepts.merge_forms(piece.forms + part.forms))
                    for piece in (self._choose_sense(piece, read.text) for piece in pieces)
                ][::-1]
        return replace(read, parts=_distinct(parts.values()))

    def is_known(self, text: str) -> bool:
        """Return whether the whole text is a term or an everyday word for one."""
        return self._find(text, in_phrase=False) is not None

    # Words.

    def _drop_papers(self, words: Sequence[str]) -> str:
        """Return the words of a query that speaks of papers without those for papers: newest research, 최신 연구 토크나이저.

        In AI 연구 자동화 and 연구 자동화, it is part of the topic.
        """
        kept = list[str]()
        for word, behind in pairwise((*words, "")):
            is_topic = behind and not questions.classify_filler(behind) and not questions.names_papers(behind)
            is_topic = is_topic and bool(kept or self.is_known(f"{word} {behind}"))
            is_last_alone = not (behind or kept or analyser.has_hangul(word))
            if not questions.names_papers(word) or (behind and word.isascii()) or is_topic or is_last_alone:
                kept.append(word)
        return " ".join(kept)

    def _list_content(self, text: str) -> list[str]:
        """Return the words of a query that name its topic, without particles; all words of a term or of mere filler.

        `_OR` is between alternatives.
        """
        if self.glossary.find(text) and _may_be_term(text.split()):
            return text.split()
        joined = list[str]()
        for word in _STATE_OF_THE_ART.sub("sota", text).split()[:_MAX_TYPED_WORDS]:
            bare = questions.trim_filler(word)
            joined += filter(None, [word] if self.glossary.is_word(word) else questions.split_joined(bare))
            if word.endswith(_COMMA) and bare:
                joined[-1] = bare + _COMMA
        typed = list(filter(None, map(questions.trim_filler, joined)))
        words = list(map(self._strip, typed))
        in_term = [False] * len(words)
        for start, end, _ in self._split(words):
            if end - start > 1:
                in_term[start:end] = [True] * (end - start)
        mask = questions.topic_mask(typed, in_term)
        named = [
            kept and (in_run or not (self._is_no_term(word) or _BEFORE_AUXILIARY.fullmatch(pair)))
            for kept, in_run, word, pair in zip(
                mask, in_term, words, map(" ".join, pairwise((*typed, ""))), strict=True
            )
        ]
        if not any(named):
            # 모델이 왜 그렇게 답했는지 설명하는 연구: rather the nouns of filler than a verb alone.
            named = list(map(questions.is_noun, words))
        named = named if any(named) else mask
        for at in range(len(words) - 1):
            # 데이터나 모델: beside another alternative, what any paper has is sought too
            both = words[at : at + 2]
            are_nouns = analyser.has_hangul(both[1]) and all(map(questions.is_noun, both))
            if any(named[at : at + 2]) and are_nouns and _joins_alternatives(typed[at], both[0]):
                named[at : at + 2] = [True, True]
        commas = [word.endswith(_COMMA) for word in joined if questions.trim_filler(word)]
        return self._mark_alternatives(zip(typed, words, named, in_term, commas, strict=True)) or text.split()

    def _mark_alternatives(self, words: Iterable[tuple[str, str, bool, bool, bool]]) -> list[str]:
        """Return the words that name a topic, with `_OR` between alternatives.

        Each is given as typed, without particles, and whether it is kept, is part of a term and has a comma behind it.
        """
        content, mark = list[str](), ""
        for typed, word, is_kept, in_term, has_comma in words:
            kind = seed.classify("join", word)
            if kind == "or":
                content += [] if in_term else [_OR]
            elif is_kept:
                is_or = _joins_alternatives(typed, word)
                content += [*filter(None, [mark]), *word.split(), *([_OR] if is_or else [])]
            elif content[-1:] == [_OR] and not (
                seed.classify("beside", word) or questions.names_papers(word)
            ):
                content.pop()  # a photo or an article was made by AI
            has_particle = is_kept and analyser.has_hangul(typed[len(word) :])
            is_end = kind != "or" and content[-1:] not in ([], [_OR]) and (has_particle or not is_kept)
            mark = _COMMA if is_kept and has_comma else _EDGE if is_end else ""
        return _join_lists(content)

    def _group(self, words: Iterable[str], joint: str, count: CountPapers) -> Iterator[QueryPart]:
        """Yield the parts of a query. Alternatives are one: social skills or role-play, for LLM. `joint` is the word for "or"."""
        for _, phrase in groupby(words, _EDGE.__eq__):
            readable = (
                list(filter(tokens.phrases, side)) for is_or, side in groupby(phrase, _OR.__eq__) if not is_or
            )
            listed = list(filter(None, readable))
            if len(listed) < 2:
                yield from self._divide([word for side in listed for word in side if word != _EDGE])
                continue
            sides = [[" ".join(side[a:b]) for a, b, _ in self._split(side)] for side in listed]
            yield from self._group_sides(sides, joint, count)

    def _group_sides(self, sides: list[list[str]], joint: str, count: CountPapers) -> Iterator[QueryPart]:
        """Yield the part for alternatives, and those for what belongs to all of them."""
        before, behind = sides[0][-2::-1], sides[-1][1:]
        sides[0], sides[-1] = sides[0][-1:], sides[-1][:1]
        while behind and self._is_own(behind[0], sides[-1], sides[:-1], count, ahead=False):
            sides[-1].append(behind.pop(0))
        self._add_shared(sides, count)
        while before and self._is_own(before[0], sides[0], sides[1:], count, ahead=True):
            sides[0].insert(0, before.pop(0))
        yield from self._divide(before[::-1])
        yield concepts.join_alternatives([*map(self._read_phrase, sides)], joint)
        yield from self._divide(behind)

    def _add_shared(self, sides: Sequence[list[str]], count: CountPapers) -> None:
        """Add to single words what makes usual phrases of them and is in the phrase beside them: image or video generation."""
        first, *_, last = (side[0].split() for side in sides)
        heads = [(last[:0], last[start:]) for start in range(1, len(last))]
        beginnings = [(first[:end], first[:0]) for end in range(len(first) - 1, 0, -1)]
        for own, shared, phrase in ((sides[:-1], heads, last), (sides[1:], beginnings, first)):
            if any(" " in " ".join(side) or side[0] in phrase for side in own):
                continue
            for before, behind in shared:
                joined = [[*before, *side, *behind] for side in own]
                is_cut = all(self._needs(word, ahead=bool(before)) for (word,) in own)
                if all(self._is_run(words) or (is_cut and self._is_usual(words, count)) for words in joined):
                    for side, words in zip(own, joined, strict=True):
                        side[:] = words
                    break

    def _is_own(
        self,
        word: str,
        side: Sequence[str],
        others: Sequence[Sequence[str]],
        count: CountPapers,
        *,
        ahead: bool,
    ) -> bool:
        """Return whether a term beside alternatives makes a phrase with the nearest one, and does not belong to all.

        `ahead`: the term is ahead of them.
        """
        if concepts.literal_part(word).is_negated:
            return False  # 파인튜닝 없이 성격이나 스타일
        modifier, head = (word, side[0]) if ahead else (side[-1], word)
        texts, rank = [" ".join(other) for other in others], self.glossary.rank_place
        if any({modifier, head.split()[-1]} & {*text.split()} for text in texts):
            return True  # sparse attention or linear attention
        own, nearest = [modifier, head], head if ahead else modifier
        needs_it = self._is_plain(nearest) if " " in word else self._needs(nearest, ahead=ahead)
        of_others = ([word, *other] if ahead else [*other, word] for other in others)
        if not needs_it or all(self._is_usual(words, count) for words in of_others):
            return False
        is_cut = any(rank(text) > 0 if ahead else rank(text) < 0 for text in texts)
        return not is_cut or self._is_usual(own, count)

    def _needs(self, word: str, *, ahead: bool) -> bool:
        """Return whether a word is hardly a topic without one ahead of it or behind it.

        It has no meaning of its own, ends more terms than it begins, such as matching, or begins more, or is AI. What any
        paper has makes no phrase: 모델이나 데이터.
        """
        if questions.classify_filler(word) == "verb":
            return False
        rank = self.glossary.rank_place(word)
        is_wide = not (ahead or concepts.ALL_PAPERS.isdisjoint(self.glossary.find(word)))
        return self._is_plain(word) or is_wide or (rank > 0 if ahead else rank < 0)

    def _is_plain(self, run: str) -> bool:
        """Return whether a word has no meaning of its own in the glossary: skills, data, matching, but not 모델."""
        part = self._find(run)
        return " " not in run and not (part and part.key) and questions.classify_filler(run) != "verb"

    def _is_usual(self, words: Sequence[str], count: CountPapers) -> bool:
        """Return whether words are one term, or stand side by side in a paper."""
        return self._is_run(words) or count(self._read_phrase(words)._replace(each=())) > 0

    def _read_phrase(self, words: Iterable[str]) -> QueryPart:
        """Return the part for several words, as a query of their own."""
        return concepts.join_all(self._divide(" ".join(words).split()))

    def _is_run(self, words: Sequence[str]) -> bool:
        """Return whether several words are one term."""
        return bool(self.glossary.find(" ".join(words), in_phrase=True))

    def _is_no_term(self, word: str) -> bool:
        """Return whether an unknown word is unlikely to be a term: a verb, one syllable (적, 같, 분), one small letter."""
        is_small = analyser.is_hangul(word) or word.islower()
        is_short = len(word) == 1 and is_small and not self.glossary.translate(word)
        return (is_short or questions.is_verb(word)) and not self.is_known(word)

    def _strip(self, word: str) -> str:
        """Strip the particles and endings from a word unless it is filler."""
        if questions.classify_filler(word) == "filler":
            return word
        if len(word) == 2 and word[1] in "나와과랑" and questions.is_everyday(word[0]):
            return word[0]  # 표나 그래프
        return questions.strip_query_word(
            word, lambda stem: self.glossary.is_word(stem) or questions.is_everyday(stem)
        )

    # Parts.

    def _read_parts(self, text: str, words: list[str]) -> tuple[Sequence[QueryPart], list[QueryPart]]:
        """Return a query's parts and the alternatives to all parts."""
        whole = self._find(text, in_phrase=False) if words else None
        if whole is None:
            return self._divide(words), []
        is_mixed = analyser.has_hangul(text) and not resolver.is_korean_only(text)
        if len(words) > 1 and is_mixed:
            # Words in two languages are usually two terms: LLM 추론, but not 과학을 위한 AI.
            parts = self._divide(words, whole=False)
            if all(part.key for part in parts) or not self.glossary.is_seeded(text):
                return parts, [whole]
        return [whole], []

    def _split(
        self, words: Sequence[str], *, whole: bool = True
    ) -> Iterator[tuple[int, int, QueryPart | None]]:
        """Split words into the longest known terms. Yields (start, end, term); None for an unknown word."""
        start = 0
        while start < len(words):
            for end in range(min(len(words), start + _MAX_RUN), start, -1):
                is_all, run = end - start == len(words), " ".join(words[start:end])
                part = self._find(run, in_phrase=not is_all) if whole or not is_all else None
                if part and _may_be_term(words[start:end]):
                    break
            else:
                end, part = start + 1, None
            yield start, end, part
            start = end

    def _divide(self, words: Sequence[str], *, whole: bool = True) -> list[QueryPart]:
        parts = list[QueryPart]()
        for start, _, part in self._split(words, whole=whole):
            parts += [part] if part else self._read_word(words[start])
        return [part for part in parts if tokens.phrases(part.text)]

    def _read_word(self, word: str) -> Sequence[QueryPart]:
        """Return the part for an unknown word, or the parts for a compound of known words: 대규모언어모델추론."""
        key = analyser.strip_ending(term_keys.korean_key(word))
        is_short = resolver.is_korean_only(word) and len(key) <= _MAX_COMPOUND
        pieces = self._cut(key) if is_short else []
        pieces = pieces if len(pieces) > 1 else [word]
        return [
            self._find(piece) or QueryPart(piece, self._typed_forms(piece), is_term=concepts.is_name(piece))
            for piece in pieces
        ]

    def _cut(self, word: str) -> list[str]:
        """Split a word into known words, preferring a long first word; [] if impossible."""
        for end in range(len(word), 1, -1):
            if self.glossary.is_word(word[:end]) and (end == len(word) or (rest := self._cut(word[end:]))):
                return [word[:end], *(rest if end < len(word) else [])]
        return []

    def _typed_forms(self, text: str) -> tuple[Form, ...]:
        """Return the forms of a typed text: itself, a joined name split into words, and translations of a common word."""
        split = term_keys.split_writing(text)
        named = [Form(split, is_shown=False)] if split else []
        translated = (
            Form(word, _TRANSLATED_WEIGHT, is_shown=False) for word in self.glossary.translate(text)
        )
        return (Form(text), *named, *translated)

    def _find(self, text: str, *, in_phrase: bool = True) -> QueryPart | None:
        """Return the part if the whole text is a term or an everyday word for one, otherwise None."""
        asked = text, in_phrase
        if asked not in self._known:
            if len(self._known) >= _MAX_CACHED:
                self._known.clear()
            self._known[asked] = self._make_part(text, in_phrase=in_phrase)
        return self._known[asked]

    def _make_part(self, text: str, *, in_phrase: bool) -> QueryPart | None:
        keys, terms = self.glossary.find(text, in_phrase=in_phrase), questions.find_everyday_terms(text)
        if not (keys or terms):
            return None
        by_term = zip_longest(*map(self.glossary.forms_of, keys))  # 추론 is inference or reasoning
        known = [form for forms in by_term for form in forms if form]
        typed, *others = self._typed_forms(text)
        # 지도 is a map in a query, but mostly supervision in papers.
        is_clear = not (keys and analyser.has_hangul(text)) or typed.key in {form.key for form in known}
        forms = [typed._replace(is_shown=is_clear), *others, *known]
        return QueryPart(
            text,
            concepts.merge_forms((*forms, *self._forms_of(terms, _EVERYDAY_WEIGHT))),
            keys[0] if keys else term_keys.term_key(terms[0]),
            is_term=not terms and self._is_term(text, keys),
            clear=() if analyser.has_hangul(text) else self._list_clear(forms),
        )

    def _choose_sense(self, part: QueryPart, text: str) -> QueryPart:
        """Return the part with the term for which other words decide, of a word for several: 추론 비용 is of inference."""
        words = text.casefold().split()
        named = [one for one in words if questions.classify_filler(one) in ("", "verb")]
        others = [one for one in named if not one.startswith(part.text)]
        for word, term, beside in self._senses:
            near = words if beside else others
            if word == part.text and any(one.startswith(tuple(beside.split("|"))) for one in near):
                chosen = self._find(term) or QueryPart(term, (Form(word), *self._typed_forms(term)))
                return chosen._replace(text=word) if term else part
        return part

    def _list_clear(self, forms: Sequence[Form]) -> tuple[Form, ...]:
        """Return the English forms of an English term if a Korean form of it has several meanings."""
        is_shared = any(
            analyser.has_hangul(one.text) and len(self.glossary.find(one.text)) > 1 for one in forms
        )
        return tuple(Form(one.text) for one in forms if is_shared and not analyser.has_hangul(one.text))

    def _is_term(self, text: str, keys: Iterable[str]) -> bool:
        """Return whether a text is a usual form of a concept: "detection", but not "detects"."""
        typed, *usual = (
            analyser.fold(form).replace("-", " ").removesuffix("s")
            for form in (text, *(form.text for key in keys for form in self.glossary.forms_of(key)))
        )
        return typed in usual or (bool(usual) and analyser.has_hangul(text))

    def _forms_of(self, terms: Iterable[str], weight: float) -> list[Form]:
        """Return the forms of several synonymous terms, with weights multiplied by `weight`."""
        forms = list[Form]()
        for term in terms:
            keys = self.glossary.find(term)
            forms += [Form(term), *(form for key in keys for form in self.glossary.forms_of(key))]
        return [form._replace(weight=form.weight * weight) for form in forms]

    def _list_implied(
        self, topics: Mapping[int, float], text: str, excluded: Iterable[QueryPart]
    ) -> dict[int, QueryPart]:
        """Return the parts for a question's main topics, keyed by topic number, likeliest first.

        Forms that contain what is excluded are left out, and all forms of a topic whose main term does: GRPO.
        """
        implied, shared = {}, questions.find_shared_topics(text) if topics else ()
        unwanted = {form.key for part in excluded for form in part.forms}
        for topic in sorted(topics, key=lambda topic: (-topics[topic], topic))[:_MAX_IMPLIED]:
            if topics[topic] >= _MIN_IMPLIED_WEIGHT and topic in shared:
                terms = questions.load_topic_terms()[topic]
                forms = self._forms_by_topic.get(topic) or concepts.merge_forms(self._forms_of(terms, 1))
                self._forms_by_topic[topic] = forms
                wanted = tuple(form for form in forms if not any(key in form.key for key in unwanted))
                if wanted and not any(key in term_keys.term_key(terms[0]) for key in unwanted):
                    implied[topic] = QueryPart(terms[0], wanted, terms[0])
        return implied

    def _list_excluded(
        self, term: str, text: str = "", choose: ChooseNames = lambda _, names: names
    ) -> Iterator[QueryPart]:
        """Yield a part for an excluded term, with its forms in both languages, and for what is excluded with it.

        That is "diffusion" for "diffusion models", if many papers on the one name the other, "medical" for "medical
        applications", and methods with means.
        """
        bare = _MODEL.sub("", term)
        is_known = bare != term and bool(self.glossary.find(bare))
        is_bare = is_known and (term_keys.is_abbreviation(bare) or bool(choose(bare, [term])))
        topic = "" if self.glossary.is_seeded(term) else _GENERAL.sub("", term)
        is_single = " " not in topic and term.startswith(topic)  # LLaVA variants
        is_general = topic not in ("", term) and (is_single or self.is_excludable(topic))
        kinds = self._find_kinds(term, text) if questions.is_means(term) else list[str]()
        first, _, head = term.rpartition(" ")
        if head in map(self._strip, text.split()) and first and not self.glossary.find(term):
            # Of benchmarks without coding benchmarks, those about coding are left out.
            part = self._find(first) or QueryPart(first, self._typed_forms(first))
            yield part._replace(is_topic=True)
        compounds = (
            f"{word} {term}" for word in map(self._strip, text.split())
        )  # medical AI without imaging
        kinds += filter(self.glossary.is_seeded, compounds)
        for names in institutions.list_companies(term):
            yield QueryPart(term, (), each=(concepts.literal_part(*names),))
        for name in (term, *([bare] if is_bare else []), *([topic] if is_general else []), *kinds):
            # A Korean word is left out in all meanings: 추론 is inference or reasoning.
            keys = self.glossary.find(name)[: None if analyser.is_hangul(name) else 1]
            terms = questions.find_everyday_terms(name)
            for key in keys or [""]:
                forms = [*(self.glossary.forms_of(key) if key else ()), *self._forms_of(terms, 1)]
                forms += [Form(short[1]) for form in forms if (short := _PARTICIPLE.fullmatch(form.text))]
                forms += () if keys or terms or not tokens.phrases(name) else self._read_phrase([name]).forms
                forms += () if keys else map(Form, self._list_names(analyser.strip_ending(name), choose))
                # A common word, such as survey, has no concept of its own.
                words = [name, *terms, *self.glossary.translate(name)]
                own = [key] if key else list(map(term_keys.english_key, words))
                belonging = map(tokens.narrower_token, (*own, *(tokens.LEFT_OUT + one for one in own)))
                forms += [Form(token, is_shown=False) for token in belonging if token]
                part = QueryPart(term, concepts.merge_forms((*self._typed_forms(name), *forms)), key)
                yield part
                yield from self._list_apart(part)

    def _list_apart(self, part: QueryPart) -> Iterator[QueryPart]:
        """Yield what has the words of each form of a part, which a title may have in any order: video super-resolution.

        A method that has an abbreviation is not named by its words apart, nor one that ends with a general word.
        """
        forms = [form.text for form in part.forms if not tokens.is_wide(form.text)]
        forms = [text for text in forms if text.isascii()] or forms[:1]  # titles are mostly English
        if not any(map(term_keys.is_abbreviation, forms)):
            every = {tuple(map(self._strip, _list_words(text))) for text in forms if not _MODEL.search(text)}
            for words in sorted(words for words in every if len(words) > 1):
                each = (self._find(word) or QueryPart(word, self._typed_forms(word)) for word in words)
                yield QueryPart(part.text, (), part.key, each=tuple(each))

    # Names by sound.

    def _add_names(
        self, parts: Sequence[QueryPart], wholes: list[QueryPart], words: list[str], choose: ChooseNames
    ) -> tuple[Sequence[QueryPart], list[QueryPart]]:
        """Add names that sound like unknown Korean words: Gemini for 제미나이.

        A name that matches the whole query, with or without a version, becomes an alternative to all parts.
        """
        text = " ".join(words)
        if whole := self._list_names(" ".join(term_keys.trim_title(words)), choose):
            return parts, [QueryPart(text, (Form(text), *map(Form, whole))), *wholes]
        if len(parts) < 2:
            return parts, wholes

        def add_names(part: QueryPart) -> QueryPart:
            names = () if part.key else self._list_names(analyser.strip_ending(part.text), choose)
            return part._replace(forms=(*part.forms, *map(Form, names)))

        return [concepts.change(part, add_names) for part in parts], wholes

    def _list_names(self, text: str, choose: ChooseNames) -> list[str]:
        match = _SPELLING_AND_VERSION.fullmatch(text)
        # One syllable sounds like too many names: 앱을 like ABR.
        is_short = match is None or len(analyser.monosyllabic_noun(match[1]) or match[1]) < 2
        if match is None or is_short or self.glossary.is_word(match[1]):
            return []
        names = choose(match[1], self.glossary.find_names(match[1]))
        return [f"{name} {match[2]}".strip() for name in names]


def _is_request(text: str, words: Sequence[str]) -> bool:
    """Return whether a text only asks for papers on these `words`: papers on RL, RL에 대한 논문 보여줘."""
    typed = [questions.trim_filler(word) for word in text.split()]
    start = next((n for n, word in enumerate(typed) if words and word.startswith(words[0])), len(typed))
    behind, around = typed[start : start + len(words)], typed[:start] + typed[start + len(words) :]
    is_run = len(behind) == len(words) and all(map(str.startswith, behind, words))
    is_filler = all(
        questions.classify_filler(word) in ("filler", "maybe") or questions.names_papers(word)
        for word in around
    )
    return is_run and is_filler and not any(seed.classify("auxiliary", word) for word in around)


def _joins_alternatives(typed: str, word: str) -> bool:
    """Return whether a word was typed with a particle for "or": 메타나 구글."""
    return seed.classify("join", f"-{typed[len(word) :]}") == "or"


def _may_be_term(words: Sequence[str]) -> bool:
    """Return whether known words are one term: encoder / decoder, but not "GAN /" or 이미지 / 비디오."""
    joins = [seed.classify("join", word) == "or" for word in words]
    has_either = _OR in words or (any(joins) and analyser.has_hangul(" ".join(words)))
    return not (has_either or joins[0] or joins[-1])


def _join_lists(content: Sequence[str]) -> list[str]:
    """Return the words of a query, of which commas before an "or" separate alternatives too: "GAN, VAE or flows"."""
    words, is_list, size = list[str](), False, 0
    for word in reversed(content):
        size += word != _EDGE
        if word not in (_OR, _COMMA):
            words.append(word)
            continue
        is_list, size = word == _OR or (is_list and size <= _MAX_LISTED), 0
        words += [_OR if is_list else _EDGE] if words and words[-1] != _OR else []
    return [word for number, word in enumerate(words[::-1]) if number or word not in (_OR, _EDGE)]


def _list_words(text: str) -> list[str]:
    return [word for word in text.replace("-", " ").split() if word not in analyser.FUNCTION_WORDS]


def _leave_out(part: QueryPart, excluded: Sequence[QueryPart], unread: Sequence[QueryPart]) -> QueryPart:
    """Return a part without the added forms that are left out: alternatives to transformers other than Mamba.

    Of what belongs to a part, terms of an `unread` negation are not sought either: of image restoration, super-resolution.
    """
    if not (excluded or unread):
        return part
    loose = {form.key for one in unread for form in one.forms}
    unwanted = (loose | {form.key for one in excluded for form in one.forms}) - {Form(part.text).key}
    forms = list[Form]()
    for form in part.forms:
        belonging = [Form(text, form.weight, is_shown=False) for text in tokens.list_belonging(form.text)]
        kept = [one for one in belonging if not any(f" {key} " in f" {one.key} " for key in loose)]
        forms += kept if len(kept) < len(belonging) else [form] if form.key not in unwanted else []
    return part._replace(forms=tuple(forms)) if forms else part


def _distinct(parts: Iterable[QueryPart]) -> tuple[QueryPart, ...]:
    """Return the parts that can be searched for, without duplicates."""
    distinct: dict[str, QueryPart] = {}
    for part in parts:
        if tokens.phrases(part.text):
            distinct.setdefault(part.key or term_keys.term_key(part.text), part)
    return tuple(distinct.values())
