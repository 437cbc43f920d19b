"""A fake language model and fake sources in one process of their own: an OpenAI-compatible API, and papers written for it."""
