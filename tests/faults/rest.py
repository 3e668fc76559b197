"""When an installation has come to rest, and what its databases then hold."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from runtime.database import Database
from runtime.migrations import store_of
from runtime.rabbitmq import RabbitNode
from runtime.tables import BUS, failed, inbox, outbox

Databases = Mapping[str, Database]
"""Database by owner."""

STILL_SECONDS = 0.3
"""While tables change the queues are not asked: it costs the better part of a second of a processor."""

_COUNT = """
Count = fun(Q) -> case ra:consistent_query(amqqueue:get_pid(Q), fun rabbit_fifo:query_messages_total/1) of
    {{ok, Total, _}} -> Total;
    _ -> -1
end end,
[io:format("~s ~b~n", [element(4, amqqueue:get_name(Q)), Count(Q)])
 || Q <- rabbit_amqqueue:list(<<"{vhost}">>), amqqueue:get_type(Q) =:= rabbit_quorum_queue], ok.
"""


def unhandled(broker: RabbitNode, vhost: str) -> dict[str, int]:
    """Messages of each quorum queue that nobody has acknowledged, delivered ones included; -1 when it does not answer.

    Asked of the queues themselves: what `rabbitmqctl list_queues` says of them is up to five seconds old.
    """
    lines = broker.rabbitmqctl("eval", _COUNT.format(vhost=vhost)).splitlines()
    counted = (line.rsplit(" ", 1) for line in lines if line != "ok")
    return {queue: int(total) for queue, total in counted}


def settle(databases: Databases, broker: RabbitNode, vhost: str, within: float = 60) -> None:
    """Waits until nothing is on its way to or from these owners; facts that are parked stay where they are.

    Whatever is on its way is a row of an outbox, a message of a queue or a row of `failed`, and leaves one only when it
    is in the next. Queues and tables cannot be looked at in one instant; but what moves from a queue into an outbox
    leaves a row in an inbox. So the tables are looked at, then the queues, then the tables again: when each look finds
    nothing and no inbox has grown, there was nothing that could have slipped by.
    """
    deadline = time.monotonic() + within
    queues: dict[str, int] = {}
    while True:
        before = _looks(databases)
        time.sleep(STILL_SECONDS)
        if not any(waiting for waiting, _ in before.values()) and _looks(databases) == before:
            counted = unhandled(broker, vhost)
            assert counted, f"{vhost} has no queues"
            queues = {queue: total for queue, total in counted.items() if total and queue.split(".")[0] in databases}
            if not queues and _looks(databases) == before:
                return
        assert time.monotonic() < deadline, f"no rest: (waiting, handled) by owner {before}, messages by queue {queues}"


def _looks(databases: Databases) -> dict[str, tuple[int, int]]:
    return {owner: _look(database) for owner, database in databases.items()}


def _look(database: Database) -> tuple[int, int]:
    """Rows on their way and messages handled, as of one instant."""
    on_its_way = sa.select(sa.func.count()).select_from(outbox).scalar_subquery()
    due_again = sa.select(sa.func.count(failed.c.due_at)).scalar_subquery()
    handled = sa.select(sa.func.count()).select_from(inbox).scalar_subquery()
    with database.read() as connection:
        row = connection.execute(sa.select(on_its_way + due_again, handled)).one()
    return row[0], row[1]


def contents(databases: Databases) -> dict[str, list[Any]]:
    """Every row of every table by "owner.table", but for the tables of the bus."""
    found = {}
    for owner, database in databases.items():
        with database.read() as connection:
            for table in store_of(owner).metadata.sorted_tables:
                if table.name not in BUS.tables:
                    selected = connection.execute(sa.select(table).order_by(*table.primary_key))
                    found[f"{owner}.{table.name}"] = [dict(row) for row in selected.mappings()]
    return found


def differences(before: Mapping[str, list[Any]], after: Mapping[str, list[Any]]) -> list[str]:
    """The tables that changed, with the first rows that did."""
    told = []
    for table, rows in after.items():
        if rows != before[table]:
            new = [row for row in rows if row not in before[table]][:3]
            gone = [row for row in before[table] if row not in rows][:3]
            told.append(f"{table}: {len(before[table])} rows, then {len(rows)}; new {new}; gone {gone}")
    return told


def set_aside(databases: Databases) -> dict[str, Iterable[str]]:
    """Errors of the facts in each owner's `failed` table; owners without any are left out."""
    found = {}
    for owner, database in databases.items():
        with database.read() as connection:
            errors = list(connection.execute(sa.select(failed.c.queue + ": " + failed.c.error)).scalars())
        if errors:
            found[owner] = errors
    return found
