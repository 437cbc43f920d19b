"""Builders for alerts."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from storage import models

CREATED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def draft(
    *texts: str, user_id: int = 7, kind: models.AlertKind = models.AlertKind.KEYWORD, **fields: Any
) -> models.Alert:
    """Return an alert draft with terms of one kind."""
    terms = tuple(models.AlertTerm(kind, text) for text in texts)
    return replace(models.Alert(0, user_id, terms, CREATED_AT), **fields)
