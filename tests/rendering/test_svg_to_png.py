"""A picture drawn in a process of its own is the same as one drawn in this process."""

from __future__ import annotations

import sys

import pytest

from bot.rendering import charts

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">'
    '<rect width="20" height="10" fill="red"/><text x="2" y="30">가 a</text></svg>'
)


def test_both_ways_draw_the_same_picture() -> None:
    drawn = charts.draw_png(SVG, 80)
    assert drawn.startswith(b"\x89PNG")
    assert charts.draw_png_in_process(SVG, 80) == drawn
    assert charts.draw_png_in_process(SVG, 80, []) == charts.draw_png(SVG, 80, [])


def test_an_invalid_svg_is_an_error_in_both_ways() -> None:
    for draw in (charts.draw_png, charts.draw_png_in_process):
        with pytest.raises(ValueError, match="root node"):
            draw("<svg", 80)


def test_without_a_process_it_is_drawn_in_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert charts.draw_png_in_process(SVG, 80) == charts.draw_png(SVG, 80)
