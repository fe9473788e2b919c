"""The queue trigger for bulk work: what was dropped on the queue, and our own messages that carry a batch on.

A message that can never succeed goes to the poison queue at once, with the reason; it is never tried again and again.
"""

import azure.functions as func

from core.bootstrap import services
from core.errors import InvalidInputError
from core.logs import logger
from core.sync.bulk_messages import Refused, read_message

_log = logger("captello.bulk")


async def bulk(message: func.QueueMessage) -> None:
    app, body = await services(), message.get_body()
    read = read_message(body)
    if isinstance(read, Refused):
        reason = read.reason
    else:
        try:
            await app.bulk_messages.carry_out(read, message_id=str(message.id))
        except InvalidInputError as error:
            reason = error.message
        else:
            return
    _log.error("a message on the queue `bulk-sync` was refused: %s", reason)
    await app.bulk_queue.refuse(body.decode(errors="replace"), reason)
