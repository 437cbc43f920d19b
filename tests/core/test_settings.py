"""The addresses in the settings."""

from __future__ import annotations

import pydantic
import pytest

from bot.core.settings import Settings


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:11434/v1",
        "http://[::1]:8000/v1",
        "https://gateway.example/v1/workers-ai/@cf/meta",  # an @ in a path is not behind a user
    ],
)
def test_the_address_of_an_api_may_have_any_path(address: str) -> None:
    settings = Settings.model_validate({"writer_url": address, "writer_model": "m"})
    assert settings.writer_url is not None


@pytest.mark.parametrize(
    "address",
    [
        "https://me:Gehe1m@api.example/v1",
        "https://me:Gehe1m/2@api.example/v1",
        "https://Gehe1m@api.example",
        "https://api.example/v1?key=Gehe1m",
        "https://api.example/v1#Gehe1m",
        "api.example/Gehe1m",
    ],
)
def test_the_address_of_an_api_with_a_user_or_a_query_is_refused(address: str) -> None:
    with pytest.raises(pydantic.ValidationError, match="not the address of an API") as caught:
        Settings.model_validate({"writer_url": address, "writer_model": "m"})
    assert "Gehe1m" not in caught.value.errors()[0]["msg"]
