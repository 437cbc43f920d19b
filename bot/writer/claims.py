"""The check of claims: what a language model wrote about a paper is compared with the paper's text.

The problems are short texts in English: they are sent back to the model, and shown by `paperround write --show`.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, islice, pairwise

from bot.archive import summaries
from bot.text import analyser, sentences
from bot.writer import claim_numbers, evidence, prompts
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
    r"|[a-z0-9-]{1,63}\s?(?:\[\.\]|\(\.\)|\[dot\]|\(dot\)|[.。．｡])\s?"
    r"(?:com|net|org|io|gg|xyz|me|co|kr|ru|cn|tv|to|ly|app|dev|link|site|info|biz|shop|top|club|online|page|example|onion)"
    r"(?![a-z0-9])",
    re.IGNORECASE,
)
"""An address with or without its scheme, also a scheme or a dot in disguise, such as hxxp or evil[.]com."""
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
    if _LINK.search(text):
        problems.append("it holds a link or markup")
    categories = "".join(unicodedata.category(character)[0:2] for character in text)
    if categories.count("So") + categories.count("Cs") + categories.count("Co") > _MAX_SYMBOLS:
        problems.append("it holds pictures")
    if "Mn" * _MAX_MARKS in categories or "Me" in categories:
        problems.append("it holds combining marks in a row")
    if _repeats_itself(text):
        problems.append("it repeats itself")
    for number, other in enumerate(earlier, start=1):
        if is_repetition(text, other):
            problems.append(f"it repeats claim {number}")
            break
    return problems


def _wrong_length(length: int) -> str:
    return f"it has {length} characters instead of {MIN_CHARACTERS} to {MAX_CHARACTERS}"


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
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text).translate(_TYPOGRAPHY))
    return " ".join(_MARKUP.sub("", text).split()).casefold()


def find_span_problems(span: str, normalised_source: str) -> list[str]:
    """Return what is wrong with a span, in words. The source is passed as `normalise_span` returns it."""
    count = sum(any(map(str.isalnum, word)) for word in span.split())
    if not count:
        return ["the span is empty"]
    problems = []
    if not prompts.MIN_SPAN_WORDS <= count <= prompts.MAX_SPAN_WORDS:
        problems.append(
            f"the span has {count} words instead of {prompts.MIN_SPAN_WORDS} to {prompts.MAX_SPAN_WORDS}"
        )
    if _find_span(normalise_span(span).strip(_EDGE), normalised_source) is None:
        problems.append(f'the span "{span[:80]}" does not stand verbatim in a paragraph of the source')
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
_VERSION = re.compile(r"[ -]([0-9](?:\.[0-9])?|[12][0-9])(?![0-9.%×]|[A-Za-z])")
_RUN = re.compile(rf"(?<![{_LETTER}0-9])[A-Z]{_WORD}(?: [A-Z0-9]{_WORD}){{1,3}}")
"""Words that may be one name apart, such as "Live Code Bench"."""
_COUNTED = re.compile(r"\s?(?:여 ?)?[가-힣]")
_PARTICLE = re.compile(
    r"(?:은|는|이|가|을|를|의|에|와|과|로|도|만|보다|에서|으로|처럼|까지|부터|에게|라는|라고|이라|이며|이고)(?![가-힣]{2})"
)
_SENTENCE_START = re.compile(r"(?:^|[.!?:;]\s+|\n\s*(?:[-*•]\s*)?)[\"'“(]?$")
_NAME_PARENTHESES = re.compile(r"\(([^()]{2,200})\)")
_ORDINARY = re.compile(
    r"(?:ly|ing|ed|[st]ions?|ments?|ness|ity|ities|ences?|ances?|ers?|als?|ists?|isms?|ous|ive|ful|less|ic)$"
)
_OPENING_WORDS = (
    "a an the this these those that it its they their we our by with using unlike while when where in on at"
    " for from to as each all both such after before during if since because although though despite however"
    " moreover thus hence here there no not only also and or but across among between within without under over"
    " more most many few several every one two three four five six seven eight nine ten half first second third"
    " finally then next other another about around nearly roughly even given like instead through some any"
    " small large new long short prior recent results authors experiments users people models data training"
    " work tests code accuracy answers scores images humans researchers compute memory precision recall length"
    " error cost costs inference performance peak"
)
_OPENINGS = frozenset(_OPENING_WORDS.split())
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
        return self._has_joined("".join(analyser.fold(word) for word in _SOURCE_WORD.findall(name)))

    def _has_joined(self, wanted: str) -> bool:
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

    def has_derived(self, name: str) -> bool:
        """Whether the source has a longer word for a country or person: European for Europe."""
        return len(name) > _MIN_PREFIX and name[1:].islower() and analyser.fold(name) in self._prefixes

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

    def has_versions(self, name: str) -> bool:
        """Whether the source has a name with a version behind it, such as Llama 3."""
        return any(self._has_joined(f"{analyser.fold(name)}{version}") for version in _VERSIONS)


_VERSIONS = [str(number) for number in range(1, 10)] + [
    f"{major}.{minor}" for major in range(1, 6) for minor in range(10)
]


def find_name_problems(claim: str, source: SourceNames) -> list[str]:
    """Return the names and words of a claim that stand neither in the source nor in the glossary, as problems."""
    text = claim_numbers.to_plain_text(claim)
    unknown = [name for name in _names(text, source) if not _is_known(name, source)]
    if unknown:
        joined = {word for run in _RUN.findall(text) if source.has(run) for word in run.split()}
        unknown = [name for name in unknown if name not in joined]
    initials = _initials(text, source)
    return [
        f'"{name}" does not stand in the source'
        for name in dict.fromkeys(unknown)
        if name.removesuffix("s").casefold() not in initials
    ]


def versioned_names(claim: str, source: SourceNames) -> set[str]:
    """Return the names with a version of a claim that are in the source: their digits are not numbers."""
    text = claim_numbers.to_plain_text(claim)
    return {name for name in _names(text, source) if name[-1:].isdigit() and " " in name and source.has(name)}


def _names(text: str, source: SourceNames) -> Iterator[str]:
    # The lower-case words of a Korean text are terms, those of an English one its own words.
    has_hangul = analyser.has_hangul(text)
    for match in _JOINED.finditer(text):
        name = match[0]
        if text[: match.start()].rstrip(" -")[-1:].isdigit() and claim_numbers.read_unit(name, 0):
            continue  # the unit of the number before it
        version = _VERSION.match(text, match.end())
        if version and name[0].isupper() and _is_version(text, version.end()) and source.has_versions(name):
            yield f"{name} {version[1]}"
        elif not (name.islower() and name.replace("-", "").isalpha() and not has_hangul) and not (
            _opens_sentence(text, match.start()) and (_may_be_ordinary(name) or _is_no_subject(text, match))
        ):
            yield name


def _is_version(text: str, end: int) -> bool:
    """Whether what follows a number leaves it a version: 3는, but not 3개 or 3 points."""
    if _PARTICLE.match(text, end):
        return True
    return not (_COUNTED.match(text, end) or claim_numbers.read_unit(text, end))


def _opens_sentence(text: str, start: int) -> bool:
    return _SENTENCE_START.search(text, max(0, start - 12), start) is not None or not text[:start].strip()


def _may_be_ordinary(name: str) -> bool:
    """Whether a capitalised word at the start of a sentence may be an ordinary one."""
    lower = name.lower()
    return name[1:] == lower[1:] and (lower in _OPENINGS or _ORDINARY.search(lower) is not None)


_VERB = re.compile(r" (?:[a-z]+(?<![su])s|[a-z]+ed|can|will|has|was)(?![a-z])")


def _is_no_subject(text: str, match: re.Match[str]) -> bool:
    """Whether a capitalised English word is followed by something else than a verb that a name would have."""
    return (
        match[0][1:].islower()
        and match[0].isalpha()
        and text[match.end() : match.end() + 1] == " "
        and not _VERB.match(text, match.end())
        and not analyser.has_hangul(text)
    )


def _is_known(name: str, source: SourceNames) -> bool:
    if len(name) < 2 or source.has(name) or source.has_initials(name):
        return True
    if all(map(source.is_term, _SOURCE_WORD.findall(name))) or source.has_derived(name):
        return True
    if source.has(name[:-1] if name.endswith("s") else f"{name}s"):
        return True
    parts = re.split("[-_&@+]", name)
    if all(part.isascii() and part.islower() and part.isalpha() for part in parts):
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


def check_claims(
    claims: Sequence[prompts.Claim], source: str, language: models.Locale, terms: tuple[str, ...] = ()
) -> list[tuple[str, ...]]:
    """Return the problems of each claim, in order; none for a claim that passes. See `ClaimChecker`."""
    return _checker(source, terms).check(claims, language)


class ClaimChecker:
    """Checks claims against one paper.

    `source` is the text that the model was given, its title included. `terms` are forms of the glossary, which a claim may
    use although the source does not. A paper of 100,000 characters takes a tenth of a second, so build this in a thread.
    """

    def __init__(self, source: str, terms: Collection[str] = ()) -> None:
        self._names = SourceNames(source, terms)
        self._paragraphs = [part for part in source.split("\n\n") if part.strip()]
        self._normalised = [normalise_span(part) for part in self._paragraphs]
        self._own_names = evidence.list_names(source)
        self._sentences: dict[int, tuple[list[str], list[int]]] = {}

    def check(self, claims: Sequence[prompts.Claim], language: models.Locale) -> list[tuple[str, ...]]:
        """Return the problems of each claim, in order; none for a claim that passes."""
        problems: list[tuple[str, ...]] = []
        for index, claim in enumerate(claims):
            if (length := len(claim.text.strip())) > MAX_CHARACTERS:
                problems.append((_wrong_length(length),))
                continue
            earlier = [other.text[:MAX_CHARACTERS] for other in claims[:index]]
            found = find_prose_problems(claim.text, language, earlier) + self._find_unsupported(claim)
            problems.append(tuple(found))
        return problems

    def _find_unsupported(self, claim: prompts.Claim) -> list[str]:
        """Return what a claim says that the source, or the passage of its span, does not."""
        names = find_name_problems(claim.text, self._names)
        passages = list(islice(self._list_passages(claim.span), _MAX_PASSAGES))
        if not passages or (wrong := find_span_problems(claim.span, passages[0].normalised)):
            return names + (wrong if passages else find_span_problems(claim.span, ""))
        versions = versioned_names(claim.text, self._names)
        found = [evidence.find_problems(claim.text, passage, versions) for passage in passages]
        return names + min(found, key=len)

    def _list_passages(self, span: str) -> Iterator[evidence.Passage]:
        """Yield the passages of a span: of each paragraph that has it as whole words."""
        wanted = normalise_span(span).strip(_EDGE)
        for index, normalised in enumerate(self._normalised):
            if (start := _find_span(wanted, normalised)) is not None:
                yield self._build_passage(span, index, start, start + len(wanted))

    def _build_passage(self, span: str, index: int, start: int, end: int) -> evidence.Passage:
        rows, ends = self._split(index)
        first = min(bisect_right(ends, start), len(rows) - 1)
        last = min(bisect_right(ends, end - 1), len(rows) - 1)
        own = rows[max(0, first - _MAX_SENTENCES) : last + 1 + _MAX_SENTENCES]
        before = next(
            (part for part in range(index - 1, -1, -1) if not _is_heading(self._paragraphs[part])), None
        )
        count = len(self._paragraphs)
        after = next(
            (part for part in range(index + 1, count) if not _is_heading(self._paragraphs[part])), None
        )
        near = [
            self._split(before)[0][-_MAX_SENTENCES:] if before is not None else [],
            own,
            self._split(after)[0][:_MAX_SENTENCES] if after is not None else [],
        ]
        return evidence.Passage(
            span=span,
            normalised=self._normalised[index],
            sentence=" ".join(rows[first : last + 1]),
            context=" ".join(rows[max(0, first - 1) : last + 2]),
            paragraph=" ".join(own),
            window="\n\n".join(map(" ".join, near)),
            sentences=tuple(row for part in near for row in part),
            names=self._own_names,
        )

    def _split(self, index: int) -> tuple[list[str], list[int]]:
        """Return the sentences of a paragraph, and where each ends in the normalised paragraph."""
        if index not in self._sentences:
            rows = [
                row[start : start + _MAX_SENTENCE]
                for row in sentences.split(self._paragraphs[index])
                for start in range(0, len(row), _MAX_SENTENCE)
            ]
            self._sentences[index] = rows, list(accumulate(len(normalise_span(row)) + 1 for row in rows))
        return self._sentences[index]


_MAX_PASSAGES = 3
_MAX_SENTENCES, _MAX_SENTENCE = 12, 300
"""Sentences of a paragraph on each side of a span, and characters of one: what a table has may be longer."""


def _is_heading(paragraph: str) -> bool:
    return paragraph.lstrip().startswith("#") and "\n" not in paragraph.strip()


@lru_cache(maxsize=4)
def _checker(source: str, terms: tuple[str, ...]) -> ClaimChecker:
    """Return the checker of a paper, which the repaired answer needs again."""
    return ClaimChecker(source, terms)
