"""Bytes to text: by byte order mark, by what the server or the document says, and by what the bytes can only be."""

from __future__ import annotations

import codecs
import re

from bot.sources.http import errors

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# cp949 holds all of EUC-KR and what Korean Windows writes besides; web browsers read the two alike.
_CODEC_ALIASES = {
    "euc_kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "windows-949": "cp949",
    "x-windows-949": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-1": "cp1252",
    "shift_jis": "cp932",
    "ascii": "utf-8",
}
_UNICODE = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
_EAST_ASIAN = ("cp949", "johab", "iso2022_kr", "euc_jp", "cp932", "iso2022_jp", "gb18030", "big5", "hz")
_MULTI_BYTE = frozenset({*_UNICODE, *_EAST_ASIAN})
_SINGLE_BYTE = frozenset(
    [
        "koi8-r",
        "koi8-u",
        *(f"cp{page}" for page in range(1250, 1259)),
        *(f"iso8859-{n}" for n in range(2, 17)),
    ]
)
_XML_ENCODING = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s{0,9}=\s{0,9}["']([A-Za-z0-9._:-]{1,40})["']""")
_META_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}["']?([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE
)
_PRESCAN_BYTES = 4096


def decode_text(body: bytes, declared: str | None = None) -> str:
    """Return the text of `body` without its byte order mark; `declared` is the server's charset.

    A name is believed only where the bytes agree with it. Valid UTF-8 beats a declared one-byte charset, which would
    fit anything. Raises FetchError where nothing fits: no letter is guessed and none is dropped.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return _decode(body[len(mark) :], [encoding])
    names = [name for name in (_resolve_codec(declared), _resolve_codec(_declared_in_document(body))) if name]
    if b"\0" in body[:_PRESCAN_BYTES]:
        return _decode(body, [_detect_utf16_or_utf32(body)])
    if {"utf-16", "utf-32"} & {name[:6] for name in names}:
        names = ["utf-16-le", "utf-16-be"]
    many = [name for name in names if name in _MULTI_BYTE]
    one = [name for name in names if name in _SINGLE_BYTE]
    return _decode(body, [*many, "utf-8", *one, "cp949"])


def _decode(body: bytes, encodings: list[str]) -> str:
    for encoding in encodings:
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise errors.FetchError(f"its letters cannot be read: they are not {encodings[0]}")


def _resolve_codec(name: str | None) -> str | None:
    """Return the codec for a charset's name, from a closed list: some of Python's codecs are slow or no charsets."""
    if not name or len(name) > 40:
        return None
    plain = name.strip().lower()
    try:
        plain = _CODEC_ALIASES.get(plain) or codecs.lookup(plain).name
    except (LookupError, ValueError):
        return None
    plain = _CODEC_ALIASES.get(plain, plain)
    return plain if plain in _MULTI_BYTE | _SINGLE_BYTE else None


def _declared_in_document(body: bytes) -> str | None:
    """Return the charset that an XML declaration or an HTML meta element names."""
    found = _XML_ENCODING.search(body, 0, _PRESCAN_BYTES) or _META_CHARSET.search(body, 0, _PRESCAN_BYTES)
    return found.group(1).decode("ascii") if found else None


def _detect_utf16_or_utf32(body: bytes) -> str:
    """Tell UTF-16 and UTF-32 without a mark apart by where the zero bytes of their Latin letters stand."""
    head = body[:_PRESCAN_BYTES]
    zeros = [head[offset::4].count(0) for offset in range(4)]
    quarter = max(1, len(head) // 4)
    if zeros[1] + zeros[2] > 1.5 * quarter:
        return "utf-32-le" if zeros[3] > zeros[0] else "utf-32-be"
    return "utf-16-le" if zeros[1] + zeros[3] > zeros[0] + zeros[2] else "utf-16-be"
