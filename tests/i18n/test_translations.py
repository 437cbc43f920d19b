"""Interface texts: both languages have the same keys, all used; commands stay within Discord's limits."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fluent.syntax import FluentParser
from fluent.syntax import ast as ftl

import bot
from bot.client import translations
from bot.i18n import texts as i18n_texts
from storage import models
from tests.support.client_harness import ClientHarness

BOT = Path(bot.__file__).parent
COMMAND_NAME = re.compile(r"[-_\w]{1,32}")


def _messages(locale: models.Locale) -> dict[str, ftl.Message]:
    parsed = FluentParser().parse(i18n_texts.read_source(locale))
    assert not [entry for entry in parsed.body if isinstance(entry, ftl.Junk)]
    entries = [entry for entry in parsed.body if isinstance(entry, ftl.Message)]
    assert len({entry.id.name for entry in entries}) == len(entries), "duplicate key"
    return {entry.id.name: entry for entry in entries}


def _variables(message: ftl.Message) -> set[str]:
    names: set[str] = set()

    def visit(node: Any) -> None:
        if isinstance(node, ftl.VariableReference):
            names.add(node.id.name)
        for child in vars(node).values() if isinstance(node, ftl.BaseNode) else ():
            for nested in child if isinstance(child, list) else [child]:
                visit(nested)

    visit(message)
    return names


@pytest.fixture(scope="module")
def nodes() -> tuple[ast.AST, ...]:
    """All syntax nodes of the code."""
    paths = (*BOT.rglob("*.py"), *(BOT.parent / "storage").rglob("*.py"))
    return tuple(node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@pytest.mark.promise
def test_both_languages_have_the_same_keys_and_variables() -> None:
    english, korean = _messages(models.Locale.EN), _messages(models.Locale.KO)
    assert english.keys() == {key for key in korean if not key.startswith("command-")}
    for key in english:
        # Only `count`, for plurals, and `match`, for particles after lists, may be used in just one language.
        assert _variables(korean[key]) ^ _variables(english[key]) <= {"count", "match"}, key
        names = [[name.id.name for name in text[key].attributes] for text in (english, korean)]
        assert names[0] == names[1], key


@pytest.mark.parametrize(
    "pattern",
    [
        # "네이버"(으)로 reads as a form letter, and 이/가 behind a quoted name is right for half of the names.
        r"\}[”*]*(?:\([은이을과으]|”(?:은|는|이|가|을|를|과|와|로|으로|라는|이라는)[ .])",
        # Markdown does not close bold between a sign and a letter: the asterisks of **왜?**처럼 are shown.
        r"\*\*[^*\n]*[?!.,)”]\*\*[가-힣]",
    ],
    ids=["depends on a typed name", "follows bold that ends in a sign"],
)
def test_no_korean_particle(pattern: str) -> None:
    assert re.findall(pattern, i18n_texts.read_source(models.Locale.KO)) == []


def test_no_key_is_unused(nodes: tuple[ast.AST, ...]) -> None:
    literals: set[str] = set()
    prefixes: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            literals.add(node.value)
            if re.fullmatch(r"[a-z-]+-", node.value):
                prefixes.add(node.value)
    unused = [
        key
        for key in _messages(models.Locale.EN)
        if key not in literals and not any(key.startswith(prefix) for prefix in prefixes)
    ]
    assert unused == []


def _used_keys(expression: ast.expr) -> Iterator[str]:
    """Yield the keys that an expression may evaluate to; for an f-string, its start and `*`."""
    match expression:
        case ast.Constant(value=str(key)):
            yield key
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*_used_keys(body), *_used_keys(orelse))
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), *_]):
            yield f"{start}*"


@pytest.mark.promise
def test_no_key_is_missing(nodes: tuple[ast.AST, ...]) -> None:
    """Checks keys passed to a text function, a UserError or a UsageError, and keys in tables of exceptions."""
    used: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in ("texts", "ui_texts", "UserError"):
                used.update(_used_keys(node.args[0]))
            elif name in ("UsageError", "DuplicateError", "BusyError") and node.args[1:]:
                used.update(_used_keys(node.args[1]))
        elif isinstance(node, ast.Dict):
            for kind, value in zip(node.keys, node.values, strict=True):
                if isinstance(kind, ast.Name | ast.Attribute) and ast.unparse(kind).endswith("Error"):
                    used.update(_used_keys(value))
    messages = _messages(models.Locale.EN)
    known = set(messages) | {
        f"{key}.{attribute.id.name}" for key, message in messages.items() for attribute in message.attributes
    }
    starts = {key for key in used if key.endswith("*")}
    assert len(used) > 100
    assert "saved-import-no-ids" in used, "a table of exceptions"
    assert used - starts - known == set()
    assert {start for start in starts if not any(key.startswith(start[:-1]) for key in known)} == set()


@pytest.mark.promise
@pytest.mark.parametrize("locale", list(models.Locale))
def test_missing_argument_raises_an_error(locale: models.Locale) -> None:
    texts = i18n_texts.for_locale(locale)
    with pytest.raises(ValueError, match="shared-by"):
        texts("shared-by")


@pytest.mark.parametrize("locale", list(models.Locale))
def test_every_reason_has_a_text(locale: models.Locale) -> None:
    texts = i18n_texts.for_locale(locale)
    assert all(texts.find(f"reason-{reason.value}") for reason in models.Reason)


@pytest.mark.promise
async def test_every_command_has_korean_texts_that_fit_discords_limits(
    harness: ClientHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, asked, command_key = harness.bot.tree, set(), translations.command_key

    def note(*arguments: Any) -> str:
        asked.add(key := command_key(*arguments))
        return key

    monkeypatch.setattr(translations, "command_key", note)
    assert tree.translator is not None
    assert len(tree.get_commands()) <= 100
    for command in tree.get_commands():
        payload = await command.get_translated_payload(tree, tree.translator)
        _check_limits(payload)
        for path, node in _nodes([payload]):
            for kind in ("name", "description"):
                if kind in node:
                    translated = node.get(f"{kind}_localizations") or {}
                    assert translated.get("ko"), f"{kind} of {path}"
                    assert translated["ko"] != node[kind] or kind == "name", f"{kind} of {path}"
    known = {
        f"{name}.{attribute.id.name}"
        for name, message in _messages(models.Locale.KO).items()
        if name.startswith("command-")
        for attribute in message.attributes
    }
    assert known - asked == set()


def _check_limits(payload: dict[str, Any]) -> None:
    total = 0
    for path, node in _nodes([payload]):
        names = [node["name"], *(node.get("name_localizations") or {}).values()]
        descriptions = [node["description"]] if "description" in node else []
        descriptions += (node.get("description_localizations") or {}).values()
        if "description" in node:  # message menus and choices are limited only in length
            assert all(COMMAND_NAME.fullmatch(name) and name == name.lower() for name in names), path
        assert all(1 <= len(text) <= 100 for text in names + descriptions), path
        total += max(map(len, names)) + max(map(len, descriptions), default=0)
    assert total <= 8000


def _nodes(payloads: list[dict[str, Any]], parent: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for payload in payloads:
        path = f"{parent}/{payload['name']}"
        yield path, payload
        yield from _nodes(payload.get("options") or [], path)
        yield from _nodes(payload.get("choices") or [], path)
