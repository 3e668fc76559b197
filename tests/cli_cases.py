"""A gateway made of a thread: it judges rows by one rule and remembers them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FORM: dict[str, Any] = {
    "form_id": "0197f000-0000-7000-8000-000000000001",
    "key": "demo",
    "fields": [
        {"name": "name", "required": True},
        {"name": "email", "required": False},
        {"name": "phone", "required": False},
    ],
    "one_of": ["email", "phone"],
}
TEAM = "0197f000-0000-7000-8000-0000000000aa"
SELLER = "0197f000-0000-7000-8000-0000000000bb"


@dataclass
class FakeGateway:
    """refusals: answers given to the next posts instead of taking them: (status, headers). leads: rows taken by their
    number."""

    address: str = ""
    form: dict[str, Any] = field(default_factory=lambda: dict(FORM))
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    leads: dict[int, dict[str, str]] = field(default_factory=dict)
    posts: list[dict[str, Any]] = field(default_factory=list)
    assignments: list[dict[str, Any]] = field(default_factory=lambda: [{"seller_id": SELLER}])
    captures: bool = True
    key: str = "rdz_test"

    def take(self, document: dict[str, Any]) -> dict[str, Any]:
        """What the real one does: rows without a name are refused, the others taken once."""
        self.posts.append(document)
        rejected = []
        for number, row in enumerate(document["rows"], document["first_row"]):
            if row.get("name"):
                self.leads[number] = row
            else:
                error = {"field": "name", "code": "required", "message": "Please fill this in."}
                rejected.append({"row": number, "errors": [error]})
        return {"accepted": len(document["rows"]) - len(rejected), "rejected": rejected}

    def answer(self, path: str) -> Any:
        """Answers to GETs, by the last part of the path."""
        match path.split("/")[-1]:
            case "forms":
                return {"items": [self.form], "next": None}
            case "rules":
                return {"items": [{"form_id": FORM["form_id"], "team_id": TEAM}], "next": None}
            case "fairness":
                account = {"seller_id": SELLER, "name": "Marta", "weight": 3, "got": 2, "due": 2.0, "debt": 0.0}
                return {"items": [account], "next": None}
            case "leads":
                assigned = [{"lead_id": str(number)} for number in self.leads]
                for place, lead in enumerate(assigned):
                    lead["assignment"] = self.assignments[place % len(self.assignments)]  # type: ignore[assignment]
                return {"items": assigned, "next": None}
            case _:
                return {"captured": len(self.leads) if self.captures else 0}


def _handler(gateway: FakeGateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_arguments: object) -> None:
            """Silence."""

        def _reply(self, status: int, document: Any, headers: dict[str, str] | None = None) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def _is_welcome(self) -> bool:
            if self.headers["Authorization"] == f"Bearer {gateway.key}":
                return True
            self._reply(401, {"title": "Unauthorized"})
            return False

        def do_GET(self) -> None:
            if self._is_welcome():
                self._reply(200, gateway.answer(self.path.partition("?")[0]))

        def do_POST(self) -> None:
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not self._is_welcome():
                return
            if gateway.refusals:
                status, headers = gateway.refusals.pop(0)
                if status == 0:  # the connection breaks after the rows were taken
                    gateway.take(document)
                    self.close_connection = True
                    return
                self._reply(status, {"detail": "Not now."}, headers)
                return
            self._reply(200, gateway.take(document))

    return Handler


@contextmanager
def fake_gateway() -> Iterator[FakeGateway]:
    """A running fake gateway."""
    fake = FakeGateway()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    fake.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
