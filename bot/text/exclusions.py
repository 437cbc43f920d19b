"""Reads what a question leaves out, and the comparisons in it and in papers.

A phrase that negates excludes what is named behind it in English and ahead of it in Korean: "except agents", 에이전트 말고.
"without X" and "X 없이" exclude a term such as reinforcement learning, but not what a method does without: labels,
retraining, a reward model. There they describe the papers that are sought, which the answer says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, takewhile
from typing import NamedTuple

from bot.text import analyser, dates, phrases, questions, seed

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
    return bool(phrases.split_word(text.casefold(), "papers"))


_SPLIT = re.compile(
    r"\b(leav(?:e|es|ing)|filter(?:s|ing)?|tak(?:e|es|ing)) ((?:[\w-]+ ){1,3})out\b", re.IGNORECASE
)
"""As in "leave RL out"."""
_SHORT = re.compile(
    r"(?<=\bexcl)\.(?=\s)|(?<=\bexclude) ?:|(?<=\bexcluding) ?:|(?<=\bexcept) ?:|(?<=\bskip) ?:",
    re.IGNORECASE,
)
_JOINED = re.compile(r"(?:이?[나랑]|[와과도]|하고)\Z")
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
    tokens = phrases.read_tokens(text, "leave")
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
            text = text if said in typed else f"{phrases.cut(text, phrase)} {said}"
            for other in (token for token in phrase if token.text == "다른"):
                text = phrases.cut(text, [other])  # not 다른 언어, for multilingual
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
        text = phrases.cut(text, phrase)
    return Exclusions(
        " ".join((text.translate(_BRACKETS) if excluded else text).split()).strip(" ,;:"),
        tuple(dict.fromkeys(excluded)),
        tuple(unread),
        tuple(described),
    )


def _find_saying(
    typed: str, named: Sequence[str], tokens: Sequence[phrases.Token], negation: _Negation
) -> str:
    """Return a negation as it is written among the everyday words, "" if it is not: 트랜스포머 안 쓰는 for 안쓰는."""
    verbs = [token.text for token in tokens[negation.first : negation.last + 1]]
    ways = [typed]
    for name in named[:1]:
        ways += [" ".join((name, *verbs[:size])) for size in range(len(verbs), 0, -1) if negation.is_ahead]
        ways += (
            [f"{name} 없이" if analyser.has_hangul(name) else f"without {name}"] if negation.is_lack else []
        )
    return next(filter(questions.find_everyday_terms, ways), "")


def _list_beside(tokens: Sequence[phrases.Token], negation: _Negation) -> Sequence[phrases.Token]:
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


def _list_negations(tokens: Sequence[phrases.Token]) -> Iterator[_Negation]:
    """Yield the phrases that negate. In a Korean one the verb may come first: 쓰지 않는, 안 쓰는, 관련 없는."""
    start = 0
    for (has_class, is_korean), run in groupby(
        tokens, key=lambda token: (token.kind not in ("", ","), token.is_korean)
    ):
        first, start = start, start + len(list(run))
        negators = [n for n in range(first, start) if has_class and tokens[n].kind in phrases.NEGATORS]
        if not negators and not is_korean and any(seed.classify("all", one.text) for one in tokens[:first]):
            negators = [n for n in range(first, start) if tokens[n].text.casefold() == "but"]
        negation = _read_negation(tokens, first, negators[0], start) if negators else None
        if negation:
            yield negation


def _read_negation(tokens: Sequence[phrases.Token], first: int, at: int, end: int) -> _Negation | None:
    """Return the negation by the negator `at` a place in a phrase from `first` to `end`; None if it negates nothing.

    That is so in "the skip connections", "why do transformers not generalize" and "strong models are not strong teachers".
    """
    kind, is_korean, behind = tokens[at].kind, tokens[at].is_korean, tokens[end:]
    around = [token.kind for token in tokens[first if is_korean else at + 1 : end]]
    is_about, is_used = "about" in around, "use" in around
    before = tokens[at - 1] if at else phrases.Token(",", "", 0, 0)
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


def _ends_clause(behind: Sequence[phrases.Token], kind: str) -> bool:
    """Return whether a clause ends with what it names first, which is not a means: "agents, no surveys"."""
    behind = [token for token in behind if token.text.casefold() not in ("a", "an", "the")]
    named = list(takewhile(lambda one: _is_or(one) or (one.kind == "" and not _is_filler(one.text)), behind))
    rest = [token for token in behind[len(named) :] if not seed.classify("tail", token.text)]
    is_end = not rest or rest[0].kind in (",", "no", "not")  # not simulation not games
    # text, not visual tokenizers
    is_means = questions.is_means(_join(named)) and not (kind == "not" and len(named) > 1)
    return bool(named) and not is_means and is_end


def _read_named(
    beside: Sequence[phrases.Token],
    negation: _Negation,
    is_term: IsTerm,
    is_excluded: IsTerm,
    words: Sequence[str],
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
        near = list(takewhile(lambda one: one.kind not in phrases.NEGATORS | {","} and not _is_or(one), near))
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
            name, size = _join(phrase) if is_apart else phrases.PARTICLE.sub("", _join(phrase)), len(phrase)
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
    return [kind for kind, _ in phrases.split_word(word.casefold(), "papers")] == ["language"]


def _find_joint(rest: Sequence[phrases.Token], negation: _Negation, named: str) -> tuple[int, bool]:
    """Return how many tokens join what is negated to the next such name, and whether by more than a comma."""
    comma = negation.has_list and bool(rest) and rest[0].text == ","
    # "retrieval, question answering" is not a list, but "math, code or agents" is one.
    comma = comma and (negation.is_ahead or any(map(_is_or, rest[1:_MAX_LISTED])))
    joint = len(rest) > comma and _is_or(rest[comma])
    is_attached = negation.is_ahead and bool(rest) and bool(_JOINED.search(rest[0].text))  # 텍스트나 음성
    # 영어 중국어 아닌
    is_kind = negation.is_ahead and all(map(_is_language, (named, *(one.text for one in rest[:1]))))
    return comma + joint, joint or is_attached or (is_kind and bool(rest))


def _is_or(token: phrases.Token) -> bool:
    return seed.classify("join", token.text) != ""


def _has_topic(tokens: Sequence[phrases.Token]) -> bool:
    return any(token.kind == "" and not _is_filler(token.text) for token in tokens)


def _is_noun(token: phrases.Token) -> bool:
    """Return whether what is behind a Korean word may be of one phrase with it."""
    return token.kind == "" and not (
        _is_filler(token.text) or phrases.PARTICLE.search(token.text) or _is_or(token)
    )


def _read_phrase(near: Sequence[phrases.Token], is_ahead: bool) -> list[phrases.Token]:
    """Return the words of a noun phrase: up to filler and, ahead of a Korean negation, back to a word with a particle."""
    phrase = list[phrases.Token]()
    for token in takewhile(lambda token: token.kind != ",", near):
        is_too = is_ahead and bool(phrase) and phrase[0].text[-1:] == token.text[-1:] == "도"  # A도 B도
        is_apart = phrase and (
            is_too or (phrases.PARTICLE.search(token.text) if is_ahead else _is_joint(token))
        )
        if _is_filler(token.text) or is_apart:
            break
        phrase.append(token)
    return phrase


def _find_named(near: Sequence[phrases.Token], is_unwanted: IsTerm) -> tuple[str, int]:
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


def _join(tokens: Sequence[phrases.Token]) -> str:
    return " ".join(token.text for token in sorted(tokens, key=lambda token: token.start))


def _bare(word: str) -> str:
    return phrases.PARTICLE.sub("", word.casefold()).removesuffix("s")


def _is_joint(token: phrases.Token) -> bool:
    return _is_or(token) or seed.classify("tail", token.text) != ""


def _is_filler(word: str) -> bool:
    return bool(questions.classify_filler(word) or questions.classify_filler(phrases.PARTICLE.sub("", word)))


def _describe(text: str, tokens: Sequence[phrases.Token], negation: _Negation) -> str:
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
    is_means = any(questions.is_means(phrases.PARTICLE.sub("", _join(noun))) for noun in (words, words[-1:]))
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
