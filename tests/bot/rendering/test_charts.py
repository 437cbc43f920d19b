"""The trend chart is a PNG for any numbers, texts and fonts."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.rendering import charts
from bot.rendering.wording import templates
from bot.rendering.wording.templates import Templates
from storage import trends

LATIN = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


def _columns(number: int, *, votes: bool = True, end: tuple[int, int] = (2026, 1)) -> list[trends.MonthCount]:
    columns = []
    for index in range(number):
        months = end[0] * 12 + end[1] - 1 - (number - 1 - index)
        month = date(months // 12, months % 12 + 1, 1)
        columns.append(trends.MonthCount(month, index % 7, index * 9 if votes else None))
    return columns


def _draw(
    renderer: charts.ChartRenderer,
    columns: list[trends.MonthCount],
    title: str = "language model",
    locale: str = "en",
) -> bytes:
    labels = ("논문", "표") if locale == "ko" else ("Papers", "Votes")
    return renderer.draw(columns, title=title, labels=labels, locale=locale, is_last_partial=True)


class RecordingTemplates(Templates):
    """Records the rendered SVG."""

    svg = ""

    def render_document(
        self,
        file: str,
        values: Mapping[str, object],
        output_format: templates.OutputFormat = templates.OutputFormat.DOCUMENT,
    ) -> str:
        """Render and record the document."""
        self.svg = super().render_document(file, values, output_format)
        return self.svg


def _texts(svg: str) -> list[str]:
    return [
        element.text or "" for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    ]


def _svg(
    columns: list[trends.MonthCount],
    title: str = "language model",
    locale: str = "en",
    fonts: list[str] | None = None,
) -> str:
    recording = RecordingTemplates()
    _draw(charts.ChartRenderer(recording, fonts), columns, title, locale)
    return recording.svg


@pytest.fixture(scope="module")
def has_hangul() -> bool:
    return charts.ChartRenderer(Templates()).has_hangul


def test_a_chart_is_a_png_in_the_projects_colours() -> None:
    image = Image.open(io.BytesIO(_draw(charts.ChartRenderer(Templates()), _columns(12))))
    assert (image.format, image.size) == ("PNG", (1200, 600))
    colours = {colour: number for number, colour in image.convert("RGB").getcolors(1 << 24) or ()}
    assert max(colours, key=lambda colour: colours[colour]) == (0x2B, 0x2D, 0x31)
    assert colours[0xF4, 0xB4, 0x00] > 10_000


def test_months_are_named_in_the_readers_language(has_hangul: bool) -> None:
    assert {"Papers", "Votes", "language model", "Feb", "2025", "Jan", "2026"} <= set(
        _texts(_svg(_columns(12)))
    )
    if has_hangul:
        korean = _texts(_svg(_columns(12), "강화 학습", "ko"))
        assert {"논문", "표", "강화 학습", "2월", "2025년", "1월", "2026년"} <= set(korean)


@pytest.mark.skipif(not LATIN.exists(), reason="needs a font without Hangul")
def test_without_a_font_for_hangul_months_are_numbers() -> None:
    texts = _texts(_svg(_columns(12), "강화 학습", "ko", [str(LATIN)]))
    assert "2025-11" in texts
    assert not [text for text in texts if re.search("[가-힣]", text)]


def test_a_chart_is_drawn_without_any_font() -> None:
    picture = _draw(charts.ChartRenderer(Templates(), []), _columns(12), locale="ko")
    colours = Image.open(io.BytesIO(picture)).convert("RGB").getcolors(1 << 24)
    assert (0xF4, 0xB4, 0x00) in {colour for _, colour in colours or ()}


def test_markup_in_a_topic_is_text() -> None:
    title = "<b>&\"'</svg>"
    assert title in _texts(_svg(_columns(3), title))


def test_a_long_topic_is_shortened_and_one_without_glyphs_is_left_out() -> None:
    (long,) = [text for text in _texts(_svg(_columns(3), "language model " * 9)) if "lang" in text]
    assert long.endswith("…")
    assert "😀 robots" not in _texts(_svg(_columns(3), "😀 robots"))


def test_the_names_of_many_months_are_spaced() -> None:
    for number, most in ((6, 6), (12, 12), (13, 12), (24, 12), (60, 12)):
        svg = _svg(_columns(number))
        named = [
            text
            for text in _texts(svg)
            if text in {charts.month_name(date(2025, m, 1), "en") for m in range(1, 13)}
        ]
        assert 1 <= len(named) <= most


def test_without_votes_there_is_no_line_and_no_second_axis() -> None:
    svg = _svg(_columns(6, votes=False))
    assert "polyline" not in svg
    assert "Votes" not in _texts(svg)


def test_unknown_votes_leave_a_gap_in_the_line() -> None:
    columns = _columns(12)
    columns[5] = trends.MonthCount(columns[5].starts_on, 3, None)
    assert _svg(columns).count("<polyline") == 2 * 2  # each run of months with its outline


def test_a_chart_without_columns_is_rejected() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        _draw(charts.ChartRenderer(Templates()), [])


@given(st.floats(0.001, 1e9))
def test_steps_are_round_integers(number: float) -> None:
    step = charts.nice_ceiling(number)
    assert number <= step
    assert step <= max(1, 2 * number)
    assert re.fullmatch(r"(1|2|3|4|5|6|8|15|25)0*", str(step))


@settings(max_examples=25)
@given(
    title=st.text(max_size=400),
    locale=st.sampled_from(["en", "ko"]),
    months=st.lists(
        st.tuples(st.integers(0, 10**7), st.none() | st.integers(0, 10**9)), min_size=1, max_size=60
    ),
)
def test_any_numbers_and_any_topic_can_be_drawn(
    title: str, locale: str, months: list[tuple[int, int | None]]
) -> None:
    columns = [
        trends.MonthCount(column.starts_on, papers, votes)
        for column, (papers, votes) in zip(_columns(len(months)), months, strict=True)
    ]
    ElementTree.fromstring(_svg(columns, title, locale, []))
