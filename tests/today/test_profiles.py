"""Profiles: features of papers, logistic regression, learning and scoring, on both engines."""

from __future__ import annotations

import asyncio
import math
import random
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.search.glossary import GlossaryService
from bot.text import analyser, seed
from bot.today import profiles
from bot.today.profiles import PaperVectors
from storage import models, papers, shelf, tables, today
from storage.database import Database
from storage.models import FeedbackKind
from storage.search import DocumentTexts
from tests.support import glossary_in_memory, patience, sample_archive
from tests.support.sample_archive import NewsletterPaper

both_engines = pytest.mark.engines("sqlite", "postgresql")


@pytest.fixture(scope="module")
def concept_index() -> profiles.ConceptIndex:
    """The concepts of the seed list."""
    return profiles.ConceptIndex(glossary_in_memory.build_glossary([], seed.load_terms()).all_concepts())


def _extract(concept_index: profiles.ConceptIndex, title: str, body: str = "") -> dict[str, float]:
    texts = DocumentTexts(analyser.canonicalise(title), analyser.canonicalise(body))
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


def test_no_concept_is_found_across_a_line_or_a_comma(concept_index: profiles.ConceptIndex) -> None:
    assert not profiles.concepts_of(_extract(concept_index, "Reinforcement, learning", "강화\n학습"))


def test_a_profile_has_at_most_200_weights_and_prefers_what_several_papers_have() -> None:
    positives = [
        ({f"word{number} {paper}": 0.05 for number in range(300)} | {"robot": 0.5}, 1.0) for paper in (1, 2)
    ]
    shared = [
        (vector | {f"shared{number}": 0.05 for number in range(300)}, weight) for vector, weight in positives
    ]
    weights = profiles.train_profile(shared, [({"speech": 1.0}, 1.0)] * 5)
    assert len(weights) == profiles.MAX_WEIGHTS
    assert weights["robot"] == max(weights.values())
    assert not any(feature.startswith("word") for feature in weights)


terms = st.sampled_from(["red", "green", "blue", "round"])
vectors = st.dictionaries(terms, st.floats(0.1, 1.0), min_size=1)
examples = st.lists(st.tuples(vectors, st.floats(0.1, 5.0)), min_size=1, max_size=8)


@given(examples, examples)
@settings(max_examples=40)
def test_training_separates_what_one_feature_separates_and_repeats_itself(
    positives: list[profiles.Example], negatives: list[profiles.Example]
) -> None:
    wanted = [({**vector, "wanted": 1.0}, weight) for vector, weight in positives]
    weights = profiles.train_weights(wanted, negatives)
    assert weights == profiles.train_weights(wanted, negatives)
    assert weights["wanted"] > 0
    without = profiles.train_weights(negatives, wanted)
    assert without["wanted"] < 0


def test_an_example_that_counts_little_moves_the_weights_less() -> None:
    negatives = [({"speech": 1.0}, 1.0)]
    weights = profiles.train_weights([({"robot": 1.0}, 1.0), ({"film": 1.0}, 0.1)], negatives)
    assert weights["robot"] > 2 * weights["film"] > 0


def test_without_both_classes_nothing_is_learnt() -> None:
    assert profiles.train_weights([], [({"speech": 1.0}, 1.0)]) == {}
    assert profiles.train_weights([({"speech": 1.0}, 1.0)], []) == {}


NOW = datetime(2025, 3, 20, tzinfo=UTC)
READER = 7


def _service(db: Database) -> profiles.Profiles:
    return profiles.Profiles(db, lambda: NOW, PaperVectors(GlossaryService(db)))


@both_engines
async def test_the_join_scores_as_the_sum_over_all_weights_does(db: Database) -> None:
    rng = random.Random(4)
    terms = [f"term {number}" for number in range(40)] + ["강화", "=reinforc learn", "it's", 'a "quote"']
    weights = {
        user_id: {term: rng.uniform(-1, 1) for term in rng.sample(terms, 15)}
        for user_id in range(1, 2 + today.READERS_AT_ONCE)
    }
    vectors = {paper_id: {term: rng.random() for term in rng.sample(terms, 10)} for paper_id in range(1, 7)}
    async with db.transaction() as connection:
        for user_id, own in weights.items():
            await today.add(connection, models.Profile(user_id))
            await today.set_weights(connection, user_id, {"old": 1.0}, learnt_from="a", concepts={})
            await today.set_weights(connection, user_id, own, learnt_from="b", concepts={"robot": 2})
    async with db.read() as connection:
        scores = await _service(db).score(connection, [*weights, 999], vectors)
    for user_id, own in weights.items():
        for paper_id, vector in vectors.items():
            expected = sum(own.get(term, 0.0) * value for term, value in vector.items())
            assert scores.get(user_id, {}).get(paper_id, 0.0) == pytest.approx(expected)
    assert 999 not in scores


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


@both_engines
async def test_a_profile_is_learnt_again_only_when_something_has_changed(
    db: Database, archive: dict[str, int]
) -> None:
    learner = _service(db)
    first = await learner.open(READER)
    async with db.transaction() as connection:
        saved = [archive[f"2501.{number + 1:05}"] for number in range(3)]
        await shelf.save(connection, READER, saved, NOW, None)
    learnt = await learner.open(READER)
    assert first.learnt_from != learnt.learnt_from
    async with db.transaction() as connection:
        await today.set_weights(
            connection, READER, {"marker": 1.0}, learnt_from=str(learnt.learnt_from), concepts={}
        )
    await learner.open(READER)
    assert await _weights(db) == {"marker": 1.0}
    async with db.transaction() as connection:
        await today.set_feedback(connection, READER, archive["2502.00001"], FeedbackKind.LESS, NOW)
    learner.wake(READER)
    learner.wake(READER)
    await patience.wait_until(lambda: not learner._tasks)
    weights = await _weights(db)
    assert weights["robot"] > 0
    assert weights.get("speech", 0.0) <= 0


async def test_papers_like_the_saved_ones_score_higher(db: Database, archive: dict[str, int]) -> None:
    learner = _service(db)
    async with db.transaction() as connection:
        saved = [archive[f"2501.{number + 1:05}"] for number in range(3)]
        await shelf.save(connection, READER, saved, NOW, None)
    await learner.open(READER)
    async with db.read() as connection:
        vectors = await learner.vectors.get_day(connection, date(2025, 3, 18))
        scores = (await learner.score(connection, [READER], vectors))[READER]
    assert len(vectors) == 16
    unsaved = [scores.get(archive[f"2501.{number + 1:05}"], 0.0) for number in range(3, 8)]
    assert min(unsaved) > max(scores.get(archive[f"2502.{number + 1:05}"], 0.0) for number in range(8))


@both_engines
async def test_an_imported_paper_is_learnt_from_by_its_title(db: Database, archive: dict[str, int]) -> None:
    learner = _service(db)
    titles = ["Robot Arms in Kitchens", "Arms of Small Robots"]
    async with db.transaction() as connection:
        for number, title in enumerate(titles):
            row = {"arxiv_id": f"1901.{number:05}", "url": "https://arxiv.org", "authors_truncated": False}
            lists: dict[str, list[str]] = {"keywords": [], "categories": [], "authors": []}
            inserted = await connection.execute(
                tables.papers.insert().values(**row, **lists, title=title).returning(tables.papers.c.id)
            )
            await shelf.save(connection, READER, [inserted.scalar_one()], NOW, None)
    await learner.open(READER)
    assert (await _weights(db))["robot"] > 0


async def test_the_profiles_of_many_readers_are_learnt_one_after_the_other_in_the_background(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = _service(sqlite_db)
    for user_id in range(5):
        await learner.find(user_id)
    running, most = set[int](), list[int]()

    async def learn(profile: models.Profile) -> models.Profile:
        running.add(profile.user_id)
        most.append(len(running))
        for _ in range(50):
            await asyncio.sleep(0)
        running.remove(profile.user_id)
        return profile

    monkeypatch.setattr(learner, "learn", learn)
    for user_id in range(5):
        learner.wake(user_id)
    await patience.wait_until(lambda: not learner._tasks)
    assert most == [1] * 5


@both_engines
async def test_opened_papers_are_kept_of_readers_who_asked_or_chose_something(
    db: Database, archive: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "MAX_OPENED", 2)
    learner = _service(db)
    opened = archive["2501.00001"]

    async def list_after_opening(*paper_ids: int) -> list[tuple[int, FeedbackKind]]:
        for paper_id in paper_ids:
            learner.note_open(READER, paper_id)
        await patience.wait_until(lambda: not learner._tasks)
        async with db.read() as connection:
            return await today.list_feedback(connection, READER, limit=9)

    assert await list_after_opening(opened) == []
    async with db.transaction() as connection:
        await shelf.save(connection, READER, [archive["2501.00002"]], NOW, None)
    assert await list_after_opening(opened) == [(opened, FeedbackKind.OPENED)]
    async with db.read() as connection:
        assert await today.get(connection, READER) is None
    await learner.open(READER)
    async with db.transaction() as connection:
        await today.set_feedback(connection, READER, opened, FeedbackKind.LESS, NOW)
    others = [archive[f"2501.{number + 1:05}"] for number in range(3, 7)]
    stored = await list_after_opening(opened, *others)
    assert sorted(stored) == [
        (opened, FeedbackKind.LESS),
        *((each, FeedbackKind.OPENED) for each in others[:2]),
    ]


async def _weights(db: Database) -> dict[str, float]:
    async with db.read() as connection:
        rows = await today.list_weights(connection, [READER])
    return {term: weight for _, term, weight in rows if term in ("marker", "robot", "speech")}


@both_engines
async def test_an_empty_profile_has_the_defaults_of_its_record(db: Database) -> None:
    await _service(db).open(READER)
    async with db.read() as connection:
        stored = await today.get(connection, READER)
    assert stored is not None
    assert stored.learnt_from
    assert stored == models.Profile(READER, learnt_from=stored.learnt_from)


async def test_closing_ends_what_is_learnt_in_the_background(db: Database, archive: dict[str, int]) -> None:
    learner = _service(db)
    await learner.open(READER)
    async with db.transaction() as connection:
        await shelf.save(connection, READER, [archive["2501.00001"]], NOW, None)
    learner.wake(READER)
    learner.wake(READER)
    await learner.close()
    await patience.wait_until(lambda: not learner._tasks)
    assert await _weights(db) == {}
    learner.wake(READER)
    await patience.wait_until(lambda: not learner._tasks)
    assert await _weights(db)
