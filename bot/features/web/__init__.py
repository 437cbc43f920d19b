"""The web archive: pages and feeds, served beside `/health` or built as files."""
