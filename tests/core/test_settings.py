"""Where settings come from, and URLs in settings."""

import errno
from pathlib import Path

import pydantic
import pytest
from pydantic_settings.sources.providers import dotenv

from bot.core import settings as core_settings
from bot.core.settings import Settings
from storage import errors


@pytest.mark.parametrize("file", [False, True])
def test_reads_settings_with_the_prefix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: bool) -> None:
    monkeypatch.chdir(tmp_path)
    names = {name.upper() for name in Settings.model_fields} - {"DISCORD_TOKEN", "HF_ENDPOINT", "SENTRY_DSN"}
    if file:
        Path(".env").write_text("".join(f"{name}=5\n" for name in sorted(names)))
    else:
        for name in names:
            monkeypatch.setenv(name, "5")
    assert core_settings.load() == Settings.model_construct()
    assert set(core_settings.setting_origins().values()) == {"default"}


@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotes_around_a_value_are_not_part_of_it(monkeypatch: pytest.MonkeyPatch, quote: str) -> None:
    given = {
        "DISCORD_TOKEN": "abc.def",
        "HF_ENDPOINT": "https://mirror.example",
        "PAPERROUND_INBOX": "/srv/my digests",
        "PAPERROUND_FETCH_ALLOW": f"a.lan{quote}, {quote}10.0.0.5:8080",
        "PAPERROUND_KEEP_DAYS": "100",
        "PAPERROUND_TIMEZONE": "Asia/Seoul",
        "PAPERROUND_SOURCES": "https://huggingface.co arxiv:cs.CL",
        "PAPERROUND_WRITER_FORMATS": "review",
        "PAPERROUND_WEB_URL": "",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, f" {quote}{value}{quote}")
    loaded = core_settings.load()
    assert loaded.discord_token is not None
    assert loaded.discord_token.get_secret_value() == "abc.def"
    assert (loaded.hf_endpoint, loaded.inbox) == ("https://mirror.example", Path("/srv/my digests"))
    assert (loaded.fetch_allow, loaded.keep_days) == (("a.lan", "10.0.0.5:8080"), 100)
    assert [source.url for source in loaded.sources] == ["https://huggingface.co", "arxiv:cs.CL"]
    assert (loaded.timezone, loaded.writer_formats[0].value, loaded.web_url) == ("Asia/Seoul", "review", None)


def test_environment_variables_override_the_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("PAPERROUND_LOCALE=ko\nPAPERROUND_KEEP_DAYS=50\nDISCORD_TOKEN=file\n")
    Path("paperround.toml").write_text(
        'locale = "en"\nwriter_minutes = 60\nkeep_days = 60\nPAPERROUND_WEB = ":8080"\n'
    )
    monkeypatch.setenv("PAPERROUND_KEEP_DAYS", "40")
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example")
    loaded, origins = core_settings.load(), core_settings.setting_origins()
    assert (loaded.locale, loaded.writer_minutes, loaded.keep_days) == ("ko", 60, 40)
    assert loaded.hf_endpoint == "https://hub.example"
    assert {name: origin for name, origin in origins.items() if origin != "default"} == {
        "PAPERROUND_LOCALE": ".env",
        "PAPERROUND_KEEP_DAYS": "environment",
        "PAPERROUND_WRITER_MINUTES": "paperround.toml",
        "DISCORD_TOKEN": ".env",
        "HF_ENDPOINT": "environment",
    }
    assert [unknown.note for unknown in core_settings.find_unknown()] == [
        "PAPERROUND_WEB is not a setting of paperround.toml; its value is ignored. Is web meant?"
    ]


def test_a_setting_that_is_gone_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("paperround.toml").write_text('interactions = "127.0.0.1:8090"\n')
    Path(".env").write_text("PAPERROUND_PUBLIC_KEY_FILE=/run/secrets/key\n")
    monkeypatch.setenv("PAPERROUND_EMBEDDINGS_MODEL", "m")
    notes = {unknown.name: unknown.note for unknown in core_settings.find_unknown()}
    for name in ("interactions", "PAPERROUND_PUBLIC_KEY_FILE"):
        assert f"{name} is no longer a setting" in notes[name]
        assert "Interactions Endpoint URL" in notes[name]
    assert notes["PAPERROUND_EMBEDDINGS_MODEL"] == (
        "PAPERROUND_EMBEDDINGS_MODEL is no longer a setting; its value is ignored. Remove it; nothing replaces it."
    )


def test_an_unreadable_or_invalid_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As after `sudo paperround setup`: `.env` belongs to root."""
    monkeypatch.chdir(tmp_path)
    Path("paperround.toml").write_text("locale = ko\n")
    with pytest.raises(errors.UsageError, match=r"^paperround\.toml is not valid TOML: .* line 1"):
        core_settings.load()

    def fail(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", ".env")

    monkeypatch.setattr(dotenv, "dotenv_values", fail)
    Path(".env").write_text("PAPERROUND_LOCALE=ko\n")
    with pytest.raises(errors.UsageError, match=r"^\.env cannot be read: Permission denied\. Run"):
        core_settings.load()


@pytest.mark.parametrize(
    "address",
    [
        *(
            "https://me:Gehe1m@api.example/v1",
            "https://me:Gehe1m/2@api.example/v1",
            "https://Gehe1m@api.example",
        ),
        *("https://api.example/v1?key=Gehe1m", "https://api.example/v1#Gehe1m", "api.example/Gehe1m"),
    ],
)
def test_rejects_an_api_url_with_a_user_or_query(address: str) -> None:
    with pytest.raises(pydantic.ValidationError, match="not a web address") as caught:
        Settings.model_validate({"writer_url": address, "writer_model": "m"})
    assert "Gehe1m" not in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize("is_in_file", [False, True])
def test_the_value_of_a_setting_may_be_in_a_file_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_in_file: bool
) -> None:
    """As Docker's and systemd's secrets are: `DISCORD_TOKEN_FILE=/run/secrets/token`."""
    monkeypatch.chdir(tmp_path)
    given = {
        "DISCORD_TOKEN": "abc.def",
        "PAPERROUND_DATABASE_URL": "postgresql://me:secret@db/papers",
        "PAPERROUND_MCP_TOKEN": "a-token",
        "PAPERROUND_KEEP_DAYS": "100",
    }
    lines = []
    for name, value in given.items():
        (tmp_path / name).write_text(f"{value}\n")
        lines.append(f"{name}_FILE={tmp_path / name}")
        if not is_in_file:
            monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    if is_in_file:
        Path(".env").write_text("\n".join(lines))
    loaded, origins = core_settings.load(), core_settings.setting_origins()
    assert loaded.discord_token is not None
    assert loaded.discord_token.get_secret_value() == "abc.def"
    assert (loaded.database_url, loaded.keep_days) == (given["PAPERROUND_DATABASE_URL"], 100)
    assert {origins[name] for name in given} == {".env" if is_in_file else "environment"}
    monkeypatch.setenv("DATABASE_URL", "another program's")
    assert core_settings.find_unknown() == []


@pytest.mark.parametrize("name", ["DISCORD_TOKEN", "PAPERROUND_DATABASE_URL"])
def test_a_file_of_a_setting_that_has_no_value_or_is_one_too_many_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "secret"
    monkeypatch.setenv(f"{name}_FILE", str(file))

    def assert_refused(reason: str) -> None:
        with pytest.raises(errors.UsageError) as caught:
            core_settings.load()
        assert str(caught.value) == f"{file}, the file of {name}_FILE, {reason}."

    assert_refused("is missing")
    file.mkdir()
    assert_refused("is a folder")
    file.rmdir()
    for content, reason in (
        (b"\xff\xfe", "is not UTF-8"),
        (b" \n", "is empty"),
        (b"abc.def\nghi.jkl\n", "has more than one line"),
        (b"# my bot\r\nabc.def", "has more than one line"),
        (f"{name}=abc.def\n".encode(), f"has {name}= before the value. Write the value alone"),
        (f"export {name}='abc.def'\n".encode(), f"has {name}= before the value. Write the value alone"),
        ("abc.def".encode("utf-16-le"), "has a NUL byte, as text in UTF-16 does. Save it as UTF-8"),
    ):
        file.write_bytes(content)
        assert_refused(reason)


def test_a_file_of_a_list_may_have_several_lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sources").write_text("https://huggingface.co\narxiv:cs.CL\n")
    monkeypatch.setenv("PAPERROUND_SOURCES_FILE", str(tmp_path / "sources"))
    assert [one.url for one in core_settings.load().sources] == ["https://huggingface.co", "arxiv:cs.CL"]


def test_a_setting_that_is_given_both_ways_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc.def")
    monkeypatch.setenv("DISCORD_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("DISCORD_TOKEN", "abc.def")
    with pytest.raises(errors.UsageError, match="DISCORD_TOKEN and DISCORD_TOKEN_FILE are both set"):
        core_settings.load()
