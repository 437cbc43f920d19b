"""Function words of English: words that carry no meaning within a term."""

from __future__ import annotations

_FUNCTION_LIST = "a an and as at by for from in into is of on or the to via with"
FUNCTION_WORDS = frozenset(_FUNCTION_LIST.split())
"""English words that carry no meaning within a term."""
