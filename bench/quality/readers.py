"""Quality of the papers of the day, by simulated readers.

`python -m bench.quality.readers [FOLDER] [--only tuned|held] [--days later|any]`

A reader wants the papers of a topic (`reader_topics.tsv`), and has saved some of the papers before a date; the later days are
ranked. With `--days any` the days of the saved papers are drawn for each choice of papers: more readers have enough
papers, and more days are ranked. The words of the topic, with all that contains them, are removed from the features: a
profile has to find the topic by what goes with it. Papers are on a topic if they have a form of it in the title or twice.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import fmean, stdev
from typing import TypeAlias

from bench.quality import corpus, in_memory, measures
from bot.text import analyser, seed, typography
from bot.today import profiles
from storage.search import DocumentTexts

SAVES = (5, 10, 20, 50)
DRAWS = 10
"""Random choices of saved papers per topic."""
MIN_DAY = 6
"""Papers of a day that is ranked: with five or fewer nothing is left out."""
MIN_DAYS = 2
SAVED_SHARE = 0.65
"""Share of the days, the earliest, of which papers are saved."""

Vectors: TypeAlias = Mapping[str, Mapping[str, float]]
Ranker: TypeAlias = Callable[[Sequence[corpus.Paper]], list[corpus.Paper]]


def load_topics(only: str) -> list[measures.Concept]:
    """Return the topics of a half: every other line is for tuning."""
    return [
        topic for topic in measures.load_topics("reader_topics.tsv") if topic.is_tuning == (only == "tuned")
    ]


def mask(vectors: Vectors, topic: measures.Concept) -> Vectors:
    """Return the vectors without the words of a topic and the terms that contain them."""
    words = {word for form in _forms(topic) for word in analyser.stemmed_words(form)}
    hangul = {word for word in words if analyser.is_hangul(word)}
    bigrams = {bigram for word in hangul for bigram in analyser.bigrams(word)}
    latin = words - hangul

    def is_hidden(feature: str) -> bool:
        parts = feature.removeprefix(profiles.CONCEPT_MARK).split()
        return feature in bigrams or not latin.isdisjoint(parts)

    return {
        paper: {feature: value for feature, value in vector.items() if not is_hidden(feature)}
        for paper, vector in vectors.items()
    }


def _forms(topic: measures.Concept) -> tuple[str, ...]:
    return (*topic.korean, *topic.english, *topic.abbreviations)


def ndcg(ranked: Sequence[corpus.Paper], relevant: Collection[str], depth: int = 5) -> float:
    """Return the normalised discounted cumulative gain of the first papers."""
    gain = sum(
        1 / math.log2(rank + 2) for rank, paper in enumerate(ranked[:depth]) if paper.arxiv_id in relevant
    )
    count = min(depth, sum(paper.arxiv_id in relevant for paper in ranked))
    return gain / sum(1 / math.log2(rank + 2) for rank in range(count))


def rank_by_weights(weights: Mapping[str, float], vectors: Vectors) -> Ranker:
    """Return the ranking by the sum of weight times value."""

    def score(paper: corpus.Paper) -> float:
        return sum(weights.get(feature, 0.0) * value for feature, value in vectors[paper.arxiv_id].items())

    return lambda day: sorted(day, key=score, reverse=True)


def by_votes(day: Sequence[corpus.Paper]) -> list[corpus.Paper]:
    """Rank by votes, unknown ones last."""
    return sorted(day, key=lambda paper: -(paper.votes or 0))


def centroid(saved: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of the saved papers, with all its features."""
    mean: dict[str, float] = defaultdict(float)
    for vector in saved:
        for feature, value in vector.items():
            mean[feature] += value
    return mean


class Experiment:
    """The papers of an archive with their vectors, split by time."""

    def __init__(self, papers: Sequence[corpus.Paper], *, in_order: bool = True) -> None:
        self.truth = measures.GroundTruth(papers)
        glossary = in_memory.build_glossary(papers, seed.load_terms())
        concept_index = profiles.ConceptIndex(glossary.all_concepts())
        self.vectors = {paper.arxiv_id: _extract(paper, concept_index) for paper in papers}
        days: dict[date, list[corpus.Paper]] = defaultdict(list)
        for paper in papers:
            days[paper.published_on].append(paper)
        self._in_order = in_order
        self._days = days

    def split(self, rng: random.Random) -> tuple[list[str], list[list[corpus.Paper]]]:
        """Return the papers that may be saved, and the days that are ranked: the last ones, or any."""
        dates = sorted(self._days)
        count = round(SAVED_SHARE * len(dates))
        before = set(dates[:count] if self._in_order else rng.sample(dates, count))
        papers = [paper.arxiv_id for on in dates if on in before for paper in self._days[on]]
        return papers, [self._days[on] for on in dates if on not in before and len(self._days[on]) >= MIN_DAY]

    def measure(self, topic: measures.Concept, figures: measures.MetricSamples) -> None:
        """Add the figures of a reader of a topic, for each number of saved papers that it has."""
        relevant = self.truth.find_core_papers(topic)
        vectors = mask(self.vectors, topic)
        rng = random.Random(len(relevant))
        for count in SAVES:
            own = measures.MetricSamples()
            for _ in range(DRAWS):
                self._draw(relevant, vectors, count, rng, own)
            for name, mean in own.means().items():
                figures.add(f"{count}: {name}", mean)

    def _draw(
        self,
        relevant: Collection[str],
        vectors: Vectors,
        count: int,
        rng: random.Random,
        figures: measures.MetricSamples,
    ) -> None:
        """Add the figures of a reader who saved `count` papers; none if there are not that many, or too few days."""
        before, all_days = self.split(rng)
        on_topic = [paper for paper in before if paper in relevant]
        days = [day for day in all_days if 0 < sum(paper.arxiv_id in relevant for paper in day) < len(day)]
        if len(on_topic) < count or len(days) < MIN_DAYS:
            return
        saved = rng.sample(on_topic, count)
        others = [paper for paper in before if paper not in saved]
        sample = rng.sample(others, min(profiles.SAMPLE_SIZE, len(others)))
        positives = [vectors[paper] for paper in saved]
        started = time.process_time()
        weights = profiles.train_profile(
            [(vector, 1.0) for vector in positives], [(vectors[paper], 1.0) for paper in sample]
        )
        figures.add("training, ms", 1e3 * (time.process_time() - started))
        rankers: dict[str, Ranker] = {
            "learnt": rank_by_weights(weights, vectors),
            "centroid": rank_by_weights(centroid(positives), vectors),
            "votes": by_votes,
            "chance": lambda day: rng.sample(day, len(day)),
        }
        for name, ranker in rankers.items():
            figures.add(name, fmean(ndcg(ranker(day), relevant) for day in days))


def _extract(paper: corpus.Paper, concept_index: profiles.ConceptIndex) -> dict[str, float]:
    title = analyser.canonicalise(typography.to_plain_text(paper.title))
    return profiles.extract_features(DocumentTexts(title, analyser.canonicalise(paper.body)), concept_index)


def main() -> None:
    """Print nDCG@5 of the day by the number of saved papers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=corpus.SHARED_ARCHIVE)
    parser.add_argument("--only", choices=["tuned", "held"], default="held")
    parser.add_argument("--days", choices=["later", "any"], default="later")
    options = parser.parse_args()
    files = corpus.list_files(options.folder)
    if not files:
        sys.exit("no digests there")
    experiment = Experiment(corpus.load_papers(files), in_order=options.days == "later")
    figures = measures.MetricSamples()
    for topic in load_topics(options.only):
        experiment.measure(topic, figures)
    before, days = experiment.split(random.Random(0))
    print(f"{len(before)} papers to save, {len(days)} days of {fmean(map(len, days)):.1f} papers to rank")
    for count in SAVES:
        if readers := len(figures.samples.get(f"{count}: learnt", ())):
            names = ("learnt", "centroid", "votes", "chance", "training, ms")
            text = "  ".join(f"{name} {_show(figures.samples[f'{count}: {name}'])}" for name in names)
            print(f"{count:3} saved, {readers:2} readers: {text}")


def _show(samples: Sequence[float]) -> str:
    """Return the mean over readers with its standard error."""
    error = stdev(samples) / math.sqrt(len(samples)) if len(samples) > 1 else math.nan
    return f"{fmean(samples):.3f}±{error:.3f}"


if __name__ == "__main__":
    main()
