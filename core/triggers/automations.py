"""The timer that runs automations."""

import logging

from core.bootstrap import services

_log = logging.getLogger("captello.automations")


async def automations() -> None:
    ran = await (await services()).automating.tick()
    if ran:
        _log.info("%d automations ran", ran)
