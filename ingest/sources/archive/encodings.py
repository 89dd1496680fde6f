"""Encodings of text files: detected once, from a sample. Pure functions but for the transcoder.

Everything behind this module sees bytes in which the letters of ASCII stand for themselves
and a line feed ends a line. UTF-8 and the one-byte encodings are so already; others (UTF-16,
Shift JIS) are turned into UTF-8 on the way.
"""

from __future__ import annotations

import codecs

import charset_normalizer

from ingest.errors import SourceError
from ingest.sources.archive.compression import Stream

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: What archives in French and Arabic most often are, tried before all others: a short sample
#: in these fits a dozen related encodings equally well.
_USUAL = ["cp1252", "cp1256", "iso8859_6"]
#: The share of unlikely letters up to which one of them is believed (texts that mix two scripts
#: have some).
_CLEAN = 0.05
#: What must stand for itself in an encoding that is guessed by letters alone: UTF-16 is known
#: by its zeros, and in those of old mainframes any garbage looks like words.
_SIGNS = b'{}[]",:;|\t 0123456789 id text'
#: Half of the letters of any Arabic text.
_FREQUENT = frozenset("اليمنوت")
_FALLBACK = "cp1252"
#: One valid non-ASCII line of UTF-8 outweighs this many invalid ones: by chance alone hardly
#: any line of another encoding is valid UTF-8.
_WEIGHT = 20
_SAMPLE = 256 * 1024


def mark_of(head: bytes) -> tuple[str, int]:
    """Return the encoding that a byte order mark names, and the mark's length."""
    for mark, charset in _MARKS:
        if head.startswith(mark) and (charset == "utf-8" or _narrow(head[len(mark) :], charset)):
            return charset, len(mark)
    return "", 0


def detect(sample: bytes) -> str:
    """Return the encoding of a text without a byte order mark.

    UTF-8 if its lines say so (a few broken ones don't matter), else the best guess.
    """
    for charset in ("utf-16-le", "utf-16-be"):
        if _narrow(sample, charset, alone=True):
            return charset
    every = sample.splitlines()
    objects = [line for line in every if line.startswith(b"{") and line.endswith(b"}")]
    lines = [line for line in objects or every if not line.isascii()]
    if not lines or len(lines) * 2 < len(objects):
        return "utf-8"  # JSON is UTF-8 by its standard: some lines alone don't say otherwise
    lines = lines[:-1] if len(lines) > 20 else lines  # the sample may cut its last line
    valid = sum(_valid(line, "utf-8") for line in lines)
    if valid * _WEIGHT >= len(lines):
        return "utf-8"
    text = b"\n".join(lines)[:_SAMPLE]
    usual = charset_normalizer.from_bytes(text, cp_isolation=_USUAL).best()
    if usual is not None and usual.chaos <= _CLEAN:
        return usual.encoding
    if _is_arabic_windows(text):
        return "cp1256"
    for guess in charset_normalizer.from_bytes(text):
        if _SIGNS.decode(guess.encoding, "replace") == _SIGNS.decode():
            return guess.encoding
    return _FALLBACK


def _is_arabic_windows(text: bytes) -> bool:
    """Say whether these are words of Arabic in Windows-1256, with or without French among them.

    That encoding has the accented letters of French where Western ones have them.
    """
    letters = [sign for sign in text.decode("cp1256", "replace") if not sign.isascii()]
    arabic = sum("\u0621" <= sign <= "\u064a" for sign in letters)
    alone = sum(sign.isalpha() and not ("\u0600" <= sign <= "\u06ff") for sign in letters)
    frequent = sum(sign in _FREQUENT for sign in letters)
    return arabic >= 2 * alone and arabic > 0 and 10 * frequent >= 3 * arabic


def known(charset: str) -> str:
    """Return Python's name of an encoding. Raises :class:`SourceError` for an unknown one."""
    try:
        return codecs.lookup(charset).name
    except LookupError as error:
        raise SourceError(
            f"no encoding is called {charset!r}; usual ones are utf-8, utf-16, cp1252 (Western "
            "Windows), cp1256 (Arabic Windows), iso8859-6"
        ) from error


def is_transparent(charset: str) -> bool:
    """Say whether every byte below 128 is its ASCII character, wherever it stands."""
    if charset == "utf-8":
        return True
    ascii_bytes = bytes(range(128))
    if ascii_bytes.decode(charset, "replace").encode("utf-8") != ascii_bytes:
        return False
    pairs = (bytes((lead, trail)) for lead in range(128, 256) for trail in (0x22, 0x41, 0x5C, 0x7B))
    return all(pair.decode(charset, "replace").endswith(chr(pair[1])) for pair in pairs)


class Transcoded:
    """A stream in another encoding, as UTF-8.

    What is not valid becomes bytes that are no valid UTF-8 either, so that the line it stands
    in becomes a dead letter later and the others are read.
    """

    def __init__(self, stream: Stream, charset: str) -> None:
        self._decoder = codecs.getincrementaldecoder(charset)("marsad-broken")
        self._stream = stream
        self._ended = False

    @property
    def damage(self) -> str:
        """Reason code of what is wrong at the end."""
        return self._stream.damage

    def read(self) -> bytes:
        """Return the next piece."""
        while not self._ended:
            data = self._stream.read()
            self._ended = not data
            if text := self._decoder.decode(data, final=self._ended):
                return text.encode("utf-8", "surrogatepass")
        return b""


def _broken(error: UnicodeError) -> tuple[str, int]:
    """Put half a surrogate pair, which UTF-8 has no valid bytes for, in place of what is broken."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


codecs.register_error("marsad-broken", _broken)


def _valid(line: bytes, charset: str) -> bool:
    try:
        line.decode(charset)
    except UnicodeDecodeError:
        return False
    return True


def _narrow(data: bytes, charset: str, *, alone: bool = False) -> bool:
    """Say whether bytes look like UTF-16 or -32: zeros where Latin letters have their upper half.

    Field names, delimiters and digits are such letters, in a file of any language. Where no
    mark says so (``alone``), they must also outnumber what would be Chinese characters: two
    Latin letters of UTF-8 taken for one unit are one.
    """
    step = 4 if "32" in charset else 2
    little = charset.endswith("le")
    units = min(len(data) // step, 4096)
    upper = data[step - 1 if little else 0 : units * step : step]
    lower = data[0 if little else step - 1 : units * step : step]
    zeros = upper.count(0)
    if units < 2 or zeros * 10 < units:
        return False
    letters = sum(
        high == 0 and (0x20 <= low < 0x7F or low >= 0xA0 or low in b"\t\r\n")
        for high, low in zip(upper, lower, strict=True)
    )
    if letters * 20 < zeros * 19:
        return False
    return not alone or sum(0x21 <= byte <= 0x9F for byte in upper) * 4 < zeros
