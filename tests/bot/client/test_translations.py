"""The interface's texts: the same keys in both languages, none missing, none unused, and commands within Discord's limits."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import discord
import pytest
from discord import app_commands
from discord.ext import commands as ext_commands
from fluent.syntax import FluentParser
from fluent.syntax import ast as ftl

import bot.client
from bot.client import translations
from storage import models
from tests.support.client_harness import World

CLIENT = Path(bot.client.__file__).parent
COMMAND_NAME = re.compile(r"[-_\w]{1,32}")


def _messages(name: str) -> dict[str, ftl.Message]:
    parsed = FluentParser().parse(translations.read_source(name))
    assert not [entry for entry in parsed.body if isinstance(entry, ftl.Junk)]
    entries = [entry for entry in parsed.body if isinstance(entry, ftl.Message)]
    assert len({entry.id.name for entry in entries}) == len(entries), "a key stands twice"
    return {entry.id.name: entry for entry in entries}


def _variables(message: ftl.Message) -> set[str]:
    found: set[str] = set()

    def visit(node: Any) -> None:
        if isinstance(node, ftl.VariableReference):
            found.add(node.id.name)
        for child in vars(node).values() if isinstance(node, ftl.BaseNode) else ():
            for one in child if isinstance(child, list) else [child]:
                visit(one)

    visit(message)
    return found


def _trees() -> Iterator[ast.Module]:
    for path in CLIENT.rglob("*.py"):
        yield ast.parse(path.read_text(encoding="utf-8"))


def test_both_languages_have_the_same_keys_with_the_same_values_in_them() -> None:
    english, korean = _messages("en"), _messages("ko")
    assert english.keys() == korean.keys()
    for key in english:
        # A language may do without a number that the other has to inflect by, but cannot know one that it isn't given.
        assert _variables(korean[key]) <= _variables(english[key]) | {"count"}, key


def test_no_key_is_unused() -> None:
    literals: set[str] = set()
    beginnings: set[str] = set()
    for tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                literals.add(node.value)
                if re.fullmatch(r"[a-z-]+-", node.value):
                    beginnings.add(node.value)
    unused = [
        key
        for key in _messages("en")
        if key not in literals and not any(key.startswith(beginning) for beginning in beginnings)
    ]
    assert unused == []


def test_no_key_is_missing() -> None:
    known = _messages("en")
    asked = {
        node.args[0].value
        for tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
        and getattr(node.func, "attr", getattr(node.func, "id", ""))
        in ("words", "texts", "ui_texts", "UserError")
    }
    assert len(asked) > 100
    assert asked - known.keys() == set()


@pytest.mark.parametrize("locale", list(models.Locale))
def test_a_missing_argument_is_an_error_and_not_a_hole_in_a_sentence(locale: models.Locale) -> None:
    words = translations.load().for_locale(locale)
    with pytest.raises(ValueError, match="shared-by"):
        words("shared-by")


@pytest.mark.parametrize("locale", list(models.Locale))
def test_every_reason_that_something_stands_still_has_its_sentence(locale: models.Locale) -> None:
    from bot.services.posts.contents import Reason

    words = translations.load().for_locale(locale)
    assert all(words.find(f"reason-{reason.value}") for reason in Reason)


async def test_every_command_option_and_choice_is_named_and_described_in_korean(english_world: World) -> None:
    tree = english_world.bot.tree
    assert tree.translator is not None
    payloads = [
        await command.get_translated_payload(tree, tree.translator) for command in tree.get_commands()
    ]
    for place, node in _nodes(payloads):
        for kind in ("name", "description"):
            if kind in node:
                translated = node.get(f"{kind}_localizations") or {}
                assert translated.get("ko"), f"{kind} of {place}"
                assert translated["ko"] != node[kind] or kind == "name", f"{kind} of {place}"


async def test_names_and_descriptions_are_within_discords_limits(english_world: World) -> None:
    tree = english_world.bot.tree
    assert tree.translator is not None
    assert len(tree.get_commands()) <= 100
    for command in tree.get_commands():
        payload = await command.get_translated_payload(tree, tree.translator)
        longest = 0
        for place, node in _nodes([payload]):
            names = [node["name"], *(node.get("name_localizations") or {}).values()]
            described = [node["description"]] if "description" in node else []
            described += (node.get("description_localizations") or {}).values()
            if "value" not in node:
                assert all(COMMAND_NAME.fullmatch(name) and name == name.lower() for name in names), place
            assert all(1 <= len(text) <= 100 for text in names + described), place
            longest += max(map(len, names)) + max(map(len, described), default=0)
        assert longest <= 8000


def _nodes(payloads: list[dict[str, Any]], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for payload in payloads:
        place = f"{above}/{payload['name']}"
        yield place, payload
        yield from _nodes(payload.get("options") or [], place)
        yield from _nodes(payload.get("choices") or [], place)


def test_no_korean_text_of_the_commands_is_left_over() -> None:
    used = _keys_of_commands()
    messages = _messages("ko.commands")
    known = {
        f"{name}.{attribute.id.name}"
        for name, message in messages.items()
        for attribute in message.attributes
    }
    assert known - used == set()


def _keys_of_commands() -> set[str]:
    from bot.client.bot import COGS

    keys: set[str] = set()
    for cog in COGS:
        commands = list(cog.__cog_app_commands__)
        name = str(cog.__cog_group_name__) if issubclass(cog, ext_commands.GroupCog) else ""
        if name:
            keys |= {f"{name}.name", f"{name}.description"}
        for command in commands:
            assert isinstance(command, app_commands.Command)
            path = f"{name}-{command.name}" if name else command.name
            keys |= {f"{path}.name", f"{path}.description"}
            for option in command.parameters:
                slug = option.name.replace("_", "-")
                keys |= {f"{path}.option-{slug}", f"{path}.option-{slug}-description"}
                keys |= {f"choice.{str(choice.value).replace(',', '-')}" for choice in option.choices}
    return keys


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (discord.Locale.korean, models.Locale.KO),
        (discord.Locale.american_english, models.Locale.EN),
        (discord.Locale.british_english, models.Locale.EN),
        (discord.Locale.french, None),
    ],
)
def test_discords_locales_are_ours_or_none(theirs: discord.Locale, ours: models.Locale | None) -> None:
    assert translations.from_discord_locale(theirs) is ours
