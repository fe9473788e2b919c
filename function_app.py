"""The app's functions, as the Functions host indexes them.

Everything else is imported after indexing, which stays as quick as `azure.functions` itself: what a capture needs by
`cold_start`, the rest by the first invocation that needs it. A capture never waits for the API's framework.
"""
# ruff: noqa: PLC0415

import azure.functions as func

from core.cold_start import ColdStart

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
start = ColdStart()
start.begin()


@app.function_name("capture")
@app.route("capture/{action}", methods=["GET", "POST"])
async def capture(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """A capture from Captello, answered at once."""
    await start.ready()
    from core.triggers.capture import capture as trigger

    return await trigger(req, context)


@app.function_name("deliver")
@app.queue_trigger("message", queue_name="deliveries", connection="AzureWebJobsStorage")
async def deliver(message: func.QueueMessage) -> None:
    """Carries on a delivery that was deferred."""
    await start.ready()
    from core.triggers.wake import deliver as trigger

    await trigger(message)


@app.function_name("wake")
@app.timer_trigger("timer", schedule="%WAKE_SCHEDULE%")
async def wake(timer: func.TimerRequest) -> None:  # noqa: ARG001  # the host binds it by name
    """Wakes every delivery that is due and that no message woke."""
    await start.ready()
    from core.triggers.wake import wake as trigger

    await trigger()


@app.function_name("tidy")
@app.timer_trigger("timer", schedule="0 3/10 * * * *")
async def tidy(timer: func.TimerRequest) -> None:  # noqa: ARG001  # the host binds it by name
    """Takes away what is kept no longer."""
    await start.ready()
    from core.triggers.tidy import tidy as trigger

    await trigger()


@app.function_name("api")
@app.route("v1/{*rest}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def api(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Connections, mappings, actions and logs."""
    await start.ready()
    from core.triggers.api import api as trigger

    return await trigger(req, context)


@app.function_name("bulk")
@app.queue_trigger("message", queue_name="bulk-sync", connection="AzureWebJobsStorage")
async def bulk(message: func.QueueMessage) -> None:
    """Many prospects at once: what was dropped on the queue, and the steps of batches under way."""
    await start.ready()
    from core.triggers.bulk import bulk as trigger

    await trigger(message)


@app.function_name("automations")
@app.timer_trigger("timer", schedule="0 1/5 * * * *")
async def automations(timer: func.TimerRequest) -> None:  # noqa: ARG001  # the host binds it by name
    """Runs the automations that are due."""
    await start.ready()
    from core.triggers.automations import automations as trigger

    await trigger()
