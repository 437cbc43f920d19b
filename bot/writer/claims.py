"""The check of claims: what a language model wrote about a paper is compared with the paper's text.

A claim is compared with the sentences that its span names, by words and numbers, without a model. It fails for a number or a
name of another place, for a negation, direction, doubt, cause or generality that stands on one side only, for things that are
swapped, and for words that accuse or advertise unless the paper has them there. What is true or false beyond such words is not
found. The problems are short texts in English: they are sent back to the model, and shown by `paperround write --show`.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from fractions import Fraction
from functools import lru_cache
from importlib import resources
from itertools import accumulate, combinations, pairwise, takewhile
from typing import NamedTuple

from bot.archive import summaries
from bot.rendering import markdown
from bot.text import analyser, typography
from bot.writer import claim_numbers, prompts
from storage import models

# The prose of a claim: its length and language, empty phrases, links, and repetition of itself or of another claim.

MIN_CHARACTERS = 10
MAX_CHARACTERS = 600
_MIN_HANGUL_SHARE = 0.35
"""Of the letters of a Korean claim, without those in parentheses; names are Latin."""
_MAX_HANGUL_SHARE = 0.1
_HANGUL = re.compile("[가-힣]")
_LATIN_WORD = re.compile("[A-Za-z]+")
_PARENTHESES = re.compile(r"\([^()]{0,300}\)")
_LINK = re.compile(
    r"[a-z][a-z0-9+-]{1,15}\s?(?::|\[:\])\s?//|www\s?[.\[(]|\]\(|</?[a-z]{1,10}[ >/]|```|mailto:|@[a-z0-9-]{1,63}\.[a-z]"
    r"|[a-z0-9-]{1,63}\s?(?:\[\.\]|\(\.\)|\[dot\]|\(dot\)|[.。])\s?"
    r"(?:com|net|org|io|gg|xyz|me|co|kr|ru|cn|tv|to|ly|app|dev|link|site|info|biz|shop|top|club|online|page|example|onion"
    r"|zip|mov|money|finance)(?![a-z0-9])"
    r"|[\w-]{1,63}\.(?:[^\W\d_]{2,24}/|[\u0400-\u04ff]{2,24})|(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)",
    re.IGNORECASE,
)
"""An address with or without its scheme, also a scheme or a dot in disguise, such as hxxp or evil[.]com; with a path any ending
is one, and four numbers are an address too. Sought after NFKC."""
_SIGNS = re.compile(r"[`*_~<>\\|$]")
"""What Markdown and formulas may take out of a text that is shown."""
_MAX_SYMBOLS = 2
"""Emoji and other pictures of a claim."""
_MAX_MARKS = 3
"""Combining marks in a row; Vietnamese and Hebrew have two."""
_FILLER = re.compile(
    r"(?:이|본) (?:논문|연구)(?:은|는) (?:매우 )?(?:흥미롭|중요하|의미 ?있)|기여할 (?:것|수 있을 것)으로 (?:기대|예상|보)"
    r"|(?:새로운 가능성|중요성|잠재력)을 (?:시사|보여|제시|열)|귀추가 주목|주목할 만한 (?:성과|결과|연구)"
    r"|(?:향후|앞으로의?) 연구에 (?:도움|기여|중요한)|(?:획기적|혁신적)인 (?:성과|연구|돌파구)"
    r"|\b(?:paves? the way|opens? (?:up )?(?:new|exciting) (?:avenues|possibilities|doors)|sheds? (?:new )?light on"
    r"|game[- ]chang(?:er|ing)|groundbreaking|revolutioni[sz]\w+|exciting (?:direction|result|work)s?"
    r"|deserves? (?:the best|a high|high)|more research is needed|further research is (?:needed|required)"
    r"|(?:this|the) paper is (?:very |truly )?(?:interesting|important|excellent|remarkable|outstanding))",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9-]*|\d+(?:[.,]\d+)*")
_MIN_SIMILARITY = 0.72
_REPEATED_WORDS = 4
_MAX_REPEATS = 2
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def _list_forms(text: str) -> list[str]:
    """Return a claim as it was written, as it is printed, as it is shown, and without what other readers of Markdown take out."""
    printed = prompts.clean_text(text)
    return [text, printed, markdown.render_plain(printed), _SIGNS.sub("", html.unescape(printed))]


def find_prose_problems(text: str, language: models.Locale, earlier: Sequence[str]) -> list[str]:
    """Return what is wrong with a claim as a text, apart from what its paper says. `earlier` are the claims before it."""
    is_empty = summaries.is_refusal(text) or summaries.is_empty_statement(text)
    problems = ["it says nothing about the paper"] if is_empty else []
    if not MIN_CHARACTERS <= len(text.strip()) <= MAX_CHARACTERS:
        problems.append(_wrong_length(len(text.strip())))
    share = _hangul_share(text)
    if language is models.Locale.KO and share < _MIN_HANGUL_SHARE:
        problems.append("it is not written in Korean")
    if language is models.Locale.EN and share > _MAX_HANGUL_SHARE:
        problems.append("it is not written in English")
    if match := _FILLER.search(text):
        problems.append(f'"{match[0].strip()}" says nothing about the paper')
    if any(_LINK.search(typography.normalise("NFKC", form)) for form in _list_forms(text[:MAX_CHARACTERS])):
        problems.append("it contains a link or markup")
    categories = "".join(unicodedata.category(character)[0:2] for character in text)
    if categories.count("So") + categories.count("Cs") + categories.count("Co") > _MAX_SYMBOLS:
        problems.append("it contains emoji or other symbols")
    if "Mn" * _MAX_MARKS in categories or "Me" in categories:
        problems.append("it has several combining marks in a row")
    if _repeats_itself(text):
        problems.append("it repeats itself")
    for number, other in enumerate(earlier, start=1):
        if is_repetition(text, other):
            problems.append(f"it repeats claim {number}")
            break
    return problems


def _wrong_length(length: int) -> str:
    return f"it must have {MIN_CHARACTERS} to {MAX_CHARACTERS} characters, not {length}"


def _hangul_share(text: str) -> float:
    bare = _PARENTHESES.sub("", text)
    hangul = len(_HANGUL.findall(bare))
    # A name is one word of a Korean sentence, however long it is.
    latin = sum(min(len(word), 3) for word in _LATIN_WORD.findall(bare))
    return hangul / (hangul + latin) if hangul + latin else 0.0


def is_repetition(text: str, other: str) -> bool:
    """Whether two claims say the same. The same sentence about another name or number is another claim."""
    if _tokens(text) != _tokens(other):
        return False
    first, second = _trigrams(text), _trigrams(other)
    return len(first & second) >= _MIN_SIMILARITY * max(1, len(first | second))


def _tokens(text: str) -> Collection[str]:
    return {token.casefold() for token in _TOKEN.findall(text) if token[0].isdigit() or not token.islower()}


def _trigrams(text: str) -> set[str]:
    letters = "".join(letter for letter in text.casefold() if letter.isalnum())
    return {letters[index : index + 3] for index in range(max(1, len(letters) - 2))}


def _repeats_itself(text: str) -> bool:
    words = text.casefold().split()
    runs = [
        tuple(words[index : index + _REPEATED_WORDS]) for index in range(len(words) - _REPEATED_WORDS + 1)
    ]
    if any(runs.count(run) > _MAX_REPEATS for run in set(runs)):
        return True
    sentences = [sentence.casefold().strip(" .!?") for sentence in _SENTENCE_END.split(text)]
    return len(set(sentences)) < len(sentences)


# Source spans: the words of a paper that a claim names as its evidence, found verbatim in the paper.

_TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛`´ʼ′", "'"),
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        "…": "...",
        "\u00ad": "",
    }
)
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
_MARKUP = re.compile(r"[*\\]|\$(?=\S)|(?<=\S)\$")
_EDGE = " \t\n.,;:'\"-()[]"


def normalise_span(text: str) -> str:
    """Return a text for comparison: white space, quotes, dashes and emphasis in one form, without case."""
    text = typography.normalise("NFKC", _INVISIBLE.sub("", text).translate(_TYPOGRAPHY))
    return " ".join(_MARKUP.sub("", text).split()).casefold()


def find_span_problems(span: str, normalised_source: str) -> list[str]:
    """Return what is wrong with a span, in words. The source is passed as `normalise_span` returns it."""
    count = sum(any(map(str.isalnum, word)) for word in span.split())
    if not count:
        return ["the span is empty"]
    problems = []
    if not prompts.MIN_SPAN_WORDS <= count <= prompts.MAX_SPAN_WORDS:
        problems.append(
            f"the span must have {prompts.MIN_SPAN_WORDS} to {prompts.MAX_SPAN_WORDS} words, not {count}"
        )
    if _find_span(normalise_span(span).strip(_EDGE), normalised_source) is None:
        problems.append(f'the span "{span[:80]}" is not a verbatim part of any paragraph of the source')
    return problems


def _find_span(wanted: str, normalised: str) -> int | None:
    """Return where a span begins in a text as whole words."""
    position = normalised.find(wanted) if wanted else -1
    while position >= 0:
        end = position + len(wanted)
        before, after = normalised[position - 1 : position], normalised[end : end + 1]
        if not (before.isalnum() and wanted[0].isalnum()) and not (after.isalnum() and wanted[-1].isalnum()):
            return position
        position = normalised.find(wanted, position + 1)
    return None


# Latin names of a claim: models, datasets and people have to be in the source; terms there or in the glossary.
#
# Case, hyphens and spaces make no difference: GPT4, GPT-4 and "gpt 4" are one name, GPT-4o is another.

_LETTER = "A-Za-z\u00c0-\u024f"
_WORD = rf"[{_LETTER}0-9]+(?:(?<=[0-9])\.[0-9][{_LETTER}0-9]*)*"
_SOURCE_WORD = re.compile(_WORD)
_JOINED = re.compile(
    rf"(?<![{_LETTER}0-9])[{_LETTER}][{_LETTER}0-9]*(?:(?<=[0-9])\.[0-9][{_LETTER}0-9]*)*(?:[-_&@+]{_WORD})*"
)
_SENTENCE_START = re.compile(r"(?:^|[.!?:;]\s+|\n\s*(?:[-*•]\s*)?)[\"'“(]?$")
_VERB = re.compile(r" (?:[a-z]+(?<![su])s|[a-z]+ed|can|will|has|was)(?![a-z])")
"""What follows a name that opens an English sentence, and hardly another word there."""
_NAME_PARENTHESES = re.compile(r"\(([^()]{2,200})\)")
_MIN_PREFIX, _MAX_PREFIX = 4, 10
"""Letters that two forms of an English word have in common, such as "quantized" and "quantization"."""


class SourceNames:
    """The words of a paper, by which names are found however they are joined."""

    def __init__(self, text: str, terms: Collection[str] = ()) -> None:
        words = [
            analyser.fold(word)
            for part in text.split("\n\n")
            for word in _SOURCE_WORD.findall(claim_numbers.to_plain_text(part))
        ]
        self._text = "".join(words)
        offsets = accumulate(map(len, words), initial=0)
        self._bounds = dict(pairwise(offsets))
        self._ends = set(self._bounds.values())
        self._words = frozenset(words)
        self._initials = "".join(word[0] for word in words)
        self._content_initials = "".join(word[0] for word in words if word not in analyser.FUNCTION_WORDS)
        self._prefixes = {
            word[:length]
            for word in self._words
            if word.isalpha()
            for length in range(_MIN_PREFIX, min(len(word), _MAX_PREFIX) + 1)
        }
        term_words = [analyser.fold(word) for term in terms for word in _SOURCE_WORD.findall(term)]
        self._term_words = frozenset(term_words)

    def has(self, name: str) -> bool:
        """Whether a name is in the source as whole words, joined or apart."""
        wanted = "".join(analyser.fold(word) for word in _SOURCE_WORD.findall(name))
        position = self._text.find(wanted)
        while position >= 0:
            if position in self._bounds and position + len(wanted) in self._ends:
                return True
            position = self._text.find(wanted, position + 1)
        return False

    def has_word(self, word: str) -> bool:
        """Whether the source has an ordinary word, in any of its forms, or the glossary has it."""
        folded = analyser.fold(word)
        if folded in self._words or folded in self._term_words or folded in analyser.FUNCTION_WORDS:
            return True
        length = max(_MIN_PREFIX, min(len(folded) - 2, round(len(folded) * 0.55), _MAX_PREFIX))
        return len(folded) > _MIN_PREFIX and folded[:length] in self._prefixes

    def has_initials(self, name: str) -> bool:
        """Whether a name of three letters or more, such as IoU, is made of the first letters of words in a row."""
        return (
            len(name) > 2
            and name.isalpha()
            and not name[1:].islower()
            and any(analyser.fold(name) in letters for letters in (self._initials, self._content_initials))
        )

    def is_term(self, word: str) -> bool:
        """Whether the glossary has a word."""
        return analyser.fold(word) in self._term_words


def find_name_problems(claim: str, source: SourceNames) -> list[str]:
    """Return the names and words of a claim that stand neither in the source nor in the glossary, as problems."""
    text = claim_numbers.to_plain_text(claim)
    unknown = [name for name in _names(text) if not _is_known(name, source)]
    initials = _initials(text, source)
    return [
        f'"{name}" is not in the source'
        for name in dict.fromkeys(unknown)
        if name.removesuffix("s").casefold() not in initials
    ]


def _names(text: str) -> Iterator[str]:
    # The lower-case words of a Korean text are terms, those of an English one its own words.
    has_hangul = analyser.has_hangul(text)
    for match in _JOINED.finditer(text):
        name = match[0]
        if text[: match.start()].rstrip(" -")[-1:].isdigit() and claim_numbers.read_unit(name, 0):
            continue  # the unit of the number before it
        is_plain = name.islower() and name.replace("-", "").isalpha()
        start = match.start()
        is_first = not text[:start].strip() or _SENTENCE_START.search(text, max(0, start - 12), start)
        is_opening = name[1:].islower() and name.replace("-", "").isalpha() and is_first
        is_ordinary = _has("opening", f"_{name.casefold()}_") or not _VERB.match(text, match.end())
        if has_hangul or not (is_plain or (is_opening and is_ordinary)):
            yield name


def _is_known(name: str, source: SourceNames) -> bool:
    if len(name) < 2 or source.has(name) or source.has_initials(name):
        return True
    if all(map(source.is_term, _SOURCE_WORD.findall(name))):
        return True
    if source.has(name[:-1] if name.endswith("s") else f"{name}s"):
        return True
    parts = re.split("[-_&@+]", name)
    if all(part.isascii() and part[1:].islower() and part.isalpha() for part in parts):
        return all(source.has_word(part) for part in parts)
    return (
        len(parts) > 1
        and all(_is_known(part, source) or part.isdigit() for part in parts)
        and not any(map(str.isdigit, name))
    )


def _initials(text: str, source: SourceNames) -> set[str]:
    """Return the abbreviations that a claim itself explains by words of the source: (reinforcement learning; RL)."""
    found = set()
    for match in _NAME_PARENTHESES.finditer(text):
        long, separator, _ = match[1].partition(";")
        words = re.findall(rf"[{_LETTER}]+", long)
        if separator and len(words) > 1 and all(source.has_word(word) for word in words):
            found.add("".join(word[0] for word in words).casefold())
    return found


# Words by what they do in a claim, in both languages, from `claim_words.tsv`.


@lru_cache(maxsize=1)
def _word_patterns() -> Mapping[str, Sequence[re.Pattern[str]]]:
    """Return the groups of words of the packaged list; a group of several lines has a pattern for each."""
    groups: dict[str, list[re.Pattern[str]]] = {}
    text = resources.files(__package__).joinpath("claim_words.tsv").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            name, english, korean = line.split("\t")
            groups.setdefault(name, []).append(_compile_words(english, korean))
    return groups


def _compile_words(english: str, korean: str) -> re.Pattern[str]:
    words = [re.escape(entry.replace(" ", "_")).replace(r"\*", "[a-z]*") for entry in english.split("|")]
    forms = [f"(?<=_){word}(?=_)" for word in words]
    forms += [re.escape(entry.replace(" ", "_")) for entry in korean.split("|") if entry != "-"]
    return re.compile("|".join(forms))


def _has(group: str, padded: str) -> bool:
    return any(pattern.search(padded) for pattern in _word_patterns()[group])


def _find(group: str, padded: str) -> Iterator[tuple[int, int]]:
    """Yield where words of a group are in a padded text."""
    for pattern in _word_patterns()[group]:
        for match in pattern.finditer(padded):
            yield match.span()


_SEPARATOR = re.compile(r"[^\w%]+")
_CLAUSE = re.compile(r"(?<!\d)[,;:.!?()]+|[,;:.!?()]+(?!\d)|\s[-–—]+\s|—")
_BORDER = "¦"
"""Stands for the end of a clause in a padded text."""


_REWORDED = {"n't": " not", "n’t": " not", "cannot": "can not cannot", " at all": "", "잘못": "틀린"}
_REWORDED |= {"no matter": "whatever", "no longer": "not"}
_REWORDED |= dict.fromkeys(
    ("no more than", "no less than", "no fewer than", "not only", "no later than"), "at most"
)


def _pad(text: str) -> str:
    """Return the lower-case words of a text between "_" signs, with "¦" for the borders of clauses."""
    text = text.casefold()
    for phrase, plain in _REWORDED.items():
        text = text.replace(phrase, plain)
    text = _CLAUSE.sub(f" {_BORDER} ", text)
    parts = ([part] if part == _BORDER else _SEPARATOR.split(part) for part in text.split())
    return "_" + "_".join(word for row in parts for word in row if word) + "_"


# What a claim says, compared with the sentences of its span.

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


_ITEM = re.compile(r"[^\W\d_][\w'’-]*|[,;:.!?()¦]|\S", re.UNICODE)
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
            kind = _read_kind(digits, mention.end)
            for value, dimension in mention.readings:
                items.append(_Item(place, "", value, dimension, kind=kind))
            position = max(mention.end, position + 1)
            continue
        match = _ITEM.match(digits, position)
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
"""A word that is a name: with a capital within a sentence, or with a digit or capital inside."""


_NO_THINGS = (
    analyser.FUNCTION_WORDS
    | _CLAUSE_WORDS
    | frozenset(["per", "more", "most", "least", "less", "only", "about", "no", "not"])
)
_KIND = re.compile(r"[ -]([A-Za-z][A-Za-z-]{2,})")
_KOREAN_KIND = re.compile(r" ?(일|주|개월|년|단계|층|토큰|스텝|시간|배)(?![가-힣]*[진검])")
_KOREAN_KINDS = {"일": "day", "주": "week", "개월": "month", "년": "year"}
_KOREAN_KINDS |= {"단계": "stage", "층": "layer", "토큰": "token", "스텝": "step"}


def _read_kind(text: str, position: int) -> str:
    """Return the stem of the word that a number counts, if it stands behind it."""
    if korean := _KOREAN_KIND.match(text, position):
        return _KOREAN_KINDS.get(korean[1], "")
    match = _KIND.match(text, position)
    if match is None or match[1].casefold() in analyser.FUNCTION_WORDS | _CLAUSE_WORDS:
        return ""
    return analyser.stem(match[1].casefold())


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


class _Passage(NamedTuple):
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


def _find_unproved(claim: str, passage: _Passage) -> list[str]:
    """Return what a claim says that the passage of its span does not, in words."""
    said, sentence, context = (_pad(claim), _pad(passage.sentence), _pad(passage.context))
    paragraph, window = _pad(passage.paragraph), _pad(passage.window)
    clause = _clause_of(sentence, _pad(passage.span))
    return [
        *_find_polarity(said, sentence, context),
        *_find_doubts(said, clause, sentence, context, paragraph),
        *_find_charged(said, paragraph, window),
        *_find_directions(said, clause, sentence),
        *_find_anchored(claim, passage.sentence),
        *_find_numbers(claim, passage),
        *_find_swaps(claim, passage),
        *_find_replaced(claim, passage),
        *_find_other_place(claim, passage),
    ]


def _find_polarity(said: str, sentence: str, context: str) -> Iterator[str]:
    # An adnominal negation may be another word for what a source calls routine or unseen.
    denied = _has("denial", re.sub("(?:않은|없던|없는|아닌)_", "_", said))
    negates = any(_has(group, said) for group in ("denial", "contrast"))
    negates = negates or any(said[start:end] not in sentence for start, end in _find("privative", said))
    if _has("denial", sentence) and not negates:
        yield "the sentence of the span denies what the claim says"
    elif denied and not any(_has(group, context) for group in ("denial", "contrast", "privative")):
        yield "the claim denies something that the sentence of its span does not"
    elif (
        _has("equal", sentence)
        and not (denied or _has("equal", said) or _list_directions(sentence))
        and {name for name, _ in _list_directions(said)} & {"quality", "speed", "amount"}
    ):
        yield "the sentence of the span finds no difference"


def _clause_of(sentence: str, span: str) -> str:
    """Return the span with the rest of its clause."""
    at = max(sentence.find(span), 0)
    begin, end = (sentence.rfind(_BORDER, 0, at) + 1, sentence.find(_BORDER, at + len(span)))
    return sentence[begin : end if end >= 0 else len(sentence)]


def _find_doubts(said: str, clause: str, sentence: str, context: str, paragraph: str) -> Iterator[str]:
    if _has("doubt", clause) and not any(_has(group, said) for group in ("doubt", "caution", "denial")):
        yield "the sentence of the span doubts what the claim says"
    if _has("proof", said) and not any(
        (_has("denial", said), _has("proof", paragraph), _has("certainty", paragraph))
    ):
        yield "the claim speaks of proof, and the paragraph of its span does not"
    if _has("universal", said) and not (_has("universal", paragraph) or _has("general", paragraph)):
        yield "the claim is more general than the paragraph of its span"
    if _has("universal", said) and _has("partial", sentence) and not _has("partial", said):
        yield "the claim is general, and the sentence of its span is not"
    if _has("cause", said) and not (_has("cause", context) or _has("explanation", context)):
        yield "the claim gives a cause, and the sentence of its span does not"
    ends = [end for _, end in _find("cause", said)]
    words = _stems(set(said[ends[0] :].split("_"))) if ends and not analyser.has_hangul(said) else set()
    if 3 * len(words - _stems(set(context.split("_")))) > 2 * len(words):
        yield "the sentences of the span do not give this cause"


def _find_charged(said: str, paragraph: str, window: str) -> Iterator[str]:
    for pattern in _word_patterns()["charged"]:
        if (match := pattern.search(said)) and not pattern.search(window):
            yield f'the claim says "{match[0].replace("_", " ").strip()}", and the paragraphs around its span do not'
    if _has("vague", said) and not (_has("vague", paragraph) or _has("plenty", paragraph)):
        yield "the claim gives a vague amount, and its paragraph does not"


_DIRECTIONS = ("amount", "quality", "speed", "level", "many")


def _list_directions(padded: str) -> set[tuple[str, str]]:
    return {(name, sign) for name in _DIRECTIONS for sign in "+-" if _has(name + sign, padded)}


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
        yield "the two things that are compared are swapped"


def _find_anchored(claim: str, sentence: str) -> Iterator[str]:
    """Numbers with one direction in the claim, and the other one in the sentence of its span."""
    compared, stated = (_split_compared(_pad(claim))[1], _split_compared(_pad(sentence))[1])
    there = _list_moves(sentence) if not compared or compared & stated else {}
    if any({sign, there.get(key)} == {"+", "-"} for key, sign in _list_moves(claim).items()):
        yield "a number rises in the claim and falls in the sentence of its span, or the other way round"


_CLAUSES = re.compile(
    r"(?<!\d)[,;:.!?()]+|[,;:.!?()]+(?!\d)|\s[-–—]+\s|—|\b(?:and|but|while|whereas|although|though|because|which)\b"
    r"|(?<=[고며면])\s|(?<=지만)\s|(?<=는데)\s|(?<=으나)\s"
)


def _list_moves(text: str) -> dict[claim_numbers.Reading, str]:
    """Return the numbers of clauses with one direction, "+" or "-"; "" for those with none, or with both."""
    found: dict[claim_numbers.Reading, str] = {}
    for clause in _CLAUSES.split(claim_numbers.to_digits(claim_numbers.plain_source(text))):
        padded = _pad(clause)
        signs = {sign for name, sign in _list_directions(padded) if name == "amount"}
        sign = signs.pop() if len(signs) == 1 and not _has("denial", padded) else ""
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
    if not (_THAN.search(said) and _THAN.search(sentence) and _is_exchanged(said, sentence)):
        return False
    moved = _split_compared(said)[1] & _split_compared(sentence)[0]
    return bool(moved) or re.search("_(?:it|we|ours|our_method)_", sentence) is not None


def _split_compared(padded: str) -> tuple[set[str], set[str]]:
    """Return the stems of a text apart from what it compares with, and those."""
    compared: set[str] = set()
    for _, end in _find("than", padded):
        words = [
            word for word in padded[end:].split("_")[:_MAX_COMPARED] if not word.isdigit() and word != "of"
        ]
        is_thing = [word not in _NO_THINGS and word != _BORDER for word in words]
        begin = is_thing.index(True) if True in is_thing else 0
        words = [word for word in words[begin:] if word not in _ARTICLES]
        compared |= set(takewhile(lambda word: word not in _NO_THINGS and word != _BORDER, words))
    for match in _KOREAN_COMPARISONS.finditer(padded):
        compared |= {word for word in padded[: match.start()].split("_")[-2:] if word != _BORDER}
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


def _find_numbers(claim: str, passage: _Passage) -> Iterator[str]:
    text = claim_numbers.to_plain_text(claim)
    for percent, words in _SHARES.items():
        if not re.search(words, passage.paragraph, re.IGNORECASE):
            text = re.sub(words, f"about {percent}%", text, flags=re.IGNORECASE)
    text = _WORDED_SHARE.sub(" ", claim_numbers.to_digits(text))
    if len(claim_numbers.find_numbers(text)) > _MAX_NUMBERS:
        yield f"the claim has more than {_MAX_NUMBERS} numbers"
        return
    in_sentence, in_window = (_list_readings(passage.context), _list_readings(passage.window))
    yield from claim_numbers.find_number_problems(
        text,
        _source_numbers(passage.window),
        lambda digits, mention: _is_derived(digits, mention, in_sentence, in_window),
    )
    yield from _find_kinds(text, passage)


_COUNTED_WITHIN = 3
_STRICT = claim_numbers.SOFT - {claim_numbers.POINT}


def _find_kinds(text: str, passage: _Passage) -> Iterator[str]:
    """Numbers of the passage that the claim gives another currency, counts other things with, or exchanges as from and to."""
    claimed, stated = _read(text, passage.names), _read(passage.window, passage.names)
    counted: dict[Fraction, set[str]] = {}
    for item in stated:
        if item.value is not None:
            counted.setdefault(item.value, set()).update({item.kind}, _list_behind(item, stated))
    units = {(item.value, item.dimension) for item in stated}
    kinds = {item.kind for item in stated if item.kind}
    for item in claimed:
        own = counted.get(item.value, set()) if item.value is not None else set()
        is_hour = item.dimension == claim_numbers.HOUR and "hour" in own
        if own and item.dimension in _STRICT and (item.value, item.dimension) not in units and not is_hour:
            yield f"a number in the claim has a unit ({item.dimension}) that it does not have in the paragraph"
        if own and item.kind in kinds and not own & {"", item.kind, *_list_behind(item, claimed)}:
            yield f"a number in the claim counts something ({item.kind}) that it does not count in the paragraph"
    begins, ends = _list_changes(text)
    begins_there, ends_there = _list_changes(
        claim_numbers.to_digits(claim_numbers.plain_source(passage.sentence))
    )
    if begins & ends_there and ends & begins_there:
        yield "a change in the claim goes the other way in the sentence of its span"


def _list_behind(number: _Item, items: Sequence[_Item]) -> set[str]:
    first, last = (
        bisect_right(items, number.place + more, key=lambda item: item.place) for more in (0, _COUNTED_WITHIN)
    )
    return {item.word for item in items[first:last] if item.word}


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


_source_numbers = lru_cache(maxsize=8)(claim_numbers.SourceNumbers)


_TIGHT = 5
_MAX_RATIO = 10


def _find_swaps(claim: str, passage: _Passage) -> Iterator[str]:
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
            yield f"numbers in the claim belong to something else in the paragraph ({dimension or 'count'})"


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


def _find_other_place(claim: str, passage: _Passage) -> Iterator[str]:
    """A number whose clause names another dataset or place than the claim."""
    places = _list_places(claim) & {analyser.stem(name.casefold()) for name in passage.names}
    readings = {reading for reading in _list_readings(claim) if reading[0] > _SMALL}
    held: dict[claim_numbers.Reading, list[set[str]]] = {}
    before = ""
    for row in passage.sentences if len(places) == 1 else ():
        carried, before = _list_places(before), row
        for clause in _CLAUSES.split(claim_numbers.to_digits(claim_numbers.to_plain_text(row))):
            carried = _list_places(clause) or carried
            words = {item.word for item in _read(clause, passage.names)}
            for reading in readings.intersection(_list_readings(clause)):
                held.setdefault(reading, []).append(carried | words if carried else set(places))
    if any(all(places.isdisjoint(row) for row in rows) for rows in held.values()):
        yield f"a number belongs to {min(places)} in the claim, and to something else in the paragraph"


def _find_replaced(claim: str, passage: _Passage) -> Iterator[str]:
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
    is_alike = rival.kind in kinds or (
        ("" in kinds or not rival.kind) and (first.denominator == 1) == (second.denominator == 1)
    )
    return large <= _MAX_RATIO * small and is_alike


# Numbers that the paper has in other words: rounded, as a share, in another unit, or following from two others.

_SHARES = {
    50: r"\b(?:half|halve[sd]?|halving|(?:one in|every) (?:two|second))\b|절반|반으로|반감",
    33: r"\b(?:a|one) third\b|\b(?:one in|every) (?:three|third)\b",
    25: r"\b(?:a|one) (?:quarter|fourth)\b|\bone in four\b",
    20: r"\b(?:a|one) fifth\b|\bone in five\b",
    10: r"\b(?:a|one) tenth\b|\bone in ten\b",
    67: r"\btwo[- ]thirds\b|\btwo in three\b",
    75: r"\bthree[- ]quarters\b|\bthree in four\b",
    80: r"\bfour[- ]fifths\b|\bfour in five\b",
    90: r"\bnine[- ]tenths\b|\bnine in ten\b",
}
"""Shares in words, in percent."""
_NEAR_BEFORE, _NEAR_AFTER = 24, 14
_TOLERANCE = Fraction(6, 100)
_RATIO_TOLERANCE = Fraction(12, 100)
_SHARE_TOLERANCE = Fraction(35, 1000)
_MAX_BOUND = Fraction(3, 2)
_MAX_NUMBERS = 24
_POINTS = ("", claim_numbers.PERCENT, claim_numbers.POINT)
_DAYS = {"일": 1, "day": 1, "주": 7, "week": 7, "달": 30, "개월": 30, "month": 30}
_PERCENT = re.compile(r"percent|per cent|퍼센트")
_HOURS = re.compile(r"hours|days|시간|일")
_HOUR_SECONDS = 3600


@lru_cache(maxsize=64)
def _list_readings(text: str) -> Sequence[claim_numbers.Reading]:
    """Return the numbers of a text, up to a limit, with all that each may mean."""
    digits = claim_numbers.to_digits(claim_numbers.plain_source(text[: claim_numbers.MAX_LENGTH]))
    mentions = claim_numbers.find_numbers(digits, in_source=True)[: 4 * _MAX_NUMBERS]
    return list(dict.fromkeys(reading for mention in mentions for reading in mention.readings))


class _Fit(NamedTuple):
    """How close a number in the paper has to be to one in a claim, judged by the words around the latter."""

    value: Fraction
    half_digit: Fraction
    is_about: bool
    is_over: bool
    is_under: bool

    def takes(self, found: Fraction, tolerance: Fraction, *, is_rounded: bool = True) -> bool:
        """Whether a number is the claim's one, in the digits that are shown if `is_rounded`."""
        distance = abs(found - self.value)
        if not distance or (is_rounded and distance <= self.half_digit):
            return True
        if (self.is_about or self.is_over or self.is_under) and distance <= tolerance * self.value:
            return True
        is_above = self.is_over and self.value <= found <= self.value * _MAX_BOUND
        return is_above or (self.is_under and self.value / _MAX_BOUND <= found <= self.value)


def _is_derived(
    text: str,
    mention: claim_numbers.Mention,
    in_sentence: Sequence[claim_numbers.Reading],
    in_window: Sequence[claim_numbers.Reading],
) -> bool:
    """Whether a number of a claim is one of the passage in other words, or follows from two of the sentence."""
    before = text[max(0, mention.start - _NEAR_BEFORE) : mention.start]
    after = text[mention.end : mention.end + _NEAR_AFTER]
    near = _pad(f"{before} | {after}")
    is_over = _has("over", near) or after.startswith("여")
    for value, dimension in mention.readings:
        fit = _Fit(
            value, _half_digit(text, mention, value), _has("about", near), is_over, _has("under", near)
        )
        has_percent = "%" in _PERCENT.sub("%", text)
        is_restated = any(
            _is_restated(fit, dimension, reading, after, has_percent=has_percent) for reading in in_window
        )
        is_share = not dimension and 0 < value < 1 and "분의" in text
        shares = [found / 100 for found, unit in in_sentence if is_share and unit == claim_numbers.PERCENT]
        if (
            value == 0
            or any(abs(value - share) <= _SHARE_TOLERANCE for share in shares)
            or is_restated
            or _is_result(fit, dimension, in_sentence, is_difference=_has("difference", _pad(text)))
        ):
            return True
        # 8 cards for 31 hours are 248 hours.
        if dimension in ("", claim_numbers.HOUR) and _HOURS.search(
            text, mention.end, mention.end + 2 * _NEAR_AFTER
        ):
            pairs = combinations([found for found, _ in in_sentence[:_MAX_NUMBERS]], 2)
            if any(fit.takes(one * other, _TOLERANCE, is_rounded=False) for one, other in pairs):
                return True
    return False


def _is_restated(
    fit: _Fit, dimension: str, reading: claim_numbers.Reading, after: str, *, has_percent: bool
) -> bool:
    """Whether a number is one of the passage, rounded or in another unit of time."""
    found, unit = reading
    is_share = dimension == claim_numbers.PERCENT and fit.value in _SHARES
    if is_share and unit in ("", dimension):
        share = found if unit else 100 * found
        if abs(share - fit.value) <= 100 * _SHARE_TOLERANCE:
            return True
    is_same = unit == dimension or {unit, dimension} <= {"", claim_numbers.POINT}
    is_same = is_same or (has_percent and (dimension, unit) == ("", claim_numbers.PERCENT))
    if is_same and reading != (fit.value, dimension) and fit.takes(found, _TOLERANCE, is_rounded=False):
        return True
    days = [days for name, days in _DAYS.items() if after.lstrip().startswith(name)]
    if (dimension, unit) == ("", claim_numbers.HOUR):
        return any(fit.takes(found / (24 * each), _RATIO_TOLERANCE, is_rounded=False) for each in days)
    if dimension == unit == "" and any(fit.takes(found / each, Fraction(0)) for each in days if each > 1):
        return True
    if (dimension, unit) == (claim_numbers.HOUR, "second"):
        return fit.takes(found / _HOUR_SECONDS, _TOLERANCE)
    return (dimension, unit) == ("second", claim_numbers.HOUR) and fit.takes(
        found * _HOUR_SECONDS, _TOLERANCE
    )


def _is_result(
    fit: _Fit, dimension: str, readings: Sequence[claim_numbers.Reading], *, is_difference: bool
) -> bool:
    """Whether a number is the difference, the ratio or the share of two numbers with one unit."""
    is_point = dimension == claim_numbers.POINT
    for (first, unit), (second, other) in combinations(readings[:_MAX_NUMBERS], 2):
        small, large = sorted((first, second))
        if unit != other or small == large or small <= 0:
            continue
        if dimension == claim_numbers.TIMES and fit.takes(large / small, _RATIO_TOLERANCE):
            return True
        if dimension == claim_numbers.PERCENT:
            results = [small / large, *([1 - small / large, large / small - 1] if is_difference else [])]
            if any(fit.takes(100 * result, _TOLERANCE) for result in results):
                return True
        is_unit = dimension in ("", unit) or {dimension, unit} <= {*_POINTS}
        if (is_point or (is_difference and is_unit)) and fit.takes(large - small, Fraction(0)):
            return True
    return False


def _half_digit(text: str, mention: claim_numbers.Mention, value: Fraction) -> Fraction:
    """Return half of the last digit that is shown of a number: 0.05 for 8.5."""
    match = re.match(r"[\d,]+(?:\.(\d+))?", text[mention.start : mention.end])
    shown = Fraction(match[0].replace(",", "")) if match and match[0].strip(",") else value
    scale = value / shown if shown else Fraction(1)
    return abs(scale) * Fraction(1, 2 * 10 ** len((match[1] if match else "") or ""))


# The check of all claims of a paper.


class Findings(NamedTuple):
    """What is wrong with a claim; nothing for one that passes.

    `faults` are those of its form and its span. A judge may overrule `doubts`, the comparison by words and numbers.
    """

    faults: Sequence[str]
    doubts: Sequence[str] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """All that is wrong, for a claim that no judge decides on."""
        return (*self.faults, *self.doubts)


def check_claims(
    claims: Sequence[prompts.Claim], source: str, language: models.Locale, terms: tuple[str, ...] = ()
) -> tuple[list[Findings], str]:
    """Return what is wrong with each claim, in order, and the excerpts by which a judge decides. See `ClaimChecker`."""
    checker = _checker(source, terms)
    findings = checker.check(claims, language)
    asked = [claim for claim, found in zip(claims, findings, strict=True) if not found.faults]
    return findings, checker.list_excerpts(asked)


class ClaimChecker:
    """Checks claims against one paper.

    `source` is the text that the model was given, its title included. `terms` are forms of the glossary, which a claim may
    use although the source does not. A paper of 100,000 characters takes a tenth of a second, so build this in a thread.
    """

    def __init__(self, source: str, terms: Collection[str] = ()) -> None:
        self._names = SourceNames(source, terms)
        self._paragraphs = [part for part in source.split("\n\n") if part.strip()]
        self._normalised = [normalise_span(part) for part in self._paragraphs]
        self._own_names = frozenset(match[1] or match[2] for match in _NAME.finditer(source))
        self._sentences: dict[int, tuple[list[str], list[int]]] = {}

    def check(self, claims: Sequence[prompts.Claim], language: models.Locale) -> list[Findings]:
        """Return what is wrong with each claim, in order."""
        findings: list[Findings] = []
        for index, claim in enumerate(claims):
            if (length := len(claim.text.strip())) > MAX_CHARACTERS:
                findings.append(Findings((_wrong_length(length),)))
                continue
            earlier = [other.text[:MAX_CHARACTERS] for other in claims[:index]]
            # As it is shown: markup within a word or a number would hide what it says.
            faults, doubts = self._compare(claim._replace(text=claim.shown))
            findings.append(Findings((*find_prose_problems(claim.text, language, earlier), *faults), doubts))
        return findings

    def _compare(self, claim: prompts.Claim) -> Findings:
        """Return what a claim says that the source, or the passage of its span, does not."""
        names = find_name_problems(claim.text, self._names)
        passages = [self._build_passage(claim.span, *place) for place in self._find_places(claim.span)]
        found = find_span_problems(claim.span, passages[0].normalised if passages else "")
        if found or not passages:
            return Findings(found, names)
        unproved = min((_find_unproved(claim.text, passage) for passage in passages), key=len)
        return Findings(found, [*names, *unproved])

    def list_excerpts(self, claims: Sequence[prompts.Claim]) -> str:
        """Return the title, and the sentences that surround the spans of claims, in the paper's order."""
        shown: dict[int, set[int]] = {0: {0}} if self._paragraphs else {}
        for place in (place for claim in claims for place in self._find_places(claim.span)):
            for index, rows in self._list_near(*place).items():
                shown.setdefault(index, set()).update(rows)
        return "\n\n".join(
            " ".join(row for number, row in enumerate(self._split(index)[0]) if number in shown[index])
            for index in sorted(shown)
        )

    def _find_places(self, span: str) -> list[tuple[int, int, int]]:
        """Return the places that have a span as whole words: the index of the paragraph, its first and last sentence."""
        wanted = normalise_span(span).strip(_EDGE)
        places: list[tuple[int, int, int]] = []
        for index, normalised in enumerate(self._normalised):
            if (start := _find_span(wanted, normalised)) is not None:
                rows, ends = self._split(index)
                first, last = (
                    min(bisect_right(ends, at), len(rows) - 1) for at in (start, start + len(wanted) - 1)
                )
                places.append((index, first, last))
                if len(places) == _MAX_PASSAGES:
                    break
        return places

    def _list_near(self, index: int, first: int, last: int) -> dict[int, range]:
        """Return the sentences around a place, by paragraph: of the one before, its own and the one after."""
        near = {index: range(max(0, first - _MAX_SENTENCES), last + 1 + _MAX_SENTENCES)}
        if (before := self._skip_headings(index, -1)) is not None:
            count = len(self._split(before)[0])
            near = {before: range(max(0, count - _MAX_SENTENCES), count), **near}
        if (after := self._skip_headings(index, 1)) is not None:
            near[after] = range(_MAX_SENTENCES)
        return near

    def _build_passage(self, span: str, index: int, first: int, last: int) -> _Passage:
        rows = self._split(index)[0]
        near = {
            part: self._split(part)[0][chosen.start : chosen.stop]
            for part, chosen in self._list_near(index, first, last).items()
        }
        return _Passage(
            span=span,
            normalised=self._normalised[index],
            sentence=" ".join(rows[first : last + 1]),
            context=" ".join(rows[max(0, first - 1) : last + 2]),
            paragraph=" ".join(near[index]),
            window="\n\n".join(map(" ".join, near.values())),
            sentences=tuple(row for part in near.values() for row in part),
            names=self._own_names,
        )

    def _skip_headings(self, index: int, step: int) -> int | None:
        """Return the next paragraph in a direction that is not a heading."""
        end = len(self._paragraphs) if step > 0 else -1
        return next(
            (part for part in range(index + step, end, step) if not _is_heading(self._paragraphs[part])), None
        )

    def _split(self, index: int) -> tuple[list[str], list[int]]:
        """Return the sentences of a paragraph, and where each ends in the normalised paragraph."""
        if index not in self._sentences:
            rows = [
                row[start : start + _MAX_SENTENCE]
                for row in analyser.split_sentences(self._paragraphs[index])
                for start in range(0, len(row), _MAX_SENTENCE)
            ]
            self._sentences[index] = rows, list(accumulate(len(normalise_span(row)) + 1 for row in rows))
        return self._sentences[index]


_MAX_PASSAGES = 3
_MAX_SENTENCES, _MAX_SENTENCE = 12, 300
"""Sentences of a paragraph on each side of a span, and characters of one: what a table has may be longer."""


def _is_heading(paragraph: str) -> bool:
    return paragraph.lstrip().startswith("#") and "\n" not in paragraph.strip()


_checker = lru_cache(maxsize=4)(ClaimChecker)
"""The checker of a paper, which the repaired answer needs again."""
