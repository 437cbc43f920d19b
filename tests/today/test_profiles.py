"""Profiles: features of papers, learning and scoring, on both engines."""

import math
from datetime import UTC, datetime

import pytest

from bot.archive import digest_writer
from bot.features.today import profiles
from bot.search import likeness, vectors
from bot.search.vectors import PaperVectors
from bot.text import analyser
from storage import models, papers, shelf, today
from storage.database import Database
from storage.today import FeedbackKind
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper


def _extract(title: str, body: str = "") -> dict[str, float]:
    return vectors.extract_features(analyser.canonicalise(title), analyser.canonicalise(body))


def test_features_are_words_and_pairs_normalised_to_length_one() -> None:
    vector = _extract("Maps for Robot Arms", "로봇 팔이 방을 기억해요.")
    assert {"robot", "robot arm", "로봇", "기억"} <= vector.keys()
    assert "map robot" not in vector  # "for" is between them
    assert math.isclose(sum(value * value for value in vector.values()), 1.0)


@pytest.mark.parametrize("text", ["강화학습을 씁니다", "강화 학습은", "Reinforcement-learning agents"])
def test_a_concept_is_the_same_feature_in_both_languages(text: str) -> None:
    assert vectors.find_concepts("reinforcement learning") <= _extract("A title", text).keys()


def test_nothing_is_learnt_unless_there_are_positive_and_negative_examples() -> None:
    speech = {"speech": 1.0}
    assert likeness.train([], vectors.make_sample({1: speech})) == {}
    assert likeness.train([(speech, 1.0)], vectors.make_sample({})) == {}


NOW = datetime(2025, 3, 20, tzinfo=UTC)
READER = 7


def _profiles(db: Database) -> profiles.Profiles:
    return profiles.Profiles(db, PaperVectors(db))


@pytest.fixture
async def archive(db: Database) -> dict[str, int]:
    """The ids of eight papers on robots (2501) and eight on speech (2502), by arXiv id."""
    robots, speech = (
        [NewsletterPaper(f"{month}.{number:05}", f"{title} {number}", text) for number in range(1, 9)]
        for month, title, text in (
            ("2501", "Robot Arms", "Grasps with robot arms."),
            ("2502", "Speech", "Listens to noisy speech."),
        )
    )
    await sample_archive.add_digest(db, "2025-03-18", *robots, *speech)
    return await db.fetch(papers.get_ids, [paper.arxiv_id for paper in (*robots, *speech)])


async def _save(db: Database, archive: dict[str, int]) -> None:
    async with db.transaction() as connection:
        saved = [archive[f"2501.0000{number}"] for number in (1, 2, 3)]
        await shelf.save(connection, READER, saved, NOW, None)


async def _learn(learner: profiles.Profiles) -> likeness.LearntProfile:
    return await learner.learn(await learner.find(READER), ())


async def test_a_profile_is_learnt_again_only_if_its_signals_change(
    db: Database, archive: dict[str, int]
) -> None:
    learner = _profiles(db)
    first = await _learn(learner)
    await _save(db, archive)
    learnt = await _learn(learner)
    assert learnt.weights != first.weights
    assert await _learn(learner) is learnt
    await db.write(today.set_feedback, READER, archive["2502.00001"], FeedbackKind.LESS, NOW)
    own_day = await learner.learn(await learner.find(READER), [archive["2502.00001"]])
    assert own_day.weights == learnt.weights
    assert (await _learn(learner)).weights != own_day.weights


async def _score(db: Database, learner: profiles.Profiles, archive: dict[str, int]) -> list[list[float]]:
    """Return the scores of five papers on robots and of five on speech, none of which the reader has judged."""
    of_day = await learner.vectors.extract([*archive.values()])
    assert len(of_day) == 16
    rated = likeness.rate(await _learn(learner), of_day)
    scores = {key: value for key, (value, _) in rated.items()}
    return [
        [scores[archive[f"{month}.0000{number}"]] for number in range(4, 9)] for month in ("2501", "2502")
    ]


async def test_papers_similar_to_saved_papers_score_higher(db: Database, archive: dict[str, int]) -> None:
    learner = _profiles(db)
    await _save(db, archive)
    robots, speech = await _score(db, learner, archive)
    assert min(robots) > max(speech)


async def test_profiles_learn_from_titles_of_imported_papers(db: Database, archive: dict[str, int]) -> None:
    learner = _profiles(db)
    async with db.transaction() as connection:
        for number, title in enumerate(("Robot Arms in Kitchens", "Arms of Small Robots")):
            arxiv_id = f"1901.{number:05}"
            facts = models.PaperFacts(arxiv_id, "arxiv", "u", NOW, title=title)
            ids = await papers.add(connection, [digest_writer.merge(arxiv_id, [], [facts])])
            await shelf.save(connection, READER, ids.values(), NOW, None)
    robots, speech = await _score(db, learner, archive)
    assert min(robots) > max(speech)
