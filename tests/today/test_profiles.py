"""Profiles: features of papers, learning and scoring, on both engines."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import pytest

from bot.search.glossary import GlossaryService
from bot.search.index import PaperTexts
from bot.text import analyser, seed
from bot.today import profiles
from bot.today.profiles import PaperVectors
from storage import papers, shelf, tables, today
from storage.database import Database
from storage.models import FeedbackKind
from tests.support import glossary_in_memory, sample_archive
from tests.support.sample_archive import NewsletterPaper


@pytest.fixture(scope="module")
def concept_index() -> profiles.ConceptIndex:
    """The concepts of the seed list."""
    return profiles.ConceptIndex(glossary_in_memory.build_glossary([], seed.load_terms()).all_concepts())


def _extract(concept_index: profiles.ConceptIndex, title: str, body: str = "") -> dict[str, float]:
    texts = PaperTexts(analyser.canonicalise(title), analyser.canonicalise(body))
    return profiles.extract_features(texts, concept_index)


def test_a_vector_has_words_pairs_and_bigrams_and_is_of_length_one(
    concept_index: profiles.ConceptIndex,
) -> None:
    vector = _extract(concept_index, "Maps for Robot Arms", "로봇 팔이 방을 기억해요.")
    assert {"robot", "robot arm", "로봇", "기억"} <= vector.keys()
    assert "map robot" not in vector  # "for" is between them
    assert math.isclose(sum(value * value for value in vector.values()), 1.0)


@pytest.mark.parametrize("text", ["강화학습을 씁니다", "강화 학습은", "Reinforcement-learning agents"])
def test_a_concept_is_the_same_feature_in_both_languages(
    concept_index: profiles.ConceptIndex, text: str
) -> None:
    assert "reinforc learn" in profiles.concepts_of(_extract(concept_index, "A title", text))


def test_without_both_classes_nothing_is_learnt() -> None:
    assert profiles.train_profile([], [({"speech": 1.0}, 1.0)]) == {}
    assert profiles.train_profile([({"speech": 1.0}, 1.0)], []) == {}


NOW = datetime(2025, 3, 20, tzinfo=UTC)
READER = 7


def _service(db: Database) -> profiles.Profiles:
    return profiles.Profiles(db, PaperVectors(GlossaryService(db)))


@pytest.fixture
async def archive(db: Database) -> dict[str, int]:
    """Papers on robots and on speech, by arXiv id."""
    robots = [
        NewsletterPaper(f"2501.{number + 1:05}", f"Robot Arms {number}", "Grasps with robot arms.")
        for number in range(8)
    ]
    speech = [
        NewsletterPaper(f"2502.{number + 1:05}", f"Speech {number}", "Listens to noisy speech.")
        for number in range(8)
    ]
    await sample_archive.add_digest(db, "2025-03-18", *robots, *speech)
    async with db.read() as connection:
        return await papers.get_ids(connection, [paper.arxiv_id for paper in (*robots, *speech)])


async def _learn(learner: profiles.Profiles) -> profiles.Learnt:
    return await learner.learn(await learner.find(READER))


async def test_a_profile_is_learnt_again_only_when_something_has_changed(
    db: Database, archive: dict[str, int]
) -> None:
    learner = _service(db)
    first = await _learn(learner)
    async with db.transaction() as connection:
        saved = [archive[f"2501.{number + 1:05}"] for number in range(3)]
        await shelf.save(connection, READER, saved, NOW)
    learnt = await _learn(learner)
    assert learnt.weights != first.weights
    assert await _learn(learner) is learnt
    assert await _learn(learner.sharing(db)) is learnt
    async with db.transaction() as connection:
        await today.set_feedback(connection, READER, archive["2502.00001"], FeedbackKind.LESS, NOW)
    weights = (await _learn(learner)).weights
    assert weights["robot"] > 0
    assert weights.get("speech", 0.0) <= 0


async def test_papers_like_the_saved_ones_score_higher(db: Database, archive: dict[str, int]) -> None:
    learner = _service(db)
    async with db.transaction() as connection:
        saved = [archive[f"2501.{number + 1:05}"] for number in range(3)]
        await shelf.save(connection, READER, saved, NOW)
    learnt = await _learn(learner)
    async with db.read() as connection:
        vectors = await learner.vectors.get_day(connection, date(2025, 3, 18))
    scores = profiles.score(learnt.weights, vectors)
    assert len(vectors) == 16
    unsaved = [scores[archive[f"2501.{number + 1:05}"]] for number in range(3, 8)]
    assert min(unsaved) > max(scores[archive[f"2502.{number + 1:05}"]] for number in range(8))


async def test_an_imported_paper_is_learnt_from_by_its_title(db: Database, archive: dict[str, int]) -> None:
    learner = _service(db)
    titles = ["Robot Arms in Kitchens", "Arms of Small Robots"]
    async with db.transaction() as connection:
        for number, title in enumerate(titles):
            row = {"arxiv_id": f"1901.{number:05}", "url": "https://arxiv.org", "authors_truncated": False}
            names = "keywords", "categories", "authors", "media", "affiliations"
            lists = {name: list[str]() for name in names}
            inserted = await connection.execute(
                tables.papers.insert().values(**row, **lists, title=title).returning(tables.papers.c.id)
            )
            await shelf.save(connection, READER, [inserted.scalar_one()], NOW)
    assert (await _learn(learner)).weights["robot"] > 0
