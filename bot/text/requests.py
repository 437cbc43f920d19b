"""Reads what a question asks for besides its topic: an order of the papers, and what to leave out.

"most upvoted", 추천 많은 and "best papers" mean most votes first, "newest papers" the newest first. "except agents", 말고 and
빼고 exclude what they name. "without X" and "X 없이" exclude a term such as reinforcement learning, but not what a method
does without: labels, retraining, a reward model. There they describe the papers that are sought, unless the method
with these means has a name: "reinforcement learning without human feedback" excludes what RLHF is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from bot.text import questions

_MOST, _LEAST = "(?:most|highest|best|top|biggest)", "(?:least|lowest|fewest|worst)"
_VOTED = "(?:up-?)?(?:votes?|voted|rated|ranked|likes?|liked|loved|popular|recommended|discussed|read|shared|viewed|received)"
_GOT = "(?:with|by|got|get|have|had|has|received)"
_CITED = "(?:cited|citations?|downloaded|downloads?|starred|stars?)"
_MOST_KO = "(?:제일|가장|젤|최고로|아주|더)"
_VOTES_KO, _CITED_KO = "(?:추천|투표|좋아요|득표|업보트|하트)", "(?:인용|다운로드|스타|조회)"
_NUMBER_KO = rf" ?수?[이가을를도은]? ?(?:{_MOST_KO} ?)?"
"""Between what is counted and its amount: 추천 수가 제일 (많은)."""
_PAPERS = r"(?:papers?|articles?|preprints?|publications?|논문|페이퍼|연구)"
_SOON = rf"(?=(?:\s[^\s,.;?!]+){{0,4}}\s{_PAPERS}|\s?{_PAPERS})"
"""Papers are named within the next five words."""
_VOTES = re.compile(
    rf"\b(?:the )?{_MOST}[ -]{_VOTED}\b|\b(?:popular|trending|hottest|viral|upvot(?:ed|ing))\b"
    rf"|\b(?:{_GOT} )?(?:the )?(?:(?:{_MOST}|many)(?: number of)?|number of) "
    r"(?:up-?)?(?:votes?|likes)\b"
    r"|\b(?:(?:sort|rank|order)(?:ed)? )?by (?:(?:up-?)?votes?|likes|popularity)\b|^(?:sort|rank|order)\b(?=.* by )"
    r"|\b(?:fan|crowd|community|reader)(?:['’]?s['’]?)? (?:favou?rites?|picks?)\b|\b(?:the )?big(?:gest)? hits\b"
    r"|\bhot(?= (?:papers?|topics?|research|right|now|this|last|in|on)\b)"
    rf"|(?:{_MOST_KO} ?)?{_VOTES_KO}{_NUMBER_KO}(?:많이 ?[받얻달눌된][가-힣]*|[많높][가-힣]*)(?: ?[받얻][가-힣]+)?"
    r"(?: ?순[가-힣]*)?"
    rf"|{_VOTES_KO} ?[0-9]{{1,3}} ?[위등][가-힣]*|(?:{_MOST_KO} ?)?반응[이도]? ?(?:{_MOST_KO} ?)?좋[가-힣]*"
    rf"|(?:인기|{_VOTES_KO})수? ?순[위서]?(?:으로|대로|에|의)?(?![가-힣])"
    rf"|(?:{_MOST_KO} ?)?인기(?:가|도)? ?(?:{_MOST_KO} ?)?(?:[있많좋높][은는던았었][가-힣]*"
    rf"|[끈끌얻][가-힣]*|글|(?={_PAPERS}|주제|모델))"
    rf"|{_MOST_KO} ?인기[가-힣]*|{_MOST_KO} ?많이 ?(?:언급|공유)[가-힣]*|많이 ?(?:추천|투표|읽)[가-힣]*"
    rf"|(?:{_MOST_KO} ?)?핫[하한했해][가-힣]*|트렌딩"
    rf"|(?:{_MOST_KO} ?)?뜨(?:는|고 ?있는|거운)(?:{_SOON}|(?= ?(?:주제|모델|분야|[거것게건])))"
    rf"|화제(?:의|가 ?된|인|였던)|(?:{_MOST_KO} ?)?주목 ?받[가-힣]+",
    re.IGNORECASE,
)
_BEST = re.compile(
    rf"\bwhat(?:['’]?s| is) new\b|\b(?<!on )(?:the )?(?:best|top|greatest|must[- ]read"
    rf"|most (?:influential|important|interesting|impactful|exciting))(?![\w-])(?: [0-9]{{1,3}}\b)?"
    rf"(?! (?:ways?|methods?|practices?|approach(?:es)?|of n|[kp])\b)"
    rf"|(?:최고의?(?! ?(?:성능|수준|품질|속도|정확도))|베스트|[톱탑]|(?<!\S)1 ?[등위]"
    rf"|{_MOST_KO} ?[좋훌괜재중][가-힣]*[은던운한])(?![가-힣])"
    rf"(?: ?[0-9]{{1,3}} ?[개편위]?)?",
    re.IGNORECASE,
)
"""Superlatives that ask for an order if papers or a period are named, but not in "which tokenizer is best"."""
_DATE = re.compile(
    rf"\b(?:the )?(?:newest|most recent)(?: first)?\b|\blatest(?: first\b|{_SOON})|^(?:the )?latest$|^최신$"
    rf"|{_MOST_KO} ?(?:최근|최신|새로)[가-힣]*|최신 ?순[가-힣]*"
    r"|(?<!\S)최신의?(?=(?:\s[^\s,.;?!]+){0,4}\s?(?:논문|페이퍼))",
    re.IGNORECASE,
)
_LATEST = re.compile(r"\bthe latest\b|\blatest\b|(?<!\S)최신의?(?=\s)", re.IGNORECASE)
"""No order unless papers are named: "the latest tricks". It stays in the text, as filler, and the answer says so."""
_UNKNOWN_BEST = re.compile(
    rf"\b(?:most|highly|heavily|top|by)[ -]{_CITED}\b"
    rf"|{_MOST_KO} ?(?:많이 ?)?{_CITED_KO}[가-힣]*|{_CITED_KO}{_NUMBER_KO}[많높순][가-힣]*",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(
    rf"\b(?:{_GOT} )?(?:the )?{_LEAST}[ -](?:number of )?(?:{_VOTED}|{_CITED})\b"
    rf"|\b(?:underrated|overlooked)\b|\b(?:worst|oldest|earliest){_SOON}"
    rf"|\bpapers? with (?:code|github)\b|코드[가도를]? ?(?:있|공개)[가-힣]*|최악의?|{_MOST_KO} ?오래[된전][가-힣]*"
    rf"|(?:{_VOTES_KO}|{_CITED_KO}){_NUMBER_KO}[적낮][가-힣]*"
    rf"|{_VOTES_KO}[을를도]? ?(?:별로|거의) ?[못안] ?받[가-힣]*|{_MOST_KO} ?적게 ?(?:{_VOTES_KO}|{_CITED_KO})[가-힣]*"
    rf"|(?:{_MOST_KO} ?)?인기(?:가|도)? ?(?:{_MOST_KO} ?)?없[가-힣]*",
    re.IGNORECASE,
)


_COUNT = re.compile(
    r"(?<!\S)(?:(?:상위 ?)?(?:[0-9]{1,3}|[한두세네]|다섯|열) ?[개편위](?:만|정도)?|순위|랭킹)(?![가-힣])"
)


class Ordering(NamedTuple):
    """A question without its order; the order ("votes", "date" or ""), and what it asks for that is unknown of papers."""

    text: str
    order: str = ""
    unread: tuple[str, ...] = ()


def read_order(text: str, *, has_period: bool) -> Ordering:
    """Split a question into its topic and the order that it asks for. `has_period`: whether it names a period."""
    unread, orders = list[str](), list[str]()
    for pattern, order in _ORDERS:
        for match in pattern.finditer(text):
            if pattern is not _BEST or has_period or re.match(_SOON, text[match.end() :], re.IGNORECASE):
                orders += [order] if order else []
                unread += [match[0].strip()] if pattern in (_UNKNOWN_BEST, _UNKNOWN, _LATEST) else []
                text = text if pattern is _LATEST else text.replace(match[0], " ", 1)
    text = _COUNT.sub(" ", text) if orders else text
    return Ordering(" ".join(text.split()), next(iter(orders), ""), tuple(unread))


_ORDERS = (
    (_UNKNOWN_BEST, "votes"),
    (_UNKNOWN, ""),
    (_VOTES, "votes"),
    (_DATE, "date"),
    (_BEST, "votes"),
    (_LATEST, ""),
)

# Exclusions.

_ENGLISH = re.compile(
    r"(?P<sure>\bexcept(?:ing)?(?: for)?\b|\bexclud(?:ing|e)\b|\b(?:apart|aside) from\b"
    r"|\bleav(?:e|ing) out\b|\bminus\b|(?<=thing )but\b|\bbut not (?:by|with|using|through|via)\b"
    r"|(?:\bnot|n['’]t|\bnothing)(?: be| have)? (?:about|related to|involving"
    r"|including|dealing with|mention(?:ing)?|cover(?:ing)?)\b)"
    r"|\b(?:without|avoid(?:s|ing)?|with no|but not|other than|besides|free of|no)\b|(?P<instead>\b(?:rather than|instead of)\b)"
    r"|(?:\bnot|n['’]t) (?:us(?:e|ing)|need|require|rely on|involve|depend on|based on)\b"
    r"|(?:(?:(?<=,)|(?<=, )|(?<=\band )|(?<=\bare )|(?<=\bis )|(?<=\bthat )|(?<=papers ))not|(?:are|is)n['’]t)"
    r"(?: (?:in|on|for|with))?\b",
    re.IGNORECASE,
)
_KOREAN = re.compile(
    r"(?<=\S)(?P<sure> ?말고(?![가-힣])| ?빼(?:고| ?[줘주면])| ?뺀| ?제외| ?무관한)[가-힣]*(?: [줘주][가-힣]*)?"
    r"|(?<=\S)(?: (?:둘 ?다|모두|전부))?(?:(?P<instead> 대신(?:에|으로)?(?![가-힣]))"
    r"|[이가]? ?(?:관련 ?)?없[이는]|[이가]? ?아(?:닌|니고)| ?이외[에의](?!도)"
    r"| 외에(?!도)| ?안 ?[쓰쓴써하한]|[이가]? ?필요 ?없"
    r"|[을를]? ?(?:(?:쓰|사용하|이용하)지 ?않|(?:사용|이용) ?안))[가-힣]*"
)
"""The words before (English) or behind (Korean) something unwanted. If it is not `sure`, only a term is excluded.

What a method is used `instead` of is not searched for, but its papers name it, so they are not excluded.
"""
_SKIPPED = frozenset(
    ("a", "an", "the", "any", "all", "using", "explicit", "doing", "from", "for", "in", "on")
)
_JOINTS, _TAILS = (
    frozenset(("or", "and", "nor")),
    frozenset(("models", "papers", "ones", "methods", "based", "please")),
)
_JOINED = re.compile(r"(?:이?[나랑]|[와과]|하고)\Z|,\Z")
_PARTICLE = re.compile(r"(?:[은는이가을를의]|이?[나랑]|[와과]|하고|,)\Z")
_MAX_TERM_WORDS = 4


class Exclusions(NamedTuple):
    """A question without what its answer leaves out; that, as typed; and negations that cannot be read."""

    text: str
    excluded: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def read_exclusions(text: str, is_term: Callable[[str], bool]) -> Exclusions:
    """Split a question into its topic and what it excludes. `is_term` tells terms of papers from other words."""
    excluded, unread = list[str](), list[str]()
    for pattern, read in ((_ENGLISH, _read_behind), (_KOREAN, _read_ahead)):
        start = 0
        while match := pattern.search(text, start):
            find_kinds = partial(_find_kinds, tuple(_list_kinds(text, match)), is_term)
            is_excluded = is_term if match["instead"] else partial(_is_excluded, is_term, find_kinds)
            named, first, last = read(text, match, is_excluded, is_term)
            phrase, start = text[first:last].strip(), match.end()
            # 트랜스포머 말고 and "without labels" are everyday words for a topic.
            if not (named or (phrase and match["sure"])) or questions.find_everyday_terms(phrase):
                continue
            if not match["instead"]:
                excluded += [*named, *(kind for term in named for kind in find_kinds(term))]
            unread += [] if named else [phrase]
            text, start = f"{text[:first]} {text[last:]}", first
    return Exclusions(" ".join(text.split()).strip(" ,;"), tuple(dict.fromkeys(excluded)), tuple(unread))


def _list_kinds(text: str, match: re.Match[str]) -> Iterator[tuple[str, str]]:
    """Yield what may stand before and after means in the name of a method that has them: reinforcement learning from …."""
    if match.re is _ENGLISH:
        words = text[: match.start()].split()[-_MAX_TERM_WORDS:]
        subjects = (" ".join(words[start:]) for start in range(len(words)))
        yield from ((f"{subject} {joint} ", "") for subject in subjects for joint in ("from", "with"))
    else:
        words = text[match.end() :].split()[:_MAX_TERM_WORDS]
        subjects = (_PARTICLE.sub("", " ".join(words[: end + 1])) for end in range(len(words)))
        yield from (("", f" 기반 {subject}") for subject in subjects)


def _find_kinds(kinds: Iterable[tuple[str, str]], is_term: Callable[[str], bool], means: str) -> list[str]:
    """Return the methods that have a name with these means."""
    return [kind for before, after in kinds if is_term(kind := f"{before}{means}{after}")]


def _is_excluded(
    is_term: Callable[[str], bool], find_kinds: Callable[[str], Sequence[str]], text: str
) -> bool:
    """Return whether "without" before this text excludes it: a term, unless a method does without it."""
    return is_term(text) and (not questions.is_means(text) or bool(find_kinds(text)))


def _read_behind(
    text: str, match: re.Match[str], is_excluded: Callable[[str], bool], is_term: Callable[[str], bool]
) -> tuple[list[str], int, int]:
    """Return what an English negation names behind it, and where both begin and end."""
    words = list(re.finditer(r"[^\s,;.?!()]+(?=([,;.?!()])?)", text[match.end() :]))
    named, number, end = list[str](), 0, 0
    while number < len(words):
        typed = [word[0] for word in words[number : number + _MAX_TERM_WORDS]]
        broken = next((at + 1 for at, word in enumerate(words[number:]) if word[1]), len(words))
        is_listed = bool(named) and words[number - 1][0].casefold() not in _JOINTS
        is_sure = bool(match["sure"] or match["instead"]) and not is_listed
        size = _count_words(typed[:broken], is_sure, is_term if is_sure else is_excluded)
        if size:
            named.append(" ".join(typed[:size]))
        elif typed[0].casefold() not in (_JOINTS | _SKIPPED if named else _SKIPPED) and not (
            match["instead"] and questions.classify_filler(typed[0]) == "filler"
        ):
            break
        number += size or 1
        if size:
            while match["instead"] and number < len(words) and words[number - 1][1] is None:
                word = words[number][0].casefold()
                if word in _TAILS | _JOINTS or questions.classify_filler(word):
                    break
                number += 1  # fine-tuning large (ones)
            number += number < len(words) and words[number][0].casefold() in _TAILS
            end = words[number - 1].end()
            is_joined = number < len(words) and words[number][0].casefold() in _JOINTS
            if words[number - 1][1] != "," and not is_joined:
                break
    return named, match.start(), match.end() + end


def _count_words(words: Sequence[str], is_sure: bool, is_unwanted: Callable[[str], bool]) -> int:
    """Return how many of the next words name what is unwanted: the longest term or, if `is_sure`, all up to filler."""
    for size in range(len(words), 0, -1):
        if is_unwanted(" ".join(words[:size])):
            return size
    kinds = [questions.classify_filler(word) for word in words] if is_sure else ["filler"]
    return next((size for size, kind in enumerate(kinds) if kind), len(kinds))


def _read_ahead(
    text: str, match: re.Match[str], is_excluded: Callable[[str], bool], is_term: Callable[[str], bool]
) -> tuple[list[str], int, int]:
    """Return what a Korean negation names ahead of it, and where both begin and end."""
    ahead = list(re.finditer(r"\S+", text[: match.start()]))[-2 * _MAX_TERM_WORDS :]
    words, is_sure, first = [word[0] for word in ahead], match["sure"] is not None, match.start()
    # 카메라만 말고: that too; 앱을 대신 눌러주는: in someone's place
    if words[-1].endswith(("만", "뿐")) or (match["instead"] and words[-1].endswith(("을", "를"))):
        return [], first, first
    named = list[str]()

    def find(words: Sequence[str]) -> str:
        runs = (" ".join(words[-size:]) for size in range(min(len(words), _MAX_TERM_WORDS), 0, -1))
        spellings = (spelling for run in runs for spelling in (_PARTICLE.sub("", run), run))
        return next(filter(is_term if is_sure and not named else is_excluded, spellings), "")

    while is_sure and len(words) > 1 and _is_filler(words[-1]):
        if find(words).count(" ") > find(words[:-1]).count(" ") + 1:
            break  # 상태 공간 모델 is one term; of 확산 모델, 확산 is enough
        words.pop()
    while words:
        unwanted = find(words)
        if not unwanted and is_sure and not named and not _is_filler(words[-1]):
            unwanted = _PARTICLE.sub("", words[-1])
        if not unwanted:
            first = first if named or not is_sure else ahead[len(words) - 1].start()
            break
        named.insert(0, unwanted)
        del words[-len(unwanted.split()) :]
        first = ahead[len(words)].start()
        if not words or not _JOINED.search(words[-1]):
            break
    return named, first, match.end()


def _is_filler(word: str) -> bool:
    return bool(questions.classify_filler(word) or questions.classify_filler(_PARTICLE.sub("", word)))
