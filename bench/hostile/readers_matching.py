"""CPU seconds of 50 alerts for 20 authors each against a paper of 3,000 authors.

Run as `python -m bench.hostile.readers_matching`; it takes a minute at most.
"""

from __future__ import annotations

import time
from dataclasses import fields

from bot.alerts import matcher
from storage import models
from tests.support import alert_builders, paper_records

ALERTS, TERMS, AUTHORS = 50, 20, 3000


def main() -> None:
    """Print the figures."""
    merged = paper_records.merged_paper(1)
    given = {of.name: getattr(merged, of.name) for of in fields(merged)}
    given["authors"] = tuple(
        f"Kim {number:04}".translate(str.maketrans("0123456789", "abcdefghij")) for number in range(AUTHORS)
    )
    paper = models.PaperDetail(**given, id=1, appearances=())
    text = matcher.keyword_text(paper)
    drafts = [
        alert_builders.draft(
            *(
                f"Lee {'xyzuvw'[alert % 6]}{'klmnopqrst'[alert // 6]} {'abcdefghijklmnopqrst'[term]}"
                for term in range(TERMS)
            ),
            kind=models.AlertKind.AUTHOR,
        )
        for alert in range(ALERTS)
    ]
    started = time.thread_time()
    matched = sum(bool(matcher.match(draft, paper, text)) for draft in drafts)
    print(
        f"{ALERTS} alerts × {TERMS} authors × {AUTHORS} authors: {time.thread_time() - started:.2f} s, {matched} match"
    )


if __name__ == "__main__":
    main()
