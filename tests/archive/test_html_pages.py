"""Conversion of HTML to Markdown, and code fences in Markdown."""

from bot.archive import html_pages, markdown_lines, parse


def test_html_elements_become_markdown() -> None:
    rows = [
        ("<h2>A &amp; B</h2><p>One\n two.</p>", "## A & B\n\nOne two.\n"),
        ("<H1 class='x'>A</H1>", "# A\n"),
        ("<p><a class=x href='https://h.test/?a=1&amp;b=2'>a</a></p>", "[a](https://h.test/?a=1&b=2)\n"),
        ("<p><b>bold</b> <em>soft</em> <code>x</code></p>", "**bold** *soft* `x`\n"),
        ("<ul><li>one</li><li><p>two</p></li></ul>", "- one\n- two\n"),
        ("<ul><li>one<ul><li>inner</li></ul></li></ul>", "- one\n  - inner\n"),
        ("<pre><code>a\n  b</code></pre>", "```\na\n  b\n```\n"),
        ('<img src="a.png" alt="a > b" />', "![a > b](a.png)\n"),
        ("<video src='v.mp4' controls></video>", "[Watch Video](v.mp4)\n"),
        ("<p>1 < 2 and 3 <4</p>", "1 < 2 and 3 <4\n"),
        ("a<!-- not <b>this</b> -->b<!-- nor this", "ab\n"),
        ("<script>if (a < b) {}</script><style>p {}</style>text", "text\n"),
        ("<!DOCTYPE html><?php x ?>text", "text\n"),
        ("one<br>two<table><tr><td>a<br>b<p>c</td></tr></table>", "one\ntwo\n\n| a b c |\n"),
        ("<table>\n<tr><th>a</th></tr>\n<tr><td>b</td></tr>\n</table>c", "| a | \n|--- \n| b |  \n\nc\n"),
        ("<p data-paper-id='2505.00001'>A</p>", "arXiv:2505.00001 A\n"),
        ("</a></li></ul></h9>text", "text\n"),
        ("", "\n"),
        # What HTML lets be left out, or a browser closes.
        ("<html><head><title>t</title><h1>A</h1>text", "# A\n\ntext\n"),
        ("<head><meta charset=utf-8><style>p {}</style><body><p>A", "A\n"),
        ("<div><svg width='1'><rect/></div><p>A</p>", "A\n"),
        ("<p>A<svg/>B<svg><title>t</title><path/></svg>C</p>", "ABC\n"),
        ("<nav><a href='/'>home</a></nav>A", "A\n"),
        ("<a href='/b'>A<svg><path></a> B", "[A](/b) B\n"),
        ("<nav><p>A</p><template>B", "A\n\nB\n"),
    ]
    assert [(page, html_pages.to_markdown(page)) for page, _ in rows] == rows


def test_markdown_with_tags_is_not_html() -> None:
    for text in ("## Daily Papers", "a <video src='x'> b", "<https://h.test>", "- <br>\n| a |"):
        assert not parse.is_html(text), text


def test_rows_between_two_fences_are_code() -> None:
    rows = [
        ("a\n```python\n# b\n```\nc", [1, 2, 3]),
        ("~~~\n```\n~~~", [0, 1, 2]),
        ("````\n```\n````\nx", [0, 1, 2]),
        ("a\n```python\n# b", []),  # an unclosed fence has no code
        # A response in a Markdown fence is not code.
        ("```markdown\n# T\n```python\nx\n```\n## B\n```\nafter", [2, 3, 4]),
    ]
    assert [(text, sorted(markdown_lines.find_code_rows(text.split("\n")))) for text, _ in rows] == rows
