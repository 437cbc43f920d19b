"""What fits into a Discord message: the limits as numbers, and how a text is measured against them.

Shortening and splitting are in `fitting`; nothing here knows what a text says.
Sources: Discord's documentation (pages in brackets), its OpenAPI description ("spec"), or api#n, an issue
of discord/discord-api-docs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

CONTENT = 2000
"""Code points of a plain message's content [resources/message]. The spec says 4000, which is for people."""

COMPONENTS = 40
"""Components of a message, nested ones counted [components/reference]."""

TEXT = 4000
"""Code points of all text displays of a message together (spec; not on the official page)."""

TEXT_BYTES_REFUSED = 10_170
"""Above this sum of UTF-8 bytes and `TEXT_BYTES_EACH` a text display, Discord answers 500 (api#8554)."""

TEXT_BYTES_OVERHEAD = 12
"""What each text display costs beside its own bytes (api#8554)."""

TEXT_BYTES = 9500
"""The UTF-8 bytes, counted as above, that we allow ourselves: the refused sum was measured, not promised."""

SELECT_OPTIONS = 25
SELECT_LABEL = 100
SELECT_DESCRIPTION = 100
SELECT_VALUE = 100
SELECT_PLACEHOLDER = 150
"""Select menus [components/reference]."""

BUTTON_LABEL = 80
BUTTON_LABEL_SHOWN = 34
"""Button labels: what is accepted, and what clients show before they cut [components/reference]."""

ROW_BUTTONS = 5
CUSTOM_ID = 100
LINK_URL = 512
SECTION_TEXTS = 3
GALLERY_ITEMS = 10
ALT_TEXT = 1024
"""Other parts of components [components/reference]; the alt text is that of images and files."""

EMBEDS = 10
EMBED_TOTAL = 6000
EMBED_TITLE = 256
EMBED_DESCRIPTION = 4096
EMBED_FIELDS = 25
EMBED_FIELD_NAME = 256
EMBED_FIELD_VALUE = 1024
EMBED_FOOTER = 2048
EMBED_AUTHOR = 256
"""Embeds; the total counts all texts of all embeds of a message [resources/message embed limits]."""

AUTOCOMPLETE_CHOICES = 25
CHOICE_NAME = 100
CHOICE_VALUE = 100
"""Autocomplete [interactions/application-commands]."""

MODAL_TITLE = 45
TEXT_INPUT = 4000
TEXT_INPUT_LABEL = 45
"""Modals [components/reference]."""

THREAD_NAME = 100
"""Name of a thread or a forum post, from 1 character on [resources/channel]."""

NONCE = 25
"""Characters of a message's nonce [resources/message]."""


def utf8_bytes(text: str) -> int:
    """Return the length of `text` in UTF-8. A lone surrogate counts as the three bytes it would be stored as."""
    return len(text.encode("utf-8", "surrogatepass"))


def fit_in_message(texts: Iterable[str]) -> bool:
    """Tell whether these text displays may stand in one message: code points and UTF-8 bytes."""
    budget = Budget()
    return all(budget.add_text(text) for text in texts)


@dataclass(slots=True)
class Budget:
    """What is left of a message while it is being built.

    `add_text` and `add` take from it and say whether there was enough; when not, nothing is taken.
    """

    components: int = COMPONENTS
    characters: int = TEXT
    text_bytes: int = TEXT_BYTES

    def add(self, components: int = 1, texts: Iterable[str] = ()) -> bool:
        """Take `components` and the lengths of `texts` (which are not counted as components here)."""
        listed = list(texts)
        characters = sum(map(len, listed))
        size = sum(utf8_bytes(text) + TEXT_BYTES_OVERHEAD for text in listed)
        if components > self.components or characters > self.characters or size > self.text_bytes:
            return False
        self.components -= components
        self.characters -= characters
        self.text_bytes -= size
        return True

    def add_text(self, text: str) -> bool:
        """Take one text display: a component and its text."""
        return self.add(1, (text,))
