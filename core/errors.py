"""The failures, named for what happens next.

    SyncError
    ├── RetryableError                  network, time-out, 5xx: the same call may go through later
    │   ├── ThrottledError              a limit was reached: nothing is sent before `retry_after`
    │   └── UnreadableDocumentError     what is stored cannot be read, until somebody saves it again
    ├── RejectedRowError                this row is refused for good: somebody must change data or mapping
    ├── MisconfiguredConnectionError    credentials, privileges, organisation: the connection pauses, deliveries wait
    │   └── MissingPrivilegeError       for one kind of work; what else was asked may go on
    └── InvalidInputError               a caller of the API sent something that cannot be accepted
        └── ChangedMeanwhileError       somebody else was quicker

What our own rules conclude (nothing matched, held, unchanged) is a value, never one of these. Anything else that is
raised is a bug. `message` is a sentence for people; `detail` and `code` are for engineers. None of these holds a secret
or personal data. `words` are Dynamics' own: they may repeat anybody's name, and go nowhere but into the delivery, and
masked into its log row.
"""

# Codes of a RejectedRowError: a column security profile is lacking for creating, reading or updating.
# https://learn.microsoft.com/power-apps/developer/data-platform/reference/web-service-error-codes
SECURED_COLUMN = frozenset({"0x8004f502", "0x8004f504", "0x8004f507"})


class SyncError(Exception):
    """What every failure carries."""

    words = ""

    def __init__(self, message: str, *, code: str = "", detail: str = "", request_id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.detail = detail
        self.request_id = request_id


class RetryableError(SyncError):
    """The same call may go through later."""


class ThrottledError(RetryableError):
    """A service protection limit was reached; `retry_after` is in seconds."""

    def __init__(
        self, message: str, *, retry_after: float, code: str = "", detail: str = "", request_id: str = ""
    ) -> None:
        super().__init__(message, code=code, detail=detail, request_id=request_id)
        self.retry_after = retry_after


class UnreadableDocumentError(RetryableError):
    """What is stored cannot be read any more; once somebody has saved it again, the same call goes through."""


class RejectedRowError(SyncError):
    """Dataverse refuses this row, and would refuse it again; `about_mapping` where the mapping is to blame."""

    def __init__(
        self,
        message: str,
        *,
        column: str = "",
        about_mapping: bool = False,
        code: str = "",
        detail: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(message, code=code, detail=detail, request_id=request_id)
        self.column = column
        self.about_mapping = about_mapping


NOT_CONFIGURED = "not_configured"  # code: an action, or the connection itself, is not there (any more)


class MisconfiguredConnectionError(SyncError):
    """Nothing will work on this connection until an administrator has mended it."""


class MissingPrivilegeError(MisconfiguredConnectionError):
    """The application user may not do this; what else it was asked for may well succeed."""


class InvalidInputError(SyncError):
    """What a caller sent cannot be accepted; `field` names the part, the message what would be accepted."""

    def __init__(self, message: str, *, field: str, status: int = 422) -> None:
        super().__init__(message)
        self.field = field
        self.status = status


class ChangedMeanwhileError(InvalidInputError):
    """Somebody else saved the same thing between reading and writing."""

    def __init__(self, what: str) -> None:
        message = f"Somebody else saved the {what} at the same moment. Nothing was saved: read it again."
        super().__init__(message, field="If-Match", status=412)
