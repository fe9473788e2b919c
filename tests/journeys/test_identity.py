"""The service on its managed identity alone, as in Azure: no key of the storage account, no connection string."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from azure.storage.queue import QueueClient

from core.storage.names import BULK_QUEUE
from infra.local import story
from infra.local.azurite import KEY
from infra.local.stack import Stack, functions_host, stack
from tests.infra.functions_host.running import eventually
from tests.journeys.conftest import App, Person

# Nothing but messages wakes anything up here: the timer comes once a year.
ONLY_MESSAGES = {"WAKE_SCHEDULE": "0 0 0 1 1 *", "DELIVERY_GRACE_SECONDS": "600"}


@pytest.fixture(scope="module")
def keyless() -> Iterator[App]:
    with stack(port=0, settings=ONLY_MESSAGES, on_identity=True) as running:
        story.set_up(running, lambda _: None, story.BOOTH)
        headers = {"x-functions-key": running.key}
        with httpx.Client(base_url=running.app, headers=headers, timeout=30) as client:
            yield App(client, running)


def test_the_app_is_given_no_key(keyless: App) -> None:
    """Neither as a connection string nor within one."""
    given = keyless.stack.settings
    assert "AzureWebJobsStorage" not in given
    assert KEY not in json.dumps(dict(given))


def test_a_capture_and_a_queue_message_need_no_key(keyless: App) -> None:
    """Tables, queues and the vault for a capture; the host's queue trigger for one that is carried on by a message."""
    ada = Person(90_001)
    at_once = keyless.capture(ada.capture())
    assert (at_once.status_code, at_once.json()["outcome"]) == (200, "created")
    later = keyless.capture(Person(90_002).capture(), wait="0")
    assert later.status_code == 202
    keyless.settles([later.json()["receipt"]])
    assert len(keyless.rows("lead", emailaddress1=Person(90_002).email)) == 1


def test_a_bulk_message_needs_no_key(keyless: App) -> None:
    """Its chunks are blobs: the third service of the account."""
    message = {"action": story.ACTION, "prospects": [Person(90_010 + number).capture() for number in range(3)]}
    _drop(keyless.stack, json.dumps(message))
    eventually(lambda: all(keyless.rows("lead", emailaddress1=Person(90_010 + n).email) for n in range(3)))


def test_an_identity_without_a_token_is_a_sentence(keyless: App, tmp_path: Path) -> None:
    """Who deploys reads what to mend; the sender is asked to send again."""
    wrong = {**keyless.stack.settings, "AZURE_CLIENT_ID": "nobody"}
    wrong |= {"AzureWebJobs.deliver.Disabled": "true", "AzureWebJobs.bulk.Disabled": "true"}
    wrong |= {"AzureWebJobs.wake.Disabled": "true", "AzureWebJobsStorage__clientId": "nobody"}
    with (tmp_path / "log").open("w") as log:
        host = functions_host(Path.cwd(), port=0, key="key", settings=wrong, log=log)
        with host as url:
            answer = httpx.post(f"{url}/api/capture/{story.ACTION}?code=key", json=Person(90_020).capture(), timeout=30)
    assert answer.status_code == 503
    assert "identity" in answer.json()["detail"]


def _drop(running: Stack, text: str) -> None:
    """As whoever holds the account's key puts it there."""
    trust = str(running.certificates.authority)
    account = running.storage.connection_string
    with QueueClient.from_connection_string(account, BULK_QUEUE, connection_verify=trust) as queue:
        queue.send_message(text)
