"""A gateway made of a thread: it takes files, and judges their rows by one rule."""

import csv
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.import_page_cases import card, found

FORM: dict[str, Any] = {
    "form_id": "0197f000-0000-7000-8000-000000000001",
    "key": "demo",
    "region": "ES",
    "fields": [
        {"name": "name", "role": "name", "required": True},
        {"name": "telefone", "role": "phone"},
        {"name": "rooms"},
    ],
}
TEAM = "0197f000-0000-7000-8000-0000000000aa"
SELLER = "0197f000-0000-7000-8000-0000000000bb"

Answer = tuple[int, Any]


@dataclass
class FakeGateway:
    """imports: what it knows of each, by id. files: their bytes. plans: with which each was started. refusals: answers
    given to the next changes instead of making them: (status, headers). taken: contents of files that are in. stays:
    state in which imports stay, for ever. becomes: what loading ends in."""

    address: str = ""
    imports: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, dict[int, bytes]] = field(default_factory=dict)
    plans: list[dict[str, Any]] = field(default_factory=list)
    settings: list[dict[str, Any]] = field(default_factory=list)
    mappings: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    plan_problems: list[dict[str, str]] = field(default_factory=list)
    taken: dict[bytes, str] = field(default_factory=dict)
    assignments: list[dict[str, Any]] = field(default_factory=lambda: [{"seller_id": SELLER}])
    stays: str = ""
    becomes: str = "done"
    key: str = "rdz_test"

    def change(self, method: str, path: list[str], body: bytes) -> Answer:
        """What the real one answers to a POST or PUT below /imports."""
        if path == ["imports"]:
            made = card("uploading", **json.loads(body))
            self.imports[made["import_id"]] = made
            self.files[made["import_id"]] = {}
            return 201, made
        import_id, act = path[1], path[2]
        known, parts = self.imports[import_id], self.files.get(import_id, {})
        if method == "PUT":
            parts[int(path[3])] = body
            return 200, {"received": sum(map(len, parts.values()))}
        if act == "uploaded":
            known["state"] = "examining"
        elif act == "examine":
            self.settings.append(json.loads(body))
        elif act == "start":
            if self.plan_problems:
                return 422, {"detail": "Some fields cannot be taken.", "errors": self.plan_problems}
            plan = json.loads(body)["plan"]
            self.plans.append(plan)
            known |= {"state": "loading", "plan": plan, "form_id": plan.get("form_id"), "makes": plan["makes"]}
        else:
            states = {"pause": "paused", "resume": "loading", "cancel": "cancelled"}
            if known["state"] == states[act]:
                return 409, {"detail": f"this import is {known['state']}"}
            known["state"] = states[act]
        return 200, known

    def look(self, import_id: str) -> dict[str, Any]:
        """An import, a step further than at the last look."""
        known = self.imports[import_id]
        if known["state"] == self.stays:
            return known
        if known["state"] == "examining":
            self._examine(known)
        elif known["state"] == "loading":
            self._load(known)
        return dict(known)

    def content(self, import_id: str) -> bytes:
        """A file, put together."""
        parts = self.files[import_id]
        return b"".join(parts[number] for number in sorted(parts))

    def _rows(self, import_id: str) -> list[list[str]]:
        return list(csv.reader(io.StringIO(self.content(import_id).decode()), delimiter=";"))

    def _examine(self, known: dict[str, Any]) -> None:
        header, *rows = self._rows(known["import_id"])
        if not rows:
            problem = {"code": "no_rows", "message": "there are no rows below the header"}
            known |= {"state": "failed", "problem": problem}
            return
        mapping = next((kept["name"] for kept in self.mappings if kept["header"] == header), "")
        known |= {"state": "ready", "total": len(rows), "found": found(*header, rows=rows[:20], mapping=mapping)}

    def _load(self, known: dict[str, Any]) -> None:
        _header, *rows = self._rows(known["import_id"])
        content = self.content(known["import_id"]) + str(known["form_id"]).encode()
        rejected = sum(1 for row in rows if not row[0])
        accepted = len(rows) - rejected
        was_in = self.taken.setdefault(content, known["import_id"])
        again = was_in != known["import_id"]
        known |= {"accepted": accepted, "rejected": rejected, "created": 0 if again else accepted}
        known |= {"known": accepted if again else 0, "repeated": accepted if again else 0, "next_row": len(rows) + 2}
        known |= {"same_as": was_in if again else "", "state": self.becomes}

    def rejected(self, import_id: str) -> str:
        """The file of rejected rows."""
        header, *rows = self._rows(import_id)
        refused = [[str(number), "nobody", *row] for number, row in enumerate(rows, 2) if not row[0]]
        text = io.StringIO()
        csv.writer(text).writerows([["_row", "_reasons", *header], *refused])
        return "\ufeff" + text.getvalue()

    def answer(self, path: list[str], query: str) -> Any:
        """Answers to GETs."""
        match path:
            case ["forms"]:
                return {"items": [FORM], "next": None}
            case ["rules"]:
                return {"items": [{"form_id": FORM["form_id"], "team_id": TEAM}], "next": None}
            case ["teams", _, "fairness"]:
                account = {"seller_id": SELLER, "name": "Marta", "weight": 3, "got": 2, "due": 2.0, "debt": 0.0}
                return {"items": [account], "next": None}
            case ["leads"]:
                imported = next(known for known in self.imports.values() if known["import_id"] in query)
                leads = [{"lead_id": str(number)} for number in range(imported["accepted"] - imported["repeated"])]
                for place, lead in enumerate(leads):
                    lead["assignment"] = self.assignments[place % len(self.assignments)]  # type: ignore[assignment]
                return {"items": leads, "next": None}
            case ["imports", "mappings"]:
                return {"items": self.mappings}
            case ["imports", import_id, "rejected.csv"]:
                return self.rejected(import_id)
            case ["imports", import_id]:
                return self.look(import_id)
        raise AssertionError(path)


def _handler(gateway: FakeGateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_arguments: object) -> None:
            """Silence."""

        def _reply(self, status: int, document: Any, headers: dict[str, str] | None = None) -> None:
            body = document.encode() if isinstance(document, str) else json.dumps(document).encode()
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def _path(self) -> list[str]:
            return self.path.partition("?")[0].removeprefix("/api/v1/").split("/")

        def _is_welcome(self) -> bool:
            if self.headers["Authorization"] == f"Bearer {gateway.key}":
                return True
            self._reply(401, {"title": "Unauthorized"})
            return False

        def do_GET(self) -> None:
            if self._is_welcome():
                self._reply(200, gateway.answer(self._path(), self.path.partition("?")[2]))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not self._is_welcome():
                return
            if gateway.refusals:
                status, headers = gateway.refusals.pop(0)
                if status == 0:  # the connection breaks after it was done
                    gateway.change(self.command, self._path(), body)
                    self.close_connection = True
                    return
                self._reply(status, {"detail": "Not now."}, headers)
                return
            self._reply(*gateway.change(self.command, self._path(), body))

        do_PUT = do_POST

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
