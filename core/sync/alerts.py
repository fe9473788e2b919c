"""What somebody has to be told, as monitoring reads it: one JSON object a line on the log `captello.alerts`.

The rules in infra/modules/alerts.bicep ask for these lines.
"""

import json

from core.domain.connection import Pause
from core.domain.delivery import Delivery, Outcome
from core.logs import logger

_alerts = logger("captello.alerts")


def tell_paused(connection_id: str, pause: Pause) -> None:
    """Said again whenever the pause is, every few minutes: an alert lasts as long as what it is about."""
    alert = {"alert": "connection_paused", "connection": connection_id, "code": pause.code, "reason": pause.reason}
    _alerts.warning("%s", json.dumps(alert))


def tell_queue_age(connection_id: str, minutes: int, code: str) -> None:
    """Said again every minute while it lasts. `code`: of what holds the connection, "" where nothing does."""
    alert = {"alert": "queue_age", "connection": connection_id, "minutes": minutes, "code": code}
    _alerts.warning("%s", json.dumps(alert))


def tell_failed(delivery: Delivery) -> None:
    """One line for each delivery that ended so. Its reason stays in the log's table: it may quote somebody."""
    result = delivery.result
    if result is None or result.outcome is not Outcome.FAILED:
        return
    cause = {"class": result.error_class, "code": result.error_code}
    alert = {"alert": "delivery_failed", "connection": delivery.connection, "delivery": delivery.id, **cause}
    _alerts.warning("%s", json.dumps(alert))
