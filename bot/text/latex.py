r"""Converts a text with LaTeX to plain text in one pass, by the commands of `latex.tsv`.

A formula becomes a line that says the same: operands of fractions, roots and scripts get parentheses unless they are a
single sign. A command that the table lacks keeps its name, and a formula with a matrix stays as it is. Each argument is
written once, so that the work and the text grow as the source does, and no line end is added.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from bot.text import seed

_MAX_DEPTH = 12
"""Of braces and of arguments. A deeper text stays as it is."""

_TOKEN = re.compile(r"\\(?:[A-Za-z]+\*?|.)|\s+|[^\W\d_]+|.", re.DOTALL)
_TIE = re.compile(
    r"(?<=[^\W_][^\W_]|[^\W_][.,])~(?=[^\W_]|[(\[])|(?<=[^\W_])~(?=[^\W\d_]{2})"
    r"|(?<=[^\\][}$]|\\[A-Za-z])~|(?<!\\)~(?=[\\{$])",
    re.ASCII,
)
_SET = re.compile(r"[^\s,]+(?:, ?[^\s,]+)+")
"""The inside of braces that are written, as in GPT-{3,4}."""
_SINGLE = re.compile(r"[^\W_][\u0300-\u036f\u20d7]?|\d+|[^\w\s]")
_OPENING, _CLOSING = "([{⟨⌊⌈", ")]}⟩⌋⌉"
_LOOSE = frozenset("+-−±=<>,;:.")
"""Signs next to which a fraction needs no parentheses, as next to a relation."""
_BARE_POWERS = frozenset(("st", "nd", "rd", "th", *"′″‴'°∘®™"))


class _PieceKind(StrEnum):
    """How a piece of a formula is joined to its neighbours. Most kinds of commands are one of these."""

    SIGN = "sign"
    NAME = "name"
    RELATION = "relation"
    SCRIPT = "script"
    GROUP = "group"
    ROOT = "root"
    FRACTION = "fraction"
    SPACE = "space"


class _Piece(NamedTuple):
    text: str
    kind: _PieceKind = _PieceKind.SIGN


class _Command(NamedTuple):
    """A row of the table: its kind, the text, and how each argument is read."""

    kind: str
    text: str
    arguments: str = ""


_SPACE = _Piece(" ", _PieceKind.SPACE)


def _list_commands() -> Iterator[tuple[str, _Command]]:
    """Yield the commands of `latex.tsv` with their names."""
    for kind, names, *form in seed.read_rows("latex.tsv"):
        for name in names.split(" "):
            if form:
                arguments, text = form
                yield name, _Command(kind, text, arguments)
            elif kind == "greek":
                letter = name.replace("lambda", "lamda").upper()
                yield name, _Command(_PieceKind.SIGN, unicodedata.lookup(f"GREEK SMALL LETTER {letter}"))
                yield (
                    name.title(),
                    _Command(_PieceKind.SIGN, unicodedata.lookup(f"GREEK CAPITAL LETTER {letter}")),
                )
            else:
                command, _, text = name[1:].partition("=")
                text = chr(int(text[2:], 16)) if text.startswith("U+") else text
                yield name[0] + command, _Command(kind, text or name)


COMMANDS = dict(_list_commands())
_RELATIONS = frozenset(command.text for command in COMMANDS.values() if command.kind == "relation")


def to_text(latex: str) -> str:
    """Return the text of LaTeX. What is not LaTeX, or too deeply nested, stays: prices, percent signs, single braces."""
    return _read(latex, _TIE.sub(" ", latex), is_math=False)


def formula_to_text(formula: str) -> str:
    """Return the text of a formula, given without its delimiters."""
    return _read(formula, formula.replace("$", ""), is_math=True)


def _read(latex: str, source: str, *, is_math: bool) -> str:
    try:
        reader = _Reader(source)
        return reader.read_formula(len(source)) if is_math else reader.read_text(len(source))
    except LookupError:  # a command without its arguments
        return latex


class _Reader:
    """Reads a text from its start to its end. Outside formulas only commands and braces are read, so that `a_b` and -- stay.

    Raises LookupError if a command lacks an argument, or if the text is too deeply nested.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._depth = 0
        self._closing: dict[int, int] = {}
        """The places of closing braces, by those of the opening ones. Braces without the other are signs."""
        opened: list[int] = []
        for brace in _TOKEN.finditer(source):
            if brace[0] == "{":
                opened.append(brace.start())
            elif brace[0] == "}" and opened:
                self._closing[opened.pop()] = brace.start()

    def _take(self, end: int) -> str:
        """Return the next token, and advance past it. Letters in a row are one."""
        token = _TOKEN.match(self._source, self._at, end)
        if token is None:
            raise LookupError
        self._at = token.end()
        return token[0]

    def _skip_spaces(self, end: int) -> str:
        start = self._at
        while self._at < end and self._source[self._at].isspace():
            self._at += 1
        return self._source[start : self._at]

    # Text.

    def read_text(self, end: int) -> str:
        """Return the text up to a place of the source."""
        written: list[str] = []
        start, former = self._at, ""
        while (begin := self._at) < end:
            token = self._take(end)
            text = token
            if token == "{" and begin in self._closing:
                is_whole = begin == start and self._closing[begin] + 1 == end
                before = written[-1][-1:] if written else ""
                text = self._text_group(before, is_alone=is_whole or _is_style(former))
            elif token == "$" or token == r"\(" or token == r"\[":
                text = self._read_marked_formula(begin, token, end)
            elif token[0] == "\\" and len(token) > 1:
                former = token[1:].rstrip("*")
                text = self._text_command(former, begin, end)
                written.append(text)
                continue
            former = ""
            written.append(text)
        return "".join(written)

    def _text_group(self, before: str, *, is_alone: bool) -> str:
        """Read a group without its braces, unless they are written: sets, and a plain word in braces by itself."""
        close = self._closing[self._at - 1]
        source = self._source[self._at : close]
        inner = self._inside(close, is_math=False)
        if is_alone or any(sign in source for sign in "\\{$"):
            return inner
        is_part = any(
            sign.isalpha() or sign == "-" for sign in (before, self._source[self._at : self._at + 1])
        )
        is_name = not inner.isascii() or not inner.islower()
        is_sign = inner.strip("-–—") != "" and not any(map(str.isalnum, inner))
        is_written = _SET.fullmatch(inner) or not (is_part or is_name) or is_sign
        return f"{{{inner}}}" if is_written else inner

    def _read_marked_formula(self, begin: int, mark: str, end: int) -> str:
        """Read a formula up to the sign that ends it; return the mark itself if none does, or the source if it has no text."""
        closing = {"$": "$", r"\(": r"\)", r"\[": r"\]"}[mark]
        close = self._source.find(closing, self._at, end)
        if close < 0 or (mark == "$" and not _is_formula(self._source, begin, close)):
            return mark
        try:
            text = self.read_formula(close)
        except LookupError:
            text = ""
        self._at = close + len(closing)
        return text or self._source[begin : self._at]

    def _text_command(self, name: str, begin: int, end: int) -> str:
        pieces = self._read_command(name, end, is_math=False)
        if pieces is None:  # unknown: it is kept, with the arguments in braces after it
            while self._at < end and self._at in self._closing:
                self._at = self._closing[self._at] + 1
            return self._source[begin : self._at]
        text = "".join(piece.text for piece in pieces)
        # LaTeX drops the space after a command, as in \L ojasiewicz.
        if name[0].isalpha() and (
            _is_style(name) or (len(text) == 1 and text.isalpha() and ord(text) < 0x250)
        ):
            self._skip_spaces(end)
        return text

    # Commands in both, and their arguments.

    def _read_command(self, name: str, end: int, *, is_math: bool) -> list[_Piece] | None:
        """Read a command's arguments, and return its text in pieces of a formula; None if the table lacks it."""
        if (command := COMMANDS.get(name)) is None:
            return None
        match command.kind:
            case "style":
                is_delimiter = name in ("left", "right", "middle") and self._source.startswith(".", self._at)
                self._at += is_delimiter  # of no width
                return []
            case "space":
                return [_SPACE]
            case "root":
                degree, inner = self._optional(end), self._argument("p", end, is_math=True)
                return [_Piece(f"{inner}^(1/{degree})" if degree else f"√{inner}", _PieceKind.ROOT)]
            case "alphabet":
                inner = self._argument("w", end, is_math=is_math)
                return [_Piece(_in_alphabet(command.text, inner))]
            case "over":
                return [_over(name, command.text, self._argument("m", end, is_math=True))]
            case "accent":
                return [_Piece(_accent(name, command.text, self._argument("w", end, is_math=False)))]
        read = [
            self._optional(end) if kind == "[" else self._argument(kind, end, is_math=is_math)
            for kind in command.arguments
        ]
        text = command.text.format(*read) if read else command.text
        if command.kind in ("upper", "lower"):
            return [_Piece(text.upper() if command.kind == "upper" else text.lower())]
        return [_Piece(text, _PieceKind(command.kind))] if text else []

    def _optional(self, end: int) -> str:
        """Read a formula in square brackets, if there are any."""
        if not self._source.startswith("[", self._at):
            return ""
        if (close := self._source.find("]", self._at, end)) < 0:
            raise LookupError
        self._at += 1
        return self._inside(close, is_math=True)

    def _argument(self, kind: str, end: int, *, is_math: bool) -> str:
        """Read an argument: a group, a command with its own arguments, or one sign."""
        self._skip_spaces(end)
        start = self._at
        is_math = kind in "p^_" or (is_math and kind not in "wv")
        if self._closing.get(start, end) < end:
            self._at += 1
            text = self._inside(self._closing[start], is_math=is_math)
        else:
            text = self._read_sign(end, is_math=is_math)
        match kind:
            case "p":
                return _enclose(text)
            case "^" | "_":
                return _script(kind, text)
            case "v":
                source = self._source[start : self._at].removeprefix("{").removesuffix("}")
                return source.replace("\\%", "%").replace("\\_", "_").replace("\\#", "#").replace("\\&", "&")
            case "-":
                return ""
        return text

    def _inside(self, close: int, *, is_math: bool) -> str:
        """Read up to a closing brace or bracket, one level deeper, and advance past it."""
        self._descend()
        text = self.read_formula(close) if is_math else self.read_text(close)
        self._depth -= 1
        self._at = close + 1
        return text

    def _descend(self) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise LookupError

    def _read_sign(self, end: int, *, is_math: bool) -> str:
        """Read an argument without braces."""
        if self._at >= end or (sign := self._source[self._at]) in "{}$^_":
            raise LookupError
        if sign != "\\":
            self._at += 1
            return sign
        name = self._take(end)[1:].rstrip("*")
        self._descend()
        pieces = self._read_command(name, end, is_math=is_math)
        self._depth -= 1
        return name if pieces is None else _join(pieces)

    # Formulas.

    def read_formula(self, end: int) -> str:
        """Return the text of the formula up to a place of the source."""
        pieces: list[_Piece] = []
        while (begin := self._at) < end:
            token = self._take(end)
            if token in ("^", "_"):
                pieces.append(
                    _Piece(_script(token, self._argument("m", end, is_math=True)), _PieceKind.SCRIPT)
                )
            elif token.isspace() or token == "~":
                pieces.append(_SPACE)
            elif token == "{" and begin in self._closing:
                pieces.append(_Piece(self._inside(self._closing[begin], is_math=True), _PieceKind.GROUP))
            elif token[0] == "\\" and len(token) > 1:
                pieces += self._formula_command(token[1:].rstrip("*"), end, pieces)
            else:
                pieces += map(_Piece, token)
        return _join(pieces)

    def _formula_command(self, name: str, end: int, before: list[_Piece]) -> list[_Piece]:
        # The space after a command ends its name. It is kept as a visible space after letters and between operands.
        is_spaced = name.isalpha() and self._skip_spaces(end) != ""
        pieces = self._read_command(name, end, is_math=True)
        if pieces is None:
            if name == "begin":
                raise LookupError
            return [_Piece(name, _PieceKind.NAME if name.isalpha() else _PieceKind.SIGN)]
        if not is_spaced or not pieces or COMMANDS[name].arguments or pieces[-1].text in tuple(_OPENING):
            return pieces
        is_operand = pieces[-1].text[-1:].isalnum() or before[-1:] == [_SPACE]
        return [*pieces, _SPACE] if is_operand else pieces


def _is_style(name: str) -> bool:
    return name in COMMANDS and COMMANDS[name].kind == "style"


def _is_formula(text: str, start: int, end: int) -> bool:
    """Return whether two dollar signs enclose a formula, and are not of prices, as in "$5-$10" and "5$ or 10$"."""
    inner = text[start + 1 : end]
    if not inner or inner[0].isspace() or inner[-1].isspace() or "\n" in inner:
        return False
    if any(sign in inner for sign in "\\^_{") or inner in "<>=+" or (len(inner) == 1 and inner.isalpha()):
        return True
    is_price = text[end + 1 : end + 2].isdigit() or text[max(0, start - 1) : start].isdigit()
    return not is_price and (len(inner) == 1 or inner[-1] not in "-–/(,+&")


def _enclose(text: str) -> str:
    """Return an operand in parentheses, unless it is a single sign, a number, or in parentheses already."""
    return text if _SINGLE.fullmatch(text) or _is_enclosed(text) else f"({text})"


def _is_enclosed(text: str) -> bool:
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign in _OPENING) - (sign in _CLOSING)
        if depth == 0:
            return sign == ")" and place == len(text) - 1
    return False


def _script(sign: str, text: str) -> str:
    if sign == "^" and text in _BARE_POWERS:
        return text.replace("∘", "°")
    letters = text.rstrip("0123456789.")
    is_index = sign == "_" and (not letters or letters.isalpha())
    return sign + (text if is_index else _enclose(text))


def _over(name: str, mark: str, text: str) -> _Piece:
    """Return an accent of a formula: a mark over one character, else the accent's name as a function."""
    if len(text) == 1:
        kind = _PieceKind.RELATION if text in _RELATIONS else _PieceKind.SIGN
        return _Piece(unicodedata.normalize("NFC", text + mark), kind)
    return _Piece(text if name == "underline" else f"{name.removeprefix('wide')}({text})", _PieceKind.GROUP)


def _accent(name: str, mark: str, text: str) -> str:
    # arXiv reads \copyright as an accent, and stores \c{opyright}.
    if len(text) > 1 and (symbol := COMMANDS.get(name + text)):
        return symbol.text
    if not text:
        return name if name in "~^" else ""
    plain = {"ı": "i", "ȷ": "j"}.get(text[0], text[0])
    return unicodedata.normalize("NFC", plain + mark) + text[1:]


def _in_alphabet(alphabet: str, text: str) -> str:
    """Return a letter or digit of a mathematical alphabet. Words stay as they are, and what Unicode has not."""
    if not (len(text) == 1 and text.isascii() and text.isalnum()):
        return text
    sign = unicodedata.name(text).replace("LATIN ", "").replace(" LETTER", "")
    for name in (f"MATHEMATICAL {alphabet} {sign}", f"{alphabet.replace('FRAKTUR', 'BLACK-LETTER')} {sign}"):
        try:
            return unicodedata.lookup(name)
        except KeyError:
            continue
    return text


def _join(pieces: list[_Piece]) -> str:
    """Write pieces side by side, with the spaces and parentheses that their neighbours require."""
    text, last = "", _PieceKind.SPACE
    following: list[_Piece | None] = [None] * len(pieces)
    for place in range(len(pieces) - 2, -1, -1):
        piece = pieces[place + 1]
        following[place] = following[place + 1] if piece.kind is _PieceKind.SPACE else piece
    for (added, kind), after in zip(pieces, following, strict=True):
        before = text.rstrip(" ")
        if kind is _PieceKind.SPACE:
            text = f"{before} " if before else ""
            continue
        has_script = after is not None and after.kind is _PieceKind.SCRIPT
        is_set_off = _is_loose(before[-1:]) and _is_loose(after.text[:1] if after else "")
        if kind in (_PieceKind.GROUP, _PieceKind.ROOT, _PieceKind.FRACTION) and has_script:
            added = added if added.isalnum() else _enclose(added)
        elif kind is _PieceKind.FRACTION and not is_set_off:
            added = f"({added})"
        is_letter = added[:1].isalnum()
        if kind is _PieceKind.SCRIPT:
            text = before + added
        elif kind is _PieceKind.RELATION:
            text = f"{before} {added} ".lstrip(" ")
        elif (is_letter and last in (_PieceKind.NAME, _PieceKind.SCRIPT, _PieceKind.ROOT)) or (
            kind is _PieceKind.NAME and (before[-1:].isalnum() or before[-1:] in tuple(_CLOSING))
        ):
            text = f"{before} {added}"
        else:
            text += added
        last = kind
    return text.strip(" ")


def _is_loose(sign: str) -> bool:
    """Return whether a fraction next to a sign (or nothing) needs no parentheses."""
    return not sign or sign in _LOOSE or sign in _RELATIONS or sign in _OPENING or sign in _CLOSING
