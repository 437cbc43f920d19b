"""Alembic migrations. After the first release a revision imports no application code: it is a snapshot of the schema."""
