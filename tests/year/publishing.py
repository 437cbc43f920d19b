"""What the world publishes in the year: 40 papers a day, on a list like Hugging Face's and in a newsletter."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from tests.support import sample_archive, source_payloads
from tests.support.origin_server import OriginServer

A_DAY, IN_NEWSLETTER, EARLY = 40, 10, 30
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
TOPICS = tuple(f"{a}u{b}o{a}{c}k" for a in _CONSONANTS[:10] for b in "dnrtv" for c in "ai")
"""A hundred words. A paper's title has one of them; readers' alerts ask for one."""
TERMS = dict(
    line.split(", ")
    for line in """\
Small Language Models, 소형 언어 모델
Reinforcement Learning, 강화 학습
Diffusion Models, 확산 모델
Speech Recognition, 음성 인식
Video Generation, 영상 생성
Code Agents, 코드 에이전트
Long Context, 긴 문맥
Graph Networks, 그래프 신경망
Image Editing, 이미지 편집
Robot Manipulation, 로봇 조작""".splitlines()
)
BENCHMARK = "benchmark"
"""A word of every other title, and the topic of some posts."""


@dataclass(frozen=True)
class Paper:
    arxiv_id: str
    topic: str
    title: str
    authors: tuple[str, ...]
    text: str
    term: str
    votes: int


def _word(rng: random.Random, length: int) -> str:
    return "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(length))


@cache
def papers_of(day: date) -> Sequence[Paper]:
    """Return a day's papers by votes. The first has by far the most, so that it is in the next post."""
    found = []
    for rank in range(A_DAY):
        rng = random.Random(f"{day}{rank}")
        topic = TOPICS[(A_DAY * day.toordinal() + rank) % len(TOPICS)]
        name, term = _word(rng, 4).title(), rng.choice([*TERMS])
        title = f"{name}: {'A Benchmark' if rank % 2 == 0 else 'Methods'} of {term} for {topic.title()}"
        authors = tuple(f"{_word(rng, 2).title()} {_word(rng, 3).title()}" for _ in range(4))
        words = " ".join(_word(rng, 2) for _ in range(60))
        text = f"We study {term.lower()} and call the result {name}. It {words}."
        votes = 1000 if rank == 0 else 2 * (A_DAY - rank)
        found.append(Paper(f"{day:%y%m}.{day.day:02}{rank:03}", topic, title, authors, text, term, votes))
    return found


def publish(origin: OriginServer, inbox: Path, day: date, count: int = A_DAY) -> None:
    """Publish a day's list with its first papers, and with all of them its newsletter."""
    items = (
        source_payloads.daily_papers_item(
            paper.arxiv_id,
            paper.votes,
            title=paper.title,
            authors=[{"name": name} for name in paper.authors],
            summary=paper.text,
            ai_keywords=[paper.term.lower()],
            publishedAt=f"{day - timedelta(days=1)}T12:00:00.000Z",
        )
        for paper in papers_of(day)[:count]
    )
    origin.pages[f"/api/daily_papers?date={day}"] = source_payloads.daily_papers(*items)
    if count == A_DAY:
        written = []
        for paper in papers_of(day)[:IN_NEWSLETTER]:
            text = f"{TERMS[paper.term]}({paper.term})을 다뤄요. {paper.text}"
            row = sample_archive.NewsletterPaper(
                paper.arxiv_id, paper.title, text, paper.votes, paper.authors
            )
            written.append(row)
        (inbox / f"{day}.md").write_text(sample_archive.newsletter(f"{day}", written), encoding="utf-8")
