"""The months before the samples: papers that say they are made up, and enough of them for `/trends`."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date

from bot.archive import parse
from bot.demo import sample_digests


def test_every_paper_of_the_past_months_says_that_it_is_made_up() -> None:
    entries = [
        entry for digest in parse.parse_text(sample_digests.render_listings()) for entry in digest.entries
    ]
    assert len({entry.arxiv_id for entry in entries}) == len(entries)
    assert len({entry.title for entry in entries}) == len(entries)
    for entry in entries:
        assert re.fullmatch(r"\d{4}\.9\d{4}", entry.arxiv_id)  # arXiv has had fewer than 30,000 a month
        assert (entry.title or "").startswith("Sample ")
        assert not entry.authors
        assert "There is no such paper" in entry.sections[0].body


def test_the_demo_has_fourteen_months_of_papers() -> None:
    digests = list(parse.parse_text(sample_digests.render_listings()))
    assert not any(digest.problems for digest in digests)
    digests += [digest for _, text in sample_digests.sample_texts() for digest in parse.parse_text(text)]
    papers = Counter(digest.date.replace(day=1) for digest in digests for _ in digest.entries)
    months = [date(2024, 12, 1), *(date(2025, month, 1) for month in range(1, 13)), date(2026, 1, 1)]
    assert sorted(papers) == months
    past = [papers[month] for month in months[:-2]]
    assert past == sorted(past)
    assert min(past) >= 5
