"""The archive on the web: pages and feeds, served beside `/health` or built as files."""
