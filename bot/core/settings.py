"""Settings from the environment, `.env`, `paperround.toml` and defaults, in this order of precedence.

Nothing is read on import.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_origin
from urllib.parse import quote, unquote_to_bytes, urlsplit

import pydantic
from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from bot.core import clock, day_close, files
from storage import errors, models

TOML_FILE = "paperround.toml"
ENV_FILE = ".env"
WRITTEN_FORMATS = (models.DigestFormat.NEWSLETTER, models.DigestFormat.REVIEW)
"""The formats that the writer can write."""
LOG_LEVELS = ("debug", "info", "warning", "error")


class _TomlSource(TomlConfigSettingsSource):
    """The settings file, which may start with a byte order mark."""

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        try:
            return tomllib.loads(file_path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"))
        except UnicodeDecodeError:
            raise errors.UsageError(f"{file_path} is not UTF-8. Save it as UTF-8.") from None
        except ValueError as error:
            raise errors.UsageError(f"{file_path} is not valid TOML: {error}.") from None


def _read_files(variables: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return variables (in lower case) in which the content of the file NAME_FILE is the value of NAME.

    A list may have several lines. Raises ValueError if both are there, and UsageError if a file has no value.
    """
    given = dict(variables)
    for field, about in Settings.model_fields.items():
        label = setting_name(field)
        name, path = label.lower(), given.pop(f"{label.lower()}_file", None)
        if not path:
            continue
        if given.get(name):
            raise ValueError(f"{label} and {label}_FILE are both set. Remove one of them.")
        is_list = get_origin(about.annotation) is tuple
        given[name] = files.read_value(_unquote(path), f"{label}_FILE", has_lines=is_list)
    return given


class _EnvironmentSource(EnvSettingsSource):
    def _load_env_vars(self) -> Mapping[str, str | None]:
        return _read_files(super()._load_env_vars())


class _DotEnvSource(DotEnvSettingsSource):
    def _load_env_vars(self) -> Mapping[str, str | None]:
        return _read_files(super()._load_env_vars())


HIDDEN_HEALTH = (
    "/health and /metrics are not served: PAPERROUND_HTTP is the address of the web archive, which is public. Give them another"
    " port, or set PAPERROUND_METRICS=public."
)
MAX_PORT = 65535
_PREFIX = "PAPERROUND_"
_UNPREFIXED = ("DISCORD_TOKEN", "HF_ENDPOINT", "SENTRY_DSN")
"""The names that are read without the prefix. Other unprefixed names may belong to other programs."""


def _unquote(text: str) -> str:
    """Return a text without one pair of quotes around it, which `docker run --env-file` keeps."""
    stripped = text.strip()
    quote = stripped[:1]
    is_quoted = len(stripped) > 1 and quote in ("'", '"') and stripped.find(quote, 1) == len(stripped) - 1
    return stripped[1:-1].strip() if is_quoted else stripped


def _split_texts(value: Any) -> Any:
    """Split a text at commas; return a list unchanged."""
    if isinstance(value, str):
        return tuple(_unquote(item) for item in value.split(",") if _unquote(item))
    if not isinstance(value, list | tuple):
        raise ValueError(f"{value!r} is not a list of strings")
    return value


def _split_formats(value: Any) -> Any:
    formats = tuple(dict.fromkeys(str(item).strip().lower() for item in _split_texts(value)))
    if not set(formats) <= {*WRITTEN_FORMATS}:
        raise ValueError(f"use {', '.join(WRITTEN_FORMATS)} or {','.join(WRITTEN_FORMATS)}")
    return formats


def _split_sources(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith(("[", "{")):
        raise ValueError(f"write addresses separated by spaces, or [[sources]] tables in {TOML_FILE}")
    # Addresses may contain commas: arxiv:cs.CL,cs.LG.
    return [{"url": address} for address in value.split()]


def _checked(check: Callable[[Any], object]) -> pydantic.AfterValidator:
    """Return a validator that calls `check` unless the value is None. `check` may raise ValueError."""

    def validate(value: Any) -> Any:
        if value is not None:
            check(value)
        return value

    return pydantic.AfterValidator(validate)


def _check_zone(name: str) -> None:
    try:
        clock.load_zone(name)
    except ValueError as error:
        raise ValueError(f"{error}. Example: Asia/Seoul") from None


def _web_address(example: str, *, is_api: bool = False) -> pydantic.AfterValidator:
    """Return a validator for web addresses. Its message does not quote the address, which may contain a password.

    That of an API has neither user nor query, so that paths can be appended to it.
    """

    def check(value: str | SecretStr) -> None:
        address = value.get_secret_value() if isinstance(value, SecretStr) else value
        rule = f"not a web address. Example: {example}"
        try:
            parts = urlsplit(address)
            is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_valid = False
        if not is_valid or address.split() != [address]:
            raise ValueError(rule)
        if is_api and (parts.username is not None or "?" in address or "#" in address):
            raise ValueError(f"{rule} (without a user, a password or a query: a key is a setting of its own)")

    return _checked(check)


def _encode_user(address: str) -> str:
    """Return a proxy's address so that aiohttp, which sends user and password in Latin-1, sends them as bytes of UTF-8."""
    parts = urlsplit(address)
    given, at, host = parts.netloc.rpartition("@")
    sent = (quote(unquote_to_bytes(part).decode("latin-1"), safe="") for part in given.split(":", 1))
    return parts._replace(netloc=f"{':'.join(sent)}{at}{host}").geturl()


def parse_address(value: str) -> tuple[str, int]:
    """Split `host:port`. The host of `:port` or of a bare port is "". Raises ValueError."""
    host, _, port = value.rpartition(":")
    try:
        host.strip("[]").encode("idna")  # fails here rather than when the server starts
    except UnicodeError:
        port = ""
    if not port.isdecimal() or len(port) > 5 or int(port) > MAX_PORT:
        raise ValueError(f"{value!r} is not an address. Example: 127.0.0.1:9464")
    return host.strip("[]"), int(port)


def check_library(value: str) -> None:
    """Raise ValueError unless a text names a library of Zotero, such as `groups/12345`."""
    kind, _, number = value.partition("/")
    if kind not in ("groups", "users") or not (number.isascii() and number.isdecimal()):
        raise ValueError(f"{value!r} is not a library. Use groups/NUMBER or users/NUMBER")


def parse_log(value: str) -> tuple[str, str]:
    """Split a setting such as `json:debug` into format and level (default `info`). Raises ValueError."""
    style, _, level = value.replace(",", ":").partition(":")
    style, level = style.strip().lower(), level.strip().lower() or "info"
    if style not in {"console", "json"} or level not in LOG_LEVELS:
        raise ValueError(
            f"{value!r} is not a log setting. Use console or json, with a level as in json:debug"
        )
    return style, level


_Service = Annotated[str, _web_address("https://huggingface.co")]
_Api = Annotated[str | None, _web_address("http://127.0.0.1:11434/v1", is_api=True)]
_Proxy = Annotated[
    str, _web_address("http://user:password@proxy.example:3128"), pydantic.AfterValidator(_encode_user)
]
_List = pydantic.BeforeValidator(_split_texts)
_HttpAddress = Annotated[str | None, _checked(parse_address)]


class SourceSetting(pydantic.BaseModel):
    """A `[[sources]]` table in `paperround.toml`, with the options of `paperround sources add`."""

    model_config = pydantic.ConfigDict(extra="forbid")

    url: str
    kind: models.SourceKind | None = None
    priority: int = 0
    options: dict[str, str | int | bool] = {}

    def __str__(self) -> str:
        """Return the address and the non-default options."""
        given = self.model_dump(exclude={"url"}, exclude_defaults=True, mode="json")
        return " ".join((self.url, *(f"{name}={value}" for name, value in given.items())))


class Settings(BaseSettings):
    """The settings. Time zones are IANA names; lists are comma-separated in the environment."""

    model_config = SettingsConfigDict(
        extra="ignore",
        frozen=True,
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        toml_file=TOML_FILE,
        case_sensitive=False,
        env_prefix=_PREFIX,
    )

    discord_token: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("DISCORD_TOKEN", "discord_token")
    )
    """The bot's token; only `run` needs it, and not for [webhooks](no-server.md)."""
    database_url: str = "sqlite+aiosqlite:///paperround.db"
    """A SQLite file, or `postgresql://user:password@host/name`, with `?ssl=require` for TLS (`sslmode` too); [several
    hosts](scaling.md#postgresql-with-a-replica).
    """
    upgrade: Literal["auto", "manual"] = "auto"
    """Whether `run` upgrades an older database; `manual` leaves it to `paperround db upgrade`."""
    discord_api_url: str | None = None
    """Another address of Discord's REST API, for a proxy or a local fake."""
    discord_gateway_url: str | None = None
    """Another address of Discord's Gateway."""
    proxy: _Proxy | None = None
    """An HTTP proxy for all of Discord, Gateway and webhooks too, as `PAPERROUND_FETCH_PROXY` is for sources."""
    sources: Annotated[tuple[SourceSetting, ...], NoDecode, pydantic.BeforeValidator(_split_sources)] = ()
    """Addresses, separated by spaces, such as `https://huggingface.co arxiv:cs.CL`; in `paperround.toml`
    [tables](sources.md#what-you-have-what-to-type-what-you-get).
    """
    inbox: Path | None = None
    """A folder that is a source: `run` reads new and changed digest files there every minute."""
    fetch_allow: Annotated[tuple[str, ...], NoDecode, _List] = ()
    """Hosts (`host` or `host:port`, comma separated) that may be fetched although their address is private, or
    [known to the proxy alone](sources.md#what-is-not-fetched).
    """
    fetch_proxy: _Proxy | None = None
    """An HTTP proxy for sources, such as `http://user:password@proxy.example:3128`. `HTTP_PROXY` is not read."""
    hf_endpoint: _Service = Field(
        default="https://huggingface.co", validation_alias=AliasChoices("HF_ENDPOINT", "hf_endpoint")
    )
    """Hugging Face, or a mirror."""
    arxiv_url: _Service = "https://export.arxiv.org/api/query"
    """arXiv's API, or a mirror."""
    arxiv_rss_url: _Service = "https://rss.arxiv.org/rss"
    """arXiv's feeds of new papers, `{address}/cs.CL`, or a mirror."""
    arxiv_html_url: _Service = "https://arxiv.org/html"
    """arXiv's HTML pages of papers, `{address}/{id}`, or a mirror."""
    templates: Path | None = None
    """A folder of templates that replace the bundled [wording](wording.md)."""
    locale: Literal["en", "ko"] = "en"
    """The language of channels and readers that have not chosen one: `en` or `ko`."""
    timezone: Annotated[str, _checked(_check_zone)] = "UTC"
    """Their time zone, such as `Asia/Seoul` (an IANA name)."""
    day_closes: Annotated[str, _checked(day_close.parse)] = day_close.DEFAULT_SETTING
    """When [a day's list closes](planning.md#when-a-day-is-complete): a time and an IANA zone."""
    http: _HttpAddress = None
    """An address for health and metrics, such as `127.0.0.1:9464`; `paperround healthcheck` asks there."""
    metrics: Literal["private", "public"] = "private"
    """Whether health and metrics are served at the address of the web archive too, if `PAPERROUND_HTTP` is the same: `public`, or
    `private` (they are not).
    """
    web: _HttpAddress = None
    """An address for the [web archive](web.md), such as `127.0.0.1:8080`."""
    web_url: Annotated[str | None, _web_address("https://papers.example.org")] = None
    """The public address of the web archive, such as `https://papers.example.org`, for links."""
    mcp_token: SecretStr | None = None
    """The token that [agents](web.md) send over HTTP; `paperround mcp --http` needs it."""
    heartbeat_url: Annotated[SecretStr | None, _web_address("https://example.org/ping/KEY")] = None
    """A URL that is requested every minute while this process sends and is healthy, and at the end of a
    [single run](no-server.md).
    """
    log: Annotated[str, _checked(parse_log)] = "console"
    """The form of the log, `console` or `json`, and a level as in `json:debug`."""
    sentry_dsn: Annotated[SecretStr | None, _web_address("https://KEY@sentry.example.org/1")] = Field(
        default=None, validation_alias=AliasChoices("SENTRY_DSN", "sentry_dsn")
    )
    """The address of a [Sentry](operating.md#errors) project that gets the errors; it needs the extra `sentry`."""
    operator_channel: int | None = Field(default=None, ge=1, lt=1 << 63)
    """A channel's id; it gets one notice when a source keeps failing."""
    keep_days: int = Field(default=90, ge=35, le=3650)
    """Days after which [old rows](storage.md#what-is-removed) are removed, 35 to 3650."""
    zotero_key: SecretStr | None = None
    """A key of [Zotero](web.md) that may write in the library, which gets the papers of one server's list."""
    zotero_library: Annotated[str | None, _checked(check_library)] = None
    """That library, such as `groups/12345` or `users/678`."""
    zotero_server: int | None = Field(default=None, ge=1, lt=1 << 63)
    """The id of the server whose list it gets; needed if the bot is in several."""
    zotero_url: _Service = "https://api.zotero.org"
    """Zotero's API, or another address of it."""
    writer_url: _Api = None
    """The address of an OpenAI-compatible API whose model writes digests and [answers questions](ask.md#with-a-language-model),
    such as `http://127.0.0.1:11434/v1`.
    """
    writer_model: str | None = None
    """The name of the model there."""
    writer_judge: str | None = None
    """The name of another model there that judges the sentences; by default the same model."""
    writer_key: SecretStr | None = None
    """The key of that API, if it needs one."""
    writer_formats: Annotated[
        tuple[models.DigestFormat, ...], NoDecode, pydantic.BeforeValidator(_split_formats)
    ] = ()
    """What is written: `newsletter` (the default), `review`, or both, separated by a comma; without
    `PAPERROUND_WRITER_URL`, of extracts.
    """
    writer_language: models.Locale | None = None
    """`en` or `ko`; that of `PAPERROUND_LOCALE` if not set."""
    writer_daily_tokens: int | None = Field(default=None, ge=1)
    """Tokens that the models may use in a day (UTC)."""
    writer_monthly_tokens: int | None = Field(default=None, ge=1)
    """Tokens that the models may use in a month (UTC)."""
    writer_minutes: int = Field(default=120, ge=30, le=720)
    """The writer's deadline, in minutes after the close of a day, 30 to 720: unfinished papers get extracts."""

    @property
    def hides_health(self) -> bool:
        """Whether health and metrics are not served, since their address is that of the web archive, which is public."""
        return self.http is not None and self.http == self.web and self.metrics == "private"

    @property
    def writes_digests(self) -> bool:
        """Whether the bot writes digests: a model, or a format for extracts, is configured."""
        return self.writer_url is not None or bool(self.writer_formats)

    @property
    def close_rule(self) -> day_close.DayClose:
        """The time at which a day's list closes, and how long its digest is written."""
        minutes = self.writer_minutes if self.writes_digests else 0
        return day_close.parse(self.day_closes, timedelta(minutes=minutes))

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: Any, info: pydantic.ValidationInfo) -> Any:
        if isinstance(value, bool):
            raise ValueError("must not be true or false")
        is_optional = cls.model_fields[str(info.field_name)].default is None
        value = _unquote(value) if isinstance(value, str) else value
        return None if is_optional and isinstance(value, str) and not value.strip() else value

    @pydantic.model_validator(mode="after")
    def _check_models(self) -> Settings:
        if self.writer_url is not None and self.writer_model is None:
            raise ValueError("PAPERROUND_WRITER_URL needs PAPERROUND_WRITER_MODEL, the name of the model")
        if (self.zotero_key is None) != (self.zotero_library is None):
            raise ValueError("PAPERROUND_ZOTERO_KEY and PAPERROUND_ZOTERO_LIBRARY need each other")
        if self.writer_judge is not None and self.writer_url is None:
            raise ValueError("PAPERROUND_WRITER_JUDGE needs PAPERROUND_WRITER_URL, the address of its server")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes these by name
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the settings sources in order of precedence."""
        return (
            init_settings,
            _EnvironmentSource(settings_cls),
            _DotEnvSource(settings_cls),
            _TomlSource(settings_cls),
        )


def load() -> Settings:
    """Load the settings. Raises UsageError with the name of each invalid setting."""
    try:
        return Settings()
    except pydantic.ValidationError as error:
        raise errors.UsageError("\n".join(map(_format_error, error.errors()))) from None
    except OSError as error:
        raise errors.UsageError(
            f"{error.filename} cannot be read: {error.strerror}. Run the command as the user that owns the file, or let the"
            " bot's user read it (`chown`)."
        ) from None
    except UnicodeDecodeError:
        raise errors.UsageError(f"{ENV_FILE} is not UTF-8. Save it as UTF-8, without other bytes.") from None
    except ValueError as error:
        raise errors.UsageError(
            f"The settings of the environment, {ENV_FILE} or {TOML_FILE} cannot be read: {error}"
        ) from None


def _format_error(problem: Mapping[str, Any]) -> str:
    name = setting_name(str(problem["loc"][0])) if problem["loc"] else "settings"
    rest = "".join(f"[{part}]" for part in problem["loc"][1:])
    place = setting_origins().get(name, "default")
    message = f"{name}{rest}: {str(problem['msg']).removeprefix('Value error, ')}"
    return message if place == "default" else f"{message} ({place})"


def setting_name(field_or_alias: str) -> str:
    """Return the name of the environment variable for a setting."""
    if field_or_alias.upper() in _UNPREFIXED or field_or_alias not in Settings.model_fields:
        return field_or_alias.upper()
    return f"{_PREFIX}{field_or_alias.upper()}"


def setting_origins() -> dict[str, str]:
    """Return where each setting's value comes from, keyed by environment variable."""
    sources = [(origin, set(source())) for origin, source in _read_sources().items()]
    return {
        label: next((origin for origin, found in sources if key in found), "default")
        for key, label in _labels_by_key().items()
    }


def _labels_by_key() -> dict[str, str]:
    """Return the names of the environment variables by what a source's values are keyed by: the field or its alias."""
    labels = {name: setting_name(name) for name in Settings.model_fields}
    return {label if label in _UNPREFIXED else name: label for name, label in labels.items()}


def _read_sources() -> dict[str, EnvSettingsSource | TomlConfigSettingsSource]:
    """Return the settings sources by name, in order of precedence."""
    return {
        "environment": _EnvironmentSource(Settings),
        ENV_FILE: _DotEnvSource(Settings, env_file=ENV_FILE),
        TOML_FILE: _TomlSource(Settings),
    }


NO_FRONTS = (
    "Commands come from Discord's Gateway alone: empty *Interactions Endpoint URL* on the General Information page of your"
    " application (https://discord.com/developers/applications), or none arrives."
)
GONE = {
    **dict.fromkeys(("PAPERROUND_INTERACTIONS", "PAPERROUND_PUBLIC_KEY"), f"Remove it. {NO_FRONTS}"),
    **{
        f"PAPERROUND_EMBEDDINGS_{part}": "Remove it; nothing replaces it." for part in ("URL", "MODEL", "KEY")
    },
}
"""What to do instead of each setting of a former release, by its name."""


class UnknownSetting(NamedTuple):
    """A name that is no setting, where it comes from, and a sentence, with what to do or the name that is probably meant."""

    name: str
    origin: str
    note: str


def find_unknown() -> list[UnknownSetting]:
    """Return the unknown names in `paperround.toml`, with our prefix, or in `.env` and near that of a setting."""
    labels = _labels_by_key()
    unknown = dict[str, UnknownSetting]()
    for origin, source in _read_sources().items():
        if isinstance(source, TomlConfigSettingsSource):
            names, place = {*source()} - {*labels}, f" of {TOML_FILE}"
            spelt = {label: key.lower() for key, label in labels.items()}
        else:
            names, place = {name.upper() for name in source.env_vars} - {*labels.values()}, ""
            spelt = {name: name for label in labels.values() for name in (label, f"{label}_FILE")}
        for name in sorted(names):
            meant = _find_meant(name.upper(), spelt)
            # The environment has names of other programs.
            if place or name.startswith(_PREFIX) or (meant and origin == ENV_FILE):
                label = (f"{_PREFIX}{name.upper()}" if place else name).removesuffix("_FILE")
                advice = GONE.get(label) or (f"Is {meant} meant?" if meant else "")
                state = "no longer" if label in GONE else "not"
                note = f"{name} is {state} a setting{place}; its value is ignored. {advice}".rstrip()
                unknown[name] = UnknownSetting(name, origin, note)
    return [*unknown.values()]


_NEAR = 0.85
"""How much of two names has to be alike: a name that lacks a letter is near, `HF_TOKEN` is not."""


def _find_meant(name: str, spelt: Mapping[str, str]) -> str:
    """Return how the setting is spelt whose label, whole or without its prefix, is near a name; "" without one.

    A file's is read without its `_FILE`, and has two words at least: `LOG_FILE` belongs to other programs.
    """
    if near := difflib.get_close_matches(name, spelt, 1, _NEAR):
        return spelt[near[0]]
    end = "_FILE" if name.endswith("_FILE") and name.count("_") > 1 else ""
    short = {label.partition("_")[2]: label for label in spelt if not label.endswith("_FILE")}
    near = difflib.get_close_matches(name.removesuffix(end), short, 1, _NEAR)
    return spelt.get(short[near[0]] + end, "") if near else ""
