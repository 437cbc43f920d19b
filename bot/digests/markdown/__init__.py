"""The little Markdown that finding papers needs: numbered lines and fenced code blocks."""
