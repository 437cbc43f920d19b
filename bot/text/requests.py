"""Reads what a question asks for besides its topic: an order of the papers, and what to leave out.

This is a small grammar. `request_words.tsv` gives words a class, such as "most" or "votes"; a Korean word may consist of
several (추천순으로). Neighbours with a class are a phrase, and rules say which classes together mean something, in any order
and in both languages: "most" and "votes" ask for most votes first. Filler between them does not matter.

A phrase that negates excludes what is named behind it in English and ahead of it in Korean: "except agents", 에이전트 말고.
"without X" and "X 없이" exclude a term such as reinforcement learning, but not what a method does without: labels,
retraining, a reward model. There they describe the papers that are sought, which the answer says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import dropwhile, groupby, islice, takewhile
from typing import NamedTuple

from bot.text import analyser, dates, people, questions, seed

# Words and their classes.

_MAX_JOINED, _MAX_TAIL = 3, 4
"""The most words of an entry, and the most syllables that "*" matches."""
_MAX_LENGTH = 24
"""In characters. Longer words have no class."""
_WORD = re.compile(
    r"[,;:.?!()“”\"·](?=\s|$)|[,;?!()“”\"·]|[^\s,;?!()“”\"·]+?(?=[.?!,;:()“”\"]*(?:\s|$)|[,;?!()“”\"·])"
)
_PARTICLES = frozenset(seed.read_data("request_particles.txt").split())
_NUMBER = re.compile(
    r"[0-9]{1,3}[개편위선]?|two|three|four|five|six|seven|eight|nine|ten|twenty", re.IGNORECASE
)
_VOTES = re.compile("[0-9]{1,4}표")
_REASON = re.compile("(?:니까?|는데|지만|거든요?|[어아]서)$")
"""The end of a clause on the reader, not on papers."""
_CAUSE = re.compile("(?<=.)(?:니까|[봐와]서)$")
_TAIL_KINDS = frozenset(("sure", "lack", "instead", "other", "use"))
"""What may be attached to a Korean noun: 강화학습말고, 파인튜닝하지 (않는)."""


class _Token(NamedTuple):
    """A word or a part of one, and its class: "" for an unclassified word, "," for what separates phrases."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def is_korean(self) -> bool:
        return analyser.has_hangul(self.text)


@lru_cache(maxsize=1)
def _load_terms() -> frozenset[str]:
    """Return the terms of the seed list, which ask for nothing: skip connection, 분포 외 탐지, 분포외탐지."""
    forms = [form.casefold() for term in seed.load_terms() for form in (*term.korean, *term.english)]
    return frozenset((*forms, *(form.replace(" ", "") for form in forms)))


@lru_cache(maxsize=1 << 12)
def _split(word: str, table: str) -> tuple[tuple[str, int], ...]:
    """Return the class and the length of each entry that a word consists of; () for other words."""
    entries = seed.load_request_words()[table]
    if word in entries or len(word) > _MAX_LENGTH or not word or word in _load_terms():
        return ((entries[word][0], len(word)),) if word in entries else ()
    if not analyser.has_hangul(word):
        # "least-cited", but not "best-first" or "low-rank"
        pieces = [(entries.get(one, ("", ""))[0], len(one) + 1) for one in word.split("-")]
        kinds = {kind for kind, _ in pieces}
        is_measure = len(pieces) > 1 and "" not in kinds and kinds & {"votes", "voted", "popular", "cited"}
        return tuple(pieces) if is_measure else ()
    for end in range(len(word) - 1, 0, -1):
        kind, mark = entries.get(word[:end], ("", "?"))
        for cut in range(end, min(len(word), end + _MAX_TAIL) + 1 if mark != "?" else end):
            tail = word[end:cut]
            is_reason = table == "order" and _REASON.search(tail) is not None  # RAG는 많이 봤으니까
            is_tail = analyser.is_syllables(tail) if mark == "*" else tail in (_PARTICLES if mark else "요")
            if tail and (is_reason or not is_tail):
                continue
            if cut == len(word):
                return ((kind, cut),)
            if rest := _split(word[cut:], table):
                return ((kind, cut), *rest)
    return ()


def _split_tail(word: str) -> tuple[tuple[str, int], ...]:
    """Return the classes at the end of a Korean word that negates what is before it, as its own part: 강화학습말고."""
    for start in range(2, len(word) - (word[-1] != "뺀") if analyser.has_hangul(word) else 0):
        pieces = _split(word[start:], "leave")
        kinds = [kind for kind, _ in pieces[:2]]
        if kinds and (kinds[0] in _TAIL_KINDS or kinds == ["not", "use"]):  # 강화학습안쓰는
            return (("", start), *pieces)
    return ()


def _read_tokens(text: str, table: str) -> list[_Token]:
    """Return the words of a text and their classes."""
    matches, tokens, at = list(_WORD.finditer(text)), list[_Token](), 0
    words = [questions.trim_filler(match[0].casefold()).replace("’", "'") or match[0] for match in matches]
    entries = seed.load_request_words()[table]
    while at < len(matches):
        start, end = matches[at].span()
        for size in range(min(_MAX_JOINED + 1, len(words) - at), 1, -1):
            joined = " ".join(words[at : at + size])
            joined = joined if joined in entries else joined.replace("'s ", " ")
            pieces = _split(joined, table) if joined in entries or analyser.has_hangul(joined[-1:]) else ()
            pieces = (
                (("plain", len(joined)),) if joined in _load_terms() and joined not in entries else pieces
            )
            if len(pieces) == 1:
                end = matches[at + size - 1].end()
                tokens.append(_Token(pieces[0][0], text[start:end], start, end))
                at += size
                break
        else:
            word = words[at].removesuffix("'s")
            pieces = (
                _split(word, table)
                or (_split_tail(word) if table == "leave" and word not in _load_terms() else ())
                or (("", len(word)),)
            )
            for number, (kind, length) in enumerate(pieces, 1):
                stop = end if number == len(pieces) else start + length
                tokens.append(
                    _Token("," if not word[:1].strip(',;:.?!()“”"·') else kind, text[start:stop], start, stop)
                )
                start = stop
            at += 1
    kinds = ["", *(token.kind for token in tokens), ""]
    tokens = [_place(token, kinds[at], kinds[at + 2]) for at, token in enumerate(tokens)]
    if table == "leave":  # 서베이는 많으니까 빼고
        return [
            one._replace(kind="glue") if not one.kind and _CAUSE.search(one.text) else one for one in tokens
        ]
    for number in range(1, len(tokens) - 1) if table == "order" else ():
        before, token, behind = tokens[number - 1 : number + 2]
        # over 5 and under 10 votes
        is_joint = not token.kind and before.kind == "count" and behind.kind in ("over", "under")
        if {before.kind, behind.kind}.isdisjoint(("", ",")) and (is_joint or _is_between(token)):
            tokens[number] = token._replace(kind="glue")  # people here like the most
    return tokens


def _is_between(token: _Token) -> bool:
    """Return whether a word may be between those of a phrase: filler, except prepositions and words for papers."""
    is_apart = any(seed.classify(table, token.text) for table in ("beside", "clause")) or people.names_papers(
        token.text
    )
    return token.kind == "" and not is_apart and questions.classify_filler(token.text) == "filler"


def _place(token: _Token, before: str, behind: str) -> _Token:
    """Return a token with the class that it has beside one of another class: 정렬 is "sort" or alignment; over 5."""
    is_count = (
        token.kind == ""
        and _NUMBER.fullmatch(token.text) is not None
        and (before in ("over", "under", "votes") or behind == "votes")
    )
    is_sort = token.kind == "align" and before == "sort"
    is_votes = token.kind == "" and _VOTES.fullmatch(token.text) is not None
    kind = "count" if is_count else "sort" if is_sort else "votes" if is_votes else token.kind
    return token._replace(kind="" if kind in ("plain", "align") else kind)


# What is about the reader.

_LEARNERS = "(?:학생|후배|신입생|초보자?|입문자?|학부생|인턴|동료)들?"
_PLAN = re.compile(
    r"^(?:\S+ ){0,3}\S*(?:에서|때|까지|[주달]에?|내일|모레|오늘)(?<!중에서) (?:읽|볼|다룰|발표할|소개할|공유할)을?(?! 수) (?=\S)"
    r"|\bnext (?:week|month|year|semester|(?:mon|tues|wednes|thurs|fri)day)\b|\b(?:tomorrow|tonight)\b"
    r"|(?<!\S)(?:다?다음 ?(?:주|달|학기|번)|내일|모레)(?:에|까지|의)?(?!\S)"
    r"|\bfor (?:my|our) (?:[\w-]+ ){0,3}(?:section|talk|thesis|dissertation|class|course|seminar|meeting"
    r"|presentation|report|club|advisor|boss|slides|homework|group|students?|labmates?|colleagues|interns?|undergrads)\b"
    r"(?: (?:slot|this week))?"
    r"|\b(?:that )?(?:my|our) (?:[\w-]+ )?(?:students?|labmates?|interns?|undergrads) (?:can|could|should) \w+"
    r"|^(?:i|we)(?:['’]\w+)? (?:[\w'’]+ ){0,5}?(?:talk|presentation|lecture|seminar|meeting|group)\b(?: [\w'’]+){0,3}?"
    r"(?= (?:about|on)\b)"
    r"|^\S+ 때문에(?= )|\S+야 (?:[돼되됨함해]|하는데)\S*$|처음 (?:공부|입문|배우|시작)\S*(?: (?:해|합니다)\S*)?"
    rf"|(?:{_LEARNERS}(?:이|가|도)? )?(?:읽|보|이해하|공부하)기 (?:좋|쉬|편|괜찮)\S*"
    rf"|{_LEARNERS}(?:에게|한테) (?:추천|소개|설명|보여)\S*(?: 만한)?(?= \S+ ?(?:논문|연구))",
    re.IGNORECASE,
)
"""When and where a reader will read."""
AHEAD = re.compile(
    r"\b(?:next (?:week|month|year)|tomorrow)\b|(?<!\S)(?:다?다음 ?(?:주|달)|내일|모레)(?=\s|에|의|$)",
    re.IGNORECASE,
)
"""A time to come, of which there are no papers yet."""
_EXPLAIN = re.compile(
    r"(?:please )?(?:explain|(?:an? )?(?:intro(?:duction)?|primer|guide) (?:to|on)) ", re.IGNORECASE
)
_REQUEST = re.compile(
    r"(?<=[,.;:!]) (?:so |and )?(?:please )?(?:(?:can|could|would) you |(?:show|give|find|get|send|recommend|list|what"
    r"|which|any|is there|are there|(?:i )?(?:need|want)|(?:i['’]?m )?looking for|something|anything)\b)",
    re.IGNORECASE,
)
_READERS = re.compile(
    r"(?:we|i|i['’]m|my|our|since|as|because|it|hi|hello|hey|quick question|(?:head|prepar|writ|try)ing)\b",
    re.IGNORECASE,
)
_KOREAN_READERS = re.compile(
    r".{2,40}?(?:(?:시간(?:이|도)? 없|(?:준비|공부|발표|고민) ?중이?"
    r"|찾|[준공발고시]\S{,2}하|쓰려|정하|배우|야 [하되돼]|필요하)(?:고 있|려)?"
    r"(?:[는은인]데|라서?|으?니까|느라|어서|서|려고)|(?:발표|년차|학생|초보자?|입문자?|신입생?|과제|숙제)(?:인데|라서?|이라서?))"
    r"요?,? (?=\S+ \S|[A-Z])"
)


_JOINED_REQUEST = re.compile(
    r"(?<!\S)(이번 ?주|지난 ?주|저번 ?주|이번 ?달|지난 ?달|저번 ?달|올해|작년|오늘|어제|최근|요즘|요새)?"
    r"([가-힣]*?)(논문들?|글|연구)?(?!\S)"
)


_JOINED_NEGATION = re.compile(
    r"(?<!\S)(?!끊임|상관|관계|변함|예외|어김|수없|필요)(\S*[가-힣A-Za-z]{2})(없이|빼고|말고|제외하고|없는|아닌|안쓰는)([가-힣]{2,})(?!\S)"
)
"""As in 어텐션없이긴문맥."""
_JOINED_PAPERS = re.compile(
    r"(?<!\S)(?=\S*[가-힣])([A-Za-z가-힣]{2,}?)(논문(?:들|만|좀|은|을|이|추천|추천순)?)?(?!\S)"
)


def split_words(text: str) -> str:
    """Return a text with spaces in a Korean request written without any: 지난주인기논문, 추천많은논문."""

    def split(word: re.Match[str]) -> str:
        kinds = [kind for kind, _ in _split(word[2], "order")] if word[2] else []
        is_request = bool(kinds) and not {*kinds} <= {"glue", ""} and bool(word[1] or word[3])
        return " ".join(filter(None, word.groups())) if is_request else word[0]

    text = _JOINED_REQUEST.sub(split, text)
    return _JOINED_PAPERS.sub(_split_order, _JOINED_NEGATION.sub(r"\1 \2 \3", text))


def _split_order(word: re.Match[str]) -> str:
    """Return a topic without the order and the word for papers that are joined to it: 최신로봇논문, 강화학습추천순."""
    topic, papers = word[1], word[2] or ""
    if word[0] in _load_terms():
        return word[0]
    for cut in range(2, len(topic) - 1):
        ways = ((topic[:cut], topic[cut:]), (topic[cut:], topic[:cut]))
        if any(one in _load_terms() and _split(other, "order") for one, other in ways):
            topic = f"{topic[:cut]} {topic[cut:]}"
            break
    return f"{topic} {papers}".strip()


def split_reader(text: str) -> tuple[str, str]:
    """Return a question without the reader's plans (세미나에서 읽을), and the request behind a clause on the reader or "".

    That is "show me agents" in "we have a free slot, so show me agents", but not behind a negation or a term.
    """
    text = _PLAN.sub(" ", text)
    explained = _EXPLAIN.match(text)
    text = text[explained.end() :] if explained and _is_term(text[explained.end() :]) else text
    request = _REQUEST.search(text) if _READERS.match(text) else None
    korean = _KOREAN_READERS.match(text)
    start = request.start() if request else korean.end() if korean else 0
    said = _read_tokens(text[:start], "leave")
    is_said = any(token.kind in _NEGATORS or _names_term(token) for token in said)
    return text, "" if is_said else text[start:].strip() if start else ""


def _names_term(token: _Token) -> bool:
    bare = _PARTICLE.sub("", token.text)
    return _is_term(bare) and (any(map(str.isupper, bare[1:])) or not questions.classify_filler(bare))


def _is_term(text: str) -> bool:
    return text.casefold() in _load_terms() or any(map(str.isupper, text[1:]))


# Orders.


class _Rule(NamedTuple):
    """A row of `order_rules.tsv`: what classes of a phrase ask for."""

    order: str
    flags: Sequence[str]
    pattern: re.Pattern[str]


def _read_rule(order: str, flags: str, classes: str) -> _Rule:
    patterns = list[str]()
    for either in classes.split(" ; "):
        left, _, right = (f"\\b(?:{one})\\b" for one in either.partition(" & "))
        both = f"{left}.*{right}|{right}.*{left}" if " & " in either else left
        patterns.append(either[1:] if either.startswith("^") else both)
    return _Rule(order.strip("-"), flags.split(), re.compile("|".join(patterns)))


_RULES = tuple(_read_rule(*row) for row in seed.read_rows("order_rules.tsv"))
_BEYOND = {
    1: re.compile(
        r"over|above|(?<!no )(?<!not )more than|exceed|초과|(?<!못 )(?<!안 )넘(?!지|기지)", re.IGNORECASE
    ),
    -1: re.compile("under|below|(?:fewer|less) than|미만", re.IGNORECASE),
}
"""What excludes the number named itself from a least (1) or most (-1) number of votes."""
_RANGES = (
    (r"\bbetween ([0-9]+) and ([0-9]+)(?= (?:(?:up)?votes?|likes?)\b)", r"at least \1 at most \2"),
    (r"([0-9][개표]?)(?:에서|부터|~) ?([0-9]+[개표]) ?(?:사이|까지)", r"\1 이상 \2 이하"),
)
"""Two limits in one, and how each of them is read."""
_CODE = re.compile(
    r"\b(?:with|ha(?:s|ve|ving)|that (?:release|share|publish)(?:d|ed)?)"
    r" (?:(?:an?|public|open|open[- ]?source[d]?|released|available) )*(?:code|github(?: repos?(?:itor(?:y|ies))?)?)"
    r"(?! (?:generation|synthesis|models?|llms?|completion|review|agents?|data|interpreters?)\b)(?: available)?\b"
    r"|(?<!\S)(?:소스 ?|구현 ?|오픈 ?소스 ?)?(?:코드|깃허브)[가도를는]? ?(?:(?:같이|함께) ?)?(?:있[는던]|공개)[가-힣]*",
    re.IGNORECASE,
)
_NUMERALS = {
    word: number
    for words in (
        "one two three four five six seven eight nine ten",
        "한 두 세 네 다섯 여섯 일곱 여덟 아홉 열",
    )
    for number, word in enumerate(words.split(), 1)
} | {"하나": 1, "dozen": 12, "twenty": 20}
_N = f"(?P<n>[0-9]{{1,3}}|{'|'.join(filter(str.isascii, _NUMERALS))})"
_KOREAN_N = f"(?P<n>[0-9]{{1,3}}|{'|'.join(filter(analyser.is_hangul, _NUMERALS))})"
_ENDS = r"(?=\s*(?:$|[,.;:?!)]|추천|골라|알려|보여|뽑|찾아|소개|[줘좀]|주[세실]|부탁|논문))"
_COUNTS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:(?:just|only|at most|up to|no more than|a|the) )*{_N} "
        r"(?=(?:more )?(?:papers|articles|preprints|results|of them)\b)",
        r"\b(?:give|show|find|get|send|list|recommend|suggest|gimme|pick|want|need|see)(?: me| us)?"
        rf" (?:the |just |only )*{_N}(?=$|[,.;:?!]| (?:on|about|of|for|from|please|pls)\b)",
        rf"\b(?:just|only|limit(?: it)?(?: to)?|max(?:imum)?(?: of)?) {_N}(?=$|[,.;:?!]| (?:please|pls)\b)",
        rf"(?<![가-힣0-9])(?:딱 |최대 )?(?!한 ?편(?!만)){_KOREAN_N} ?편(?:만|정도|씩|쯤|[의을이은])?(?![가-힣])",
        rf"(?<![가-힣0-9])(?:딱 |최대 )?{_KOREAN_N} ?(?:[개건]|가지)(?:만(?![가-힣])|(?:정도|씩|쯤)?(?![가-힣]){_ENDS})",
        r"(?<![가-힣])(?:딱 )?(?P<n>하나)만(?![가-힣])",
    )
)
"""How many papers are wanted."""
_RANKED = {
    "top-ranked": rf"\btop[- ]?{_N}\b(?![.%]|[- ](?:accuracy|error|recall|p\b|k\b|sampling|gating|routing|experts?))",
    "least upvoted": rf"\bbottom[- ]?{_N}\b(?![.%])",
    "상위권": rf"(?:(?:상위|[톱탑]) ?|\btop ?(?=[0-9]+ ?[개편위건])|(?:1위? ?(?:부터|에서|[~-]) ?)?(?=[0-9]+위까지)){_KOREAN_N}"
    " ?[개편위건]?(?:만|까지|정도)?(?![가-힣0-9.%])",
    "추천 적은": rf"(?:하위|꼴[찌지]) ?{_KOREAN_N} ?[개편위건]?(?:만|까지|정도)?(?![가-힣0-9.%])",
}
_RANKS = {rank: re.compile(pattern, re.IGNORECASE) for rank, pattern in _RANKED.items()}
"""What asks for the first papers by votes, and in whose place it is read."""
_TERMS = re.compile(rf"(?:[a-z]+ (?:me )?)?(?:the )?{_N} ((?:\S+ ){{1,3}})papers\b", re.IGNORECASE)
_LEADING = re.compile(rf"(?:\bthe )?\b{_N}\s+\Z", re.IGNORECASE)
_NO_CODE = re.compile(
    r"\b(?:without|with no|w/o) (?:(?:any|public|open|released) )*code\b(?! \w)|(?<!\S)코드[가도]? ?(?:없는|미공개)",
    re.IGNORECASE,
)
_RANKING = re.compile(r"(?<!\S)(?:순위|랭킹)(?![가-힣])")
_WRITER = (
    "(?:authors?|writers?|researchers?|scientists?|professors?|institut(?:ion|e)s?|universit(?:y|ies)|labs?|compan(?:y|ies)"
    "|organi[sz]ations?|teams?|countr(?:y|ies)|conferences?|venues?|journals?)"
)
_KOREAN_WRITER = (
    "(?:저자|연구자|학자|연구원|교수|기관|대학교?|연구실|연구소|랩|회사|기업|학회|팀|나라|국가|사람)들?"
)
_MOST = "(?:most|best|top|top-ranked|leading|biggest|hottest|highest|least|worst)"
_WRITERS = re.compile(
    r"^(?:(?:show|give|tell|list|find|who|what|which|name|me|us|is|are|were|was|the)(?:['’]s)? )*"
    rf"(?:{_MOST} (?:(?!(?:papers?|from|by|at|on|of|in|about)\b)[\w-]+ ){{0,2}}?{_WRITER}\b"
    rf"|{_WRITER} (?:[\w-]+ ){{0,3}}?(?:the )?{_MOST}\b(?: [\w-]+)?(?: (?:papers?|votes?|upvotes?)\b)?)(?! (?:[\w-]+ )?papers?\b)"
    r"|^who (?:has|have|had|wrote|writes|publish\w+|got|gets|is|are|were) (?:the )?"
    rf"{_MOST}\b(?: [\w-]+)?(?: (?:papers?|votes?|upvotes?)\b)?"
    r"|(?:제일|가장|젤|인기 ?[있많]은|유명한|최고의?|많이|활발한|[잘뜨]\S*는|핫한|상위권) (?:\S+ ){0,3}?"
    rf"{_KOREAN_WRITER}[은는이가을를도]?(?=\s*(?:$|[?.!]|누구|어디|뭐|알려|보여|추천))(?: ?(?:누구|어디|뭐)\S*)?"
    rf"|(?:누가|(?:어느|어떤|무슨) {_KOREAN_WRITER}[이가]?) .*(?:제일|가장|젤|많이)\S*(?: \S+)?|{_KOREAN_WRITER} ?(?:순위|랭킹)",
    re.IGNORECASE,
)
"""Authors or institutions in place of papers: most popular author."""
_FIRST = re.compile(
    r"(?:what (?:is|was) )?(?:the )?(?:very )?first (?!order |person |token )((?:[\w-]+ ){1,4}paper)"
    r"(?: (?:posted|published|added|shared))?(?: (?:in )?here| in (?:the|this) archive)?\W*",
    re.IGNORECASE,
)
_SORTED = re.compile(r"(?<!\S)정렬(?:해[가-힣]*)?\s*\Z")
_SOON = 5
"""How many words behind an order may come before the word for papers."""


class Ordering(NamedTuple):
    """A question without its order ("votes", "least", "date", "oldest" or ""), and what is unknown of papers in it.

    `has_code`: it asks for papers with code; `min_votes`, `max_votes`: for papers with as many votes; `wanted`: how many
    papers; `is_recent`: for those of these days; `asks_writers`: who, and not which paper, is asked for.
    """

    text: str
    order: str = ""
    unread: tuple[str, ...] = ()
    has_code: bool = False
    min_votes: int | None = None
    max_votes: int | None = None
    wanted: int | None = None
    is_recent: bool = False
    asks_writers: bool = False

    @property
    def asks(self) -> bool:
        """Whether the question asks for anything besides its topic."""
        return self != Ordering(self.text)


def read_order(text: str, *, has_period: bool) -> Ordering:
    """Split a question into its topic and the order that it asks for. `has_period`: whether it names a period."""
    if text.casefold() in _load_terms():
        return Ordering(text)
    if first := _FIRST.fullmatch(text):
        return Ordering(first[1], "oldest")
    has_code, asks_writers = (pattern.search(text) is not None for pattern in (_CODE, _WRITERS))
    no_code = tuple(found[0].strip() for found in _NO_CODE.finditer(text))
    text, count = _read_count(_NO_CODE.sub(" ", _WRITERS.sub(" ", _CODE.sub(" ", text))))
    tokens, found, kept = _read_tokens(text, "order"), list[tuple[int, str]](), text
    for phrase, behind in _list_phrases(tokens):
        kinds = " ".join(token.kind for token in phrase if token.kind not in ("glue", "ever", "now"))
        number = next(_find_rules(kinds), -1)
        rule = _RULES[number]
        if number < 0 or (rule.order and _is_cut(phrase, behind)):
            continue
        if phrase[-1].kind == "buzz" and rule.pattern.search(kinds.removesuffix(" buzz")):
            phrase.pop()  # most upvoted attention papers
        near = (*(() if "good" in kinds else phrase), *behind[:_SOON])  # 제일 좋은 것, of models
        while not phrase[-1].is_korean and phrase[-1].kind in ("glue", "by"):
            phrase.pop()
        core = [token for token in phrase if token.kind not in ("glue", "by")]
        typed, rest = text[core[0].start : core[-1].end], _cut(kept, phrase)
        ahead = text[: core[0].start].split()[-2:] if core[0].is_korean else ()
        is_ever = any(token.kind in ("ever", "now") for token in (tokens if kinds == "hot" else phrase))
        # "best small models", but not "best tokenizer for Korean"
        is_ever = is_ever or (core[0].start == 0 and not core[0].is_korean and " for " not in text)
        is_near = is_ever or any(map(_names_papers, near)) or any(map(people.names_papers, ahead))
        if "papers" in rule.flags and not (has_period or is_near or not questions.has_topic(rest.split())):
            continue
        found.append((number, typed))
        if rule.flags[:1] in (["least"], ["most"]):
            others = rule.pattern.sub(" ", kinds, count=1)
            found += islice(
                ((n, typed) for n in _find_rules(others) if _RULES[n].order), 1
            )  # the newest first
            found += ((n, typed) for n in _find_rules(kinds) if "least" in _RULES[n].flags)  # 5 이상 10 이하
        if rule.order and (leading := _LEADING.search(text, 0, core[0].start)):  # 3 newest papers on speech
            rest = _cut(rest, [core[0]._replace(start=leading.start())])
            count = _number(leading["n"])
        kept = kept if rule is _RULES[-1] else rest
        for token in core if rule is _RULES[-1] else ():
            kept = _weaken(kept, token)
    rules = [_RULES[number] for number, _ in sorted(found)]
    unread = tuple(typed for n, typed in found if "unread" in _RULES[n].flags)
    order = next(
        (rule.order for rule in sorted(rules, key=lambda rule: "unread" in rule.flags) if rule.order), ""
    )
    kept = _cut_order(kept, text, tokens) if order else kept
    if any(_RULES[number] is _RULES[-1] for number, _ in found) and not questions.has_topic(
        [word for token in tokens if token.kind in ("", ",") for word in token.text.split()]
    ):
        kept = ""  # longest paper
    limits = {flag: typed for number, typed in found for flag in _RULES[number].flags}
    is_recent = "recent" in limits or any(token.kind in ("now", "recent") for token in tokens)
    return Ordering(
        " ".join(_EMPTY.sub(" ", kept).split()).strip(" ,:"),
        order,
        (*unread, *no_code),
        has_code,
        _read_votes(limits.get("least", ""), 1),
        _read_votes(limits["most"], -1) if "most" in limits else None,
        count,
        is_recent and order == "votes",
        asks_writers,
    )


def _find_rules(kinds: str) -> Iterator[int]:
    """Yield the numbers of the rules for the classes of a phrase."""
    return (number for number, rule in enumerate(_RULES) if rule.pattern.search(kinds))


def _cut_order(kept: str, text: str, tokens: Sequence[_Token]) -> str:
    """Return what is kept of a text that asks for an order, without words that belong to that: sorted: speech; of all time."""
    edges = (tokens[0], [token for token in tokens if token.kind != ","][-1])
    for token in tokens:
        is_ever = token.kind in ("ever", "now") or (token.kind == "sort" and token in edges)
        kept = _cut(kept, [token]) if is_ever else kept
    at = _SORTED.search(text)
    is_sorted = at is not None and questions.has_topic(kept[: at.start()].split())
    return _RANKING.sub(" ", kept[: at.start()] if at and is_sorted else kept)


def _read_count(text: str) -> tuple[str, int | None]:
    """Return a text without the number of papers that it asks for and with its two limits apart, and that number."""
    for span, limits in _RANGES:
        text = re.sub(span, limits, text, flags=re.IGNORECASE)
    for rank, pattern in _RANKS.items():
        if found := pattern.search(text):
            return pattern.sub(f" {rank} ", text, count=1), _number(found["n"])
    if (found := _TERMS.match(text)) and _is_term(found[2].strip()):
        return text[found.end("n") :], _number(found["n"])
    for pattern in _COUNTS:
        if found := pattern.search(text):
            return pattern.sub(" ", text, count=1), _number(found["n"])
    return text, None


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else _NUMERALS[text.casefold()]


def _read_votes(typed: str, beyond: int) -> int | None:
    """Return the least (`beyond` is 1) or most (-1) votes that a limit allows, which may name both; 0 if it names none."""
    counts = sorted(map(int, re.findall("[0-9]+", typed)), reverse=beyond < 0)
    return counts[0] + (beyond if _BEYOND[beyond].search(typed) else 0) if counts else 0 if typed else None


def _weaken(text: str, token: _Token) -> str:
    """Return a text without a superlative of quality, which papers are not sorted by: "small" for "smallest"."""
    if token.kind != "size":
        return text if token.kind in ("trait", "many") else _cut(text, [token])
    positive = re.sub(r"(g)\1$", r"\1", token.text.removesuffix("est"))
    return f"{text[: token.start]}{positive:{len(token.text)}}{text[token.end :]}"


_ONE = re.compile("[거것걸게건]|ones?$", re.IGNORECASE)


def _names_papers(token: _Token) -> bool:
    return people.names_papers(token.text) or (token.kind == "glue" and _ONE.match(token.text) is not None)


def _cut(text: str, phrase: Sequence[_Token]) -> str:
    """Return a text with blanks in place of a phrase, so that all others stay where they are."""
    start, end = phrase[0].start, phrase[-1].end
    return f"{text[:start]}{' ' * (end - start)}{text[end:]}"


def _list_phrases(tokens: Sequence[_Token]) -> Iterator[tuple[list[_Token], Sequence[_Token]]]:
    """Yield each run of neighbours that have a class, and the tokens behind it up to a comma."""
    at = 0
    for has_class, run in groupby(tokens, key=lambda token: token.kind not in ("", ",")):
        phrase = list(run)
        at += len(phrase)
        phrase = _strip_negators(phrase, tokens[: at - len(phrase)], tokens[at:]) if has_class else phrase
        if has_class and phrase:
            stop = next((n for n in range(at, len(tokens)) if tokens[n].kind == ","), len(tokens))
            yield phrase, tokens[at:stop]


def _strip_negators(phrase: list[_Token], before: Sequence[_Token], behind: Sequence[_Token]) -> list[_Token]:
    """Return a phrase without what negates words outside of it: most upvoted (not about LLMs), (RAG 없는) 인기 논문."""
    first = before[-1] if before else None
    if first and not first.kind and phrase[0].kind in ("none", "not") and phrase[0].is_korean:
        phrase = list(dropwhile(lambda one: one.kind in ("none", "not", "glue"), phrase))
    ends = [n for n, one in enumerate(phrase) if n and one.kind in ("none", "not") and not one.is_korean]
    is_open = bool(behind) and not behind[0].kind
    at = ends[-1] if ends and is_open else len(phrase)
    return (
        phrase
        if any(one.kind not in ("glue", "by", "none", "not", "like") for one in phrase[at:])
        else phrase[:at]
    )


def _is_cut(phrase: Sequence[_Token], behind: Sequence[_Token]) -> bool:
    """Return whether an English phrase ends in the middle of a name: most attention (heads)."""
    follower = behind[0].text if behind and not phrase[-1].is_korean else ""
    return phrase[-1].kind == "buzz" and follower != "" and not questions.classify_filler(follower)


# Comparisons and degrees, which nothing is known of.

_AMOUNT = re.compile(
    r"\b(?:under|below|above|over|up to|at (?:most|least)|(?:less|more|fewer|smaller|larger|bigger|no more) than)"
    r" [0-9.]+ ?[bmk]?(?: param\w+)?(?!\S)|(?<!\S)[0-9.]+ ?[bmk억만]*(?: ?파라미터)? ?(?:이하|미만|이상|초과)[의인로]?(?!\S)",
    re.IGNORECASE,
)
_DEGREE = re.compile(
    r"(?<!\S)\S+(?:보다 (?:(?:더|훨씬|좀) )?| (?:적게|덜|조금만) )[가-힣]*[은는운른한큰난](?!\S)"
    r"|\b(?:with (?:less|fewer|little|few|minimal) \w+"
    r"|(?:(?:more|less) \w+|(?!other|rather)\w+er|worse) than (?:an? |the )?[\w-]+(?: (?:models?|attention))?)",
    re.IGNORECASE,
)


def _read_degrees(text: str) -> tuple[str, list[str], list[str]]:
    """Return a text without amounts ("under 7B"), these, and the comparisons and degrees that stay in it."""
    amounts = [amount[0].strip() for amount in _AMOUNT.finditer(text)]
    return _AMOUNT.sub(" ", text), amounts, [one[0] for one in _DEGREE.finditer(text)]


# Exclusions.


def is_kind_of_paper(text: str) -> bool:
    """Return whether a text names a kind of papers, such as surveys or 벤치마크."""
    return bool(_split(text.casefold(), "papers"))


_NEGATORS = frozenset(("sure", "imperative", "lack", "instead", "no", "not", "dont", "other"))
_SPLIT = re.compile(
    r"\b(leav(?:e|es|ing)|filter(?:s|ing)?|tak(?:e|es|ing)) ((?:[\w-]+ ){1,3})out\b", re.IGNORECASE
)
"""As in "leave RL out"."""
_SHORT = re.compile(
    r"(?<=\bexcl)\.(?=\s)|(?<=\bexclude) ?:|(?<=\bexcluding) ?:|(?<=\bexcept) ?:|(?<=\bskip) ?:",
    re.IGNORECASE,
)
_EMPTY = re.compile(r"\(\s*\)")
_JOINED = re.compile(r"(?:이?[나랑]|[와과도]|하고)\Z")
_PARTICLE = re.compile(r"(?:['’]s|[은는이가을를의에]|이?[나랑]|[와과]|하고|인데)\Z")
_NOT = re.compile(
    r"(?:(?<=[가-힣]) ?|(?<=\w) )(?:[xX×](?=\s*\))|[ㄴ\u1102]{2,})"
    r"|만 아니면(?: ?[돼되됨][가-힣]*)?(?![가-힣])"
)
"""As in (양자화 X), but not 하이퍼클로바 X."""
_CROSSED = re.compile(r"(\S .*(?<!클로바)[가-힣]) [x×](?=\s*(?:,|$))")
"""As in 로봇 시뮬레이션 x, but not the name dino x or 그록 x."""
_NON = re.compile(r"\bnon-([\w-]+)", re.IGNORECASE)
_USED_FOR, _TOO = re.compile("(?<=[가-힣]{2})용\\Z"), re.compile("(?<=[가-힣]{2})도\\Z")
_TASK = re.compile(r" \S+만 (?:분리|추출|남[기긴겨]|살[리린려]|뽑|골라|지[우운워])")
"""As in 배경음악 빼고 목소리만 분리하는, which is what a method does."""
_SUFFIX = re.compile(r"-(?:based|style|like|centric|driven)\Z")
_BRACKETS, _ROUND = str.maketrans("()", "  "), str.maketrans("[]{}", "()()")
_MAX_TERM_WORDS, _MAX_LISTED = 4, 6


class Exclusions(NamedTuple):
    """A question without what its answer leaves out; that, as typed; and negations that cannot be read.

    `described` are negations that stay in the text because they describe what is sought: "without labels".
    """

    text: str
    excluded: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    described: tuple[str, ...] = ()


class _Negation(NamedTuple):
    """A phrase that negates, from `first` to `last` of the tokens, with the negator `at` a place in it.

    What it negates `is_ahead` of it or behind it. If it `is_sure`, any words are unwanted, else only terms. What a
    method is used `is_instead` of is not searched for, but its papers name it, so they are not excluded. `is_lack`: it
    says that something is not there or not used. `has_filler`: it begins with filler, as in (서베이) 논문 말고. `has_list`:
    commas separate what is negated. `is_adnominal`: it describes the topic behind it, as in 이외의.
    """

    first: int
    at: int
    last: int
    is_ahead: bool
    is_sure: bool
    is_instead: bool
    is_lack: bool
    has_filler: bool
    has_list: bool = True
    is_adnominal: bool = False


IsTerm = Callable[[str], bool]


def read_exclusions(text: str, is_term: IsTerm, is_excluded: IsTerm) -> Exclusions:
    """Split a question into its topic and what it excludes.

    `is_term` tells terms of papers from other words, and `is_excluded` the terms that "without" excludes from means.
    """
    text, unread, described = _read_degrees(text)
    text = _SPLIT.sub(r"\1 out \2", _SHORT.sub(" ", text.translate(_ROUND)))
    text = _CROSSED.sub(r"\1 제외", _NOT.sub(" 제외", text))
    text = _NON.sub(lambda non: _read_non(non, is_term, is_excluded), text)
    tokens = _read_tokens(text, "leave")
    words = [_bare(token.text) for token in tokens]
    excluded = list[str]()
    for negation in _list_negations(tokens):
        near = tokens[: negation.at][::-1][:_MAX_TERM_WORDS]
        is_verb = not (negation.is_ahead and near) or near[0].text[-1] in "지고는은"
        if not is_verb and _find_named(near, is_excluded)[1] > 1:
            negation = negation._replace(first=negation.at)  # 도구 사용 없는: the verb is part of a term
        beside = _list_beside(tokens, negation)
        is_open = (
            not beside
            or any(one.text in "(." for one in beside)
            or _has_topic(tokens[negation.last + 1 :])
            or any(one.text[0] in "둘두" for one in tokens[negation.first : negation.at])  # 둘 다 빼고
        )
        if negation.is_ahead and beside and beside[0].text.endswith("도") and not negation.is_instead:
            negation = negation._replace(is_sure=True)  # RAG도 아니고
        nearest = [one.text for one in (*beside[:1], tokens[negation.first])]
        if negation.is_ahead and not is_open and any(one.endswith(("은", "는")) for one in nearest):
            negation = negation._replace(has_list=False)  # 의료 LLM, 영상 판독은 빼고
        named, taken = _read_named(beside, negation, is_term, is_excluded, words)
        # 도메인 특화 LLM, 금융 제외
        is_topic = len(named) > 1 and any(map(_is_noun, beside[taken : taken + 1]))
        if negation.is_ahead and (is_topic or not (is_open or _has_topic(beside[taken:]))):
            named, taken = _read_named(beside, negation._replace(has_list=False), is_term, is_excluded, words)
        if not named and tokens[negation.at].text.startswith("아니"):  # 글이 아니라 음성
            negation = negation._replace(is_instead=True)
            named, taken = _read_named(beside, negation, is_term, is_excluded, words)
        # 얼굴만 나오는 건 빼고: what names a face besides is wanted
        taken = 1 if taken < 0 and tokens[negation.first].kind == "about" else taken
        phrase = sorted(
            (*beside[:taken], *tokens[negation.first : negation.last + 1]), key=lambda token: token.start
        )
        typed = text[phrase[0].start : phrase[-1].end]
        said = _find_saying(typed, named, tokens, negation)
        is_other = any(one.text in ("다른", "other") for one in tokens[negation.first : negation.last + 2])
        is_explicit = negation.is_sure and not is_other and any(map(is_excluded, named))  # 트랜스포머 빼고
        everyday = () if is_explicit else questions.find_everyday_terms(said)
        is_task = negation.is_ahead and _TASK.match(text, phrase[-1].end)
        if is_task or (everyday and everyday != questions.find_everyday_terms(" ".join(named))):
            # 트랜스포머 말고 and "without labels" are everyday words for a topic. The first leaves nothing out besides.
            described += [typed] if everyday or any(map(is_excluded, named)) else []
            text = text if said in typed else f"{_cut(text, phrase)} {said}"
            for other in (token for token in phrase if token.text == "다른"):
                text = _cut(text, [other])  # not 다른 언어, for multilingual
            continue
        if any(map(dates.is_date, named)):
            unread.append(typed)
        elif named:
            excluded += [] if negation.is_instead else named
            described += [typed] if negation.is_instead else []
        elif negation.is_sure and taken >= 0:
            unread.append(typed)
        else:
            said = _describe(text, tokens, negation)
            described += [said] if said else []
            continue
        text = _cut(text, phrase)
    return Exclusions(
        " ".join((text.translate(_BRACKETS) if excluded else text).split()).strip(" ,;:"),
        tuple(dict.fromkeys(excluded)),
        tuple(unread),
        tuple(described),
    )


def _find_saying(typed: str, named: Sequence[str], tokens: Sequence[_Token], negation: _Negation) -> str:
    """Return a negation as it is written among the everyday words, "" if it is not: 트랜스포머 안 쓰는 for 안쓰는."""
    verbs = [token.text for token in tokens[negation.first : negation.last + 1]]
    ways = [typed]
    for name in named[:1]:
        ways += [" ".join((name, *verbs[:size])) for size in range(len(verbs), 0, -1) if negation.is_ahead]
        ways += (
            [f"{name} 없이" if analyser.has_hangul(name) else f"without {name}"] if negation.is_lack else []
        )
    return next(filter(questions.find_everyday_terms, ways), "")


def _list_beside(tokens: Sequence[_Token], negation: _Negation) -> Sequence[_Token]:
    """Return the tokens that may name what is negated, the nearest first."""
    beside = tokens[: negation.first][::-1] if negation.is_ahead else tokens[negation.last + 1 :]
    if beside and beside[0].text in "()":  # (구글, 메타) 빼고
        inside = takewhile(lambda token: token.text not in "()", beside[1:])
        return [token._replace(kind="", text="or") if token.kind == "," else token for token in inside]
    if negation.is_ahead and not tokens[negation.at].is_korean:  # speech, Whisper aside
        return list(takewhile(lambda token: token.kind != ",", beside))
    return beside


def _read_non(non: re.Match[str], is_term: IsTerm, is_excluded: IsTerm) -> str:
    """Return an exclusion for non-medical; non-autoregressive is a term of its own."""
    is_exclusion = is_excluded(non[1].lower()) and not is_term(non[0].lower())
    return f"excluding {non[1]}," if is_exclusion else non[0]


def _list_negations(tokens: Sequence[_Token]) -> Iterator[_Negation]:
    """Yield the phrases that negate. In a Korean one the verb may come first: 쓰지 않는, 안 쓰는, 관련 없는."""
    start = 0
    for (has_class, is_korean), run in groupby(
        tokens, key=lambda token: (token.kind not in ("", ","), token.is_korean)
    ):
        first, start = start, start + len(list(run))
        negators = [n for n in range(first, start) if has_class and tokens[n].kind in _NEGATORS]
        if not negators and not is_korean and any(seed.classify("all", one.text) for one in tokens[:first]):
            negators = [n for n in range(first, start) if tokens[n].text.casefold() == "but"]
        negation = _read_negation(tokens, first, negators[0], start) if negators else None
        if negation:
            yield negation


def _read_negation(tokens: Sequence[_Token], first: int, at: int, end: int) -> _Negation | None:
    """Return the negation by the negator `at` a place in a phrase from `first` to `end`; None if it negates nothing.

    That is so in "the skip connections", "why do transformers not generalize" and "strong models are not strong teachers".
    """
    kind, is_korean, behind = tokens[at].kind, tokens[at].is_korean, tokens[end:]
    around = [token.kind for token in tokens[first if is_korean else at + 1 : end]]
    is_about, is_used = "about" in around, "use" in around
    before = tokens[at - 1] if at else _Token(",", "", 0, 0)
    ahead = [token.text.casefold() for token in tokens[:at]]
    is_end = not is_korean and _ends_clause(behind, kind)
    is_last = (
        kind in ("no", "not") and is_end and not any(seed.classify("auxiliary", one) for one in ahead)
    )  # world models, no games
    is_clause = before.kind in (",", "glue") or is_last
    begins = not before.text or bool(seed.classify("clause", before.text))
    is_negation = (
        is_about or is_used or not (kind == "dont" or (kind == "not" and (is_korean or not is_clause)))
    )
    if kind == "imperative":
        is_led = is_clause and begins
        is_negation = is_led or (tokens[at].text.endswith("ing") and (is_about or "glue" in around or is_end))
    if not is_negation:
        return None
    # "languages that are not English"
    is_led = (
        kind == "no"
        or before.kind == ""
        or begins
        or any(seed.classify("relative", one) for one in ahead[-2:])
    )
    is_sure = (
        kind in ("sure", "imperative", "glue")
        or (is_about and kind != "instead")
        or (is_last and before.text.casefold() not in ("" if kind == "no" else "with", "with") and is_led)
        or (kind == "dont" and is_used and is_end and not tokens[at].text.startswith("can"))
        or (tokens[at].text.casefold() == "nothing" and "glue" in around)
        or (kind == "other" and "glue" in [token.kind for token in tokens[at + 1 : end]])
    )
    is_ahead = is_korean or not any(one.kind == "" or one.text == "(" for one in behind[:1])
    verbs = takewhile(lambda token: token.kind in ("glue", "about", "use"), tokens[at + 1 : end])
    last = at + len(list(verbs)) if is_korean else end - 1
    # KV 캐시 압축 이외의 효율화
    is_adnominal = tokens[last].text.endswith(("의", "닌", "는", "뺀")) and _has_topic(tokens[last + 1 :])
    is_lack = kind == "lack" or (kind in ("not", "dont") and is_used)
    return _Negation(
        first if is_ahead else at,
        at,
        last,
        is_ahead,
        is_sure,
        is_instead=kind == "instead",
        is_lack=is_lack,
        has_filler=tokens[first].kind == "glue",
        is_adnominal=(is_sure or is_lack) and is_adnominal,
    )


def _ends_clause(behind: Sequence[_Token], kind: str) -> bool:
    """Return whether a clause ends with what it names first, which is not a means: "agents, no surveys"."""
    behind = [token for token in behind if token.text.casefold() not in ("a", "an", "the")]
    named = list(takewhile(lambda one: _is_or(one) or (one.kind == "" and not _is_filler(one.text)), behind))
    rest = [token for token in behind[len(named) :] if not seed.classify("tail", token.text)]
    is_end = not rest or rest[0].kind in (",", "no", "not")  # not simulation not games
    # text, not visual tokenizers
    is_means = questions.is_means(_join(named)) and not (kind == "not" and len(named) > 1)
    return bool(named) and not is_means and is_end


def _read_named(
    beside: Sequence[_Token], negation: _Negation, is_term: IsTerm, is_excluded: IsTerm, words: Sequence[str]
) -> tuple[list[str], int]:
    """Return what a negation names, and how many of the tokens beside it do so, the nearest of which come first.

    `words` are all of the question. "multimodal RAG" is excluded as a whole if RAG itself is one of the others.
    """
    named, taken, at, is_listed, is_joined = list[str](), 0, 0, False, False
    nearest = beside[0].text if beside else ""
    if nearest.endswith(("만", "뿐")) or (negation.is_instead and nearest.endswith(("을", "를"))):
        return [], -1  # 카메라만 말고: that too; 앱을 대신 눌러주는: in someone's place
    while at < len(beside):
        near = beside[at : at + _MAX_TERM_WORDS]
        near = list(takewhile(lambda one: one.kind not in _NEGATORS | {","} and not _is_or(one), near))
        is_first = (negation.is_sure or negation.is_instead) and not is_listed
        is_any = is_first and not (negation.is_ahead and ((named and not is_joined) or negation.is_instead))
        phrase = _read_phrase(near, negation.is_ahead)
        if named and is_joined and not any(map(questions.is_means, (*named, _join(phrase)))):
            is_any = True  # 코드나 수학이 아닌, "without NeRF or splatting"
        name, size = _find_named(near, is_term if is_first or negation.is_sure else is_excluded)
        is_alone = is_any and not name
        if is_alone and not phrase and (negation.is_ahead or negation.is_instead) and len(near) > 1:
            at += 1  # 로봇 논문은 빼고, rather than only text
            continue
        is_whole = (
            len(phrase) > size
            and (
                is_alone
                or negation.is_instead
                or (negation.is_adnominal and len(phrase) == len(beside) and bool(negation.is_sure or name))
                or words.count(_bare(phrase[0 if negation.is_ahead else -1].text)) > 1
                # speech LLMs
                or (is_first and not negation.is_ahead and all(map(_is_or, beside[at + len(phrase) :][:1])))
            )
        )
        if is_whole:
            # 서베이 논문은
            is_apart = negation.is_ahead and ((at > 0 and not is_joined) or negation.has_filler)
            name, size = _join(phrase) if is_apart else _PARTICLE.sub("", _join(phrase)), len(phrase)
            if is_alone and negation.is_ahead and not is_apart:
                name = questions.strip_query_word(
                    name, lambda one: is_term(one) or questions.is_everyday(one)
                )
        elif (
            len(phrase) > size
            and not (negation.is_ahead or is_first)
            and seed.classify("data", phrase[-1].text)
        ):
            name = ""  # with no parallel data
        if not name:
            taken = taken or (at + 1 if is_alone and negation.is_ahead and near else 0)
            break
        named.insert(0 if negation.is_ahead else len(named), name)
        at += size
        while not negation.is_ahead and at < len(beside) and seed.classify("tail", beside[at].text):
            at += 1
        taken = at
        step, is_joined = _find_joint(beside[at:], negation, name)
        if not step and not is_joined:
            break
        at, is_listed = at + step, not is_joined
        while step and is_joined and at < len(beside) and beside[at].kind == "glue":
            at += 1
    named = [_USED_FOR.sub("", " ".join(name.split())) for name in named]
    named = [_TOO.sub("", name) if len(named) > 1 and not is_term(name) else name for name in named]
    shared = named[-1].split()[1:] if len(named) > 1 else []  # 이미지나 비디오 생성
    wholes = [name if " " in name else " ".join((name, *shared)) for name in named]
    return [whole if is_term(whole) else name for name, whole in zip(named, wholes, strict=True)], taken


def _is_language(word: str) -> bool:
    return [kind for kind, _ in _split(word.casefold(), "papers")] == ["language"]


def _find_joint(rest: Sequence[_Token], negation: _Negation, named: str) -> tuple[int, bool]:
    """Return how many tokens join what is negated to the next such name, and whether by more than a comma."""
    comma = negation.has_list and bool(rest) and rest[0].text == ","
    # "retrieval, question answering" is not a list, but "math, code or agents" is one.
    comma = comma and (negation.is_ahead or any(map(_is_or, rest[1:_MAX_LISTED])))
    joint = len(rest) > comma and _is_or(rest[comma])
    is_attached = negation.is_ahead and bool(rest) and bool(_JOINED.search(rest[0].text))  # 텍스트나 음성
    # 영어 중국어 아닌
    is_kind = negation.is_ahead and all(map(_is_language, (named, *(one.text for one in rest[:1]))))
    return comma + joint, joint or is_attached or (is_kind and bool(rest))


def _is_or(token: _Token) -> bool:
    return seed.classify("join", token.text) != ""


def _has_topic(tokens: Sequence[_Token]) -> bool:
    return any(token.kind == "" and not _is_filler(token.text) for token in tokens)


def _is_noun(token: _Token) -> bool:
    """Return whether what is behind a Korean word may be of one phrase with it."""
    return token.kind == "" and not (_is_filler(token.text) or _PARTICLE.search(token.text) or _is_or(token))


def _read_phrase(near: Sequence[_Token], is_ahead: bool) -> list[_Token]:
    """Return the words of a noun phrase: up to filler and, ahead of a Korean negation, back to a word with a particle."""
    phrase = list[_Token]()
    for token in takewhile(lambda token: token.kind != ",", near):
        is_too = is_ahead and bool(phrase) and phrase[0].text[-1:] == token.text[-1:] == "도"  # A도 B도
        is_apart = phrase and (is_too or (_PARTICLE.search(token.text) if is_ahead else _is_joint(token)))
        if _is_filler(token.text) or is_apart:
            break
        phrase.append(token)
    return phrase


def _find_named(near: Sequence[_Token], is_unwanted: IsTerm) -> tuple[str, int]:
    """Return the longest run of the next words that is unwanted, without its particle, and how many words it has."""
    for size in range(len(near), 0, -1):
        run = _join(near[:size])
        stems = (
            run.removesuffix(ending) for ending in seed.load_request_words()["case"] if run.endswith(ending)
        )
        for spelling in (*stems, _SUFFIX.sub("", run), run):
            if is_unwanted(spelling):
                return spelling, size
    return "", 0


def _join(tokens: Sequence[_Token]) -> str:
    return " ".join(token.text for token in sorted(tokens, key=lambda token: token.start))


def _bare(word: str) -> str:
    return _PARTICLE.sub("", word.casefold()).removesuffix("s")


def _is_joint(token: _Token) -> bool:
    return _is_or(token) or seed.classify("tail", token.text) != ""


def _is_filler(word: str) -> bool:
    return bool(questions.classify_filler(word) or questions.classify_filler(_PARTICLE.sub("", word)))


def _describe(text: str, tokens: Sequence[_Token], negation: _Negation) -> str:
    """Return a negation of means as typed, or "" if it names none: "without retraining", 끊김 없이."""
    if not negation.is_ahead:
        words = list(takewhile(lambda token: token.kind != ",", tokens[negation.at + 1 :]))[:_MAX_TERM_WORDS]
        kinds = enumerate((questions.classify_filler(token.text) for token in words[1:]), 1)
        words = words[: next((size for size, kind in kinds if kind), len(words))]
        is_said = negation.is_lack and bool(words)
        return text[tokens[negation.at].start : words[-1].end] if is_said else ""
    words = list(tokens[: negation.first][-1:])
    if not (words and tokens[negation.at].is_korean):
        return ""
    kind = questions.classify_filler(words[-1].text)
    phrase = _read_phrase(tokens[: negation.first][::-1][:2], is_ahead=True)[::-1]
    if kind == "verb":  # 보상 모델
        phrase = [token for token in tokens[: negation.first][-2:] if token.kind != ","]
    words = phrase or words
    is_attached = words[-1].end == tokens[negation.first].start
    is_means = any(questions.is_means(_PARTICLE.sub("", _join(noun))) for noun in (words, words[-1:]))
    is_said = kind != "filler" if negation.is_lack and not is_attached else is_means
    verbs = [token for token in tokens[negation.at : negation.last + 1] if token.kind != "glue"]
    return text[words[0].start : verbs[-1].end] if is_said else ""


# Comparisons.


def _compile_words(english: str, korean: str, end: str = "") -> re.Pattern[str]:
    """Return a pattern for text of either language. `re` finds alternatives that begin with letters eight times as fast."""
    words = [(word, first) for word in english.split() for first in (word[0], word[0].upper())]
    return re.compile(
        "|".join([*korean.split("|"), *(rf"{c}(?<!\w{c})(?i:{word[1:]}){end}" for word, c in words)])
    )


COMPARING = _compile_words(
    r"than unlike compar\w+ outperform\w* surpass\w* exceed\w* beat(?:s|ing)? versus vs rival\w* instead rather without"
    r" alternatives? competitive match(?:es|ing) traditional(?:ly)? conventional contrast existing previous prior on\spar",
    "보다|대비|달리|능가|뛰어넘|비교|대신|기존|없이|넘어|앞[서선섭]|견[줄주]|대안|필적|못지않|맞먹|대체|벗어나|아닌",
    end=r"\b",
)
_LATER = _compile_words(
    r"future\s(?:work|research|stud|direction) in\s(?:the\s)?future follow-up",
    "후속|향후|앞으로|남아 있|볼 만[하한]",
)
_LATER_CHAPTER = re.compile(
    r"future|follow-up|limitation|related work|후속|향후|한계|관련 연구", re.IGNORECASE
)


def is_later_work(sentence: str, heading: str = "") -> bool:
    """Return whether a sentence is about what a paper leaves to later work, or in a chapter on that or on other work."""
    return (_LATER_CHAPTER.search(heading) or _LATER.search(sentence)) is not None
