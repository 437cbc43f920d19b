"""Quality of the papers of the day, by simulated readers: `python -m bench.quality.readers [FOLDER] [--only tuned|held]`.

A reader wants the papers of a topic (`reader_topics.tsv`), and has saved some of the papers before a date; the later days are
ranked. The words of the topic, with all that contains them, are removed from the features: a profile has to find the
topic by what goes with it. Papers are on a topic if they have a form of it in the title or twice.
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
from statistics import fmean
from typing import TypeAlias

from bench.quality import corpus, in_memory, measures
from bot.services.recommendation import features, paper_vectors, training
from bot.text.analysis import analyser, korean, latex
from bot.text.glossary.model import seed
from storage.search.index import DocumentTexts

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
    hangul = {word for word in words if korean.is_hangul(word)}
    bigrams = {bigram for word in hangul for bigram in korean.bigrams(word)}
    latin = words - hangul

    def is_hidden(feature: str) -> bool:
        parts = feature.removeprefix(features.CONCEPT_MARK).split()
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

    def __init__(self, papers: Sequence[corpus.Paper]) -> None:
        self.truth = measures.GroundTruth(papers)
        glossary = in_memory.build_glossary(papers, seed.load_terms())
        concept_index = features.ConceptIndex(glossary.all_concepts())
        self.vectors = {paper.arxiv_id: _extract(paper, concept_index) for paper in papers}
        days: dict[date, list[corpus.Paper]] = defaultdict(list)
        for paper in papers:
            days[paper.published_on].append(paper)
        first_ranked = sorted(days)[round(SAVED_SHARE * len(days))]
        self.before = [paper.arxiv_id for paper in papers if paper.published_on < first_ranked]
        self.days = [days[day] for day in sorted(days) if day >= first_ranked and len(days[day]) >= MIN_DAY]

    def measure(self, topic: measures.Concept, figures: measures.MetricSamples) -> None:
        """Add the figures of a reader of a topic, for each number of saved papers that it has."""
        relevant = self.truth.find_core_papers(topic)
        on_topic = [paper for paper in self.before if paper in relevant]
        days = [day for day in self.days if 0 < sum(paper.arxiv_id in relevant for paper in day) < len(day)]
        if len(days) < MIN_DAYS:
            return
        vectors = mask(self.vectors, topic)
        rng = random.Random(len(on_topic))
        for count in SAVES:
            if len(on_topic) < count:
                return
            for _ in range(DRAWS):
                saved = rng.sample(on_topic, count)
                others = [paper for paper in self.before if paper not in saved]
                sample = rng.sample(others, min(paper_vectors.SAMPLE_SIZE, len(others)))
                positives = [vectors[paper] for paper in saved]
                started = time.process_time()
                weights = training.train_profile(
                    [(vector, 1.0) for vector in positives], [(vectors[paper], 1.0) for paper in sample]
                )
                figures.add(f"{count}: training, ms", 1e3 * (time.process_time() - started))
                rankers: dict[str, Ranker] = {
                    "learnt": rank_by_weights(weights, vectors),
                    "centroid": rank_by_weights(centroid(positives), vectors),
                    "votes": by_votes,
                    "chance": lambda day: rng.sample(day, len(day)),
                }
                for name, ranker in rankers.items():
                    figures.add(f"{count}: {name}", fmean(ndcg(ranker(day), relevant) for day in days))
            figures.add(f"{count}: readers", 1.0)


def _extract(paper: corpus.Paper, concept_index: features.ConceptIndex) -> dict[str, float]:
    title = analyser.canonicalise(latex.to_plain_text(paper.title))
    return features.extract(DocumentTexts(title, analyser.canonicalise(paper.body)), concept_index)


def main() -> None:
    """Print nDCG@5 of the day by the number of saved papers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=corpus.SHARED_ARCHIVE)
    parser.add_argument("--only", choices=["tuned", "held"], default="held")
    options = parser.parse_args()
    files = corpus.list_files(options.folder)
    if not files:
        sys.exit("no digests there")
    experiment = Experiment(corpus.load_papers(files))
    figures = measures.MetricSamples()
    for topic in load_topics(options.only):
        experiment.measure(topic, figures)
    size = fmean(map(len, experiment.days))
    print(
        f"{len(experiment.before)} papers to save, {len(experiment.days)} days of {size:.1f} papers to rank"
    )
    means = figures.means()
    for count in SAVES:
        if readers := figures.samples.get(f"{count}: readers"):
            names = ("learnt", "centroid", "votes", "chance", "training, ms")
            text = "  ".join(f"{name} {means[f'{count}: {name}']:.3f}" for name in names)
            print(f"{count:3} saved, {len(readers):2} readers: {text}")


if __name__ == "__main__":
    main()
