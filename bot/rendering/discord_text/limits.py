"""Discord's limits for messages and other surfaces, and the budget of a message under construction.

Sources: Discord's documentation (pages in brackets), its OpenAPI description ("spec"), or api#n, an issue
of discord/discord-api-docs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

COMPONENTS = 40
"""Components of a message, nested ones included [components/reference]."""

TEXT = 4000
"""Code points of all text displays of a message together (spec; not on the official page)."""

TEXT_BYTES_OVERHEAD = 12
"""Bytes that a text display costs in addition to its own (api#8554)."""

TEXT_BYTES = 9500
"""UTF-8 bytes of all text displays, each with its overhead. Discord answers 500 above 10,170 (api#8554), a
measured value, hence the margin."""

SELECT_OPTIONS = 25
SELECT_LABEL = 100
SELECT_DESCRIPTION = 100
SELECT_VALUE = 100
SELECT_PLACEHOLDER = 150
"""Select menus [components/reference]."""

BUTTON_LABEL = 80
ROW_BUTTONS = 5
CUSTOM_ID = 100
LINK_URL = 512
ALT_TEXT = 1024
"""Buttons, custom ids, links, and the alt text of images and files [components/reference]."""

EMBEDS = 10
EMBED_TITLE = 256
"""Embeds [resources/message embed limits]."""

AUTOCOMPLETE_CHOICES = 25
CHOICE_NAME = 100
CHOICE_VALUE = 100
"""Autocomplete [interactions/application-commands]."""

MODAL_TITLE = 45
TEXT_INPUT_LABEL = 45
"""Modals [components/reference]."""

THREAD_NAME = 100
"""Name of a thread or a forum post, at least 1 character [resources/channel]."""


def utf8_bytes(text: str) -> int:
    """Return the length of `text` in UTF-8. A lone surrogate counts as three bytes."""
    return len(text.encode("utf-8", "surrogatepass"))


@dataclass(slots=True)
class Budget:
    """The remaining components, code points and UTF-8 bytes of a message under construction.

    `add` and `add_text` return False and take nothing if the budget does not suffice.
    """

    components: int = COMPONENTS
    characters: int = TEXT
    text_bytes: int = TEXT_BYTES

    def add(self, components: int = 1, texts: Iterable[str] = ()) -> bool:
        """Take `components` and the lengths of `texts`, which are not counted as components."""
        texts = list(texts)
        characters = sum(map(len, texts))
        size = sum(utf8_bytes(text) + TEXT_BYTES_OVERHEAD for text in texts)
        if components > self.components or characters > self.characters or size > self.text_bytes:
            return False
        self.components -= components
        self.characters -= characters
        self.text_bytes -= size
        return True

    def add_text(self, text: str) -> bool:
        """Take one text display: a component and its text."""
        return self.add(1, (text,))
