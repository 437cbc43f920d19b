"""The jinja2 templates, which operators can replace. Each template is a set of named texts called blocks.

`daily.ko.j2` in the operator's folder replaces the bundled template block by block, as if it extended it. If
a block fails, the problem is logged and the bundled block is used, so that no post is lost.
"""

from __future__ import annotations

import html
import traceback
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any

import babel.dates
import babel.numbers
import jinja2
import structlog
from jinja2 import nodes, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from bot.core import data
from bot.core.files import LocatedProblem
from bot.rendering import discord_text, locale_formats, markdown
from bot.rendering.discord_text import SafeMarkdown
from bot.text import plain
from storage import errors, models

# Filters that format votes, authors, dates and times in the template's `locale`.

MAX_AUTHORS = 3
MAX_NAME_LENGTH = 80


def render_votes(votes: int | None) -> str:
    """Format votes: `▲ 81`, `▲ 1,234`, or `▲ –` if unknown, with a no-break space."""
    return discord_text.tie_marks(f"▲ {'–' if votes is None else f'{votes:,}'}")


def render_more_authors(more: int, truncated: bool, locale: str) -> str:
    """Return the text that follows the first authors: `and 16 more`, `외 16명`, or "" if there are no others.

    `truncated` means that the digest shortened its list, so that the number of the others is unknown.
    """
    is_korean = locale == models.Locale.KO
    if truncated:
        return "등" if is_korean else "and others"
    return (f"외 {more:,}명" if is_korean else f"and {more:,} more") if more > 0 else ""


def render_authors(names: Sequence[str], locale: str, *, truncated: bool, count: int = 0) -> str:
    """Return the first three names and the number of the others, in the given language.

    `count` is the number of all authors if `names` has only the first ones.
    """
    shown = ", ".join(
        discord_text.shorten(discord_text.to_single_line(name), MAX_NAME_LENGTH, markdown=False)
        for name in names[:MAX_AUTHORS]
    )
    more = render_more_authors(max(count, len(names)) - MAX_AUTHORS, truncated, locale)
    return f"{shown} {more}" if shown and more else shown


@pass_context
def _authors(context: Context, names: Sequence[str], truncated: bool = False) -> str:
    return render_authors(names, context["locale"], truncated=truncated, count=context.get("author_count", 0))


@pass_context
def _day(context: Context, day: date) -> str:
    """Format a date in full: `2025년 2월 12일`, `February 12, 2025`."""
    return babel.dates.format_date(day, format="long", locale=context["locale"])


def _html_line(text: str) -> Markup:
    html_text = markdown.render_html(text.lstrip("# "))
    return Markup(html_text.strip().removeprefix("<p>").removesuffix("</p>"))  # noqa: S704 - already rendered


FILTERS: dict[str, Callable[..., object]] = {
    "votes": render_votes,
    "authors": _authors,
    "day": _day,
    "weekdays": pass_context(
        lambda context, days, separator=", ": separator.join(
            # A Korean template adds 요일 to one day too.
            locale_formats.render_weekday(
                day,
                context["locale"],
                "wide" if len(days) == 1 and context["locale"] == models.Locale.EN else "abbreviated",
            )
            for day in days
        )
    ),
    "time": pass_context(lambda context, at: locale_formats.render_time(at, context["locale"])),
    "zone": pass_context(lambda context, name: locale_formats.render_zone(name, context["locale"])),
    "number": pass_context(
        lambda context, number: babel.numbers.format_decimal(number, locale=context["locale"])
    ),
    "link": discord_text.masked_link,
    "safe": SafeMarkdown,
    "trim": lambda text: SafeMarkdown(text.strip()) if isinstance(text, SafeMarkdown) else str(text).strip(),
    "shorten": lambda text, limit: discord_text.shorten(
        str(text), limit, markdown=isinstance(text, SafeMarkdown)
    ),
}
"""Filters by name, in addition to those of jinja2."""

XML_FILTERS: dict[str, Callable[..., object]] = {
    **FILTERS,
    "html": markdown.render_html,
    "html_line": _html_line,
}


UNUSED = "{}is not used, since no bundled {} has this name; rename or remove it"
BUNDLED_PREFIX = "bundled/"
"""The prefix that selects the bundled template even if the operator has replaced it."""

FALLBACK_LOCALE = "en"


class OutputFormat(Enum):
    """How values in a template are escaped."""

    MARKDOWN = "marked"
    """Escape values for Discord's Markdown unless they are `SafeMarkdown`."""
    PLAIN = "plain"
    """Write values on a single line without markup, as in thread names."""
    DOCUMENT = "document"
    """Leave values unchanged, as in files."""
    XML = "markup"
    """Escape values for XML and HTML unless they are `Markup`, as in pictures, pages and feeds."""


def list_bundled(folder: str = "templates") -> tuple[str, ...]:
    """Return the names of the bundled templates. Raises UsageError if git has checked out the link to them as a file."""
    if not (names := data.list_files(folder)):
        raise errors.UsageError(
            f"bot/{folder} is not a folder: it is a symbolic link in the repository."
            " Check out again with links (git config core.symlinks true), or install the package."
        )
    return names


MAX_BLOCK = 1_000
"""The most characters of an operator's block in a message, which holds up to three of them above and below its papers."""


class Templates:
    """The bundled templates and those in the operator's folder (PAPERROUND_TEMPLATES), if any.

    Raises UsageError if the checkout lacks symbolic links.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._problems: dict[tuple[str, str], LocatedProblem] = {}
        # Cached, since looking them up takes a fifth of the rendering time.
        self._bundled = frozenset(list_bundled())
        self._environments = {form: _create_environment(folder, form) for form in OutputFormat}

    def render_block(
        self,
        name: str,
        block: str,
        locale: str,
        values: Mapping[str, object],
        output_format: OutputFormat = OutputFormat.MARKDOWN,
    ) -> SafeMarkdown:
        """Render a block of a template in the given language, without whitespace at either end.

        Falls back to English. Raises LookupError if the template or block is not bundled.
        """
        file, bundled = self._resolve_files(name, locale)
        context_values = {**values, "locale": file.split(".")[-2]}

        def render(template: str) -> str:
            text = self._render_block(template, bundled, block, context_values, output_format)
            if template != bundled and output_format is OutputFormat.MARKDOWN and len(text) > MAX_BLOCK:
                raise ValueError(
                    f"the block {block} has {len(text):,} characters, and at most {MAX_BLOCK:,} fit"
                )
            return text

        text = None if file == bundled else self._try_render(file, block, lambda: render(file))
        return SafeMarkdown((render(bundled) if text is None else text).strip())

    def render_document(
        self, file: str, values: Mapping[str, object], output_format: OutputFormat = OutputFormat.DOCUMENT
    ) -> str:
        """Render a whole template. `file` is its full name, such as `export.review.md.j2`."""
        environment = self._environments[output_format]
        text = None
        if self._is_overridden(file):
            text = self._try_render(file, "", lambda: _render_document(environment, file, values))
        return _render_document(environment, BUNDLED_PREFIX + file, values) if text is None else text

    def log_problems(self) -> None:
        for problem in self.find_problems():
            _log_problem(problem)

    def find_problems(self) -> list[LocatedProblem]:
        """Return syntax errors in the operator's templates, files and blocks that replace nothing, or a missing folder."""
        if self._folder is None:
            return []
        if not self._folder.is_dir():
            reason = "is not a folder. Create it, or unset PAPERROUND_TEMPLATES."
            return [LocatedProblem(str(self._folder), None, reason)]
        problems: list[LocatedProblem] = []
        environment = self._environments[OutputFormat.MARKDOWN]
        names = jinja2.FileSystemLoader(self._folder).list_templates()
        for name in sorted(name for name in names if name.endswith(".j2")):
            path = self._folder / name
            try:
                environment.get_template(name)
                if name in self._bundled and name.split(".")[-2] in {*models.Locale}:
                    known = environment.get_template(BUNDLED_PREFIX + name).blocks
                    problems += _find_unused_blocks(
                        environment.parse(path.read_text("utf-8")), str(path), known
                    )
            except (jinja2.TemplateError, OSError, UnicodeDecodeError) as error:
                problems.append(_problem_from_error(error, name, self._folder))
            if name not in self._bundled:
                problems.append(LocatedProblem(str(path), None, UNUSED.format("", "template")))
        return problems

    def _resolve_files(self, name: str, locale: str) -> tuple[str, str]:
        """Return the template to use and the bundled template, which are the same unless an operator has replaced it."""
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
        """Render an operator's template. If it fails, log the problem and return None."""
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
            # Missing blocks and `super()` come from the bundled template.
            for name, parent in environment.get_template(bundled).blocks.items():
                context.blocks.setdefault(name, []).append(parent)
        if block not in context.blocks:
            raise LookupError(f"the template {file} has no block {block}")
        return _join(context.blocks[block][0](context))


def _find_unused_blocks(
    template: nodes.Template, path: str, known: Container[str]
) -> Iterator[LocatedProblem]:
    """Yield a problem for each block that replaces none of the known ones. A block within another is a part of it."""
    for node in template.body:
        if isinstance(node, nodes.Block) and node.name not in known:
            yield LocatedProblem(path, node.lineno, UNUSED.format(f"the block {node.name} ", "block"))


def _render_document(environment: SandboxedEnvironment, file: str, values: Mapping[str, object]) -> str:
    template = environment.get_template(file)
    return "".join(template.root_render_func(template.new_context(dict(values))))


def _join(parts: Iterable[str]) -> SafeMarkdown:
    """Join pieces that have already been escaped."""
    return SafeMarkdown("".join(parts))


def _create_environment(folder: Path | None, output_format: OutputFormat) -> SandboxedEnvironment:
    bundled = jinja2.FunctionLoader(_load_bundled)
    loaders: list[jinja2.BaseLoader] = [bundled, jinja2.PrefixLoader({BUNDLED_PREFIX.rstrip("/"): bundled})]
    if folder is not None:
        loaders.insert(0, jinja2.FileSystemLoader(folder))
    environment = SandboxedEnvironment(
        loader=jinja2.ChoiceLoader(loaders),
        undefined=jinja2.StrictUndefined,
        finalize=_FINALIZERS[output_format],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=output_format is OutputFormat.DOCUMENT,
        # `finalize` escapes for Discord, which would show HTML entities as text.
        autoescape=False,
    )
    environment.filters |= XML_FILTERS if output_format is OutputFormat.XML else FILTERS
    # For macros and set blocks.
    environment.concat = _join  # type: ignore[method-assign]
    return environment


def _load_bundled(name: str) -> str | None:
    return data.read_text(f"templates/{name}") if name in data.list_files("templates") else None


def _text(value: object) -> str:
    return "" if value is None else str(value)


_FINALIZERS: dict[OutputFormat, Callable[[Any], Any]] = {
    OutputFormat.MARKDOWN: lambda value: (
        value if isinstance(value, SafeMarkdown) else discord_text.escape_text(_text(value))
    ),
    OutputFormat.PLAIN: lambda value: discord_text.to_single_line(_text(value)),
    OutputFormat.DOCUMENT: lambda value: "" if value is None else value,
    OutputFormat.XML: lambda value: (
        value
        if isinstance(value, Markup)
        # XML 1.0 does not allow the last two.
        else html.escape(plain.strip_invisible(_text(value)).translate({0xFFFE: None, 0xFFFF: None}))
    ),
}


def _problem_from_error(error: Exception, file: str, folder: Path | None) -> LocatedProblem:
    """Convert an error to a problem with the file and line, which jinja2 puts into the traceback."""
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
    return LocatedProblem(location, line, str(error) or type(error).__name__)


def _log_problem(problem: LocatedProblem) -> None:
    structlog.get_logger(__name__).warning(
        "template not used", file=problem.location, line=problem.line, reason=problem.message
    )
