"""Keeps the texts that were indexed, packed small: by Zstandard, with a dictionary learned from the archive's own texts.

Papers resemble each other more than a paper itself, so the dictionary takes off a third. What was packed before it was
learned is still read: each frame names its dictionary (RFC 8878).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.tables import text_dictionaries

if TYPE_CHECKING:
    import zstandard

LEVEL = 3
DICTIONARY_BYTES = 1 << 16
_NO_DICTIONARY = 0
_KEPT = "search_texts.Packing"


@dataclass(frozen=True, slots=True)
class Texts:
    """What of a paper is indexed: the analyser's canonical texts of title and body, and its mentions for the glossary."""

    title: str
    body: str
    mentions: tuple[str, ...] = ()


class Packing:
    """Packs with the archive's dictionary and unpacks, by their ids, with any. Made by `packing`; holds no connection."""

    def __init__(self, dictionaries: Mapping[int, bytes]) -> None:
        import zstandard  # loaded by whoever reads or writes the index, not by an idle bot

        self._zstandard = zstandard
        found = {key: zstandard.ZstdCompressionDict(data) for key, data in sorted(dictionaries.items())}
        self.ids = frozenset(found)
        self._newest = next(reversed(found.values()), None)
        self._decompressors: Mapping[int, zstandard.ZstdDecompressor] = {
            _NO_DICTIONARY: zstandard.ZstdDecompressor(),
            **{key: zstandard.ZstdDecompressor(dict_data=one) for key, one in found.items()},
        }

    @cached_property
    def _compressor(self) -> zstandard.ZstdCompressor:
        return self._zstandard.ZstdCompressor(level=LEVEL, dict_data=self._newest, write_checksum=False)

    def pack(self, texts: Texts) -> bytes:
        """Return the texts as they are stored."""
        return self._compressor.compress(_raw(texts))

    def unpack(self, packed: bytes) -> Texts:
        """Return stored texts. Raises KeyError when their dictionary is not known."""
        raw = self._decompressors[self._zstandard.get_frame_parameters(packed).dict_id].decompress(packed)
        title, body, *mentions = raw.decode().split("\0")
        return Texts(title, body, tuple(mentions))


def _raw(texts: Texts) -> bytes:
    return "\0".join((texts.title, texts.body, *texts.mentions)).encode()


async def packing(connection: AsyncConnection) -> Packing:
    """Return the packing to write with: always with the dictionary that this transaction sees."""
    known = _kept(connection)
    ids = frozenset(key for (key,) in await bulk.fetch_all(connection, "SELECT id FROM text_dictionaries"))
    return known if known is not None and known.ids == ids else await _read(connection)


async def unpack_all(connection: AsyncConnection, packed: Sequence[bytes]) -> list[Texts]:
    """Return stored texts, in order."""
    known = _kept(connection) or await _read(connection)
    try:
        return list(map(known.unpack, packed))
    except KeyError:
        # Somebody else has learned a dictionary since.
        known = await _read(connection)
        return list(map(known.unpack, packed))


def _kept(connection: AsyncConnection) -> Packing | None:
    return connection.sync_connection.info.get(_KEPT) if connection.sync_connection is not None else None


async def _read(connection: AsyncConnection) -> Packing:
    query = sa.select(text_dictionaries.c.id, text_dictionaries.c.data).order_by(text_dictionaries.c.id)
    found = _packing(tuple((row.id, row.data) for row in await connection.execute(query)))
    if connection.sync_connection is not None:
        connection.sync_connection.info[_KEPT] = found
    return found


@lru_cache(maxsize=4)
def _packing(dictionaries: tuple[tuple[int, bytes], ...]) -> Packing:
    return Packing(dict(dictionaries))


async def learn(connection: AsyncConnection, samples: Sequence[Texts]) -> None:
    """Learn the dictionary from some thousand texts of this archive; takes a tenth of a second, in a thread.

    Of texts that have too little in common nothing is learned.
    """
    import zstandard

    try:
        learned = await asyncio.to_thread(
            zstandard.train_dictionary, DICTIONARY_BYTES, list(map(_raw, samples))
        )
    except zstandard.ZstdError:
        return
    await connection.execute(text_dictionaries.insert().values(id=learned.dict_id(), data=learned.as_bytes()))


async def forget(connection: AsyncConnection) -> None:
    """Forget the dictionary, when nothing is left that was packed with it."""
    await connection.execute(text_dictionaries.delete())
