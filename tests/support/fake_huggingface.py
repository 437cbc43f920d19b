"""Hugging Face's daily papers as the service gives them: a day's list in pages, and no page out of bounds.

It keeps `docs/services.md`, section *Lists of a day*.
"""

import json
from collections.abc import Mapping
from typing import TypeVar

from yarl import URL

PATH = "/api/daily_papers"
DEFAULT_LIMIT, MAX_LIMIT = 50, 100

Page = TypeVar("Page")


def find(pages: Mapping[str, Page], address: str) -> Page | None:
    """Return the list that is set for a request's day (`PATH?date=…`), or else for all days (`PATH`)."""
    return pages.get(f"{PATH}?date={URL(address).query.get('date', '')}", pages.get(PATH))


def cut(content: bytes, address: str) -> tuple[int, bytes, dict[str, str]]:
    """Return the status, body and headers for the page of a list that a request asks for. What is no list is whole."""
    url = URL(address)
    try:
        limit, number = int(url.query.get("limit", DEFAULT_LIMIT)), int(url.query.get("p", 0))
    except ValueError:
        limit = number = -1
    if not 1 <= limit <= MAX_LIMIT or number < 0:
        return 400, json.dumps({"error": f"limit is 1 to {MAX_LIMIT}, p is 0 or more"}).encode(), {}
    try:
        items = json.loads(content)
    except (ValueError, RecursionError):
        items = None
    if not isinstance(items, list):
        return 200, content, {}
    end = (number + 1) * limit
    following = url.update_query(limit=limit, p=number + 1)
    headers = {"Link": f'<{following}>; rel="next"'} if end < len(items) else {}
    return 200, json.dumps(items[number * limit : end]).encode(), headers
