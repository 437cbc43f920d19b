"""Markdown by the line, as far as papers are found by it: headings, rules, bold text and code fences."""
