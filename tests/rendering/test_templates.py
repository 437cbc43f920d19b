"""Operators' templates replace the bundled ones block by block; a broken one never loses a post."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import jinja2
import pytest
import structlog.testing

from bot.rendering import templates
from bot.rendering.templates import OutputFormat, Templates
from storage import models

VALUES = {
    "day": date(2025, 2, 12),
    "since": None,
    "total": 27,
    "shown": 5,
    "first": 1,
    "last": 5,
    "topic": "",
    "late_count": 0,
    "day_complete": False,
    "closes_at": None,
}


class OperatorFolder:
    """A folder of an operator's templates, and the problems of rendering them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.templates = Templates(folder)

    @property
    def problems(self) -> list[models.LocatedProblem]:
        return self.templates.rendering_problems

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def headline(self, locale: str = "en", **values: object) -> str:
        return self.templates.render_block("daily", "headline", locale, {**VALUES, **values})


@pytest.fixture
def operator(tmp_path: Path) -> OperatorFolder:
    return OperatorFolder(tmp_path)


def test_the_bundled_templates_are_found_through_the_package() -> None:
    text = Templates().render_block("daily", "headline", "ko", VALUES)
    assert text == "2025년 2월 12일의 논문"


def test_an_unknown_language_falls_back_to_english() -> None:
    assert Templates().render_block("daily", "headline", "fr", VALUES) == "Papers of February 12, 2025"


def test_an_unknown_name_or_block_is_a_lookup_error() -> None:
    with pytest.raises(LookupError, match="nothing"):
        Templates().render_block("nothing", "headline", "en", VALUES)
    with pytest.raises(LookupError, match="nothing"):
        Templates().render_block("daily", "nothing", "en", VALUES)


def test_a_block_is_replaced_and_the_others_stay(operator: OperatorFolder) -> None:
    operator.write("daily.en.j2", "{% block headline %}Today: {{ day }}{% endblock %}")
    assert operator.headline() == "Today: 2025-02-12"
    assert operator.headline("ko") == "2025년 2월 12일의 논문"
    count = operator.templates.render_block("daily", "count", "en", VALUES)
    assert count == "The 5 with the most votes, out of 27"
    assert operator.problems == []


def test_a_block_can_build_on_the_bundled_one(operator: OperatorFolder) -> None:
    operator.write("daily.en.j2", "{% block headline %}Lab news: {{ super() }}{% endblock %}")
    assert operator.headline() == "Lab news: Papers of February 12, 2025"


def test_a_changed_template_is_used_at_once(operator: OperatorFolder) -> None:
    operator.write("daily.en.j2", "{% block headline %}one{% endblock %}")
    assert operator.headline() == "one"
    (operator.folder / "daily.en.j2").unlink()
    assert operator.headline() == "Papers of February 12, 2025"


def test_bundled_files_are_read_once_and_a_new_file_of_the_folder_is_used_at_once(
    operator: OperatorFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert operator.headline() == "Papers of February 12, 2025"
    with monkeypatch.context() as patch:
        patch.delattr(jinja2.PackageLoader, "get_source")
        assert operator.headline() == "Papers of February 12, 2025"
    operator.write("daily.en.j2", "{% block headline %}one{% endblock %}")
    assert operator.headline() == "one"


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("\n{% block headline %}{{ day }{% endblock %}", 2, "unexpected"),
        ("{% block headline %}\n\n{{ dayy }}{% endblock %}", 3, "'dayy' is undefined"),
        ("{% block headline %}\n{{ day.nothing }}{% endblock %}", 2, "nothing"),
        ("{% block headline %}\n{{ 1 // 0 }}{% endblock %}", 2, "zero"),
        ("{% block headline %}\n{{ ''.__class__.__mro__ }}{% endblock %}", 2, "unsafe"),
        ("{% block headline %}{% include 'secret' %}{% endblock %}", 1, "secret"),
    ],
)
def test_a_broken_template_is_reported_with_its_line_and_the_bundled_one_is_used(
    operator: OperatorFolder, source: str, line: int, reason: str
) -> None:
    operator.write("daily.en.j2", source)
    assert operator.headline() == "Papers of February 12, 2025"
    assert operator.headline() == "Papers of February 12, 2025"
    (problem,) = operator.problems
    assert problem.location == str(operator.folder / "daily.en.j2")
    assert problem.line == line
    assert reason in problem.message
    assert f"daily.en.j2, line {line}: " in str(problem)


def test_a_template_that_is_no_text_is_reported(operator: OperatorFolder) -> None:
    (operator.folder / "daily.en.j2").write_bytes(b"\xff\xfe\x00")
    assert operator.headline() == "Papers of February 12, 2025"
    assert [Path(problem.location).name for problem in operator.problems] == ["daily.en.j2"]


def test_a_mended_template_is_no_longer_a_problem(operator: OperatorFolder) -> None:
    operator.write("daily.en.j2", "{% block headline %}{{ dayy }}{% endblock %}")
    operator.headline()
    assert [problem.short_location for problem in operator.problems] == ["daily.en.j2:1"]
    operator.write("daily.en.j2", "{% block headline %}Mended, {{ day }}{% endblock %}")
    assert operator.headline() == "Mended, 2025-02-12"
    assert operator.problems == []


def test_a_problem_is_logged_once(operator: OperatorFolder) -> None:
    operator.write("daily.en.j2", "{% block headline %}{{ x }}{% endblock %}")
    with structlog.testing.capture_logs() as logs:
        operator.headline()
        operator.headline()
    assert [(entry["event"], entry["line"], entry["log_level"]) for entry in logs] == [
        ("template not used", 1, "warning")
    ]


def test_a_check_finds_syntax_errors_and_files_that_replace_no_template(operator: OperatorFolder) -> None:
    operator.write("daily.en.j2", "{% block headline %}")
    operator.write("dayly.en.j2", "{% block headline %}{% endblock %}")
    operator.write("alert.ko.j2", "{% block headline %}{% endblock %}")
    operator.write("README.md", "{% notes")
    (operator.folder / "alert.en.j2").write_bytes(b"\xff\xfe\x00")
    problems = operator.templates.find_problems()
    assert [(Path(problem.location).name, problem.line) for problem in problems] == [
        ("alert.en.j2", None),
        ("daily.en.j2", 1),
        ("dayly.en.j2", None),
    ]
    with structlog.testing.capture_logs() as logs:
        operator.templates.log_problems()
    assert [entry["file"] for entry in logs] == [problem.location for problem in problems]
    assert Templates().find_problems() == []


def test_values_are_escaped_unless_they_are_safe(operator: OperatorFolder) -> None:
    operator.write(
        "daily.en.j2",
        "{% macro bold(text) %}**{{ text }}**{% endmacro %}"
        "{% block headline %}{% macro bold(text) %}**{{ text }}**{% endmacro %}"
        "{{ bold(title) }} {{ title | link('https://e.org/(x)') }} {{ title ~ '!' }} {{ none }}{% endblock %}",
    )
    text = operator.headline(title="a*b @everyone")
    assert text == (
        "**a\\*b @\u200beveryone** [a\\*b @\u200beveryone](https://e.org/%28x%29) a\\*b @\u200beveryone!"
    )


def test_plain_texts_have_no_escapes() -> None:
    values = {**VALUES, "shown": 1}
    assert (
        Templates().render_block("daily", "name", "en", values, OutputFormat.PLAIN) == "2025-02-12 · 1 paper"
    )


def test_every_bundled_template_has_both_languages() -> None:
    folder = Path(templates.__file__).parents[1] / "templates"
    files = {path.name for path in folder.glob("*.j2") if not path.name.startswith(("export.", "trend."))}
    assert {file.replace(".ko.", ".en.") for file in files} == {file for file in files if ".en." in file}
    assert len(files) == 8
