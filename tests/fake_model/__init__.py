"""A fake language model with an OpenAI-compatible API, and fake sources with papers written for it.

The model keeps `docs/services.md`, section *Models*.
"""
