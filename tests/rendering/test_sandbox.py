"""Templates that never end or grow without bound are given up, and the bundled wording takes their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.rendering import templates
from bot.rendering.templates import OutputFormat, Templates
from tests.rendering.test_templates import VALUES

RUNAWAYS = {
    "nested loops": "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
    "a long loop with text": "{% for a in range(9000) %}" + "x" * 999 + "{% endfor %}",
    "a loop over a generator": "{% for a in range(99999)|map('string') %}{% endfor %}",
    "a recursive loop": "{% for a in [1] recursive %}{{ loop(range(9999)) }}{% endfor %}",
    "a repetition": "{{ 'x' * 2000000000 }}",
    "a repetition of a list": "{{ ([0] * 2000000000)|length }}",
    "a power": "{{ 10 ** (10 ** 9) }}",
    "a width": "{{ '%2000000000d' % 1 }}",
    "a width as an argument": "{{ '%*d' % (2000000000, 1) }}",
    "a width in a filter": "{{ '%2000000000d'|format(1) }}",
    "a width in a method": "{{ '{:2000000000}'.format(1) }}",
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
    "a block that shows itself": "{{ self.headline() }}",
}


@pytest.mark.parametrize("source", RUNAWAYS.values(), ids=RUNAWAYS.keys())
def test_a_template_that_never_ends_is_replaced_by_the_bundled_one(tmp_path: Path, source: str) -> None:
    (tmp_path / "daily.en.j2").write_text(
        "{% block headline %}" + source + "{% endblock %}", encoding="utf-8"
    )
    templates = Templates(tmp_path)
    assert templates.render_block("daily", "headline", "en", VALUES) == "Papers of February 12, 2025"
    (problem,) = templates.rendering_problems
    assert problem.location.endswith("daily.en.j2")
    assert problem.message


def test_the_reason_names_the_limit_and_the_line(tmp_path: Path) -> None:
    text = "\n{% block headline %}{% for a in range(9999) %}\n{% for b in range(9999) %}{% endfor %}{% endfor %}{% endblock %}"
    (tmp_path / "daily.en.j2").write_text(text, encoding="utf-8")
    templates = Templates(tmp_path)
    templates.render_block("daily", "headline", "en", VALUES)
    (problem,) = templates.rendering_problems
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


@pytest.mark.parametrize(
    ("source", "text"),
    [
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
        ("{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m('a') ~ m('b') }}", "[a][b]"),
    ],
)
def test_ordinary_templates_render_as_in_jinja2(source: str, text: str) -> None:
    environment = templates.BoundedEnvironment(max_steps=100, max_characters=1_000)
    template = environment.from_string(source)
    with environment.rendering():
        assert template.render() == text
