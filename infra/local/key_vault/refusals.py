"""Why the vault refuses, in the words and codes of the real one.

Duty: one function for each refusal. When each applies, `vault` and `access` decide. The wording is that of the real
service where it is documented or was reported in public. https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
"""

from collections.abc import Mapping


class Refusal(Exception):  # noqa: N818 - an answer of the service, not a failure of ours
    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        inner: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.inner = inner
        self.headers = headers


def unauthorized(message: str, challenge: str) -> Refusal:
    return Refusal(401, "Unauthorized", message, headers={"WWW-Authenticate": challenge})


def forbidden(caller: str, action: str) -> Refusal:
    message = (
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role "
        "definitions were changed recently, please observe propagation time.\r\n"
        f"Caller: {caller}\r\nAction: '{action}'\r\nAssignment: (not found)\r\n"
    )
    return Refusal(403, "Forbidden", message, inner="ForbiddenByRbac")


def bad_parameter(message: str) -> Refusal:
    return Refusal(400, "BadParameter", message)


def unknown_secret(name: str) -> Refusal:
    message = (
        f"A secret with (name/id) {name} was not found in this key vault. If you recently deleted this secret you may "
        "be able to recover it using the correct recovery command. For help resolving this issue, please see "
        "https://go.microsoft.com/fwlink/?linkid=2125182"
    )
    return Refusal(404, "SecretNotFound", message)


def unknown_deleted_secret(name: str) -> Refusal:
    return Refusal(404, "SecretNotFound", f"Deleted Secret not found: {name}")


def disabled_secret() -> Refusal:
    return Refusal(403, "Forbidden", "Operation get is not allowed on a disabled secret.", inner="SecretDisabled")


def protected_from_purge() -> Refusal:
    message = (
        'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault service will '
        "automatically purge it after the retention period has passed."
    )
    return Refusal(403, "Forbidden", message)


def recoverable(name: str) -> Refusal:
    message = (
        f"Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, "
        "the secret can only be recovered or purged."
    )
    return Refusal(409, "Conflict", message, inner="ObjectIsDeletedButRecoverable")


def being_deleted(name: str) -> Refusal:
    message = f"Secret {name} is currently being deleted and cannot be re-created; retry later."
    return Refusal(409, "Conflict", message, inner="ObjectIsBeingDeleted")


def being_recovered(name: str) -> Refusal:
    message = f"Secret {name} is currently being recovered and cannot be re-created; retry later."
    return Refusal(409, "Conflict", message, inner="ObjectIsBeingRecovered")


def already_there(name: str) -> Refusal:
    return Refusal(409, "Conflict", f"A secret with name {name} already exists in this key vault.")
