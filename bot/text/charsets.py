"""Decodes the bytes of a text from anywhere: a page, a file, an import."""

from __future__ import annotations

from contextlib import suppress

import regex
from w3lib import encoding as web_encoding

_USUAL = "cp1252"
_DETECTED = (
    *(_USUAL, "cp1250", "iso8859_2", "cp1251", "koi8_r", "cp1253", "cp1254"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
)
_MAX_CHAOS = 0.1
_SIGN = r"[^\x00-\x7f\p{L}\p{M}\p{Nd}\p{P}\p{Z}]"
_SIGN_IN_WORD = regex.compile(rf"\p{{L}}{_SIGN}|{_SIGN}\p{{L}}")
_ASCII = bytes(range(0x80))


_ALIASES = {"windows-949": "cp949", "x-windows-949": "cp949"}
"""Names of Korean charsets that w3lib does not know."""
_SNIFF_BYTES = 8192
_MAX_ZEROS = 8
"""In the first bytes of a text that is not UTF-16."""


class UndecodableError(ValueError):
    """The bytes are not text in a charset that is known or certain. Its text says why, after "it is"."""


def decode(data: bytes, declared: str | None = None) -> str:
    """Decode a text and drop its byte order mark. `declared` is the charset in the Content-Type.

    A byte order mark decides. UTF-16 without one is known by its zero bytes. Else the text is UTF-8, or in the charset that
    the server or the page declares, or in the one in which it has no suspicious characters. Raises UndecodableError if
    none fits; characters are never replaced.
    """
    marked, mark = web_encoding.read_bom(data)
    body = data[len(mark or b"") :]
    if marked is not None:
        return _decode_utf16(body, marked)
    start = body[:_SNIFF_BYTES]
    zeros = start.count(0)
    if zeros <= _MAX_ZEROS:
        with suppress(UnicodeDecodeError):
            return body.decode()
    if zeros:
        for others, encoding in ((start[::2], "utf-16-le"), (start[1::2], "utf-16-be")):
            with suppress(UndecodableError):
                if not others.count(0):
                    return _decode_utf16(body, encoding)
        raise UndecodableError("it is binary, not text")
    name = (declared or "").strip().lower()
    # w3lib's own `html_to_unicode` replaces invalid bytes, and prefers a declared one-byte charset to UTF-8.
    names = (
        _ALIASES.get(name) or web_encoding.resolve_encoding(name[:40]),
        web_encoding.html_body_declared_encoding(body),
    )
    for encoding in filter(None, names):
        with suppress(UnicodeDecodeError, LookupError):
            return body.decode(encoding)
    if (text := _detect(body)) is None:
        raise UndecodableError("it is not UTF-8, and no other charset is certain")
    return text


def _decode_utf16(body: bytes, encoding: str) -> str:
    """Decode UTF-16, or what another byte order mark names."""
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding.upper().removesuffix("-LE").removesuffix("-BE")
        raise UndecodableError(f"it is not valid {name} (at byte {error.start})") from error
    if sum(sign < " " and not sign.isspace() for sign in text[:_SNIFF_BYTES]) > _MAX_ZEROS:
        raise UndecodableError("it is binary, not text")
    return text


def _detect(body: bytes) -> str | None:
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
