"""The charsets of texts: the same for a file, a page and an import."""

from collections.abc import Callable

import pytest

from bot.archive import parse, references
from bot.sources import base
from bot.text import charsets

KOREAN = "## Daily Papers (2025-05-06)\n\n- 소형 언어 모델이 긴 문서를 읽는 방법 https://arxiv.org/abs/2505.00001\n"
FRENCH = "## Daily Papers (2025-05-06)\n\n- L’état de l’art, décrit par Müller – https://arxiv.org/abs/2505.00001\n"


@pytest.mark.parametrize("read", [parse.decode, lambda body: base.decode_text(body, None), references.decode])
@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (KOREAN, "utf-8"),
        (KOREAN, "utf-8-sig"),
        (KOREAN, "cp949"),
        (KOREAN, "utf-16"),
        (KOREAN, "utf-16-le"),
        (KOREAN, "utf-16-be"),
        (KOREAN, "utf-32"),
        (FRENCH, "cp1252"),
        (FRENCH, "utf-16-le"),
        ("논문 3편\n", "utf-16-le"),
    ],
)
def test_a_text_is_the_same_from_anywhere(read: Callable[[bytes], str], text: str, encoding: str) -> None:
    assert read(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("text", "encoding", "declared"),
    [
        *((KOREAN, "euc-kr", name) for name in ("ks_c_5601-1987", "windows-949", "utf-8", "nonsense")),
        *((KOREAN, "utf-8", name) for name in ("iso-8859-1", "us-ascii", "utf-16")),
        *((KOREAN, encoding, "iso-8859-1") for encoding in ("utf-8-sig", "utf-16", "utf-32")),
        ("Andrés Marafioti", "latin-1", "iso-8859-1"),
        ('<?xml version="1.0" encoding="shift_jis"?><title>論文のまとめ</title>', "shift_jis", None),
        ("<html><head><META charset=iso-8859-2><title>Łódź</title>", "iso-8859-2", None),
        *(
            (text, encoding, declared)
            for declared in (None, "utf-8")
            for text, encoding in (
                ('<?xml version="1.0" encoding="utf-8"?><title>It’s a ship’s model</title>', "cp1252"),
                ("“Attention” – naïve Bayes for £50, Müller says…", "cp1252"),
                ("Łódź i Kraków są pięknymi miastami w Polsce", "iso-8859-2"),
                ("Малые языковые модели читают длинные тексты", "cp1251"),
                ("論文のまとめ：小さな言語モデルについて", "shift_jis"),
            )
        ),
    ],
)
def test_a_page_is_in_the_charset_of_its_mark_in_utf_8_as_declared_or_as_detected(
    text: str, encoding: str, declared: str | None
) -> None:
    assert base.decode_text(text.encode(encoding), declared) == text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        *((body, "binary") for body in (
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"PK\3\4" + bytes(range(256)) * 9, b"\1\0\2\0\3\0\4\0\5\0\6\0\7\0" * 9,
        )),
        *((body, "not UTF-8") for body in (
            "Müller’s naïve café".encode()[:-1], "논문".encode()[:-1] + b"\x80\xff", bytes(range(0x80, 0x100)),
        )),
        (KOREAN.encode("utf-16-le")[:-1], "it is"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_in_no_charset(body: bytes, words: str) -> None:
    with pytest.raises(charsets.UndecodableError, match=words):
        charsets.decode(body)
    with pytest.raises(base.FetchError, match="cannot be decoded"):
        base.decode_text(body, None)
