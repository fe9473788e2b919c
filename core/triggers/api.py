"""The HTTP trigger for the API: hands the request to the ASGI application, which is made on its first use."""

import functools

import azure.functions as func

from core.api.app import make_app
from core.tracing import span

# Answers hold people: no cache keeps one, and no browser takes it for a page.
_FOR_NOBODY_ELSE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


@functools.cache
def _middleware() -> func.AsgiMiddleware:
    return func.AsgiMiddleware(make_app())  # type: ignore[no-untyped-call]  # the library's own


async def api(request: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    with span("api", parent=context.trace_context.trace_parent or "", method=request.method) as telling:
        answer: func.HttpResponse = await _middleware().handle_async(request, context)
        answer.headers.update(_FOR_NOBODY_ELSE)
        telling.tell(status=answer.status_code)
        return answer
