"""Breaks the connection of a request on purpose, for servers that are to behave like a bad network."""

import contextlib
import socket
import struct
from typing import Any

from starlette.types import Receive, Send


async def reset_connection(send: Send, receive: Receive) -> None:
    """The client sees its connection reset, with no byte of an answer."""
    transport = _transport(send)
    if (raw := transport.get_extra_info("socket")) is not None:
        # Lingering for no time makes the kernel send a reset instead of an orderly end. The client may be gone already.
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _until_gone(receive)


async def close_connection(send: Send, receive: Receive) -> None:
    """An orderly end in the middle of an answer."""
    _transport(send).close()
    await _until_gone(receive)


async def _until_gone(receive: Receive) -> None:
    """Until the server knows; else it would complain that nothing was answered."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _transport(send: Send) -> Any:
    """ASGI has no way to break a connection; uvicorn's `send` belongs to an object that knows the transport."""
    return send.__self__.transport  # type: ignore[attr-defined]
