"""The schema: the tables of all modules, each of which declares those that it writes."""

from __future__ import annotations

from storage import (  # noqa: F401 - the tables of the other modules are in `tables`
    accounts,
    alerts,
    archive,
    club,
    day_counts,
    failures,
    glossary,
    key_values,
    locks,
    news,
    paper_texts,
    papers,
    shelf,
    sources,
    tables,
    today,
    writer,
    zotero,
)

METADATA = tables.metadata
