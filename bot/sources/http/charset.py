"""Decoding of bodies. w3lib finds byte order marks, declarations in the document and aliases; the choice is ours.

w3lib's `html_to_unicode` replaces bytes that do not fit, and believes a declared one-byte charset before UTF-8.
"""

from __future__ import annotations

from w3lib import encoding as web_encoding

from bot.sources.http import errors

# Korean names that w3lib does not know, and ASCII, which it widens to cp1252.
_ALIASES = {"windows-949": "cp949", "x-windows-949": "cp949", "ascii": "utf-8", "us-ascii": "utf-8"}
_UNICODE = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
_EAST_ASIAN = ("cp949", "johab", "iso2022_kr", "euc_jp", "cp932", "iso2022_jp", "gb18030", "big5hkscs", "hz")
_MULTI_BYTE = frozenset({*_UNICODE, *_EAST_ASIAN})
_SINGLE_BYTE = frozenset(
    {
        "koi8-r",
        "koi8-u",
        "cp874",
        *(f"cp{page}" for page in range(1250, 1259)),
        *(f"iso8859-{part}" for part in range(2, 17)),
    }
)
_MAX_NAME_LENGTH = 40
_PRESCAN_BYTES = 4096


def decode_text(body: bytes, declared: str | None = None) -> str:
    """Return the text of `body` without its byte order mark; `declared` is the charset of the Content-Type.

    A declared charset counts only if the bytes fit it, and a one-byte charset, which fits anything, only if the bytes
    are not UTF-8. Raises FetchError if nothing fits: no character is guessed or replaced.
    """
    marked, mark = web_encoding.read_bom(body)
    if marked is not None and mark is not None:
        return _decode(body[len(mark) :], [marked])
    if b"\0" in body[:_PRESCAN_BYTES]:
        return _decode(body, [_detect_utf16_or_utf32(body)])
    found = (_resolve_codec(declared), web_encoding.html_body_declared_encoding(body))
    names = [name for name in found if name is not None]
    if any(name.startswith(("utf-16", "utf-32")) for name in names):
        names = ["utf-16-le", "utf-16-be"]
    multi_byte = [name for name in names if name in _MULTI_BYTE]
    single_byte = [name for name in names if name in _SINGLE_BYTE]
    return _decode(body, [*multi_byte, "utf-8", *single_byte, "cp949"])


def _decode(body: bytes, encodings: list[str]) -> str:
    for name in encodings:
        try:
            return body.decode(name)
        except UnicodeDecodeError:
            continue
    raise errors.FetchError(f"its letters cannot be read: they are not {encodings[0]}")


def _resolve_codec(name: str | None) -> str | None:
    """Return the codec for the name of a charset, or None for an unknown name."""
    if not name or len(name) > _MAX_NAME_LENGTH:
        return None
    plain = name.strip().lower()
    return _ALIASES.get(plain) or web_encoding.resolve_encoding(plain)


def _detect_utf16_or_utf32(body: bytes) -> str:
    """Return the codec of UTF-16 or UTF-32 without a byte order mark, by the positions of the zero bytes."""
    head = body[:_PRESCAN_BYTES]
    zeros = [head[offset::4].count(0) for offset in range(4)]
    quarter = max(1, len(head) // 4)
    if zeros[1] + zeros[2] > 1.5 * quarter:
        return "utf-32-le" if zeros[3] > zeros[0] else "utf-32-be"
    return "utf-16-le" if zeros[1] + zeros[3] > zeros[0] + zeros[2] else "utf-16-be"
