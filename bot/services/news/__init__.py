"""What became of saved papers: the sweep over arXiv and Hugging Face, and the weekly message."""
