"""The evidence for the forms of a concept."""

from __future__ import annotations

from bot.search.service import SearchService


async def test_each_form_comes_with_its_evidence(search: SearchService) -> None:
    ((_, forms),), _ = await search.explain_term("SLM")
    by_text = {form.text: (form.language, paper_count) for form, paper_count in forms}
    assert by_text["소형 언어 모델"] == ("ko", 1)
    assert by_text["SLM"][0] == "abbr"
    assert await search.explain_term("xyzzy") == ([], [])
