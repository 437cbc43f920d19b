"""Draws the small covers that stand in for papers' thumbnails on the demo page. Nothing is fetched.

The same paper always gets the same picture: pattern, colours and accent follow from its id and title.
"""

from __future__ import annotations

import colorsys
import hashlib
import io
import random
from collections.abc import Callable, Iterable
from typing import NamedTuple

from PIL import Image, ImageDraw

from storage import models

SIZE = (320, 172)
"""Width and height in pixels, in the proportions of Hugging Face's own thumbnails (1200 by 648)."""

ACCENT = (0xF4, 0xB4, 0x00)
HUES = (0.60, 0.55, 0.50, 0.43, 0.66, 0.72, 0.95)
OVERSAMPLING = 2

Colour = tuple[int, int, int]


class Palette(NamedTuple):
    """A ground and three tones of one hue, dark to light."""

    ground: Colour
    low: Colour
    middle: Colour
    high: Colour


def draw_cover(arxiv_id: str, title: str) -> bytes:
    """Return a PNG of `SIZE` for this paper; equal arguments give equal bytes."""
    digest = hashlib.sha256(f"{arxiv_id}\n{title}".encode()).digest()
    dice = random.Random(digest)
    palette = _palette(dice)
    width, height = (side * OVERSAMPLING for side in SIZE)
    image = Image.new("RGB", (width, height), palette.ground)
    pattern = dice.choice(PATTERNS)
    pattern(ImageDraw.Draw(image), palette, dice, width, height)
    file = io.BytesIO()
    image.reduce(OVERSAMPLING).quantize(64, Image.Quantize.FASTOCTREE).save(file, "PNG", compress_level=6)
    return file.getvalue()


def draw_covers(entries: Iterable[models.Entry]) -> dict[str, tuple[str, bytes]]:
    """Map each entry's thumbnail URL to (file name, PNG), the shape of SimCord's `assets`."""
    return {
        entry.thumbnail: (f"{entry.arxiv_id}.png", draw_cover(entry.arxiv_id, entry.title or ""))
        for entry in entries
        if entry.thumbnail is not None
    }


def _palette(dice: random.Random) -> Palette:
    hue = dice.choice(HUES)

    def tone(lightness: float, saturation: float) -> Colour:
        red, green, blue = colorsys.hls_to_rgb(hue, lightness, saturation)
        return round(red * 255), round(green * 255), round(blue * 255)

    if dice.random() < 0.5:
        return Palette(tone(0.16, 0.42), tone(0.25, 0.36), tone(0.40, 0.30), tone(0.68, 0.34))
    return Palette(tone(0.93, 0.34), tone(0.82, 0.34), tone(0.62, 0.32), tone(0.34, 0.38))


def _rings(draw: ImageDraw.ImageDraw, palette: Palette, dice: random.Random, width: int, height: int) -> None:
    x, y = width * dice.uniform(0.38, 0.62), height * dice.uniform(0.4, 1.0)
    tones = (palette.low, palette.ground, palette.middle, palette.ground)
    step = height // 7
    for index, radius in enumerate(range(step * 9, step, -step)):
        draw.circle((x, y), radius, tones[index % 4] if radius > step * 2 else palette.high)
    draw.circle((x, y), step, ACCENT)


def _tiles(draw: ImageDraw.ImageDraw, palette: Palette, dice: random.Random, width: int, height: int) -> None:
    side = height // 4
    columns = width // side + 1
    accent = (dice.randrange(columns // 2 - 2, columns // 2 + 2), dice.randrange(1, 3))
    for column in range(columns):
        for row in range(4):
            x, y = column * side, row * side
            corner = dice.choice(((0, 0), (side, 0), (0, side), (side, side)))
            colour = dice.choice((palette.low, palette.low, palette.middle, palette.high))
            draw.rectangle((x, y, x + side, y + side), palette.ground)
            box = (x + corner[0] - side, y + corner[1] - side, x + corner[0] + side, y + corner[1] + side)
            start = {(0, 0): 0, (side, 0): 90, (side, side): 180, (0, side): 270}[corner]
            draw.pieslice(box, start, start + 90, ACCENT if (column, row) == accent else colour)


def _waves(draw: ImageDraw.ImageDraw, palette: Palette, dice: random.Random, width: int, height: int) -> None:
    draw.circle((width * dice.uniform(0.4, 0.6), height * 0.36), height * 0.19, ACCENT)
    for index, colour in enumerate((palette.low, palette.middle, palette.high)):
        level = height * (0.46 + 0.19 * index)
        points = [(0.0, float(height)), (0.0, level)]
        knots = [level + height * dice.uniform(-0.17, 0.17) for _ in range(7)]
        for step in range(61):
            place, rest = divmod(step / 60 * 5, 1)
            left, right = knots[int(place)], knots[int(place) + 1]
            eased = rest * rest * (3 - 2 * rest)
            points.append((width * step / 60, left + (right - left) * eased))
        draw.polygon([*points, (float(width), float(height))], colour)


def _dots(draw: ImageDraw.ImageDraw, palette: Palette, dice: random.Random, width: int, height: int) -> None:
    step = height / 7
    centre_x, centre_y = width * dice.uniform(0.35, 0.65), height * dice.uniform(0.3, 0.7)
    accent = (round(centre_x / step), round(centre_y / step))
    for column in range(int(width / step) + 1):
        for row in range(8):
            x, y = column * step, row * step
            far = ((x - centre_x) ** 2 + (y - centre_y) ** 2) ** 0.5 / width
            radius = step * max(0.08, 0.46 - 0.62 * far)
            tone = palette.high if far < 0.22 else palette.middle if far < 0.42 else palette.low
            draw.circle((x, y), radius, ACCENT if (column, row) == accent else tone)


def _ridges(
    draw: ImageDraw.ImageDraw, palette: Palette, dice: random.Random, width: int, height: int
) -> None:
    draw.circle((width * dice.uniform(0.35, 0.65), height * 0.33), height * 0.15, ACCENT)
    for index, colour in enumerate((palette.low, palette.middle, palette.high)):
        x, base = -width * 0.2, height
        while x < width:
            span = width * dice.uniform(0.24, 0.42)
            top = height * (0.26 + 0.22 * index + dice.uniform(0.0, 0.2))
            draw.polygon([(x, base), (x + span / 2, top), (x + span, base)], colour)
            x += span * dice.uniform(0.45, 0.7)


def _bars(draw: ImageDraw.ImageDraw, palette: Palette, dice: random.Random, width: int, height: int) -> None:
    count = 15
    step = width / count
    accent = dice.randrange(6, 9)
    for index in range(count):
        tall = height * dice.uniform(0.14, 0.42) * (1 - abs(index - 7) / 14)
        colour = dice.choice((palette.low, palette.middle, palette.middle, palette.high))
        box = (
            index * step + step * 0.22,
            height / 2 - tall,
            (index + 1) * step - step * 0.22,
            height / 2 + tall,
        )
        draw.rounded_rectangle(box, step * 0.28, ACCENT if index == accent else colour)


PATTERNS: tuple[Callable[[ImageDraw.ImageDraw, Palette, random.Random, int, int], None], ...] = (
    _rings,
    _tiles,
    _waves,
    _dots,
    _ridges,
    _bars,
)
