"""The timer that runs automations."""

from core.bootstrap import services
from core.logs import logger

_log = logger("captello.automations")


async def automations() -> None:
    ran = await (await services()).automating.tick()
    if ran:
        _log.info("%d automations ran", ran)
