"""Files for tests of imports, sent in parts as people's are, and the loader that takes them up."""

import base64
import json
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from runtime_cases import wait_for

from contracts import limits
from contracts.access import OPERATOR
from runtime.database import Database
from runtime.settings import Settings
from services.capture.handlers import forms, imports
from services.capture.loader import Loader, open_loader
from services.capture.tables import contact, import_file, lead

FORM = {
    "key": "clients",
    "name": "Clients",
    "source": "clients",
    "channel": "import",
    "fields": [{"name": "email", "kind": "email", "role": "email"}],
}


def upload(database: Database, content: bytes, name: str = "clients.csv") -> str:
    """Sends a file as people do; the import's id."""
    import_id = database.transact(imports.create_import, OPERATOR, {"name": name, "size": len(content)})["import_id"]
    for number, start in enumerate(range(0, len(content), limits.IMPORT_PART_BYTES)):
        add_part(database, import_id, number, content[start : start + limits.IMPORT_PART_BYTES])
    database.transact(imports.finish_upload, OPERATOR, import_id)
    return str(import_id)


def add_part(database: Database, import_id: str, number: int, raw: bytes) -> dict[str, int]:
    """Sends a part."""
    part = imports.unpack_part(base64.b64encode(zlib.compress(raw)).decode())
    return database.transact(imports.add_part, OPERATOR, import_id, number, part)


def card(database: Database, import_id: str) -> dict[str, Any]:
    """The import as people see it."""
    with database.read() as connection:
        return imports.get_import(connection, OPERATOR, import_id)


def start(database: Database, import_id: str, **plan: Any) -> dict[str, Any]:
    """Waits until the file was looked at and starts it, with what was suggested but for `plan`."""
    seen = until(database, import_id, "ready")
    columns = [column["target"] for column in seen["found"]["columns"]]
    whole = {"makes": "contacts", "columns": columns, **plan}
    return database.transact(imports.start_import, OPERATOR, import_id, whole, seen["version"])


def until(database: Database, import_id: str, *states: str, seconds: float = 30.0) -> dict[str, Any]:
    """The import once it is in one of `states`."""

    def there() -> dict[str, Any] | None:
        seen = card(database, import_id)
        assert seen["state"] in states or seen["state"] != "failed", seen["problem"]
        return seen if seen["state"] in states else None

    found: dict[str, Any] = wait_for(there, f"import {' or '.join(states)}", seconds)
    return found


def make_form(database: Database) -> str:
    """A form for leads of files; its id."""
    return str(database.transact(forms.create_form, OPERATOR, FORM)["form_id"])


@contextmanager
def loading(settings: Settings) -> Iterator[Loader]:
    """A loader on a thread, without a broker: what it tells stays in the outbox."""
    loader = open_loader(settings)
    thread = threading.Thread(target=loader.run, name="loader")
    thread.start()
    try:
        yield loader
    finally:
        loader.stopping.set()
        thread.join(20)
        loader.let_go()
        loader.database.close()


def people(numbers: Sequence[int]) -> bytes:
    """A file of people, one in ten of whom was there before, one in twenty with neither name nor address."""
    lines = ["nome;e-mail;telefone;idade;nascimento"]
    for number in numbers:
        who = number - 9 if number % 10 == 9 else number
        if number % 20 == 10:
            lines.append(";;;41;")
        else:
            birth = f"{1 + number % 28:02d}/0{1 + number % 9}/1980"
            lines.append(f"Ana {who};ana{who}@example.com;+3519{10_000_000 + who};{number % 80};{birth}")
    return "\n".join(lines).encode() + b"\n"


def contents(database: Database) -> dict[str, list[str]]:
    """Everything an import changes, in order, but for ids and times."""
    details = (contact.c.name, contact.c.email, contact.c.phone, contact.c.attributes, contact.c.quality)
    counted = ("accepted", "rejected", "repeated", "created", "known", "next_row", "state")
    selects = {
        "contacts": sa.select(*details),
        "leads": sa.select(lead.c.fields, lead.c.source, lead.c.digest),
        "import": sa.select(*(import_file.c[name] for name in counted)),
    }
    with database.read() as connection:
        return {name: sorted(_text(row) for row in connection.execute(select)) for name, select in selects.items()}


def _text(row: Any) -> str:
    return json.dumps(list(row), sort_keys=True)
