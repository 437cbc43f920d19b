"""What Paperround remembers. Imports nothing heavy here, so that `storage.models` stays cheap to load."""
