"""Questions about one paper, answered by its passages."""
