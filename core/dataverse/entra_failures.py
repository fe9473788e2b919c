"""What Entra's refusals mean, by its own codes, in plain words. No I/O.

https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

import re

from core.errors import MisconfiguredConnectionError, RetryableError

SECRET_ID_PASTED = "secret_id_pasted"  # noqa: S105  # a name for a mistake
WRONG_SECRET = "AADSTS7000215"  # noqa: S105  # a code

_TOO_MANY, _OUTAGE = 429, 500
_CODE = re.compile(r"\b(AADSTS\d+)\b")

_FINDINGS = {
    WRONG_SECRET: "Entra does not accept the client secret: paste the secret's value (not its id) into this "
    "connection, or make a new one.",
    SECRET_ID_PASTED: "What was given as the client secret looks like the secret's id, and Entra does not accept it: "
    "copy the column Value instead. Entra shows it only right after the secret was made; make a new one.",
    "AADSTS7000222": "The client secret has expired: make a new one in Entra and save it here.",
    "AADSTS700016": "Entra does not know the application in this tenant: check the client id, and that the tenant id "
    "is that of the application.",
    "AADSTS90002": "Entra does not know the tenant: check the tenant id (Entra admin center > Overview).",
    "AADSTS900023": "Entra does not know the tenant: check the tenant id (Entra admin center > Overview).",
    "AADSTS500011": "The tenant does not know this Dynamics environment: check the URL, and that the tenant id is "
    "that of the environment.",
    "AADSTS700027": "The certificate is not registered with the application: upload it in Entra under Certificates & "
    "secrets.",
    "AADSTS700024": "The certificate's signature is out of its time: is the certificate expired, or a clock wrong?",
    "AADSTS7000112": "The application is disabled in Entra: enable its enterprise application for sign-in.",
    "AADSTS53003": "A conditional access policy in Entra blocks the application: exclude it, or allow this service.",
}


def entra_failure(words: str, status: int, *, looks_like_an_id: bool) -> MisconfiguredConnectionError | RetryableError:
    """The SDK raises the same for a refusal and for an outage. Entra's own words may name the application; only its
    code is kept.
    """
    if status == _TOO_MANY or status >= _OUTAGE:
        return RetryableError("Entra is not available at the moment.", detail=f"HTTP {status}")
    found = _CODE.search(words)
    code = found[1] if found else "entra_refused"
    if code == WRONG_SECRET and looks_like_an_id:
        code = SECRET_ID_PASTED
    message = _FINDINGS.get(code, f"Entra refuses the application's credential ({code}).")
    return MisconfiguredConnectionError(message, code=code)
