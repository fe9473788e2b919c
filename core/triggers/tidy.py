"""The timer that takes away what is kept no longer."""

import logging

from core.bootstrap import services

_log = logging.getLogger("captello.retention")


async def tidy() -> None:
    counted = await (await services()).tidying.run()
    if counted:
        _log.info("taken away: %s", ", ".join(f"{count} {name}" for name, count in counted.items()))
