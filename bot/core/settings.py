"""The settings: from the environment, `.env`, `paperround.toml` and defaults, in this order of precedence.

Nothing is read at import; `load()` reads the settings, `setting_origins()` says where each value came from.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from bot.core import day_close, errors
from storage import models

TOML_FILE = "paperround.toml"
ENV_FILE = ".env"
WRITTEN_FORMATS = (models.DigestFormat.NEWSLETTER, models.DigestFormat.REVIEW)
"""The formats that a writer can write."""
LOG_LEVELS = ("debug", "info", "warning", "error")


MAX_PORT = 65535


def _setting(name: str, env: str | None = None, **options: Any) -> Any:
    """Return a field named `env` in the environment and `name` in `paperround.toml`."""
    return Field(validation_alias=AliasChoices(env or f"PAPERROUND_{name.upper()}", name), **options)


def _split_list(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _check_list(value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{value!r} is not a list of texts")
    return value


class SourceSetting(pydantic.BaseModel):
    """A `[[sources]]` table of `paperround.toml`: the same as one `paperround sources add`."""

    model_config = pydantic.ConfigDict(extra="forbid")

    url: str
    kind: models.SourceKind | None = None
    language: models.Locale | None = None
    priority: int = 0
    options: dict[str, str | int | bool] = {}


class Settings(BaseSettings):
    """The settings in force. Time zones are IANA names; lists are comma-separated in the environment."""

    model_config = SettingsConfigDict(
        extra="ignore",
        frozen=True,
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        toml_file=TOML_FILE,
        case_sensitive=False,
    )

    discord_token: SecretStr | None = _setting("discord_token", "DISCORD_TOKEN", default=None)
    database_url: str = _setting("database_url", default="sqlite+aiosqlite:///paperround.db")
    discord_api_url: str | None = _setting("discord_api_url", default=None)
    discord_gateway_url: str | None = _setting("discord_gateway_url", default=None)
    inbox: Path | None = _setting("inbox", default=None)
    fetch_allow: Annotated[tuple[str, ...], NoDecode] = _setting("fetch_allow", default=())
    fetch_proxy: str | None = _setting("fetch_proxy", default=None)
    hf_endpoint: str = _setting("hf_endpoint", "HF_ENDPOINT", default="https://huggingface.co")
    arxiv_url: str = _setting("arxiv_url", default="https://export.arxiv.org/api/query")
    arxiv_rss_url: str = _setting("arxiv_rss_url", default="https://rss.arxiv.org/rss")
    arxiv_oai_url: str = _setting("arxiv_oai_url", default="https://oaipmh.arxiv.org/oai")
    arxiv_html_url: Annotated[tuple[str, ...], NoDecode] = _setting(
        "arxiv_html_url", default=("https://arxiv.org/html", "https://ar5iv.labs.arxiv.org/html")
    )
    templates: Path | None = _setting("templates", default=None)
    everyday_words: Path | None = _setting("everyday_words", default=None)
    locale: Literal["en", "ko"] = _setting("locale", default="en")
    timezone: str = _setting("timezone", default="UTC")
    day_closes: str = _setting("day_closes", default=day_close.DEFAULT_SETTING)
    days_off: Annotated[tuple[str, ...], NoDecode] = _setting("days_off", default=())
    http: str | None = _setting("http", default=None)
    interactions: str | None = _setting("interactions", default=None)
    public_key: str | None = _setting("public_key", default=None)
    web: str | None = _setting("web", default=None)
    mcp_token: SecretStr | None = _setting("mcp_token", default=None)
    heartbeat_url: SecretStr | None = _setting("heartbeat_url", default=None)
    log: str = _setting("log", default="console")
    operator_channel: int | None = _setting("operator_channel", default=None, ge=1, lt=1 << 63)
    expire_hours: int = _setting("expire_hours", default=24, ge=1, le=168)
    alert_days: int = _setting("alert_days", default=3, ge=1, le=30)
    keep_days: int = _setting("keep_days", default=90, ge=35, le=3650)
    keep_server_days: int = _setting("keep_server_days", default=30, ge=1, le=3650)
    writer_url: str | None = _setting("writer_url", default=None)
    writer_model: str | None = _setting("writer_model", default=None)
    writer_key: SecretStr | None = _setting("writer_key", default=None)
    writer_formats: Annotated[tuple[models.DigestFormat, ...], NoDecode] = _setting(
        "writer_formats", default=()
    )
    writer_language: models.Locale | None = _setting("writer_language", default=None)
    writer_daily_tokens: int | None = _setting("writer_daily_tokens", default=None, ge=1)
    writer_monthly_tokens: int | None = _setting("writer_monthly_tokens", default=None, ge=1)
    writer_minutes: int = _setting("writer_minutes", default=120, ge=30, le=720)
    sources: Annotated[tuple[SourceSetting, ...], NoDecode] = _setting("sources", default=())

    @property
    def writes_digests(self) -> bool:
        """Whether the running bot writes digests: a model is named, or a format for extracts."""
        return self.writer_url is not None or bool(self.writer_formats)

    @field_validator("days_off", mode="before")
    @classmethod
    def _split_items(cls, value: Any) -> Any:
        return tuple(_split_list(value)) if isinstance(value, str) else tuple(_check_list(value))

    @field_validator("fetch_allow", mode="before")
    @classmethod
    def _split_hosts(cls, value: Any) -> Any:
        return tuple(_split_list(value.lower())) if isinstance(value, str) else value

    @field_validator("sources", mode="before")
    @classmethod
    def _split_sources(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith(("[", "{")):
            raise ValueError(f"write addresses separated by blanks, or [[sources]] tables in {TOML_FILE}")
        # Commas stand in addresses, such as arxiv:cs.CL,cs.LG.
        return [{"url": address} for address in value.split()]

    @field_validator("arxiv_html_url", mode="before")
    @classmethod
    def _split_addresses(cls, value: Any) -> Any:
        value = tuple(_split_list(value)) if isinstance(value, str) else _check_list(value)
        for address in value:
            if not str(address).startswith(("http://", "https://")):
                raise ValueError(f"{address!r} is not a web address. Example: https://arxiv.org/html")
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: Any, info: pydantic.ValidationInfo) -> Any:
        if isinstance(value, bool):
            raise ValueError("true and false are not values of it")
        is_optional = cls.model_fields[str(info.field_name)].default is None
        return None if is_optional and isinstance(value, str) and not value.strip() else value

    @field_validator("writer_formats", mode="before")
    @classmethod
    def _split_formats(cls, value: Any) -> Any:
        names = value if isinstance(value, str) else ",".join(map(str, _check_list(value)))
        formats = tuple(dict.fromkeys(_split_list(names.lower())))
        if not set(formats) <= {*WRITTEN_FORMATS}:
            raise ValueError(f"use {', '.join(WRITTEN_FORMATS)} or one of them")
        return formats

    @field_validator("heartbeat_url")
    @classmethod
    def _check_heartbeat_url(cls, value: SecretStr | None) -> SecretStr | None:
        # The value is not quoted: such addresses hold a key.
        if value is not None and not value.get_secret_value().startswith(("http://", "https://")):
            raise ValueError("this is not a web address. Example: https://example.org/ping/KEY")
        return value

    @field_validator("writer_url")
    @classmethod
    def _check_writer_url(cls, value: str | None) -> str | None:
        # The value is not quoted: it may hold a password.
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("this is not the address of an API. Example: http://127.0.0.1:11434/v1")
        return value

    @pydantic.model_validator(mode="after")
    def _check_writer_model(self) -> Settings:
        if self.writer_url is not None and self.writer_model is None:
            raise ValueError("PAPERROUND_WRITER_URL needs PAPERROUND_WRITER_MODEL, the name of the model")
        return self

    @field_validator("timezone")
    @classmethod
    def _check_timezone(cls, value: str) -> str:
        try:
            zoneinfo.ZoneInfo(value)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{value!r} is not an IANA time zone. Example: Asia/Seoul") from None
        return value

    @field_validator("day_closes")
    @classmethod
    def _check_day_closes(cls, value: str) -> str:
        day_close.parse(value)
        return value

    @field_validator("fetch_proxy")
    @classmethod
    def _check_proxy(cls, value: str | None) -> str | None:
        # The value is not quoted: it may hold a password.
        scheme, separator, rest = (value or "http://x").partition("://")
        host, _, port = rest.rstrip("/").rpartition("@")[2].partition(":")
        if scheme not in ("http", "https") or not separator or not host or (port and not port.isdecimal()):
            raise ValueError(
                "this is not the address of a proxy. Example: http://user:password@proxy.example:3128"
            )
        return value

    @field_validator("http", "web", "interactions")
    @classmethod
    def _check_http_address(cls, value: str | None) -> str | None:
        parse_address(value or ":0")
        return value

    @field_validator("log")
    @classmethod
    def _check_log(cls, value: str) -> str:
        parse_log(value)
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes it by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources in order of precedence."""
        return (init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls))


def parse_address(value: str) -> tuple[str, int]:
    """Split `host:port`; the host of `:port`, or of a port alone, is "". Raises ValueError."""
    host, _, port = value.rpartition(":")
    try:
        host.strip("[]").encode("idna")  # as listening does
    except UnicodeError:
        port = ""
    if not port.isdecimal() or len(port) > 5 or int(port) > MAX_PORT:
        raise ValueError(f"{value!r} is not an address. Example: 127.0.0.1:9464")
    return host.strip("[]"), int(port)


def parse_log(value: str) -> tuple[str, str]:
    """Split `json:debug` into format and level, by default `info`. Raises ValueError."""
    style, _, level = value.replace(",", ":").partition(":")
    style, level = style.strip().lower(), level.strip().lower() or "info"
    if style not in {"console", "json"} or level not in LOG_LEVELS:
        raise ValueError(
            f"{value!r} is not a log setting. Use console or json, with a level as in json:debug"
        )
    return style, level


def load() -> Settings:
    """Load the settings. Raises bot.core.errors.UsageError that names each invalid setting."""
    try:
        return Settings()
    except pydantic.ValidationError as error:
        lines = [_format_error(problem) for problem in error.errors()]
        raise errors.UsageError("\n".join(lines)) from None
    except SettingsError as error:
        raise errors.UsageError(_format_unread(error)) from None
    except tomllib.TOMLDecodeError as error:
        raise errors.UsageError(f"{TOML_FILE} is not valid TOML: {error}") from None
    except RecursionError:
        raise errors.UsageError(
            f"A setting in the environment, {ENV_FILE} or {TOML_FILE} is nested too deeply."
        ) from None
    except UnicodeDecodeError as error:
        raise errors.UsageError(f"{ENV_FILE} or {TOML_FILE} is not UTF-8: {error}") from None


def _format_unread(error: SettingsError) -> str:
    """Return the sentence about a text of the environment that is not the JSON of its field, which the error quotes."""
    [name] = re.findall(r'field "(\w+)"', str(error)) or ["settings"]
    return f"{setting_name(name)}: this is not JSON. Change it in the environment or {ENV_FILE}."


def _format_error(problem: Mapping[str, Any]) -> str:
    name = setting_name(str(problem["loc"][0])) if problem["loc"] else "settings"
    rest = "".join(f"[{part}]" for part in problem["loc"][1:])
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{name}{rest}: {message}. Change it in the environment, {ENV_FILE} or {TOML_FILE}."


def setting_name(field_or_alias: str) -> str:
    """Return the environment name of a setting."""
    for name, field in Settings.model_fields.items():
        choices = (
            field.validation_alias.choices if isinstance(field.validation_alias, AliasChoices) else [name]
        )
        if field_or_alias in (name, *choices):
            return str(choices[0])
    return field_or_alias


def setting_origins() -> dict[str, str]:
    """Return the origin of each setting's value, by environment name."""
    sources = [(origin, set(source())) for origin, source in _read_sources().items()]
    origins = {}
    for name in Settings.model_fields:
        label = setting_name(name)
        keys = {name, label, label.lower()}
        origins[label] = next((origin for origin, found in sources if keys & found), "default")
    return origins


def _read_sources() -> dict[str, EnvSettingsSource | TomlConfigSettingsSource]:
    """Return where settings come from by name, in order of precedence."""
    return {
        "environment": EnvSettingsSource(Settings),
        ENV_FILE: DotEnvSettingsSource(Settings, env_file=ENV_FILE),
        TOML_FILE: TomlConfigSettingsSource(Settings),
    }


_PREFIX = "PAPERROUND_"
_MAX_NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class UnknownSetting:
    """A name like a setting's whose value is ignored; `nearest` is the setting that was perhaps meant, or ""."""

    name: str
    origin: str
    nearest: str

    def describe(self) -> str:
        """Return a sentence for an operator."""
        perhaps = f" Perhaps {self.nearest} is meant." if self.nearest else ""
        return f"{self.name} is not a setting; its value is ignored.{perhaps}"


def find_unknown() -> list[UnknownSetting]:
    """Return the names with the prefix of settings, and all names in `paperround.toml`, that are not settings."""
    labels = [setting_name(name) for name in Settings.model_fields]
    unknown = []
    for origin, source in _read_sources().items():
        if isinstance(source, TomlConfigSettingsSource):
            names, known = [*source.toml_data], [*Settings.model_fields, *labels]
        else:
            names, known = [name.upper() for name in source.env_vars], labels
            names = [name for name in names if name.startswith(_PREFIX)]
        for name in sorted(set(names) - set(known)):
            shown = name[:_MAX_NAME_LENGTH]
            # The prefix, which all names share, would make any two of them similar.
            by_rest = {label.removeprefix(_PREFIX): label for label in known}
            near = difflib.get_close_matches(shown.removeprefix(_PREFIX), by_rest, n=1)
            unknown.append(UnknownSetting(shown, origin, "".join(by_rest[rest] for rest in near)))
    return unknown
