"""Sources of digests and paper metadata: folders, URLs, feeds, Hugging Face, arXiv."""
