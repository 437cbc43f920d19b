"""How much papers are like others that somebody wants: profiles learnt from these, the line above which a paper is like them,
and the reasons.

A profile has a group for each interest: a paper and the nine nearest to it, until each paper is in a group. Groups may overlap,
and each has weights of its own, since the average of several interests is like none of them. A paper counts by the group that
it is most like.
"""

from __future__ import annotations

import heapq
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from bot.search import glossary_service
from bot.search.results import SharedConcept
from bot.search.term_resolver import Glossary
from bot.search.vectors import Vector, VectorSample, find_concepts
from bot.text import tokens
from storage import models

Example: TypeAlias = tuple[Vector, float]
"""A vector and its weight within its class."""

MAX_WEIGHTS = 200
MAX_TRAINED = 300
"""The number of features used for training. More would take time without improving anything."""
MIN_EXAMPLES = 2
"""Features that occur in fewer papers do not generalise."""


def train(
    wanted: Sequence[Example], sample: VectorSample, unwanted: Sequence[Example] = ()
) -> dict[str, float]:
    """Return the MAX_WEIGHTS features that best separate wanted papers from others, with their weights.

    A weight is the difference of the class means (Rocchio's method), scaled by rarity. A paper's score is the
    sum of weight times value over its features. The `sample` is of papers nobody judged, `unwanted` of disliked ones.
    Returns {} if there are no examples of one of the classes.
    """
    others = len(sample.vectors) + sum(weight for _, weight in unwanted)
    if not wanted or not others:
        return {}
    sums, known = defaultdict[str, float](float), Counter[str]()
    for vector, weight in (*wanted, *((vector, 1.0) for vector, _ in unwanted)):
        known.update(vector.keys())
        for feature, value in vector.items():
            sums[feature] += weight * value
    for feature in known:
        known[feature] += sample.frequencies.get(feature, 0)
    total = len(wanted) + len(unwanted) + len(sample.vectors)
    rarity = {
        feature: math.log((total + 1) / count) for feature, count in known.items() if count >= MIN_EXAMPLES
    }
    trained = heapq.nsmallest(
        MAX_TRAINED, rarity, key=lambda feature: (-sums[feature] * rarity[feature], feature)
    )
    weights = {feature: -sample.sums.get(feature, 0.0) / others for feature in trained}
    share = 1 / sum(weight for _, weight in wanted)
    for examples, factor in ((wanted, share), (unwanted, -1 / others)):
        for vector, weight in examples:
            for feature in vector.keys() & weights.keys():
                weights[feature] += factor * weight * vector[feature]
    weights = {feature: weight * rarity[feature] ** 2 for feature, weight in weights.items()}
    impact = {feature: abs(weight) * math.sqrt(known[feature]) for feature, weight in weights.items()}
    heaviest = heapq.nsmallest(MAX_WEIGHTS, impact, key=lambda feature: (-impact[feature], feature))
    return {feature: weights[feature] for feature in heaviest}


GROUP = 10
"""The number of papers of a group, and how many an interest should have. The average of more papers is like fewer of them."""
_MAX_SHARED = 100
"""Papers are grouped by this many of their rarest features. The others would cost time, and tell little."""


def group(vectors: Mapping[int, Vector], sample: VectorSample) -> list[list[int]]:
    """Return groups of the papers that are most like each other, each paper in at least one. Takes linear time in practice."""
    if len(vectors) <= GROUP:
        return [[*vectors]] if vectors else []
    postings, weighed = defaultdict[str, list[tuple[int, float]]](list), dict[int, dict[str, float]]()
    for paper_id, vector in vectors.items():
        weighed[paper_id] = _weigh(vector, sample)
        for feature, weight in weighed[paper_id].items():
            postings[feature].append((paper_id, weight))
    near, closeness = dict[int, list[int]](), dict[int, float]()
    for paper_id, of_paper in weighed.items():
        alike = defaultdict[int, float](float)
        for feature, weight in of_paper.items():
            for other_id, other in postings[feature]:
                alike[other_id] += weight * other
        alike.pop(paper_id, None)
        near[paper_id] = heapq.nlargest(GROUP - 1, alike, key=alike.__getitem__)
        closeness[paper_id] = sum(alike[other_id] for other_id in near[paper_id])
    groups, grouped = list[list[int]](), set[int]()
    for paper_id in sorted(vectors, key=lambda paper_id: -closeness[paper_id]):
        if paper_id not in grouped:
            groups.append([paper_id, *near[paper_id]])
            grouped.update(groups[-1])
    return groups


def _weigh(vector: Vector, sample: VectorSample) -> dict[str, float]:
    """Return a paper's rarest features by their weights, as a vector of length 1."""
    total = len(sample.vectors) + 1
    weights = {
        feature: value * math.log(total / (1 + sample.frequencies.get(feature, 0)) + 1)
        for feature, value in vector.items()
    }
    rarest = heapq.nlargest(_MAX_SHARED, weights, key=weights.__getitem__)
    length = math.hypot(*(weights[feature] for feature in rarest)) or 1.0
    return {feature: weights[feature] / length for feature in rarest}


def list_nearest(vector: Vector, others: Mapping[int, Vector], sample: VectorSample) -> list[int]:
    """Return the ids of other papers, the nearest to a paper first."""
    own = _weigh(vector, sample)
    weighed = {key: _weigh(other, sample) for key, other in others.items()}
    return sorted(others, key=lambda key: -sum(own[name] * weighed[key].get(name, 0.0) for name in own))


class LearntProfile(NamedTuple):
    """What was learnt from papers: groups of their ids, by feature the groups in which it counts with its weight there, the mean
    and the spread of the sample's scores by each group, and how many of the papers have each concept that can be a reason.
    """

    groups: Sequence[Sequence[int]]
    weights: Mapping[str, Sequence[tuple[int, float]]]
    usual: Sequence[tuple[float, float]]
    concepts: Mapping[str, int]


def learn(
    wanted: Mapping[int, Vector],
    concepts: Mapping[str, int],
    sample: VectorSample,
    *,
    hints: Sequence[Example] = (),
    unwanted: Sequence[Example] = (),
) -> LearntProfile:
    """Learn a profile from the vectors of wanted papers by id, against a sample that has none of them.

    `hints` are examples of all groups. Ten papers take some 20 ms of CPU time, a hundred 0.3 s.
    """
    groups = group(wanted, sample) or [[]]
    weights = defaultdict[str, list[tuple[int, float]]](list)
    for number, of_group in enumerate(groups):
        examples = [*((wanted[paper_id], 1.0) for paper_id in of_group), *hints]
        for feature, weight in train(examples, sample, unwanted).items():
            weights[feature].append((number, weight))
    scores = [_score(weights, len(groups), vector) for vector in sample.vectors.values()]
    columns = zip(*scores, strict=True) if scores else [(0.0,)] * len(groups)
    usual = [(statistics.fmean(column), statistics.pstdev(column) or 1.0) for column in columns]
    return LearntProfile(groups, dict(weights), usual, concepts)


def _score(weights: Mapping[str, Sequence[tuple[int, float]]], count: int, vector: Vector) -> list[float]:
    """Return a paper's score by each of some groups: the sum of weight times value over shared features."""
    scores = [0.0] * count
    for feature in sorted(vector.keys() & weights.keys()):
        for number, weight in weights[feature]:
            scores[number] += weight * vector[feature]
    return scores


def rate(profile: LearntProfile, vectors: Mapping[int, Vector]) -> dict[int, tuple[float, int]]:
    """Return how much papers are like a profile, by id, and the number of the group that each is most like.

    The unit is the standard deviation of the sample's scores, from their mean.
    """
    rated = dict[int, tuple[float, int]]()
    for paper_id, vector in vectors.items():
        scores = _score(profile.weights, len(profile.usual), vector)
        pairs = zip(scores, profile.usual, strict=True)
        above = [(value - mean) / spread for value, (mean, spread) in pairs]
        rated[paper_id] = max((value, -number) for number, value in enumerate(above))
    return {paper_id: (value, -number) for paper_id, (value, number) in rated.items()}


LINE, _COMPARED = 2.75, 20
"""From this on a paper is like a list, if so many papers are compared with it."""
_RISE = 0.75 / math.log(300 / _COMPARED)
"""Of more papers more are strangers, so the line rises: by 0.75 for 300."""


def keep_latest(kept: dict[int, Any], most: int) -> None:
    """Drop the oldest profiles, each the last field of a value, until the others have at most so many groups."""
    while sum(len(value[-1].groups) for value in kept.values()) > most:
        del kept[next(iter(kept))]


def find_line(compared: int) -> float:
    """Return the standard deviations from which one of some compared papers is like a list."""
    return LINE + _RISE * math.log(max(compared, _COMPARED) / _COMPARED)


MAX_CONCEPTS = 100
SHARED = 2
"""A concept of this many wanted papers is a reason."""
_FIELD_SHARE, _FEW_PAPERS = 0.1, 10
"""A concept that more than this share of the sample's papers have, and more than this number, is a field: no reason."""


_REPEATED = 1.5
"""What occurs twice in a text has this many times the value of what occurs once. A paper is not about what it mentions once."""


def count_concepts(
    vectors: Mapping[int, Vector], titles: Mapping[int, str], sample: VectorSample
) -> dict[str, int]:
    """Return how many papers, by id, are on each of their most frequent concepts that are no field and in a title.

    A paper is on a concept that its title has or its text repeats.
    """
    limit = max(_FEW_PAPERS, _FIELD_SHARE * len(sample.vectors))
    named = {paper_id: find_concepts(title) for paper_id, title in titles.items()}
    seen, counts = frozenset[str]().union(*named.values()), Counter[str]()
    for paper_id, vector in vectors.items():
        once = min(vector.values(), default=0.0)
        repeated = {feature for feature in seen & vector.keys() if vector[feature] > _REPEATED * once}
        counts.update(repeated | named.get(paper_id, frozenset()))
    counted = (concept for concept in counts if sample.frequencies.get(concept, 0) <= limit)
    most = heapq.nsmallest(MAX_CONCEPTS, counted, key=lambda concept: (-counts[concept], concept))
    return {concept: counts[concept] for concept in most}


def list_shared(
    concepts: Mapping[str, int], features: Collection[str], glossary: Glossary
) -> Iterator[SharedConcept]:
    """Yield the concepts of wanted papers that a paper has, the most frequent first.

    Of equally frequent ones the longest wins and covers the others: "small language model", not "language model".
    """
    named = ""
    for concept, count in sorted(concepts.items(), key=lambda item: (-item[1], -len(item[0]), item[0])):
        if concept not in features or concept[1:] in named:
            continue
        key = tokens.read_concept_token(concept)
        if (known := glossary.concept(key)) and glossary.is_topic(key):
            yield SharedConcept(
                count,
                *(
                    glossary_service.name_concept(known, locale)
                    for locale in (models.Locale.EN, models.Locale.KO)
                ),
            )
            named += concept
