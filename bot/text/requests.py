"""Reads what a question asks for besides its topic: an order of the papers, and what to leave out.

"most upvoted", 추천 많은 and "best papers" mean most votes first, "newest papers" the newest first. "except agents", 말고 and
빼고 exclude what they name. "without X" and "X 없이" exclude a term such as reinforcement learning, but not what a method
does without: labels, retraining, a reward model. There they describe the papers that are sought, which the answer says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bot.text import plain, questions

_MOST, _LEAST = "(?:most|highest|best|top|biggest)", "(?:least|lowest|fewest|worst)"
_VOTED = (
    "(?:up-?)?(?:votes?|voted|rated|ranked|likes?|liked|loved|popular|recommended|discussed|read|shared|viewed|received"
    r"|attention(?! \w*(?:head|layer|map|mechanism|block|score|weight))|buzz|hype|traction|noticed|praised"
    r"|talked[ -]about|reactions?|ratings?)"
)
_GOT = "(?:with|by|got|gets?|getting|have|had|has|received)"
_CITED = "(?:cited|citations?|downloaded|downloads?|starred|stars?)"
_MOST_KO = "(?:제일|가장|젤|최고로|아주|더)"
_VOTES_KO, _CITED_KO = "(?:추천|투표|좋아요|득표|업보트|하트)", "(?:인용|다운로드|스타|조회)"
_BUZZ_KO = "(?:인기|반응|관심|주목|호응|화제)"
_NUMBER_KO = rf" ?수?[이가을를도은는]? ?(?:{_MOST_KO} ?)?"
"""Between what is counted and its amount: 추천 수가 제일 (많은)."""
_PAPERS = r"(?:papers?|articles?|preprints?|publications?|논문|페이퍼|연구)"
_SOON = rf"(?=(?:\s[^\s,.;?!]+){{0,4}}\s{_PAPERS}|\s?{_PAPERS})"
"""Papers are named within the next five words."""
_VOTES = re.compile(
    rf"\b(?:the )?{_MOST}[ -]{_VOTED}\b(?: first\b)?|\b(?:popular|trending|hottest|viral|upvot(?:ed|ing))\b"
    rf"|\b(?:{_GOT} )?(?:the )?(?:(?:{_MOST}|many)(?: number of)?|number of) {_VOTED}\b(?: first\b)?"
    r"|\b(?:(?:sort|rank|order)(?:ed)? )?(?:by|in order of) (?:(?:up-?)?votes?|likes|popularity)\b"
    r"|^(?:sort|rank|order)\b(?=.* by )"
    r"|\b(?:fan|crowd|community|reader)(?:['’]?s['’]?)? (?:favou?rites?|picks?)\b|\b(?:the )?big(?:gest)? hits\b"
    r"|\bhot(?= (?:papers?|topics?|research|right|now|this|last|in|on)\b)"
    rf"|(?:{_MOST_KO} ?)?{_VOTES_KO}{_NUMBER_KO}(?:많이 ?[받얻달눌된][가-힣]*|[많높][가-힣]*)(?: ?[받얻][가-힣]+)?"
    rf"(?: ?순[가-힣]*)?|{_VOTES_KO} ?[0-9]{{1,3}} ?[위등][가-힣]*"
    rf"|(?:인기|{_VOTES_KO})수? ?순[위서]?(?:으로|대로|에|의)?(?![가-힣])(?: ?정렬[가-힣]*)?"
    rf"|(?:{_MOST_KO} ?)?{_BUZZ_KO}{_NUMBER_KO}(?:많이 ?)?[받얻끌끈모몰많높좋뜨큰컸된됐][가-힣]*|화제(?:의|인|였던)"
    rf"|(?:{_MOST_KO} ?)?인기(?:가|도)? ?(?:있[가-힣]*|글|(?={_PAPERS}|주제|모델))|{_MOST_KO} ?인기[가-힣]*"
    rf"|{_MOST_KO} ?많이 ?(?:언급|공유)[가-힣]*|(?:{_MOST_KO} ?)?많이 ?(?:추천|투표|읽|본|보는)[가-힣]*"
    rf"|(?:{_MOST_KO} ?)?핫[하한했해][가-힣]*|트렌딩"
    rf"|(?:{_MOST_KO} ?)?뜨(?:는|고 ?있는|거운)(?:{_SOON}|(?= ?(?:주제|모델|분야|[거것게건])))",
    re.IGNORECASE,
)
_BEST = re.compile(
    rf"\bwhat(?:['’]?s| is) new\b|\b(?<!on )(?:the )?(?:best|top|greatest|must[- ]read"
    rf"|most (?:influential|important|interesting|impactful|exciting))(?![\w-])(?: [0-9]{{1,3}}\b)?"
    rf"(?! (?:ways?|methods?|practices?|approach(?:es)?|of n|[kp])\b)"
    rf"|(?:최고의?(?! ?(?:성능|수준|품질|속도|정확도))|베스트|꼭 ?[읽봐볼][가-힣]*|[톱탑]|(?<!\S)1 ?[등위]"
    rf"|{_MOST_KO} ?[좋훌괜재중][가-힣]*[은던운한])(?![가-힣])"
    rf"(?: ?[0-9]{{1,3}} ?[개편위]?)?",
    re.IGNORECASE,
)
"""Superlatives that ask for an order if papers or a period are named, but not in "which tokenizer is best"."""
_DATE = re.compile(
    rf"\b(?:the )?(?:newest|most recent)(?: first| to oldest)?\b|^(?:sort|order|list)\b(?=.* newest)"
    rf"|\blatest(?: first\b|{_SOON})|^(?:the )?latest$|^최신$"
    r"|\b(?:(?:sort|order)(?:ed)? )?by (?:date|recency)\b|\b(?:in )?(?:chronological(?:ly)?|date)(?: order| list(?: of)?)\b"
    rf"|{_MOST_KO} ?(?:최근|최신|새로)[가-힣]*|(?:최신|최근|날짜|시간|발표일?|나온|올라온) ?순[가-힣]*(?: ?정렬[가-힣]*)?"
    r"|(?<!\S)최신의?(?=(?:\s[^\s,.;?!]+){0,4}\s?(?:논문|페이퍼))",
    re.IGNORECASE,
)
_LATEST = re.compile(r"\bthe latest\b|\blatest\b|(?<!\S)최신의?(?=\s)", re.IGNORECASE)
"""No order unless papers are named: "the latest tricks". It stays in the text, as filler, and the answer says so."""
_CODE = re.compile(
    r"\b(?:with|ha(?:s|ve|ving)|that (?:release|share|publish)(?:d|ed)?)"
    r" (?:(?:an?|public|open|open[- ]?source[d]?|released|available) )*(?:code|github(?: repos?(?:itor(?:y|ies))?)?)"
    r"(?! (?:generation|synthesis|models?|llms?|completion|review|agents?|data|interpreters?)\b)(?: available)?\b"
    r"|(?<!\S)(?:소스 ?|구현 ?|오픈 ?소스 ?)?(?:코드|깃허브)[가도를는]? ?(?:(?:같이|함께) ?)?(?:있[는던]|공개)[가-힣]*",
    re.IGNORECASE,
)
_UNKNOWN_BEST = re.compile(
    rf"\b(?:most|highly|heavily|top|by)[ -]{_CITED}\b"
    rf"|{_MOST_KO} ?(?:많이 ?)?{_CITED_KO}[가-힣]*|{_CITED_KO}{_NUMBER_KO}[많높순][가-힣]*",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(
    rf"\b(?:{_GOT} )?(?:the )?(?:{_LEAST}|(?:very )?few|zero|no|(?:hardly|barely) any)[ -](?:number of )?(?:{_VOTED}|{_CITED})\b"
    rf"|\b(?:nobody|no one|never|not) (?:{_VOTED}|noticed)\b|\b(?:under|over)(?:rated|appreciated)\b|\b(?:overlooked|unpopular)\b"
    rf"|\bhidden gems?\b|\b(?:little|lesser)[- ]known\b|\b(?:worst|oldest|earliest){_SOON}|\boldest first\b"
    rf"|최악의?|{_MOST_KO} ?(?:오래[된전]|먼저)[가-힣]*(?: 나온)?|오래된 ?순[가-힣]*|(?:저평가|과소평가)[가-힣]*"
    r"|숨[은겨][가-힣]* ?(?:명작|보석)[가-힣]*"
    rf"|(?:덜 ?알려[진졌]|알려지지 ?않|묻[힌혀])[가-힣]*(?: ?있[는던])?{_SOON}"
    rf"|(?:{_MOST_KO} ?)?(?:{_VOTES_KO}|{_BUZZ_KO}|{_CITED_KO}){_NUMBER_KO}"
    r"(?:[적낮없]|(?:(?:별로|거의|하나도|전혀|한 ?[개표]도) ?)+(?:[못안] ?)?[받없얻]|[못안] ?[받얻])[가-힣]*"
    rf"|{_MOST_KO} ?적게 ?(?:{_VOTES_KO}|{_CITED_KO})[가-힣]*",
    re.IGNORECASE,
)


_COUNT = re.compile(
    r"\b(?:[0-9]{1,3}|two|three|four|five|six|seven|eight|nine|ten)(?= +papers?\b)"
    r"|(?<!\S)(?:(?:상위 ?)?(?:[0-9]{1,3}|[한두세네]|다섯|열) ?[개편위](?:만|정도)?|순위|랭킹"
    r"|정렬(?=(?:해[가-힣]*)?\s*$))(?![가-힣])"
)


class Ordering(NamedTuple):
    """A question without its order; the order ("votes", "date" or ""), and what it asks for that is unknown of papers.

    `has_code`: it asks for papers with code.
    """

    text: str
    order: str = ""
    unread: tuple[str, ...] = ()
    has_code: bool = False

    @property
    def asks(self) -> bool:
        """Whether the question asks for anything besides its topic."""
        return bool(self.order or self.unread or self.has_code)


def read_order(text: str, *, has_period: bool) -> Ordering:
    """Split a question into its topic and the order that it asks for. `has_period`: whether it names a period."""
    unread, orders = list[str](), list[str]()
    for pattern, order in _ORDERS:
        for match in pattern.finditer(text):
            if pattern is not _BEST or has_period or re.match(_SOON, text[match.end() :], re.IGNORECASE):
                orders += [order] if order else []
                unread += [match[0].strip()] if pattern in (_UNKNOWN_BEST, _UNKNOWN, _LATEST) else []
                text = text if pattern is _LATEST else text.replace(match[0], " ", 1)
    has_code, orders = "code" in orders, [order for order in orders if order != "code"]
    text = _COUNT.sub(" ", text) if orders else text
    return Ordering(" ".join(text.split()).strip(" ,:"), next(iter(orders), ""), tuple(unread), has_code)


_ORDERS = (
    (_CODE, "code"),
    (_UNKNOWN_BEST, "votes"),
    (_UNKNOWN, ""),
    (_VOTES, "votes"),
    (_DATE, "date"),
    (_BEST, "votes"),
    (_LATEST, ""),
)

# Exclusions.

_NOT = r"\b(?:not|\w*n['’]t|nothing|never|no)"
_ENGLISH = re.compile(
    r"(?P<sure>\bexcept(?:ing)?(?: for)?\b|\bexclud(?:ing|es?)\b|\b(?:apart|aside) from\b"
    r"|\b(?:lea?(?:ve|ves|ving|ft) out|minus|skip(?:s|ping)?|omit(?:s|ting)?|ignor(?:es?|ing)|no more|but no|neither)\b"
    r"|\b(?:unrelated to|(?:nothing|little) to do with)\b|(?<=thing )but\b"
    r"|\bbut not (?:about|by|for|from|in|on|with|using|through|via)\b"
    rf"|{_NOT}(?: (?:be|have|want|wanna|need|interested|interest|looking|care|to|see|read|any|anything|papers?|more))*"
    r" (?:about|related to|involv(?:e|ing)|includ(?:e|ing)|dealing with|mention(?:ing)?|cover(?:ing)?|want|interested in"
    r"|care about)\b)"
    r"|\b(?:without|avoid(?:s|ing)?|with no|but not|other than|besides|free of|no)\b"
    r"|(?P<instead>\b(?:rather than|instead of)\b)"
    rf"|{_NOT} (?:us(?:e|ing)|need|require|rely on|depend on|based on)\b"
    r"|(?:(?:(?<=,)|(?<=, )|(?<=\band )|(?<=\bare )|(?<=\bis )|(?<=\bthat )|(?<=papers ))not|(?:are|is)n['’]t)"
    r"(?: (?:in|on|for|with))?\b",
    re.IGNORECASE,
)
_ABOUT_KO = r"[이가은는와과랑]?(?: ?(?:관련|기반)(?:이|된|은)?)?"
_KOREAN = re.compile(
    rf"(?<=\S)(?P<sure> ?말고(?![가-힣])| ?빼(?:고| ?[줘주면])| ?뺀| ?제외|{_ABOUT_KO} ?(?:무관한|(?:관련|상관|관계|관심) ?없)"
    rf"|{_ABOUT_KO} ?(?:싫|됐고|됐어|필요 ?없고)|[은는이가도]? ?보고 ?싶지 ?않)[가-힣]*(?: [줘주][가-힣]*)?"
    r"|(?<=\S)(?: (?:둘 ?다|모두|전부))?(?:(?P<instead> 대신(?:에|으로)?(?![가-힣]))"
    rf"|{_ABOUT_KO} ?아(?:닌|니고|니라)| ?이외[에의](?!도)| 외에(?!도)|[을를]? ?하지 ?않"
    r"|(?P<lack>[이가]? ?없[이는]|[이가은는]? ?필요 ?없| ?안 ?[쓰쓴써하한]|[을를에]? ?(?:쓰|(?:사용|이용|의존)하)지 ?않"
    r"|[을를]? ?(?:사용|이용) ?안))[가-힣]*"
)
"""The words before (English) or behind (Korean) something unwanted. If it is not `sure`, only a term is excluded.

What a method is used `instead` of is not searched for, but its papers name it, so they are not excluded.
"""
_SKIPPED = frozenset(
    (
        "a",
        "an",
        "the",
        "any",
        "all",
        "ones",
        "those",
        "papers",
        "using",
        "explicit",
        "doing",
        "by",
        "from",
        "for",
        "in",
        "on",
    )
)
_JOINTS, _TAILS = (
    frozenset(("or", "and", "nor")),
    frozenset(("models", "papers", "ones", "methods", "based", "please")),
)
_JOINED = re.compile(r"(?:이?[나랑]|[와과]|하고)\Z|,\Z")
_PARTICLE = re.compile(r"(?:[은는이가을를의]|이?[나랑]|[와과]|하고|,)\Z")
_MAX_TERM_WORDS = 4


class Exclusions(NamedTuple):
    """A question without what its answer leaves out; that, as typed; and negations that cannot be read.

    `described` are negations that stay in the text because they describe what is sought: "without labels".
    """

    text: str
    excluded: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    described: tuple[str, ...] = ()


def read_exclusions(
    text: str, is_term: Callable[[str], bool], is_excluded: Callable[[str], bool]
) -> Exclusions:
    """Split a question into its topic and what it excludes.

    `is_term` tells terms of papers from other words, and `is_excluded` the terms that "without" excludes from means.
    """
    excluded, unread, described = list[str](), list[str](), list[str]()
    for pattern, read in ((_ENGLISH, _read_behind), (_KOREAN, _read_ahead)):
        start = 0
        while match := pattern.search(text, start):
            is_unwanted = is_term if match["instead"] else is_excluded
            named, first, last = read(text, match, is_unwanted, is_term)
            phrase, start = text[first:last].strip(), match.end()
            if questions.find_everyday_terms(phrase):
                continue  # 트랜스포머 말고 and "without labels" are everyday words for a topic.
            if not (named or (phrase and match["sure"])):
                typed = _describe(text, match)
                described += [typed] if typed and not questions.find_everyday_terms(typed) else []
                continue
            excluded += [] if match["instead"] else named
            unread += [] if named else [phrase]
            text, start = f"{text[:first]} {text[last:]}", first
    return Exclusions(
        " ".join(text.split()).strip(" ,;"), tuple(dict.fromkeys(excluded)), tuple(unread), tuple(described)
    )


_COMPARING = re.compile(
    r"\b(?:than|unlike|compar\w+|outperform\w*|surpass\w*|exceed\w*|beat(?:s|ing)?|versus|vs|rival\w*|instead|rather"
    r"|without|alternatives?|competitive|match(?:es|ing)|traditional(?:ly)?|conventional|contrast|existing|previous"
    r"|prior|on par)\b"
    r"|보다|대비|달리|능가|뛰어넘|비교|대신|기존|없이|넘어|앞[서선섭]|견[줄주]|대안|필적|못지않|맞먹|대체|벗어나|아닌",
    re.IGNORECASE,
)


def is_compared(pattern: re.Pattern[str], text: str) -> bool:
    """Return whether each sentence of a text in which a pattern occurs compares something."""
    sentences = (sentence for line in text.splitlines() for sentence in plain.split_sentences(line))
    return all(_COMPARING.search(sentence) for sentence in sentences if pattern.search(sentence))


def _describe(text: str, match: re.Match[str]) -> str:
    """Return a negation of means as typed, or "" if it names none: "without retraining", 끊김 없이."""
    if match.re is _KOREAN:
        words = text[: match.start()].split()[-2:]
        kind = questions.classify_filler(words[-1])
        noun = " ".join(words if kind == "verb" else words[-1:])  # 보상 모델
        is_said = kind != "filler" if match["lack"] else questions.is_means(_PARTICLE.sub("", noun))
        return f"{noun}{match[0]}" if is_said else ""
    words = re.split(r"[,;.?!()]", text[match.end() :])[0].split()[:_MAX_TERM_WORDS]
    kinds = enumerate(map(questions.classify_filler, words[1:]), 1)
    size = next((size for size, kind in kinds if kind), len(words))
    is_said = match[0].casefold().startswith(("without", "with no", "free of", "avoid"))
    return " ".join((match[0], *words[:size])) if words and is_said else ""


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

    while is_sure and len(words) > 1 and _is_filler(words[-1]) and " " not in find(words):
        words.pop()
    while words:
        unwanted = find(words)
        if not unwanted and is_sure and not named and not _is_filler(words[-1]):
            unwanted = questions.strip_query_word(
                words[-1], lambda word: is_term(word) or questions.is_everyday(word)
            )
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
