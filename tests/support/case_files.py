"""Cases that are texts: `test_x.json` beside `test_x.py` has the rows of each of its tests, by the test's name."""

import json
from pathlib import Path
from typing import Any


def load(module: str, test: str) -> list[Any]:
    """Return the rows of a test, as tuples if they have several values. `module` is the `__file__` of the test's module."""
    rows = json.loads(Path(module).with_suffix(".json").read_text(encoding="utf-8"))[test]
    return [tuple(row) if isinstance(row, list) else row for row in rows]
