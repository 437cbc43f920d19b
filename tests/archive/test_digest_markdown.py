"""Entries as the Markdown of a newsletter or a review, without loss."""

from __future__ import annotations

from bot.archive import exports
from storage.models import Entry, Section


def body(*sections: Section) -> str:
    entry = Entry(1, "2502.02737", "T", "https://e.org", sections=sections)
    _, _, text = exports.render_newsletter_paper(entry)
    return text


def test_headings_in_a_bullet_become_bold_and_rules_blank_except_in_code() -> None:
    text = "글\n\n### 소제목\n\n---\n\n```\n# 코드\n---\n```"
    assert body(Section("1. 장", text)) == (
        "- ***1. 장***: 글\n\n  **소제목**\n\n\n\n  ```\n  # 코드\n  ---\n  ```"
    )


def test_a_heading_that_does_not_fit_a_bullet_becomes_a_low_heading() -> None:
    assert body(Section("A*", "글"), Section("B", "둘")) == "#### A*\n\n글\n\n#### B\n\n둘"


def test_names_with_commas_or_quotes_are_written_as_a_list() -> None:
    paper = Entry(1, "2502.02737", "T", "https://e.org", authors=("A, B", 'C "D"'), authors_truncated=True)
    _, authors, _ = exports.render_newsletter_paper(paper)
    assert authors == '["A, B", "C \\"D\\"", +]'


def test_a_summary_with_code_gets_a_longer_fence_in_a_review() -> None:
    paper = Entry(1, "2502.02737", "T", "https://e.org", sections=(Section("장", "```\nx\n```"),))
    _, _, text = exports.render_review_paper(paper)
    assert text == "````markdown\n# 논문 요약: T\n\n## 장\n\n```\nx\n```\n````"
