"""The jinja2 templates that operators can replace; each is a set of named texts, its blocks.

`daily.ko.j2` in the operator's folder replaces the bundled template block by block, as if it extended that. A broken
template never loses a post: the problem is logged and the bundled block takes its place.
"""

from __future__ import annotations

import html
import traceback
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import jinja2
import structlog

from bot import errors
from bot.rendering.discord_text import escape
from bot.rendering.discord_text.escape import SafeMarkdown
from bot.rendering.wording import filters, sandbox
from storage import models

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
    SVG = "drawing"
    """Escaped as text and attributes of XML, for pictures."""


def check_bundled_templates(folder: Traversable) -> None:
    """Raise UsageError if the link to the bundled templates was checked out as a file."""
    if not folder.is_dir():
        raise errors.UsageError(
            f"{folder} is no folder: it is a symbolic link in the repository."
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

    @property
    def rendering_problems(self) -> list[models.LocatedProblem]:
        """The problems of operator's templates whose last rendering failed; the bundled text took their place."""
        return list(dict.fromkeys(self._problems.values()))

    def log_problems(self) -> None:
        """Log a warning for each problem that `find_problems` finds."""
        for problem in self.find_problems():
            _log_problem(problem)

    def find_problems(self) -> list[models.LocatedProblem]:
        """Return the errors in the syntax of the operator's templates, and the files that replace no template."""
        problems = []
        environment = self._environments[OutputFormat.MARKDOWN]
        for name in self._override_files():
            try:
                environment.get_template(name)
            except (jinja2.TemplateError, OSError, UnicodeDecodeError) as error:
                problems.append(_problem_from_error(error, name, self._folder))
            if name not in self._bundled:
                path = str(Path(self._folder or "") / name)
                problems.append(models.LocatedProblem(path, None, "replaces no template"))
        return problems

    def _override_files(self) -> Iterator[str]:
        if self._folder is not None:
            names = jinja2.FileSystemLoader(self._folder).list_templates()
            yield from (name for name in sorted(names) if name.endswith(".j2"))

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


def _render_document(environment: sandbox.BoundedEnvironment, file: str, values: Mapping[str, object]) -> str:
    template = environment.get_template(file)
    with environment.rendering():
        return str(environment.join(template.root_render_func(template.new_context(dict(values)))))


def _create_environment(folder: Path | None, output_format: OutputFormat) -> sandbox.BoundedEnvironment:
    bundled = jinja2.PackageLoader("bot", "templates")
    loaders: list[jinja2.BaseLoader] = [bundled, jinja2.PrefixLoader({BUNDLED_PREFIX.rstrip("/"): bundled})]
    if folder is not None:
        loaders.insert(0, jinja2.FileSystemLoader(folder))
    max_steps, max_characters = _LIMITS[output_format]
    environment = sandbox.BoundedEnvironment(
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
    )
    environment.filters.update(filters.FILTERS)
    environment.bound_filters()
    return environment


_POST_LIMITS = (10_000, 100_000)
"""Steps, and characters, of which Discord takes a few thousand. Posts are rendered on the event loop."""
_DOCUMENT_LIMITS = (2_000_000, 64_000_000)
"""Of exports, by the command line, and of pictures, which are drawn in a thread."""
_LIMITS = {
    OutputFormat.MARKDOWN: _POST_LIMITS,
    OutputFormat.PLAIN: _POST_LIMITS,
    OutputFormat.DOCUMENT: _DOCUMENT_LIMITS,
    OutputFormat.SVG: _DOCUMENT_LIMITS,
}


def _finalize_markdown(value: object) -> SafeMarkdown:
    if isinstance(value, SafeMarkdown):
        return value
    return escape.escape_text("" if value is None else str(value))


def _finalize_plain(value: object) -> str:
    return escape.to_single_line("" if value is None else str(value))


def _finalize_document(value: object) -> object:
    return "" if value is None else value


def _finalize_svg(value: object) -> str:
    return html.escape(escape.strip_invisible("" if value is None else str(value)))


_FINALIZERS: dict[OutputFormat, Callable[[Any], Any]] = {
    OutputFormat.MARKDOWN: _finalize_markdown,
    OutputFormat.PLAIN: _finalize_plain,
    OutputFormat.DOCUMENT: _finalize_document,
    OutputFormat.SVG: _finalize_svg,
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
