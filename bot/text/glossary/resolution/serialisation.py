"""Serialises a glossary to JSON and back, so that it is built only once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from bot.text.analysis import term_keys
from bot.text.glossary.extraction import alignment, title_phrases, transliteration
from bot.text.glossary.model import concepts
from bot.text.glossary.resolution import concept_spotting, resolver

_VERSION = 7
_HEADER = f'{{"version":{_VERSION},'


def dump(
    built: Iterable[concepts.Concept],
    senses: Mapping[str, list[concepts.AbbreviationSense]],
    table: alignment.AssociationTable,
    title_statistics: title_phrases.TitleStatistics,
    names: Mapping[str, int] | None = None,
) -> str:
    """Return all parts of a `Glossary` as JSON."""
    phrases, concept_counts = title_statistics
    ordered = list(built)
    return json.dumps(
        {
            "version": _VERSION,
            "concepts": [[concept.key, [_form_row(form) for form in concept.forms]] for concept in ordered],
            "readings": senses,
            "words": {
                word: {english: round(score, 3) for english, score in row.items()}
                for word, row in table.associations.items()
            },
            "confirmed": sorted(table.confirmed),
            "phrases": phrases,
            "titled": concept_counts,
            "names": names or {},
            "forms": concept_spotting.index_forms(ordered),
            "skeletons": transliteration.list_skeletons(
                dict.fromkeys(word for concept in ordered for word in term_keys.content_words(concept.key))
            ),
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
        concepts.Concept(key, tuple(map(concepts.SurfaceForm._make, rows)))
        for key, rows in stored["concepts"]
    ]
    senses = {
        abbreviation: [concepts.AbbreviationSense(*row) for row in rows]
        for abbreviation, rows in stored["readings"].items()
    }
    phrases = [(text, language, papers) for text, language, papers in stored["phrases"]]
    table = alignment.AssociationTable(
        stored["words"], {}, [(word, stem) for word, stem in stored["confirmed"]]
    )
    statistics = phrases, stored["titled"]
    by_korean, by_synonyms, by_english = stored["forms"]
    return resolver.Glossary(
        built,
        senses,
        table,
        statistics,
        stored["names"],
        (by_korean, by_synonyms, by_english),
        stored["skeletons"],
    )


def _form_row(form: concepts.SurfaceForm) -> list[object]:
    return [
        form.text,
        form.language,
        form.papers,
        round(form.share, 3),
        form.is_alias,
        form.expands,
        form.seeded,
        form.found,
        form.confirmed,
    ]
