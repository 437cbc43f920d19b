"""Hypothesis strategies for hostile papers: markup, mentions, and texts near or above Discord's limits."""

from datetime import date

from hypothesis import strategies as st

from bot.papers import post_papers
from storage import models
from tests.support import rendered_posts

markup = ["**", "`", "[x](http://y.example)", "@everyone", "<@1>", "||", "#", "_", "-", "\u202e", "\n"]
fragments = st.sampled_from([*markup, "논문", "긴", "a", "word ", "😀", " "])
texts = st.lists(fragments, max_size=40).map("".join)
long_texts = st.one_of(
    texts,
    st.integers(1, 4200).map(lambda size: "가" * size),
    st.integers(1, 4200).map(lambda size: "a b. " * (size // 5)),
    st.integers(1, 1500).map(lambda size: "*" * size),
    st.integers(1, 1500).map(lambda size: "😀" * size),
)
urls = st.sampled_from(
    [
        "https://huggingface.co/papers/2501.00001",
        "https://arxiv.org/abs/2501.00001",
        "javascript:alert(1)",
        "https://x.example/" + "a" * 600,
        "",
        "http://user:password@x.example/",
        "https://x.example/a)b (c) 가",
    ]
)
author_names = st.lists(long_texts, max_size=5).map(tuple)
section = st.builds(models.Section, heading=st.none() | texts, body=long_texts)
sections = st.lists(section, max_size=3).map(tuple)


@st.composite
def papers(draw: st.DrawFn, max_size: int = 25) -> tuple[post_papers.PostPaper, ...]:
    """Generate papers with distinct ids; all other fields are arbitrary."""
    count = draw(st.integers(0, max_size))
    return tuple(
        rendered_posts.bare_paper(
            f"2501.{number:05}",
            date(2025, 1, 1),
            title=draw(st.none() | long_texts),
            url=draw(urls),
            votes=draw(st.none() | st.integers(0, 10**9)),
            authors=draw(author_names),
            authors_truncated=draw(st.booleans()),
            thumbnail=draw(st.none() | urls),
            sections=draw(sections),
            organization=draw(st.none() | long_texts),
            code_url=draw(st.none() | urls),
            code_stars=draw(st.none() | st.integers(0, 10**9)),
            project_url=draw(st.none() | urls),
        )
        for number in range(count)
    )
