"""Reads the order of the papers that a question asks for, and sets apart what it says about the reader."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import dropwhile, groupby, islice, pairwise
from typing import NamedTuple

from bot.text import analyser, exclusions, phrases, query_parser, questions, seed

# What is about the reader.

_PLAN = re.compile(
    r"^(?:(?:hi|hey|hello)[,!]? )?[\w.]+ here[,.!:;]+ (?=\S)"
    r"|^(?:(?:i['’]?m|i am|i) )?(?:not sure|unsure|(?:do not|don['’]?t) know|no idea)\b[^,;:.]{0,40}?(?:,? but|[,;:]) (?=\S)"
    r"|^there (?:may|might|probably)\b[^,;:.]{0,30}? but (?=\S)"
    r"|\b(?:would|i['’]?d|we['’]?d) (?:love|like|appreciate)\b(?: to (?:see|read|find)\b)?"
    r"|^(?:\S+ ){0,3}\S*(?:에서|때|까지|전에|[주달]에?|내일|모레|오늘)(?<!중에서) (?:읽|볼|다룰"
    r"|발표할|소개할|공유할|(?:이야|얘)기할|논의할)을?(?! 수)"
    r" (?=\S)|^(?:\S+ ){0,3}(?:발표|세미나|회의|미팅|수업)에서? 쓸 (?=\S)"
    r"|\bnext (?:week|month|year|semester|(?:mon|tues|wednes|thurs|fri)day)\b|\b(?:tomorrow|tonight)\b"
    r"|(?<!\S)(?:다?다음 ?(?:주|달|학기|번)|내일|모레)(?:에|까지|의)?(?!\S)"
    r"|\bfor (?:my|our) (?:[\w-]+ ){0,3}(?:section|talk|thesis|dissertation|class|course|seminar|meeting"
    r"|presentation|report|club|advisor|boss|slides|homework|group|students?|labmates?|colleagues|interns?|undergrads)\b"
    r"(?: (?:slot|this week))?"
    r"|\b(?:before|by|until|for|ahead of|in time for) (?:(?:my|our|the|this|next) )?(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|tomorrow|week)(?:['’]s)? (?:[\w-]+ )?(?:meeting|seminar|talk|class|lecture|presentation|deadline|call|exam|club|group)\b"
    r"|\b(?:should|can|could) (?:i|we) use (?:to|for) (?:evaluat|test|measur|benchmark)\w*"
    r"|\b(?:that )?(?:my|our) (?:[\w-]+ )?(?:students?|labmates?|interns?|undergrads) (?:can|could|should) \w+"
    r"|\b(?:in|from|across|of|over) (?:the|this|your|our) (?:whole|entire|full) (?:archive|collection|channel|list)\b"
    r"|(?<!\S)(?:아카이브 )?전체(?: (?:기간|아카이브|논문))?(?:에서| ?중에서?|를? ?통틀어)(?!\S)"
    r"|^(?:i|we)(?:['’]\w+)? (?:[\w'’]+ ){0,5}?(?:talk|presentation|lecture|seminar|meeting|group)\b(?: [\w'’]+){0,3}?"
    r"(?= (?:about|on)\b)"
    r"|\b(?:my|our) (?:[\w-]+ )?(?:group|club|team|lab|meeting|seminar)\b(?!['’])"
    r"|(?<!\S)(?:(?:오늘|이번 ?주|\S요일) )?\S*(?:미팅|회의|세미나|스터디)(?:에서|에|때| 때)? \S*해야 \S+$"
    r"|^\S+ 때문에(?= )|\S+야 (?:[돼되됨함해]|하는데)\S*$"
    r"|(?:(?:학생|후배|신입생|초보자?|입문자?|학부생|인턴|동료)들?(?:이|가|도)? )?(?:읽|보|이해하|공부하)기 (?:좋|쉬|편|괜찮)\S*",
    re.IGNORECASE,
)
"""When and where a reader will read, and that this is of the whole archive."""
AHEAD = re.compile(
    r"\b(?:next (?:week|month|year)|tomorrow)\b(?!['’]s)|(?<!\S)(?:다?다음 ?(?:주|달)|내일|모레)(?=\s|에|의|$)",
    re.IGNORECASE,
)
"""A time to come, of which there are no papers yet."""
ALIKE = re.compile(
    r"\b(?:papers?|works?|something|anything) (similar to|like) (?=\S)|(?<=[와과랑]) (비슷한|유사한) (?=논문|연구|거|것)",
    re.IGNORECASE,
)
"""What asks for papers near to one, which its card lists."""
_SELF = re.compile(
    r"(?:안녕하세요[,.!]* )?(?:저는 )?([가-힣]{2,5})(?:인데요|입니다|이에요|예요)[,.!]* (?=\S)"
)
"""What may be the asker's name or trade: 민수인데요, 대학원생입니다."""
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
    r"(?!\S+(?: \S+){,3} ?논문\S{,2} 찾).{2,40}?(?:(?:시간(?:이|도)? 없|(?:준비|공부|발표|고민) ?중이?"
    r"|찾|[준공발고시]\S{,2}하|쓰려|정하|배우|야 [하되돼]|필요하)(?:고 있|려)?"
    r"(?:[는은인]데|라서?|으?니까|느라|어서|서|려고)|(?:발표|년차|학생|초보자?|입문자?|신입생?|과제|숙제)(?:인데|라서?|이라서?))"
    r"요?,? (?=\S+ \S|[A-Z])"
)


_JOINED_NEGATION = re.compile(
    r"(?<!\S)(?!끊임|상관|관계|변함|예외|어김|수없|필요)(\S*[가-힣A-Za-z]{2})(없이|빼고|말고|제외하고|없는|아닌|안쓰는)([가-힣]{2,})(?!\S)"
)
"""As in 어텐션없이긴문맥."""
_JOINED = re.compile(
    r"(?<!\S)(?=\S*[가-힣])(이번 ?주|지난 ?주|저번 ?주|이번 ?달|지난 ?달|저번 ?달|올해|작년|오늘|어제|최근|요즘|요새)?"
    r"([A-Za-z가-힣]*?)(논문(?:들|만|좀|은|을|이|추천|추천순)?|글|연구)?"
    r"((?:[있없](?:나|어|냐|니|을까|습니까)|뭐|찾아|알려|보여|골라|추천(?:해|좀|부탁))[가-힣]{0,4})?(?=[?!.~]*(?!\S))"
)
_MIXED = re.compile(r"(?<!\S)([가-힣]{2,})([A-Z][A-Za-z-]+[A-Z])(?=[가-힣]{0,2}(?!\S))")
"""As in 코드LLM."""
_REMOVED = re.compile(
    r"(?:(?<=논문)|(?<=관련)|(?<=[가-힣] 쪽)|(?<=벤치마크)|(?<=데이터셋)|(?<=서베이))들?[은는을를]?(?: (?:다|전부|모두|싹))?"
    r" 제거(?=하[고구]|해|바람|$)|(?<=[은는]) (?:(?:다|전부|모두) )?제거(?=해?\s*[줘주]|\s*$)"
)
"""As in 의료 논문 제거하고, but not 반사 제거하고."""
_ORDINARY = re.compile(
    r"(?<!\S)(?:plain|ordinary|vanilla|regular|일반|보통|평범한|일반적인) (?!text\b)(?=(\S+)(?: (\S+))?)",
    re.IGNORECASE,
)
"""What says only that nothing special is wanted of a topic: plain RAG."""
_THOUSANDS = re.compile("(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")
_LIMIT = re.compile("(?<=[0-9])(?=(?:이상|이하|미만|초과))")
_SIDE = re.compile("(?<=[A-Za-z0-9])쪽(?=(?:은|이)? ?(?:말고|빼|제외|아닌|없))")
_RECOMMENDED = re.compile(r"(논문|연구|글) 추천(?: ?좀)?요?[.!?~]*$")
PUBLISHED = re.compile(r"\b(?:publish|submitted|came out)|(?:출판|출간|게재|투고|발표)[된한]", re.IGNORECASE)
"""What is said of the date of a paper, where digests have a date of their own."""


_NEGATED_EXAMPLES = re.compile(
    r" (?:같은|등의?) (?=(?:\S+ (?:/ \S+ )?){0,2}?\S*(?:말고|빼고|빼줘|빼 줘|제외|안 쓰|안쓰|아닌|없는|없이)(?!\S*[0-9]))"
)


_NEGATED_BRACKETS = re.compile(
    r"(?P<kind>\S*[^\s(])(?: \( |\()(?P<korean>[^()]+)\)"
    r"(?=[은는을를이가]? ?(?:말고|빼[고줘]|뺀|제외|아닌|이?외에|안 ?쓰|(?:필요 ?)?없[는이음어]))"
    r"|(?P<head>\b(?:not?|without|except|excluding|besides|other than|skip) (?:[\w-]+ ){1,4}?)"
    r"\((?P<names>[^()]+(?:,| or | and )[^()]+)\)",
    re.IGNORECASE,
)
"""What is left out with its examples in brackets: 빅테크(구글 메타) 말고, no big tech (Google, Meta)."""
_BRACKETED = re.compile(
    r"\s*(?:[,/·]|\b(?:or|and)\b|포함|등(?=\s*$)|같은|(?:예|e\.g\.):? )\s*", re.IGNORECASE
)
_ALIKE_TERM = re.compile(
    rf"(?<!\S)([^\s,;(]+?)(?:{phrases.ALIKE.pattern}| (?:style|type)|류의?| ?(?:스타일|계열)[의은을]?)"
    r"(?=[\s,;.)]|빼|말고|제외|$)"
    r"(?! (?:transfer|imitation|edit|control|generation|변환|전이|편집|모방|제어|생성))",
    re.IGNORECASE,
)


def split_words(text: str) -> str:
    """Return a text with spaces in Korean words that are joined, and no comma in numbers: 지난주인기논문, 1,000.

    Examples of what is left out are a list with it: 구글, 오픈AI 같은 빅테크 말고. What is like a term is that term: RNN style.
    """
    text = _NEGATED_EXAMPLES.sub("나 ", _REMOVED.sub(" 제외", text))
    text = _NEGATED_BRACKETS.sub(_list_bracketed, text)
    text = _MIXED.sub(_split_mixed, _ALIKE_TERM.sub(_name_alike, _ORDINARY.sub(_cut_ordinary, text)))
    text = _RECOMMENDED.sub(r"\1 추천해줘", _LIMIT.sub(" ", _THOUSANDS.sub("", _SIDE.sub("", text))))
    return _JOINED.sub(_split_joined, _JOINED_NEGATION.sub(r"\1 \2 \3", text))


def _cut_ordinary(found: re.Match[str]) -> str:
    """Return "" for a word that says nothing of the term behind it and belongs to none: "vanilla transformers"."""
    names = [" ".join(filter(None, found.groups())), found[1]]
    is_own = any(f"{found[0]}{name}".casefold() in phrases.list_known_forms() for name in names)
    is_named = any(_is_term(form) for name in names for form in (name, name.removesuffix("s")))
    return "" if is_named and not is_own else found[0]


def _split_mixed(word: re.Match[str]) -> str:
    known, korean = phrases.list_known_forms(), word[1]
    is_word = korean in known or questions.is_everyday(korean) or bool(questions.find_topics(korean))
    return f"{korean} {word[2]}" if is_word and word[0].casefold() not in known else word[0]


def _list_bracketed(found: re.Match[str]) -> str:
    names = [name for name in _BRACKETED.split(found["names"] or found["korean"]) if name]
    if found["names"]:
        return f"{found['head']}like {' or '.join(names)}"
    listed: list[str] = [found["kind"], *(names if len(names) > 1 else names[0].split())]
    ahead = (f"{one}{'이나' if questions.agrees(f'{one}이', '이') else '나'}" for one in listed[:-1])
    return " ".join((*ahead, listed[-1]))


def _name_alike(found: re.Match[str]) -> str:
    is_name = _is_term(found[1]) or found[1][1:].isdecimal()  # R1 style, but not 3D style
    return (
        found[1] if is_name and found[1].casefold() not in ("human", "brain", "2d", "3d", "4d") else found[0]
    )


def _split_joined(word: re.Match[str]) -> str:
    """Return a word with spaces between a period, an order, a topic, a word for papers and a request: 최신로봇논문, RAG있나요."""
    period, topic, papers, asked = word.groups("")
    known = phrases.list_known_forms()
    is_topic = bool(papers) or topic.casefold() in known or bool(questions.find_topics(topic))
    if word[0] in known or (asked and not (is_topic and questions.is_request(asked))):
        return word[0]
    kinds = {kind for kind, _ in phrases.split_word(topic, "order")} - {"glue", ""}
    if not (kinds and (period or papers)):
        period, papers = "", papers if papers.startswith("논문") else ""
        topic = word[0].removesuffix(papers + asked)
    for cut in range(2, len(topic) - 1):
        first, last = topic[:cut], topic[cut:]
        if any(a in known and phrases.split_word(b, "order") for a, b in ((first, last), (last, first))):
            topic = f"{first} {last}"
            break
    return " ".join(filter(None, (period, topic, papers, asked)))


def list_lost(query: query_parser.Query, sought: str) -> tuple[str, ...]:
    """Return the words of a question that are neither sought nor named in the answer, and may belong to its topic."""
    named = " ".join((sought, *query.excluded, *query.ignored, *query.unordered, *query.described))
    left, rest = named.casefold().split(), query.text.casefold()
    lost = list[phrases.Token]()
    for token in phrases.read_tokens(query.asked, "leave"):
        is_taken = token.text.casefold() not in rest
        if not (
            (is_taken and exclusions.is_beside(token))
            or all(_is_kept(word, left) for word in token.text.casefold().split())
        ):
            is_next = lost and not query.asked[lost[-1].end : token.start].strip()
            start = lost.pop().start if is_next else token.start
            lost.append(token._replace(text=query.asked[start : token.end], start=start))
    return tuple(dict.fromkeys(token.text for token in lost))


def _is_kept(word: str, left: Iterable[str]) -> bool:
    """Return whether a word is among those `left` of a question, with or without endings, or says nothing of a topic."""
    whole = questions.trim_filler(word)
    bare = phrases.PARTICLE.sub("", whole)
    return any(map(questions.is_request, (whole, bare))) or any(one in whole or bare in one for one in left)


_EXAMPLES = re.compile(
    r"\([^()]+\)|\b(?:such as|e\.g\.|for (?:example|instance)),? [^.;?!()]+"
    r"|\S+(?: \S+)?(?:, ?\S+(?: \S+)?){1,4}? (?:등의?|같은)(?!\S)"
    r"|[^\s,]+(?: [^\s,]+){0,2}(?:, ?[^\s,]+(?: [^\s,]+){0,2}?){2,6} ?\.\.+",
    re.IGNORECASE,
)
"""What names examples of a topic: (locomotion, navigation), such as GAN and VAE, 양자화, 가지치기 등, SQL, code, logs..."""
_OR_OTHER = re.compile(
    r" (?:or|and) (?:any )?(?:other|similar) (?=\w)|(?<=\w)이?나 다른 (?=\w)", re.IGNORECASE
)
"""As in "RWKV or other linear RNNs", RWKV나 다른 선형 RNN."""
_BETWEEN_EXAMPLES = re.compile(
    r",(?: (?:and|or|및))? | (?:and|or|및|&) |(?<=[가-힣]),(?=[가-힣])", re.IGNORECASE
)


def join_examples(text: str) -> str:
    """Return a text with a slash between the examples of a topic, which are alternatives, unless they are negated."""

    def join(found: re.Match[str]) -> str:
        is_negated = any(token.kind in phrases.NEGATORS for token in phrases.read_tokens(found[0], "leave"))
        listed = re.sub(r" ?\.\.+$", ",", found[0])
        return found[0] if is_negated else _BETWEEN_EXAMPLES.sub(" / ", listed)

    return _EXAMPLES.sub(join, _OR_OTHER.sub(" / ", text))


def cut_plans(text: str) -> str:
    """Return a question without what it says of the reader: plans (세미나에서 읽을), a name, a wish to have a term explained."""
    text = _PLAN.sub(" ", text)
    named = _SELF.match(text)
    if named and not (
        _is_term(named[1]) or questions.find_topics(named[1]) or questions.classify_filler(named[1])
    ):
        text = text[named.end() :]
    explained = _EXPLAIN.match(text)
    return text[explained.end() :] if explained and _is_term(text[explained.end() :]) else text


_ASIDE = re.compile(
    r"[,;.!?:] (?:(?:and|so|but|cause|because|since|as) )*(?:(?:my|our|it['’]?s for|(?:i )?(?:feels?|felt)|curious|wondering)\b.*"
    r"|(?P<reader>i|we)(?:['’]\w+)?(?: (?:[\w'’]+ ){0,4}?(?P<aim>(?:for|to|because|since)\b.*)"
    r"|(?! (?:\w+ ){0,2}?(?:need|want|like|look|prefer|love|interested|care))\b.*))$"
    rf"|, [^,;]*?(?:[{questions.list_syllables(8)}] ?(?:거|것|건|예정|계획|생각)|려[고구]|[아어]서|거든|기 ?위해)"
    r"[가-힣]{0,3}[.!~]*$",
    re.IGNORECASE,
)
"""A clause on the reader behind a topic: I need three for the culture column, 사내 신문에 실을 거라서."""
_AT = re.compile("(?<=[가-힣]{2})에서?$")


def cut_aside(text: str) -> str:
    """Return a text without a clause on the reader at its beginning or end that names no term and leaves nothing out.

    At the end, "for the culture column" is one, for culture is not what it is of; "for robots" is a topic.
    """
    request = _REQUEST.search(text) if _READERS.match(text) else _KOREAN_READERS.match(text)
    start = request.start() if request and request.re is _REQUEST else request.end() if request else 0
    if start and not any(map(_is_read, phrases.read_tokens(text[:start], "leave"))):
        text = text[start:].strip()
    if not (found := _ASIDE.search(text)):
        return text
    end = found.start("aim") if found["aim"] else found.start()
    said = phrases.read_tokens(text[end:], "leave")
    heads = [one for one in said if _AT.search(one.text)] or (said[-1:] if found["reader"] else [])
    names = [one._replace(text=_AT.sub("", one.text)) for one in said if one in heads or " " in one.text]
    others = (
        one for one in said if one.kind in phrases.NEGATORS or one.text[1:].isupper() or one.text == "on"
    )
    return text if any(map(_is_read, names)) or any(others) else text[:end]


def _is_read(token: phrases.Token) -> bool:
    """Return whether a word leaves something out or names a term."""
    return token.kind in phrases.NEGATORS or _names_term(token)


def _names_term(token: phrases.Token) -> bool:
    bare = phrases.PARTICLE.sub("", token.text)
    bare = bare if _is_term(bare) else bare.removesuffix("s")
    return _is_term(bare) and (any(map(str.isupper, bare[1:])) or not questions.classify_filler(bare))


def _is_term(text: str) -> bool:
    return text.casefold() in phrases.list_known_forms() or any(map(str.isupper, text[1:]))


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
    "top-ranked": rf"\b(?:top[- ]?|best ){_N}\b"
    r"(?![.%]|[- ](?:accuracy|error|recall|p\b|k\b|sampling|gating|routing|experts?))",
    "least upvoted": rf"\bbottom[- ]?{_N}\b(?![.%])",
    "상위권": r"(?:(?:상위|[톱탑]|베스트) ?|\btop ?(?=[0-9]+ ?[개편위건])|(?:1위? ?(?:부터|에서|[~-]) ?)?(?=[0-9]+위까지))"
    rf"{_KOREAN_N} ?[개편위건]?(?:만|까지|정도)?(?![가-힣0-9.%])",
    "추천 적은": rf"(?:하위|꼴[찌지]) ?{_KOREAN_N} ?[개편위건]?(?:만|까지|정도)?(?![가-힣0-9.%])",
}
_RANKS = {rank: re.compile(pattern, re.IGNORECASE) for rank, pattern in _RANKED.items()}
"""What asks for the first papers by votes, and in whose place it is read."""
_TERMS = re.compile(rf"(?:[a-z]+ (?:me )?)?(?:the )?{_N} ((?:\S+ ){{1,3}})papers\b", re.IGNORECASE)
_LEADING = re.compile(rf"(?:\bthe )?\b{_N}\s+\Z", re.IGNORECASE)
_UNKNOWN = re.compile(
    r"\b(?:without|with no|w/o) (?:(?:an?|any|public|open|released|korean|english) )*(?:code|abstracts?|summar(?:y|ies))\b"
    r"(?! (?!on\b|about\b|in\b)\w)|(?<!\S)코드[가도]? ?(?:없는|미공개)"
    r"|(?<!\S)(?:(?:한국어|영어|한글) ?(?:요약|초록|번역)[이가도]?|(?:요약|초록|번역)[이가도]?(?= ?\S+ ?\S* ?(?:논문|거|것)))"
    r" ?(?:없는|안 ?[된달]\S?)"
    r"|\b(?:(?:that|which|papers) (?:releas|publish|shar|open-sourc)(?:e|es|ed|ing)"
    r"|(?:releas|publish|open-sourc)(?:e|es|ed|ing)(?= (?:their|its)\b)|with (?:released|public))"
    r"(?: (?:their|its|the|all|an?|new|full|model))*"
    r"(?: (?:weights?|models?|checkpoints?)\b|(?P<data>(?: \w+)? (?:data|datasets?|corpus|corpora)\b))"
    r"|(?<!\S)(?:(?:가중치|모델|체크포인트)|(?P<korean>데이터셋?|코퍼스|말뭉치))[을를도]? ?(?:공개|제안)"
    r"(?:한|된|하는)(?!\S)|(?<!\S)성능[을도]? ?(?:올[리린]|높[이인]|향상|개선|끌어올)[가-힣]*"
    r"|\b(?:that |which )?(?:improv|boost|enhanc)\w+ (?:the )?performance\b"
    r"|\b(?:(?:from|by|of) )?(?:domestic|foreign|overseas) (?:compan(?:y|ies)|firms?|labs?|universit(?:y|ies)|startups?)\b"
    r"|(?<!\S)(?:국내|해외|외국) ?(?:대?기업|회사|대학교?|연구[진소실팀]|스타트업|랩)[이가의은는]?에?서?"
    r"(?: (?:낸|만든|발표한|공개한|개발한|쓴|나온|내놓은))?(?!\S)"
    r"|\b(?:that |which )?(?:propos|introduc)\w+ (?:an? )?(?:(?:new|novel) )?(?:models?|methods?|frameworks?)\b",
    re.IGNORECASE,
)
"""What is said of a paper's code, data or texts here that is unknown of all: without code, 한국어 요약 없는, 데이터셋 공개한."""
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
_SOON = 5
"""How many words behind an order may come before the word for papers."""


class Ordering(NamedTuple):
    """A question without its order ("votes", "least", "date", "oldest" or ""), and what is unknown of papers in it.

    `has_code`: it asks for papers with code; `min_votes`, `max_votes`: for papers with as many votes; `wanted`: how many
    papers; `is_recent`: for those of these days; `asks_writers`: who, and not which paper, is asked for; `is_of_period`: whether
    it would be read otherwise if it named a period, or none.
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
    is_of_period: bool = False

    @property
    def asks(self) -> bool:
        """Whether the question asks for anything besides its topic."""
        return self._replace(is_of_period=False) != Ordering(self.text)


def read_order(text: str, *, has_period: bool) -> Ordering:
    """Split a question into its topic and the order that it asks for. `has_period`: whether it names a period."""
    if text.casefold() in phrases.list_known_forms():
        return Ordering(text)
    if first := _FIRST.fullmatch(text):
        return Ordering(first[1], "oldest")
    has_code, asks_writers = (pattern.search(text) is not None for pattern in (_CODE, _WRITERS))
    unknown = tuple(found[0].strip() for found in _UNKNOWN.finditer(text))
    text, count = _read_count(
        _UNKNOWN.sub(
            lambda said: f" {said['data'] or said['korean'] or ''} ", _WRITERS.sub(" ", _CODE.sub(" ", text))
        )
    )
    tokens, found, kept = phrases.read_tokens(text, "order"), list[tuple[int, str]](), text
    is_of_period = False
    for phrase, behind in _list_phrases(tokens):
        kinds = " ".join(token.kind for token in phrase if token.kind not in ("glue", "ever", "now"))
        if kinds in ("", "sort") and any(token.kind == "now" for token in phrase):
            kinds = f"recent {kinds}".strip()  # 요즘 거부터
        numbers = _list_rules(kinds)
        rule = _RULES[numbers[0]] if numbers else None
        if rule is None:
            continue
        if phrase[-1].kind == "buzz" and rule.pattern.search(kinds.removesuffix(" buzz")):
            phrase.pop()  # most upvoted attention papers
        near = (*(() if "good" in kinds else phrase), *behind[:_SOON])  # 제일 좋은 것, of models
        while not phrase[-1].is_korean and phrase[-1].kind in ("glue", "by"):
            phrase.pop()
        core = [token for token in phrase if token.kind not in ("glue", "by")]
        rest, is_ever = _cut_phrase(kept, text, phrase), kinds == "hot" and any(map(_is_ever, tokens))
        meant = _is_meant(rule, text, core, near, rest, is_ever or any(map(_is_ever, phrase)))
        is_of_period |= meant[0] != meant[1]
        if not meant[not has_period]:
            continue
        found += ((number, text[core[0].start : core[-1].end]) for number in numbers)
        if rule.order and (leading := _LEADING.search(text, 0, core[0].start)):  # 3 newest papers on speech
            rest = phrases.cut(rest, [core[0]._replace(start=leading.start())])
            count = _number(leading["n"])
        kept = kept if rule is _RULES[-1] else rest
        for token in core if rule is _RULES[-1] else ():
            kept = _weaken(kept, token)
    rules = [_RULES[number] for number, _ in sorted(found)]
    unread = tuple(typed for n, typed in found if "unread" in _RULES[n].flags)
    order = next(
        (rule.order for rule in sorted(rules, key=lambda rule: "unread" in rule.flags) if rule.order), ""
    )
    kept = _cut_order(kept, tokens) if order else kept
    if any(_RULES[number] is _RULES[-1] for number, _ in found) and not questions.has_topic(
        [word for token in tokens if token.kind in ("", ",") for word in token.text.split()]
    ):
        kept = ""  # longest paper
    limits = {flag: typed for number, typed in found for flag in _RULES[number].flags}
    is_recent = "recent" in limits or any(token.kind in ("now", "recent") for token in tokens)
    return Ordering(
        " ".join(_EMPTY.sub(" ", kept).split()).strip(" ,:"),
        order,
        (*unread, *unknown),
        has_code,
        _read_votes(limits.get("least", ""), 1),
        _read_votes(limits["most"], -1) if "most" in limits else None,
        count,
        is_recent and order == "votes",
        asks_writers,
        is_of_period,
    )


def _cut_phrase(kept: str, text: str, phrase: Sequence[phrases.Token]) -> str:
    """Return what is kept of a text without a phrase, with a boundary for it between a topic and what is left out in Korean.

    They are no words of one term: 로봇 추천순인데 시뮬레이션은 빼고.
    """
    rest, (start, last) = phrases.cut(kept, phrase), (phrase[0].start, phrase[-1])
    is_end = last.kind == "sort" or last.text.endswith(("데", "고", "며", "지만", "서", "거", "것"))
    behind = phrases.read_tokens(text[last.end :], "leave") if is_end and last.is_korean else ()
    is_left_out = any(token.kind in phrases.NEGATORS and token.is_korean for token in behind)
    return f"{rest[:start]};{rest[start + 1 :]}" if is_left_out and text[:start].strip() else rest


def _find_rules(kinds: str) -> Iterator[int]:
    """Yield the numbers of the rules for the classes of a phrase."""
    return (number for number, rule in enumerate(_RULES) if rule.pattern.search(kinds))


def _list_rules(kinds: str) -> list[int]:
    """Return the numbers of the rules that a phrase asks for by its classes: one, or a limit of votes with what is beside it."""
    first, *others = (*_find_rules(kinds), -1)
    if first >= 0 and {"least", "most"} & set(_RULES[first].flags):
        rest = _RULES[first].pattern.sub(" ", kinds, count=1)
        orders = (number for number in _find_rules(rest) if _RULES[number].order)
        limits = (number for number in others if "least" in _RULES[number].flags)  # 5 이상 10 이하
        return [first, *islice(orders, 1), *limits]
    return [first] if first >= 0 else []


def _is_ever(token: phrases.Token) -> bool:
    return token.kind in ("ever", "now")


def _is_meant(
    rule: _Rule,
    text: str,
    core: Sequence[phrases.Token],
    near: Iterable[phrases.Token],
    rest: str,
    is_ever: bool,
) -> tuple[bool, bool]:
    """Return whether a phrase speaks of papers, if its rule needs that: "best small models", not "best tokenizer for Korean".

    The first is for a question that names a period, the second for others. Papers are named `near` to it or just ahead of
    Korean words, or the `rest` names no topic either.
    """
    ahead = text[: core[0].start].split()[-2:] if core[0].is_korean else ()
    is_led = core[0].start == 0 and not core[0].is_korean
    named = [*(one.text for one in near if _names_papers(one)), *filter(questions.names_papers, ahead)]
    is_alone = not questions.has_topic(rest.split())
    if "alone" in rule.flags:  # 최근 연구 is hardly an order
        is_recent = is_led and core[0].text.casefold().startswith("recent")
        is_of_papers = any(not one.startswith(("연구", "research", "work", "studies")) for one in named)
        return False, is_alone or is_recent or is_of_papers
    is_meant = is_alone or is_ever or bool(named) or (is_led and " for " not in text)
    return True, is_meant or "papers" not in rule.flags


def _cut_order(kept: str, tokens: Sequence[phrases.Token]) -> str:
    """Return what is kept of a text that asks for an order, without words that belong to that: sorted: speech; of all time."""
    said = [token for token in tokens if token.kind or questions.classify_filler(token.text) != "filler"]
    edges = (tokens[0], [token for token in said if token.kind != ","][-1])  # first please
    for ahead, token in pairwise((tokens[0], *tokens)):
        is_sort = token.kind == "sort" or (token is edges[1] and token.text.startswith("정렬"))
        is_apart = token in edges or questions.names_papers(ahead.text)
        rest = phrases.cut(kept, [token])
        if _is_ever(token) or (is_sort and is_apart and questions.has_topic(rest.split())):
            kept = rest
    return kept


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


def _weaken(text: str, token: phrases.Token) -> str:
    """Return a text without a superlative of quality, which papers are not sorted by: "small" for "smallest"."""
    if token.kind != "size":
        return text if token.kind in ("trait", "many") else phrases.cut(text, [token])
    positive = re.sub(r"(g)\1$", r"\1", token.text.removesuffix("est"))
    return f"{text[: token.start]}{positive:{len(token.text)}}{text[token.end :]}"


_EMPTY = re.compile(r"\(\s*\)|\s+[?!]+\Z")
_ONE = re.compile("[거것걸게건]|ones?$", re.IGNORECASE)


def _names_papers(token: phrases.Token) -> bool:
    return questions.names_papers(token.text) or (token.kind == "glue" and _ONE.match(token.text) is not None)


def _list_phrases(
    tokens: Sequence[phrases.Token],
) -> Iterator[tuple[list[phrases.Token], Sequence[phrases.Token]]]:
    """Yield each run of neighbours that have a class, and the tokens behind it up to a comma."""
    at = 0
    for has_class, run in groupby(tokens, key=lambda token: token.kind not in ("", ",")):
        phrase = list(run)
        at += len(phrase)
        phrase = _strip_negators(phrase, tokens[: at - len(phrase)], tokens[at:]) if has_class else phrase
        if has_class and phrase:
            ends = (n for n in range(at, len(tokens)) if tokens[n].kind == "," and tokens[n].text not in "()")
            stop = next(ends, len(tokens))
            yield phrase, tokens[at:stop]


def _strip_negators(
    phrase: list[phrases.Token], before: Sequence[phrases.Token], behind: Sequence[phrases.Token]
) -> list[phrases.Token]:
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
