"""How to mend what a check found, by its code: where to go and what to do there. `{id}` is the connection's."""

from collections.abc import Mapping

_SAVE = "PUT /api/v1/connections/{id}"
_SAVE_SECRET = f"{_SAVE}/secret"
_ENTRA = "Entra admin center > App registrations > the application"
_USERS = (
    "Power Platform admin center > Environments > the environment > Settings > Users + permissions > Application users"
)
_NEW_SECRET = (
    f"{_ENTRA} > Certificates & secrets: make a new client secret, copy its Value, save it with {_SAVE_SECRET}."
)
_TENANT = f"Copy the Directory (tenant) ID from {_ENTRA} > Overview, and save it with {_SAVE}."
_ROLE = f"{_USERS}: open the application's user > Edit security roles."

_FIXES: Mapping[str, str] = {
    # The address
    "dns": f"Copy the address from the browser while Dynamics is open, and save it with {_SAVE}.",
    "tls": "Somebody stands between the service and Dynamics, or the address is wrong: compare it with the browser's.",
    "not_dynamics": "Copy the environment URL from Power Platform admin center > Environments > the environment, and "
    f"save it with {_SAVE}.",
    # Entra
    "wrong_tenant": "Use the tenant that the environment belongs to. The application must be registered there, or be "
    f"multi-tenant and consented to there. Save it with {_SAVE}.",
    "AADSTS90002": _TENANT,
    "AADSTS900023": _TENANT,
    "AADSTS500011": _TENANT,
    "AADSTS700016": f"Copy the Application (client) ID, not the Object ID, from {_ENTRA} > Overview, and save it with "
    f"{_SAVE}.",
    "AADSTS7000215": _NEW_SECRET,
    "secret_id_pasted": _NEW_SECRET,
    "AADSTS7000222": _NEW_SECRET,
    "secret_missing": _NEW_SECRET,
    "expired": _NEW_SECRET,
    "AADSTS700027": f"{_ENTRA} > Certificates & secrets > Certificates: upload the certificate whose thumbprint this "
    "connection shows.",
    "AADSTS700024": f"Make a new certificate, upload it to {_ENTRA}, and save it with {_SAVE_SECRET}.",
    "AADSTS7000112": "Entra admin center > Enterprise applications > the application > Properties: set Enabled for "
    "users to sign in to Yes.",
    "secret_denied": "Give the service's managed identity the role Key Vault Secrets Officer on the vault, or enable "
    "the secret there.",
    "revoked": f"Save a new secret with {_SAVE_SECRET}: what waits goes on then.",
    # Dynamics
    "0x80072560": f"{_USERS} > New app user: add the application, choose the business unit, give it a security role.",
    "0x80040225": f"{_USERS}: choose the application's user > Activate.",
    "0x80042f09": f"{_ROLE} A copy of Sales Manager with organization access will do.",
    "organization_changed": "If the environment was copied or restored, point the connection at the original. If the "
    f"new one is meant, send its id as organization_id with {_SAVE}.",
    "privilege_missing": f"{_ROLE} Add the privileges named here to its role, with organization access.",
    "depth": f"{_ROLE} Raise Read to organization access in its role.",
    # What is mapped
    "mapping_missing": f"Save one with {_SAVE}/mappings/(table).",
    "column_missing": f"Restore the column in Dynamics, or take its row out of the mapping and save that with "
    f"{_SAVE}/mappings/(table).",
    "lookup_by_missing": "Restore the column in Dynamics, or name another one as the row's lookup.by, and save the "
    f"mapping with {_SAVE}/mappings/(table).",
    "secured": "Power Platform admin center > Environments > the environment > Settings > Users + permissions > Column "
    "security profiles: give the application's user one that may read, create and update these columns.",
    "read_only": f"Map another column, or take the row out, and save the mapping with {_SAVE}/mappings/(table).",
    "required_unmapped": f"Map each from a field, or give it a constant, with {_SAVE}/mappings/(table).",
    # The rest
    "change_tracking_off": "Power Apps > Tables > the table > Properties > Advanced options: turn on Track changes.",
    "expiry_unknown": f"Look the date up at {_ENTRA} > Certificates & secrets, and save it as secret_expires_on.",
    "expiry_wrong": f"Look the date up at {_ENTRA} > Certificates & secrets, and correct secret_expires_on.",
    "expires_soon": _NEW_SECRET,
    "unavailable": "Nothing to mend here: check again in a few minutes.",
    "unreachable": "Compare the address with the browser's. If it is right, the service's network blocks the way.",
}
_OTHERWISE = "Look the code up in Microsoft's documentation, mend it there, and check again."


def fix_for(code: str) -> str:
    return _FIXES.get(code, _OTHERWISE)
