"""What Azure's SDKs raise, as our failures. Conditions that did not hold are the callers' own business."""

import contextlib
from collections.abc import Iterator

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)

from core.errors import RetryableError
from core.tracing import span


@contextlib.contextmanager
def storage_failures(what: str) -> Iterator[None]:
    """Raises RetryableError for anything the service, or the way to it, does; `what` names the work, for engineers.

    A condition that did not hold, and an entity that is not there, pass through: callers ask for those.
    """
    try:
        with span("storage", usual=(ResourceExistsError, ResourceModifiedError, ResourceNotFoundError)):
            yield
    except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError) as error:
        if getattr(error, "error_code", None) == "TableNotFound":
            raise RetryableError("A storage table is missing: deploy the template again.", detail=what) from error
        raise
    except HttpResponseError as error:
        if _is_about_identity(error):
            raise RetryableError(
                "The service has no managed identity to sign in to storage with: check the identity that is assigned "
                "to the app, and the setting AzureWebJobsStorage__clientId.",
                code="no_identity",
                detail=f"{what}: {type(error).__name__}",
            ) from error
        raise _refusal(what, error) from error
    except AzureError as error:
        raise RetryableError("Storage cannot be reached.", detail=f"{what}: {type(error).__name__}") from error


def _refusal(what: str, error: HttpResponseError) -> RetryableError:
    detail = f"{what}: {type(error).__name__}"
    if isinstance(error, ClientAuthenticationError):
        return RetryableError(
            "Storage refuses the service's identity: check its role assignments.", code="storage_auth", detail=detail
        )
    code = str(getattr(error, "error_code", "") or error.status_code)
    return RetryableError("Storage is not available at the moment.", code=code, detail=detail)


def _is_about_identity(error: HttpResponseError) -> bool:
    """Whether the endpoint answered that gives out the app's tokens, and not storage itself."""
    request = getattr(error.response, "request", None)
    return request is not None and "X-IDENTITY-HEADER" in request.headers
