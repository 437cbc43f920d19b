"""Turns papers into the texts that Discord shows and into files: templates, Markdown, limits, exports."""
