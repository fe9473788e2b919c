"""The body of an answer, read as it comes in and no further than anything that Dynamics has to say.

A few kilobytes that were compressed can stand for gigabytes; the service's memory is not Dynamics' to fill.
"""

import httpx

from core.errors import RetryableError

BODY_MOST = 64 * 1024 * 1024


async def content_of(answer: httpx.Response, *, most: int = BODY_MOST) -> bytes:
    """What the body holds, decompressed. Raises RetryableError where it is larger."""
    blocks, size = [], 0
    async for block in answer.aiter_bytes():
        size += len(block)
        if size > most:
            raise RetryableError("Dynamics' answer is larger than anything that was asked for.", code="too_large")
        blocks.append(block)
    return b"".join(blocks)
