"""How many simple requests the simulated Dynamics serves in a second: `python -m tests.benchmarks.dynamics_throughput`.

The server has a process of its own, kept on one core where the system allows it; a few connections ask it without a
pause. Run on request; it must not be the bottleneck of other benchmarks, which wants 1,000 and more.
"""

import multiprocessing
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection

from infra.local.dynamics import CLIENT_ID, dynamics

SECONDS = 3.0
CONNECTIONS = 4
ROWS = 10_000


def main() -> None:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    port = int(ours.recv())
    _fill(port)
    for name, request in _REQUESTS.items():
        print(f"{name:<28}{_rate(port, request):>8,.0f} requests/s")
    ours.send("enough")
    server.join()


def _serve(pipe: Connection) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with dynamics(_anybody) as simulator:
        pipe.send(simulator.url.rpartition(":")[2])
        pipe.recv()


def _anybody(_token: str, _audience: str) -> Mapping[str, object]:
    return {"appid": CLIENT_ID}


def _row(number: int) -> str:
    return f'{{"lastname":"N{number}","emailaddress1":"n{number}@x.example"}}'


def _fill(port: int) -> None:
    with _connected(port) as connection:
        for start in range(0, ROWS, 1000):
            rows = (_row(number) for number in range(start, start + 1000))
            targets = ",".join(f'{{"@odata.type":"Microsoft.Dynamics.CRM.lead",{row[1:]}' for row in rows)
            _ask(connection, _post("leads/Microsoft.Dynamics.CRM.CreateMultiple", f'{{"Targets":[{targets}]}}'))


def _rate(port: int, request: Callable[[int], bytes]) -> float:
    counts = [0] * CONNECTIONS
    end = time.perf_counter() + SECONDS

    def keep_asking(place: int) -> None:
        with _connected(port) as connection:
            while time.perf_counter() < end:
                _ask(connection, request(counts[place] * CONNECTIONS + place))
                counts[place] += 1

    threads = [threading.Thread(target=keep_asking, args=(place,)) for place in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


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


def _post(path: str, body: str, method: str = "POST") -> bytes:
    head = f"{method} /api/data/v9.2/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


_REQUESTS: Mapping[str, Callable[[int], bytes]] = {
    "WhoAmI": lambda _number: _get("WhoAmI"),
    "query by e-mail": lambda number: _get(
        "leads?$select=leadid,fullname,emailaddress1,statecode,modifiedon"
        f"&$filter=emailaddress1%20eq%20'N{number % ROWS}@X.example'"
    ),
    "create under an id of ours": lambda number: _post(f"leads({uuid.uuid4()})", _row(number), "PATCH"),
}

if __name__ == "__main__":
    main()
