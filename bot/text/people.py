"""Matches names of people in any spelling, word order and script, and names of institutions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice, pairwise, product
from typing import NamedTuple

from bot.text import analyser, seed

MAX_WORDS = 8
MIN_FUZZY_LENGTH = 4
"""In letters. Words of at least this length may have two typing errors, shorter ones only one."""
_MAX_WORD_LENGTH = 24
_UMLAUT_SPELLINGS = (("ae", "a"), ("oe", "o"), ("ue", "u"))


def name_tokens(name: str) -> list[str]:
    """Return the folded words of a name in order and in Latin letters: lin and junyang for "Lin, Junyang"."""
    folded = analyser.fold_name(name[:300])
    if not folded.isascii():
        folded = folded.replace("ου", "ou").translate(_LATIN_LETTERS)
    return [word[:_MAX_WORD_LENGTH] for word in folded.split()][:MAX_WORDS]


_LETTERS = (
    "аa бb вv гg дd еe жzh зz иi кk лl мm нn оo пp рr сs тt уu фf хkh цts чch шsh щshch ъ ыy ь эe юyu яya єye іi ґg "
    "јj љlj њnj ћc ђdj џdz αa βv γg δd εe ζz ηi θth ιi κk λl μm νn ξx οo πp ρr σs ςs τt υy φf χch ψps ωo"
)
"""Cyrillic and Greek letters without accents, each with its Latin spelling in most passports."""
_LATIN_LETTERS = str.maketrans({pair[0]: pair[1:] for pair in _LETTERS.split()})


def index_terms(name: str) -> list[str]:
    """Return a name's index terms: its words, their umlaut spellings, and adjacent words joined.

    "Jürgen Müller" also gets juergen and mueller, "Mueller" muller, and "Xuan-Son Nguyen" xuanson.
    """
    words = name_tokens(name)
    terms = dict.fromkeys(words)
    if not name.isascii():
        terms.update(dict.fromkeys(analyser.fold_name_german(name[:300]).split()[:MAX_WORDS]))
    for word in words:
        variants = (
            word.replace(spelling, vowel) for spelling, vowel in _UMLAUT_SPELLINGS if spelling in word
        )
        terms.update(dict.fromkeys(variants))
    if len(words) > 2:
        terms.update(dict.fromkeys(left + right for left, right in pairwise(words)))
    return [word[:_MAX_WORD_LENGTH] for word in terms]


def collapse_umlauts(word: str) -> str:
    """Replace spelled-out umlauts with plain vowels, so that mueller and muller are equal."""
    for spelling, vowel in _UMLAUT_SPELLINGS:
        word = word.replace(spelling, vowel)
    return word


# Spellings of Korean names. Libraries such as hangul-romanize and korean-romanizer only know the Revised Romanisation, which
# few people use for their names (Kim Gunwoo, not Gim Geonu). Usual spellings cost 0, rare ones 1 per syllable.

MAX_SPELLINGS = 320
"""Maximum number of spellings of a given name; enough for any name of two syllables."""
MAX_GIVEN_SYLLABLES = 4

_VOWEL_REMOVAL = str.maketrans("", "", "aeiou ")
_INITIAL_COST = 4
_BESIDE_COST = 6
_MAX_SAME_NAME_COST = 3
"""Allows a rare spelling of each syllable of a typical name, but no extra words."""


def _tables() -> dict[str, dict[str, str]]:
    return seed.read_spellings("korean_names.tsv")


def _is(kind: str, word: str) -> bool:
    return seed.classify("writer", word) == kind


def strip_titles(name: str) -> str:
    """Return a name without titles, unless it has nothing else: Tri Dao for "Dr. Tri Dao", 트리 다오 for 트리 다오님."""
    words = [word for word in name.split() if not _is("title", word.strip("."))]
    if len(words) > 1 and analyser.is_syllables(words[-1]):
        words[-1] = words[-1].removesuffix("님")
    return " ".join(words) or name


def split_hangul(name: str) -> list[tuple[str, str]]:
    """Return the likely splits of a name into family and given name; the family name may be missing ("").

    "김건우", "김 건우", "건우 김" and "김건우 교수님" all give 김 and 건우. Text that cannot be a name gives no pairs.
    """
    words = [word.removesuffix("님") for word in name.split() if not _is("title", word)]
    if not 1 <= len(words) <= 2 or not all(map(analyser.is_syllables, words)):
        return []
    families = _tables()["family"]
    if len(words) == 2:
        pairs = [(words[0], words[1]), (words[1], words[0])]
        known = [pair for pair in pairs if pair[0] in families]
        return [pair for pair in known or pairs[:1] if len(pair[1]) <= MAX_GIVEN_SYLLABLES]
    word = words[0]
    pairs = [(word[:size], word[size:]) for size in (2, 1) if word[:size] in families]
    if not pairs or (len(word) == 2 and word[0] in "".join(_tables()["rare"])):
        pairs.append(("", word))
    return [pair for pair in pairs if len(pair[1]) <= MAX_GIVEN_SYLLABLES]


@lru_cache(maxsize=1 << 10)
def family_spellings(family: str) -> dict[str, int]:
    """Return the Latin spellings of a Hangul family name and their costs, usual spellings first."""
    listed = _tables()["family"].get(family)
    return given_spellings(family) if listed is None else dict(_parse(listed))


@lru_cache(maxsize=1 << 10)
def given_spellings(given: str) -> dict[str, int]:
    """Return the Latin spellings of a Hangul given name and their costs, usual spellings first."""
    syllables = [_syllable_spellings(syllable) for syllable in given[:MAX_GIVEN_SYLLABLES]]
    # For a long name, keep only the likeliest spellings of each syllable to limit the combinations.
    kept = max(2, int(MAX_SPELLINGS ** (1 / max(1, len(syllables)))))
    combined = product(*(list(spellings.items())[:kept] for spellings in syllables))
    spellings: dict[str, int] = {}
    for parts in sorted(combined, key=lambda parts: sum(cost for _, cost in parts)):
        spellings.setdefault("".join(spelling for spelling, _ in parts), sum(cost for _, cost in parts))
    return spellings


@lru_cache(maxsize=1 << 10)
def _syllable_spellings(syllable: str) -> dict[str, int]:
    """Return the listed spellings of a syllable, followed by spellings composed from its letters."""
    if not analyser.is_syllables(syllable):
        return {}
    listed = dict(_parse(_tables()["syllable"].get(syllable, "")))
    places = zip(("first", "vowel", "final"), analyser.split_syllable(syllable), strict=True)
    parts = [list(_tables()[place].values())[number] for place, number in places]
    letters = [list(_parse(part)) or [("", 0)] for part in parts]
    combined = sorted(
        (max(sum(cost for _, cost in spelling), int(bool(listed))), "".join(text for text, _ in spelling))
        for spelling in product(*letters)
    )
    return listed | {text: cost for cost, text in reversed(combined) if text not in listed and cost < 2}


def _parse(spellings: str) -> Iterator[tuple[str, int]]:
    """Yield the spellings in a table cell with their costs. Spellings after the slash are rare."""
    usual, _, rare = spellings.partition("/")
    yield from ((spelling, 0) for spelling in usual.split())
    yield from ((spelling, 1) for spelling in rare.split())


def match_cost(family: str, given: str, latin: str) -> int | None:
    """Return how unusual a Latin name is as a spelling of a Hangul name; None if it is not a spelling of it.

    The family name may come first or last; "" allows any. Extra initials cost more than rare spellings, and
    extra words, such as an English name, cost most.
    """
    words = name_tokens(latin)
    if not family:
        return _given_cost(given, words)
    if len(words) < 2 or not given:
        return None
    costs = []
    for at in (len(words) - 1, 0):
        family_cost = family_spellings(family).get(words[at])
        given_cost = _given_cost(given, [*words[:at], *words[at + 1 :]])
        if family_cost is not None and given_cost is not None:
            costs.append(family_cost + given_cost)
    return min(costs, default=None)


def has_family(name: str, family: str) -> bool:
    """Return whether a name has a family name in Hangul: last, or before a given name of two words, as in Yi Min-ho."""
    words, first = name_tokens(name), " ".join(name_tokens(name.partition(" ")[0]))
    spellings = family_spellings(family)
    is_first = first in spellings and len(words) > 2 and all(len(word) > 1 for word in words)
    in_hangul = first.startswith(family) or family in words
    return in_hangul or is_first or bool(spellings.keys() & words[-1:])


def _given_cost(given: str, words: list[str]) -> int | None:
    """Return the lowest cost of spelling a person's first name with adjacent words, plus the cost of the remaining words."""
    spellings = given_spellings(given)
    costs = []
    for first in range(len(words)):
        for end in range(first + 1, min(len(words), first + MAX_GIVEN_SYLLABLES) + 1):
            if (cost := spellings.get("".join(words[first:end]))) is not None:
                besides = [*words[:first], *words[end:]]
                if len(given) > 1 or all(len(word) == 1 for word in besides):
                    costs.append(
                        cost + sum(_BESIDE_COST if len(word) > 1 else _INITIAL_COST for word in besides)
                    )
    return min(costs, default=None)


def is_same_name(left: str, right: str) -> bool:
    """Return whether one name is in Hangul and the other is its Latin spelling with no extra words."""
    for hangul, latin in ((left, right), (right, left)):
        for family, given in split_hangul(hangul):
            cost = match_cost(family, given, latin) if family and latin.isascii() else None
            if cost is not None and cost <= _MAX_SAME_NAME_COST:
                return True
    return False


@analyser.remembered(1 << 12)
def consonant_keys(name: str) -> frozenset[str]:
    """Return the sorted consonants of a name and, for a Hangul name, of its Latin spellings.

    All spellings of a name share a key in any word order or script.
    """
    spelt = (_spelling_keys(family, given) for family, given in split_hangul(name) if family)
    return frozenset((_consonants("".join(name_tokens(name))),)).union(*spelt)


@lru_cache(maxsize=1 << 8)
def _spelling_keys(family: str, given: str) -> frozenset[str]:
    """Return the sorted consonants of every Latin spelling of a Hangul name."""
    parts = (set(map(_consonants, of)) for of in (family_spellings(family), given_spellings(given)))
    return frozenset("".join(sorted("".join(pair))) for pair in product(*parts))


def _consonants(word: str) -> str:
    return "".join(sorted(word.translate(_VOWEL_REMOVAL)))


# Name distance. General string metrics have no costs for initials, umlauts and missing words.

EXACT = 0.0
DIFFERENT_NAME = 0.5
"""From this distance, a name is more than a respelling or reordering of the query."""
_WRITING_COST = 0.4
"""The cost of a respelled word, of another word order, and of two adjacent words joined."""
_INITIAL_TYPED_COST = 1.0
_INITIAL_IN_NAME_COST = 2.5
"""The cost of a full query word for which the name has only an initial; slightly less than a typing error."""
_PREFIX_COST = 2.0
_TYPO_COST = 3.0
ONE_TYPO = 3.5
"""The distance of one typing error. Up to this distance, a match is certain."""
MISSING_WORD = 9.0
"""The cost of a query word missing from the name. Names at a greater distance are irrelevant."""
_MISSING_INITIAL_COST = 2.0
_UNTYPED_MIDDLE_COST, _UNTYPED_END_COST = 0.7, 1.2
"""The cost of a word of the name missing from the query: in the middle, or at either end."""
_LETTERS_PER_ERROR = 3


@lru_cache(maxsize=1 << 12)
def name_distance(query_words: tuple[str, ...], name: str) -> float:
    """Return the distance between the query words and a name: about 1 for an initial and 3 for a typing error."""
    name_words = tuple(name_tokens(name))
    best = _aligned_distance(query_words, name_words)
    if best == EXACT:
        return best
    # Le Cun and LeCun, in the query or in the name. Two words alone are joined to a family name: Yuan Hang is not Yuanhang Zhou.
    queries = (joined for joined in join_words(query_words) if len(joined) > 1 or joined == name_words[-1:])
    pairs = [(joined, name_words) for joined in queries]
    pairs += [(query_words, joined) for joined in join_words(name_words)]
    return min((best, *(_aligned_distance(*pair) + _WRITING_COST for pair in pairs)))


def join_words(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the words with each adjacent pair joined: junyang lin and jun yanglin for jun yang lin."""
    for number, (left, right) in enumerate(pairwise(words)):
        yield *words[:number], left + right, *words[number + 2 :]


def _aligned_distance(query_words: tuple[str, ...], name_words: tuple[str, ...]) -> float:
    """Pair each query word with the closest word of the name. Return the cost of all pairs and unpaired words."""
    if query_words == name_words:
        return EXACT
    distances = sorted(
        (word_distance(left, right), abs(i - j), i, j)
        for i, left in enumerate(query_words)
        for j, right in enumerate(name_words)
    )
    place: dict[int, int] = {}
    total = 0.0
    for distance, _, i, j in distances:
        if distance < MISSING_WORD and i not in place and j not in place.values():
            place[i] = j
            total += distance
    missing = [word for i, word in enumerate(query_words) if i not in place]
    total += sum(_MISSING_INITIAL_COST if len(word) == 1 else MISSING_WORD for word in missing)
    untyped = {j: word for j, word in enumerate(name_words) if j not in place.values()}
    is_for_initial = any(len(query_words[i]) > 1 and len(name_words[j]) == 1 for i, j in place.items())
    if is_for_initial and any(len(word) > 1 for word in untyped.values()):
        # A full word does not match an initial next to a full name: Junho Kim is not Bryan J. Kim.
        total += MISSING_WORD
    order, ends = [place[i] for i in sorted(place)], (0, len(name_words) - 1)
    total += sum(_UNTYPED_END_COST if j in ends else _UNTYPED_MIDDLE_COST for j in untyped)
    if order != sorted(order):
        # "J. Lin" is more likely Junyang Lin than Lin Jun.
        total += 2 * _WRITING_COST if len(query_words[0]) == 1 else _WRITING_COST
    return total


def is_correction(query_words: tuple[str, ...], name: str) -> bool:
    """Return whether the name matches only by a typing error, by a prefix, or with a full word in place of an initial."""
    return name_distance(query_words, name) >= _PREFIX_COST and bool(_differing_words(query_words, name))


def is_plausible(query_words: tuple[str, ...], name: str) -> bool:
    """Return whether the query may mean this name rather than somebody else's.

    The name must be close, or have at most two errors: none in a first letter, and not both in one short word.
    """
    from rapidfuzz.distance import OSA  # imported here and below because most searches do not need it

    pairs = _differing_words(query_words, name)
    errors = [OSA.distance(typed, meant, score_cutoff=2) for typed, meant in pairs]
    return name_distance(query_words, name) <= ONE_TYPO or (
        sum(errors) <= 2
        and all(
            typed[0] == meant[0] and len(typed) >= _LETTERS_PER_ERROR * count
            for count, (typed, meant) in zip(errors, pairs, strict=True)
        )
    )


def _differing_words(query_words: Sequence[str], name: str) -> list[tuple[str, str]]:
    """Return the query words missing from a name, except initials, each with the closest word of the name."""
    terms = index_terms(name)
    whole = [word for word in query_words if len(word) > 1 and terms]
    nearest = [(word, min(terms, key=lambda term: word_distance(word, term))) for word in whole]
    return [(word, term) for word, term in nearest if word_distance(word, term) > _INITIAL_TYPED_COST]


@lru_cache(maxsize=1 << 14)
def word_distance(query_word: str, name_word: str) -> float:
    """Return the distance between two words, from 0 to `MISSING_WORD`."""
    if query_word == name_word:
        return EXACT
    if collapse_umlauts(query_word) == collapse_umlauts(name_word):
        return _WRITING_COST
    if len(query_word) == 1 or len(name_word) == 1:
        if query_word[0] != name_word[0]:
            return MISSING_WORD
        return _INITIAL_TYPED_COST if len(query_word) == 1 else _INITIAL_IN_NAME_COST
    shorter = min(len(query_word), len(name_word))
    allowed = 2 if shorter >= MIN_FUZZY_LENGTH else 1
    from rapidfuzz.distance import OSA

    errors = OSA.distance(query_word, name_word, score_cutoff=allowed)
    distance = MISSING_WORD if errors > allowed else _TYPO_COST * errors
    if name_word.startswith(query_word):
        return min(distance, _PREFIX_COST + 0.1 * (len(name_word) - len(query_word)))
    return distance


# Institutions: English and Korean names of universities and companies that often publish on machine learning.

_MAX_LENGTH = 400
"""In characters. Longer names of institutions are cut."""
_SPELLINGS = {"univ": "university", "inst": "institute", "tech": "technology", "lab": "labs"}
_PARTS_OF_AFFILIATION = re.compile(r"[,;()]")
_EMPTY_WORDS = frozenset(("the", "inc", "ltd", "co", "corp", "corporation", "company", "llc", "gmbh"))


def institution_key(name: str) -> str:
    """Return the key shared by all names of a known institution, or else the folded name."""
    return _find_key(name) or _fold(name)


def _find_key(name: str) -> str:
    """Return the key of a known institution, which may be written in one word or with a part: 오픈 AI, Google AI Lab; or ""."""
    folded, known = _fold(name), _keys()
    head, _, tail = folded.rpartition(" ")
    if key := known.get(folded) or known.get(folded.replace(" ", "")):
        return key
    is_part = _is("part", tail) and head.capitalize() not in _ordinary_words()
    return _find_key(head) if head and is_part else ""


def is_generic(name: str) -> bool:
    """Return whether a name consists only of words shared by many institutions, such as "university of science"."""
    return seed.read_words("generic_words.txt").issuperset(institution_key(name).split())


def institution_tokens(names: Iterable[str]) -> set[str]:
    """Return the index tokens of institutions: of each full name, its parts between commas, and known institutions in it."""
    keys = set[str]()
    for name in islice(names, _MAX_INSTITUTIONS):
        keys.update(map(institution_key, (name, *_PARTS_OF_AFFILIATION.split(name[:_MAX_LENGTH]))))
        keys |= _find_known(name)
    return set(filter(None, map(institution_token, keys)))


def _find_known(text: str) -> set[str]:
    """Return the keys of all known institutions that a text names."""
    words, known = _fold(text).split(), _keys()
    spans = (
        " ".join(words[start:end])
        for start in range(len(words))
        for end in range(start + 1, min(len(words), start + MAX_WORDS) + 1)
    )
    return {known[span] for span in spans if span in known}


def institution_token(name: str) -> str:
    """Return an institution's index token, the same for all its names; "" if the text has no words."""
    return "".join(analyser.stemmed_words(institution_key(name)))[:_MAX_TOKEN_LENGTH]


def institution_forms(name: str) -> tuple[str, ...]:
    """Return a known institution's names in both languages, or ()."""
    return _rows().get(institution_key(name), ())


def main_form(name: str) -> str:
    """Return the shortest name of an institution that its name begins with: Google for Google Research."""
    forms = (form for form in list_institution_words(name) if f"{name} ".startswith(f"{form} "))
    return min(forms, key=len, default=name)


def list_institution_words(name: str) -> tuple[str, ...]:
    """Return a known institution's names that are no ordinary words, as texts name it: Meta AI, but not meta."""
    return tuple(form for form in institution_forms(name) if form not in _ordinary_words())


def complete_institution(prefix: str) -> list[str]:
    """Return the known institutions with a word that begins with `prefix`, matches at the start of a name first.

    Each institution is listed once, under the matching name.
    """
    typed = analyser.fold_name(prefix)
    names = [next((form for form in forms if _begins(form, typed)), None) for forms in _rows().values()]
    return sorted(filter(None, names), key=lambda name: not _begins(name, typed, inside=False))


def _begins(name: str, typed: str, *, inside: bool = True) -> bool:
    folded = analyser.fold_name(name)
    return folded.startswith(typed) or (inside and f" {typed}" in folded)


@analyser.remembered(1 << 12)
def _fold(name: str) -> str:
    """Fold a name, expand abbreviated words, and drop articles and legal forms such as Inc."""
    words = analyser.fold_name(name[:_MAX_LENGTH].replace("&", " and ")).split()
    kept = [_SPELLINGS.get(word, word) for word in words if word not in _EMPTY_WORDS]
    return " ".join(kept)


@lru_cache(maxsize=1)
def _keys() -> dict[str, str]:
    """Return the keys of known institutions, keyed by folded name and by it without spaces."""
    named = [(_fold(form), key) for key, forms in _rows().items() for form in forms]
    return {name.replace(" ", ""): key for name, key in named} | dict(named)


@lru_cache(maxsize=1)
def _rows() -> dict[str, tuple[str, ...]]:
    """Return the names of each known institution, main English name first, keyed by this folded."""
    rows = (tuple(form.removesuffix("?") for form in row) for row in seed.read_rows("institutions.tsv"))
    return {_fold(row[0]): row for row in rows}


@lru_cache(maxsize=1)
def _ordinary_words() -> frozenset[str]:
    """Return the names of known institutions that are also ordinary words."""
    forms = (form for row in seed.read_rows("institutions.tsv") for form in row)
    return frozenset(form.removesuffix("?") for form in forms if form.endswith("?"))


def list_korean_names() -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return each known institution's Korean names, except ordinary words, and its main English name."""
    rows = [
        (
            tuple(form for form in row[1:] if analyser.has_hangul(form) and form not in _ordinary_words()),
            row[:1],
        )
        for row in _rows().values()
    ]
    return [(korean, english) for korean, english in rows if korean]


_MAX_UNKNOWN_WORDS, _MAX_BARE_WORDS = 4, 3
NAME_SYLLABLES = 3
"""The length of a full Korean name, which does not need a title after it: 김건우가 쓴."""
_MAX_INSTITUTIONS, _MAX_TOKEN_LENGTH, _MAX_WRITERS, _MAX_QUESTION_WORDS = 50, 60, 3, 48
_EDGE = " .,;:?!…\"'()"
_SUFFIX = re.compile(
    rf"(?<=[\w{analyser.SYLLABLES}])(['’]s|에서는|에서|측은|측|이[나든랑]|하고|[이가은는의사나든와과랑])\Z"
)
_GROUP = re.compile(
    r"(?:연구진|연구팀|연구원들|연구원|연구소|팀|랩|교수님?|박사님?)(?:들)?(?:이|가|은|는|의|에서)?|(?:team|labs?|group|researchers|scientists)(?:['’]s)?"
)
_PAPERS = re.compile("(?:papers?|works?|research|studies|publications?|논문|연구|페이퍼)[가-힣]{0,2}")


def names_papers(word: str) -> bool:
    """Return whether a word is one for papers, such as research or 연구가."""
    return _PAPERS.fullmatch(word.lower().strip(_EDGE)) is not None


class Writer(NamedTuple):
    """An institution or person named as the writer in a question by the words from `start` to `end`.

    If `is_known` is False, the name may be an unknown institution or an author; `is_bare`: no word says that it wrote.
    `joint` is how the next writer is joined to it: "or", "and", or "" without one.
    """

    name: str
    start: int
    end: int
    is_known: bool
    is_bare: bool = False
    joint: str = ""


def find_writers(
    words: Sequence[str],
    is_writer: Callable[[str], bool] = bool,
    is_bare_author: Callable[[str, int], bool] = lambda *_: False,
) -> list[Writer]:
    """Return the institutions and people that a question names as writers: "from Stanford", 삼성이 쓴.

    A known institution needs such a word before or after it. Any other name is kept if `is_writer` returns True: a Hangul
    name followed by 교수 or 쓴, a capitalised Latin name behind "by", or a Latin name of
    several words behind "by" or with capitals. A Hangul name alone is kept if `is_bare_author` returns True for it and
    for the fewest syllables that one word must have: fewer behind a title, more before a word for papers.
    """
    writers: list[Writer] = []
    words, start = tuple(words[:_MAX_QUESTION_WORDS]), 0
    while start < len(words) and len(writers) < _MAX_WRITERS:
        joint, at = (
            _read_joint(words, writers[-1].end) if writers and writers[-1].end == start else ("", start)
        )
        best = joint and _read_best(words, at, is_writer, is_led=True)
        if best:
            writers[-1] = writers[-1]._replace(end=best.start, joint=joint)
        else:
            joint = ""
            best = _read_best(words, start, is_writer) or _read_hangul(words, start, is_bare_author)
        writers += [best] if best else []
        start = best.end if best else start + 1
    return writers


@lru_cache(maxsize=_MAX_QUESTION_WORDS)
def _is_writer_at(words: tuple[str, ...], start: int) -> bool:
    """Return whether a writer's name starts at a word. Each end of each name before it asks again."""
    return _read_best(words, start, bool) is not None


def _read_best(
    words: tuple[str, ...], start: int, is_writer: Callable[[str], bool], *, is_led: bool = False
) -> Writer | None:
    """Return the longest writer's name from `start`, a known institution first. If `is_led`, a writer is joined to it ahead."""
    size = MAX_WORDS if is_led else _count_name_words(words, start)
    ends = range(min(len(words), start + size), start, -1)
    candidates = filter(None, [_read_writer(words, start, end, is_led=is_led) for end in ends])
    named = [writer for writer in candidates if writer.is_known or is_writer(writer.name)]
    return min(named, key=lambda writer: not writer.is_known, default=None)


def _is_latin_title(word: str) -> bool:
    return word.isascii() and _is("title", word.rstrip("."))


def _read_hangul(
    words: tuple[str, ...], start: int, is_bare_author: Callable[[str, int], bool]
) -> Writer | None:
    """Return the longest author's name in Hangul from `start`, without a word that says that it wrote: 트리 다오."""
    is_latin = words[start][:1].isalnum() and words[start][:1].isascii()
    for end in range(min(len(words), start + (0 if is_latin else _MAX_BARE_WORDS)), start, -1):
        typed = " ".join(words[start:end]).strip(_EDGE)
        has_group = end < len(words) and _GROUP.fullmatch(words[end]) is not None
        last = end + has_group
        is_of_papers = last < len(words) and names_papers(words[last])
        stem = typed.removesuffix("의") if is_of_papers else _SUFFIX.sub("", typed)
        for name in dict.fromkeys((typed, stem)):
            least = NAME_SYLLABLES - 1 if has_group else NAME_SYLLABLES if is_of_papers else _MAX_WORD_LENGTH
            if analyser.is_syllables(name.replace(" ", "")) and is_bare_author(name, least):
                return Writer(name, start, last, is_known=False)
    return None


def _read_joint(words: Sequence[str], end: int) -> tuple[str, int]:
    """Return how what is before `end` is joined to the next words, and where these start: "or", "and" or ""."""
    behind = (seed.classify("join", word) for word in words[end : end + MAX_WORDS])
    if words[end - 1].endswith(",") and (joint := next(filter(None, behind), "")):
        return joint, end  # Google, Meta or Apple
    if joint := seed.classify("join", " ".join(words[end : end + 1])):
        return joint, end + 1 + _is("before", " ".join(words[end + 1 : end + 2]))
    endings = (seed.classify("join", f"-{words[end - 1][-size:]}") for size in (2, 1))
    return next(filter(None, endings), ""), end


def _count_name_words(words: Sequence[str], start: int) -> int:
    """Return the most words that a writer's name may have from `start`: more if known, behind "by", in capitals or before 쓴."""
    if words[start].lower() == "the" or _is_latin_title(words[start]):
        return 0
    ahead = words[start - 1] if start else ""
    is_named = _is("before", ahead) or ahead.lower() == "the" or _is_latin_title(ahead)
    first, pair = _fold(words[start]).partition(" ")[0], _fold("".join(words[start : start + 2]))
    if is_named or first in _first_words() or pair in _keys():
        return MAX_WORDS
    behind = " ".join(words[start + 2 : start + 3]).strip(_EDGE)
    is_in_hangul = _is("written", behind) and analyser.is_syllables(words[start])
    return _MAX_UNKNOWN_WORDS if words[start][:1].isupper() else 1 + is_in_hangul


@lru_cache(maxsize=1)
def _first_words() -> frozenset[str]:
    """Return the first words of known institutions, and "" for words that are left out."""
    return frozenset(("", *(name.partition(" ")[0] for name in _keys())))


def _read_writer(words: tuple[str, ...], start: int, end: int, *, is_led: bool = False) -> Writer | None:
    """Parse a writer from the words `start` to `end`, with "by the" before or 연구진이 쓴 after the name; otherwise None.

    Several may share such a word: "by Google or Meta", 메타나 구글이 쓴. If `is_led`, it is before another writer ahead.
    """
    typed = " ".join(words[start:end]).strip(_EDGE)
    stem = _SUFFIX.sub("", typed)
    before = start - (start > 1 and words[start - 1].lower() == "the")
    before -= start > 0 and _is_latin_title(words[start - 1])  # by Dr. Tri Dao
    first = before - 1 if before and _is("before", words[before - 1]) else start
    rest = [word.lower().strip(_EDGE) for word in (*words[end : end + 2], "", "")]
    has_group = _GROUP.fullmatch(rest[0]) is not None
    last = end + has_group + _is("written", rest[has_group])
    joint, at = _read_joint(words, end)
    is_joined = bool(joint) and first == start and at < len(words) and _is_writer_at(words, at)
    if name := next(filter(_find_key, (typed, stem)), None):
        is_possessive = name != typed and typed.endswith("s")
        is_said = is_possessive or (first, last) != (start, end) or names_papers(rest[0]) or is_joined
        is_said = is_said or (is_led and not (typed.islower() and typed.capitalize() in _ordinary_words()))
        is_said = is_said or _is_full_institution(name) or _lists_institutions(words)
        return Writer(name, first, last, is_known=True) if is_said else None
    if first < start or is_led:
        is_name = all(word[:1].isupper() and not word.isupper() for word in words[start:end]) or (
            1 < end - start <= _MAX_UNKNOWN_WORDS
            and (typed.isascii() or (is_led and analyser.is_syllables(stem.replace(" ", ""))))
        )
        typed = typed if typed.isascii() else stem
        is_cut = is_name and any(word[:1].isupper() and not word.isupper() for word in words[end : end + 1])
        is_name = is_name and not any(seed.classify("join", word) for word in words[start:end])
        is_writer = is_name and not is_cut and (is_led or words[first].lower() != "at")
        return Writer(typed, first, last, is_known=False) if is_writer else None
    is_whole_name = (len(stem) == NAME_SYLLABLES or " " in stem) and stem != typed
    is_hangul = (is_whole_name or has_group) and analyser.is_syllables(stem.replace(" ", ""))
    before_it = "".join(words[max(start - 1, 0) : start])  # not Han of Song Han
    is_latin = all(word[:1].isupper() and not analyser.has_hangul(word) for word in stem.split())
    is_latin = (
        is_latin and not stem.isupper() and (" " in stem or any(map(names_papers, words[last : last + 1])))
    )
    is_latin = is_latin and not (before_it[:1].isupper() and before_it.isalpha() and before_it.isascii())
    # Tri Dao가 쓴, Tri Dao 교수님, Tri Dao의 논문, Tri Dao's papers
    is_marked = stem != typed or analyser.has_hangul("".join(words[end:last]))
    is_possessive = stem != typed and typed.endswith(("의", "s")) and names_papers(rest[0])
    is_name = (last > end or is_possessive or is_joined) and (is_hangul or (is_latin and is_marked))
    is_bare = not is_name and is_latin and " " in stem and end - start <= _MAX_BARE_WORDS
    return Writer(stem, first, last, is_known=False, is_bare=is_bare) if is_name or is_bare else None


def _is_full_institution(name: str) -> bool:
    """Return whether an institution's name has no other meaning: Google DeepMind, 서울 대학교, but not Samsung,
    "meta ai" or Hugging Face.
    """
    first = name.partition(" ")[0]
    is_proper = name != name.lower() or analyser.has_hangul(name) or bool(_find_key(first))
    is_other = _is("model", _find_key(name)) or (name.islower() and first.capitalize() in _ordinary_words())
    return " " in name and is_proper and not is_other


@lru_cache(maxsize=_MAX_QUESTION_WORDS)
def _lists_institutions(words: tuple[str, ...]) -> bool:
    """Return whether a question consists of several institutions, other than makers of models of their name: 메타나 구글."""
    names, at = list[str](), 0
    while at < len(words):
        stems = (
            (_SUFFIX.sub("", " ".join(words[at:end]).strip(_EDGE)), end) for end in range(len(words), at, -1)
        )
        name, end = next(((stem, end) for stem, end in stems if _find_key(stem)), ("", 0))
        names.append(name)
        joint, at = _read_joint(words, end) if name else ("", at)
        if not (joint or end == len(words)):
            return False
    return len(names) > 1 and not all(_is("model", _find_key(name)) for name in names)


_NAME_SUFFIX = re.compile(r",?\s(?:[Jj][Rr]|[Ss][Rr]|I{2,3}|IV|Ph\.?D|M\.?D)\.?$")  # not the names Iv and Md
_GROUP_NAME = re.compile(
    r"^(?i:the|team)\s|@|[\s-](?:AI|(?i:teams?|collaborations?|consortium|group|labs?|laboratory|research|initiative"
    r"|project|community|workshop|network|foundation|institute|university|inc\.?|ltd\.?|corp\.?|gmbh|팀))(?:,|$)"
)


def split_name(name: str) -> tuple[str, str, str]:
    """Split a name into family name, given names and suffix, such as `van den Oord`, `Aäron`, "" and `Oakley`, `Guy`, `Jr.`.

    A team, a company and a single word are a family name alone.
    """
    if _GROUP_NAME.search(name):
        return name.strip(), "", ""
    suffix = _NAME_SUFFIX.search(name)
    head = name[: suffix.start()] if suffix else name
    family, comma, given = head.partition(",")
    if not comma:
        words = head.split()
        first = len(words) - 1
        while first > 1 and words[first - 1].islower():
            first -= 1
        given, family = " ".join(words[: max(first, 0)]), " ".join(words[max(first, 0) :])
    return family.strip(), given.strip(), suffix[0].strip(", ") if suffix else ""
