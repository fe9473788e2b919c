"""The simulated Dynamics of a bulk benchmark: filled before, ordered and counted, looked at afterwards."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import httpx

from tests.benchmarks.bulk_people import Mix, Person, accounts_before, expected, rows_before, shown

LATENCY: Final = {"request_ms": 40, "row_ms": 4, "bulk_row_ms": 1}
API: Final = "/api/data/v9.2/"


class Crm:
    """Filled, ordered and looked at from outside."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token
        headers = {"Authorization": f"Bearer {token}"}
        self._api = httpx.Client(base_url=url + API, headers=headers, timeout=120)
        self._control = httpx.Client(base_url=f"{url}/_control/", timeout=120)

    def close(self) -> None:
        self._api.close()
        self._control.close()

    def fill(self, everybody: Sequence[Person]) -> None:
        """With no latency; the clock shall not tell who is oldest."""
        mix = everybody[0].mix
        accounts = dict.fromkeys(accounts_before(everybody) if mix.has_accounts else ())
        ids = self._create("account", [{"name": name} for name in accounts])
        known = dict(zip(accounts, ids, strict=True))
        rows = [values | _bound(known.get(person.company)) for person, values in rows_before(everybody)]
        self._create(mix.table, rows)

    def order(self, path: str, order: dict[str, Any] | None) -> None:
        answer = self._control.post(path, json=order) if order is not None else self._control.delete(path)
        answer.raise_for_status()

    def counted(self) -> tuple[int, dict[str, Any]]:
        told: dict[str, Any] = self._control.get("limits").json()
        counters = self._control.get("requests", params={"since": "999999999"}).json()["counters"]
        return int(counters.get("requests", 0)), told

    def print_requests(self, since: int) -> None:
        """Those after the one of this number, with what was in them."""
        for each in self._control.get("requests", params={"since": str(since)}).json()["requests"]:
            methods = [part["method"] for part in each["parts"]]
            parts = ", ".join(f"{methods.count(method)} {method}" for method in sorted(set(methods)))
            path = each["path"].partition("?")[0].removeprefix(API)
            print(f"{each['method']:<6} {path:<50} {each['held_back_ms']:>8.0f} ms  {each['status']} {parts}")

    def require(self, everybody: Sequence[Person]) -> None:
        """Raises unless it holds exactly what was expected of these people."""
        mix, salt = everybody[0].mix, everybody[0].salt
        held, wanted = self.holds(mix, salt), expected(everybody)
        if held != wanted:
            wrong = sorted(set(held) ^ set(wanted))[:5]
            raise RuntimeError(f"{len(held)} rows, not {len(wanted)}, or others: {wrong}")
        companies = self.accounts(salt)
        if mix.has_accounts and companies != sorted({person.company for person in everybody}):
            raise RuntimeError(f"{len(companies)} accounts, {len(set(companies))} names")

    def holds(self, mix: Mix, salt: str) -> list[str]:
        """Every row of this run as one text."""
        columns = ["firstname", "lastname", "emailaddress1", "jobtitle"]
        columns += ["_parentcustomerid_value"] if mix.has_accounts else ["companyname", "subject"]
        names = (
            {row["accountid"]: row["name"] for row in self._all("accounts?$select=name")} if mix.has_accounts else {}
        )
        wanted = f"{mix.table}s?$select={','.join(columns)}&$filter=firstname eq 'Ada {salt}'"
        return sorted(shown(row, names.get(row.get("_parentcustomerid_value"), "")) for row in self._all(wanted))

    def accounts(self, salt: str) -> list[str]:
        """Each by its name; twice where there are two."""
        return sorted(
            row["name"] for row in self._all(f"accounts?$select=name&$filter=contains(name,'Engines {salt} ')")
        )

    def _all(self, path: str) -> Iterator[dict[str, Any]]:
        link = path
        while link:
            page = self._api.get(link).raise_for_status().json()
            yield from page["value"]
            link = page.get("@odata.nextLink", "")

    def _create(self, table: str, rows: Sequence[dict[str, Any]]) -> list[str]:
        ids: list[str] = []
        for start in range(0, len(rows), 1000):
            targets = [{"@odata.type": f"Microsoft.Dynamics.CRM.{table}", **row} for row in rows[start : start + 1000]]
            answer = self._api.post(f"{table}s/Microsoft.Dynamics.CRM.CreateMultiple", json={"Targets": targets})
            ids += answer.raise_for_status().json()["Ids"]
        return ids


def _bound(account: str | None) -> dict[str, str]:
    return {"parentcustomerid_account@odata.bind": f"/accounts({account})"} if account else {}
