"""Operators' templates, which replace the bundled ones block by block, and template filters."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import structlog.testing

from bot.rendering import locale_formats, templates
from bot.rendering.templates import Templates
from storage import errors

VALUES: dict[str, object] = {"day": date(2025, 2, 12), "since": None, "total": 27, "shown": 5}
VALUES |= {"first": 1, "last": 5, "topic": "", "source": "", "late_count": 0, "has_votes": True}
VALUES |= {"kind": "top", "skipped": 0}


class OperatorFolder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.templates = Templates(folder)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def headline(self, locale: str = "en", **values: object) -> str:
        return self.templates.render_block("daily", "headline", locale, {**VALUES, **values})


@pytest.fixture
def operator(tmp_path: Path) -> OperatorFolder:
    return OperatorFolder(tmp_path)


@pytest.mark.parametrize(
    ("locale", "headline"),
    [("ko", "2025년 2월 12일의 논문"), ("fr", "Papers for February 12, 2025")],
    ids=["Korean", "unknown, so English"],
)
def test_the_bundled_templates_are_found_in_the_package(locale: str, headline: str) -> None:
    assert Templates(None).render_block("daily", "headline", locale, VALUES) == headline


def test_an_unknown_template_or_block_is_a_lookup_error() -> None:
    for name, block in (("nothing", "headline"), ("daily", "nothing")):
        with pytest.raises(LookupError, match="nothing"):
            Templates(None).render_block(name, block, "en", VALUES)


def test_an_operator_can_replace_one_block(operator: OperatorFolder) -> None:
    operator.write("daily.en.j2", "{% block headline %}Today: {{ day }}{% endblock %}")
    assert operator.headline() == "Today: 2025-02-12"
    assert operator.headline("ko") == "2025년 2월 12일의 논문"
    with structlog.testing.capture_logs() as logs:
        count = operator.templates.render_block("daily", "count", "en", VALUES)
    assert (count, logs) == ("Top 5 of 27 by votes", [])


def test_adding_or_removing_a_file_takes_effect_at_once(operator: OperatorFolder) -> None:
    assert operator.headline() == "Papers for February 12, 2025"
    operator.write("daily.en.j2", "{% block headline %}Lab news: {{ super() }}{% endblock %}")
    assert operator.headline() == "Lab news: Papers for February 12, 2025"
    (operator.folder / "daily.en.j2").unlink()
    assert operator.headline() == "Papers for February 12, 2025"


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("\n{% block headline %}{{ day }{% endblock %}", 2, "unexpected"),
        ("{% block headline %}\n\n{{ dayy }}{% endblock %}", 3, "'dayy' is undefined"),
        ("{% block headline %}\n{{ day.nothing }}{% endblock %}", 2, "nothing"),
        ("{% block headline %}\n{{ 1 // 0 }}{% endblock %}", 2, "zero"),
        ("{% block headline %}\n{{ ''.__class__.__mro__ }}{% endblock %}", 2, "unsafe"),
        ("{% block headline %}{% include 'secret' %}{% endblock %}", 1, "secret"),
        ("{% block headline %}{{ 'long ' * 300 }}{% endblock %}", None, "1,499 characters"),
    ],
)
def test_the_bundled_block_replaces_a_broken_template_until_it_is_fixed(
    operator: OperatorFolder, source: str, line: int | None, reason: str
) -> None:
    operator.write("daily.en.j2", source)
    with structlog.testing.capture_logs() as logs:
        assert {operator.headline() for _ in range(2)} == {"Papers for February 12, 2025"}
    [row] = logs  # once
    assert (row["event"], row["line"]) == ("template not used", line)
    assert row["file"] == str(operator.folder / "daily.en.j2")
    assert reason in row["reason"]
    operator.write("daily.en.j2", "{% block headline %}Mended, {{ day }}{% endblock %}")
    assert operator.headline() == "Mended, 2025-02-12"


def test_syntax_errors_and_unused_files_are_reported(operator: OperatorFolder) -> None:
    operator.write("daily.en.j2", "{% block headline %}")
    operator.write("dayly.en.j2", "{% block headline %}{% endblock %}")
    own = "{% block mine %}{% endblock %}"
    operator.write("alert.ko.j2", f"{{% block headline %}}{own}{{% endblock %}}")
    operator.write("daily.ko.j2", "\n{% block headlin %}{% endblock %}" + own)
    operator.write("web.list.html.j2", own)
    operator.write("README.md", "{% notes")
    (operator.folder / "alert.en.j2").write_bytes(b"\xff\xfe\x00")
    problems = operator.templates.find_problems()
    assert [(Path(problem.location).name, problem.line) for problem in problems] == [
        ("alert.en.j2", None),
        ("daily.en.j2", 1),
        ("daily.ko.j2", 2),
        ("daily.ko.j2", 2),
        ("dayly.en.j2", None),
    ]
    with structlog.testing.capture_logs() as logs:
        operator.templates.log_problems()
    assert [entry["file"] for entry in logs] == [problem.location for problem in problems]
    assert [str(problem).partition("daily.ko.j2, line 2: ")[2][:19] for problem in problems[2:4]] == [
        "the block headlin i",
        "the block mine is n",
    ]
    assert Templates(None).find_problems() == []
    [missing] = Templates(operator.folder / "place").find_problems()
    assert str(missing).startswith(f"{operator.folder}/place: is not a folder.")


def test_values_are_escaped_unless_marked_safe(operator: OperatorFolder) -> None:
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


def test_every_bundled_template_exists_in_both_languages() -> None:
    folder = Path(templates.__file__).parents[1] / "templates"
    others = ("export.", "trend.", "web.")
    files = {path.name for path in folder.glob("*.j2") if not path.name.startswith(others)}
    assert {file.replace(".ko.", ".en.") for file in files} == {file for file in files if ".en." in file}
    assert len(files) == 6


def test_a_checkout_without_symbolic_links_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "templates"
    link.write_text("../templates")
    with pytest.raises(errors.UsageError, match=r"templates is not a folder.*core\.symlinks"):
        templates.list_bundled(str(link))
    (tmp_path / "daily.en.j2").write_text("")
    assert templates.list_bundled(str(tmp_path)) == ("daily.en.j2",)


@pytest.mark.parametrize(
    ("zone", "ko", "en"),
    [
        ("Asia/Seoul", "서울", "Seoul"),
        ("America/New_York", "뉴욕", "New York"),
        ("UTC", "UTC", "UTC"),
        ("Etc/GMT+3", "Etc/GMT+3", "Etc/GMT+3"),
        ("Mars/Olympus", "Mars/Olympus", "Mars/Olympus"),
    ],
)
def test_a_time_zone_is_displayed_by_its_city_name(zone: str, ko: str, en: str) -> None:
    assert (locale_formats.render_zone(zone, "ko"), locale_formats.render_zone(zone, "en")) == (ko, en)


@pytest.mark.parametrize(
    ("names", "options", "en", "ko"),
    [
        ("", {}, "", ""),
        ("", {"truncated": True}, "", ""),
        ("A", {}, "A", "A"),
        ("A B C", {}, "A, B, C", "A, B, C"),
        ("A B C D", {}, "A, B, C and 1 more", "A, B, C 외 1명"),
        ("A B", {"truncated": True}, "A, B and others", "A, B 등"),
        ("A B C D", {"truncated": True}, "A, B, C and others", "A, B, C 등"),
        ("A B C D", {"count": 5_000}, "A, B, C and 4,997 more", "A, B, C 외 4,997명"),
    ],
)
def test_three_authors_are_named_and_the_rest_counted(
    names: str, options: Mapping[str, Any], en: str, ko: str
) -> None:
    given = {"truncated": False, **options}
    shown = [templates.render_authors(names.split(), locale, **given) for locale in ("en", "ko")]
    assert shown == [en, ko]
