"""Why the token endpoint refuses, in the words and numbers of the real one.

Duty: one function for each AADSTS code that client credentials can meet. When each applies, `directory`, `assertion`
and `app` decide. https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

_MAYBE_WRONG_TENANT = (
    "This can happen if the application has not been installed by the administrator of the tenant or consented to by "
    "any user in the tenant. You may have sent your authentication request to the wrong tenant."
)


class Refusal(Exception):  # noqa: N818 - an answer of the service, not a failure of ours
    def __init__(self, status: int, error: str, code: int, text: str) -> None:
        super().__init__(f"AADSTS{code}: {text}")
        self.status = status
        self.error = error
        self.code = code


def malformed_tenant(tenant: str) -> Refusal:
    text = f"Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain."
    return Refusal(400, "invalid_request", 900023, text)


def unknown_tenant(tenant: str) -> Refusal:
    text = (
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant."
    )
    return Refusal(400, "invalid_request", 90002, text)


def unknown_application(client_id: str, tenant: str) -> Refusal:
    text = f"Application with identifier '{client_id}' was not found in the directory '{tenant}'. {_MAYBE_WRONG_TENANT}"
    return Refusal(400, "unauthorized_client", 700016, text)


def wrong_secret(client_id: str) -> Refusal:
    text = (
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        f"the client secret ID, for a secret added to app '{client_id}'."
    )
    return Refusal(401, "invalid_client", 7000215, text)


def expired_secret(client_id: str) -> Refusal:
    text = (
        f"The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new keys "
        "for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: "
        "https://aka.ms/certCreds."
    )
    return Refusal(401, "invalid_client", 7000222, text)


def missing_credential() -> Refusal:
    text = "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type."
    return Refusal(401, "invalid_client", 7000216, text)


def missing_parameter(name: str) -> Refusal:
    return Refusal(400, "invalid_request", 900144, f"The request body must contain the following parameter: '{name}'.")


def unsupported_grant(grant: str) -> Refusal:
    return Refusal(400, "unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{grant}'.")


def scope_without_default(scope: str) -> Refusal:
    text = (
        f"The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
        "/.default suffixed to the resource identifier (application ID URI)."
    )
    return Refusal(400, "invalid_scope", 1002012, text)


def unknown_resource(resource: str, tenant: str) -> Refusal:
    text = f"The resource principal named {resource} was not found in the tenant named {tenant}. {_MAYBE_WRONG_TENANT}"
    return Refusal(400, "invalid_resource", 500011, text)


def malformed_assertion() -> Refusal:
    return Refusal(400, "invalid_request", 50027, "JWT token is invalid or malformed.")


def assertion_of_another_client() -> Refusal:
    text = "Client assertion application identifier doesn't match 'client_id' parameter."
    return Refusal(401, "invalid_client", 700021, text)


def assertion_for_another_audience() -> Refusal:
    return Refusal(401, "invalid_client", 700023, "Client assertion audience claim does not match Realm issuer.")


def assertion_out_of_time() -> Refusal:
    return Refusal(401, "invalid_client", 700024, "Client assertion is not within its valid time range.")


def unknown_certificate(thumbprint: str) -> Refusal:
    text = (
        "The certificate with identifier used to sign the client assertion is not registered on application. "
        f"[Reason - The key was not found., Thumbprint of key used by client: '{thumbprint}']"
    )
    return Refusal(401, "invalid_client", 700027, text)


def wrong_signature(thumbprint: str) -> Refusal:
    text = (
        "Client assertion failed signature validation. [Reason - The provided signature value did not match the "
        f"expected signature value., Thumbprint of key used by client: '{thumbprint}']"
    )
    return Refusal(401, "invalid_client", 700027, text)
