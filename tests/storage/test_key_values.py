"""The key-value store."""

from __future__ import annotations

from storage import database, key_values


async def test_a_value_is_replaced_and_deleted(db: database.Database) -> None:
    async with db.transaction() as connection:
        await key_values.set_value(connection, "commands", "1")
        await key_values.set_value(connection, "commands", "2")
        assert await key_values.get(connection, "commands") == "2"
        await key_values.remove(connection, "commands")
        assert await key_values.get(connection, "commands") is None
