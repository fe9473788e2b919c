"""What the first invocation needs is imported and made beside the worker, as soon as the app has been indexed.

Duty: one thread, begun when the worker's loop is free again, so that indexing itself stays as quick as it is; and
`ready`, which every function awaits first, so that no two threads import the same thing at once. Nothing here can
fail: what goes wrong in the thread goes wrong again, with its words, in the invocation that needs it. Without a running
loop (a tool that only looks at the app) nothing begins.
"""
# ruff: noqa: PLC0415

import asyncio
import contextlib
import gc
import threading

_ALLOCATED_BEFORE_COLLECTING = 50_000  # containers more than were freed; 700 unless said otherwise


class ColdStart:
    def __init__(self) -> None:
        self._over = asyncio.Event()

    def begin(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._over.set()
        else:
            thread = threading.Thread(target=self._run, args=[loop], name="cold start", daemon=True)
            loop.call_soon(thread.start)

    async def ready(self) -> None:
        """At once, but for invocations that come while the thread is at work: those go on when it is done."""
        await self._over.wait()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(Exception):
            _prepare()
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(self._over.set)


def _prepare() -> None:
    import aiohttp  # noqa: F401  # the Azure clients import it with their first request
    import azure.identity.aio
    import azure.keyvault.secrets.aio  # noqa: F401

    import core.triggers.capture  # noqa: F401
    from core.bootstrap import prepare

    prepare()
    import anyio._backends._asyncio  # noqa: F401  # httpx imports it with its first connection

    _collect_less()


def _collect_less() -> None:
    """What has been imported stays: looking for cycles in it again and again takes a fifth of bulk's own time."""
    gc.freeze()
    gc.set_threshold(_ALLOCATED_BEFORE_COLLECTING, 20, 20)
