"""Feeds as well-known programs write them: each item is stored, known or left out, and the shell says so."""

import pytest

from tests.support import feed_files
from tests.support.shell_fixtures import Paperround, serving

NAMES = ("substack.xml", "wordpress.xml", "feedburner.xml", "arxiv.xml", "json_feed.json", "no_items.xml")


def test_the_account_of_each_feed_adds_up_in_the_shell(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = ""

    def respond(path: str) -> tuple[int, bytes]:
        number, _, name = path[1:].partition("/")
        if name not in NAMES:
            text = feed_files.PAGES.get(f"{feed_files.SITE}{path}", "")
            return (403 if path == "/denied" else 200 if text else 404), text.encode()
        text = feed_files.read_feed(name).replace(feed_files.SITE, site)
        return 200, text.replace("2505.0000", f"2505.{number}000").encode()  # each has papers of its own

    with serving(respond) as port:
        site = f"http://127.0.0.1:{port}"
        monkeypatch.setenv("PAPERROUND_FETCH_ALLOW", f"127.0.0.1:{port}")
        monkeypatch.setenv("PAPERROUND_ARXIV_URL", f"{site}/gone")
        addresses = {f"{site}/{number}/{name}": name for number, name in enumerate(NAMES, 1)}
        for address in addresses:
            added = paperround("sources", "add", address, "--kind", "feed", "--json").data
            check(added, addresses[address], is_first=True)
        for row in paperround("sources", "fetch", "--json").data:
            check(row, addresses[row["source"]], is_first=False)
        for row in paperround("sources", "list", "--json").data:
            kept, left_out = expect(addresses[row["source"]])
            assert row["found"] == kept + sum(left_out.values())


def expect(name: str) -> tuple[int, dict[str, int]]:
    expected = feed_files.EXPECTED[name]
    return sum(map(len, expected["papers"].values())), expected.get("left_out", {})


def check(row: dict[str, object], name: str, *, is_first: bool) -> None:
    kept, left_out = expect(name)
    listed = row["left_out"]
    assert isinstance(listed, list)
    assert (row["stored"], row["known"]) == ((kept, 0) if is_first else (0, kept)), name
    assert {of["reason"]: of["number"] for of in listed} == left_out, name
