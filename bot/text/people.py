"""Matches names of people in any spelling, word order and script."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise, product

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

    "Jürgen Müller" also gets juergen and mueller, "Mueller" muller, and "Tri Dao" tridao.
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

_INITIAL_COST = 4
_EXTRA_WORD_COST = 6
_MAX_SAME_NAME_COST = 3
"""Allows a rare spelling of each syllable of a typical name, but no extra words."""


_TITLES = frozenset(
    ["dr", "prof", "professor", "mr", "ms", "mrs", "교수", "교수님", "박사", "박사님", "님", "씨", "저자"]
)


def _tables() -> dict[str, dict[str, str]]:
    return seed.read_spellings("korean_names.tsv")


def strip_titles(name: str) -> str:
    """Return a name without titles, unless it has nothing else: Tri Dao for "Dr. Tri Dao", 트리 다오 for 트리 다오님."""
    words = [word for word in name.split() if word.strip(".").casefold() not in _TITLES]
    if len(words) > 1 and analyser.is_syllables(words[-1]):
        words[-1] = words[-1].removesuffix("님")
    return " ".join(words) or name


def split_hangul(name: str) -> list[tuple[str, str]]:
    """Return the likely splits of a name into family and given name; the family name may be missing ("").

    "김건우", "김 건우", "건우 김" and "김건우 교수님" all give 김 and 건우. Text that cannot be a name gives no pairs.
    """
    words = [word.removesuffix("님") for word in name.split() if word.casefold() not in _TITLES]
    if not 1 <= len(words) <= 2 or not all(map(analyser.is_syllables, words)):
        return []
    families = _tables()["family"]
    if len(words) == 2:
        pairs = [(words[0], words[1]), (words[1], words[0])]
        with_family = [pair for pair in pairs if pair[0] in families]
        return [pair for pair in with_family or pairs[:1] if len(pair[1]) <= MAX_GIVEN_SYLLABLES]
    word = words[0]
    pairs = [(word[:size], word[size:]) for size in (2, 1) if word[:size] in families]
    if not pairs or (len(word) == 2 and word[0] in "".join(_tables()["rare"])):
        pairs.append(("", word))
    return [pair for pair in pairs if len(pair[1]) <= MAX_GIVEN_SYLLABLES]


def is_written_as_name(text: str) -> bool:
    """Return whether a text is written as a person's name: Ada Lovelace, 김철수; a single Latin word is not."""
    words = text.split()
    return any(family and len(given) > 1 for family, given in split_hangul(text)) or (
        2 <= len(words) <= MAX_WORDS // 2 and all(word.istitle() and word.isalpha() for word in words)
    )


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
    most = max(2, int(MAX_SPELLINGS ** (1 / max(1, len(syllables)))))
    combined = product(*(list(spellings.items())[:most] for spellings in syllables))
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
                extra = [*words[:first], *words[end:]]
                if len(given) > 1 or all(len(word) == 1 for word in extra):
                    costs.append(
                        cost + sum(_EXTRA_WORD_COST if len(word) > 1 else _INITIAL_COST for word in extra)
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


def list_keys(name: str) -> set[str]:
    """Return words of which equal names in any script share one: those by which it is indexed, and of a Hangul family name."""
    families = (family for family, _ in split_hangul(name) if family)
    return {*index_terms(name), *(spelling for family in families for spelling in family_spellings(family))}


# Name distance. General string metrics have no costs for initials, umlauts and missing words.

EXACT = 0.0
DIFFERENT_NAME = 0.5
"""From this distance, a name is more than a respelling or reordering of the query."""
_WRITING_COST = 0.4
"""The cost of a respelled word, of another word order, and of two adjacent words joined."""
INITIAL_TYPED = 1.0
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
    """Return whether the query may mean this name rather than another person's.

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
    return [(word, term) for word, term in nearest if word_distance(word, term) > INITIAL_TYPED]


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
        return INITIAL_TYPED if len(query_word) == 1 else _INITIAL_IN_NAME_COST
    shorter = min(len(query_word), len(name_word))
    allowed = 2 if shorter >= MIN_FUZZY_LENGTH else 1
    from rapidfuzz.distance import OSA

    errors = OSA.distance(query_word, name_word, score_cutoff=allowed)
    distance = MISSING_WORD if errors > allowed else _TYPO_COST * errors
    if name_word.startswith(query_word):
        return min(distance, _PREFIX_COST + 0.1 * (len(name_word) - len(query_word)))
    return distance


_NAME_SUFFIX = re.compile(r",?\s(?:[Jj][Rr]|[Ss][Rr]|I{2,3}|IV|Ph\.?D|M\.?D)\.?$")  # not the names Iv and Md
_GROUP_NAME = re.compile(
    r"^(?i:the|team)\s|@|[\s-](?:AI|(?i:teams?|collaborations?|consortium|group|labs?|laboratory|research|initiative"
    r"|project|community|workshop|network|foundation|institute|university|inc\.?|ltd\.?|corp\.?|gmbh|팀))(?:,|$)"
)


_PARTICLES = frozenset(("Al", "Ben", "Bin", "El", "Ibn"))
"""Capitalised words that begin a family name after a given one: Loubna Ben Allal, but not Ben Poole."""


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
        while first > 1 and (words[first - 1].islower() or words[first - 1] in _PARTICLES):
            first -= 1
        given, family = " ".join(words[: max(first, 0)]), " ".join(words[max(first, 0) :])
    return family.strip(), given.strip(), suffix[0].strip(", ") if suffix else ""
