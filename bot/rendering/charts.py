"""PNG charts of a topic's papers and votes. This module computes the layout; `trend.svg.j2` styles it.

resvg draws a chart in about 50 ms with the system's fonts. Without a Hangul font, months are written as
2025-11 and Korean text is left out. Without any fonts, the chart has no text.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import babel.dates
import resvg_py

from bot.rendering.templates import OutputFormat, Templates

if TYPE_CHECKING:
    from storage import trends


def draw_png(svg: str, width: int, fonts: Sequence[str] | None = None) -> bytes:
    """Draw an SVG as PNG with the system's fonts or only the given files. Raises ValueError if the SVG is invalid."""
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg, width=width, skip_system_fonts=fonts is not None, font_files=list(fonts or ())
        )
    )


WIDTH, HEIGHT = 800, 480
"""The size of the view box. A chart is 320 pixels wide on a phone, so letters of 40 units are 16 pixels high."""
PNG_WIDTH = 1200
"""In pixels: sharp on a phone and drawn in 50 ms."""
FONT_SIZE = 40
TEMPLATE = "trend.svg.j2"
FONT_FAMILIES = (
    "Noto Sans CJK KR, Noto Sans KR, Pretendard, Apple SD Gothic Neo, Malgun Gothic, NanumGothic, Nanum Gothic,"
    " UnDotum, DejaVu Sans, Liberation Sans, Arial, sans-serif"
)
_PLOT_TOP, _PLOT_BOTTOM, _MARGIN, _NARROW_MARGIN = 96, 372, 116, 36
_MAX_BAR_WIDTH, _BAR_WIDTH_RATIO = 64.0, 0.64
_MAX_LABELS, _MAX_DAY_LABELS = 6, 3
_MAX_STEPS = 4
_NICE = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
_CORNER_RADIUS = 4.0


class Chart(NamedTuple):
    """A chart with one column per month or, without `by_month`, per week or day.

    `labels` are the names of papers and votes as plain text. `is_last_partial` means that the last month has not ended.
    """

    columns: Sequence[trends.MonthCount]
    labels: tuple[str, str]
    locale: str
    is_last_partial: bool
    by_month: bool = True


class ChartRenderer:
    """Renders charts with the system's fonts or only the given font files."""

    def __init__(self, templates: Templates, fonts: Sequence[str] | None = None) -> None:
        self._templates = templates
        self._fonts = fonts

    def draw(self, chart: Chart) -> bytes:
        """Return a chart as a PNG of 1200 by 720 pixels. Call this in a thread, since reading fonts can take long.

        Raises ValueError if an operator's template is not valid SVG.
        """
        return draw_png(self.render_svg(chart, hangul=self.has_hangul), PNG_WIDTH, self._fonts)

    def render_svg(self, chart: Chart, *, hangul: bool) -> str:
        """Return a chart as SVG. `hangul` states whether its viewer has a Hangul font."""
        values = _layout(chart, hangul)
        papers_label, votes_label = (
            "" if _has_missing_glyphs(label, hangul) else label for label in chart.labels
        )
        # The label for votes ends at the right edge.
        legend_width = FONT_SIZE * sum(
            0.95 if unicodedata.east_asian_width(letter) in "WF" else 0.58
            for letter in (votes_label if values["lines"] else "")
        )
        legend = round(WIDTH - 28 - legend_width, 1)
        values |= {"papers_label": papers_label, "votes_label": votes_label, "legend": legend}
        return self._templates.render_document(TEMPLATE, values, OutputFormat.XML)

    @cached_property
    def has_hangul(self) -> bool:
        """Whether the fonts support Hangul. If not, every syllable is drawn as the same missing glyph."""
        first, second = (draw_png(_GLYPH_PROBE.format(letter=letter), 40, self._fonts) for letter in "가각")
        return first != second


_GLYPH_PROBE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">'
    f'<text x="4" y="32" font-size="30" font-family="{FONT_FAMILIES}">{{letter}}</text></svg>'
)


def _layout(chart: Chart, hangul: bool) -> dict[str, object]:
    columns, locale = chart.columns, chart.locale
    with_votes = any(column.votes is not None for column in columns)
    left, right = _MARGIN, WIDTH - (_MARGIN if with_votes else _NARROW_MARGIN)
    slot = (right - left) / len(columns)
    centres = [left + slot * (index + 0.5) for index in range(len(columns))]
    steps, papers_top, votes_top = _axis_scales(columns)
    lines = _vote_lines(columns, centres, votes_top)
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "fonts": FONT_FAMILIES,
        "size": FONT_SIZE,
        "left": left,
        "right": right,
        "floor": _PLOT_BOTTOM,
        "thin": len(columns) > 18,
        "ticks": _ticks(steps, papers_top, votes_top),
        "bars": _bars(columns, centres, slot, papers_top, chart.is_last_partial),
        "lines": [" ".join(f"{x:.1f},{y:.1f}" for x, y in line) for line in lines],
        "dots": [{"x": round(x, 1), "y": round(y, 1)} for line in lines for x, y in line],
        "labels": _labels(chart, centres, locale if hangul or locale != "ko" else None),
    }


def _bars(
    columns: Sequence[trends.MonthCount],
    centres: Sequence[float],
    slot: float,
    top: int,
    is_last_partial: bool,
) -> list[dict[str, object]]:
    width = min(slot * _BAR_WIDTH_RATIO, _MAX_BAR_WIDTH)
    bars: list[dict[str, object]] = []
    for column, centre in zip(columns, centres, strict=True):
        height = _PLOT_BOTTOM - _y_position(column.paper_count, top)
        if height > 0:
            corner = round(min(_CORNER_RADIUS, height, width / 2), 1)
            x = round(centre - width / 2, 1)
            bar = {"x": x, "width": round(width, 1), "height": round(height, 1), "corner": corner}
            bars.append({**bar, "faded": is_last_partial and column is columns[-1]})
    return bars


def _vote_lines(
    columns: Sequence[trends.MonthCount], centres: Sequence[float], top: int
) -> list[list[tuple[float, float]]]:
    """Return the points of each unbroken run of months with known votes. A month without papers has 0 votes."""
    lines: list[list[tuple[float, float]]] = [[]]
    if all(column.votes is None for column in columns):
        return []
    for column, centre in zip(columns, centres, strict=True):
        votes = 0 if column.votes is None and not column.paper_count else column.votes
        if votes is None:
            lines.append([])
        else:
            lines[-1].append((centre, _y_position(votes, top)))
    return [line for line in lines if line]


def _y_position(number: int, top: int) -> float:
    return _PLOT_BOTTOM - (_PLOT_BOTTOM - _PLOT_TOP) * number / top


def _axis_scales(columns: Sequence[trends.MonthCount]) -> tuple[int, int, int]:
    """Return the number of steps and the upper ends of both axes. The axes share their horizontal lines."""
    max_papers = max(1, *(column.paper_count for column in columns))
    max_votes = max(1, *(column.votes or 0 for column in columns))
    step = nice_ceiling(max_papers / _MAX_STEPS)
    steps = math.ceil(max_papers / step)
    return steps, steps * step, steps * nice_ceiling(max_votes / steps)


def nice_ceiling(number: float) -> int:
    """Round up a positive number to a round integer."""
    power = 10 ** max(0, math.floor(math.log10(number)))
    return next(
        int(factor * power) for factor in _NICE if factor * power >= number and factor * power % 1 == 0
    )


def _ticks(steps: int, papers_top: int, votes_top: int) -> list[dict[str, object]]:
    return [
        {
            "y": round(_y_position(index, steps), 1),
            "papers": _format_count(papers_top // steps * index),
            "votes": _format_count(votes_top // steps * index),
        }
        for index in range(steps + 1)
    ]


def _format_count(number: int) -> str:
    """Abbreviate a number: 950, 1.5k, 20k, 3M."""
    if number < 1000:
        return str(number)
    return f"{number / 1000:g}k" if number < 1_000_000 else f"{number / 1_000_000:g}M"


def _labels(chart: Chart, centres: Sequence[float], locale: str | None) -> list[dict[str, object]]:
    """Return the labels of months, or of some of the weeks or days (in Korean in the short form `11. 16.`).

    Each year appears below its first label. If there is no locale, labels look like `2025-11` or `11-16`.
    """
    dated = [(centre, column.starts_on) for centre, column in zip(centres, chart.columns, strict=True)]
    if chart.by_month:
        most = _MAX_LABELS if locale else _MAX_LABELS // 2
        every = next((every for every in (1, 2, 3, 6) if len(dated) <= every * most), 12)
        chosen = [(centre, day) for centre, day in dated if not (day.month - 1) % every]
        skeleton, plain = "MMM", "%Y-%m"
    else:
        every = -(-len(dated) // _MAX_DAY_LABELS)
        chosen = dated[every // 2 :: every]
        skeleton, plain = "Md" if locale == "ko" else "MMMd", "%m-%d"
    labels: list[dict[str, object]] = []
    year = 0
    for centre, day in chosen:
        name = babel.dates.format_skeleton(skeleton, day, locale=locale) if locale else f"{day:{plain}}"
        year_name = f"{day.year}" if locale and day.year != year else ""
        labels.append({"x": round(centre, 1), "month": name, "year": year_name})
        year = day.year
    return labels


def day_name(day: date, locale: str, *, with_year: bool = False) -> str:
    """Return a date in the given language: `2월 3일`, `2025년 2월 3일`; `Feb 3`, `Feb 3, 2025`."""
    name: str = babel.dates.format_skeleton("yMMMd" if with_year else "MMMd", day, locale=locale)
    return name


def month_name(month: date, locale: str, *, with_year: bool = False) -> str:
    """Return a month in the given language: `2월`, `2025년 2월`; `Feb`, `Feb 2025`."""
    name: str = babel.dates.format_skeleton("yMMM" if with_year else "MMM", month, locale=locale)
    return name


def _has_missing_glyphs(text: str, hangul: bool) -> bool:
    """Return whether the fonts may lack glyphs for a text: letters that are not Latin, or Hangul without a Hangul font."""
    return any(
        not ("\uac00" <= letter <= "\ud7a3" and hangul)
        and ord(letter) >= 0x250
        and not unicodedata.category(letter).startswith(("P", "Z"))
        for letter in text
    )
