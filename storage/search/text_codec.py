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

COMPRESSION_LEVEL = 3
DICTIONARY_BYTES = 1 << 16
_NO_DICTIONARY = 0
_CACHE_KEY = "search_texts.Packing"


@dataclass(frozen=True, slots=True)
class DocumentTexts:
    """What of a paper is indexed: the analyser's canonical texts of title and body, and its mentions for the glossary."""

    title: str
    body: str
    mentions: tuple[str, ...] = ()


class TextCodec:
    """Packs with the archive's dictionary and unpacks, by their ids, with any. Made by `packing`; holds no connection."""

    def __init__(self, dictionaries: Mapping[int, bytes]) -> None:
        import zstandard  # loaded by whoever reads or writes the index, not by an idle bot

        self._zstandard = zstandard
        found = {key: zstandard.ZstdCompressionDict(data) for key, data in sorted(dictionaries.items())}
        self.dictionary_ids = frozenset(found)
        self._newest_dictionary = next(reversed(found.values()), None)
        self._decompressors: Mapping[int, zstandard.ZstdDecompressor] = {
            _NO_DICTIONARY: zstandard.ZstdDecompressor(),
            **{key: zstandard.ZstdDecompressor(dict_data=one) for key, one in found.items()},
        }

    @cached_property
    def _compressor(self) -> zstandard.ZstdCompressor:
        return self._zstandard.ZstdCompressor(
            level=COMPRESSION_LEVEL, dict_data=self._newest_dictionary, write_checksum=False
        )

    def compress(self, texts: DocumentTexts) -> bytes:
        """Return the texts as they are stored."""
        return self._compressor.compress(_serialise(texts))

    def decompress(self, packed: bytes) -> DocumentTexts:
        """Return stored texts. Raises KeyError when their dictionary is not known."""
        raw = self._decompressors[self._zstandard.get_frame_parameters(packed).dict_id].decompress(packed)
        title, body, *mentions = raw.decode().split("\0")
        return DocumentTexts(title, body, tuple(mentions))


def _serialise(texts: DocumentTexts) -> bytes:
    return "\0".join((texts.title, texts.body, *texts.mentions)).encode()


async def get_codec(connection: AsyncConnection) -> TextCodec:
    """Return the packing to write with: always with the dictionary that this transaction sees."""
    known = _cached_codec(connection)
    ids = frozenset(key for (key,) in await bulk.fetch_all(connection, "SELECT id FROM text_dictionaries"))
    return known if known is not None and known.dictionary_ids == ids else await _load_codec(connection)


async def decompress_all(connection: AsyncConnection, packed: Sequence[bytes]) -> list[DocumentTexts]:
    """Return stored texts, in order."""
    known = _cached_codec(connection) or await _load_codec(connection)
    try:
        return list(map(known.decompress, packed))
    except KeyError:
        # Somebody else has learned a dictionary since.
        known = await _load_codec(connection)
        return list(map(known.decompress, packed))


def _cached_codec(connection: AsyncConnection) -> TextCodec | None:
    return connection.sync_connection.info.get(_CACHE_KEY) if connection.sync_connection is not None else None


async def _load_codec(connection: AsyncConnection) -> TextCodec:
    query = sa.select(text_dictionaries.c.id, text_dictionaries.c.data).order_by(text_dictionaries.c.id)
    found = _make_codec(tuple((row.id, row.data) for row in await connection.execute(query)))
    if connection.sync_connection is not None:
        connection.sync_connection.info[_CACHE_KEY] = found
    return found


@lru_cache(maxsize=4)
def _make_codec(dictionaries: tuple[tuple[int, bytes], ...]) -> TextCodec:
    return TextCodec(dict(dictionaries))


async def train_dictionary(connection: AsyncConnection, samples: Sequence[DocumentTexts]) -> None:
    """Learn the dictionary from some thousand texts of this archive; takes a tenth of a second, in a thread.

    Of texts that have too little in common nothing is learned.
    """
    import zstandard

    try:
        learned = await asyncio.to_thread(
            zstandard.train_dictionary, DICTIONARY_BYTES, list(map(_serialise, samples))
        )
    except zstandard.ZstdError:
        return
    await connection.execute(text_dictionaries.insert().values(id=learned.dict_id(), data=learned.as_bytes()))
