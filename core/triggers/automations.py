"""The timer that runs automations."""

from core.bootstrap import services
from core.logs import logger
from core.tracing import span

_log = logger("captello.automations")


async def automations() -> None:
    app = await services()
    with span("automations"):
        ran = await app.automating.tick()
    if ran:
        _log.info("%d automations ran", ran)
