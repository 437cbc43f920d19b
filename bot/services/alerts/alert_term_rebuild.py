"""Recomputes the alert terms of stored alerts when the code that computes them, or for some the glossary, has changed."""

from __future__ import annotations

from dataclasses import replace

import structlog

from bot.services.alerts import matcher, translations
from bot.services.indexing import glossary_service
from bot.text.glossary.resolution import resolver
from bot.time_slices import TimeSlices
from storage import alerts, key_values, models
from storage.database import Database
from storage.search import alert_terms
from storage.search import glossary as stored_glossary

log = structlog.get_logger(__name__)

VERSION = "6"
"""Raise it when alert terms change while the analyser's tokens do not."""

ALERT_BATCH_SIZE = 200


async def rebuild_if_outdated(database: Database) -> int:
    """Recompute all alert terms if another version computed them, in batches. Returns the number of alerts.

    If only the glossary is another one, it is those of alerts with forms of the other language. An interrupted run is
    repeated from the start: the version is stored last.
    """
    async with database.read() as connection:
        stored_version = await key_values.get(connection, key_values.ALERT_TERMS_VERSION)
        version = f"{_version()}|{await stored_glossary.get_version(connection)}"
    if stored_version == version:
        return 0
    only_translations = stored_version is not None and stored_version.partition("|")[0] == _version()
    glossary = await _load_glossary(database)
    count = after_id = 0
    slices = TimeSlices()
    while True:
        async with database.read() as connection:
            batch = await alerts.list_after(
                connection, after_id, limit=ALERT_BATCH_SIZE, only_translations=only_translations
            )
        if not batch:
            break
        terms: dict[int, set[str]] = {}
        changed: dict[int, models.AlertForms] = {}
        for alert in batch:
            forms = translations.list_forms(glossary, alert) if glossary and alert.translations else ()
            if forms != alert.forms:
                changed[alert.id] = forms
            terms[alert.id] = matcher.alert_terms(replace(alert, forms=forms))
            await slices.pause()
        async with database.transaction() as connection:
            await alerts.set_forms(connection, changed)
            await alert_terms.replace_all(connection, terms)
        count, after_id = count + len(batch), batch[-1].id
    async with database.transaction() as connection:
        await key_values.set_value(connection, key_values.ALERT_TERMS_VERSION, version)
    if stored_version is not None:
        log.info("alert terms recomputed", alerts=count, version=version)
    return count


async def _load_glossary(database: Database) -> resolver.Glossary | None:
    """Return the glossary; None if no alert needs it, as loading takes a few tenths of a second."""
    async with database.read() as connection:
        if not await alerts.list_after(connection, 0, limit=1, only_translations=True):
            return None
        return await glossary_service.GlossaryService(database).get_current(connection)


def _version() -> str:
    # Imported here because most commands never need it; an ingest has loaded it already.
    from bot.services.indexing import document_tokens

    return f"{VERSION}/{document_tokens.VERSION}"
