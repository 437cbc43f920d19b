"""The web archive: pages and feeds, served with `/health` or built as files."""
