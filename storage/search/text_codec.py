"""Compresses indexed texts: Zstandard, with a dictionary trained from the archive's own texts.

Papers resemble each other more than they repeat themselves, so the dictionary saves a third. Texts compressed before it
was trained stay readable, since each frame names its dictionary (RFC 8878).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import bulk
from storage.tables import text_dictionaries

if TYPE_CHECKING:
    import zstandard

COMPRESSION_LEVEL = 3
DICTIONARY_BYTES = 1 << 16
_NO_DICTIONARY = 0
_CACHE_KEY = "text_codec"


class DocumentTexts(NamedTuple):
    """The indexed texts of a paper: title and body in the analyser's canonical form, and its mentions for the glossary."""

    title: str
    body: str
    mentions: tuple[str, ...] = ()


class TextCodec:
    """Compresses with the newest dictionary and decompresses with any, by its id. Made by `get_codec`; holds no connection."""

    def __init__(self, dictionaries: Mapping[int, bytes]) -> None:
        import zstandard  # loaded with the first use of the index, not by an idle bot

        self._zstandard = zstandard
        loaded = {
            dictionary_id: zstandard.ZstdCompressionDict(data)
            for dictionary_id, data in sorted(dictionaries.items())
        }
        self.dictionary_ids = frozenset(loaded)
        self._newest_dictionary = next(reversed(loaded.values()), None)
        self._decompressors: Mapping[int, zstandard.ZstdDecompressor] = {
            _NO_DICTIONARY: zstandard.ZstdDecompressor(),
            **{
                dictionary_id: zstandard.ZstdDecompressor(dict_data=dictionary)
                for dictionary_id, dictionary in loaded.items()
            },
        }

    @cached_property
    def _compressor(self) -> zstandard.ZstdCompressor:
        return self._zstandard.ZstdCompressor(
            level=COMPRESSION_LEVEL, dict_data=self._newest_dictionary, write_checksum=False
        )

    def compress(self, texts: DocumentTexts) -> bytes:
        """Return texts in compressed form."""
        return self._compressor.compress(_serialise(texts))

    def decompress(self, compressed: bytes) -> DocumentTexts:
        """Return compressed texts. Raises KeyError when their dictionary is unknown."""
        dictionary_id = self._zstandard.get_frame_parameters(compressed).dict_id
        raw = self._decompressors[dictionary_id].decompress(compressed)
        title, body, *mentions = raw.decode().split("\0")
        return DocumentTexts(title, body, tuple(mentions))


def _serialise(texts: DocumentTexts) -> bytes:
    return "\0".join((texts.title, texts.body, *texts.mentions)).encode()


async def get_codec(connection: AsyncConnection) -> TextCodec:
    """Return the codec to compress with: that of the dictionaries that this transaction sees."""
    cached = _cached_codec(connection)
    rows = await bulk.fetch_all(connection, "SELECT id FROM text_dictionaries")
    ids = frozenset(dictionary_id for (dictionary_id,) in rows)
    return cached if cached is not None and cached.dictionary_ids == ids else await _load_codec(connection)


async def decompress_all(connection: AsyncConnection, compressed: Sequence[bytes]) -> list[DocumentTexts]:
    """Return compressed texts, in order."""
    codec = _cached_codec(connection) or await _load_codec(connection)
    try:
        return list(map(codec.decompress, compressed))
    except KeyError:
        # Another process has trained a dictionary since the codec was cached.
        codec = await _load_codec(connection)
        return list(map(codec.decompress, compressed))


def _cached_codec(connection: AsyncConnection) -> TextCodec | None:
    return connection.sync_connection.info.get(_CACHE_KEY) if connection.sync_connection is not None else None


async def _load_codec(connection: AsyncConnection) -> TextCodec:
    query = sa.select(text_dictionaries.c.id, text_dictionaries.c.data).order_by(text_dictionaries.c.id)
    codec = _make_codec(tuple((row.id, row.data) for row in await connection.execute(query)))
    if connection.sync_connection is not None:
        connection.sync_connection.info[_CACHE_KEY] = codec
    return codec


@lru_cache(maxsize=4)
def _make_codec(dictionaries: tuple[tuple[int, bytes], ...]) -> TextCodec:
    return TextCodec(dict(dictionaries))


async def train_dictionary(connection: AsyncConnection, samples: Sequence[DocumentTexts]) -> None:
    """Train and store a dictionary from some thousand texts; a tenth of a second, in a thread.

    Nothing is stored if the texts have too little in common.
    """
    import zstandard

    try:
        trained = await asyncio.to_thread(
            zstandard.train_dictionary, DICTIONARY_BYTES, list(map(_serialise, samples))
        )
    except zstandard.ZstdError:
        return
    await connection.execute(text_dictionaries.insert().values(id=trained.dict_id(), data=trained.as_bytes()))
