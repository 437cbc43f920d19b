"""Feeds as well-known programs and sites write them: each item is stored, known or left out, and the shell says so."""

import pytest

from tests.support.shell_fixtures import Paperround, serving

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
RSS = (
    HEAD
    + '<rss version="2.0" {}><channel><title>Moss</title><link>https://example.org</link>{}</channel></rss>'
)
ATOM = HEAD + '<feed xmlns="http://www.w3.org/2005/Atom" {}><title>Moss</title><id>urn:moss</id>{}</feed>'
CONTENT = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
)
LIST = "<ul><li><a href='{1}'>Moss on walls</a></li><li><a href='{2}'>Lichen</a></li><li><a href='{3}'>Ferns</a></li></ul>"
"""Addresses {1} to {9} are papers, which no other shape has; {site} is the server."""

SHAPES: dict[str, tuple[str, int, dict[str, int]]] = {
    # the feed, papers kept, items left out
    "RSS 0.91 with a DOCTYPE": (
        '<?xml version="1.0"?><!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "rss-0.91.dtd">'
        "<rss version='0.91'><channel><title>Moss</title><item><title>Moss</title><link>{1}</link></item>"
        "<item><title>Lichen</title><link>{2}</link></item></channel></rss>",
        2,
        {},
    ),
    "RSS 1.0": (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>Moss</title><link>x'
        "</link></channel>"
        '<item rdf:about="{1}"><title>Moss</title><link>{1}</link><dc:date>2025-05-06T08:00:00+09:00</dc:date></item>'
        '<item rdf:about="about"><title>About us</title></item></rdf:RDF>',
        1,
        {"no-arXiv-ID": 1},
    ),
    "Atom 0.3": (
        '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>Moss</title><entry><title>Moss</title>'
        '<link rel="alternate" type="text/html" href="{1}"/><id>1</id><issued>2025-05-06T08:00:00Z'
        "</issued></entry></feed>",
        1,
        {},
    ),
    "Substack": (
        RSS.format(
            CONTENT,
            "<item><title><![CDATA[Moss, weekly]]></title><link>{site}/p/moss</link><guid"
            " isPermaLink='false'>{site}/p/moss</guid>"
            "<pubDate>Tue, 06 May 2025 13:01:22 GMT</pubDate><content:encoded><![CDATA["
            + LIST
            + "]]></content:encoded></item><item><title><![CDATA[A thank-you]]></title><link>{site}/html</link>"
            "<guid isPermaLink='false'>{site}/p/thanks</guid><content:encoded><![CDATA[<p>Thanks!</p>]]>"
            "</content:encoded></item>",
        ),
        3,
        {"no-list-of-papers": 1},
    ),
    "Ghost": (
        RSS.format(
            CONTENT + ' xmlns:media="http://search.yahoo.com/mrss/"',
            "<item><title><![CDATA[Moss]]></title><description><![CDATA[On moss]]></description>"
            "<link>{site}/gone/</link>"
            "<guid isPermaLink='false'>66f0</guid><category><![CDATA[news]]></category><dc:creator>"
            "<![CDATA[Ann]]></dc:creator>"
            "<pubDate>Tue, 06 May 2025 08:00:00 GMT</pubDate><media:content url='https://example.org/a.png'"
            " medium='image'/>"
            "<content:encoded><![CDATA[<p>New: <a href='{1}'>Moss</a></p>]]></content:encoded></item>",
        ),
        1,
        {},
    ),
    "WordPress": (
        RSS.format(
            CONTENT + ' xmlns:slash="http://purl.org/rss/1.0/modules/slash/"',
            "<item><title>Papers of May 6</title><link>{site}/2025/05/06/papers/</link>"
            "<comments>{site}/x#respond</comments>"
            "<guid isPermaLink='false'>{site}/?p=12</guid><pubDate>Tue, 06 May 2025 08:00:00 +0000</pubDate>"
            "<description><![CDATA[<p>The post appeared first on Moss.</p>]]></description>"
            "<content:encoded><![CDATA[<h2>Papers</h2>"
            + LIST
            + "]]></content:encoded><slash:comments>0</slash:comments></item>"
            "<item><title>Private</title><link>{site}/denied</link><guid isPermaLink='false'>{site}/?p=13"
            "</guid></item>",
        ),
        3,
        {"refused-by-its-service": 1},
    ),
    "Naver": (
        RSS.format(
            "",
            "<item><author>moss</author><category><![CDATA[논문]]></category><title><![CDATA[이끼 논문]]></title>"
            "<link><![CDATA[{1}]]></link><guid>{site}/moss/223</guid><description><![CDATA[이끼에 대한 논문이에요.]]>"
            "</description>"
            "<pubDate>Tue, 06 May 2025 08:30:00 +0900</pubDate><tag><![CDATA[이끼]]></tag></item>"
            "<item><title><![CDATA[일상]]></title><link><![CDATA[{site}/html]]></link><guid>{site}/moss/224"
            "</guid></item>",
        ),
        1,
        {"no-list-of-papers": 1},
    ),
    "Tistory": (
        RSS.format(
            "",
            "<item><title>5월 6일 논문</title><link>{site}/12</link><description>"
            + LIST.replace("<", "&lt;").replace(">", "&gt;")
            + "</description><category>논문</category><author>moss</author><guid isPermaLink='true'>{site}/12</guid>"
            "<comments>{site}/12#entry12comment</comments><pubDate>Tue, 6 May 2025 08:00:00 +0900</pubDate></item>",
        ),
        3,
        {},
    ),
    "Medium": (
        RSS.format(
            CONTENT + ' xmlns:atom="http://www.w3.org/2005/Atom"',
            "<item><title><![CDATA[Moss]]></title><link>{1}?source=rss</link><guid"
            " isPermaLink='false'>https://medium.com/p/1</guid>"
            "<pubDate>Tue, 06 May 2025 08:00:00 GMT</pubDate><atom:updated>2025-05-06T08:00:00.000Z"
            "</atom:updated></item>",
        ),
        1,
        {},
    ),
    "Blogger": (
        ATOM.format(
            "xmlns:thr='http://purl.org/syndication/thread/1.0'",
            "<entry><id>tag:blogger.com,1999:blog-1.post-1</id><published>2025-05-06T08:00:00.001-07:00</published>"
            "<updated>2025-05-06T08:00:00.001-07:00</updated><title type='text'>Moss</title><content"
            " type='html'>Moss.</content>"
            "<link rel='replies' type='text/html' href='{site}/c'/><link rel='alternate' type='text/html' href='{1}'/>"
            "<author><name>Ann</name></author><thr:total>0</thr:total></entry>",
        ),
        1,
        {},
    ),
    "YouTube": (
        ATOM.format(
            "xmlns:yt='http://www.youtube.com/xml/schemas/2015' xmlns:media='http://search.yahoo.com/mrss/'",
            "<entry><id>yt:video:a</id><yt:videoId>a</yt:videoId><title>Moss explained</title><link"
            " rel='alternate' href='{site}/html'/>"
            "<published>2025-05-06T08:00:00+00:00</published><media:group><media:title>Moss</media:title>"
            "</media:group></entry>",
        ),
        0,
        {"no-list-of-papers": 1},
    ),
    "Reddit": (
        ATOM.format(
            "",
            "<entry><author><name>/u/ann</name></author><category term='Moss'/><content type='html'>&lt;a"
            " href=&quot;{1}&quot;&gt;[link]"
            "&lt;/a&gt;</content><id>t3_1</id><link href='{site}/gone'/><updated>2025-05-06T08:00:00+00:00</updated>"
            "<title>[R] Moss on walls</title></entry>",
        ),
        1,
        {},
    ),
    "GitHub": (
        ATOM.format(
            "",
            "<entry><id>tag:github.com,2008:Grit::Commit/1</id><link type='text/html' rel='alternate'"
            " href='{site}/commit/1'/>"
            "<title>Add two papers</title><updated>2025-05-06T08:00:00Z</updated><content"
            " type='html'>&lt;pre&gt;Add papers&lt;/pre&gt;"
            "</content></entry><entry><id>tag:github.com,2008:Grit::Commit/2</id><link type='text/html' rel='alternate'"
            " href='{site}/list.md'/><title>Add a list</title><updated>2025-05-05T08:00:00Z</updated></entry>",
        ),
        3,
        {"not-read": 1},
    ),
    "Mastodon": (
        RSS.format(
            "",
            "<item><guid isPermaLink='true'>{site}/@moss/1</guid><link>{site}/html</link><pubDate>Tue, 06"
            " May 2025 08:00:00 +0000"
            "</pubDate><description>&lt;p&gt;Moss! &lt;a href='{1}'&gt;arxiv.org&lt;/a&gt;&lt;/p&gt;"
            "</description></item>",
        ),
        0,
        {"no-list-of-papers": 1},
    ),
    "FeedBurner": (
        RSS.format(
            "xmlns:feedburner='http://rssnamespace.org/feedburner/ext/1.0'",
            "<item><title>Moss</title><link>{1}</link><guid>1</guid><pubDate>2025/05/06 08:00:00</pubDate>"
            "<feedburner:origLink>{1}</feedburner:origLink></item><item><title>Moss</title><link>{1}</link>"
            "<guid>1</guid>"
            "<pubDate>2025/05/06 08:00:00</pubDate></item>",
        ),
        1,
        {"same-as-another": 1},
    ),
    "RSSHub": (
        RSS.format(
            "",
            "<item><title>Moss</title><description>Moss grows.&lt;br&gt;</description>"
            "<link>https://huggingface.co/papers/{id1}</link>"
            "<guid isPermaLink='false'>https://huggingface.co/papers/{id1}</guid><author>Ann, Bo</author>"
            "<pubDate>Tue, 06 May 2025 00:00:00 GMT</pubDate></item>",
        ),
        1,
        {},
    ),
    "arXiv": (
        RSS.format(
            'xmlns:arxiv="http://arxiv.org/schemas/atom" ' + CONTENT,
            "<item><title>Moss</title><link>{1}</link><description>arXiv:{id1}v1 Announce Type: new"
            " \nAbstract: Moss.</description>"
            "<guid isPermaLink='false'>oai:arXiv.org:{id1}v1</guid><pubDate>Tue, 06 May 2025 00:00:00 -0400</pubDate>"
            "<arxiv:announce_type>new</arxiv:announce_type><dc:creator>Ann Beech</dc:creator></item>"
            "<item><title>Lichen</title><link>{2}</link><description>arXiv:{id2}v2 Announce Type: replace"
            " \nAbstract: Lichen.</description>"
            "<guid isPermaLink='false'>oai:arXiv.org:{id2}v2</guid><pubDate>Tue, 06 May 2025 00:00:00 -0400"
            "</pubDate></item>",
        ),
        1,
        {"new-version": 1},
    ),
    "a static site, dates in words": (
        RSS.format(
            "",
            "<item><title>Moss</title><link>{1}</link><pubDate>6 mai 2025</pubDate></item>"
            "<item><title>Lichen</title><link>{2}</link><pubDate>soon</pubDate></item>",
        ),
        2,
        {},
    ),
    "JSON Feed": (
        '{"version": "https://jsonfeed.org/version/1.1", "title": "Moss", "items": [{"id": "1", "url":'
        ' "{1}", "title": "Moss on walls",'
        ' "date_published": "2025-05-06T08:00:00Z"}, {"id": "2", "url": "https://example.org/a",'
        ' "title": "A walk in the woods"}]}',
        1,
        {"no-arXiv-ID": 1},
    ),
    "Hugging Face's list, by others": (
        '[{"paper": {"id": "{id1}", "title": "Moss", "upvotes": 3, "publishedAt": "2025-05-05T00:00:00Z"},'
        ' "publishedAt": "2025-05-06T00:00:00Z"}, {"paper": {"id": "none", "title": "Lichen on stones"}}]',
        1,
        {"no-arXiv-ID": 1},
    ),
    "no items": (RSS.format("", ""), 0, {}),
}
PAGES = {"/html": (200, "<html><body>Moss</body></html>"), "/denied": (403, "")}


def fill(text: str, number: int, site: str) -> str:
    """Return a feed with addresses: its papers have the numbers from 100 times `number` on."""
    for place in range(1, 4):
        arxiv_id = f"2505.{100 * number + place:05}"
        text = text.replace(f"{{{place}}}", f"https://arxiv.org/abs/{arxiv_id}").replace(
            f"{{id{place}}}", arxiv_id
        )
    return text.replace("{site}", site)


def test_the_account_of_each_shape_of_a_feed_adds_up_in_the_shell(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds: dict[str, str] = {}

    def respond(path: str) -> tuple[int, bytes]:
        status, text = PAGES.get(path) or ((200, feeds[path]) if path in feeds else (404, ""))
        return status, text.encode()

    with serving(respond) as port:
        site = f"http://127.0.0.1:{port}"
        monkeypatch.setenv("PAPERROUND_FETCH_ALLOW", f"127.0.0.1:{port}")
        monkeypatch.setenv("PAPERROUND_ARXIV_URL", f"{site}/gone")
        feeds["/list.md"] = fill(LIST, len(SHAPES), site)
        names, first, again = {}, {}, {}
        for number, (name, (text, _, _)) in enumerate(SHAPES.items()):
            feeds[f"/{number}"] = fill(text, number, site)
            address = f"{site}/{number}"
            added = paperround("sources", "add", address, "--kind", "feed", "--json").data
            names[address] = name
            first[name] = read(added)
        for row in paperround("sources", "fetch", "--json").data:
            again[names[row["source"]]] = read(row)
        listed = paperround("sources", "list", "--json").data
    assert first == {name: (kept, 0, left_out) for name, (_, kept, left_out) in SHAPES.items()}
    assert again == {name: (0, kept, left_out) for name, (_, kept, left_out) in SHAPES.items()}
    found = {names[row["source"]]: row["found"] for row in listed}
    assert found == {name: kept + sum(left_out.values()) for name, (_, kept, left_out) in SHAPES.items()}


def read(row: dict[str, object]) -> tuple[object, object, dict[str, int]]:
    left_out = row["left_out"]
    assert isinstance(left_out, list)
    return row["stored"], row["known"], {of["reason"]: of["number"] for of in left_out}
