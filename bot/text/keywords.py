"""Whether an alert's keyword stands in a title or a body: as typed, or in any writing of its form.

Its form: English by stems and with or without hyphens, Korean in any spacing and with any particle (see `forms`).
There is no glossary here: a rule does what its reader typed.
"""

from __future__ import annotations

from functools import cached_property

from bot.text import analyser, anchors, forms, typed


class Text:
    """A title and a body, prepared once for all the keywords that are looked for in them."""

    def __init__(self, title: str, body: str) -> None:
        self._texts = title, body
        self._found: dict[str, tuple[bool, bool]] = {}

    @cached_property
    def anchors(self) -> set[str]:
        """The tokens among which there is the `anchor` of every keyword that is found."""
        title, body = (
            anchors.of_text(folded.text, canonical)
            for folded, canonical in zip(self._folded, self._canonical, strict=True)
        )
        return title | body

    def find(self, keyword: str) -> tuple[bool, bool]:
        """Tell whether `keyword` stands in the title, and whether in the body. One of signs only never does."""
        found = self._found.get(keyword)
        if found is None:
            found = self._found[keyword] = self._find(keyword)
        return found

    def _find(self, keyword: str) -> tuple[bool, bool]:
        in_title, in_body = (typed.stands_in(keyword, folded) for folded in self._folded)
        if not (in_title and in_body):
            of_title, of_body = forms.form(keyword).count(self._fields)
            in_title, in_body = in_title or of_title > 0, in_body or of_body > 0
        return in_title, in_body

    @cached_property
    def _folded(self) -> tuple[typed.Folded, typed.Folded]:
        title, body = self._texts
        return typed.Folded(title), typed.Folded(body)

    @cached_property
    def _canonical(self) -> tuple[str, str]:
        title, body = self._texts
        return analyser.canonical(title), analyser.canonical(body)

    @cached_property
    def _fields(self) -> forms.Fields:
        return forms.Fields(*self._canonical)


def anchor(keyword: str) -> str | None:
    """Return one token that every text has in its `anchors` in which `keyword` is found; None if none can have it."""
    return anchors.of_keyword(keyword)
