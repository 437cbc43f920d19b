"""The texts of the demo's page and terminal, in `page/texts.LANGUAGE.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from storage import models


@dataclass(frozen=True, slots=True)
class DemoTexts:
    """The texts in one language: of the terminal, the page's frame (`words`), and replies to typed text (`hints`).

    `steps` are lines for the reader to type, each with a description. A test types all of them. `exact` and
    `patterns` (regular expressions) translate the texts of SimCord's page.
    """

    starting: str
    introduction: str
    words: Mapping[str, str]
    steps: Sequence[tuple[str, str]]
    hints: Mapping[str, str]
    exact: Mapping[str, str]
    patterns: Sequence[tuple[str, str]]


@cache
def load(locale: models.Locale) -> DemoTexts:
    file = resources.files("bot.demo") / "page" / f"texts.{locale.value}.json"
    return DemoTexts(**json.loads(file.read_text(encoding="utf-8")))
