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
def test_a_text_is_the_same_from_a_file_a_page_and_an_import(
    read: Callable[[bytes], str], text: str, encoding: str
) -> None:
    assert read(text.encode(encoding)) == text


@pytest.mark.parametrize(
    "body",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"PK\3\4" + bytes(range(256)) * 9,
        b"\1\0\2\0\3\0\4\0\5\0\6\0\7\0" * 9,
    ],
)
def test_what_is_not_text_is_in_no_charset(body: bytes) -> None:
    with pytest.raises(charsets.UndecodableError, match="binary"):
        charsets.decode(body)
