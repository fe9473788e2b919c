"""The queue output: what a function gave to its queue bindings is sent, to queues that are made when missing."""

import contextlib
from collections.abc import Iterable

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient

from infra.local.functions_host.invocation import Output
from infra.local.functions_host.queue_messages import bodies, encoded
from infra.local.functions_host.storage import Queues


class QueueOutputs:
    def __init__(self, queues: Queues, *, is_base64: bool) -> None:
        self._queues = queues
        self._is_base64 = is_base64

    async def write(self, outputs: Iterable[Output]) -> None:
        """Raises ValueError and AzureError; some messages may be sent by then."""
        for output in outputs:
            queue = self._queues.queue(output.binding.text("connection"), output.binding.queue_name)
            for body in bodies(output.value):
                await send(queue, encoded(body, is_base64=self._is_base64))
            self._queues.bell(queue).set()


async def send(queue: QueueClient, content: str) -> None:
    try:
        await queue.send_message(content)
    except ResourceNotFoundError:
        with contextlib.suppress(ResourceExistsError):
            await queue.create_queue()
        await queue.send_message(content)
