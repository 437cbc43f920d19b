"""The payloads that the fake Discord refuses as Discord does: its limits outside of the schema, and the schema."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fake_discord import validation, wire


def texts(*contents: str) -> dict[str, Any]:
    return {"flags": 1 << 15, "components": [{"type": 10, "content": content} for content in contents]}


def button(custom_id: str) -> dict[str, Any]:
    return {"type": 1, "components": [{"type": 2, "style": 1, "label": "x", "custom_id": custom_id}]}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"content": "x" * 2001}, 50035),
        ({"content": ""}, 50006),
        (texts("a") | {"content": "x"}, 50035),
        (texts("a" * 2001, "b" * 2000), 50035),
        (texts(*["a"] * 41), 50035),
        (texts("가" * 3500), 0),
        ({"content": "x", "components": [button("same"), button("same")]}, 50035),
        ({"embeds": [{"description": "d" * 4000}, {"description": "d" * 2001}]}, 50035),
    ],
)
def test_a_payload_that_breaks_a_rule_outside_the_schema_is_refused(
    payload: dict[str, Any], code: int
) -> None:
    with pytest.raises(wire.ApiError) as caught:
        validation.check_message(payload)
    assert caught.value.code == code
    assert caught.value.status == (500 if code == 0 else 400)


@pytest.mark.parametrize("payload", [{"content": "x" * 2000}, texts("가" * 3100), texts(*["a"] * 40)])
def test_payloads_at_the_limits_are_allowed(payload: dict[str, Any]) -> None:
    validation.check_message(payload)


@pytest.mark.skipif(
    not validation.OPENAPI_PATH.exists(), reason="Discord's OpenAPI document is not available"
)
def test_a_payload_that_does_not_match_the_schema_is_refused() -> None:
    schemas = validation.Schemas(validation.OPENAPI_PATH)
    schemas.check("MessageCreateRequest", texts("fine") | {"nonce": "abc", "enforce_nonce": True})
    long_label = button("x")
    long_label["components"][0]["label"] = "l" * 81
    for invalid in (long_label, {"type": 9, "components": [{"type": 10, "content": "no accessory"}]}):
        with pytest.raises(wire.ApiError) as caught:
            schemas.check("MessageCreateRequest", {"flags": 1 << 15, "components": [invalid]})
        assert caught.value.code == 50035
