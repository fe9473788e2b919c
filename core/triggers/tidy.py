"""The timer that takes away what is kept no longer."""

from core.bootstrap import services
from core.logs import logger
from core.tracing import span

_log = logger("captello.retention")


async def tidy() -> None:
    app = await services()
    with span("tidy"):
        counted = await app.tidying.run()
    if counted:
        _log.info("taken away: %s", ", ".join(f"{count} {name}" for name, count in counted.items()))
