"""A PostgreSQL server: the options of its connections, and the poolers through which it cannot be used."""

from __future__ import annotations

import asyncio
import secrets
import shlex
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from storage import errors

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.engine import URL

DRIVER = "postgresql+psycopg"
DRIVERS = {DRIVER, "postgresql", "postgresql+asyncpg"}
"""Accepted schemes of a URL. Earlier versions used asyncpg."""
CONNECT_TIMEOUT_SECONDS = 10.0
_SILENCE = {"keepalives_idle": 5, "keepalives_interval": 5, "keepalives_count": 2, "tcp_user_timeout": 15_000}
"""Options that end a connection after 15 seconds of silence; the system's default is a quarter of an hour."""
_RENAMED = {"ssl": "sslmode", "database": "dbname"}
"""libpq's options by asyncpg's names of them."""
_OMITTED = {
    "command_timeout",
    "statement_cache_size",
    "max_cached_statement_lifetime",
    "max_cacheable_statement_size",
}
"""asyncpg's options that libpq does not have or need."""


def parse_url(url: URL) -> URL:
    """Return a server's URL, also one written for asyncpg, with the driver and options of psycopg."""
    query = {_RENAMED.get(name, name): value for name, value in url.query.items() if name not in _OMITTED}
    return url.set(drivername=DRIVER, query=query)


def session_parameters(url: URL, name: str) -> dict[str, Any]:
    """Return psycopg's parameters of a session at a parsed URL. `name` labels it.

    Each host gets a share of the time limit, which libpq would apply to each.
    """
    _, given = url.get_dialect()().create_connect_args(url)
    if "host" in given:  # a socket's folder is written with %2F
        given["host"] = unquote(given["host"])
    hosts = given.get("host", "").count(",") + 1
    timeout = max(2, int(CONNECT_TIMEOUT_SECONDS / hosts))
    return {**_SILENCE, "connect_timeout": timeout, **given, "application_name": name}


def dump_command(url: URL, file: str) -> str:
    """Return the shell command that backs up the database at a parsed URL into a file, without the password.

    `pg_dump` takes that from the environment or `~/.pgpass`, or asks for it.
    """
    return shlex.join(("pg_dump", "--format=custom", f"--file={file}", "--dbname", _place(url)))


def restore_commands(url: URL, file: str) -> tuple[str, str, str]:
    """Return the name of a new database on the server of a parsed URL, and the commands that create and fill it by a dump."""
    name = f"{url.database}_restored"
    create = shlex.join(("createdb", "--maintenance-db", _place(url), name))
    options = "--exit-on-error", "--no-owner", "--dbname", _place(url.set(database=name))
    return name, create, shlex.join(("pg_restore", *options, file))


def _place(url: URL) -> str:
    """Return a parsed URL as libpq's programs take it, without the password."""
    from psycopg import conninfo, pq

    _, given = url.get_dialect()().create_connect_args(url)
    # libpq displays secrets as "*".
    shown = {one.keyword.decode() for one in pq.Conninfo.get_defaults() if one.dispchar != b"*"}
    return conninfo.make_conninfo("", **{name: given[name] for name in given if name in shown})


def connect_reader(parameters: Mapping[str, Any]) -> psycopg.Connection[tuple[Any, ...]]:
    """Open a session for look-ups."""
    import psycopg  # not needed for SQLite

    return psycopg.connect(**parameters, autocommit=True)


async def check(parameters: Mapping[str, Any]) -> None:
    """Raise StorageError if a pooler gives each transaction or statement another session, or a database cannot have our tables.

    Behind such a pooler statements and locks would be lost.
    """
    import psycopg

    open_session = partial(psycopg.AsyncConnection.connect, **parameters, autocommit=True)
    if await _is_pooled(open_session):
        raise errors.StorageError(
            "The address in PAPERROUND_DATABASE_URL is that of a pooler such as PgBouncer in transaction or statement mode,"
            " which Paperround cannot use. Name PostgreSQL itself or a pooler in session mode (Supabase: port 5432; Neon: the"
            " host without -pooler)."
        )
    name, role, session = parameters.get("dbname"), parameters.get("user", "role"), await open_session()
    try:
        # Compared there, since psycopg returns the texts of a server in SQL_ASCII as bytes.
        query = "SELECT current_setting('server_encoding') = 'UTF8', current_schema() IS NOT NULL"
        is_unicode, has_schema = await (await session.execute(query)).fetchone() or (True, True)
    finally:
        await session.close()
    if not is_unicode:
        raise errors.StorageError(
            f"The database {name} is not encoded in UTF-8, which titles and names need. Create another one and name it in"
            " PAPERROUND_DATABASE_URL: `CREATE DATABASE paperround ENCODING 'UTF8' TEMPLATE template0`."
        )
    if not has_schema:
        raise errors.StorageError(
            f"The database {name} has no schema for the tables that this role may use: its search_path is empty, or names none"
            f" that exists. Type `GRANT USAGE, CREATE ON SCHEMA public TO {role}`, or"
            f" `ALTER ROLE {role} SET search_path = public`."
        )


async def _is_pooled(open_session: Callable[[], Awaitable[psycopg.AsyncConnection[Any]]]) -> bool:
    """Return whether a pooler gives each transaction or statement another session. Sessions are in autocommit mode.

    Behind a pooler, the process that answers is not the one that accepted the connection. If it pools by
    transactions, a setting of this session is found in another one, or is lost once that one has taken it over. If it
    pools by statements, it closes the connection at BEGIN.
    """
    import psycopg

    token, is_pooled = secrets.token_hex(8), False
    is_set = f"coalesce(current_setting('paperround.session', true) = '{token}', false)"

    async def holds(session: psycopg.AsyncConnection[Any], condition: str) -> bool:
        return await (await session.execute(f"SELECT {condition}")).fetchone() == (True,)

    async with AsyncExitStack() as stack:
        session = await open_session()
        stack.push_async_callback(session.close)
        if await holds(session, f"pg_backend_pid() = {session.info.backend_pid}"):
            return False
        other = await open_session()
        stack.push_async_callback(other.close)
        with suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS / 2):
                await session.execute(f"SET paperround.session = '{token}'")
                try:
                    await other.execute("BEGIN")
                except (
                    psycopg.errors.ProtocolViolation
                ):  # "transaction blocks not allowed in statement pooling mode"
                    return True
                is_pooled = True  # if the time ends now; before, all sessions of the pooler are in use
                is_pooled = await holds(other, is_set) or not await holds(session, is_set)
    return is_pooled
