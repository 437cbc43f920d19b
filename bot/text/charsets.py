"""Finds the charset of a text that declares none."""

from __future__ import annotations

import regex

_USUAL = "cp1252"
_DETECTED = (
    *(_USUAL, "cp1250", "iso8859_2", "cp1251", "koi8_r", "cp1253", "cp1254"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
)
_MAX_CHAOS = 0.1
_SIGN = r"[^\x00-\x7f\p{L}\p{M}\p{Nd}\p{P}\p{Z}]"
_SIGN_IN_WORD = regex.compile(rf"\p{{L}}{_SIGN}|{_SIGN}\p{{L}}")
_ASCII = bytes(range(0x80))


def detect(body: bytes) -> str | None:
    """Decode bytes as charset-normalizer suggests. Return None if it finds nothing, or if they are damaged UTF-8."""
    import charset_normalizer  # few bodies need it

    intact = body.decode("utf-8", "ignore").encode()
    if 2 * len(intact.translate(None, _ASCII)) > len(body.translate(None, _ASCII)):
        return None
    guesses = charset_normalizer.from_bytes(body, cp_isolation=[*_DETECTED], threshold=_MAX_CHAOS)
    names = [
        name for guess in guesses if guess.chaos <= guesses[0].chaos for name in guess.could_be_from_charset
    ]
    # Equally good ones differ in letters such as ď and ï, or in £ and Ł.
    names.sort(key=lambda name: (len(_SIGN_IN_WORD.findall(body.decode(name))), name != _USUAL))
    return body.decode(names[0]) if names else None
