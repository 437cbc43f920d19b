"""Makes spellings alike: compatibility forms, case and diacritics. It does not split text into words."""

from __future__ import annotations

import re
import unicodedata

# Marks that only colour a letter (accents, Hebrew points, Arabic vowels). The voiced marks of Kana and the
# vowel signs of Indic scripts are marks too, but without them the word is another word.
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
_APOSTROPHES = re.compile("['’‘`´ʼ]")


def fold(text: str) -> str:
    """Return `text` in NFC without case, compatibility forms and diacritics; folding twice changes nothing more.

    Hangul, Han and Kana stay as they are, apart from half-width and similar forms.
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = _COMBINING_MARKS.sub("", unicodedata.normalize("NFKD", folded)).translate(_BASE_LETTERS)
    return unicodedata.normalize("NFC", folded.casefold())


def fold_name(name: str) -> str:
    """Return a person's name folded, with punctuation as single spaces and apostrophes dropped.

    "Hoàng-Anh  O'Neil" and "hoang anh oneil" fall together; the order of the words stays.
    """
    if name.isascii() and name.replace(" ", "").isalpha():
        return " ".join(name.lower().split())  # most names; an archive has tens of thousands
    return " ".join(_NON_NAME_CHARACTERS.sub(" ", fold(_APOSTROPHES.sub("", name))).split())


def fold_name_german(name: str) -> str:
    """Return a name folded like `fold_name`, but with umlauts written out: "Müller" gives "mueller".

    Also ø as oe and å as aa, as Danish and Norwegian passports spell them.
    """
    if name.isascii():
        return fold_name(name)
    return fold_name(unicodedata.normalize("NFC", name).casefold().translate(_UMLAUTS))
