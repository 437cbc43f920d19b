"""Runs the fake model as a subprocess, changes its settings and reads its log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]
MODEL = "fake-1"


class FakeModelProcess:
    """Context manager that runs the subprocess. `url` is its address, `log_path` the file with one line for each request."""

    def __init__(self, folder: Path) -> None:
        self.log_path = folder / "model-requests.jsonl"
        self.log_path.touch()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fake_model", "--log", str(self.log_path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url, "the fake model exited before it was listening"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def reset(self, **settings: Any) -> None:
        """Replace the settings of `server.DEFAULTS` and empty the log."""
        data = json.dumps(settings).encode()
        request = urllib.request.Request(f"{self.url}/control/settings", data, method="POST")
        with urllib.request.urlopen(request) as response:
            assert response.status == 200
        os.truncate(self.log_path, 0)

    def log(self) -> list[dict[str, Any]]:
        """Return the chat requests since the last reset."""
        return [json.loads(line) for line in self.log_path.read_text("utf-8").splitlines()]

    def environment(self) -> dict[str, str]:
        """Return the settings that connect Paperround's writer and its sources to this server."""
        return {
            "HF_ENDPOINT": self.url,
            "PAPERROUND_ARXIV_HTML_URL": f"{self.url}/html",
            "PAPERROUND_WRITER_URL": f"{self.url}/v1",
            "PAPERROUND_WRITER_MODEL": MODEL,
        }
