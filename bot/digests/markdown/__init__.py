"""The Markdown by which papers are found: headings, rules, bold text and code fences, line by line."""
