"""PNG charts of a topic's papers. This module computes the layout; `trend.svg.j2` styles it.

resvg draws a chart in about 50 ms with the system's fonts. Without a Hangul font, months are written as
2025-11 and Korean text is left out. Without any fonts, the chart has no text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import babel.dates
import resvg_py

from bot.rendering.templates import OutputFormat, Templates

if TYPE_CHECKING:
    from storage import trends


def draw_png(svg: str, width: int, fonts: Sequence[str] | None) -> bytes:
    """Draw an SVG as PNG with the system's fonts or only the given files. Raises ValueError if the SVG is invalid."""
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg, width=width, skip_system_fonts=fonts is not None, font_files=list(fonts or ())
        )
    )


WIDTH, HEIGHT = 800, 480
"""The size of the view box. A chart is 320 pixels wide on a phone, so letters of 32 units are 13 pixels high."""
PNG_WIDTH = 1200
"""In pixels: sharp on a phone and drawn in 50 ms."""
FONT_SIZE = 32
TEMPLATE = "trend.svg.j2"
FONT_FAMILIES = (
    "Noto Sans CJK KR, Noto Sans KR, Pretendard, Apple SD Gothic Neo, Malgun Gothic, NanumGothic, Nanum Gothic,"
    " UnDotum, DejaVu Sans, Liberation Sans, Arial, sans-serif"
)
_PLOT_TOP, _PLOT_BOTTOM, _LEFT, _RIGHT = 88, 388, 96, WIDTH - 36
_MAX_BAR_WIDTH, _BAR_WIDTH_RATIO = 64.0, 0.64
_MAX_LABELS, _MAX_DAY_LABELS = 6, 3
_MAX_STEPS = 4
_NICE = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
_CORNER_RADIUS = 4.0


class Chart(NamedTuple):
    """A chart with one column per month or, without `by_month`, per week or day.

    `label` is the name of papers as plain text. `is_last_partial` means that the last month has not ended.
    """

    columns: Sequence[trends.MonthCount]
    label: str
    locale: str
    is_last_partial: bool
    by_month: bool


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
        values["label"] = chart.label if hangul or chart.locale != "ko" else ""
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
    slot = (_RIGHT - _LEFT) / len(columns)
    centres = [_LEFT + slot * (index + 0.5) for index in range(len(columns))]
    steps, top = _axis_scale(columns)
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "fonts": FONT_FAMILIES,
        "size": FONT_SIZE,
        "left": _LEFT,
        "right": _RIGHT,
        "floor": _PLOT_BOTTOM,
        "ticks": [
            {"y": round(_y_position(index, steps), 1), "papers": _format_count(top // steps * index)}
            for index in range(steps + 1)
        ],
        "bars": _bars(columns, centres, slot, top, chart.is_last_partial),
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


def _y_position(number: int, top: int) -> float:
    return _PLOT_BOTTOM - (_PLOT_BOTTOM - _PLOT_TOP) * number / top


def _axis_scale(columns: Sequence[trends.MonthCount]) -> tuple[int, int]:
    """Return the number of steps and the upper end of the axis."""
    most = max(1, *(column.paper_count for column in columns))
    step = nice_ceiling(most / _MAX_STEPS)
    steps = math.ceil(most / step)
    return steps, steps * step


def nice_ceiling(number: float) -> int:
    """Round up a positive number to a round integer."""
    power = 10 ** max(0, math.floor(math.log10(number)))
    return next(
        int(factor * power) for factor in _NICE if factor * power >= number and factor * power % 1 == 0
    )


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


def date_name(day: date, locale: str, *, is_month: bool, with_year: bool) -> str:
    """Return a date or a month in the given language: `2월 3일`, `2025년 2월 3일`; `Feb 3`, `Feb 3, 2025`; `Feb 2025`."""
    skeleton = f"{'y' * with_year}MMM{'d' * (not is_month)}"
    name: str = babel.dates.format_skeleton(skeleton, day, locale=locale)
    return name
