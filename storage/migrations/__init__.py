"""Alembic's home. A revision never imports living code: it stands for the schema as it was on its day."""
