"""What a captured person is synced with in an afternoon: search, then write. The baseline of latency benchmarks.

Nothing is durable, nothing is conditional, and a repeat makes a second note: it is here for its time only. One request
to Dynamics after the other, over a connection that is kept, on the same server and framework for every kind.
"""

import sys
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from infra.local.serve import served
from tests.benchmarks.capture_kinds import CAMPAIGN, EVERYTHING, MEMBERS, OWNER

Fields = dict[str, Any]


class NaiveSync:
    def __init__(self, dynamics: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}", "Prefer": "return=representation"}
        self._client = httpx.AsyncClient(base_url=f"{dynamics}/api/data/v9.2/", headers=headers, timeout=30)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/api/capture/{action}", self._capture, methods=["POST"])])

    async def _capture(self, request: Request) -> JSONResponse:
        body = await request.json()
        said = body["prospect"]["fields"]
        row = {"firstname": said["FirstName"], "lastname": said["LastName"], "emailaddress1": said["Email"]}
        if "Title" in said:
            row["jobtitle"] = said["Title"]
        if request.path_params["action"] == EVERYTHING:
            return JSONResponse({"outcome": await self._contact_with_everything(row, said["Company"], body)})
        return JSONResponse({"outcome": await self._person(row)})

    async def _person(self, row: Fields) -> str:
        for table, key in (("contacts", "contactid"), ("leads", "leadid")):
            if found := await self._found(table, key, "emailaddress1", row["emailaddress1"]):
                await self._ask("PATCH", f"{table}({found})", row)
                return "updated"
        await self._ask("POST", "leads", row | {"subject": "Booth"})
        return "created"

    async def _contact_with_everything(self, row: Fields, company: str, body: Fields) -> str:
        if await self._found("contacts", "contactid", "emailaddress1", row["emailaddress1"]):
            return "updated"
        account = await self._found("accounts", "accountid", "name", company)
        account = account or (await self._ask("POST", "accounts", {"name": company}))["accountid"]
        owner = await self._found("systemusers", "systemuserid", "internalemailaddress", OWNER)
        binds = {
            "parentcustomerid_account@odata.bind": f"/accounts({account})",
            "ownerid@odata.bind": f"/systemusers({owner})",
        }
        contact = (await self._ask("POST", "contacts", row | binds))["contactid"]
        await self._beside(contact, str(body["answers"]))
        return "created"

    async def _beside(self, contact: str, text: str) -> None:
        bind = {"objectid_contact@odata.bind": f"/contacts({contact})"}
        await self._ask("POST", "annotations", {"subject": "Captello", "notetext": text} | bind)
        campaign = await self._found("campaigns", "campaignid", "name", CAMPAIGN)
        party = {"partyid_contact@odata.bind": f"/contacts({contact})", "participationtypemask": 11}
        response = {
            "subject": "Captello",
            "regardingobjectid_campaign_campaignresponse@odata.bind": f"/campaigns({campaign})",
            "campaignresponse_activity_parties": [party],
        }
        await self._ask("POST", "campaignresponses", response)
        members = await self._found("lists", "listid", "listname", MEMBERS)
        member = {"@odata.type": "Microsoft.Dynamics.CRM.contact", "contactid": contact}
        of = {"@odata.type": "Microsoft.Dynamics.CRM.list", "listid": members}
        await self._ask("POST", "AddListMembersList", {"List": of, "Members": [member]})

    async def _found(self, table: str, key: str, column: str, value: str) -> str:
        filtered = f"{table}?$select={key}&$filter={column} eq '{value}'&$top=1"
        rows = (await self._ask("GET", filtered))["value"]
        return str(rows[0][key]) if rows else ""

    async def _ask(self, method: str, path: str, body: Fields | None = None) -> Fields:
        answer = await self._client.request(method, path, json=body)
        if not answer.is_success:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        said: Fields = answer.json() if answer.content else {}
        return said


def main() -> None:
    """Serves until its standard input ends; says where, first."""
    _, dynamics, token = sys.argv
    with served(lambda _url: NaiveSync(dynamics, token).app()) as url:
        print(url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
