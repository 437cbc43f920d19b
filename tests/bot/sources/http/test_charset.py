"""Text comes out of bytes as it was written, whoever names its charset wrongly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sources.http import charset, errors

KOREAN = "# 오늘의 논문\n\n소형 언어 모델이 긴 문서를 읽는 방법 (2025-05-06)\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-8"])
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")))
def test_a_mark_at_the_beginning_decides(encoding: str, text: str) -> None:
    assert charset.decode_text(text.encode(encoding), "iso-8859-1" if encoding != "utf-8" else None) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "text", [KOREAN, "plain Latin letters, line one\nline two\n", '<?xml version="1.0"?><rss/>']
)
def test_wide_letters_without_a_mark_are_told_by_their_zeros(encoding: str, text: str) -> None:
    assert charset.decode_text(text.encode(encoding)) == text


@pytest.mark.parametrize(
    "declared", ["euc-kr", "EUC-KR", "ks_c_5601-1987", "cp949", "windows-949", None, "utf-8", "nonsense"]
)
def test_korean_of_old_servers_is_read_with_and_without_its_name(declared: str | None) -> None:
    assert charset.decode_text(KOREAN.encode("euc-kr"), declared) == KOREAN


@pytest.mark.parametrize("declared", ["iso-8859-1", "windows-1252", "us-ascii", "utf-16", None])
def test_utf_8_is_believed_before_a_charset_that_fits_anything(declared: str | None) -> None:
    assert charset.decode_text(KOREAN.encode(), declared) == KOREAN


@pytest.mark.parametrize("name", ["euc-kr", "shift_jis", "iso-8859-2", "gb2312", "koi8-r"])
def test_a_document_may_name_its_own_charset(name: str) -> None:
    text = {
        "euc-kr": "논문",
        "shift_jis": "論文のまとめ",
        "iso-8859-2": "Łódź",
        "gb2312": "论文",
        "koi8-r": "статьи",
    }[name]
    xml = f'<?xml version="1.0" encoding="{name}"?><rss><title>{text}</title></rss>'
    html = f"<html><head><META charset={name}><title>{text}</title>"
    assert charset.decode_text(xml.encode(name)) == xml
    assert charset.decode_text(html.encode(name)) == html


def test_a_server_that_names_latin_1_is_taken_at_its_word_where_it_can_be() -> None:
    assert charset.decode_text("Andrés Marafioti".encode("latin-1"), "iso-8859-1") == "Andrés Marafioti"


@pytest.mark.parametrize(
    "body", [b"a digest \xff\xfe\xfd of nothing", b"\xff\xfe\x00", "논문".encode()[:-1] + b"\x80\xff"]
)
def test_bytes_that_are_no_letters_are_named_and_not_replaced(body: bytes) -> None:
    with pytest.raises(errors.FetchError, match="cannot be read"):
        charset.decode_text(body)


@pytest.mark.parametrize(
    "name", ["unicode_escape", "punycode", "idna", "zip", "rot13", "utf-7", "x" * 9000, "\0", "é"]
)
def test_a_name_that_is_no_charset_of_the_web_is_ignored(name: str) -> None:
    assert charset.decode_text(b"caf\\u00e9 xn--bcher-kva", name) == "caf\\u00e9 xn--bcher-kva"


@given(
    st.binary(max_size=400),
    st.sampled_from([None, "utf-8", "euc-kr", "utf-16", "utf-32", "latin-1", "iso-2022-kr"]),
)
def test_any_bytes_end_in_text_or_in_a_reason(body: bytes, declared: str | None) -> None:
    try:
        text = charset.decode_text(body, declared)
    except errors.FetchError:
        return
    assert isinstance(text, str)
