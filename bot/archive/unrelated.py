"""Recognises summaries that are about no paper: a model that could not read it writes of a new algorithm that does well.

Such a summary opens in general words, and has nothing of its paper's title in any form: no name, no word, no term of it in either
language, and no sound of it in Hangul. A doubtful one counts as a real summary.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import islice

from bot.core import data
from bot.glossary import transliteration
from bot.text import analyser, plain, questions, seed, tokens
from storage.models import Section

_HANGUL_WORD = re.compile("[가-힣]{2,12}")
_MIN_CHARACTERS = 150
"""A shorter summary may have nothing of its title by chance."""
_NEW = "[^.]{0,100}(?:새로운|새롭게|혁신적인|획기적인|최신|효율적인|개선된|향상된)"
_PROPOSED = "[^.]{0,100}(?:제안|소개|제시|개발)"
_NEW_ENGLISH = r"\b[^.]{0,100}\b(?:new|novel|innovative|improved|efficient)\b"
# A pattern whose alternatives begin with letters is searched four times as fast.
_PROPOSES = re.compile(
    "|".join(
        (
            *(word + _NEW for word in ("논문", "연구", "보고서")),
            *(word + _PROPOSED for word in ("새로운", "혁신적인", "획기적인")),
            *(
                rf"{word}(?<!\w{word}){_NEW_ENGLISH}"
                for english in ("paper", "study", "work", "research", "we")
                for word in (english, english.capitalize())
            ),
        )
    )
)
_LETTERS = re.compile("[A-Za-z]+")
_PARENTHESES = re.compile(r"\([^()]{0,200}\)")
_NAME = re.compile(r"[A-Za-z0-9]++(?:[.-][A-Za-z0-9]++)*+")


def is_unrelated(title: str, sections: Sequence[Section]) -> bool:
    """Return whether a summary opens in general words and has nothing of a title."""
    if not sections or not _is_general(sections[0].body):
        return False
    text = "\n".join(section.body for section in sections)
    return len(text) >= _MIN_CHARACTERS and not names_title(title, text)


def _is_general(body: str) -> bool:
    """Return whether the first two sentences say that a paper has something new, and the first has no name but a field's."""
    if not _PROPOSES.search(body):  # finding sentences would take a fifth of the parsing
        return False
    first, second = [*islice(plain.find_ends(body), 2), len(body), len(body)][:2]
    opening = body[:first].strip(), body[first:second].strip()
    if not any(map(_PROPOSES.search, opening)):
        return False
    names = _NAME.findall(_PARENTHESES.sub("", opening[0]))
    return not any(
        name[1:] != name[1:].lower() and name.rstrip("s") not in _abbreviations() for name in names
    )


def names_title(title: str, text: str) -> bool:
    """Return whether a text has a telling word of a title: as it stands, as a term, in Korean, or by its sound."""
    # A word of the title as it stands needs no analysis of the text.
    words_of_text = set(_LETTERS.findall(text.lower()))
    if any(
        word in words_of_text and _is_telling(analyser.stem(word)) for word in _LETTERS.findall(title.lower())
    ):
        return True
    telling = {token for token in _list_tokens(title) if _is_telling(token)}
    if not telling or telling & _list_tokens(text):
        return True
    joined = "".join(text.split())
    if any(form in joined for token in telling for form in _translations().get(token, ())):
        return True
    words = (word for word in _LETTERS.findall(analyser.fold(title)) if _is_telling(analyser.stem(word)))
    sounds = transliteration.SoundIndex(dict.fromkeys(words, 1))
    return any(sounds.find(analyser.strip_ending(word)) for word in set(_HANGUL_WORD.findall(text)))


@lru_cache(maxsize=1)
def _abbreviations() -> frozenset[str]:
    return frozenset(
        ("AI", "ML", *(short.rstrip("s") for term in seed.load_terms() for short in term.abbreviations))
    )


@lru_cache(maxsize=1)
def _general_words() -> frozenset[str]:
    """Return stems of words that titles and made-up summaries share by chance."""
    return frozenset(data.read_text("archive/general_words.txt").split())


def _list_tokens(text: str) -> set[str]:
    return set(tokens.tokenize(analyser.canonicalise(text)).split())


def _is_telling(token: str) -> bool:
    bare = token.lstrip(tokens.CONCEPT + tokens.BEGINNING + tokens.WHOLE)
    return (
        len(bare) > 1
        and not bare.isdigit()
        and bare not in _general_words()
        and not (bare.isascii() and questions.classify_filler(bare) == "filler")
    )


@lru_cache(maxsize=1)
def _translations() -> Mapping[str, Collection[str]]:
    """Return the Korean forms, without spaces, of each English word of one word that the tables translate, by its stem."""
    by_stem = defaultdict[str, set[str]](set)
    for term in seed.load_terms():
        for english in term.english:
            if " " not in english:
                by_stem[analyser.stem(english.lower())].update("".join(form.split()) for form in term.korean)
    for words, terms in questions.load_rows():
        korean = {"".join(word.split()) for word in words if analyser.has_hangul(word)}
        for english in (*words, *terms):
            if " " not in english and english.isascii():
                by_stem[analyser.stem(english.lower())] |= korean
    return {stem: {form for form in forms if len(form) > 1} for stem, forms in by_stem.items()}
