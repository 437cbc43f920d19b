"""The evidence for the forms of a concept."""

from __future__ import annotations

from bot.services.search.service import SearchService


async def test_each_form_comes_with_its_evidence(search: SearchService) -> None:
    ((_, forms),), _ = await search.explain_term("SLM")
    by_text = {form.text: form for form in forms}
    assert by_text["소형 언어 모델"].papers == 1
    assert by_text["SLM"].language == "abbr"
    assert await search.explain_term("xyzzy") == ([], [])
