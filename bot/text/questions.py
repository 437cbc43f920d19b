"""Reads a question as a search does: without particles, verb endings and filler, with lay words and typing errors understood.

The analyser strips only what nouns rarely end in (평가, 해상도). A query's word may lose more, where grammar allows it and
what remains is a known word: LLM의 is LLM, 로봇이 is 로봇, 학습시키나요 is 학습. Known terms stay whole.

Filler are question words, requests, polite endings and generic words, recognised by their kind: a word list in English; in
Korean, where one verb has dozens of forms, a pattern of stems and endings. A lay word is an everyday word for a topic that
papers call by another name (lie for hallucination, 옷 for garment).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from importlib import resources
from itertools import compress, product
from operator import or_
from typing import Literal

from bot.text import analyser, term_keys

_RIEUL = 8
"""The number of ㄹ as a final consonant."""
MAX_WORD_LENGTH = 64
"""Characters; longer words are left as typed."""
_PARTICLE_LIST = (
    "이 가 은 는 을 를 의 에 에서 에게 한테 로 으로 로서 으로서 로써 으로써 와 과 랑 이랑 하고 도 만 까지 부터 처럼 같이 보다"
    " 마다 이나 나 이란 란 이라는 라는 이라고 라고 이든 든 뿐 밖에 대로 별 용 들 인 이고 이며 인데 인가 인가요 이야 야 이다"
    " 입니다 입니까 인지 이냐 요 에요 예요 이에요"
)
_PARTICLE = "|".join(sorted(_PARTICLE_LIST.split(), key=len, reverse=True))
_HANGUL_TAIL = re.compile(rf"[{analyser.SYLLABLES}]+\Z")
_LATIN = re.compile("[A-Za-z]")
_PARTICLES = re.compile(f"(?:{_PARTICLE}){{1,3}}")
# The particle that follows a final consonant, or none: 로봇이 is 로봇 + 이, 전문가 is one word.
_PARTICLES_AFTER_CONSONANT = ("이랑", "이나", "이란", "이라는", "이라고", "이고", "이며", "이", "과")
_PARTICLES_AFTER_VOWEL = ("랑", "나", "란", "라는", "라고", "가", "로")
_ANY_LIST = (
    "에서의 에서는 에서도 에서 으로 에게 한테 까지 부터 처럼 같이 보다 마다 입니다 인가요 인가"
    " 인지 인데 하고 적인 적으로 적 뿐 용 별 도 만 인"
)
_AFTER_ANY = tuple(_ANY_LIST.split())
_VERB_LIST = (
    "하나요 할까요 할까 하는지 하는가 하는데 하려면 하려고 하려는 하게 하자 해요 합니까 하죠 한 할 해 해서 해야 했나요 했을때"
    " 하는 하고 하기 하지 하며 하면 하여 한다 합니다 하던 할때 해주는"
    " 시키나요 시킬까요 시킬까 시키는지 시키려면 시키는 시키고 시키기 시킬 시킨 시켜 시켜서 시키면"
    " 되나요 될까요 될까 되는지 되는가 되려면 되게 된 될 돼 돼요 돼서 되어 되는 되고 되기 되면"
)
_VERB_ENDINGS = tuple(sorted(_VERB_LIST.split(), key=len, reverse=True))


def strip_query_word(word: str, is_known: Callable[[str], bool]) -> str:
    """Return a word of a query without its particles and verb endings, or as it is.

    `is_known` tells whether a text is a word of the archive or the glossary; a known word stays whole.
    """
    if len(word) > MAX_WORD_LENGTH or not analyser.ends_in_hangul(word):
        return word
    core = _HANGUL_TAIL.sub("", word)
    if _LATIN.search(core):
        tail = word[len(core) :]
        if is_known(word):
            return word
        if _PARTICLES.fullmatch(tail):
            return core
        # "LLM 기반" of LLM기반; a particle may be joined to a word: RAG를이용한.
        return f"{core} {tail}" if len(tail) > 1 and is_known(core) else word
    if core or is_known(word) or len(word) < 3:
        return word
    for stem in _possible_stems(word):
        if len(stem) >= 2 and (is_known(stem) or is_known(analyser.strip_ending(stem))):
            return stem
    return word


def _possible_stems(word: str) -> list[str]:
    """Return what may remain of a word without one ending, the longest ending first."""
    stems = [word[: -len(ending)] for ending in _VERB_ENDINGS if word.endswith(ending)]
    stems += [word[: -len(ending)] for ending in _AFTER_ANY if word.endswith(ending)]
    for endings, wants_consonant in ((_PARTICLES_AFTER_CONSONANT, True), (_PARTICLES_AFTER_VOWEL, False)):
        for ending in endings:
            if word.endswith(ending) and len(word) > len(ending):
                stem = word[: -len(ending)]
                final = analyser.split_syllable(stem[-1])[2]
                # ㄹ counts as none before 로.
                if (final > 0 and not (ending == "로" and final == _RIEUL)) == wants_consonant:
                    stems.append(stem)
    return stems


_FILLER_PARTICLE = (
    "(?:이|가|은|는|을|를|의|에|에는|에서|에서는|로|으로|와|과|도|만|들|들이|들을|들은|들의|들도|이나|나|이란|란|인가요?|인지"
    "|이야|야|이에요|예요|입니까|입니다|요|까지|부터|별|중|중에|중에서)?"
)
_VERB_ENDING = (
    "(?:는|은|을|를|고|고서|며|면|면서|기|기에|기를|기는|기가|려면|려고|려는|도록|게|지|지만|는지|은지|을지|는데|은데|나|나요|니|냐"
    "|가요|까|까요|을까|을까요|던|다|다는|습니까|습니다|어|어서|어야|어요|어도|아|아서|아요|여|여서|음|거나|자)"
)
_GIVE = (
    "(?:줘|줘요|줘라|주라|주세요|주십시오|줄래|줄래요|줄수|주실래요|주실|주실수|주시겠어요|주시면|주시길|주면|줬으면|달라|다오"
    "|드려요|드립니다)"
)
_ASKED = "(?:추천|소개|설명|정리|요약|안내|검색|비교|공유|부탁|말|얘기|이야기|조사|분석)"
_ASKED_VERB = "(?:찾아|알려|보여|골라|가르쳐|말해|얘기해|들려|뽑아|모아|추려|도와)"
_USED = "(?:이용|사용|활용|적용)"

REQUEST = re.compile(
    # 추천해줘, 알려주세요, 찾고, 싶어요, 궁금합니다, 읽을, 만한
    rf"(?:{_ASKED}?(?:해|좀))?{_GIVE}|{_ASKED_VERB}(?:{_GIVE}|봐|봐요|줄)?"
    r"|(?:찾고|알고|보고|읽고|배우고|공부하고|이해하고|찾는|찾습니다|찾아요|부탁[가-힣]{1,4}|궁금[가-힣]{1,5}|싶[가-힣]{1,5})"
    rf"|{_ASKED}(?:할|해|하는|할만한|받고|좀)|읽을|읽어볼|읽어야|볼만한|읽을만한|할만한|만한(?:가요|가|지)?"
)
PAPER = re.compile(rf"(?:논문|페이퍼|아티클|연구논문|선행연구|문헌){_FILLER_PARTICLE}")
FUNCTION = re.compile(
    "|".join(
        (
            # Question words.
            r"왜(?:요|냐|인지)?|뭐(?:야|지|가|를|예요|에요|죠|니|냐|든|고|길래)?|뭔(?:가|가요|지|데)?|뭘|무슨",
            rf"무엇{_FILLER_PARTICLE}|무엇(?:일까|일까요|인가|인지|이며|이고)|어떤(?:지|가요|가|게|것)?|어떠한|어떻(?:게|습니까)|어때요?",
            r"언제(?:나|부터)?|어디(?:에|에서|서|까지|인가요)?|누가|누구(?:의|를)?|얼마나|어느|몇",
            # Existential and auxiliary verbs in any form, and the nouns that depend on them.
            rf"(?:있|없|되|하){_VERB_ENDING}(?:요|지|가요)?|없이|할|한|해|해서|해야|함|합니까|합니다|할까요?|될|된|돼|됨|될까요?|된다는?",
            r"수(?:가|는|도|를)?|것(?:이|을|은|들|들이|보다|처럼|같은|인가|인가요|입니까)?|거(?:야|예요|죠|가)?|게|건|걸|알(?:수|지|아|면|려면)?|점(?:이|을|은)?|때(?:는|의|에)?|데",
            r"(?:한|두|세|여러|몇)?(?:장|번|편|개|가지)(?:으로|로|에|의|만|만으로)|중|중에|중에서|가운데|등|등의|등을|등에|에서|으로|에게",
            # Postpositional phrases: about, for, by means of.
            r"(?:대|관|위|통|인|의|연관|관련)(?:한|해|해서|하여)|관련(?:된|있는)?|비해|비해서|따른|따라|따라서|기반(?:의|으로|한|해서)?|바탕으로",
            rf"{_USED}(?:한|해|해서|하여|하는|하기|하면|하고|된|되는|할|해야|했|하려면)|써서|쓴|쓰는|쓰이는|쓸|쓰기|쓸만한|가지고|갖고",
            # Conjunctions, adverbs and pronouns.
            r"및|또는|혹은|그리고|그런데|근데|하지만|그럼|그래서|같은|같이|처럼|좀|조금|혹시|제발|그냥|계속|대신|대신에|말고|정말|진짜|아주|매우|너무|더|덜|잘",
            r"자세히|간단히|쉽게|빨리|많이|많은|여러|여러가지|다양한|모든|각각|서로|함께|다른|특히|그런|이런|저런|그렇게|이렇게|특정|특정한|전에|후에|오래|하나로|한쪽으로|자동으로|알아서|제대로|정확하게|정확히|직접|완전히|실제로|손쉽게|나|내|내가|저|제|제가|저는|나는|우리|우리가|너|그|이",
            r"저희|안녕|안녕하세요|고마워|감사합니다|누군가|사람들이|사람들은",
            # Time and quality.
            r"최근(?:에|의|까지|들어)?|최신|요즘(?:에|은)?|요새|현재(?:의|까지)?|지금(?:까지|의)?|오늘날|나온|나오는|발표된|출판된|공개된|새로운|새로|새",
            r"좋은|나은|좋을까요?|좋아|제일|가장|최고(?:의|로)?|최상의|쉬운|괜찮은|유명한|대표적인|인기(?:있는|많은)?|재미있는|재밌는|흥미로운|중요한",
            r"핵심적인|주요|기초적인|입문(?:용|자용)?|초보(?:자용|자)?|간단한|유용한|필요한|가능한|가능할까요?|가능한가요|주목받는|주목할",
        )
    )
)
GENERIC = re.compile(
    rf"(?:방법|방법론|기법|방안|법|접근법|접근|해결책|해결법|종류|예시|예제|사례|원리|이유|뜻|차이|차이점|장점|단점|장단점|동향|트렌드|현황|분야"
    rf"|목록|리스트|비교|최신기술|성능){_FILLER_PARTICLE}"
    r"|비교(?:하는|한|해|할|하면|해서|하기)|다루(?:는|고)|다룬|제안(?:하는|한|된)|소개(?:하는|한|된)|연구(?:하는|한|된|중인)|설명(?:하는|한)|분석한"
    r"|개발(?:하는|한|된)"
)
AMBIGUOUS = re.compile(
    rf"(?:연구|방식|개념|의미|원인|전략|흐름|발전|정보|자료|추천|소개|설명|정리|요약|질문|내용|주제|관점|기술|결과|글|문제){_FILLER_PARTICLE}"
)
VERB = re.compile(
    # Making, changing and coping, of which papers on any topic speak.
    r"만(?:드|든|들)[가-힣]{0,4}|줄(?:이(?:는|기|려|고|면|도|지)|인|일|여|였)[가-힣]{0,3}|높(?:이(?:는|기|려|고|면|도)|인|일|여|였)[가-힣]{0,3}"
    r"|늘(?:리|린|릴|려)[가-힣]{0,4}|낮(?:추|춘|출|춰)[가-힣]{0,4}|막(?:는|기|을|아|으려)[가-힣]{0,3}|없애[가-힣]{0,3}|없앨|바꾸[가-힣]{1,3}|바꿀|바꾼"
    r"|바꿔[가-힣]{0,2}|고치[가-힣]{1,3}|푸는|풀기|풀려면|푼|풀어[가-힣]{0,3}|돕는|키우[가-힣]{1,3}|키운|해결(?:하는|하기|할|한|하려면|하려|하고)"
    r"|개선(?:하는|하기|할|한|하려면|된)|향상(?:시키는|시킨|시키기|된|하는)|감소(?:시키는|시킨)|방지(?:하는|하기|할)|처리하는|다루기|다룰|얻는|얻기|얻을"
    r"|보는|보기|배우(?:는|기|게)|일어나[가-힣]{0,3}|하면서|시키는|시키기|시킬|가르치는"
)
_VERBS = frozenset(
    [
        "남기는",
        "남겨",
        "넣는",
        "넣어",
        "빼는",
        "빼",
        "붙이는",
        "붙여",
        "찾는",
        "찾아",
        "찾아내는",
        "찾아내",
        "알아내는",
        "알아내",
        "알아보는",
        "알아봐",
        "살펴보는",
        "살펴봐",
        "나오는",
        "나와",
        "나타나는",
        "나타나",
        "이루는",
        "이뤄",
        "갖추는",
        "갖춰",
        "가지는",
        "가져",
        "보이는",
        "보여",
        "돌아가는",
        "돌아가",
        "돌리는",
        "돌려",
        "옮기는",
        "옮겨",
        "모으는",
        "모아",
        "나누는",
        "나눠",
        "시작하는",
        "시작해",
        "멈추는",
        "멈춰",
        "맞추는",
        "맞춰",
        "밝히는",
        "밝혀",
        "늘리는",
        "늘려",
        "줄이는",
        "줄여",
        "높이는",
        "높여",
        "낮추는",
        "낮춰",
        "막는",
        "막아",
        "없애는",
        "없애",
        "바꾸는",
        "바꿔",
        "고치는",
        "고쳐",
        "키우는",
        "키워",
        "얻는",
        "얻어",
        "배우는",
        "배워",
        "다루는",
        "다뤄",
        "만드는",
        "만들어",
        "푸는",
        "풀어",
        "하는",
        "해",
        "쓰는",
        "써",
        "읽는",
        "읽어",
        "유지하는",
        "유지해",
        "유지되는",
        "유지되",
        "합치는",
        "합쳐",
        "정리하는",
        "정리해",
        "바뀌는",
        "바뀌",
        "좋아지는",
        "좋아져",
        "작동하는",
        "작동해",
        "동작하는",
        "동작해",
        "끝나는",
        "끝나",
        "못하는",
        "못해",
        "느려지는",
        "느려져",
        "알려주는",
        "알려줘",
        "고민하는",
        "고민해",
        "섞는",
        "섞어",
        "가르치는",
        "가르쳐",
        "해내는",
        "해내",
        "풀어내는",
        "풀어내",
        "골라내는",
        "골라내",
        "붙잡는",
        "붙잡아",
        "올리는",
        "올려",
        "내리는",
        "내려",
        "도와주는",
        "도와줘",
        "잘하는",
        "잘해",
        "잘되는",
        "잘되",
        "좋는",
        "좋아",
        "낫는",
        "낫아",
        "나아지는",
        "나아져",
        "뛰어나는",
        "뛰어나",
        "우수하는",
        "우수해",
        "훌륭하는",
        "훌륭해",
    ]
)
"""The two forms that people type (고치는, 고쳐) of verbs of which papers on any topic speak: of making, changing, praising."""

_AUXILIARY = re.compile("(?:[주내](?:는|기|고|려면)|줘요?|주세요)\\Z")


def common_form(verb: str) -> str:
    """Return the form of a Korean verb that the tables have: 고치는 of 고치기 and 고치고, 고쳐 of 고쳐주는."""
    return f"{verb[:-1]}는" if verb[-1:] in tuple("기고게지") else _AUXILIARY.sub("", verb)


Kind = Literal["function", "request", "paper", "generic", "ambiguous", "verb", ""]
"""The kind of a word of a query.

function, request: carries no topic. paper: a word for papers; none at either end of a query or next to filler.
generic: none at the end of a query or before filler. ambiguous: none after filler or first, if filler follows or nothing.
verb: none in a sentence, as are words of praise that are terms themselves (SOTA). "": content.
"""
_FUNCTION = (
    # Question words and auxiliary verbs.
    "what what's whats which who whom whose why when where how is isn't are was were be been being am do does did"
    " can can't could should would will may might must shall cannot have has had having"
    # Pronouns.
    " i i'm im i'd we us you your my me our it its it's they them their this that these those there there's here"
    " he she someone somebody anyone things stuff"
    # Prepositions, conjunctions and adverbs.
    " any some all each every other such so than then if while but not don't doesn't yet nor either also just only even"
    " still really very quite too much many more most less least lot lots several various different without within onto"
    " about around between over under through during across per like vs versus because instead using used"
    " based regarding concerning related towards toward"
    # Time and quality.
    " recent recently latest new newest newer current currently today nowadays lately best better"
    " good great top popular famous important interesting influential notable promising simple easy easily beginner"
    " introductory actually automatically properly correctly simply possible please thanks hi hello"
)
_REQUEST = (
    "find show give tell suggest recommend look looking want wanted need know help get see read interested curious"
    " wondering exist exists"
)
_PAPER = "paper papers article articles publication publications preprint preprints literature"
_GENERIC = (
    "method methods approach approaches technique techniques way ways idea ideas example examples overview trend trends"
    " difference differences pros cons tips progress advances comparison"
)
_AMBIGUOUS = (
    "study studies research search searching finding list recommendation recommendations recommended explain describe"
    " work works summary results explained problem problems performance"
)
_ENGLISH_VERBS = (
    "make makes making made let lets try tries trying keep keeps happen happens doing done go goes improve improves"
    " improving reduce reduces reducing increase increasing decrease prevent preventing avoid avoiding fix fixing solve"
    " solves solving handle handling deal dealing tackle tackling address addressing propose proposes present presents"
    " introduce introduces shows apply applying achieve perform build building create creating become becomes enable"
    " enables allow allows require requires run whether cause causes people learn understand studying investigate"
    " state-of-the-art sota compare comparing compared use uses up turn turning put putting take taking own"
    " teach teaches teaching get gets getting bring brings bringing come comes coming stop stops"
    " stopping say says saying showing big huge ones wrong"
    " letting pick picking finished always right well once rather part inside"
)
_ENGLISH: dict[str, Kind] = {
    **dict.fromkeys(_ENGLISH_VERBS.split(), "verb"),
    **dict.fromkeys(_AMBIGUOUS.split(), "ambiguous"),
    **dict.fromkeys(_GENERIC.split(), "generic"),
    **dict.fromkeys(_PAPER.split(), "paper"),
    **dict.fromkeys(_REQUEST.split(), "request"),
    **dict.fromkeys((*_FUNCTION.split(), *analyser.FUNCTION_WORDS), "function"),
}
_KOREAN: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("request", REQUEST),
    ("paper", PAPER),
    ("function", FUNCTION),
    ("ambiguous", AMBIGUOUS),
    ("generic", GENERIC),
    ("verb", VERB),
)
_MAX_FILLER_LENGTH = 16
_EDGE = " \t\n\"'`.,;:!?~…()[]{}<>·“”‘’。、"
_ADNOMINAL_ENDINGS = ("는", "한", "된")
_PHRASE_LIST = "state of the art|pros and cons|as well as|in terms of|in order to|up to date"
_PHRASES = [phrase.split() for phrase in _PHRASE_LIST.split("|")]
"""Fixed phrases with words that may be content on their own."""


def trim_filler(word: str) -> str:
    """Return a word of a query without the punctuation around it."""
    return word.strip(_EDGE)


def classify_filler(word: str) -> Kind:
    """Return the kind of one word of a query, which may be in any case and with punctuation."""
    folded = analyser.fold(trim_filler(word[:64])).replace("’", "'")
    if not any(map(str.isalnum, folded)):
        return "function"
    if folded.isascii():
        return _ENGLISH.get(folded, "")
    if len(folded) > _MAX_FILLER_LENGTH:
        return ""
    is_verb = folded in _VERBS or common_form(folded) in _VERBS
    return next((kind for kind, pattern in _KOREAN if pattern.fullmatch(folded)), "verb" if is_verb else "")


def has_topic(words: Sequence[str]) -> bool:
    """Tell whether any word of a query may carry a topic: papers, question words and requests alone do not."""
    return any(classify_filler(word) in ("", "verb", "ambiguous") for word in words)


def topic_mask(words: Sequence[str], protected: Sequence[bool] | None = None) -> list[bool]:
    """Return for each word of a query whether it carries a topic; all True if none would.

    `protected` words are part of a known term of several words, such as the "of" of "chain of thought".
    """
    kinds = list(map(classify_filler, words))
    if protected is not None:
        kinds = ["" if is_protected else kind for kind, is_protected in zip(kinds, protected, strict=True)]
    folded = [trim_filler(word).lower() for word in words]
    for start, phrase in product(range(len(words)), _PHRASES):
        if folded[start : start + len(phrase)] == phrase:
            kinds[start : start + len(phrase)] = ["function"] * len(phrase)
    dropped = [kind in ("function", "request") for kind in kinds]
    _drop_by_neighbours(words, kinds, dropped)
    are_verbs = [kind == "verb" for kind in kinds]
    if any(dropped) or any(not word.isascii() for word in compress(words, are_verbs)):
        # A sentence: its verbs say what is done to the topic.
        dropped = list(map(or_, dropped, are_verbs))
        _drop_by_neighbours(words, kinds, dropped)
    return [not is_dropped or all(dropped) for is_dropped in dropped]


def _drop_by_neighbours(words: Sequence[str], kinds: Sequence[Kind], dropped: list[bool]) -> None:
    """Drop words for papers, generic and ambiguous words where their place in the query says that they are filler."""
    last = len(kinds) - 1
    for index in range(last, -1, -1):
        precedes = index == last or dropped[index + 1]
        if kinds[index] in ("generic", "paper") and precedes:
            dropped[index] = True
        elif kinds[index] == "ambiguous" and precedes and index and kinds[index - 1] == "paper":
            dropped[index] = True  # 논문 추천, 논문 요약
    for index, kind in enumerate(kinds):
        # Behind a verb it is what the verb qualifies: 웹을 돌아다니는 연구.
        follows = index == 0 or dropped[index - 1] or words[index - 1].endswith(_ADNOMINAL_ENDINGS)
        precedes = index == last or dropped[index + 1]
        if follows and (kind == "paper" or (kind == "ambiguous" and precedes)):
            dropped[index] = True


MAX_WORDS = 4
"""Words of the longest lay phrase."""


@lru_cache(maxsize=1 << 12)
def find_terms(text: str) -> tuple[str, ...]:
    """Return the terms by which papers call what a word or a phrase of everyday language means; () for any other."""
    key, noun = _key(text), analyser.monosyllabic_noun(text)
    table = _key_terms(text[:1].casefold())
    # The analyser leaves some particles on, as in 같은 인물이.
    spellings = (key, noun or strip_query_word(key, table.__contains__), _key(common_form(text)))
    return next((table[spelling] for spelling in spellings if spelling in table), ())


@lru_cache(maxsize=1 << 9)
def _key_terms(first: str) -> dict[str, tuple[str, ...]]:
    """Return the terms by the keys of the lay words that begin with a letter: stemming all of them takes some 30 ms."""
    rows = _load_table().get(first, ())
    return {_key(word): terms for word, terms in reversed(rows)}


@lru_cache(maxsize=1)
def _load_table() -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """Return each lay word with its terms, by the first letter of the word."""
    table: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for words, terms in load_rows():
        for word in words:
            table.setdefault(word[0].casefold(), []).append((word, terms))
    return table


def load_rows() -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the lay words of each row of the packaged table with their terms; Korean verbs are in the forms that people type."""
    text = resources.files(__package__).joinpath("lay_words.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines())
    return [(tuple(words.split("|")), tuple(terms.split("|"))) for words, terms in rows]


def _key(text: str) -> str:
    """Return the key of a word or phrase: of Latin words their stems, of Korean ones their letters without particles."""
    if not analyser.has_hangul(text):
        return term_keys.english_key(text)
    return "".join(analyser.strip_term(term_keys.korean_key(word)) for word in text.split())


_MAX_WORDS = 24
_MAX_TERM_WORDS = 5


def read_question(text: str, is_term: Callable[[str], bool], is_word: Callable[[str], bool]) -> str:
    """Return the words of a query that carry its topic; the text itself if it is a known term or nothing else is left.

    `is_term` tells of a text whether it is a form of a concept, `is_word` of a word whether it is known.
    """
    if is_term(text):
        return text
    words = [word for word in map(trim_filler, text.split()[:_MAX_WORDS]) if word]
    # Filler and lay words keep their endings.
    stripped = [
        word
        if classify_filler(word) or find_terms(word)
        else strip_query_word(word, lambda stem: is_word(stem) or bool(find_terms(stem)))
        for word in words
    ]
    return " ".join(compress(stripped, topic_mask(words, _find_terms(stripped, is_term)))) or text


def _find_terms(words: Sequence[str], is_term: Callable[[str], bool]) -> list[bool]:
    """Return for each word whether it is part of a known term of several words, the longest first."""
    found = [False] * len(words)
    is_function = [classify_filler(word) == "function" for word in words]
    start = 0
    while start < len(words):
        for end in range(min(len(words), start + _MAX_TERM_WORDS), start + 1, -1):
            term = " ".join(words[start:end])
            parts = list(range(start, end))
            if not (is_term(term) or find_terms(term)):
                parts = _find_parts(words, is_function, parts)
            if parts:
                found = [is_part or number in parts for number, is_part in enumerate(found)]
                start = end - 1
                break
        start += 1
    return found


def _find_parts(words: Sequence[str], is_function: Sequence[bool], numbers: Sequence[int]) -> list[int]:
    """Return the words of a lay phrase that function words interrupt: 코드를 (자동으로) 고치는; none if they are no phrase."""
    parts = [number for number in numbers if not is_function[number]]
    is_interrupted = 1 < len(parts) < len(numbers) and parts[-1] == numbers[-1]
    if is_interrupted and find_terms(" ".join(words[number] for number in parts)):
        return parts
    return []


_MIN_KEYSTROKES, _MIN_KEYSTROKES_OF_TWO_ERRORS = 5, 9
_MAX_KEYSTROKES = 40
_DOMINANCE = 4
"""A word that is this many times as frequent as all others at the same distance is the one that was meant."""


class Vocabulary:
    """The words that typing errors may mean, by their keystrokes: in Korean, one wrong key changes one letter of a syllable."""

    def __init__(self, weighted_words: Iterable[tuple[str, int]]) -> None:
        weight_of: dict[str, int] = defaultdict(int)
        for word, weight in weighted_words:
            weight_of[word] += weight
        spellings: dict[str, dict[str, int]] = defaultdict(dict)
        for word, weight in weight_of.items():
            if word.isalpha() or not any(map(str.isdigit, word)):
                spellings[_spelling_key(word)][word] = weight
        self._words: dict[str, tuple[str, int]] = {}
        self._keys_by_first: dict[str, list[str]] = defaultdict(list)
        for key, weights in spellings.items():
            if _MIN_KEYSTROKES - 1 <= len(key) <= _MAX_KEYSTROKES:
                self._words[key] = max(weights, key=lambda word: weights[word]), sum(weights.values())
                self._keys_by_first[key[0]].append(key)

    def correct(self, word: str) -> str | None:
        """Return the word that was meant by a word with one typing error, or two in a longer one; None if unsure."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        key = _spelling_key(word)
        if not _MIN_KEYSTROKES <= len(key) <= _MAX_KEYSTROKES or key in self._words or not key.isalpha():
            return None
        max_errors = 1 if len(key) < _MIN_KEYSTROKES_OF_TWO_ERRORS else 2
        near = process.extract(
            key, self._keys_by_first[key[0]], scorer=OSA.distance, score_cutoff=max_errors, limit=None
        )
        least = min((errors for _, errors, _ in near), default=0)
        meant = self._choose([found for found, errors, _ in near if errors == least])
        return meant.lower() if meant and word.islower() and meant.istitle() else meant

    def _choose(self, keys: Iterable[str]) -> str | None:
        """Return the one word of several spellings and inflections, or the most frequent by far."""
        by_stem: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for word, weight in (self._words[key] for key in keys):
            by_stem["".join(analyser.stemmed_words(word))].append((weight, word))
        ranked = sorted((sum(weight for weight, _ in group), max(group)[1]) for group in by_stem.values())
        if not ranked or (len(ranked) > 1 and ranked[-1][0] < _DOMINANCE * sum(w for w, _ in ranked[:-1])):
            return None
        return ranked[-1][1]


def _spelling_key(word: str) -> str:
    return analyser.keystrokes(analyser.fold(word))
