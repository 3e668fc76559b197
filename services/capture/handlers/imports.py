"""Files on their way in, as people send, plan, hold and look at them. Managers only.

States: "uploading" until all of it is there, "examining" while the loader looks, "ready" for a plan, "loading",
"paused", and at the end "done", "cancelled" or "failed", from which it may go on when what was wrong is mended.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from contracts import limits
from contracts.access import Actor
from contracts.errors import INVALID, REQUIRED, TOO_LONG
from runtime.clock import utc_now
from runtime.errors import Conflict, Invalid, NotFound, invalid, plain
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.capture import store
from services.capture.checks import known_id
from services.capture.domain.import_plan import Problem, problems_of_columns, problems_of_plan, problems_of_reading

Answer = dict[str, Any]

TRUNCATED = "truncated"


def create_import(transaction: Transaction, actor: Actor, file: Mapping[str, Any]) -> Answer:
    """Makes room for a file: {"name", "size" in bytes}.

    Raises:
        Invalid: no name, or a size that cannot be.
    """
    _managers(actor)
    name, size = str(file.get("name") or "").strip(), file.get("size")
    if not name:
        raise invalid("name", REQUIRED, "the file's name")
    if not isinstance(size, int) or size < 1:
        raise invalid("size", "empty", "the file is empty")
    if size > limits.IMPORT_FILE_BYTES:
        raise invalid("size", TOO_LONG, f"at most {limits.IMPORT_FILE_BYTES // 1024**2} MB")
    row = new_import(name, size, "uploading", actor)
    store.imports.add(transaction.connection, row)
    return shown_import(transaction.connection, row)


def new_import(name: str, size: int, state: str, actor: Actor) -> Answer:
    """The row of a new import."""
    counts = (
        "next_row",
        "accepted",
        "rejected",
        "repeated",
        "created",
        "known",
        "wrong_emails",
        "wrong_phones",
        "rate",
        "tries",
    )
    return {
        "id": new_id(),
        "name": name[-limits.FILE_NAME :],
        "size": size,
        "digest": "",
        "state": state,
        "form_id": None,
        "source": "",
        "region": "PT",
        "plan": {},
        "found": {},
        "problem": None,
        "total": None,
        "place": "",
        **dict.fromkeys(counts, 0),
        "by_name": actor.name[:200],
        "version": 1,
        "holder": "",
        "held_until": None,
        "created_at": utc_now(),
        "started_at": None,
        "finished_at": None,
    }


def unpack_part(data: str) -> tuple[int, bytes]:
    """Size and compressed bytes of a part as it travels; done before the transaction begins.

    Raises:
        Invalid: it is none, or larger than a part may be.
    """
    try:
        packed = base64.b64decode(data, validate=True)
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(packed, limits.IMPORT_PART_BYTES + 1)
    except (binascii.Error, ValueError, TypeError, zlib.error):
        raise invalid("data", INVALID, "zlib in base64") from None
    if not raw or len(raw) > limits.IMPORT_PART_BYTES or unpacker.unconsumed_tail or not unpacker.eof:
        raise invalid("data", INVALID, f"between 1 and {limits.IMPORT_PART_BYTES} bytes")
    return len(raw), packed


def add_part(
    transaction: Transaction, actor: Actor, import_id: str, number: int, part: tuple[int, bytes]
) -> dict[str, int]:
    """Takes a part of a file; the same one again changes nothing.

    number: from 0; every part but the last is full. part: see `unpack_part`.

    Raises:
        NotFound; Conflict: it is no longer being uploaded, or the part came before with other bytes; Invalid: no part
            of a file of this size.
    """
    row = _import(transaction.connection, actor, import_id)
    if row["state"] != "uploading":
        raise Conflict("this file is here already")
    size, data = part
    full = limits.IMPORT_PART_BYTES
    if not isinstance(number, int) or not 0 <= number * full < row["size"]:
        raise invalid("number", INVALID, f"the file has {-(-row['size'] // full)} parts")
    if size != min(full, row["size"] - number * full):
        raise invalid(
            "data", TRUNCATED, f"part {number} has {size} bytes, not {min(full, row['size'] - number * full)}"
        )
    if not store.imports.add_part(transaction.connection, row["id"], number, size, data):
        raise Conflict(f"part {number} came before with other bytes: this is another file; begin anew")
    return {"received": store.imports.received(transaction.connection, row["id"])[0]}


def finish_upload(transaction: Transaction, actor: Actor, import_id: str) -> Answer:
    """All of the file is here: the loader looks at it.

    Raises:
        NotFound; Invalid: some of it is missing.
    """
    connection = transaction.connection
    row = _import(connection, actor, import_id, locked=True)
    if row["state"] != "uploading":
        return shown_import(connection, row)
    there, _ = store.imports.received(connection, row["id"])
    if there != row["size"]:
        raise invalid("size", TRUNCATED, f"{there} of {row['size']} bytes have arrived; send the rest")
    return _changed(transaction, row, state="examining")


def examine_import(transaction: Transaction, actor: Actor, import_id: str, settings: Mapping[str, Any]) -> Answer:
    """The loader looks again, with what a person knows of the file: any of ASKED.

    Raises:
        NotFound; Conflict: rows are on their way already; Invalid: a setting that there is not.
    """
    row = _import(transaction.connection, actor, import_id, locked=True)
    if row["state"] not in ("ready", "failed", "examining") or row["started_at"]:
        raise Conflict("rows of this file are in already" if row["started_at"] else "this file is not here yet")
    _refuse(problems_of_reading(settings))
    asked = {**row["found"].get("asked", {}), **settings}
    return _changed(
        transaction,
        row,
        state="examining",
        found={**row["found"], "asked": asked},
        problem=None,
        holder="",  # whoever looks now looks with what was said before
        held_until=None,
        tries=0,
    )


def start_import(
    transaction: Transaction, actor: Actor, import_id: str, plan: Mapping[str, Any], version: int
) -> Answer:
    """Rows begin to go in, as planned: {"makes", "form_id", "source", "region", "status", "one_lead_each", "dates",
    "columns"}.

    Raises:
        NotFound; Conflict: the file is not ready, or was changed since; Invalid: everything wrong with the plan.
    """
    connection = transaction.connection
    row = _import(connection, actor, import_id, locked=True)
    if row["state"] not in ("ready", "failed") or not row["found"].get("columns") or row["started_at"]:
        raise Conflict(f"this import cannot be started: it is {row['state']}")
    if row["version"] != version:
        raise Conflict("somebody changed this import meanwhile")
    form = _form_of(connection, plan)
    _refuse(problems_of_plan(plan, len(row["found"]["columns"]), has_form=form is not None))
    kept = {
        "makes": plan["makes"],
        "status": plan.get("status") or "potential",
        "one_lead_each": plan.get("one_lead_each", True),
        "dates": plan.get("dates") or row["found"]["dates"],
        "columns": list(plan["columns"]),
    }
    return _changed(
        transaction,
        row,
        state="loading",
        plan=kept,
        form_id=form["id"] if form else None,
        source=str(plan.get("source") or (form["source"] if form else "") or row["name"])[: limits.SOURCE],
        region=plan.get("region") or "PT",
        next_row=row["found"]["header_row"] + 1,
        problem=None,
        started_at=utc_now(),
        held_until=None,
        tries=0,
    )


def _form_of(connection: Connection, plan: Mapping[str, Any]) -> Answer | None:
    if plan.get("makes") != "leads":
        return None
    try:
        return store.forms.find(connection, known_id("form", plan.get("form_id")))
    except NotFound:
        return None


def pause_import(transaction: Transaction, actor: Actor, import_id: str) -> Answer:
    """Rows wait where they are.

    Raises:
        NotFound; Conflict: none are on their way.
    """
    return _move(transaction, actor, import_id, ("loading",), "paused")


def resume_import(transaction: Transaction, actor: Actor, import_id: str) -> Answer:
    """Rows go on from where they were held, or where something failed.

    Raises:
        NotFound; Conflict: it was not held.
    """
    row = _import(transaction.connection, actor, import_id, locked=True)
    if row["state"] not in ("paused", "failed") or not row["started_at"]:
        raise Conflict(f"this import cannot go on: it is {row['state']}")
    return _changed(transaction, row, state="loading", problem=None, finished_at=None, held_until=None, tries=0)


def cancel_import(transaction: Transaction, actor: Actor, import_id: str) -> Answer:
    """No more rows go in; those that are in stay, and the file is thrown away.

    Raises:
        NotFound; Conflict: it has ended.
    """
    open_states = ("uploading", "examining", "ready", "loading", "paused", "failed")
    answer = _move(transaction, actor, import_id, open_states, "cancelled", finished_at=utc_now())
    store.imports.drop_content(transaction.connection, answer["import_id"])
    return answer


def _move(
    transaction: Transaction, actor: Actor, import_id: str, states: Sequence[str], state: str, **values: Any
) -> Answer:
    row = _import(transaction.connection, actor, import_id, locked=True)
    if row["state"] not in states:
        raise Conflict(f"this import is {row['state']}")
    return _changed(transaction, row, state=state, **values)


def get_import(connection: Connection, actor: Actor, import_id: str) -> Answer:
    """One import.

    Raises:
        NotFound
    """
    return shown_import(connection, _import(connection, actor, import_id))


def list_imports(connection: Connection, actor: Actor, cursor: str | None, limit: int) -> Answer:
    """Imports, newest first, without what was found in them."""
    if not actor.sees_all:
        return {"items": [], "next": None}
    rows, following = store.imports.page_of(connection, cursor, limit)
    same = store.imports.finished_with(connection, [row["digest"] for row in rows])
    items = [_shown(row, 0, same) for row in rows]
    return {"items": [{**item, "found": {}} for item in items], "next": following}


def import_rejected(connection: Connection, actor: Actor, import_id: str, after: int, limit: int) -> Answer:
    """Rows that were not taken, in order: at most `limit` behind row `after`.

    Raises:
        NotFound; Invalid: a limit that cannot be.
    """
    row = _import(connection, actor, import_id)
    if not 1 <= limit <= 1000:
        raise invalid("limit", INVALID, "between 1 and 1000")
    rows = store.imports.rejected(connection, row["id"], after, limit + 1)
    items = [{"row": kept["row"], "cells": kept["cells"], "reasons": kept["reasons"]} for kept in rows[:limit]]
    return {
        "header": [column["name"] for column in row["found"].get("columns", [])],
        "items": items,
        "next": items[-1]["row"] if len(rows) > limit else None,
    }


def list_mappings(connection: Connection, actor: Actor) -> Answer:
    """What columns of files mean, as it was kept."""
    kept = store.imports.mappings(connection) if actor.sees_all else []
    return {"items": [_mapping(row) for row in kept]}


def save_mapping(
    transaction: Transaction, actor: Actor, name: str, header: list[str], plan: Mapping[str, Any]
) -> Answer:
    """Keeps what columns mean for the next file with these columns; another of the same name is replaced.

    Raises:
        Invalid: no name, or columns that do not fit.
    """
    _managers(actor)
    name = name.strip()
    if not name or len(name) > limits.FORM_NAME:
        raise invalid("name", REQUIRED if not name else TOO_LONG, f"1 to {limits.FORM_NAME} characters")
    if len(header) > limits.IMPORT_COLUMNS or not all(isinstance(column, str) for column in header):
        raise invalid("header", INVALID, f"at most {limits.IMPORT_COLUMNS} names")
    _refuse(problems_of_columns(plan.get("columns"), len(header)))
    kept = {
        field: plan[field] for field in ("columns", "dates", "region", "makes", "source", "status") if field in plan
    }
    row = {"id": new_id(), "name": name, "header": header, "plan": kept, "created_at": utc_now()}
    store.imports.keep_mapping(transaction.connection, row)
    return next(_mapping(kept) for kept in store.imports.mappings(transaction.connection) if kept["name"] == name)


def drop_mapping(transaction: Transaction, actor: Actor, mapping_id: str) -> None:
    """Forgets what columns mean.

    Raises:
        NotFound
    """
    _managers(actor)
    if not store.imports.drop_mapping(transaction.connection, known_id("mapping", mapping_id)):
        raise NotFound("mapping", mapping_id)


def _mapping(row: Mapping[str, Any]) -> Answer:
    return {"mapping_id": row["id"], "name": row["name"], "header": row["header"], "plan": row["plan"]}


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise Invalid([{"field": field, "code": code, "message": message} for field, code, message in problems])


def _managers(actor: Actor) -> None:
    if not actor.sees_all:
        raise NotFound("import")


def _import(connection: Connection, actor: Actor, import_id: str, *, locked: bool = False) -> Answer:
    _managers(actor)
    row = store.imports.find(connection, known_id("import", import_id), locked=locked)
    if row is None:
        raise NotFound("import", import_id)
    return row


def _changed(transaction: Transaction, row: Answer, **values: Any) -> Answer:
    values["version"] = row["version"] + 1
    store.imports.change(transaction.connection, row["id"], **values)
    return shown_import(transaction.connection, {**row, **values})


def shown_import(connection: Connection, row: Answer) -> Answer:
    """An import as people see it."""
    there = store.imports.received(connection, row["id"])[0] if row["state"] == "uploading" else row["size"]
    return _shown(row, there, store.imports.finished_with(connection, [row["digest"]]))


_OWN = ("id", "holder", "held_until", "digest", "place", "tries")


def _shown(row: Answer, there: int, same: Mapping[str, list[tuple[str, datetime]]]) -> Answer:
    earlier = [other for other, at in same.get(row["digest"], ()) if at < row["created_at"]]
    shown: Answer = plain({name: value for name, value in row.items() if name not in _OWN})
    return {
        **shown,
        "import_id": row["id"],
        "received": there,
        "makes": row["plan"].get("makes", ""),
        "same_as": earlier[-1] if earlier else "",
    }
