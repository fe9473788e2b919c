"""Which storage account a binding's connection names."""

import os

import pytest

from infra.local.functions_host.accounts import Account, account_of
from infra.local.functions_host.errors import HostError

BY_URI = {
    "AzureWebJobsStorage__blobServiceUri": "https://127.0.0.1:1/account",
    "AzureWebJobsStorage__queueServiceUri": "https://127.0.0.1:2/account",
    "AzureWebJobsStorage__credential": "managedidentity",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test sets, no other one sees."""
    monkeypatch.setattr(os, "environ", {})


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({"AzureWebJobsStorage": "a"}, "", "a"),
        ({"AzureWebJobsStorage": "a"}, "Storage", "a"),
        ({"AzureWebJobsStorage": "a"}, "AzureWebJobsStorage", "a"),
        ({"AzureWebJobsCrm": "a", "Crm": "b"}, "Crm", "a"),
        ({"AzureWebJobsCrm": "", "Crm": "b"}, "Crm", "b"),
        (BY_URI | {"AzureWebJobsStorage": "a"}, "Storage", "a"),
    ],
)
def test_a_connection_string_wins_the_prefixed_one_first(given: dict[str, str], name: str, value: str) -> None:
    """No name means the app's own storage; addresses are for accounts without a string."""
    os.environ.update(given)
    assert account_of(name) == Account(value)


@pytest.mark.parametrize("name", ["", "Storage", "AzureWebJobsStorage"])
def test_addresses_and_an_identity_do_without_a_string(name: str) -> None:
    """The identity that signs in is the one named."""
    os.environ.update(BY_URI | {"AzureWebJobsStorage__clientId": "someone"})
    found = Account(
        blob_url="https://127.0.0.1:1/account", queue_url="https://127.0.0.1:2/account", client_id="someone"
    )
    assert account_of(name) == found


def test_an_account_name_stands_for_its_addresses() -> None:
    """In Azure's public cloud; an address that is given wins."""
    os.environ.update({"Crm__accountName": "stcrm", "Crm__credential": "managedidentity"})
    found = account_of("Crm")
    assert (found.blob_url, found.queue_url) == (
        "https://stcrm.blob.core.windows.net",
        "https://stcrm.queue.core.windows.net",
    )
    os.environ.update({"Crm__queueServiceUri": "https://queues.example"})
    assert account_of("Crm").queue_url == "https://queues.example"


def test_an_account_that_is_not_there_names_every_way() -> None:
    """The string with and without prefix, the name, the addresses."""
    os.environ.update({"AzureWebJobsCrm__blobServiceUri": "https://blobs.example"})
    with pytest.raises(HostError, match=r"AzureWebJobsCrm or Crm, nor Crm__accountName.*Crm__queueServiceUri"):
        account_of("Crm")


def test_another_way_of_signing_in_is_refused() -> None:
    """Rather than tried with something else."""
    os.environ.update(BY_URI | {"AzureWebJobsStorage__credential": "workloadidentity"})
    with pytest.raises(HostError, match="workloadidentity"):
        account_of("Storage")
