"""Strange bodies over HTTP: never a 500, and nothing is lost: a delivery, a quarantined body, or a reason."""

import random
from collections.abc import Iterator

import pytest

from infra.local import story
from tests.journeys.conftest import App

TYPES = ("application/json", "application/x-www-form-urlencoded", "text/plain", "", "multipart/form-data; boundary=x")
DOCUMENT = (
    b'{"submission": {"activity_id": %d}, "prospect": {"fields": {"Email": "s%d@strange.example", "LastName": "S"}}}'
)


def _bodies(choice: random.Random) -> Iterator[bytes]:
    for number in range(12):
        body = DOCUMENT % (number + 8_000_000, number)
        at = choice.randrange(len(body))
        yield body[:at] + choice.randbytes(choice.randrange(1, 6)) + body[at + choice.randrange(8) :]
    for _ in range(4):
        yield choice.randbytes(choice.randrange(1, 300))
    yield b'{"submission": {"activity_id": "%b"}, "Email": "long@strange.example"}' % (b"9" * 100_000)
    yield b'{"event": "released", "submission": {"hold_request_id": {"a": 1}}}'
    yield b'{"prospect": {"fields": {"%b": 1}}}' % (b"x" * 70_000)
    yield b"q.=%00%ff&=&=&Email=%E2%82"


@pytest.mark.parametrize("seed", range(2))
def test_every_body_is_a_delivery_or_quarantined_or_refused_with_a_reason(app: App, seed: int) -> None:
    """What was accepted has its row in the log, and what was quarantined its body."""
    choice = random.Random(seed)
    receipts = []
    for body in _bodies(choice):
        headers = {"Content-Type": choice.choice(TYPES)}
        answer = app.client.post(f"/api/capture/{story.ACTION}", content=body, headers=headers)
        said = answer.json()
        assert answer.status_code in (200, 202, 400), (body[:200], said)
        if answer.status_code == 400:
            assert said["detail"]
            continue
        receipts.append(said["receipt"])
        if said["outcome"] == "quarantined":
            assert app.client.get(f"/api/v1/quarantine/{said['receipt']}").json()["size"] == len(body)
    app.settles(receipts)
