"""Normalises spelling: compatibility forms, case and diacritics. Does not split text into words."""

from __future__ import annotations

import re
import unicodedata

# Accents, Hebrew points, Arabic vowels. Kana voicing marks and Indic vowel signs are combining marks too, but
# removing them would change the word.
_COMBINING_MARKS = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0]+"
)
_BASE_LETTERS = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "ı": "i",
        "ŧ": "t",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ß": "ss",
    }
)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_NON_NAME_CHARACTERS = re.compile(r"[^\w]+|_+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
"""Hyphenation, joiners and directions, which pasted text brings along."""
_ASCII_AND_SYLLABLES = re.compile("[\0-\x7f\uac00-\ud7a3]*")
"""Nearly all text: no form of it but its case differs, as Hangul syllables have neither marks nor case."""
_MAX_TYPED_LENGTH = 2000
_APOSTROPHES = re.compile("['’‘`´ʼ]")


def clean_typed(text: str) -> str:
    """Return typed text without invisible characters, NUL and lone surrogates, at most `_MAX_TYPED_LENGTH` characters."""
    visible = _INVISIBLE.sub("", text[:_MAX_TYPED_LENGTH]).replace("\0", " ")
    return visible.encode("utf-8", "replace").decode()


def fold(text: str) -> str:
    """Return `text` in NFC without case, compatibility forms and diacritics. Idempotent.

    Hangul, Han and Kana are unchanged, apart from half-width and similar forms.
    """
    if text.isascii() or _ASCII_AND_SYLLABLES.fullmatch(text):
        return text.lower()
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = _COMBINING_MARKS.sub("", unicodedata.normalize("NFKD", folded)).translate(_BASE_LETTERS)
    return unicodedata.normalize("NFC", folded.casefold())


def fold_name(name: str) -> str:
    """Return a person's name folded, with punctuation as single spaces and without apostrophes.

    "Hoàng-Anh  O'Neil" and "hoang anh oneil" give the same result; the order of the words is kept.
    """
    if name.isascii() and name.replace(" ", "").isalpha():
        return " ".join(name.lower().split())  # fast path for most names
    return " ".join(_NON_NAME_CHARACTERS.sub(" ", fold(_APOSTROPHES.sub("", name))).split())


def fold_name_german(name: str) -> str:
    """Return a name folded like `fold_name`, but with umlauts written out: "Müller" gives "mueller".

    ø becomes oe and å becomes aa, as in Danish and Norwegian passports.
    """
    if name.isascii():
        return fold_name(name)
    return fold_name(unicodedata.normalize("NFC", name).casefold().translate(_UMLAUTS))
