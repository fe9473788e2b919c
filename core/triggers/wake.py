"""The queue trigger that carries deferred deliveries on, and the timer that wakes what is due and
looks after connections.
"""

import base64
import binascii
import json

import azure.functions as func

from core.bootstrap import services
from core.logs import logger
from core.tracing import span

REPLAY_SECONDS = 60.0

_log = logger("captello.wake")


async def deliver(message: func.QueueMessage) -> None:
    """A message names a delivery, or several. One that cannot be read fails, and ends in the poison queue."""
    organization, delivery_ids, parent = _read(message.get_body())
    app = await services()
    with span("deliver", parent=parent):
        if len(delivery_ids) == 1:
            await app.wakes.run(organization, delivery_ids[0])
        else:
            await app.bulk.run(organization, delivery_ids)


async def wake() -> None:
    app = await services()
    with span("wake"):
        woken = await app.wakes.wake_due()
        if woken:
            _log.info("%d deliveries were due and have been woken", woken)
        await app.aging.look()
        await app.bulk_resuming.resume()
        await app.replays.run_open(seconds=REPLAY_SECONDS)
        await app.upkeep.run()


def _read(body: bytes) -> tuple[str, list[str], str]:
    """Whose deliveries they are, their ids, and the trace that they belong to.

    Plain JSON or base64 of it: both are common on Storage queues.
    """
    text = body.strip()
    if not text.startswith(b"{"):
        try:
            text = base64.b64decode(text, validate=True)
        except binascii.Error:
            raise ValueError("a message on the queue `deliveries` is neither JSON nor base64") from None
    document = json.loads(text)
    named = document["deliveries"] if "deliveries" in document else [document["delivery"]]
    return str(document["organization"]), [str(each) for each in named], str(document.get("traceparent", ""))
