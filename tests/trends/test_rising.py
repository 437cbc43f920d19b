"""Rising topics, on both engines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.glossary import concepts, resolver
from bot.search import glossary as search_glossary
from bot.trends import service as trends_service
from storage import models
from storage.database import Database
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

pytestmark = pytest.mark.engines("sqlite", "postgresql")


def _paper(number: int, title: str, text: str = "A study.", votes: int = 10) -> NewsletterPaper:
    return NewsletterPaper(f"2501.{number:05}", title, text, votes)


async def _add_rising_titles(db: Database) -> None:
    """Add a digest of January and one of March; in March film critics are in 4 of 8 titles and diffusion in 3."""
    others = [_paper(n, f"Notes on {n}") for n in range(10)]
    before = [*others, _paper(10, "Diffusion Models for Sound")]
    await sample_archive.add_digest(db, "2025-01-20", *before)
    recent = [_paper(20 + n, f"Film Critics Number {n}") for n in range(4)]
    recent += [_paper(30 + n, f"Better Diffusion Models: Part {n}") for n in range(3)]
    await sample_archive.add_digest(db, "2025-03-02", *recent, _paper(40, "Weather"))


async def test_topics_are_ranked_by_gain_and_named_in_the_readers_language(db: Database) -> None:
    await _add_rising_titles(db)
    service = trends_service.RisingTopicService(db, search_glossary.GlossaryService(db))
    english = await service.list_topics(models.Locale.EN)
    assert [topic.text for topic in english] == ["Film Critics", "diffusion model"]
    film, diffusion = english
    assert (film.papers, film.share, film.baseline_share, film.translation) == (4, 0.5, 0.0, "")
    assert diffusion.baseline_share == pytest.approx(1 / 11)
    korean = await service.list_topics(models.Locale.KO)
    assert [topic.text for topic in korean] == ["Film Critics", "확산 모델"]
    assert korean[1].translation == "diffusion model"


async def test_no_topic_rises_with_two_papers_or_without_a_baseline(db: Database) -> None:
    recent = [_paper(n, f"Film Critics Number {n}") for n in range(2)]
    await sample_archive.add_digest(db, "2025-03-02", *recent)
    service = trends_service.RisingTopicService(db, search_glossary.GlossaryService(db))
    assert await service.list_topics(models.Locale.EN) == ()
    await sample_archive.add_digest(
        db, "2025-03-03", *[_paper(9 + n, f"Film Critics Again {n}") for n in range(5)]
    )
    assert await service.list_topics(models.Locale.EN) == ()
    await sample_archive.add_digest(db, "2025-01-03", _paper(50, "Weather"))
    assert [topic.text for topic in await service.list_topics(models.Locale.EN)] == ["Film Critics"]


async def test_an_empty_archive_has_no_rising_topics(db: Database) -> None:
    service = trends_service.RisingTopicService(db, search_glossary.GlossaryService(db))
    assert await service.list_topics(models.Locale.EN) == ()


@pytest.fixture(scope="module")
def glossary() -> resolver.Glossary:
    return search_glossary._load(None)


@pytest.mark.parametrize(
    ("title", "topics"),
    [
        ("Deep Reinforcement Learning for Robots", {"reinforc learn"}),
        ("RL in the Wild", {"reinforc learn"}),
        ("강화 학습 입문", {"reinforc learn"}),
        ("Colour Films: A Survey", {"colour film"}),
        ("", set()),
        (": : ()", set()),
    ],
)
def test_concepts_and_phrases_are_extracted_from_titles(
    glossary: resolver.Glossary, title: str, topics: set[str]
) -> None:
    assert topics <= {key for key, _ in trends_service.extract_topics(glossary, title)}


@pytest.mark.parametrize(
    "title", ["Qwen3 Technical Report", "Gemma: Technical Reports", "o3 System Card", "큐원 기술 보고서"]
)
def test_the_kind_of_a_text_is_no_topic(glossary: resolver.Glossary, title: str) -> None:
    assert [spelling for _, spelling in trends_service.extract_topics(glossary, title) if spelling] == []


def test_of_two_forms_on_the_seed_list_the_one_that_papers_use_is_shown() -> None:
    unused = concepts.SurfaceForm("주의", "ko", 0, seeded=True)
    used = concepts.SurfaceForm("어텐션", "ko", 0, seeded=True, found=13)
    assert trends_service.best_supported_form([unused, used]) == "어텐션"


@given(st.text(max_size=300))
def test_any_title_can_be_read(title: str) -> None:
    list(trends_service.extract_topics(_EMPTY, title))


_EMPTY = resolver.Glossary([])
