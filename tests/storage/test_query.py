"""Boolean queries: their syntax in each engine, pruning and cost."""

from __future__ import annotations

import pytest

from storage.search import (
    AllOf,
    AnyOf,
    BooleanQuery,
    Prefix,
    all_of,
    any_of,
    estimate_cost,
    prune_phrases,
    query_tokens,
    to_fts5,
    to_tsquery,
)


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("often", 9000),
        ("never", 0),
        (Prefix("of"), 0),
        (AnyOf(("often", "rare")), 9004),
        (AllOf(("often", "rare")), 2004),
        (AllOf(("often", "often again")), 15_000),
        (AllOf((AnyOf(("often", "rare")), AllOf(("often", "rare")))), 4000),
        (AllOf(("often", "never")), 0),
    ],
)
def test_the_cost_of_a_query_is_bounded_by_its_rarest_part(query: BooleanQuery, cost: int) -> None:
    assert estimate_cost(query, {"often": 9000, "often again": 6000, "rare": 4}) == cost


def test_a_query_is_written_in_the_syntax_of_each_engine() -> None:
    query = all_of(["a", any_of(["b", Prefix("c'")]), None])
    assert query is not None
    assert to_fts5(query) == '("a" AND ("b" OR "c_"*))'
    assert to_tsquery(query) == "('a' & ('b' | 'c''':*))"
    assert query_tokens(query) == {"a", "b"}


def test_a_phrase_is_pruned_to_its_rarest_parts() -> None:
    phrase = AllOf(("model", "languag", "lang_mode"), phrase=True)
    assert prune_phrases(phrase, {"model": 500, "languag": 40, "lang_mode": 30}) == AllOf(
        ("languag", "lang_mode")
    )
    assert prune_phrases(AllOf(("a", "b", "c")), {"a": 1, "b": 900, "c": 900}) == AllOf(("a", "b", "c"))
