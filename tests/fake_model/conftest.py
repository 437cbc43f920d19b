"""A running fake model."""

from __future__ import annotations

from tests.fake_model.fixtures import fake_model, fake_model_process

__all__ = ["fake_model", "fake_model_process"]
