"""What the world publishes in the year: 40 papers a day, on a list like Hugging Face's and in a newsletter."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from tests.support import sample_archive, source_payloads
from tests.support.origin_server import OriginServer

A_DAY, IN_NEWSLETTER, EARLY = 40, 10, 30
_ANIMALS = """
albatross antelope armadillo baboon badger barracuda beaver bison bluebird buffalo butterfly camel canary
caribou catfish cheetah chipmunk cobra cormorant cougar coyote cricket crocodile dolphin donkey dragonfly
eagle earthworm elephant falcon ferret finch flamingo gazelle gecko gibbon giraffe gopher gorilla
grasshopper hamster hedgehog heron hippopotamus hornet hyena iguana jackal jaguar jellyfish kangaroo
kingfisher koala ladybird lemur leopard llama lobster lynx magpie manatee meerkat mongoose mosquito
muskrat narwhal nightingale ocelot octopus opossum orangutan ostrich otter panther parrot peacock pelican
penguin pheasant porcupine quail rabbit raccoon rattlesnake reindeer rhinoceros salamander scorpion
seahorse sparrow squirrel stingray swordfish termite tortoise toucan vulture walrus wolverine zebra
"""
TOPICS = tuple(_ANIMALS.split())
"""A paper's title has one of them; readers' alerts ask for one."""
assert len(set(TOPICS)) == 100
TERMS = (
    "Small Language Models",
    "Reinforcement Learning",
    "Diffusion Models",
    "Speech Recognition",
    "Video Generation",
    "Code Agents",
    "Long Context",
    "Graph Networks",
    "Image Editing",
    "Robot Manipulation",
)
KOREAN = (
    "소형 언어 모델",
    "강화 학습",
    "확산 모델",
    "음성 인식",
    "영상 생성",
    "코드 에이전트",
    "긴 문맥",
    "그래프 신경망",
    "이미지 편집",
    "로봇 조작",
)
BENCHMARK = "benchmark"
"""A word of every other title, and the topic of some posts."""
_CONSONANTS, _VOWELS = "bcdfghjklmnprstvwxyz", "aeiou"


@dataclass(frozen=True)
class Paper:
    """A made-up paper. The first of a day has by far the most votes."""

    arxiv_id: str
    topic: str
    title: str
    authors: tuple[str, ...]
    text: str
    term: int
    votes: int


def _word(rng: random.Random, length: int) -> str:
    return "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(length))


@cache
def papers_of(day: date, first: date) -> Sequence[Paper]:
    """Return a day's papers, by votes."""
    number, found = (day - first).days, []
    for rank in range(A_DAY):
        rng = random.Random(f"{day}{rank}")
        topic, term = TOPICS[(A_DAY * number + rank) % len(TOPICS)], rng.randrange(len(TERMS))
        name = _word(rng, 4).title()
        kind = "A Benchmark" if rank % 2 == 0 else "Methods"
        words = " ".join(_word(rng, 2) for _ in range(60))
        found.append(
            Paper(
                f"{day:%y%m}.{day.day:02}{rank:03}",
                topic,
                f"{name}: {kind} of {TERMS[term]} for the {topic.title()}",
                tuple(f"{_word(rng, 2).title()} {_word(rng, 3).title()}" for _ in range(4)),
                f"We study {TERMS[term].lower()} and call the result {name}. It {words}.",
                term,
                1000 if rank == 0 else 2 * (A_DAY - rank),
            )
        )
    return found


@dataclass(frozen=True)
class Press:
    """Publishes on an origin and in a folder."""

    origin: OriginServer
    inbox: Path
    first: date

    def publish(self, day: date, count: int = A_DAY) -> None:
        """Publish a day's list with its first papers, and with all of them its newsletter."""
        papers = papers_of(day, self.first)
        items = (
            source_payloads.daily_papers_item(
                paper.arxiv_id,
                paper.votes,
                title=paper.title,
                authors=[{"name": name} for name in paper.authors],
                summary=paper.text,
                ai_keywords=[TERMS[paper.term].lower()],
                publishedAt=f"{day - timedelta(days=1)}T12:00:00.000Z",
            )
            for paper in papers[:count]
        )
        self.origin.pages[f"/api/daily_papers?date={day}"] = source_payloads.daily_papers(*items)
        if count == A_DAY:
            written = [
                sample_archive.NewsletterPaper(
                    paper.arxiv_id,
                    paper.title,
                    f"{KOREAN[paper.term]}({TERMS[paper.term]})을 다뤄요. {paper.text}",
                    paper.votes,
                    paper.authors,
                )
                for paper in papers[:IN_NEWSLETTER]
            ]
            text = sample_archive.newsletter(f"{day}", written)
            (self.inbox / f"{day}.md").write_text(text, encoding="utf-8")
