"""A digest as JSON, for `paperround parse` and exports. The keys and their order are a contract."""

from __future__ import annotations

from typing import Any

from storage import models


def digest_to_json(digest: models.Digest, file: str) -> dict[str, Any]:
    """The JSON object of a digest. `file` is the file's name to print."""
    return {
        "file": file,
        "format": digest.format.value,
        "date": digest.date.isoformat(),
        "papers": [paper_to_json(entry) for entry in digest.entries],
        "problems": [{"line": problem.line, "message": problem.message} for problem in digest.problems],
    }


def paper_to_json(entry: models.Entry) -> dict[str, Any]:
    """The JSON object of a paper in a digest."""
    return {
        "rank": entry.rank,
        "arxiv_id": entry.arxiv_id,
        "title": entry.title,
        "url": entry.url,
        "votes": entry.votes,
        "authors": list(entry.authors),
        "authors_truncated": entry.authors_truncated,
        "thumbnail": entry.thumbnail,
        "video": entry.video,
        "sections": [{"heading": section.heading, "body": section.body} for section in entry.sections],
        "summary_missing": entry.summary_missing,
    }
