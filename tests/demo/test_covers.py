"""Covers are small pictures of one size, and are assigned as SimCord's page expects them."""

from __future__ import annotations

import io

from PIL import Image

from bot.demo import sample_digests
from storage import models

ACCENT = (0xF4, 0xB4, 0x00)


def entry(arxiv_id: str, thumbnail: str | None) -> models.Entry:
    return models.Entry(
        rank=1,
        arxiv_id=arxiv_id,
        title="A Paper",
        url=f"https://arxiv.org/abs/{arxiv_id}",
        thumbnail=thumbnail,
    )


def test_a_cover_is_a_small_png_in_thumbnail_size_that_shows_the_accent_colour() -> None:
    for cover in sample_digests.load_covers():
        assert len(cover) < 12_000
        with Image.open(io.BytesIO(cover)) as picture:
            assert (picture.format, picture.size) == ("PNG", (320, 172))
            data = picture.convert("RGB").tobytes()
        colours = set(zip(data[::3], data[1::3], data[2::3], strict=True))
        nearest = min(max(abs(a - b) for a, b in zip(colour, ACCENT, strict=True)) for colour in colours)
        assert nearest <= 12


def test_neighbouring_papers_get_different_covers() -> None:
    entries = [entry(f"2501.{number:05}", f"https://example.org/{number}.png") for number in range(60)]
    pictures = [cover for _, cover in sample_digests.assign_covers(entries).values()]
    count = len(sample_digests.load_covers())
    assert count == 8
    assert all(len(set(pictures[start : start + count])) == count for start in range(60 - count))


def test_covers_are_assigned_by_thumbnail_url_and_only_where_there_is_one() -> None:
    url = "https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/2502.02737.png"
    assigned = sample_digests.assign_covers([entry("2502.02737", url), entry("2501.19393", None)])
    assert assigned == {url: ("2502.02737.png", sample_digests.load_covers()[0])}
