"""Alembic migrations. A revision never imports application code: it is a snapshot of the schema at its time."""
