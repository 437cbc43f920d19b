"""A year of papers before the samples, so that trends have months to show. All of them are made up, and say so.

Their titles begin with "Sample" and a number, and arXiv gives out no id with a number from 90000 on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from itertools import count

FIRST_MONTH_ON = date(2024, 12, 1)
DAYS = (6, 20)
"""Days of each month that have a list."""
PAPERS_BY_TOPIC = {
    "language models": (2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3),
    "reasoning with LLMs": (0, 0, 1, 0, 1, 1, 1, 1, 1, 2, 1, 2),
    "scaling of LLMs": (0, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1),
    "image classification": (3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2),
    "diffusion models": (1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4),
    "speech recognition": (1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3),
    "graph neural networks": (1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2),
    "retrieval-augmented generation": (0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3),
    "robot manipulation": (0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 3),
    "quantization": (0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 2, 2),
    "efficiency of training": (0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1),
    "reinforcement learning": (0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1),
    "agents": (0, 0, 0, 0, 0, 1, 0, 1, 1, 1, 0, 1),
}
"""The number of papers on a topic in each month."""
FIRST_NUMBER = 90_000
SUMMARY = "Made up for the demo, where it counts as one paper on {topic}. There is no such paper on arXiv."


def render_listings() -> str:
    """Return the lists of all months as one text in the listing format, a line per day."""
    numbers = count(1)
    month_count = len(next(iter(PAPERS_BY_TOPIC.values())))
    lines = []
    for position in range(month_count):
        topics = list(_list_topics(position))
        for index, day in enumerate(DAYS):
            month = FIRST_MONTH_ON.month - 1 + position
            on = date(FIRST_MONTH_ON.year + month // 12, month % 12 + 1, day)
            papers = [_paper(on, next(numbers), topic) for topic in topics[index :: len(DAYS)]]
            lines.append(json.dumps({"format": "listing", "date": on.isoformat(), "papers": papers}))
    return "\n".join(lines)


def _list_topics(position: int) -> Iterator[str]:
    for topic, counts in PAPERS_BY_TOPIC.items():
        yield from [topic] * counts[position]


def _paper(on: date, number: int, topic: str) -> dict[str, object]:
    return {
        "arxiv_id": f"{on:%y%m}.{FIRST_NUMBER + number}",
        "title": f"Sample {number}: {topic[0].upper()}{topic[1:]}",
        "votes": number * 7 % 19 + 1,
        "summary": SUMMARY.format(topic=topic),
    }
