"""Builders for digests, feeds and API responses."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

DAY = date(2025, 5, 6)


def newsletter(
    day: date = DAY, ids: Sequence[str] = ("2505.00001", "2505.00002"), note: str = "short"
) -> str:
    papers = [
        f"### [A Study of Small Things {paper_id}](https://arxiv.org/abs/{paper_id})\n\n"
        f"Vote: {10 + rank}\n\nAuthors: Ada Lovelace, Kim Minsu\n\n- ***Finding***: a {note} note on {paper_id}.\n"
        for rank, paper_id in enumerate(ids)
    ]
    return f"## Daily Papers ({day})\n\n" + "\n".join(papers)


def review(day: date = DAY, ids: Sequence[str] = ("2505.00001",)) -> str:
    """Return a digest in the review format, without title, authors and votes."""
    papers = [
        f"## {paper_id}\n🔗 https://huggingface.co/papers/{paper_id}\n\n**Summary**:\n```markdown\n# A Study {paper_id}\n\n"
        f"## 1. 동기\n\n작은 모델을 다룬다.\n```\n"
        for paper_id in ids
    ]
    return f"# 📰 Hugging Face Daily Papers – {day}\n\n" + "\n---\n".join(papers)


def daily_papers_item(paper_id: str, votes: Any = 7, **more: Any) -> dict[str, Any]:
    paper = {
        "id": paper_id,
        "title": f"A Study of Small\nThings {paper_id}",
        "authors": [{"name": "Ada Lovelace", "hidden": False}, {"name": "Kim Minsu"}],
        "summary": "Small things are studied.\n\nThey are small.",
        "upvotes": votes,
        "publishedAt": "2025-05-05T17:00:00.000Z",
        "ai_keywords": ["small language models", "distillation"],
        "githubRepo": "https://github.com/example/small",
        "projectPage": "https://small.example/",
        **more,
    }
    return {
        "paper": paper,
        "title": paper["title"],
        "thumbnail": "https://cdn.example/a.png",
        "numComments": 2,
    }


def daily_papers(*items: Any) -> str:
    return json.dumps(list(items))


def listing_text(day: date = DAY, ids: Sequence[str] = ("2505.00001", "2505.00002"), **fields: Any) -> str:
    """Return a digest in the listing format, on two lines. `fields` override each paper's fields."""
    papers = [
        {
            "arxiv_id": paper_id,
            "title": f"A Study of Small Things {paper_id.partition('v')[0]}",
            "votes": 10 + rank,
            "authors": ["Ada Lovelace", "Kim Minsu"],
            "thumbnail": "https://cdn.example/a.png",
            "summary": f"A sentence about {paper_id.partition('v')[0]}.",
            **fields,
        }
        for rank, paper_id in enumerate(ids)
    ]
    head = json.dumps({"format": "listing", "date": day.isoformat()})[:-1]
    return f'{head},\n"papers": {json.dumps(papers)}}}'


def atom(*entries: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> str:
    return (
        f'{head}<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom">'
        f"<title>papers</title><id>http://feed.test/</id>{''.join(entries)}</feed>"
    )


def rss(*items: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> str:
    return (
        f'{head}<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        f'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>papers</title>{"".join(items)}'
        "</channel></rss>"
    )


def rss_item(guid: str, link: str = "", text: str = "", title: str = "A day", date: str = "") -> str:
    """Return an item of a feed, with its text as HTML."""
    return (
        f"<item><guid isPermaLink='false'>{guid}</guid><title>{title}</title><link>{link}</link>"
        f"<pubDate>{date}</pubDate><content:encoded><![CDATA[{text}]]></content:encoded></item>"
    )


def arxiv_entry(
    paper_id: str, title: str = "A Study of Small\n  Things", *, version: int = 2, comment: str = ""
) -> str:
    """Return an entry of an arXiv API response."""
    return (
        f"<entry><id>http://arxiv.org/abs/{paper_id}v{version}</id><updated>2025-05-03T17:00:00Z</updated>"
        f"<arxiv:comment>{comment}</arxiv:comment><title>{title}</title><published>2025-05-01T17:00:00Z"
        "</published><summary>  Small things\nare studied. </summary><author><name>Ada Lovelace</name></author>"
        '<author xmlns:arxiv="http://arxiv.org/schemas/atom"><name>Kim Minsu</name>'
        "<arxiv:affiliation>KAIST</arxiv:affiliation><arxiv:affiliation> A  Lab </arxiv:affiliation></author>"
        '<category term="cs.CL"/><category term="cs.LG"/>'
        f'<link href="http://arxiv.org/abs/{paper_id}v2" rel="alternate" type="text/html"/>'
        f'<link title="pdf" href="http://arxiv.org/pdf/{paper_id}v2" rel="related"/></entry>'
    )
