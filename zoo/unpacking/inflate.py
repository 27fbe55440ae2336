"""Compressed bytes as a reader of the bytes they stand for, all checks of the format on."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol, cast

import zstandard
from isal.igzip_lib import DECOMP_DEFLATE, IgzipDecompressor, IsalError
from isal.isal_zlib import _GzipReader

from zoo.errors import UnpackError
from zoo.sniff import WORDS, Kind

CHUNK = 1 << 18
"""Compressed bytes that are read at once."""
LZMA_MEMORY = 1 << 28
"""Bytes that a decoder may need: an .xz header may ask for 4 GiB, `xz -9` asks for 64 MiB."""
ZSTD_WINDOW = 1 << 27
"""The same for Zstandard, whose own program has this limit."""


class Reader(Protocol):
    """What bytes come from: a file, a download, a decoder."""

    def readinto(self, view: memoryview, /) -> int | None:
        """Fill the start of ``view``; the number of bytes, 0 at the end."""
        ...


class Peekable:
    """A reader whose first bytes can be looked at before they are read."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._head = b""

    def peek(self, count: int) -> bytes:
        """The next ``count`` bytes, fewer at the end."""
        while len(self._head) < count:
            buffer = bytearray(count - len(self._head))
            if not (got := self._reader.readinto(memoryview(buffer))):
                break
            self._head += bytes(buffer[:got])
        return self._head[:count]

    def readinto(self, view: memoryview, /) -> int:
        """See `Reader.readinto`."""
        if self._head:
            count = min(len(view), len(self._head))
            view[:count] = self._head[:count]
            self._head = self._head[count:]
            return count
        return self._reader.readinto(view) or 0


def fill(reader: Reader, view: memoryview) -> int:
    """Fill all of ``view``, as far as the bytes go; how many there were."""
    done = 0
    while done < len(view):
        if not (count := reader.readinto(view[done:])):
            break
        done += count
    return done


def inflated(kind: Kind, reader: Reader) -> Reader:
    """The bytes inside compressed data of ``kind``.

    Reading raises `UnpackError` where the data is damaged or cut short.
    """
    match kind:
        case "gzip":
            return _Gzip(reader)
        case "bzip2":
            return Inflater(kind, reader, bz2.BZ2Decompressor)
        case "xz" | "lzma":
            return Inflater(kind, reader, lambda: lzma.LZMADecompressor(memlimit=LZMA_MEMORY))
        case "zstd":
            # This decoder takes no limit for its output, so it gets little to decode at once.
            return Inflater(kind, reader, _Zstd, chunk=1 << 13)
    raise UnpackError(f"{WORDS[kind]}, expected compressed data")


_ISAL_ERROR = cast("type[Exception]", IsalError)
_DAMAGE = (OSError, EOFError, _ISAL_ERROR, lzma.LZMAError, zlib.error, zstandard.ZstdError)


class _Raw(io.RawIOBase):
    """A reader in the dress that the C code of isal expects."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.error: BaseException | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        try:
            return self._reader.readinto(buffer) or 0
        except BaseException as error:
            self.error = error  # a broken disk or network, which is no damage of the data
            raise


class _Gzip:
    """A gzip stream of any number of members, each with its crc and length checked.

    The reader of isal that fills a buffer of ours; its public face would copy everything once more.
    """

    def __init__(self, reader: Reader) -> None:
        self._raw = _Raw(reader)
        self._reader = _GzipReader(cast("BinaryIO", self._raw), CHUNK)

    def readinto(self, view: memoryview, /) -> int:
        try:
            return self._reader.readinto(view)
        except _DAMAGE as error:
            if self._raw.error is not None:
                raise self._raw.error from None
            raise damaged("gzip", error) from error


class Inflater:
    """Streams of one kind after each other, as the decompressors of the standard library read them."""

    def __init__(
        self, kind: Kind, reader: Reader, make: Callable[[], Any], *, chunk: int = CHUNK, single: bool = False
    ) -> None:
        """Prepare to read.

        Args:
            kind: for messages.
            reader: the compressed bytes.
            make: a new decompressor, as `bz2.BZ2Decompressor` is one.
            chunk: compressed bytes to read at once.
            single: the data is one stream, and anything after it an error.
        """
        self._kind = kind
        self._reader = reader
        self._make = make
        self._single = single
        self._decoder = make()
        self._buffer = memoryview(bytearray(chunk))

    def readinto(self, view: memoryview, /) -> int:
        """See `Reader.readinto`."""
        while len(view):
            decoder = self._decoder
            if decoder.eof:
                data = decoder.unused_data or self._read()
                if not data or self._single:
                    if data:
                        raise UnpackError(f"damaged {WORDS[self._kind]}: more bytes than the stream has")
                    return 0
                if self._kind == "xz":  # streams may be padded with zeros
                    data = data.lstrip(b"\x00")
                    if not data:
                        self._decoder = _Ended()
                        continue
                self._decoder = decoder = self._make()
            elif decoder.needs_input:
                data = self._read()
                if not data:
                    raise UnpackError(f"truncated {WORDS[self._kind]}: it ends in the middle", hint=TRUNCATED)
            else:
                data = b""
            try:
                out = decoder.decompress(data, len(view))
            except (*_DAMAGE, ValueError) as error:
                raise damaged(self._kind, error) from error
            if out:
                view[: len(out)] = out
                return len(out)
        return 0

    def _read(self) -> bytes:
        count = self._reader.readinto(self._buffer) or 0
        return bytes(self._buffer[:count])


class _Ended:
    """The decoder after padding: at its end, until more data comes."""

    eof = True
    unused_data = b""


class _Zstd:
    """The decoder of zstandard with the manners of `bz2.BZ2Decompressor`."""

    def __init__(self) -> None:
        self._decoder = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()
        self._out = memoryview(b"")

    @property
    def eof(self) -> bool:
        return self._decoder.eof and not self._out

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._out and not self._decoder.eof

    def decompress(self, data: bytes, limit: int) -> bytes:
        if data:
            self._out = memoryview(self._decoder.decompress(data))
        out, self._out = self._out[:limit], self._out[limit:]
        return bytes(out)


TRUNCATED = "the file was cut short: fetch it again, or find another source"


def damaged(kind: Kind, error: Exception) -> UnpackError:
    """The error for data that its decoder refused."""
    if isinstance(error, EOFError):
        return UnpackError(f"truncated {WORDS[kind]}: it ends in the middle", hint=TRUNCATED)
    if "emory" in str(error):  # "Memory usage limit exceeded", "Frame requires too much memory"
        limit = ZSTD_WINDOW if kind == "zstd" else LZMA_MEMORY
        return UnpackError(
            f"{WORDS[kind]} that takes more than {limit >> 20} MiB of memory to decode",
            hint="pack it again with the usual settings",
        )
    return UnpackError(
        f"damaged {WORDS[kind]}: {str(error)[:200]}",
        hint="the bytes are not what was packed: fetch it again, or find another source",
    )


def raw_deflate(reader: Reader) -> Reader:
    """The bytes inside a bare deflate stream (RFC 1951), as zip members are; ends where it ends."""
    return Inflater("zip", reader, lambda: IgzipDecompressor(flag=DECOMP_DEFLATE), single=True)
