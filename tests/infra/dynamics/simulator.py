"""What tests do with the simulator: sign in, seed, order, look at rows."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

CLIENT_ID = "aaaaaaaa-0000-4000-8000-000000000001"
LIMITED_ID = "aaaaaaaa-0000-4000-8000-000000000002"
API = "/api/data/v9.2/"


def verify(token: str, audience: str) -> Mapping[str, object]:
    """Tokens of these tests are `client id|audience`."""
    client_id, _, meant_for = token.partition("|")
    if meant_for not in {audience, "anywhere"}:
        raise ValueError(token)
    return {"appid": client_id, "tid": "tenant"}


@dataclass(frozen=True)
class Crm:
    """The simulator as a test sees it."""

    url: str
    api: httpx.Client
    """Below /api/data/v9.2/, signed in."""
    control: httpx.Client
    """Below /_control/."""
    opened: list[httpx.Client] = field(default_factory=list)

    def signed_in(self, client_id: str) -> httpx.Client:
        token = {"Authorization": f"Bearer {client_id}|{self.url}"}
        self.opened.append(httpx.Client(base_url=self.url + API, headers=token))
        return self.opened[-1]

    def rows(self, table: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.control.get(f"rows/{table}").raise_for_status().json()["rows"]
        return rows

    def row(self, table: str, row_id: str) -> dict[str, Any]:
        return next(row for row in self.rows(table) if row_id in row.values())

    def seed(self, table: str, **values: Any) -> dict[str, Any]:
        row: dict[str, Any] = self.control.post(f"rows/{table}", json=values).raise_for_status().json()
        return row

    def order(self, path: str, order: Any) -> Any:
        answer = self.control.post(path, json=order)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def create(self, set_name: str, **values: Any) -> str:
        """The new row's id."""
        answer = self.api.post(set_name, json=values)
        assert answer.status_code == 204, answer.text
        return answer.headers["OData-EntityId"].rpartition("(")[2].removesuffix(")")

    def limited(self, *, without: tuple[str, ...] = (), **role: Any) -> httpx.Client:
        """A client signed in as a second application, whose role lacks some privileges."""
        self.order("roles", {"name": "Limited", "without": without, **role})
        self.order("users", {"client_id": LIMITED_ID, "roles": ["Limited"]})
        return self.signed_in(LIMITED_ID)

    def requests(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.control.get("requests").json()["requests"]
        return entries


def error(answer: httpx.Response) -> tuple[int, str]:
    """Status and code."""
    return answer.status_code, answer.json()["error"]["code"]


def new_id() -> str:
    return str(uuid.uuid4())


def send_batch(crm: Crm, body: str, **headers: str) -> httpx.Response:
    named = {"Content-Type": 'multipart/mixed; boundary="batch_a1"', **headers}
    return crm.api.post("$batch", content=body.replace("\n", "\r\n").encode(), headers=named)


def statuses(answer: httpx.Response) -> list[int]:
    return [int(status) for status in re.findall(r"^HTTP/1\.1 (\d+) ", answer.text, re.MULTILINE)]
