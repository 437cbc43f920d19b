"""Finds what texts say about terms, and induces concepts from that.

A mention is a parenthesis in 강화 학습(Reinforcement Learning; RL): the words before it and the parts in it. Mentions of papers
are additive, so storage can add and remove them. Titles have names of models. Induction finds where a term begins, in two steps:
a draft, then the concepts, by the papers that have their forms.

A concept is a star of Korean forms and abbreviations around one English term. Forms are not linked transitively, which
would merge all terms that share a word. A Korean form is a term's if most papers that have the form have the term too.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import lru_cache
from heapq import nlargest, nsmallest
from itertools import islice, takewhile
from operator import add
from types import MappingProxyType
from typing import NamedTuple, TypeAlias, TypeVar

from bot.glossary import resolver, transliteration
from bot.text import analyser, concepts, seed, term_keys, typography

MAX_CONTEXT_WORDS = 7
"""Words kept before a parenthesis."""

MAX_MENTIONS = 200
"""Upper bound per paper; a text with more is not worth mining."""

_PARENTHESES = re.compile(r"\(([^()\n]{2,90})\)")
_PHRASE_BREAKS = re.compile(r"[,.:;\"'“”‘’「」『』《》<>\[\](){}|!?~…]|\s[-–—]\s")
_SEPARATORS = re.compile(r"[;,]|\s+or\s+|\s*이하\s*|\s*또는\s*|\s+혹은\s+")
_LEAD_IN = re.compile(r"^(?:예\s*[:：)]|예를 들어|e\.?g\.?|i\.?e\.?|see|such as|참조)", re.IGNORECASE)
_ENGLISH = re.compile(r"[A-Za-z0-9À-ɏ][A-Za-z0-9À-ɏ\s\-–/&'’+.]*")
_LETTER = re.compile(r"[A-Za-zÀ-ɏ]{2}")
_DIGITS_FIRST = re.compile(r"[~<>+\-]?[0-9][0-9.,%]*\b")
_LATIN_WORD = re.compile(r"[A-Za-z0-9À-ɏ][A-Za-z0-9À-ɏ\-–/&'’+.]*")
MAX_ENGLISH_WORDS = 8
"""Words of an English term in a parenthesis."""


class Mention(NamedTuple):
    """One parenthesis: the words before it and its parts, "" for each missing part."""

    left_context: str
    english: str
    abbreviation: str

    def definition(self) -> tuple[str, str]:
        """Return the abbreviation and the long form that this defines, in either order; two empty texts if it does not."""
        is_korean, last = analyser.ends_in_hangul(self.left_context), self.left_context.split()[-1]
        if self.abbreviation and (self.english or not is_korean):
            text = long_form(self.english or self.left_context, self.abbreviation)
            return (self.abbreviation, text) if text else ("", "")
        is_reversed = not is_korean and term_keys.is_abbreviation(last) and self.english
        return (last, self.english) if is_reversed == long_form(self.english, last) else ("", "")


def extract_mentions(text: str) -> list[Mention]:
    """Return the distinct mentions of a text in order, at most `MAX_MENTIONS`. Takes linear time."""
    text = typography.normalise("NFKC", text).replace("*", "").replace("`", "")
    found = (
        _parse_parenthesis(text[max(0, match.start() - 120) : match.start()].rpartition("\n")[2], match[1])
        for match in _PARENTHESES.finditer(text)
    )
    return list(islice(dict.fromkeys(mention for mention in found if mention), MAX_MENTIONS))


def _parse_parenthesis(preceding: str, content: str) -> Mention | None:
    parts = _classify_parts(content)
    left = "" if parts is None or _LEAD_IN.match(content.strip()) else _left_context(preceding)
    if parts is None or not left:
        return None
    if not analyser.ends_in_hangul(left):
        latin = takewhile(_LATIN_WORD.fullmatch, reversed(left.split()))
        left = " ".join(reversed(list(latin)))
    return Mention(left, *parts) if left else None


def _left_context(preceding: str) -> str:
    """Return the last words before a parenthesis, cut at the last punctuation that ends a phrase."""
    cut = 0
    for match in _PHRASE_BREAKS.finditer(preceding):
        # A point within a word (GPT-3.5) does not end a phrase.
        if match[0] == "." and preceding[match.end() : match.end() + 1].isalnum():
            continue
        cut = match.end()
    return " ".join(preceding[cut:].split()[-MAX_CONTEXT_WORDS:])


@lru_cache(maxsize=1 << 12)
def _classify_parts(content: str) -> tuple[str, str] | None:
    """Return the English term and the abbreviation in a parenthesis; None if it holds neither, or anything else."""
    pieces = [piece.strip() for piece in _SEPARATORS.split(content) if piece.strip()]
    short = [piece for piece in pieces if term_keys.is_abbreviation(piece)]
    long = [piece for piece in pieces if piece not in short and _is_english(piece)]
    others = [piece for piece in pieces if piece not in short and piece not in long]
    is_korean = len(others) == 1 and analyser.has_hangul(others[0])
    if not 1 <= len(pieces) <= 3 or len(short) > 1 or len(long) > 1 or (others and not is_korean):
        return None
    # With single blanks: the separator of stored mentions is white space too.
    return (" ".join("".join(long).split()), "".join(short)) if short or long else None


def _is_english(piece: str) -> bool:
    is_text = _ENGLISH.fullmatch(piece) and _LETTER.search(piece) and not _DIGITS_FIRST.match(piece)
    return bool(is_text) and len(piece.split()) <= MAX_ENGLISH_WORDS


# Finds the long form of an abbreviation: "proximal policy optimization" for PPO.

_WORDS = re.compile(r"[^\W_]+")
_MAX_LONG_FORM_WORDS = 12


def long_form(text: str, abbreviation: str) -> str | None:
    """Return the shortest suffix of `text` that `abbreviation` can abbreviate, or None.

    Initials are tried on all suffixes before subsequences: otherwise "policy optimization" would win for PPO.
    """
    words = [(match.start(), analyser.fold(match[0])) for match in _WORDS.finditer(text)][
        -_MAX_LONG_FORM_WORDS:
    ]
    letters = _letters(abbreviation)
    if len(letters) < 2:
        return None
    for matches in (_matches_initials, _matches_subsequence):
        for first in range(len(words) - 1, -1, -1):
            if words[first][1] in analyser.FUNCTION_WORDS:
                continue
            if matches([word for _, word in words[first:]], letters):
                return text[words[first][0] :].strip()
    return None


def _letters(abbreviation: str) -> str:
    """Return the letters of an abbreviation, folded, without the plural s; 2 is read as "to"."""
    joined = "".join(_WORDS.findall(analyser.fold(term_keys.abbreviation_key(abbreviation))))
    return re.sub(r"(?<=[a-z])2(?=[a-z])", "t", joined)


def _matches_initials(words: list[str], letters: str) -> bool:
    """Match words to letters: one initial each, a whole word with digits; function words are optional."""
    if not words:
        return not letters
    word, rest = words[0], words[1:]
    if letters and word[0] == letters[0] and _matches_initials(rest, letters[1:]):
        return True
    if len(word) <= 4 and any(map(str.isdigit, word)) and letters.startswith(word):
        return _matches_initials(rest, letters[len(word) :])
    return word in analyser.FUNCTION_WORDS and _matches_initials(rest, letters)


def _matches_subsequence(words: list[str], letters: str) -> bool:
    """Tell whether the letters are a subsequence of the words, starting at the first, with about a letter for each word."""
    remaining = iter("".join(words))
    return (
        words[0][0] == letters[0] and len(words) <= len(letters) + 2 and all(x in remaining for x in letters)
    )


# The names of models and methods in titles.

_MAX_TITLE_LENGTH = 300
_NAME_HEAD_END = re.compile(r":| Technical Report| System Card")
_NAME_HEAD = re.compile(r"(?:The |Introducing )?([A-Za-z]+(?:[ -][A-Za-z]+)*)")
_NAME_WORD = re.compile(r"[A-Za-z]{3,}")
_MAX_HEAD_WORDS, _MAX_BARE_HEAD_WORDS = 4, 3
"""Words of a head that may be a name, before a colon or in a title without one."""


def list_names(title: str) -> Iterator[str]:
    """Yield what may be a name in a title: its head before a colon, its first word, and words with a capital within."""
    title = title[:_MAX_TITLE_LENGTH]
    before, *behind = _NAME_HEAD_END.split(title, maxsplit=1)
    head = _NAME_HEAD.match(before)
    if head:
        others = concepts.read_words("not_names.txt")
        yield from (word for word in _NAME_WORD.findall(head[1])[:1] if word.casefold() not in others)
    if head and len(before.split()) <= (_MAX_HEAD_WORDS if behind else _MAX_BARE_HEAD_WORDS):
        yield head[1]
    yield from (word for word in _NAME_WORD.findall(title) if not word[1:].islower() and not word.islower())


# The draft.

MentionCount: TypeAlias = tuple[Mention, int]
"""A mention and the number of papers that hold it, as storage counts them."""
Spellings: TypeAlias = Mapping[str, Counter[str]]
"""The numbers of papers by key and spelling."""


MAX_LEARNT = 10_000
"""Korean forms, and abbreviations, that are learnt. 10,000 forms take 26 MB of the bot's memory, with autocomplete 41 MB."""
MAX_FORMS = 100
"""Of those, Korean forms and abbreviations of one term: a search looks for each of them in each paper that it reads.

Also the senses of one abbreviation, which a search compares with each other.
"""
_Explained = TypeVar("_Explained")


class TermPair(NamedTuple):
    """A Korean key and the English key that it translates."""

    korean: str
    english: str


class GlossaryDraft(NamedTuple):
    """What mentions and the seed list say: `pairs` have the spellings of Korean forms, `papers` explain each English key."""

    seeds: Mapping[str, seed.SeedTerm]
    words: Mapping[str, list[str]]
    pairs: Mapping[TermPair, Counter[str]]
    senses: Mapping[str, list[concepts.AbbreviationSense]]
    surfaces: Spellings
    papers: Mapping[str, int]

    def cooccurrence_counter(self) -> CooccurrenceCounter:
        """Return a new counter; add papers (all or a sample) to it before `induce`."""
        seeded = {
            TermPair(term_keys.korean_key(text), key)
            for key, term in self.seeds.items()
            for text in term.korean
        }
        texts: dict[str, list[str]] = defaultdict(list)
        for text, (main, *_) in self.senses.items():
            if main.share >= concepts.DOMINANT_SHARE:
                texts[main.key].append(text)
        for key in {*self.seeds, *(pair.english for pair in self.pairs)}:
            texts[key] += [
                *self.surfaces.get(key, ()),
                *(self.seeds[key].english if key in self.seeds else ()),
            ]
        english = {
            key: [form for text in own for form in term_keys.latin_variants(text)]
            for key, own in texts.items()
        }
        return CooccurrenceCounter({*self.pairs, *seeded}, english)


def draft_glossary(counts: Iterable[MentionCount], terms: Iterable[seed.SeedTerm]) -> GlossaryDraft:
    """Gather the evidence of all mentions, and of the seed list."""
    rows, all_terms = list(counts), list(terms)
    seeds = {_key_of(term): term for term in all_terms if not term.is_common_word}
    words: dict[str, list[str]] = defaultdict(list)
    for term in all_terms:
        for texts, others in ((term.korean, term.english), (term.english, term.korean)):
            for text in texts if term.is_common_word else ():
                words[term_keys.term_key(text)] += others
    # Other English forms of a seed term are the term.
    main_keys = {term_keys.english_key(text): key for key, term in seeds.items() for text in term.english}
    long_forms, surfaces = _count_long_forms(rows, main_keys)
    senses = rank_senses(_keep_best(long_forms), seeds, surfaces)
    glosses = [gloss for mention, count in rows if (gloss := _read_gloss(mention, count, senses)) is not None]
    supports: Counter[TermPair] = Counter()
    for left, _, key, count in glosses:
        for pair in {TermPair(korean, key) for korean in _suffix_keys(left.split())}:
            supports[pair] += count
    pairs: dict[TermPair, Counter[str]] = defaultdict(Counter)
    papers: Counter[str] = Counter()
    for left, english, key, count in glosses:
        if english:
            surfaces[key][english] += count
            papers[key] += count
        form = find_term(left, english or key, key, supports)
        pair = TermPair(term_keys.korean_key(form), main_keys.get(key, key))
        if form:
            pairs[pair][form] += count
    owners: dict[str, set[str]] = defaultdict(set)
    for term in all_terms:
        for text in term.korean:
            owners[term_keys.korean_key(text)].add(_key_of(term))
    # What the list has for another term, or as a common word, is never a form.
    kept = {
        pair: spellings
        for pair, spellings in pairs.items()
        if is_term(pair)
        and has_head(pair, spellings, words)
        and pair.english in owners.get(pair.korean, (pair.english,))
    }
    return GlossaryDraft(seeds, words, _keep_best(kept), senses, surfaces, papers)


def _keep_best(explained: Mapping[_Explained, Counter[str]]) -> dict[_Explained, Counter[str]]:
    """Return those that most papers explain, at most `MAX_LEARNT`."""
    best = nlargest(MAX_LEARNT, explained, key=lambda key: explained[key].total())
    return {key: explained[key] for key in best}


def _key_of(term: seed.SeedTerm) -> str:
    return term_keys.english_key(term.english[0])


def _count_long_forms(
    rows: Iterable[MentionCount], main_keys: Mapping[str, str]
) -> tuple[dict[str, Counter[str]], dict[str, Counter[str]]]:
    """Return the papers that explain each abbreviation by its long forms, and those of each long form by its spellings."""
    long_forms: dict[str, Counter[str]] = defaultdict(Counter)
    surfaces: dict[str, Counter[str]] = defaultdict(Counter)
    for mention, papers in rows:
        abbreviation, text = mention.definition()
        key, short = term_keys.english_key(text), term_keys.abbreviation_key(abbreviation)
        is_long_form = key and key != term_keys.english_key(abbreviation)
        if is_long_form:
            long_forms[short][main_keys.get(key, key)] += papers
            surfaces[key][text] += papers
    return long_forms, surfaces


class _Gloss(NamedTuple):
    """A Korean text that ends with a term, the English one and its key, and the papers that have both; "" for an abbreviation."""

    left_context: str
    english: str
    key: str
    papers: int


def _read_gloss(
    mention: Mention, papers: int, senses: Mapping[str, list[concepts.AbbreviationSense]]
) -> _Gloss | None:
    """Return a mention with the Korean term first and its English side, which a dominant abbreviation is short for."""
    left, english = mention.left_context, mention.english
    if not analyser.ends_in_hangul(left):
        return None
    if english:
        key = term_keys.english_key(english)
        return _Gloss(left, english, key, papers) if key else None
    main = next(iter(senses.get(term_keys.abbreviation_key(mention.abbreviation), ())), None)
    is_dominant = main is not None and main.share >= concepts.DOMINANT_SHARE
    return _Gloss(left, "", main.key, papers) if main and is_dominant else None


# Where the Korean term before a parenthesis begins: with the words that most papers repeat, about as many as the English term
# has.

_PHRASE_END = re.compile(
    r"(?:[가-힣][을를]|(?<![하되없있])는|(?<=[가-힣][가-힣])은|에서|에게|으로|하여|하고|되어|하며)$"
)
"""The ending of a word behind which a term begins: none is within one."""
_HYPHENS = re.compile(r"[\s\-–/]+")
_MISSING, _EXCESS = 1.2, 0.6
"""What a word too few, or too many, costs in natural logarithms of papers."""
_MIN_USUAL, _USUAL_SHARE, _USUAL_LOSS = 3, 0.8, 0.25
"""Papers, and share of those with the words behind, from which a word before a term is part of it."""


def find_term(left: str, english: str, key: str, supports: Mapping[TermPair, int]) -> str:
    """Return the Korean term at the end of a text for an English one; "" if there is none.

    `supports` gives the number of papers with a Korean key before an English one. A text that sounds like the term is it.
    """
    expected = max(
        1, sum(word.lower() not in analyser.FUNCTION_WORDS for word in _HYPHENS.split(english) if word)
    )
    units, boundary_words = left.split(), concepts.read_words("boundary_words.txt")
    best, best_score, words, previous = "", -math.inf, 0, 0
    for length, korean_key in enumerate(_suffix_keys(units), 1):
        unit = units[-length]
        if not term_keys.korean_key(unit) or unit in boundary_words or (words and _PHRASE_END.search(unit)):
            break
        words += len(analyser.split_context(unit))
        text = " ".join(units[-length:])
        if transliteration.sounds_like(korean_key, english.removesuffix("s")):
            return text
        support = supports.get(TermPair(korean_key, key), 1)
        # What nearly all papers have before the term belongs to it.
        is_usual = _MIN_USUAL <= support >= _USUAL_SHARE * (previous or support)
        penalty = _MISSING * max(0, expected - words) + (
            0 if is_usual else _EXCESS * max(0, words - expected)
        )
        score = math.log(support) - penalty
        previous = support
        # A single syllable (내, 간, 별) belongs to the word before it.
        if score >= best_score - _USUAL_LOSS * is_usual and len(unit) > 1:
            best, best_score = text, score
    return best.removesuffix("들") if len(best) > 3 else best


def _suffix_keys(units: list[str]) -> Iterator[str]:
    """Yield the Korean key of each suffix of a text, shortest first."""
    key = ""
    for unit in reversed(units):
        key = term_keys.korean_key(unit) + key
        yield key


_VERB_ENDING = re.compile(
    r"(?:하|되|시키|이)는$|[하되]기$|(?:하여|하고|하며|되어|하다|된다)$|[가-힣](?:된|한)$"
)
_DIGIT = re.compile("[0-9]")
_HEAD_LETTERS = 3
"""Letters of a stem that tell words apart: tuning is part of fine-tuning, whose stem is another one."""


def is_term(pair: TermPair) -> bool:
    """Tell whether a Korean form can be a term: of two syllables or more, without a verb's ending or foreign digits.

    It has two syllables per English word, with one or two less allowed: 학습 is not supervised fine-tuning.
    """
    content = len(term_keys.content_words(pair.english))
    return (
        len(pair.korean) >= max(2, 2 * content - (1 if content <= 2 else 2))
        and not _VERB_ENDING.search(pair.korean)
        and set(_DIGIT.findall(pair.korean)) <= set(_DIGIT.findall(pair.english))
    )


def has_head(pair: TermPair, spellings: Iterable[str], words: Mapping[str, Iterable[str]]) -> bool:
    """Tell whether the last word of a form, if it is a common one, translates a word of the term: 혼합 모델 is not a mixture."""
    heads = [analyser.split_context(text)[-1] for text in spellings]
    translations = [term_keys.english_key(text) for head in heads for text in words.get(head, ())]
    return not translations or any(text[:_HEAD_LETTERS] in pair.english for text in translations)


# The senses of abbreviations.


def rank_senses(
    explained: Spellings, seeds: Mapping[str, seed.SeedTerm], surfaces: Spellings
) -> dict[str, list[concepts.AbbreviationSense]]:
    """Return the senses of each abbreviation, best first, at most `MAX_FORMS`."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for key, term in seeds.items():
        for abbreviation in term.abbreviations:
            counts[abbreviation][key] += concepts.SEED_PAPERS
    ranked: dict[str, list[concepts.AbbreviationSense]] = {}
    for abbreviation in {**counts, **explained}:
        papers = explained.get(abbreviation, Counter())
        counts[abbreviation].update(papers)
        terms, total = counts[abbreviation], counts[abbreviation].total()
        best = nsmallest(MAX_FORMS, terms, key=lambda key: (-terms[key], len(key), key))
        ranked[abbreviation] = [
            concepts.AbbreviationSense(
                key,
                terms[key] / total,
                papers[key],
                seeds[key].english[0] if key in seeds else most_common(surfaces.get(key), key),
            )
            for key in best
        ]
    return ranked


def most_common(spellings: Counter[str] | None, key: str) -> str:
    """Return the most frequent spelling, of equals the one with the fewest capitals; the key without spellings."""
    if not spellings:
        return key
    return min(spellings, key=lambda text: (-spellings[text], sum(map(str.isupper, text)), text))


# Document frequencies of terms and pairs: one pass over papers for thousands of terms, by first syllables and first words.

_FIRST_LETTERS = 3
MOST = 0.5
"""Share of the papers with a learnt form that have the term, less that by chance, from which it counts."""


class CooccurrenceCounter:
    """Counts the papers added, and their titles, that have each Korean or English key, and each of the given pairs."""

    def __init__(self, pairs: Iterable[TermPair], english_forms: Mapping[str, Iterable[str]]) -> None:
        """Take the pairs to count, and the stem sequences of each English key."""
        self.papers = 0
        self.counts: Counter[str] = Counter()
        self.title_counts: Counter[str] = Counter()
        self.pair_counts: Counter[TermPair] = Counter()
        self._partners: dict[str, list[str]] = defaultdict(list)
        # What begins forms, with the keys of the forms that end with it: a page may give 10,000 forms one beginning.
        self._by_words: dict[str, list[str]] = {}
        self._by_letters: dict[str, list[str]] = {}
        for korean, english in pairs:
            if korean not in self._partners:
                for length in range(min(_FIRST_LETTERS, len(korean)), len(korean)):
                    self._by_letters.setdefault(korean[:length], [])
                self._by_letters.setdefault(korean, []).append(korean)
            self._partners[korean].append(english)
        self._most_letters = max(map(len, self._by_letters), default=0)
        for key, forms in english_forms.items():
            for form in {key, *forms}:
                beginning, *words = form.split(" ")
                for word in words:
                    self._by_words.setdefault(beginning, [])
                    beginning = f"{beginning} {word}"
                self._by_words.setdefault(beginning, []).append(key)
        self._most_words = max((form.count(" ") + 2 for form in self._by_words), default=0)

    def add(self, title: str, body: str) -> None:
        """Count one paper, given as its canonical texts."""
        self.papers += 1
        english, korean = self._find(f"{title}\n{body}")
        self.counts.update(english | korean)
        self.title_counts.update(set().union(*self._find(title)))
        for key in korean:
            for partner in self._partners[key]:
                if partner in english:
                    self.pair_counts[TermPair(key, partner)] += 1

    def share(self, pair: TermPair) -> float:
        """Return the share of the papers with a Korean form that have another form of the term, less that by chance."""
        frequency = self.counts[pair.korean]
        if self.pair_counts[pair] == frequency:
            return 1.0
        by_chance = self.counts[pair.english] / self.papers
        return (self.pair_counts[pair] / frequency - by_chance) / max(1 - by_chance, 1 / self.papers)

    def is_confirmed(self, pair: TermPair) -> bool:
        """Tell whether most papers with a Korean form have the term too, within a standard error of the share."""
        share, frequency = min(1.0, max(0.0, self.share(pair))), max(1, self.counts[pair.korean])
        return share + math.sqrt(share * (1 - share) / frequency) >= MOST

    def _find(self, canonical: str) -> tuple[set[str], set[str]]:
        """Return the English and the Korean keys that a text has."""
        english, korean, words = set[str](), set[str](), canonical.split(" ")
        starts = (at for at in range(1, len(words)) if words[at] in self._by_words)
        for text, *others in {tuple(words[at : at + self._most_words]) for at in starts}:
            for word in others:  # a form is between two spaces
                if (keys := self._by_words.get(text)) is None:
                    break
                english.update(keys)
                text = f"{text} {word}"
        compact = canonical.replace(" ", "")
        pairs = list(map(add, compact, compact[1:]))
        # A form of two syllables counts where a word begins with it, as search weighs it.
        begun = {word[:2] for word in canonical.replace(analyser.PARTICLE_MARK, "").split()}
        for start in self._by_letters.keys() & {*begun, *map(add, pairs, compact[2:])}:
            places = (match.start() for match in re.finditer(f"(?={re.escape(start)})", compact))
            size = self._most_letters if len(start) == _FIRST_LETTERS else len(start)
            for text in {compact[at : at + size] for at in places}:
                for length in range(len(start), len(text) + 1):
                    if (found := self._by_letters.get(text[:length])) is None:
                        break
                    korean.update(found)
        return english, korean


def induce(
    draft: GlossaryDraft, counter: CooccurrenceCounter, names: Mapping[str, int] = MappingProxyType({})
) -> resolver.Parts:
    """Return a glossary, with the `names` of models and methods in titles: the concepts whose forms papers confirm."""
    forms: dict[str, list[concepts.SurfaceForm]] = {
        key: list(_english_forms(key, draft)) for key in draft.seeds
    }
    learnt: dict[str, dict[str, Counter[str]]] = defaultdict(dict)
    # What most papers explain comes first.
    for pair, spellings in draft.pairs.items():
        if len(learnt[pair.english]) < MAX_FORMS and counter.is_confirmed(pair):
            learnt[pair.english][pair.korean] = spellings
    for key in {*learnt, *draft.seeds}:
        forms.setdefault(key, list(_english_forms(key, draft))).extend(
            _korean_forms(key, learnt[key], draft, counter)
        )
    abbreviations = Counter[str]()
    for text, (main, *_) in sorted(draft.senses.items(), key=lambda item: (-item[1][0].papers, item[0])):
        if main.share >= concepts.DOMINANT_SHARE and abbreviations[main.key] < MAX_FORMS:
            abbreviations[main.key] += 1
            expands = main.papers > 0 or len(text) > 2
            seeded = main.key in draft.seeds and text in draft.seeds[main.key].abbreviations
            form = concepts.SurfaceForm(text, "abbr", main.papers, main.share, expands=expands, seeded=seeded)
            forms.setdefault(main.key, list(_english_forms(main.key, draft))).append(form)
    built = [concepts.Concept(key, tuple(own)) for key, own in forms.items() if len(own) > 1]
    built.sort(key=lambda concept: (-concept.support, concept.key))
    in_titles, in_papers = Counter[str](), Counter[str]()
    for concept in built:
        keys = {concept.key, *(term_keys.korean_key(form.text) for form in concept.forms_in("ko"))}
        in_titles[concept.key] = sum(counter.title_counts[key] for key in keys)
        # Many papers have several forms, so that the sum would count them several times.
        in_papers[concept.key] = max(counter.counts[key] for key in keys)
    return resolver.Parts(built, draft.senses, draft.words, +in_titles, dict(names), +in_papers)


def _english_forms(key: str, draft: GlossaryDraft) -> Iterator[concepts.SurfaceForm]:
    papers, term = draft.papers.get(key, 0), draft.seeds.get(key)
    if term is None:
        yield concepts.SurfaceForm(most_common(draft.surfaces.get(key), key), "en", papers)
    for number, text in enumerate(term.english if term else ()):
        yield concepts.SurfaceForm(text, "en", 0 if number else papers, seeded=True)


def _korean_forms(
    key: str, learnt: Mapping[str, Counter[str]], draft: GlossaryDraft, counter: CooccurrenceCounter
) -> Iterator[concepts.SurfaceForm]:
    """Yield the Korean forms, best supported first; a form that another one finds as well is an alias."""
    seeded = (
        {term_keys.korean_key(text): text for text in draft.seeds[key].korean} if key in draft.seeds else {}
    )
    ranked = sorted(learnt, key=lambda korean: (-learnt[korean].total(), len(korean), korean))
    keys = list(dict.fromkeys([*ranked, *seeded]))
    for korean in keys:
        yield concepts.SurfaceForm(
            most_common(learnt.get(korean), seeded.get(korean, korean)),
            "ko",
            learnt[korean].total() if korean in learnt else 0,
            is_alias=_is_alias(korean, keys, seeded),
            seeded=korean in seeded,
            found=counter.counts[korean],
            confirmed=counter.pair_counts[TermPair(korean, key)],
        )


def _is_alias(korean: str, keys: Iterable[str], seeded: Container[str]) -> bool:
    """Tell whether another form finds what a form finds: it is in a learnt form, or a seeded one begins with a seeded one.

    A learnt form never hides a seeded one: papers do not find 트랜스포머 by 포머, which one of them explains.
    """
    if korean in seeded:
        return any(other != korean and other in seeded and korean.startswith(other) for other in keys)
    return any(other != korean and other in korean for other in keys)
