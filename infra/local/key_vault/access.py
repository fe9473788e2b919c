"""Who may do what with the secrets.

Duty: check the token of a request and the role of its caller. Tokens are `entra`'s; this says for whom they must be.
"""

from typing import Literal

from infra.local.entra import Directory
from infra.local.key_vault import refusals

AUDIENCE = "https://vault.azure.net"
Role = Literal["Key Vault Secrets Officer", "Key Vault Secrets User", "none"]
OFFICER: Role = "Key Vault Secrets Officer"
# What the narrower role allows: https://learn.microsoft.com/azure/key-vault/general/rbac-guide
_USER_ACTIONS = frozenset({"getSecret/action", "readMetadata/action"})


class Access:
    """Every application of the vault's tenant is an officer until `assign` says otherwise."""

    def __init__(self, directory: Directory, *, tenant_id: str, authority: str) -> None:
        self._directory = directory
        self._tenant_id = tenant_id.lower()
        self._challenge = f'Bearer authorization="{authority}/{tenant_id}", resource="{AUDIENCE}"'
        self._roles: dict[str, Role] = {}

    def assign(self, client_id: str, role: Role) -> None:
        self._roles[client_id.lower()] = role

    def require(self, authorization: str, action: str) -> None:
        """Refuse unless this header carries a good token of somebody whose role allows the action."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise refusals.unauthorized("AKV10000: Request is missing a Bearer or PoP token.", self._challenge)
        self._require_role(self._claims(token), action)

    def _claims(self, token: str) -> dict[str, str]:
        try:
            claims = {name: str(value) for name, value in self._directory.verify(token, AUDIENCE).items()}
        except ValueError as problem:
            raise self._bad_token(str(problem)) from problem
        expected = f"https://sts.windows.net/{self._tenant_id}/"
        if claims["iss"] != expected:
            raise self._bad_token(f"AKV10032: Invalid issuer. Expected one of {expected}, found {claims['iss']}.")
        return claims

    def _bad_token(self, message: str) -> refusals.Refusal:
        return refusals.unauthorized(message, f'{self._challenge}, error="invalid_token"')

    def _require_role(self, claims: dict[str, str], action: str) -> None:
        role = self._roles.get(claims["appid"], OFFICER)
        if role == "none" or (role != OFFICER and action not in _USER_ACTIONS):
            caller = f"appid={claims['appid']};oid={claims['oid']};iss={claims['iss']}"
            raise refusals.forbidden(caller, f"Microsoft.KeyVault/vaults/secrets/{action}")
