"""How secrets look on the wire.

Duty: turn stored secrets into the documented JSON shapes; nothing else.
https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret#secretbundle
"""

from collections.abc import Mapping, Sequence

from infra.local.key_vault import refusals
from infra.local.key_vault.stored import Secret, Version
from infra.local.key_vault.vault import Vault

LARGEST_PAGE = 25


class Bundles:
    def __init__(self, vault: Vault, url: str) -> None:
        self._vault = vault
        self._url = url

    def secret(self, secret: Secret, version: Version) -> dict[str, object]:
        return {"value": version.value, **self.version(secret, version)}

    def version(self, secret: Secret, version: Version) -> dict[str, object]:
        """A version without its value."""
        return {**self._properties(version), "id": f"{self._address(secret)}/{version.id}"}

    def item(self, secret: Secret) -> dict[str, object]:
        """A secret in a list: it stands for all its versions and tells about the current one."""
        return {**self._properties(secret.current), "id": self._address(secret)}

    def deleted(self, secret: Secret) -> dict[str, object]:
        return {**self.version(secret, secret.current), **self._recovery(secret)}

    def deleted_item(self, secret: Secret) -> dict[str, object]:
        return {**self.item(secret), **self._recovery(secret)}

    def page(self, items: Sequence[Mapping[str, object]], *, path: str, asked: Mapping[str, str]) -> dict[str, object]:
        """A page of a list, with the address of the next one."""
        start = _number(asked, "$skiptoken", default=0, least=0, most=len(items))
        size = _number(asked, "maxresults", default=LARGEST_PAGE, least=1, most=LARGEST_PAGE)
        more = start + size < len(items)
        here = f"{self._url}{path}?api-version={asked['api-version']}"
        following = f"{here}&$skiptoken={start + size}&maxresults={size}" if more else None
        return {"value": items[start : start + size], "nextLink": following}

    def _address(self, secret: Secret) -> str:
        return f"{self._url}/secrets/{secret.name}"

    def _recovery(self, secret: Secret) -> dict[str, object]:
        return {
            "recoveryId": f"{self._url}/deletedsecrets/{secret.name}",
            "deletedDate": secret.deleted,
            "scheduledPurgeDate": self._vault.purge_date(secret),
        }

    def _properties(self, version: Version) -> dict[str, object]:
        optional = {"contentType": version.content_type, "tags": version.tags}
        return {"attributes": self._attributes(version), **_without_none(optional)}

    def _attributes(self, version: Version) -> dict[str, object]:
        return {
            "enabled": version.enabled,
            **_without_none({"nbf": version.not_before, "exp": version.expires}),
            "created": version.created,
            "updated": version.updated,
            "recoveryLevel": self._vault.policy.recovery_level,
            "recoverableDays": self._vault.policy.retention_days,
        }


def _number(asked: Mapping[str, str], name: str, *, default: int, least: int, most: int) -> int:
    text = asked.get(name, str(default))
    if not text.isdecimal() or not least <= int(text) <= most:
        raise refusals.bad_parameter(f"The parameter {name} must be a number from {least} to {most}.")
    return int(text)


def _without_none(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}
