r"""Converts a text with LaTeX to plain text: pylatexenc parses it whole, and its tables and the one below name the commands.

A formula becomes a line that says the same: fractions, roots and scripts get parentheses wherever their operands would
otherwise be read in another way, and a command that no table has is kept by its name.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum, auto
from functools import partial
from typing import Any, NamedTuple

from pylatexenc import latex2text, latexwalker
from pylatexenc.macrospec import LatexContextDb, MacroSpec

from bot.text import seed

# pylatexenc logs a warning for each command without its argument.
logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)

_MAX_DEPTH = 12
"""Of braces. A deeper text stays as it is."""
_MAX_MARKS = 200
"""Signs of LaTeX in a text, each of which takes up to 0.1 ms. No title or formula has as many; a text with more stays."""
_MARK = re.compile(r"\\.|[\\{}$%^_]", re.DOTALL)
_LITERALS = dict(zip("{}$%\\", "\ufdd0\ufdd1\ufdd2\ufdd3\ufdd4", strict=True))
"""Noncharacters, for signs that are no LaTeX where they stand."""
_RESTORED = {ord(mark): sign for sign, mark in _LITERALS.items()}
_MATH_SIGN = re.compile(r"[\\^_{]")
_TIE = re.compile(r"(?<=[^\W_][^\W_]|[^\W_][.,])~(?=[^\W_]|[(\[])|(?<=[^\W_])~(?=[^\W\d_]{2})", re.ASCII)
_SET = re.compile(r"[^\s,]+(?:, ?[^\s,]+)+")
"""The inside of braces that are written, as in GPT-{3,4}."""


def _read_table() -> dict[str, dict[str, str]]:
    """Return the commands of `latex.tsv` by kind, each with its text."""
    table: dict[str, dict[str, str]] = {}
    for kind, commands in seed.read_rows("latex.tsv"):
        for command in commands.split(" "):
            name, _, text = command.partition("=") if command[0] != "=" else ("=", "", command[2:])
            table.setdefault(kind, {})[name] = chr(int(text[2:], 16)) if text.startswith("U+") else text
    return table


_TABLE = _read_table()
_SYMBOLS, _ARGUMENTS, _OVER, _ACCENTS = (_TABLE[kind] for kind in ("symbol", "arguments", "over", "accent"))
_STYLES, _KEPT, _WORDS, _ALPHABETS = (_TABLE[kind] for kind in ("style", "kept", "word", "alphabet"))
_SPACES = (*_TABLE["space"], " ", "\n")

_RELATIONS = frozenset("∈∉∋≤≥≪≫⩽⩾≠≈≃≅≡∼∝→←↔⇒⇐⇔↦⟶⟹⟺⟼⊂⊃⊆⊇≜≔⊢⊨≺≻≲≳")
_OPERATORS = frozenset("+-−±∓*·⋅×÷∗∘∪∩∧∨⊕⊗⊙⊖∖⋆•|∣‖∥/=<>,;:")
_BIG = frozenset("∑∏∐∫∬∭∮⋃⋂⨆⋁⋀")
_JOINED = _OPERATORS | frozenset("∂∇⟨⌊⌈([{")
"""Signs that belong to what follows them, so that the space behind their command ends its name and is no space."""
_ENDING = frozenset(("rVert", "rvert", "rangle", "rfloor", "rceil"))
_BEGINNING = _BIG | frozenset("√∛∜∂∇∞")
_OPENING, _CLOSING = "([{⟨⌊⌈", ")]}⟩⌋⌉"
_ORDINALS = ("st", "nd", "rd", "th")


class _Kind(Enum):
    """What a piece of a formula is for what stands beside it."""

    SIGN = auto()  # one character of the source
    SYMBOL = auto()  # a letter or sign by a command; a group
    WORD = auto()
    NAME = auto()  # of a function: log
    SCRIPT = auto()
    FRACTION = auto()
    ROOT = auto()
    SPACE = auto()


class _Piece(NamedTuple):
    text: str
    kind: _Kind
    is_simple: bool = True
    """Of a group: without an operator."""


def to_text(latex: str) -> str:
    """Return the text of LaTeX. What is not LaTeX, or too deeply nested, stays: prices, percent signs, single braces."""
    return _read(latex, latex, is_math=False)


def formula_to_text(formula: str) -> str:
    """Return the text of a formula, given without its delimiters."""
    return _read(formula, formula.replace("$", ""), is_math=True)


def _read(latex: str, source: str, *, is_math: bool) -> str:
    if (marked := _mark_literals(source)) is None:
        return latex
    try:
        return _ENGINE.read(marked, is_math=is_math).translate(_RESTORED)
    except (
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        RecursionError,
    ):  # a command without its arguments
        return latex


def _mark_literals(latex: str) -> str | None:
    """Replace the signs that are no LaTeX where they stand; None if there are too many, or braces are nested too deeply."""
    marks = [(mark[0], mark.start()) for mark in _MARK.finditer(latex)]
    if len(marks) > _MAX_MARKS:
        return None
    literal = {at for sign, at in marks if sign in "%\\"}
    opened: list[int] = []
    for sign, at in marks:
        if sign == "{":
            opened.append(at)
            if len(opened) > _MAX_DEPTH:
                return None
        elif sign == "}":
            if opened:
                opened.pop()
            else:
                literal.add(at)
    literal.update(opened)
    literal |= _list_unpaired([at for sign, at in marks if sign == "$"], partial(_is_formula, latex))
    for pair in ((r"\(", r"\)"), (r"\[", r"\]")):
        places = [at for sign, at in marks if sign in pair]
        literal |= _list_unpaired(places, partial(_is_enclosed, latex, pair))
    if not literal:
        return latex
    return "".join(_LITERALS[sign] if at in literal else sign for at, sign in enumerate(latex))


def _list_unpaired(places: Iterable[int], is_pair: Callable[[int, int], bool]) -> set[int]:
    """Return the places that do not enclose something with the next one."""
    unpaired, start = set[int](), -1
    for at in places:
        if start >= 0 and is_pair(start, at):
            unpaired.discard(start)
            start = -1
        else:
            unpaired.add(at)
            start = at
    return unpaired


def _is_enclosed(text: str, pair: tuple[str, str], start: int, end: int) -> bool:
    return (text[start : start + 2], text[end : end + 2]) == pair


def _is_formula(text: str, start: int, end: int) -> bool:
    """Return whether two dollar signs enclose a formula, and are not of prices, as in "$5-$10" and "5$ or 10$"."""
    inner = text[start + 1 : end]
    if not inner or inner[0].isspace() or inner[-1].isspace() or "\n" in inner:
        return False
    if _MATH_SIGN.search(inner) or inner in "<>=+" or (len(inner) == 1 and inner.isalpha()):
        return True
    is_price = text[end + 1 : end + 2].isdigit() or text[max(0, start - 1) : start].isdigit()
    return not is_price and (len(inner) == 1 or inner[-1] not in "-–/(,+&")


class _Engine(latex2text.LatexNodes2Text):  # type: ignore[misc]
    """Writes pylatexenc's nodes as text. Outside formulas only commands and braces are read, so that `a_b` and -- stay."""

    def __init__(self) -> None:
        super().__init__(math_mode="text", keep_comments=True)
        parsed = latexwalker.get_default_latex_context_db()
        self._parsed: LatexContextDb = parsed.filter_context(
            exclude_categories=["nonascii-specials", "latex-ethuebung", "verbatim"],
            keep_which=["macros", "environments"],
        )
        named = dict.fromkeys((*_STYLES, *_SYMBOLS, *_SPACES, *_KEPT), "") | _ARGUMENTS
        self._parsed.add_context_category(
            "plain", macros=list(map(MacroSpec, named, named.values())), prepend=True
        )

    def read(self, latex: str, *, is_math: bool) -> str:
        walker = latexwalker.LatexWalker(latex, latex_context=self._parsed)
        nodes = walker.get_latex_nodes()[0]
        return self._formula(nodes) if is_math else self._text(nodes, is_whole=True)

    # Text.

    def _text(self, nodes: Sequence[Any], *, is_whole: bool = False) -> str:
        written: list[str] = []
        for place, node in enumerate(nodes):
            before = written[-1][-1:] if written and written[-1] else ""
            match type(node):
                case latexwalker.LatexCharsNode:
                    chars = _TIE.sub(" ", node.chars)
                    # Beside a command, a group or a formula: \S~3, Fig.~\textbf{2}.
                    chars = f" {chars[1:]}" if place and chars[0] == "~" else chars
                    is_before = place + 1 < len(nodes) and chars[-1] == "~"
                    written.append(f"{chars[:-1]} " if is_before else chars)
                case latexwalker.LatexGroupNode:
                    after = nodes[place + 1] if place + 1 < len(nodes) else None
                    former = nodes[place - 1] if place else None
                    is_alone = (is_whole and len(nodes) == 1) or getattr(former, "macroname", "") in _STYLES
                    is_kept = self._is_kept(former)
                    written.append(
                        node.latex_verbatim()
                        if is_kept
                        else self._text_group(node, before, after, is_alone=is_alone)
                    )
                case latexwalker.LatexMathNode:
                    written.append(self._formula(node.nodelist) or node.latex_verbatim())
                case latexwalker.LatexMacroNode:
                    written.append(self._text_macro(node))
                case _:
                    written.append(node.latex_verbatim())
        return "".join(written)

    def _text_group(self, node: Any, before: str, after: Any, *, is_alone: bool) -> str:
        """Write a group without its braces, unless they are written: sets, and a plain word in braces by itself."""
        inner = self._text(node.nodelist)
        is_plain = len(node.nodelist) == 1 and isinstance(node.nodelist[0], latexwalker.LatexCharsNode)
        if not is_plain or is_alone:
            return inner
        follows = after.chars[:1] if isinstance(after, latexwalker.LatexCharsNode) else ""
        is_part = any(sign.isalpha() or sign == "-" for sign in (before, follows))
        is_name = not inner.isascii() or not inner.islower()
        is_sign = inner.strip("-–—") != "" and not any(map(str.isalnum, inner))
        is_written = _SET.fullmatch(inner) or not (is_part or is_name) or is_sign
        return f"{{{inner}}}" if is_written else inner

    def _text_macro(self, node: Any) -> str:
        if self._is_kept(node):
            return str(node.latex_verbatim())
        text = "".join(piece.text for piece in self._macro(node, self._text))
        # LaTeX drops the space behind a command, as in \L ojasiewicz.
        is_letter = len(text) == 1 and text.isalpha() and ord(text) < 0x250
        return text if is_letter or node.macroname in _STYLES else text + node.macro_post_space

    def _is_kept(self, node: Any) -> bool:
        """Return whether a node is a command that stays outside formulas: one of `_KEPT`, or that no table has."""
        if not isinstance(node, latexwalker.LatexMacroNode):
            return False
        is_known = self._parsed.get_macro_spec(node.macroname) or self.latex_context.get_macro_spec(
            node.macroname
        )
        return node.macroname in _KEPT or not is_known

    # Commands in both.

    def _macro(self, node: Any, write: Any) -> list[_Piece]:
        """Return a command's text as pieces of a formula. `write` writes arguments in the mode that the command is in."""
        name, slots = node.macroname, list(node.nodeargd.argnlist or ()) if node.nodeargd else []
        arguments = [argument for argument in slots if argument is not None]
        if (command := _COMMANDS.get(name)) is not None:
            return command(self, *slots)
        if arguments and name in _ACCENTS:
            return [self._accent(name, arguments[-1])]
        if arguments and name in _OVER:
            return [self._over(name, arguments[-1])]
        if (arguments and name in _WORDS) or name in _ALPHABETS:
            word = self._word(arguments[-1])
            is_letter = name in _ALPHABETS and len(word) == 1
            return [self._symbol(self.macro_node_to_text(node)) if is_letter else _Piece(word, _Kind.WORD)]
        spec = self.latex_context.get_macro_spec(name)
        if (
            spec is not None
            and (spec.simplify_repl or not spec.discard)
            and (not arguments or write == self._text)
        ):
            return [self._symbol(self.macro_node_to_text(node))]
        if arguments:  # of several, as in \textcolor{red}{x}, the last one is the text
            return [
                _Piece(self._word(arguments[-1]), _Kind.WORD)
                if write == self._text
                else self._group(arguments[-1])
            ]
        return [_Piece(name, _Kind.NAME if name.isalpha() else _Kind.SYMBOL)]

    def nodelist_to_text(self, nodelist: Sequence[Any]) -> str:
        """Write the arguments of commands, for pylatexenc too."""
        return self._text(nodelist)

    def _word(self, argument: Any) -> str:
        """Write an argument that is text in a formula too."""
        return self.nodelist_to_text(_inside(argument))

    def _accent(self, name: str, argument: Any) -> _Piece:
        inner = self._word(argument)
        # arXiv reads \copyright as an accent, and stores \c{opyright}.
        if len(inner) > 1 and (symbol := _SYMBOLS.get(name + inner) or self._find_symbol(name + inner)):
            return self._symbol(symbol)
        if not inner:
            return _Piece(name if name in "~^" else "", _Kind.SYMBOL)
        plain = {"ı": "i", "ȷ": "j"}.get(inner[0], inner[0])
        return _Piece(unicodedata.normalize("NFC", plain + _ACCENTS[name]) + inner[1:], _Kind.SYMBOL)

    def _find_symbol(self, name: str) -> str | None:
        spec = self.latex_context.get_macro_spec(name)
        return spec.simplify_repl if spec and isinstance(spec.simplify_repl, str) else None

    # Formulas.

    def _formula(self, nodes: Sequence[Any]) -> str:
        return _join(self._pieces(nodes)).strip()

    def _pieces(self, nodes: Sequence[Any]) -> list[_Piece]:
        pieces: list[_Piece] = []
        tokens = _list_tokens(nodes)
        for token in tokens:
            if isinstance(token, str):
                if token in "^_":
                    argument = next(
                        (other for other in tokens if not (isinstance(other, str) and other.isspace())), ""
                    )
                    pieces.append(self._script(token, argument))
                    if getattr(argument, "macro_post_space", ""):
                        pieces.append(_Piece(" ", _Kind.SPACE))
                elif token.isspace():
                    pieces.append(_Piece(" ", _Kind.SPACE))
                else:
                    pieces.append(_Piece(token, _Kind.SIGN))
                continue
            match type(token):
                case latexwalker.LatexGroupNode:
                    pieces.append(self._group(token))
                case latexwalker.LatexMacroNode:
                    typeset = self._macro(token, self._formula)
                    if token.macroname in _ENDING and pieces and pieces[-1].kind is _Kind.SPACE:
                        pieces.pop()
                    pieces += typeset
                    is_joined = typeset and (typeset[-1].text in _JOINED or token.macroname == "lVert")
                    if token.macro_post_space and not is_joined:
                        pieces.append(_Piece(" ", _Kind.SPACE))
                case latexwalker.LatexEnvironmentNode:
                    pieces.append(self._environment(token))
                case latexwalker.LatexMathNode:
                    pieces += self._pieces(token.nodelist)
                case _:
                    pieces.append(_Piece(token.latex_verbatim(), _Kind.SYMBOL))
        return pieces

    def _symbol(self, text: str) -> _Piece:
        is_name = len(text) > 1 and text.isalpha() and text.isascii()
        return _Piece(text, _Kind.NAME if is_name else _Kind.SYMBOL)

    def _group(self, node: Any) -> _Piece:
        inside = _inside(node)
        if (
            len(inside) > 1
            and isinstance(inside[0], latexwalker.LatexMacroNode)
            and inside[0].macroname in _TABLE["declared"]
        ):
            return _Piece(self._text(inside), _Kind.WORD)
        pieces = self._pieces(_inside(node))
        return _Piece(_join(pieces), _Kind.SYMBOL, is_simple=_is_atom(pieces) or len(pieces) < 2)

    def _environment(self, node: Any) -> _Piece:
        """Write the rows of a matrix, of cases or of equations: [a, b; c, d]."""
        name = node.environmentname.rstrip("*")
        rows: list[list[list[Any]]] = [[[]]]
        for token in _list_tokens(node.nodelist):
            if isinstance(token, str) and token == "&":
                rows[-1].append([])
            elif isinstance(token, latexwalker.LatexMacroNode) and token.macroname in ("\\", "newline"):
                rows.append([[]])
            else:
                rows[-1][-1].append(token)
        between = ", " if name in ("cases", "array") or name.endswith("matrix") else " "
        lines = [between.join(filter(None, map(self._formula, cells))) for cells in rows]
        inner = "; ".join(filter(None, lines))
        brackets = {"cases": "{}", "matrix": "[]", "pmatrix": "()", "bmatrix": "[]", "vmatrix": "||"}.get(
            name, ""
        )
        return _Piece(f"{brackets[:1]}{inner}{brackets[1:]}", _Kind.SYMBOL)

    def _script(self, sign: str, argument: Any) -> _Piece:
        pieces = self._pieces(_inside(argument)) if argument else []
        inner = _join(pieces).strip()
        if sign == "^" and inner and (inner in "′″‴'°∘®™" or inner in _ORDINALS):
            return _Piece("°" if inner == "∘" else inner, _Kind.SIGN)
        kinds = {piece.kind for piece in pieces}
        is_index = sign == "_" and re.fullmatch(r"[^\W\d_]*\d*", inner) is not None
        is_one = _is_atom(pieces) and _Kind.SCRIPT not in kinds and kinds != {_Kind.NAME, _Kind.SIGN}
        is_bare = (
            len(inner) <= 1
            or is_index
            or (
                is_one
                and not (sign == "^" and "." in inner)
                and inner[0] not in "|‖√"
                and not re.search(r"[\w)]\(", inner)
            )
        )
        if kinds == {_Kind.WORD}:
            is_bare = inner.isalnum()
        return _Piece(f"{sign}{inner}" if is_bare else f"{sign}({inner})", _Kind.SCRIPT)

    def _fraction(self, above: Any, below: Any) -> str:
        numerator, denominator = (_trimmed(self._pieces(_inside(argument))) for argument in (above, below))
        over, under = _join(numerator).strip(), _join(denominator).strip()
        is_derivative = (
            over[:1] in ("d", "∂")
            and under[:1] == over[:1]
            and len(denominator) > 1
            and _is_atom(_trimmed(denominator[1:]))
        )
        over = over if _is_product(numerator) else f"({over})"
        return f"{over}/{under}" if is_derivative or _is_atom(denominator) else f"{over}/({under})"

    def _root(self, degree: Any, argument: Any) -> _Piece:
        pieces = self._pieces(_inside(argument))
        inner, power = _join(pieces).strip(), self._formula(_inside(degree)) if degree else "2"
        root = {"2": "√", "3": "∛", "4": "∜"}.get(power)
        if root is None:
            base = inner if len(pieces) == 1 else f"({inner})"
            return _Piece(f"{base}^(1/{power if power.isalnum() else f'({power})'})", _Kind.ROOT)
        return _Piece(f"{root}{inner}" if len(inner) == 1 else f"{root}({inner})", _Kind.ROOT)

    def _over(self, name: str, argument: Any) -> _Piece:
        """Write an accent of a formula: a mark over one character, else the accent's name as a function."""
        inner = self._formula(_inside(argument))
        if len(inner) == 1:
            return _Piece(unicodedata.normalize("NFC", inner + _OVER[name]), _Kind.SYMBOL)
        if name == "underline":
            return self._group(argument)
        return _Piece(f"{name.removeprefix('wide')}({inner})", _Kind.ROOT)


def _inside(node: Any) -> Sequence[Any]:
    if isinstance(node, latexwalker.LatexGroupNode):
        return list(node.nodelist)
    return [node]


def _verbatim(node: Any) -> str:
    """Return an argument as it is written, without its braces and escapes."""
    source = "".join(inner.latex_verbatim() for inner in _inside(node))
    return re.sub(r"\\([%#_&~])", r"\1", source)


def _list_tokens(nodes: Iterable[Any]) -> Iterator[Any]:
    """Yield the characters and the other nodes of a formula. Delimiters of no width, as in \\right., are left out."""
    is_delimiter = False
    for node in nodes:
        if isinstance(node, str):
            yield node
        elif isinstance(node, latexwalker.LatexCharsNode):
            chars = node.chars[1:] if is_delimiter and node.chars.startswith(".") else node.chars
            yield from re.sub(r"\s+", " ", chars)
        elif node is not None:
            yield node
        is_delimiter = isinstance(node, latexwalker.LatexMacroNode) and node.macroname in (
            "left",
            "right",
            "middle",
        )


def _trimmed(pieces: list[_Piece]) -> list[_Piece]:
    start, end = 0, len(pieces)
    while start < end and pieces[start].kind is _Kind.SPACE:
        start += 1
    while end > start and pieces[end - 1].kind is _Kind.SPACE:
        end -= 1
    return pieces[start:end]


def _find_close(pieces: Sequence[_Piece], start: int) -> int:
    """Return the place of the bracket that closes the one at `start`, or -1."""
    depth = 0
    for place in range(start, len(pieces)):
        text = pieces[place].text
        depth += (text in _OPENING) - (text in _CLOSING) if len(text) == 1 else 0
        if depth == 0:
            return place
    return -1


def _is_atom(pieces: list[_Piece]) -> bool:
    """Return whether pieces are one operand everywhere: a number, a letter with its scripts, f(x), |x|, (a+b)."""
    pieces = _trimmed(pieces)
    if not pieces:
        return False
    first, place = pieces[0], 1
    if first.text in ("|", "‖") and len(pieces) > 2:
        place = next((at for at in range(1, len(pieces)) if pieces[at].text == first.text), -1) + 1
        if not place:
            return False
    elif first.kind is _Kind.SIGN and first.text.isdigit():
        while place < len(pieces) and (pieces[place].text.isdigit() or pieces[place].text in (".", ",")):
            place += 1
    elif first.text in _OPENING:
        place = _find_close(pieces, 0) + 1
        if not place:
            return False
    elif (
        (first.kind is _Kind.SIGN and not first.text.isalpha())
        or first.text in _OPERATORS | _RELATIONS | _BIG
        or (
            first.kind is _Kind.FRACTION
            or not first.is_simple
            or (first.kind is _Kind.SYMBOL and " " in first.text)
        )
    ):
        return False
    is_function = first.kind in (_Kind.NAME, _Kind.WORD)
    while place < len(pieces) and (
        pieces[place].kind is _Kind.SCRIPT or pieces[place].text in ("'", "′", "!", "°")
    ):
        place += 1
    if place == len(pieces):
        return True
    if first.text.isdigit() or pieces[place].text != "(" or _find_close(pieces, place) != len(pieces) - 1:
        return False
    # n(n+1) is a product, f(x) and std(a-b) are not.
    return is_function or not any(piece.text in ("+", "-") for piece in pieces[place:])


def _is_product(pieces: list[_Piece]) -> bool:
    """Return whether pieces stay together before a division: without sums, relations, functions without brackets."""
    depth, texts = 0, "".join(piece.text for piece in pieces if len(piece.text) == 1)
    for place, piece in enumerate(pieces):
        if len(piece.text) == 1:
            depth += (piece.text in _OPENING) - (piece.text in _CLOSING)
        if depth > 0 or piece.text in _CLOSING:
            continue
        is_sign = place == 0 and piece.text in ("-", "−")
        is_bar = piece.text in ("|", "‖") and texts.count(piece.text) % 2 == 0
        if (
            not (is_sign or is_bar)
            and piece.text in _OPERATORS | _RELATIONS | _BIG
            and piece.text not in "·⋅×"
        ):
            return False
        if (
            piece.kind is _Kind.FRACTION
            or not piece.is_simple
            or (piece.kind is _Kind.SYMBOL and " " in piece.text)
        ):
            return False
        if piece.kind is _Kind.NAME:
            after = next((other for other in pieces[place + 1 :] if other.kind is not _Kind.SCRIPT), None)
            if after is not None and after.text not in _OPENING:
                return False
    return True


def _join(pieces: Sequence[_Piece]) -> str:
    """Write pieces side by side, with the spaces and parentheses that their neighbours require."""
    text = ""
    last: _Kind | None = None
    following = [*pieces[1:], None]
    for place in range(len(pieces) - 2, -1, -1):
        if pieces[place + 1].kind is _Kind.SPACE:
            following[place] = following[place + 1]
    for piece, after in zip(pieces, following, strict=True):
        if piece.kind is _Kind.SPACE:
            text += "" if text.endswith(" ") else " "
            last = piece.kind
            continue
        text = text.rstrip(" ") if piece.kind is _Kind.SCRIPT and text.strip() else text
        before = text.rstrip()[-1:]
        added = _fit(piece, before, after)
        is_word = piece.kind is _Kind.NAME and (before.isalnum() or before in tuple(_CLOSING))
        is_tight = last in (_Kind.NAME, _Kind.SCRIPT) and _begins_operand(added)
        is_fraction = piece.kind is _Kind.FRACTION and last is _Kind.SCRIPT
        is_relation = piece.kind is _Kind.SYMBOL and added in _RELATIONS and before and before not in _OPENING
        is_spaced = (
            piece.kind is _Kind.SYMBOL
            and added in _OPERATORS
            and text.endswith(" ")
            and before not in tuple(_OPENING)
        )
        if added and (is_word or is_tight or is_fraction or is_relation) and not text.endswith(" "):
            text += " "
        text += f"{added} " if is_relation or (is_spaced and before) else added
        last = piece.kind
    return re.sub(r" {2,}", " ", text)


def _fit(piece: _Piece, before: str, after: _Piece | None) -> str:
    """Return a piece's text, in parentheses if the sign before it or the piece after it would change its meaning."""
    text, follows = piece.text, after.text[:1] if after else ""
    match piece.kind:
        case _Kind.FRACTION:
            starts = (
                not before
                or before in _OPENING
                or (before in _OPERATORS | _RELATIONS | _BIG and before != "/")
            )
            ends = not follows or follows in _CLOSING or follows in _OPERATORS | _RELATIONS or follows == "."
            return text if starts and ends else f"({text})"
        case _Kind.ROOT if follows == "^" and text[1:2] != "(":
            return f"({text})"
        case _Kind.ROOT if follows.isalnum() and text[0] in "√∛∜" and text[1:2] != "(":
            return f"{text[0]}({text[1:]})"
        case _Kind.SYMBOL if not piece.is_simple and after is not None and after.kind is _Kind.SCRIPT:
            return f"({text})"
    return text


def _begins_operand(text: str) -> bool:
    return text[:1].isalnum() or text[:1] in _BEGINNING


def _in_case(change: Callable[[str], str], engine: _Engine, argument: Any) -> list[_Piece]:
    return [_Piece(change(engine._word(argument)), _Kind.WORD)]


def _styled(engine: _Engine, argument: Any) -> list[_Piece]:
    inner = engine._word(argument)
    return [engine._symbol("𝟙" if inner == "1" else latex2text.fmt_math_text_style(inner, "doublestruck"))]


def _named(engine: _Engine, *arguments: Any) -> list[_Piece]:
    inner = engine._formula(_inside(arguments[-1]))
    return [_Piece(inner, _Kind.NAME if inner[:1].isalpha() else _Kind.SYMBOL)]


def _linked(engine: _Engine, address: Any, text: Any) -> list[_Piece]:
    return [_Piece(f"{engine._word(text)} ({_verbatim(address)})", _Kind.WORD)]


def _chosen(engine: _Engine, above: Any, below: Any) -> list[_Piece]:
    return [
        _Piece(f"binom({engine._formula(_inside(above))}, {engine._formula(_inside(below))})", _Kind.ROOT)
    ]


def _with_script(sign: str, engine: _Engine, script: Any, base: Any) -> list[_Piece]:
    return [*engine._pieces(_inside(base)), engine._script(sign, script)]


def _only_script(sign: str, engine: _Engine, script: Any) -> list[_Piece]:
    return [engine._script(sign, script)]


def _arrow(sign: str, engine: _Engine, _: Any, above: Any) -> list[_Piece]:
    return [engine._symbol(sign), engine._script("^", above)]


_COMMANDS: dict[str, Callable[..., list[_Piece]]] = {
    **{name: lambda engine, *_, text=text: [engine._symbol(text)] for name, text in _SYMBOLS.items()},
    **dict.fromkeys(_SPACES, lambda *_: [_Piece(" ", _Kind.SPACE)]),
    **dict.fromkeys(_STYLES, lambda *_: []),
    **dict.fromkeys(
        _TABLE["fraction"], lambda engine, *parts: [_Piece(engine._fraction(*parts), _Kind.FRACTION)]
    ),
    **dict.fromkeys(("binom", "dbinom", "tbinom"), _chosen),
    **dict.fromkeys(("operatorname", "mathop", "DeclareMathOperator"), _named),
    **dict.fromkeys(("overset", "stackrel"), partial(_with_script, "^")),
    **dict.fromkeys(("underbrace", "overbrace"), lambda engine, inner: [engine._group(inner)]),
    **dict.fromkeys(("mathbbm", "mathds"), _styled),
    **dict.fromkeys(("uppercase", "MakeUppercase"), partial(_in_case, str.upper)),
    **dict.fromkeys(("lowercase", "MakeLowercase"), partial(_in_case, str.lower)),
    "texorpdfstring": lambda engine, _, plain: [_Piece(engine._word(plain), _Kind.WORD)],
    "underset": partial(_with_script, "_"),
    "textsuperscript": partial(_only_script, "^"),
    "textsubscript": partial(_only_script, "_"),
    "xrightarrow": partial(_arrow, "→"),
    "xleftarrow": partial(_arrow, "←"),
    "sqrt": lambda engine, degree, inner: [engine._root(degree, inner)],
    "pmod": lambda engine, inner: [_Piece(f" (mod {engine._formula(_inside(inner))})", _Kind.SYMBOL)],
    "not": lambda engine, sign: [
        engine._symbol(unicodedata.normalize("NFC", engine._word(sign).strip() + "\u0338"))
    ],
    "ensuremath": lambda engine, inner: engine._pieces(_inside(inner)),
    "url": lambda _, address: [_Piece(_verbatim(address), _Kind.WORD)],
    "href": _linked,
    **dict.fromkeys(
        ("enquote", "mkbibquote"), lambda engine, inner: [_Piece(f"“{engine._word(inner)}”", _Kind.WORD)]
    ),
}
"""How the commands are written whose text is not that of pylatexenc's table. They get the arguments, None for an optional one."""
_ENGINE = _Engine()
