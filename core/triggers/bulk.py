"""The queue trigger for bulk work: what was dropped on the queue, and our own messages that carry a batch on.

A message that can never succeed goes to the log and the poison queue at once, with the reason; it is never tried again
and again.
"""

import azure.functions as func

from core.bootstrap import Services, services
from core.errors import InvalidInputError
from core.logs import logger
from core.sync.bulk_messages import Order, Refused, Step, read_message
from core.tracing import span

_log = logger("captello.bulk")


async def bulk(message: func.QueueMessage) -> None:
    app, body = await services(), message.get_body()
    read = read_message(body)
    with span("bulk", parent=read.traceparent if isinstance(read, Step) else ""):
        reason = await _why_refused(app, read, message_id=str(message.id))
        if reason:
            _log.error("a message on the queue `bulk-sync` was refused: %s", reason)
            action = "" if isinstance(read, Step) else read.action
            text, sent_at = body.decode(errors="replace"), message.insertion_time
            await app.bulk_refusing.message(text, reason, action=action, message_id=str(message.id), sent_at=sent_at)


async def _why_refused(app: Services, read: Step | Order | Refused, *, message_id: str) -> str:
    """Empty once it has been carried out."""
    if isinstance(read, Refused):
        return read.reason
    try:
        await app.bulk_messages.carry_out(read, message_id=message_id)
    except InvalidInputError as error:
        return error.message
    return ""
