"""`paperround config`."""

from __future__ import annotations

from pathlib import Path

from tests.support.shell_fixtures import Paperround, apply_set_up

POST = '[[posts]]\nguild = "10"\nchannel = "20"\n'
ALERT = '[[alerts]]\nguild = "10"\nchannel = "20"\nuser = "7"\nkeywords = ["RL"]\n'


def test_a_set_up_is_exported_shown_and_applied(paperround: Paperround, tmp_path: Path) -> None:
    assert apply_set_up(paperround).exit_status == 0
    assert paperround("config", "export", "set-up.toml").exit_status == 0
    file = tmp_path / "set-up.toml"
    assert file.read_text(encoding="utf-8") == paperround("config", "export").stdout
    assert "0 to change" in paperround("config", "apply", "set-up.toml").stdout
    # On Windows a line ends otherwise.
    file.write_bytes(file.read_bytes().replace(b"top = 3", b"top = 4").replace(b"\n", b"\r\n"))
    asked = paperround("config", "apply", "set-up.toml")
    assert (asked.exit_status, "--yes" in asked.stderr, "top 3 → 4" in asked.stdout) == (2, True, True)
    assert "top = 3" in paperround("config", "export").stdout
    assert paperround("config", "apply", "set-up.toml", "--yes", "--json").data["applied"] is True
    assert "top = 4" in paperround("config", "export").stdout
    assert paperround("config", "apply", "nothing.toml").exit_status == 2


WRONG: tuple[tuple[str, str, str], ...] = (
    ("[[posts]\n", "line 5", "not valid TOML"),
    ("[[post]]\n", "post", "unknown key"),
    ("[alerts]\n", "alerts", "valid list"),
    ('[[posts]]\nguild = "10"\n', "posts 2", "needs either"),
    (ALERT.replace('guild = "10"\n', ""), "alerts 1", "needs its guild"),
    ('[[posts]]\nguild = "10"\nchannel = "0"\n', "posts 2", "not a Discord ID"),
    ("[[posts]]\nguild = 10\nchannel = true\n", "posts 2", "not a Discord ID"),
    (POST + "colour = 1\n", "posts 2", "colour: unknown key"),
    (POST + 'top = "many"\n', "posts 2", "valid integer"),
    (POST + "top = 26\n", "posts 2", "from 1 to 25"),
    (POST + 'days = "someday"\n', "posts 2", "weekday"),
    (POST + 'style = "loud"\n', "posts 2", "compact"),
    (POST + 'at = "25:00"\n', "posts 2", "25:00"),
    (POST + 'topic = "a\\u0000"\n', "posts 2", "topic"),
    (POST + 'from = "arxiv:cs.XX"\n', "posts 2", "is not a source"),
    (POST + "paused = 7\n", "posts 2", "valid boolean"),
    (POST + 'webhook = "5"\n', "posts 2", "needs either"),
    ('[[posts]]\nwebhook = "5"\n', "posts 2", "Write the whole URL"),
    ('[[posts]]\nwebhook = "https://example.com/5"\n', "posts 2", "not a Discord webhook URL"),
    (POST + 'timezone = "UTC"\n' + POST + 'timezone = "UTC"\n', "posts 3", "already"),
    (ALERT.replace("RL", "the"), "alerts 1", "only of common words"),
    (ALERT.replace("keywords", "words"), "alerts 1", "words: unknown key"),
    (ALERT.replace('user = "7"\n', ""), "alerts 1", "user: Field required"),
    ('[[sources]]\nsource = "https://a:***@b.example/"\n', "sources 1", "has a secret"),
    ('[[sources]]\nsource = "arxiv:nothing"\n', "sources 1", "cs.CL"),
    ('[[sources]]\nsource = ""\n', "sources 1", "at least 1 character"),
    ('[[sources]]\nsource = "arxiv:cs.CL"\n' * 2, "sources 2", "in the file already"),
    ('[[sources]]\nsource = "arxiv:cs.CL"\npriority = "high"\n', "sources 1", "valid integer"),
    ('[[sources]]\nsource = "arxiv:cs.CL"\n[sources.options]\nsince = "soon"\n', "sources 1", "soon"),
)
"""What follows a good post, the place that is named, and a part of the sentence."""


def test_a_wrong_file_is_refused_with_the_place_and_changes_nothing(
    paperround: Paperround, tmp_path: Path
) -> None:
    for wrong, place, hint in WRONG:
        text = f'{POST}topic = "diffusion"\n{wrong}'
        (tmp_path / "set-up.toml").write_text(text, encoding="utf-8")
        answer = paperround("config", "apply", "set-up.toml", "--yes")
        assert (answer.exit_status, hint in answer.stderr) == (2, True), (wrong, answer)
        assert place in answer.stderr, (wrong, answer)
    assert "[[" not in paperround("config", "export").stdout
