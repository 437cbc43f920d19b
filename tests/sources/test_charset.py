"""Decoding bodies whose charset is declared rightly, wrongly or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sources import fetch_errors, fetcher

KOREAN = "# 오늘의 논문\n\n소형 언어 모델이 긴 문서를 읽는 방법 (2025-05-06)\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-8"])
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")))
def test_the_byte_order_mark_decides(encoding: str, text: str) -> None:
    assert fetcher.decode_text(text.encode(encoding), "iso-8859-1" if encoding != "utf-8" else None) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "text", [KOREAN, "plain Latin letters, line one\nline two\n", '<?xml version="1.0"?><rss/>']
)
def test_utf_16_and_utf_32_without_a_mark_are_detected(encoding: str, text: str) -> None:
    assert fetcher.decode_text(text.encode(encoding)) == text


@pytest.mark.parametrize(
    "declared", ["euc-kr", "EUC-KR", "ks_c_5601-1987", "cp949", "windows-949", None, "utf-8", "nonsense"]
)
def test_euc_kr_is_decoded_whether_declared_or_not(declared: str | None) -> None:
    assert fetcher.decode_text(KOREAN.encode("euc-kr"), declared) == KOREAN


@pytest.mark.parametrize("declared", ["iso-8859-1", "windows-1252", "us-ascii", "utf-16", None])
def test_utf_8_wins_over_a_one_byte_charset(declared: str | None) -> None:
    assert fetcher.decode_text(KOREAN.encode(), declared) == KOREAN


@pytest.mark.parametrize("name", ["euc-kr", "shift_jis", "iso-8859-2", "gb2312", "koi8-r"])
def test_the_charset_declared_in_the_document_is_used(name: str) -> None:
    text = {
        "euc-kr": "논문",
        "shift_jis": "論文のまとめ",
        "iso-8859-2": "Łódź",
        "gb2312": "论文",
        "koi8-r": "статьи",
    }[name]
    xml = f'<?xml version="1.0" encoding="{name}"?><rss><title>{text}</title></rss>'
    html = f"<html><head><META charset={name}><title>{text}</title>"
    assert fetcher.decode_text(xml.encode(name)) == xml
    assert fetcher.decode_text(html.encode(name)) == html


def test_declared_latin_1_is_used_for_bytes_that_are_not_utf_8() -> None:
    assert fetcher.decode_text("Andrés Marafioti".encode("latin-1"), "iso-8859-1") == "Andrés Marafioti"


@pytest.mark.parametrize(
    "body", [b"a digest \xff\xfe\xfd of nothing", b"\xff\xfe\x00", "논문".encode()[:-1] + b"\x80\xff"]
)
def test_undecodable_bytes_are_an_error(body: bytes) -> None:
    with pytest.raises(fetch_errors.FetchError, match="cannot be read"):
        fetcher.decode_text(body)


@pytest.mark.parametrize(
    "name", ["unicode_escape", "punycode", "idna", "zip", "rot13", "utf-7", "x" * 9000, "\0", "é"]
)
def test_an_unknown_charset_is_ignored(name: str) -> None:
    assert fetcher.decode_text(b"caf\\u00e9 xn--bcher-kva", name) == "caf\\u00e9 xn--bcher-kva"


@given(
    st.binary(max_size=400),
    st.sampled_from([None, "utf-8", "euc-kr", "utf-16", "utf-32", "latin-1", "iso-2022-kr"]),
)
def test_any_bytes_give_text_or_an_error(body: bytes, declared: str | None) -> None:
    try:
        text = fetcher.decode_text(body, declared)
    except fetch_errors.FetchError:
        return
    assert isinstance(text, str)
