"""Covers: deterministic, small and shaped as SimCord's page wants them."""

from __future__ import annotations

import io
import time

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.demo import covers
from storage import models


def entry(arxiv_id: str, thumbnail: str | None) -> models.Entry:
    return models.Entry(
        rank=1,
        arxiv_id=arxiv_id,
        title="A Paper",
        url=f"https://arxiv.org/abs/{arxiv_id}",
        thumbnail=thumbnail,
    )


@given(st.text(max_size=20), st.text(max_size=200))
def test_any_id_and_title_give_a_png_of_the_promised_size(arxiv_id: str, title: str) -> None:
    with Image.open(io.BytesIO(covers.draw_cover(arxiv_id, title))) as picture:
        assert (picture.format, picture.size) == ("PNG", covers.SIZE)


def test_the_same_paper_always_gets_the_same_cover() -> None:
    assert covers.draw_cover("2502.02737", "SmolLM2") == covers.draw_cover("2502.02737", "SmolLM2")


def test_different_papers_get_different_covers() -> None:
    pictures = {covers.draw_cover(f"2501.{number:05}", "One title") for number in range(60)}
    assert len(pictures) == 60


def test_every_cover_shows_the_accent_colour() -> None:
    for number in range(60):
        with Image.open(io.BytesIO(covers.draw_cover(f"2501.{number:05}", ""))) as picture:
            data = picture.convert("RGB").tobytes()
        colours = set(zip(data[::3], data[1::3], data[2::3], strict=True))
        nearest = min(
            max(abs(a - b) for a, b in zip(colour, covers.ACCENT, strict=True)) for colour in colours
        )
        assert nearest <= 12


def test_covers_are_given_by_thumbnail_address_and_only_where_there_is_one() -> None:
    address = "https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/2502.02737.png"
    drawn = covers.draw_covers([entry("2502.02737", address), entry("2501.19393", None)])
    assert drawn == {address: ("2502.02737.png", covers.draw_cover("2502.02737", "A Paper"))}


def test_a_cover_is_small_and_quick_to_draw() -> None:
    started = time.perf_counter()
    sizes = [len(covers.draw_cover(f"2501.{number:05}", "")) for number in range(50)]
    assert max(sizes) < 20_000
    assert (time.perf_counter() - started) / 50 < 0.05
