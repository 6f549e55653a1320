"""Pictures of Stable Image: a native body of InvokeModel in, a PNG out that the same prompt and seed paint again.

Members, ratios and the reply are AWS's (model-parameters-diffusion-stable-image-core-text-image-request-response,
read 2026-11-30); that page gives no size for a ratio, so about a megapixel within its 640 to 1,536 pixels is ours, as
are the words of refusals. No JPEG is painted.
"""

import base64
import zlib
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from rockbottom.catalog import limit
from rockbottom.local.failures import invalid

Json = dict[str, Any]
_SIZES: Mapping[str, tuple[int, int]] = {
    "1:1": (1024, 1024), "16:9": (1344, 768), "21:9": (1536, 640), "2:3": (832, 1216), "3:2": (1216, 832),
    "4:5": (896, 1088), "5:4": (1088, 896), "9:16": (768, 1344), "9:21": (640, 1536),
}  # fmt: skip
_FIELDS = 8  # of the pattern, across and down


def painted(body: Json) -> Json:
    """The reply to a body that has a prompt. Raises ServiceFailure."""
    prompt, seed = body["prompt"], body.get("seed", 0)
    ratio, form = body.get("aspect_ratio", "1:1"), body.get("output_format", "png")
    most_chars, most_seed = limit("stable_image_prompt_characters"), limit("stable_image_seed")
    if not isinstance(prompt, str) or len(prompt) > most_chars:
        raise invalid(f"prompt: a text of at most {most_chars} characters is expected.")
    if ratio not in _SIZES:
        raise invalid(f"aspect_ratio: {ratio!r} is not one of {', '.join(_SIZES)}.")
    if str(form).lower() != "png":
        raise invalid(f"output_format: {form!r} cannot be had from the local endpoint, which makes png only.")
    if body.get("mode", "text-to-image") != "text-to-image":
        raise invalid(f"mode: {body['mode']!r} is not text-to-image.")
    if type(seed) is not int or not 0 <= seed <= most_seed:
        raise invalid(f"seed: a whole number from 0 to {most_seed} is expected.")
    wish = f"{prompt}\0{body.get('negative_prompt', '')}\0{seed}".encode("utf-8", "surrogatepass")
    digest = blake2b(wish, digest_size=32).digest()
    chosen = seed or int.from_bytes(digest[:4], "big")
    return {
        "seeds": [chosen],
        "finish_reasons": [None],
        "images": [base64.b64encode(_png(*_SIZES[ratio], digest)).decode()],
    }


def _png(width: int, height: int, digest: bytes) -> bytes:
    """A pattern of two colours that a digest chooses."""
    rows: list[bytes] = []
    for row in range(_FIELDS):
        bits = digest[8 + row]
        fields = b"".join(bytes([bits >> field & 1]) * (width // _FIELDS) for field in range(_FIELDS))
        rows.append((b"\0" + fields) * (height // _FIELDS))  # a zero before each line: it is not filtered
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x03\0\0\0"  # eight bits, a palette
    chunks = ((b"IHDR", head), (b"PLTE", digest[:6]), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big") for name, data in chunks
    )
