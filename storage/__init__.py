"""Storage in SQLite or PostgreSQL, with SQLAlchemy Core. Each table is written by exactly one module."""
