"""How often readers and servers did today what is limited by the day: questions for a language model, papers for lists,
discussions.

The rows name no reader, so that `/me forget` leaves them: a reader who was forgotten begins no new day.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import errors, statements
from storage.tables import metadata, required

question_counts = sa.Table(
    "question_counts",
    metadata,
    sa.Column("day_on", sa.Date, primary_key=True, comment="UTC"),
    # Also `list:<id>`. A reader's id is one of that day alone, which only the bot can make.
    sa.Column("asker", sa.Text, primary_key=True, comment="'user:<id>' or 'server:<id>'"),
    required("number", sa.Integer),
    sqlite_with_rowid=False,
)


class DayLimitError(errors.UsageError):
    """Raised if a reader or server has done something too often that day."""


def name_reader(kind: str, secret: bytes, user_id: int, day: date) -> str:
    """Return the name under which a reader's actions of a kind are counted on a day (UTC). `secret` is known to the bot alone."""
    return f"{kind}:" + hmac.new(secret, f"{day}:{user_id}".encode(), "sha256").hexdigest()[:32]


async def add(
    connection: AsyncConnection, day: date, limits: Mapping[str, int], key: str, number: int = 1
) -> None:
    """Count a number of actions on a day (UTC) for each name in `limits`, which has the most of each.

    Raises DayLimitError, whose text for readers has this `key`, if they are more; roll the transaction back.
    """
    c = question_counts.c
    for name, limit in sorted(limits.items()):
        statement = statements.dialect_insert(connection.dialect, question_counts).values(
            day_on=day, asker=name, number=number
        )
        counted = statement.on_conflict_do_update(
            index_elements=["day_on", "asker"],
            set_={"number": c.number + number},
            where=c.number <= limit - number,
        )
        if number > limit or await connection.scalar(counted.returning(c.number)) is None:
            raise DayLimitError(f"{limit} a day are the most.", key, count=limit)
