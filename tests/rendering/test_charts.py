"""Trend charts: labels, axes, lines and missing fonts."""

import io
import re
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.rendering import charts
from bot.rendering.templates import Templates
from storage import trends

LATIN = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


def _columns(number: int, *, end: tuple[int, int] = (2026, 1)) -> list[trends.MonthCount]:
    columns = []
    for index in range(number):
        months = end[0] * 12 + end[1] - 1 - (number - 1 - index)
        month = date(months // 12, months % 12 + 1, 1)
        columns.append(trends.MonthCount(month, index % 7, index * 9))
    return columns


def _chart(columns: list[trends.MonthCount], locale: str = "en") -> charts.Chart:
    label = "논문" if locale == "ko" else "Papers"
    return charts.Chart(columns, label, locale, is_last_partial=True, by_month=True)


def _texts(svg: str) -> list[str]:
    found = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return [element.text or "" for element in found]


def _svg(chart: charts.Chart, fonts: Sequence[str] | None = ()) -> str:
    """Return a chart as SVG, by default without fonts, since loading the system's fonts takes most of the time."""
    renderer = charts.ChartRenderer(Templates(None), fonts)
    return renderer.render_svg(chart, hangul=renderer.has_hangul)


@pytest.fixture(scope="module")
def has_hangul() -> bool:
    return charts.ChartRenderer(Templates(None)).has_hangul


def test_a_chart_is_a_png_in_the_template_colours() -> None:
    image = Image.open(io.BytesIO(charts.ChartRenderer(Templates(None)).draw(_chart(_columns(12)))))
    assert (image.format, image.size) == ("PNG", (1200, 720))
    colours = {colour: number for number, colour in image.convert("RGB").getcolors(1 << 24) or ()}
    assert max(colours, key=lambda colour: colours[colour]) == (0x2B, 0x2D, 0x31)
    assert colours[0xF4, 0xB4, 0x00] > 10_000


def test_months_have_names_in_the_readers_language(has_hangul: bool) -> None:
    assert {"Papers", "Mar", "2025", "Jan", "2026"} <= set(_texts(_svg(_chart(_columns(12)))))
    if has_hangul:
        assert {"논문", "3월", "2025", "1월", "2026"} <= set(_texts(_svg(_chart(_columns(12), "ko"), None)))


@pytest.mark.skipif(not LATIN.exists(), reason="needs a font without Hangul")
def test_months_are_shown_as_numbers_without_a_hangul_font() -> None:
    texts = _texts(_svg(_chart(_columns(12), "ko"), [str(LATIN)]))
    assert "2025-07" in texts
    assert not [text for text in texts if re.search("[가-힣]", text)]


@pytest.mark.parametrize(
    ("locale", "names"),
    [
        ("en", ["Dec 27", "2024", "Jan 3", "2025", "Jan 10"]),
        ("ko", ["12. 27.", "2024", "1. 3.", "2025", "1. 10."]),
    ],
)
def test_at_most_three_weeks_or_days_are_labelled(locale: str, names: list[str]) -> None:
    first = date(2024, 12, 24)
    columns = [trends.MonthCount(first + timedelta(days=day), 3, None) for day in range(21)]
    chart = charts.Chart(columns, "Papers", locale, is_last_partial=False, by_month=False)
    plain = names if locale == "en" else ["12-27", "01-03", "01-10"]
    for hangul, expected in ((True, names), (False, plain)):
        texts = _texts(charts.ChartRenderer(Templates(None)).render_svg(chart, hangul=hangul))
        assert [text for text in texts if re.search("[A-Z][a-z]{2} |[0-9]{4}|[.-]", text)] == expected


@settings(max_examples=10)
@given(
    locale=st.sampled_from(["en", "ko"]),
    months=st.lists(
        st.tuples(st.integers(0, 10**7), st.none() | st.integers(0, 10**9)), min_size=1, max_size=60
    ),
)
def test_any_numbers_can_be_drawn(locale: str, months: list[tuple[int, int | None]]) -> None:
    columns = [
        trends.MonthCount(column.starts_on, papers, votes)
        for column, (papers, votes) in zip(_columns(len(months)), months, strict=True)
    ]
    charts.ChartRenderer(Templates(None), []).draw(_chart(columns, locale))


def test_an_invalid_svg_is_an_error() -> None:
    with pytest.raises(ValueError, match="root node"):
        charts.draw_png("<svg", 80, ())
