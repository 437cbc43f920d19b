"""Read the entries of BibTeX as fields, also those that have errors."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

from bot.text import typography

ENTRY = re.compile(r"@(?!(?:comment|preamble|string)\b)\w{1,40}[ \t]{0,9}[{(][^@]", re.IGNORECASE)
_FIELD = re.compile(r"[,{(}\"\s](\w{1,40})\s{0,20}=\s{0,20}(?=[{\"])")

Block = tuple[str, str, list[tuple[str, str]]]
"""An entry: its text, its key, and its fields with lower-case names."""


def read(text: str) -> Iterator[Block | str]:
    """Yield a text's entries, and what is between them. One that bibtexparser refuses goes to the start of the next entry."""
    from bibtexparser import middlewares, model
    from bibtexparser.splitter import Splitter

    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # it logs each entry that it refuses
    library = Splitter(text).split()
    strings = {name.lower(): str(string.value) for name, string in library.strings_dict.items()}
    named = [it for entry in library.entries for it in entry.fields if str(it.value).lower() in strings]
    if sum(len(strings[it.value.lower()]) for it in named) <= len(text):  # a long one may be in each field
        for it in named:
            it.value = strings[it.value.lower()]
    library = middlewares.RemoveEnclosingMiddleware().transform(library)
    refused = ""
    for block in [*library.blocks, None]:
        if refused and isinstance(block, model.ImplicitComment):
            refused += f"\n{block.raw}"
            continue
        if refused:
            yield _read_refused(refused)
        refused = ""
        if isinstance(block, model.DuplicateBlockKeyBlock | model.DuplicateFieldKeyBlock):
            block = block.ignore_error_block or block
        raw = block.raw or "" if block else ""
        if isinstance(block, model.Entry):
            given = [(it.key.lower(), str(it.value)) for it in block.fields]
            if any(text.startswith(("{", '"')) and _FIELD.search(text) for _, text in given):
                refused = raw  # a comma is missing between two fields
            else:
                yield raw, block.key, given
        elif isinstance(block, model.ParsingFailedBlock) and ENTRY.match(raw):
            refused = raw
        elif isinstance(block, model.ImplicitComment):
            yield raw


def _read_refused(raw: str) -> Block:
    """Read an entry with an error, such as a comma too few: each field goes to the start of the next one."""
    head, *parts = _FIELD.split(raw)
    values = (value.strip(' \n,{}")') for value in parts[1::2])
    given = [(name.lower(), value) for name, value in zip(parts[::2], values, strict=True)]
    return raw, head.partition("{")[2].strip(" ,\n"), given


def read_latex(latex: str) -> str:
    """Return LaTeX as plain text on one line, without the braces that keep capitals."""
    line = re.sub(r"\\noop\w{0,20} ?\{[^{}]{0,99}\}", "", " ".join(latex.split()))  # only sorts
    has_commands = "\\" in line or "$" in line  # most titles have braces alone
    return (typography.to_plain_text(line) if has_commands else line).replace("{", "").replace("}", "")


def read_names(latex: str) -> list[str]:
    """Return the people in a field for names, first names first. They are parted by " and " alone."""
    from bibtexparser.middlewares import names

    people = names.split_multiple_persons_names(latex)
    parts = (names.parse_single_name_into_parts(one, strict=False) for one in people if one != "others")
    return [read_latex(name.merge_first_name_first) for name in parts]
