"""How many simple requests the simulated Dynamics serves in a second: `python -m tests.benchmarks.dynamics_throughput`.

The server has a process of its own, kept on one core where the system allows it; a few connections ask it without a
pause. Beside it stands a bare Starlette application that answers as much with nothing behind it, asked in the same
rounds: the ratio to it says what the simulator costs, whatever machine this is. Run on request; the simulator must not
be the bottleneck of other benchmarks, which wants 1,000 and more.
"""

import contextlib
import multiprocessing
import os
import socket
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from infra.local.dynamics import CLIENT_ID, dynamics
from infra.local.serve import served

ROUNDS = 5
SECONDS = 1.0
CONNECTIONS = 4
ROWS = 10_000
BATCHED = 100
BARE = "a bare Starlette answer"


def main() -> None:
    with _running(_serve_bare) as bare, _running(_serve_dynamics) as port:
        _fill(port)
        rates: dict[str, list[float]] = {BARE: [], **{name: [] for name in _CASES}}
        for _ in range(ROUNDS):
            rates[BARE].append(_rate(bare, _CASES["WhoAmI"]))
            for name, case in _CASES.items():
                rates[name].append(_rate(port, case))
    _print({name: statistics.median(found) for name, found in rates.items()})


def _print(rates: Mapping[str, float]) -> None:
    """Operations, so that a batch counts for what is in it."""
    print(f"{'':<32}{'a second':>10}{'of bare':>10}")
    for name, rate in rates.items():
        print(f"{name:<32}{rate:>10,.0f}{rate / rates[BARE]:>10.2f}")


@contextlib.contextmanager
def _running(serve: Callable[[Connection], None]) -> Iterator[int]:
    """A server's port, for as long as the block lasts."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    yield int(ours.recv())
    ours.send("enough")
    server.join()


def _serve_dynamics(pipe: Connection) -> None:
    _keep_to_one_core()
    with dynamics(_anybody) as simulator:
        _tell(pipe, simulator.url)


def _serve_bare(pipe: Connection) -> None:
    _keep_to_one_core()
    app = Starlette(routes=[Route("/{path:path}", _bare_answer)])
    with served(lambda _url: app) as url:
        _tell(pipe, url)


async def _bare_answer(_request: Request) -> JSONResponse:
    return JSONResponse({"UserId": CLIENT_ID, "BusinessUnitId": CLIENT_ID, "OrganizationId": CLIENT_ID})


def _keep_to_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _tell(pipe: Connection, url: str) -> None:
    pipe.send(url.rpartition(":")[2])
    pipe.recv()


def _anybody(_token: str, _audience: str) -> Mapping[str, object]:
    return {"appid": CLIENT_ID}


def _row_id(number: int) -> str:
    return str(uuid.UUID(int=number % ROWS + 1))


def _row(number: int) -> str:
    return f'{{"lastname":"N{number}","emailaddress1":"n{number}@x.example"}}'


def _fill(port: int) -> None:
    with _connected(port) as connection:
        for start in range(0, ROWS, 1000):
            rows = (_row(number) for number in range(start, start + 1000))
            targets = ",".join(
                f'{_TYPE}"leadid":"{_row_id(start + place)}",{row[1:]}' for place, row in enumerate(rows)
            )
            _ask(connection, _post("leads/Microsoft.Dynamics.CRM.CreateMultiple", f'{{"Targets":[{targets}]}}'))


_TYPE = '{"@odata.type":"Microsoft.Dynamics.CRM.lead",'


@dataclass(frozen=True)
class _Case:
    request: Callable[[int], bytes]
    operations: int = 1


def _rate(port: int, case: _Case) -> float:
    counts = [0] * CONNECTIONS
    end = time.perf_counter() + SECONDS

    def keep_asking(place: int) -> None:
        with _connected(port) as connection:
            while time.perf_counter() < end:
                _ask(connection, case.request(counts[place] * CONNECTIONS + place))
                counts[place] += 1

    threads = [threading.Thread(target=keep_asking, args=(place,)) for place in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) * case.operations / SECONDS


def _connected(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _ask(connection: socket.socket, request: bytes) -> None:
    """Bare sockets: a full client would use more of the machine than the server does."""
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    for length in _lengths(head):
        while len(body) < length:
            body += connection.recv(65536)
    if not head.startswith(b"HTTP/1.1 2"):
        raise RuntimeError(answer.decode())


def _lengths(head: bytes) -> Iterator[int]:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            yield int(line.partition(b":")[2])


def _get(path: str) -> bytes:
    return f"GET /api/data/v9.2/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n\r\n".encode()


def _post(path: str, body: str, method: str = "POST", content_type: str = "application/json") -> bytes:
    head = f"{method} /api/data/v9.2/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n"
    return f"{head}Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def _look_up(number: int) -> str:
    """By e-mail, in other letters than it was stored in."""
    condition = f"emailaddress1%20eq%20'N{number % ROWS}@X.example'"
    return f"leads?$select=leadid,fullname,emailaddress1,statecode,modifiedon&$filter={condition}"


def _batch_of_look_ups(number: int) -> bytes:
    head = "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    wanted = range(number * BATCHED, (number + 1) * BATCHED)
    parts = "".join(f"{head}GET /api/data/v9.2/{_look_up(each)} HTTP/1.1\r\n\r\n\r\n" for each in wanted)
    return _post("$batch", f"{parts}--b--\r\n", content_type="multipart/mixed; boundary=b")


_CASES: Mapping[str, _Case] = {
    "WhoAmI": _Case(lambda _number: _get("WhoAmI")),
    "GET by id": _Case(
        lambda number: _get(f"leads({_row_id(number)})?$select=fullname,emailaddress1,statecode,modifiedon")
    ),
    "query by e-mail": _Case(lambda number: _get(_look_up(number))),
    "create": _Case(lambda number: _post("leads", _row(number))),
    "create under an id of ours": _Case(lambda number: _post(f"leads({uuid.uuid4()})", _row(number), "PATCH")),
    f"look-ups, {BATCHED} in a batch": _Case(_batch_of_look_ups, operations=BATCHED),
}

if __name__ == "__main__":
    main()
