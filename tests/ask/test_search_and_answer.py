"""What a search for a text shows, a question in its words shows too: on the papers of the demo."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.features.ask.archive_questions import ArchiveQuestions, guess_language
from bot.search.glossary_service import GlossaryService
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from storage import migrate
from tests.support import sample_archive

ROOT = Path(__file__).parents[2]
CHATTER = (
    "I am a PhD student.|Thank you for this bot!|I want to write an article on it for a newspaper."
    "|We have a small laboratory with two GPUs.|저는 대학원생이에요.|기사로 쓰려고 합니다.|이번 주에 세미나가 있어요."
    "|언어모델이 있다던데 기사로 쓰려고 합니다."
)
QUESTIONS = (
    "Which methods shrink the KV cache?|How is a reasoning model rewarded?|What does it do?"
    "|How many tokens was it trained on?|Can a model run on a phone?|Is Orca 9 better at long documents?"
    "|어떤 병을 다루나요?|긴 문서를 어떻게 읽나요?|환각은 왜 생겨요?|로봇이 물건을 집는 법은?|몇 개나 있어요?"
    "|확산 모델보다 뭐가 나아?"
)
STATEMENTS = (
    "A friend spoke of small language models|There is said to be a robot that folds laundry"
    "|검색 증강 생성을 쓰는 언어모델이 있다던데|강화 학습으로 추론하는 모델이 나왔대요"
)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a database with the demo's samples up to its first day."""
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('samples') / 'paperround.db'}"

    asyncio.run(sample_archive.store_samples(url))
    return url


class _Asking:
    """The search and the questions of one database, with an event loop of their own."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self.run = self._runner.run
        self.database = self._runner.run(migrate.open_database(url))
        self.search = SearchService(self.database, clock=lambda: sample_archive.NOW)
        self.questions = ArchiveQuestions(
            self.database, self.search, GlossaryService(self.database), lambda: sample_archive.NOW
        )

    def find(self, text: str) -> tuple[set[str], set[str]]:
        """Return the papers that a search shows for a text, and those that a question shows."""

        async def find() -> tuple[set[str], set[str]]:
            listed = await self.search.search(SearchRequest(text, limit=300))
            answer = await self.questions.answer(text, guess_language(text))
            return {row.key for row in listed.rows}, {one.paper.key for one in answer.found}

        return self._runner.run(find())

    def close(self) -> None:
        self._runner.run(self.database.close())
        self._runner.close()


@pytest.fixture(scope="module")
def asking(samples: str) -> Iterator[_Asking]:
    asking = _Asking(samples)
    yield asking
    asking.close()


@given(
    st.permutations(
        [st.sampled_from(texts.split("|")) for texts in (f"{CHATTER}|{STATEMENTS}", QUESTIONS)]
    ).flatmap(lambda two: st.tuples(*two))
)
def test_a_question_never_hides_what_a_search_shows(asking: _Asking, sentences: tuple[str, str]) -> None:
    text = " ".join(one if one[-1] in ".?!" else f"{one}." for one in sentences)
    listed, shown = asking.find(text)
    assert not listed or listed & shown, text


@pytest.mark.parametrize("page", ["README.md", "README.ko.md"])
def test_the_answer_to_the_question_of_the_readme_comes_first_in_the_demo(asking: _Asking, page: str) -> None:
    [asked] = re.findall(r"`/(?:ask question|질문 질문):([^`]+)`", (ROOT / page).read_text(encoding="utf-8"))
    first = asking.run(asking.questions.answer(asked, guess_language(asked))).found[0]
    text = first.excerpt.text
    assert re.search("shrinks the key-value cache|키-값 캐시.*줄이는 방법", text), text
