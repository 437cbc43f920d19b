"""The jinja2 templates that operators can replace; each is a set of named texts, its blocks.

`daily.ko.j2` in the operator's folder replaces the bundled template block by block, as if it extended that. A broken
template never loses a post: the problem is logged and the bundled block takes its place.
"""

from __future__ import annotations

import functools
import hashlib
import html
import itertools
import re
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from enum import Enum
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import babel.dates
import babel.numbers
import jinja2
import structlog
from jinja2 import nodes, pass_context
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from bot.rendering import discord_text, markdown
from bot.rendering.discord_text import SafeMarkdown
from storage import errors, models

# The filters of templates: votes, authors, dates and times in the reader's language, the template's `locale`.

MAX_AUTHORS = 3
MAX_NAME_LENGTH = 80
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
WORKDAYS = (1, 2, 3, 4, 5)


def render_votes(votes: int | None) -> str:
    """Return `▲ 81` or `▲ 1,234`, or `▲ –` for unknown votes; with a no-break space."""
    return discord_text.tie_marks(f"▲ {'–' if votes is None else f'{votes:,}'}")


def render_more_authors(more: int, truncated: bool, locale: str) -> str:
    """Return what follows the names of the first authors: `and 16 more`, `외 16명`.

    `truncated`: a digest named only some of them, so there are more than it counts. "" for no further authors.
    """
    if more > 0:
        number = f"{more:,}"
        if locale == models.Locale.KO:
            return f"외 {number}명{' 이상' if truncated else ''}"
        return f"and {'at least ' if truncated else ''}{number} more"
    return ("외" if locale == models.Locale.KO else "and others") if truncated else ""


def render_authors(names: Sequence[str], locale: str, truncated: bool = False, count: int = 0) -> str:
    """Return the first three names and the number of others, in words of the language.

    `count` is the number of all authors where `names` has the first of them only.
    """
    shown = ", ".join(
        discord_text.shorten(discord_text.to_single_line(name), MAX_NAME_LENGTH, markdown=False)
        for name in names[:MAX_AUTHORS]
    )
    more = render_more_authors(max(count, len(names)) - MAX_AUTHORS, truncated, locale)
    return f"{shown} {more}" if shown and more else shown


def render_weekday(day: int, locale: str) -> str:
    """Return the short name of an ISO weekday (1 is Monday)."""
    names: dict[int, str] = dict(babel.dates.get_day_names("abbreviated", locale=locale))
    return names[day - 1]


def render_zone(name: str, locale: str) -> str:
    """Return the city of an IANA zone in the language (`서울`), or the zone's name if it has no city."""
    try:
        city: str = babel.dates.get_timezone_location(name, locale=locale, return_city=True)
    except (LookupError, ValueError):
        return name
    return city if "/" in name and not name.startswith("Etc/") else name


def render_timestamp(at: datetime, style: str = "f") -> SafeMarkdown:
    """Return a Discord timestamp, shown in the reader's time zone. Styles: t T d D f F R (resources/reference)."""
    return SafeMarkdown(f"<t:{int(at.timestamp())}:{style}>")


@pass_context
def _authors(context: Context, names: Sequence[str], truncated: bool = False) -> str:
    return render_authors(names, context["locale"], truncated, context.get("author_count", 0))


@pass_context
def _day(context: Context, day: date) -> str:
    """Return a date in full: `2025년 2월 12일`, `February 12, 2025`."""
    return babel.dates.format_date(day, format="long", locale=context["locale"])


@pass_context
def _days(context: Context, days: Iterable[date], separator: str = ", ", most: int = 5) -> str:
    """Return the last dates in full."""
    return separator.join([_day(context, day) for day in days][-most:])


_PLAIN_LINE = re.compile(
    r"(?:\*\*)?[^\W\d_](?:[^\\*_~`\[\]<>&\"!|#\x00-\x1f\ufffd]|(?<=[^\W_])\*\*(?!\*)|(?<!\*)\*\*(?=[^\W_]))*+"
)
"""A line whose only Markdown is bold type that begins and ends with letters or digits: most sentences of a search.

Stars between two letters are both: without the possessive `*+` each pair would double the time in which a line is refused.
"""


def _html_line(text: str) -> Markup:
    if _PLAIN_LINE.fullmatch(text):
        parts = text.rstrip().split("**")
        if len(parts) % 2 and all(part[:1].isalnum() and part[-1:].isalnum() for part in parts[1::2]):
            bold = (f"<strong>{part}</strong>" if number % 2 else part for number, part in enumerate(parts))
            return Markup("".join(bold))  # noqa: S704 - it has no other mark
    html_text = markdown.render_html(text.lstrip("# "))
    return Markup(html_text.strip().removeprefix("<p>").removesuffix("</p>"))  # noqa: S704 - as rendered


FILTERS: dict[str, Callable[..., object]] = {
    "votes": render_votes,
    "authors": _authors,
    "day": _day,
    "days": _days,
    "weekdays": pass_context(
        lambda context, days, separator=", ": separator.join(
            render_weekday(day, context["locale"]) for day in days
        )
    ),
    "zone": pass_context(lambda context, name: render_zone(name, context["locale"])),
    "number": pass_context(
        lambda context, number: babel.numbers.format_decimal(number, locale=context["locale"])
    ),
    "moment": render_timestamp,
    "ago": lambda at: render_timestamp(at, "R"),
    "link": discord_text.masked_link,
    "safe": SafeMarkdown,
    "trim": lambda text: SafeMarkdown(text.strip()) if isinstance(text, SafeMarkdown) else str(text).strip(),
    "shorten": lambda text, limit: discord_text.shorten(
        str(text), limit, markdown=isinstance(text, SafeMarkdown)
    ),
}
"""The filters of all templates by name, in addition to jinja2's own."""

XML_FILTERS: dict[str, Callable[..., object]] = {
    **FILTERS,
    "html": markdown.render_html,
    "html_line": _html_line,
}


# The jinja2 environment of templates, with bounds on loops, calls, numbers and output: a mistake must not stop the bot.
#
# jinja2's sandbox bounds only `range`. Posts are rendered on the event loop, so their bounds are of a few milliseconds.

MAX_NUMBER = 100_000
"""The largest width, count or repetition that an operator, a filter or a method is given."""
MAX_POWER_BITS = 1_024
MAX_GROWTH = 10_000_000
"""The longest text, in characters, that a filter, method or operator may have to make before its length is known."""
_ITEMS_PER_STEP = 10
"""The items of a collection that a filter or method may look at as one step."""
_STEPS_FILTER, _SIZE_FILTER, _WEIGHT_FILTER = "counted steps", "bounded size", "bounded weight"
_PERCENT = re.compile(r"%(?:\([^()]*\))?[-#0 +.\d]*"), re.compile(r"%[-#0 +.0-9]*\*")
_BRACES = re.compile(r"\{[^{}]*"), re.compile(r"\{[^{}]*\{")
_FORMATS = {"%": _PERCENT, "format": _BRACES, "format_map": _BRACES}
"""What stands before the types of the fields of a format, `%-5.2` and `{0:>10`, whose other digits are text; and `%*d` and
`{:{width}}`, where what they take is not in the format."""
_WIDTHS = re.compile(r"\d{1,9}")
_NEVER_LONGER = frozenset({"default", "d", "truncate"})
"""Filters that make no more than their values together."""


class TemplateLimitError(jinja2.TemplateError):
    """A template takes too many steps, or produces too much text."""


class BoundedEnvironment(SandboxedEnvironment):
    """A sandbox in which each rendering has at most `max_steps` iterations and calls, and texts of `max_characters`.

    What a filter, method or operator makes of its values is bounded before it is called, by their sizes: no function makes
    more than their product. The output of macros and set blocks is marked as safe: their values are escaped already.
    """

    intercepted_binops = frozenset({"*", "**", "+", "%"})

    def __init__(
        self,
        *,
        max_steps: int,
        max_characters: int,
        filters: Mapping[str, Callable[..., Any]],
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._max_steps = max_steps
        self._max_characters = max_characters
        self._steps_left: ContextVar[list[int]] = ContextVar("steps_left")
        self._max_growth = max(MAX_GROWTH, max_characters)
        self.concat = self.join  # type: ignore[method-assign]
        finalize = self.finalize or str
        self.finalize = lambda value: finalize(self._check_text(value))
        self.globals.pop("lipsum", None)
        every: dict[str, Any] = {**self.filters, **filters}
        # jinja2's filter `format` is the operator.
        self.filters = {
            name: self._bounded("%" if name == "format" else name, function)
            for name, function in every.items()
        }
        tests: dict[str, Any] = self.tests
        self.tests = {name: self._weighed(test) for name, test in tests.items()}
        self.filters |= {_STEPS_FILTER: self._count_items, _SIZE_FILTER: self._check_text}
        self.filters[_WEIGHT_FILTER] = self._check_weight

    @contextmanager
    def rendering(self) -> Iterator[None]:
        """Give the block a new budget of steps. Outside of one nothing is counted, as while a template is compiled."""
        token = self._steps_left.set([self._max_steps])
        try:
            yield
        finally:
            self._steps_left.reset(token)

    def join(self, parts: Iterable[str]) -> SafeMarkdown:
        """Join the pieces of an output. Raises TemplateLimitError as soon as they are too long."""
        pieces, size = [], 0
        for part in parts:
            size += len(part)
            if size > self._max_characters:
                raise TemplateLimitError(f"it produces more than {self._max_characters} characters")
            pieces.append(part)
        return SafeMarkdown("".join(pieces))

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        """Compile a template in which loops are counted, and what `~` joins or is compared is measured."""
        for loop in source.find_all(nodes.For):
            loop.iter = self._apply(_STEPS_FILTER, loop.iter)
        for joined in source.find_all(nodes.Concat):
            joined.nodes[:] = [self._apply(_SIZE_FILTER, part) for part in joined.nodes]
        for compared in source.find_all(nodes.Compare):
            compared.expr = self._apply(_WEIGHT_FILTER, compared.expr)
            for operand in compared.ops:
                operand.expr = self._apply(_WEIGHT_FILTER, operand.expr)
        return super()._generate(source, name, filename, defer_init)

    def _apply(self, name: str, node: nodes.Node) -> nodes.Filter:
        applied = nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)
        applied.set_environment(self)
        return applied

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a macro, method or function: a step, with bounded numbers, and iterations counted in recursive loops."""
        self._spend()
        _check_numbers((*args, *kwargs.values()))
        if isinstance(obj, LoopContext) and args:
            args = (self._count_items(args[0]), *args[1:])
        # jinja2 wraps `format` of a text.
        owner = getattr(getattr(obj, "__wrapped__", obj), "__self__", None)
        if isinstance(owner, str | bytes | Collection):
            args = self._check_growth(obj.__name__, (owner, *args), kwargs)[1:]
        return self._check_size(super().call(context, obj, *args, **kwargs))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute `left operator right` unless the result would be too large."""
        if operator != "+" and isinstance(left, int) and isinstance(right, int):
            bits, other = left.bit_length(), right.bit_length()
            if (bits * abs(right) if operator == "**" else bits + other) > MAX_POWER_BITS:
                raise TemplateLimitError("a power or product is too large")
        elif operator == "*":
            for text, times in ((left, right), (right, left)):
                if isinstance(text, Sized) and isinstance(times, int) and len(text) * times > MAX_NUMBER:
                    raise TemplateLimitError("a repetition is too long")
        elif operator == "%" and isinstance(left, str | bytes):
            self._check_growth(operator, (left, right), {})
        return self._check_size(super().call_binop(context, operator, left, right))

    def _bounded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        first = int(
            hasattr(function, "jinja_pass_arg")
        )  # of the values, after the context that some filters get

        @functools.wraps(function)
        def bounded(*args: Any, **kwargs: Any) -> Any:
            self._spend()
            _check_numbers((*args[first + 1 :], *kwargs.values()))
            values = self._check_growth(name, args[first:], kwargs)
            return self._check_size(function(*args[:first], *values, **kwargs))

        return bounded

    def _weighed(self, test: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(test)
        def weighed(*values: Any, **others: Any) -> Any:
            for value in others.values():
                self._check_weight(value)
            return test(*map(self._check_weight, values), **others)

        return weighed

    def _check_weight(self, value: Any) -> Any:
        """Return a value that is compared. Raises TemplateLimitError for a collection of too many items, nested ones included."""
        if not isinstance(value, str):
            self._weigh(value)
        return value

    def _count_items(self, items: Iterable[Any]) -> Iterable[Any]:
        if isinstance(items, Sized):
            self._spend(len(items))
            return items
        return map(self._count_one, items)

    def _count_one(self, item: Any) -> Any:
        self._spend()
        return item

    def _spend(self, steps: int = 1) -> None:
        left = self._steps_left.get(None)
        if left is None:
            return
        left[0] -= steps
        if left[0] < 0:
            raise TemplateLimitError(f"it takes more than {self._max_steps} steps; look at its loops")

    def _check_growth(self, name: str, values: tuple[Any, ...], others: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the values of a filter, method or operator, with the items of iterators counted as they are taken.

        Raises TemplateLimitError if what it makes of them could be too long: the longest value, as many times as the others
        have characters and items, or are, or as wide as a format says.
        """
        formats = _FORMATS.get(name)
        if formats:
            fields, width_from_value = formats
            form = str(values[0]).replace("{{", "")  # a brace itself
            widths = sum(map(int, _WIDTHS.findall(" ".join(fields.findall(form)))))
            if widths > MAX_NUMBER or width_from_value.search(form):
                raise TemplateLimitError(
                    f"the widths in its format add up to more than {MAX_NUMBER}, or are not fixed numbers"
                )
        sizes = [
            self._weigh(value) if formats or not number or not isinstance(value, int) else abs(value)
            for number, value in enumerate((*values, *others.values()))
        ]
        longest = max(sizes, default=0)
        times = 1 if name in _NEVER_LONGER else 1 + sum(sizes) - longest
        if longest * times > self._max_growth:
            raise TemplateLimitError(f"`{name}` could produce more than {self._max_growth} characters")
        return tuple(
            self._count_sizes(value)
            if isinstance(value, Iterator) and not isinstance(value, Sized)
            else value
            for value in values
        )

    def _weigh(self, value: Any) -> int:
        """Return the characters of a text, or of all texts in a collection, in which each item counts as one more."""
        size, waiting = 0, [value]
        while waiting:
            item = waiting.pop()
            if isinstance(item, str | bytes):
                size += len(item)
            elif isinstance(item, Collection) and not isinstance(item, jinja2.Undefined):
                self._spend(len(item) // _ITEMS_PER_STEP + 1)
                size += len(item)
                waiting.extend(itertools.chain(*item.items()) if isinstance(item, Mapping) else item)
            if size > self._max_growth:
                raise TemplateLimitError(f"its values have more than {self._max_growth} characters")
        return size

    def _count_sizes(self, items: Iterator[Any]) -> Iterator[Any]:
        size = 0
        for item in items:
            size += self._weigh(item) + 1
            if size > self._max_growth:
                raise TemplateLimitError(f"its values have more than {self._max_growth} characters")
            yield item

    def _check_text(self, value: Any) -> Any:
        """Return a value that becomes text. Raises TemplateLimitError if it would be too long."""
        return self._check_size(self._check_weight(value))

    def _check_size(self, value: Any) -> Any:
        if isinstance(value, str | list | tuple) and len(value) > self._max_characters:
            raise TemplateLimitError(f"it produces more than {self._max_characters} characters")
        return value


def _check_numbers(values: Iterable[Any]) -> None:
    if any(isinstance(value, int) and abs(value) > MAX_NUMBER for value in values):
        raise TemplateLimitError(f"a number is larger than {MAX_NUMBER}")


UNUSED = "is not used, since no bundled template has this name; rename or remove it"
BUNDLED_PREFIX = "bundled/"
"""The prefix of a template's name for the bundled template, even if the operator's folder has one."""

FALLBACK_LOCALE = "en"


class OutputFormat(Enum):
    """The escaping of the values in a template."""

    MARKDOWN = "marked"
    """Discord's Markdown: values are escaped unless they are `SafeMarkdown`."""
    PLAIN = "plain"
    """One line without markup, for names of threads and the like."""
    DOCUMENT = "document"
    """Unchanged, for files."""
    XML = "markup"
    """Escaped as text and attributes of XML and HTML unless they are `Markup`, for pictures, pages and feeds."""


def check_bundled_templates(folder: Traversable) -> None:
    """Raise UsageError if the link to the bundled templates was checked out as a file."""
    if not folder.is_dir():
        raise errors.UsageError(
            f"{folder} is not a folder: it is a symbolic link in the repository."
            " Check out again with links (git config core.symlinks true), or install the package."
        )


class Templates:
    """Renders the named texts. `folder` is the operator's (PAPERROUND_TEMPLATES) or None.

    Raises UsageError for a checkout without symbolic links.
    """

    def __init__(self, folder: Path | None = None) -> None:
        check_bundled_templates(resources.files("bot") / "templates")
        self._folder = folder
        self._problems: dict[tuple[str, str], models.LocatedProblem] = {}
        # These files do not change while the bot runs, and a look takes a fifth of the time of rendering.
        self._bundled = frozenset(jinja2.PackageLoader("bot", "templates").list_templates())
        self._environments = {form: _create_environment(folder, form) for form in OutputFormat}

    def render_block(
        self,
        name: str,
        block: str,
        locale: str,
        values: Mapping[str, object],
        output_format: OutputFormat = OutputFormat.MARKDOWN,
    ) -> SafeMarkdown:
        """Return a block of the template `name` in a language, without whitespace at its ends.

        A language without template falls back to English. Raises LookupError for a name or block that is not bundled.
        """
        file, bundled = self._resolve_files(name, locale)
        context_values = {**values, "locale": file.split(".")[-2]}

        def render(template: str) -> str:
            return self._render_block(template, bundled, block, context_values, output_format)

        text = None if file == bundled else self._try_render(file, block, lambda: render(file))
        return SafeMarkdown((render(bundled) if text is None else text).strip())

    def render_document(
        self, file: str, values: Mapping[str, object], output_format: OutputFormat = OutputFormat.DOCUMENT
    ) -> str:
        """Return a whole template as text. `file` is its full name, such as `export.review.md.j2`."""
        environment = self._environments[output_format]
        text = None
        if self._is_overridden(file):
            text = self._try_render(file, "", lambda: _render_document(environment, file, values))
        return _render_document(environment, BUNDLED_PREFIX + file, values) if text is None else text

    def hash_sources(self, prefix: str) -> str:
        """Return a hash of the templates whose names begin so, those of the operator included."""
        environment = self._environments[OutputFormat.DOCUMENT]
        assert environment.loader is not None
        names = sorted(name for name in self._bundled if name.startswith(prefix))
        sources = [environment.loader.get_source(environment, name)[0] for name in names]
        return hashlib.sha256("\0".join(sources).encode("utf-8", "replace")).hexdigest()

    @property
    def rendering_problems(self) -> list[models.LocatedProblem]:
        """The problems of operator's templates whose last rendering failed; the bundled text took their place."""
        return list(dict.fromkeys(self._problems.values()))

    def log_problems(self) -> None:
        """Log a warning for each problem that `find_problems` finds."""
        for problem in self.find_problems():
            _log_problem(problem)

    def list_replaced(self) -> list[str]:
        """Return the names of the bundled templates that the operator's folder replaces."""
        return sorted(filter(self._is_overridden, self._bundled))

    def find_problems(self) -> list[models.LocatedProblem]:
        """Return the errors in the syntax of the operator's templates, and the files that replace no template."""
        problems = []
        environment = self._environments[OutputFormat.MARKDOWN]
        names = [] if self._folder is None else jinja2.FileSystemLoader(self._folder).list_templates()
        for name in sorted(name for name in names if name.endswith(".j2")):
            try:
                environment.get_template(name)
            except (jinja2.TemplateError, OSError, UnicodeDecodeError) as error:
                problems.append(_problem_from_error(error, name, self._folder))
            if name not in self._bundled:
                path = str(Path(self._folder or "") / name)
                problems.append(models.LocatedProblem(path, None, UNUSED))
        return problems

    def _resolve_files(self, name: str, locale: str) -> tuple[str, str]:
        """Return the template to use and the bundled one below it; they are the same if none is replaced."""
        override = ""
        for language in dict.fromkeys((locale, FALLBACK_LOCALE)):
            file = f"{name}.{language}.j2"
            if not override and self._is_overridden(file):
                override = file
            if file in self._bundled:
                return override or BUNDLED_PREFIX + file, BUNDLED_PREFIX + file
        raise LookupError(f"there is no template {name}")

    def _is_overridden(self, file: str) -> bool:
        return self._folder is not None and (self._folder / file).is_file()

    def _try_render(self, file: str, block: str, render: Callable[[], str]) -> str | None:
        """Return the text of an operator's template; None, with the problem logged and kept, if it fails."""
        try:
            text = render()
        except Exception as error:  # noqa: BLE001 - an operator's template can raise anything, and the post still goes out
            problem = _problem_from_error(error, file, self._folder)
            if problem not in self._problems.values():
                _log_problem(problem)
            self._problems[file, block] = problem
            return None
        self._problems.pop((file, block), None)
        return text

    def _render_block(
        self, file: str, bundled: str, block: str, values: Mapping[str, object], output_format: OutputFormat
    ) -> str:
        environment = self._environments[output_format]
        template = environment.get_template(file)
        context = template.new_context(dict(values))
        if file != bundled:
            # As if it extended the bundled template: missing blocks and `super()` come from there.
            for name, parent in environment.get_template(bundled).blocks.items():
                context.blocks.setdefault(name, []).append(parent)
        if block not in context.blocks:
            raise LookupError(f"the template {file} has no block {block}")
        with environment.rendering():
            return environment.join(context.blocks[block][0](context))


def _render_document(environment: BoundedEnvironment, file: str, values: Mapping[str, object]) -> str:
    template = environment.get_template(file)
    with environment.rendering():
        return str(environment.join(template.root_render_func(template.new_context(dict(values)))))


def _create_environment(folder: Path | None, output_format: OutputFormat) -> BoundedEnvironment:
    bundled = jinja2.PackageLoader("bot", "templates")
    loaders: list[jinja2.BaseLoader] = [bundled, jinja2.PrefixLoader({BUNDLED_PREFIX.rstrip("/"): bundled})]
    if folder is not None:
        loaders.insert(0, jinja2.FileSystemLoader(folder))
    max_steps, max_characters = _LIMITS[output_format]
    return BoundedEnvironment(
        max_steps=max_steps,
        max_characters=max_characters,
        loader=jinja2.ChoiceLoader(loaders),
        undefined=jinja2.StrictUndefined,
        finalize=_FINALIZERS[output_format],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=output_format is OutputFormat.DOCUMENT,
        # `finalize` escapes for Discord; HTML's entities would show as text.
        autoescape=False,
        filters=XML_FILTERS if output_format is OutputFormat.XML else FILTERS,
    )


_POST_LIMITS = (10_000, 100_000)
"""Steps, and characters, of which Discord takes a few thousand. Posts are rendered on the event loop."""
_DOCUMENT_LIMITS = (2_000_000, 64_000_000)
"""Of exports, by the command line, and of pictures, which are drawn in a thread."""
_LIMITS = {
    OutputFormat.MARKDOWN: _POST_LIMITS,
    OutputFormat.PLAIN: _POST_LIMITS,
    OutputFormat.DOCUMENT: _DOCUMENT_LIMITS,
    OutputFormat.XML: _DOCUMENT_LIMITS,
}


def _text(value: object) -> str:
    return "" if value is None else str(value)


_FINALIZERS: dict[OutputFormat, Callable[[Any], Any]] = {
    OutputFormat.MARKDOWN: lambda value: (
        value
        if isinstance(value, SafeMarkdown)
        else discord_text.tie_units(discord_text.escape_text(_text(value)))
    ),
    OutputFormat.PLAIN: lambda value: discord_text.to_single_line(_text(value)),
    OutputFormat.DOCUMENT: lambda value: "" if value is None else value,
    OutputFormat.XML: lambda value: (
        value
        if isinstance(value, Markup)
        # XML 1.0 cannot hold the last two.
        else html.escape(discord_text.strip_invisible(_text(value)).translate({0xFFFE: None, 0xFFFF: None}))
    ),
}


def _problem_from_error(error: Exception, file: str, folder: Path | None) -> models.LocatedProblem:
    """Return the problem with the file and line of an error: jinja2 puts the template's lines into the traceback."""
    location = str(Path(folder or "") / file)
    line: int | None = None
    if isinstance(error, jinja2.TemplateSyntaxError):
        location, line = error.filename or location, error.lineno
    else:
        for frame, number in traceback.walk_tb(error.__traceback__):
            if folder is not None and Path(frame.f_code.co_filename).is_relative_to(folder):
                compiled = frame.f_globals.get("__jinja_template__")
                location = frame.f_code.co_filename
                line = compiled.get_corresponding_lineno(number) if compiled else number
    return models.LocatedProblem(location, line, str(error) or type(error).__name__)


def _log_problem(problem: models.LocatedProblem) -> None:
    structlog.get_logger(__name__).warning(
        "template not used", file=problem.location, line=problem.line, reason=problem.message
    )
