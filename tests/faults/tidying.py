"""Carries on whatever an organisation has left open, as the timer and its messages do, without waiting for either."""

import asyncio
import os
from datetime import UTC, datetime, timedelta

from core.bootstrap import Services, make_services
from core.domain.delivery import Due
from core.settings import settings_from

PATIENCE_SECONDS = 150.0  # a killed host keeps its slots for bulk work for a minute
PAUSE_SECONDS = 0.05  # connections may be paused for a second


async def tidy(organization: str) -> int:
    """Until nothing is due any more, or patience ends; how many deliveries and batches are open then."""
    app = make_services(settings_from(os.environ))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (due := await _open(app, organization)) or await app.batches.open_ids():
                await asyncio.gather(*(app.wakes.run(organization, mark.delivery) for mark in due))
                await app.bulk_resuming.resume()  # whoever is alive takes its messages
                await asyncio.sleep(PAUSE_SECONDS)
    except TimeoutError:
        return len(await _open(app, organization)) + len(await app.batches.open_ids())
    else:
        return 0
    finally:
        await app.close()


async def _open(app: Services, organization: str) -> list[Due]:
    return await app.ledger.due(organization, _sooner_or_later(), most=500)


def _sooner_or_later() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)
