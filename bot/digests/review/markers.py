"""The lines by which a review marks a paper's link and its summary."""

from __future__ import annotations

import re

LINK_MARK = "🔗"
_SUMMARY_LABEL = re.compile(
    r"(?P<bold>\*\*|__)?(?:summary|요약)\s?(?(bold)(?:(?P=bold)\s?[:：]|[:：]\s?(?P=bold))|[:：])[ \t]*"
    r"|(?:#{1,6}\s)?(?:\*\*)?(?:summary|요약)(?:\*\*)?\s?[:：]?(?:\*\*)?\s{0,9}$",
    re.IGNORECASE,
)


def parse_summary_label(line: str) -> str | None:
    """The text after the label `**Summary**:` of a line, often empty; None for any other line."""
    if line[:1] not in {"*", "_", "#", "S", "s", "요"}:
        return None
    label = _SUMMARY_LABEL.match(line)
    return line[label.end() :].strip() if label else None


def is_link_line(line: str) -> bool:
    """Whether the line is a review's link to its paper."""
    return line.startswith((LINK_MARK, "http://", "https://", "<http"))
