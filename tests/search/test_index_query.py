"""Index queries may match too many papers, never too few: whatever scoring counts in a paper, the query matches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.search import query as search_query
from bot.text import analyser, term_keys
from storage import search
from storage.search import AllOf, BooleanQuery, Prefix

_WORD_LIST = (
    "강화 학습 강화학습 대규모 언어모델 언어 모델을 확산 제로 샷 키프레임 뇌를 이미지의"
    " pre-training GPT-4o gpt4o LLM LLMs a diffusion models 3D state-of-the-art"
)
WORDS = st.sampled_from(_WORD_LIST.split())
PHRASES = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
TEXTS = st.lists(WORDS | st.sampled_from([".", "\n", "(RL)"]), max_size=14).map(" ".join)


def matches(tokens: frozenset[str], query: BooleanQuery) -> bool:
    """Tell whether a query matches a row of these tokens."""
    if isinstance(query, str):
        return query in tokens
    if isinstance(query, Prefix):
        return any(token.startswith(query.token) for token in tokens)
    return (all if isinstance(query, AllOf) else any)(matches(tokens, part) for part in query.parts)


@given(PHRASES, TEXTS, TEXTS, st.booleans(), st.integers(0, 3))
def test_a_paper_with_a_form_matches_its_query(
    form: str, title: str, body: str, in_title: bool, times: int
) -> None:
    title = f"{title} {form}" if in_title else title
    body = "\n".join([body, *[f"{form}."] * times])
    texts = search.DocumentTexts(analyser.canonicalise(title), analyser.canonicalise(body))
    title_count, body_count = term_keys.compile_term(form).count(term_keys.Document(texts.title, texts.body))
    all_tokens, title_tokens = search_query.build_tokens(texts)
    tokens = frozenset(all_tokens.split())
    assert set(title_tokens.split()) <= tokens
    query = search_query.from_text(form)
    assert query is not None
    if title_count >= 1 or body_count >= 1:
        assert matches(tokens, query.anywhere)
    if title_count >= 1:
        assert matches(tokens, query.in_title)
    if times >= 2:
        assert matches(tokens, query.repeated)
    if times >= 3:
        assert matches(tokens, query.frequent)
