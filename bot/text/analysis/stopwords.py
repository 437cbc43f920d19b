"""Stop words: words of a query that carry no topic (of, how to, 에 대한, 논문), which search may drop."""

from __future__ import annotations

from collections.abc import Sequence

from bot.text.analysis import korean, normalisation

_FUNCTION_LIST = "a an and as at by for from in into is of on or the to via with"
FUNCTION_WORDS = frozenset(_FUNCTION_LIST.split())
"""English words that carry no meaning within a term."""
_ENGLISH_LIST = (
    "within onto about using through between over under"
    " are was were be been being am do does did can could should would will may might must"
    " how what which who whose why when where that this these those there it its they their them"
    " i we our us you your my me some any than then so if while"
    " please find show me give recent latest new newest"
)
_KOREAN_LIST = (
    "대한 대해 대해서 대하여 관한 관해 관해서 관하여 관련 관련된 위한 위해 위해서 위하여 통한 통해 통하여 따른 따라"
    " 이용한 이용해 이용하는 이용하여 사용한 사용해 사용하는 사용하여 활용한 활용해 활용하는 활용하여"
    " 있는 없는 하는 되는 같은 및 또는 혹은 그리고 등 어떤 무엇 어떻게 좀 최신 최근 요즘"
    " 찾아줘 찾아주세요 알려줘 알려주세요 보여줘 보여주세요 추천해줘 추천해주세요"
)
_ENGLISH_STOP_WORDS = FUNCTION_WORDS.union(_ENGLISH_LIST.split())
_KOREAN_STOP_WORDS = frozenset(_KOREAN_LIST.split())
_PAPER_WORDS = frozenset(("paper", "papers", "article", "articles", "논문", "논문들"))
"""Words true of every document: no topic at either end of a query, but "paper review" may be one."""
_RESEARCH_WORDS = frozenset(("study", "studies", "research", "연구"))
"""No topic next to stop words such as 에 대한 and "papers about"; elsewhere possibly one: 과학 연구."""


def topic_mask(words: Sequence[str]) -> list[bool]:
    """Return for each word (or term) of a query whether it carries a topic; all True if none would."""
    normalised = [_normalise(word) for word in words]
    is_stop = [_is_stop_word(word) for word in normalised]
    for direction in (range(len(normalised)), range(len(normalised) - 1, -1, -1)):
        for index in direction:
            if not is_stop[index] and not _is_generic_end(normalised, is_stop, index):
                break
            is_stop[index] = True
    return [not stop for stop in is_stop] if not all(is_stop) else [True] * len(is_stop)


def _is_generic_end(normalised: Sequence[str], is_stop: Sequence[bool], index: int) -> bool:
    """Tell whether a word at either end of the remaining query only says that papers are wanted."""
    if normalised[index] in _RESEARCH_WORDS:
        return any(is_stop[max(0, index - 1) : index + 2])
    return normalised[index] in _PAPER_WORDS


def _normalise(word: str) -> str:
    """Return a word folded, without surrounding punctuation and Korean particles."""
    folded = "".join(letter if letter.isalnum() else " " for letter in normalisation.fold(word)).strip()
    is_inflected = korean.is_hangul(folded) and folded not in _KOREAN_STOP_WORDS
    return korean.strip_ending(folded) if is_inflected else folded


def _is_stop_word(word: str) -> bool:
    return not word or word in _ENGLISH_STOP_WORDS or word in _KOREAN_STOP_WORDS
