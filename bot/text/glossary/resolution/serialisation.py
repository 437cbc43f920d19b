"""Serialises a glossary to JSON and back, so that it is built only once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from bot.text.glossary.extraction import alignment, title_phrases
from bot.text.glossary.model import concepts
from bot.text.glossary.resolution import resolver

_VERSION = 3
_HEADER = f'{{"version":{_VERSION},'


def dump(
    built: Iterable[concepts.Concept],
    senses: Mapping[str, list[concepts.AbbreviationSense]],
    table: alignment.AssociationTable,
    title_statistics: title_phrases.TitleStatistics,
) -> str:
    """Return all parts of a `Glossary` as JSON."""
    phrases, concept_counts = title_statistics
    return json.dumps(
        {
            "version": _VERSION,
            "concepts": [[concept.key, [_form_row(form) for form in concept.forms]] for concept in built],
            "readings": senses,
            "words": {
                word: {english: round(score, 3) for english, score in row.items()}
                for word, row in table.associations.items()
            },
            "phrases": phrases,
            "titled": concept_counts,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def is_current(text: str) -> bool:
    """Tell whether `load` can read a text, by its header only."""
    return text.startswith(_HEADER)


def load(text: str) -> resolver.Glossary | None:
    """Return the glossary of a dumped text; None if another version wrote it, so that it must be rebuilt."""
    if not is_current(text):
        return None
    stored = json.loads(text)
    built = [
        concepts.Concept(key, tuple(concepts.SurfaceForm(*row) for row in rows))
        for key, rows in stored["concepts"]
    ]
    senses = {
        abbreviation: [concepts.AbbreviationSense(*row) for row in rows]
        for abbreviation, rows in stored["readings"].items()
    }
    phrases = [(text, language, papers) for text, language, papers in stored["phrases"]]
    table = alignment.AssociationTable(stored["words"], {})
    return resolver.Glossary(built, senses, table, (phrases, stored["titled"]))


def _form_row(form: concepts.SurfaceForm) -> list[object]:
    return [
        form.text,
        form.language,
        form.papers,
        round(form.share, 3),
        form.is_alias,
        form.expands,
        form.seeded,
    ]
