"""The app's settings: what they may say, and what is refused with the setting's name."""

from datetime import timedelta

import pytest

from core.settings import SettingsError, StorageAddress, settings_from

VAULT = {"KEY_VAULT_URL": "https://vault.example"}
URIS = {
    "AzureWebJobsStorage__tableServiceUri": "https://t.example",
    "AzureWebJobsStorage__queueServiceUri": "https://q.example",
    "AzureWebJobsStorage__blobServiceUri": "https://b.example",
}
ADDRESSES = StorageAddress(
    table_url="https://t.example", queue_url="https://q.example", blob_url="https://b.example", client_id=""
)
NAMED = StorageAddress(
    table_url="https://st1.table.core.windows.net",
    queue_url="https://st1.queue.core.windows.net",
    blob_url="https://st1.blob.core.windows.net",
)


@pytest.mark.parametrize(
    ("given", "storage"),
    [
        ({"AzureWebJobsStorage": "Account=a"}, StorageAddress(connection_string="Account=a")),
        ({"AzureWebJobsStorage": "Account=a", **URIS}, StorageAddress(connection_string="Account=a")),
        ({"AzureWebJobsStorage": "", **URIS}, ADDRESSES),
        ({**URIS, "AzureWebJobsStorage__accountName": "st1"}, ADDRESSES),
        ({"AzureWebJobsStorage__accountName": "st1", "AzureWebJobsStorage__credential": "managedidentity"}, NAMED),
    ],
    ids=["string", "string wins", "addresses", "addresses win over the name", "name"],
)
def test_storage_is_found_as_the_host_finds_it(given: dict[str, str], storage: StorageAddress) -> None:
    """The same settings serve the host and the app, so they cannot disagree about the account."""
    assert settings_from(VAULT | given).storage == storage


@pytest.mark.parametrize(
    ("given", "storage_identity", "vault_identity"),
    [
        ({}, "", ""),
        ({"AZURE_CLIENT_ID": "app"}, "app", "app"),
        ({"AZURE_CLIENT_ID": "app", "AzureWebJobsStorage__clientId": "storage"}, "storage", "app"),
        ({"AzureWebJobsStorage__clientId": "storage"}, "storage", ""),
    ],
)
def test_an_identity_for_storage_may_be_named_apart(
    given: dict[str, str], storage_identity: str, vault_identity: str
) -> None:
    """The host's own setting for storage, the SDK's usual one for the rest."""
    settings = settings_from(VAULT | URIS | given)
    assert (settings.storage.client_id, settings.identity_client_id) == (storage_identity, vault_identity)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "AzureWebJobsStorage__tableServiceUri"),
        ({**URIS, "AzureWebJobsStorage__queueServiceUri": " "}, "AzureWebJobsStorage__queueServiceUri"),
        ({**URIS, "AzureWebJobsStorage__blobServiceUri": "http://b.example"}, "AzureWebJobsStorage__blobServiceUri"),
        ({**URIS, "AzureWebJobsStorage__credential": "workloadidentity"}, "AzureWebJobsStorage__credential"),
        ({**URIS, "KEY_VAULT_URL": ""}, "KEY_VAULT_URL"),
        ({**URIS, "BULK_AT_ONCE_MOST": "0"}, "BULK_AT_ONCE_MOST"),
        ({**URIS, "CAPTURE_DEADLINE_SECONDS": "soon"}, "CAPTURE_DEADLINE_SECONDS"),
    ],
)
def test_what_cannot_be_read_is_named(given: dict[str, str], named: str) -> None:
    """An app that is set up wrongly says which setting it is; no token goes over plain http."""
    with pytest.raises(SettingsError, match=named):
        settings_from(VAULT | given)


GIVEN = {"AzureWebJobsStorage": "Account=a", **VAULT}


def test_how_long_everything_is_kept() -> None:
    """A number of days for each table; 0 keeps it for good."""
    kept = settings_from({**GIVEN, "RETENTION_DELIVERIES_DAYS": "30", "RETENTION_AUDIT_DAYS": "0"}).retention
    assert (kept.deliveries, kept.log, kept.audit) == (timedelta(days=30), timedelta(days=365), None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("RETENTION_LOG_DAYS", "6"),
        ("RETENTION_BULK_DAYS", "a month"),
        ("RETENTION_AUDIT_DAYS", "-1"),
        ("RETENTION_AUDIT_DAYS", "99999"),
        ("RETENTION_DELIVERIES_DAYS", "0"),
        ("RETENTION_DELIVERIES_DAYS", "366"),
        ("RETENTION_LOG_DAYS", "89"),
    ],
)
def test_what_would_lose_something_is_refused(name: str, text: str) -> None:
    """Less than a week, no number, or deliveries that outlive the rows that lead to them; the setting is named."""
    with pytest.raises(SettingsError, match=r"RETENTION_\w+_DAYS"):
        settings_from({**GIVEN, name: text})


def test_a_log_for_good_may_have_deliveries_for_good() -> None:
    """Nothing outlives anything then."""
    kept = settings_from({**GIVEN, "RETENTION_DELIVERIES_DAYS": "0", "RETENTION_LOG_DAYS": "0"}).retention
    assert (kept.deliveries, kept.log) == (None, None)
