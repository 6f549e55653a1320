"""Sizes of images and documents, as far as their first bytes tell; tokens of both are estimates.

Bedrock publishes no formula for either (facts: "image/document token formulas: not found"); width x height
/ 750 for Claude is consistent with one recorded image and is held at low confidence.
"""

import base64
import binascii
import struct
from typing import Any


def content_bytes(source: Any) -> bytes:
    """The bytes of a ``source`` union: ``bytes`` itself, or base64 text as it travels in JSON; else empty."""
    if isinstance(source, bytes | bytearray):
        return bytes(source)
    if isinstance(source, str):
        try:
            return base64.b64decode(source, validate=False)
        except (binascii.Error, ValueError):
            return source.encode("utf-8", "surrogatepass")
    return b""


def image_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a PNG, GIF, JPEG or WebP, or None when the header does not say."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        return struct.unpack(">II", data[16:24])
    if data[:4] == b"GIF8" and len(data) >= 10:
        return struct.unpack("<HH", data[6:10])
    if data[:2] == b"\xff\xd8":
        return _jpeg_size(data)
    if data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8X" and len(data) >= 30:
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + max(length, 2)
    return None
