"""Operators' templates replace the bundled ones block by block.

A broken template, or one that never ends or grows without bound, never loses a post: the bundled wording takes its place.
"""

from __future__ import annotations

import tracemalloc
from datetime import UTC, date, datetime
from pathlib import Path

import jinja2
import pytest
import structlog.testing
from hypothesis import given
from hypothesis import strategies as st

from bot.rendering import markdown, templates
from bot.rendering.templates import OutputFormat, Templates
from storage import errors, models
from tests.support import growth

VALUES = {
    "day": date(2025, 2, 12),
    "since": None,
    "total": 27,
    "shown": 5,
    "first": 1,
    "last": 5,
    "topic": "",
    "source": "",
    "late_count": 0,
    "day_complete": False,
    "closes_at": None,
    "final_total": None,
    "has_votes": True,
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


@pytest.mark.parametrize(
    ("locale", "headline"),
    [("ko", "2025\u2060년 2\u2060월 12\u2060일의 논문"), ("fr", "Papers for February 12, 2025")],
    ids=["Korean", "unknown, so English"],
)
def test_the_bundled_templates_are_found_through_the_package(locale: str, headline: str) -> None:
    assert Templates().render_block("daily", "headline", locale, VALUES) == headline


def test_an_unknown_name_or_block_is_a_lookup_error() -> None:
    with pytest.raises(LookupError, match="nothing"):
        Templates().render_block("nothing", "headline", "en", VALUES)
    with pytest.raises(LookupError, match="nothing"):
        Templates().render_block("daily", "nothing", "en", VALUES)


def test_a_block_is_replaced_and_the_others_stay(operator: OperatorFolder) -> None:
    operator.write("daily.en.j2", "{% block headline %}Today: {{ day }}{% endblock %}")
    assert operator.headline() == "Today: 2025-02-12"
    assert operator.headline("ko") == "2025\u2060년 2\u2060월 12\u2060일의 논문"
    count = operator.templates.render_block("daily", "count", "en", VALUES)
    assert count == "Top 5 of 27 by votes"
    assert operator.problems == []


def test_a_block_can_build_on_the_bundled_one(operator: OperatorFolder) -> None:
    operator.write("daily.en.j2", "{% block headline %}Lab news: {{ super() }}{% endblock %}")
    assert operator.headline() == "Lab news: Papers for February 12, 2025"


def test_bundled_files_are_read_once_and_a_new_file_of_the_folder_is_used_at_once(
    operator: OperatorFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert operator.headline() == "Papers for February 12, 2025"
    with monkeypatch.context() as patch:
        patch.delattr(jinja2.PackageLoader, "get_source")
        assert operator.headline() == "Papers for February 12, 2025"
    operator.write("daily.en.j2", "{% block headline %}one{% endblock %}")
    assert operator.headline() == "one"
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
    ],
)
def test_a_broken_template_is_reported_with_its_line_and_the_bundled_one_is_used(
    operator: OperatorFolder, source: str, line: int, reason: str
) -> None:
    operator.write("daily.en.j2", source)
    assert operator.headline() == "Papers for February 12, 2025"
    assert operator.headline() == "Papers for February 12, 2025"
    (problem,) = operator.problems
    assert problem.location == str(operator.folder / "daily.en.j2")
    assert problem.line == line
    assert reason in problem.message
    assert f"daily.en.j2, line {line}: " in str(problem)


def test_a_template_that_is_not_text_is_reported(operator: OperatorFolder) -> None:
    (operator.folder / "daily.en.j2").write_bytes(b"\xff\xfe\x00")
    assert operator.headline() == "Papers for February 12, 2025"
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
    files = {
        path.name for path in folder.glob("*.j2") if not path.name.startswith(("export.", "trend.", "web."))
    }
    assert {file.replace(".ko.", ".en.") for file in files} == {file for file in files if ".en." in file}
    assert len(files) == 8


def test_a_checkout_without_symbolic_links_is_refused_with_the_remedy(tmp_path: Path) -> None:
    link = tmp_path / "templates"
    link.write_text("../templates")
    with pytest.raises(errors.UsageError, match=r"templates is not a folder.*core\.symlinks"):
        templates.check_bundled_templates(link)
    templates.check_bundled_templates(tmp_path)


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
def test_zones_are_named_by_their_city(zone: str, ko: str, en: str) -> None:
    assert (templates.render_zone(zone, "ko"), templates.render_zone(zone, "en")) == (ko, en)


def test_moments_become_discord_timestamps() -> None:
    at = datetime(2025, 2, 12, tzinfo=UTC)
    assert templates.render_timestamp(at) == "<t:1739318400:f>"
    assert templates.render_timestamp(at, "R") == "<t:1739318400:R>"


@pytest.mark.parametrize(
    ("names", "truncated", "shown"),
    [
        ([], False, ""),
        ([], True, ""),
        (["A"], False, "A"),
        (["A", "B", "C"], False, "A, B, C"),
        (["A", "B", "C", "D"], False, "A, B, C and 1 more"),
        (["A", "B"], True, "A, B and others"),
        (["A", "B", "C", "D"], True, "A, B, C and at least 1 more"),
    ],
)
def test_three_authors_are_named(names: list[str], truncated: bool, shown: str) -> None:
    assert templates.render_authors(names, "en", truncated) == shown


def test_the_others_of_a_shortened_list_are_counted() -> None:
    assert templates.render_authors(["A", "B", "C", "D"], "en", count=5_000) == "A, B, C and 4,997 more"
    assert templates.render_authors(["A", "B", "C", "D"], "ko", count=5_000) == "A, B, C 외 4,997명"
    assert templates.render_authors(["A", "B", "C", "D"], "ko", True) == "A, B, C 외 1명 이상"
    assert templates.render_authors(["A", "B"], "ko", True) == "A, B 외"


RUNAWAYS = {
    "nested loops": "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
    "a long loop with text": "{% for a in range(9000) %}" + "x" * 999 + "{% endfor %}",
    "a loop over a generator": "{% for a in range(99999)|map('string') %}{% endfor %}",
    "a recursive loop": "{% for a in [1] recursive %}{{ loop(range(9999)) }}{% endfor %}",
    "a repetition": "{{ 'x' * 2000000000 }}",
    "a repetition of a list": "{{ ([0] * 2000000000)|length }}",
    "a power": "{{ 10 ** (10 ** 9) }}",
    "a filter": "{{ 'x'|center(2000000000) }}",
    "a keyword of a filter": "{{ 'x'|indent(width=2000000000, first=true) }}",
    "a method": "{{ 'x'.ljust(2000000000) }}",
    "a global function": "{{ lipsum(2000000000) }}",
    "doubling": "{% set n = namespace(x='x') %}{% for a in range(40) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "doubling by plus": "{% set n = namespace(x='x') %}{% for a in range(40) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "doubling in a set block": "{% set n = namespace(x='x') %}{% for a in range(40) %}"
    "{% set n.x %}{{ n.x }}{{ n.x }}{% endset %}{% endfor %}",
    "doubling by join": "{% set n = namespace(x='x') %}{% for a in range(40) %}{% set n.x = [n.x, n.x]|join %}{% endfor %}",
    "a macro that calls itself": "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "a square of squares": "{% set n = namespace(x=9) %}{% for a in range(40) %}{% set n.x = n.x * n.x %}{% endfor %}",
    "a block that shows itself": "{{ self.headline() }}",
}


@pytest.mark.parametrize("source", RUNAWAYS.values(), ids=RUNAWAYS.keys())
def test_a_template_that_never_ends_is_replaced_by_the_bundled_one(
    operator: OperatorFolder, source: str
) -> None:
    operator.write("daily.en.j2", "{% block headline %}" + source + "{% endblock %}")
    assert operator.headline() == "Papers for February 12, 2025"
    (problem,) = operator.problems
    assert problem.location.endswith("daily.en.j2")
    assert problem.message


def test_the_reason_names_the_limit_and_the_line(operator: OperatorFolder) -> None:
    loops = "{% for a in range(9999) %}\n{% for b in range(9999) %}{% endfor %}{% endfor %}"
    operator.write("daily.en.j2", "\n{% block headline %}" + loops + "{% endblock %}")
    operator.headline()
    (problem,) = operator.problems
    assert (problem.line, problem.message) == (3, "it takes more than 10000 steps; look at its loops")


def test_a_document_that_never_ends_is_replaced_too(tmp_path: Path) -> None:
    name = "export.newsletter.md.j2"
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    (tmp_path / name).write_text(loop, encoding="utf-8")
    templates = Templates(tmp_path)
    with pytest.raises(Exception, match="undefined"):  # the bundled one, without its values
        templates.render_document(name, {}, OutputFormat.DOCUMENT)
    assert [problem.message for problem in templates.rendering_problems] == [
        "it takes more than 2000000 steps; look at its loops"
    ]


GROWTHS = [
    "x|replace('', x)",
    "x.replace('', x)",
    "x|replace(new=x, old='')",
    "([x] * 1000)|join",
    "([x] * 1000)|map('upper')|join",
    "([x] * 1000)|map('upper')|list|length",
    "([x] * 1000)|string",
    "([x] * 1000)|tojson",
    "([x] * 1000) ~ ''",
    "[x] * 1000",
    "{'a': [x] * 1000}|pprint",
    "x.join(['a'] * 1000)",
    "range(90000)|join(x)",
    "x|wordwrap(1, wrapstring=x)",
    "('\\n' * 90000)|indent(90000, blank=true)",
    "('\\n' * 90000)|indent(x, blank=true)",
    "('\\t' * 90000).expandtabs(90000)",
    "x.translate({97: x})",
    "'{0}{0}{0}'.format([x] * 100)",
    "('{0}' * 30000).format(x)",
    "('{a}' * 30000).format_map({'a': x})",
    "'{:500000000}'.format(1)",
    "'{:٥٠٠٠٠٠٠٠٠}'.format(1)",
    "'{:{}}'.format(1, 90000)",
    "('%90000d' * 1000)|format(*range(1000))",
    "'%500000000d' % 1",
    "'%*d' % (500000000, 1)",
    "['%500000000d']|map('format', 1)|first",
    "('%500000000d'.encode() % 1)|length",
]


COMPARISONS = ["n.a == n.b", "n.a != n.b", "n.a in [n.b]", "n.a is eq n.b", "[n.a]|select('eq', n.b)|list"]


@pytest.mark.parametrize("comparison", COMPARISONS)
def test_nested_collections_are_measured_before_they_are_compared(comparison: str) -> None:
    environment = templates.BoundedEnvironment(max_steps=10_000, max_characters=100_000, filters={})
    nested = "{% set n = namespace(a=[1], b=[1]) %}{% for _ in range(40) %}{% set n.a = [n.a, n.a] %}{% set n.b = [n.b, n.b] %}"
    template = environment.from_string(nested + "{% endfor %}{{ " + comparison + " }}")
    with environment.rendering(), pytest.raises(templates.TemplateLimitError):
        template.render()


@pytest.mark.parametrize("call", GROWTHS)
def test_no_operation_makes_a_text_that_is_too_long(call: str) -> None:
    environment = templates.BoundedEnvironment(max_steps=10_000, max_characters=100_000, filters={})
    template = environment.from_string("{% set x = 'a' * 100000 %}{{ " + call + " }}")
    tracemalloc.start()
    with environment.rendering(), pytest.raises(templates.TemplateLimitError):
        template.render()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 25_000_000


def test_the_refusal_names_the_operation(operator: OperatorFolder) -> None:
    operator.write(
        "daily.en.j2", "{% block headline %}{{ ('x' * 9999)|replace('', 'y' * 9999) }}{% endblock %}"
    )
    operator.headline()
    (problem,) = operator.problems
    assert problem.message.startswith("`replace` could produce more than 10000000 characters")


def test_a_number_of_any_size_is_a_value_but_not_a_width(operator: OperatorFolder) -> None:
    operator.write(
        "daily.en.j2",
        "{% block headline %}{{ total|number }} {{ '%d' % total }} {{ total|string|center(7) }}{% endblock %}",
    )
    assert operator.headline(total=7_000_000) == "7,000,000 7000000 7000000"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ 'a-b-c'|replace('-', '+') }} {{ 'a-b-c'.replace('-', '', 1) }}", "a+b+c ab-c"),
        (
            "{% for a in 'abc' %}{{ loop.index }}/{{ loop.length }}{{ ', ' if not loop.last }}{% endfor %}",
            "1/3, 2/3, 3/3",
        ),
        ("{% for a in [1, 2]|map('string') %}{{ a ~ '!' }}{% endfor %}", "1!2!"),
        ("{% for a in [[1], []] recursive %}<{{ loop(a) if a is iterable }}>{% endfor %}", "<<>><>"),
        (
            "{{ '%05.1f' % 3.14159 }} {{ 2 ** 10 }} {{ '-' * 3 }} {{ 1 + 2 }} {{ 'a' + 'b' }}",
            "003.1 1024 --- 3 ab",
        ),
        (
            "{{ ['a', 'b']|join(', ') }} {{ ('word ' * 100)|truncate(9) }} {{ '{:>5,}'.format(1234) }} {{ [1, 2]|sum }}",
            "a, b word... 1,234 3",
        ),
        ("{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m('a') ~ m('b') }}", "[a][b]"),
        (
            "{{ 'x.com/channels/123456789/{:>2}'.format(5) }} {{ 'ID 2501.12345/1234567: %3d' % 5 }}",
            "x.com/channels/123456789/ 5 ID 2501.12345/1234567:   5",
        ),
        (
            "{{ ('a' * 9000)|default('b' * 9000)|length }} {{ ('a' * 9000)|truncate(8000)|length }}",
            "9000 8000",
        ),
        (
            "{{ '{{\"id\": 5000000}} {:>2}'.format(5) }} {{ '{\"id\": 5000000} %d'|format(5) }}",
            '{"id": 5000000}  5 {"id": 5000000} 5',
        ),
        ("{{ ('a' * 9000) == ('a' * 9000) and [1] is eq [1] and 'a' is defined }}", "True"),
        ("{{ 6 is divisibleby(num=3) }}", "True"),
        ("{{ x|default('none') }} {{ {}.x|default(y)|default('none') }} {{ [x]|length }}", "none none 1"),
    ],
)
def test_ordinary_templates_render_as_in_jinja2(source: str, text: str) -> None:
    environment = templates.BoundedEnvironment(
        max_steps=100, max_characters=10_000, filters={}, undefined=jinja2.StrictUndefined
    )
    template = environment.from_string(source)
    with environment.rendering():
        assert template.render() == text


PIECES = [*"a가1é. ,)'-:²", " ", "**", "를", "(", "  ", "http://x.y", "\u200b", "_", "*", "<b>", "\\", "\n"]


@given(st.lists(st.sampled_from(PIECES), min_size=1).map("".join))
def test_a_line_without_other_marks_than_bold_is_the_same_without_the_parser(text: str) -> None:
    parsed = markdown.render_html(text.lstrip("# ")).strip().removeprefix("<p>").removesuffix("</p>")
    assert templates._html_line(text) == parsed


def test_bold_within_words_takes_linear_time_in_a_line_with_another_mark() -> None:
    def render(words: int) -> None:
        templates._html_line(f"{'**학습**을' * words} & 끝")

    growth.assert_growth(lambda: render(8), lambda: render(11), limit=10)
