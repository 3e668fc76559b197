"""Writes docs/event-catalogue.md from the contracts: `python -m tools.event_catalogue`."""

import inspect
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from contracts.catalogue import MESSAGES
from contracts.message import MAX_BODY_BYTES, MAX_FACTS, MAX_HOPS, Fact, Message
from runtime.topology import LANES

PAGE = Path(__file__).parent.parent / "docs" / "event-catalogue.md"

_INTRODUCTION = f"""# Event catalogue

Written from `contracts/` by `python -m tools.event_catalogue`; do not edit by hand.

An **event** is a fact its owner tells; a **command** asks its owner to act. Both travel as JSON envelopes
`{{id, type, version, occurred_at, correlation_id, causation_id, hops, items}}` with 1 to {MAX_FACTS} facts
of one type in `items`, at most {MAX_BODY_BYTES // 1024 // 1024} MiB, through durable topic exchanges into
durable quorum queues. An envelope caused by a chain of more than {MAX_HOPS} others is parked. The routing key
is the type, or `type.bulk` in the lane of imports and republishing; every subscriber has a queue for each
lane. Fields are only ever added, with a default; a breaking change is a new type.

Every fact has `id` (UUIDv7), `subject` (id of what it is about), `subject_version` (grows with every change
of the subject; apply a fact only when it is newer than what you have) and `correlation_id` (follows a lead
from the form post to the last message it causes).

A stock nameko service hears an event with `@event_handler("<owner>", "<type>")`, which is the live lane only. For the
bulk lane too it has a second handler, `@event_handler("<owner>", "<type>.bulk")`, or one for both lanes,
`@event_handler("<owner>", "<type>.#")`: the exchange is a topic exchange, which takes a pattern in a binding. A second
handler keeps the lanes in queues of their own, so that an import does not delay what is live. `type` in the envelope
is the same in both.
"""


def page() -> str:
    """The whole page."""
    ordered = sorted(MESSAGES, key=lambda message: (message.owner, message.kind, message.name))
    table = ["| type | kind | owner | heard by |", "|---|---|---|---|"]
    table += [
        f"| [`{message.name}`](#{message.name}) | {message.kind} | {message.owner} | {', '.join(message.subscribers)} |"
        for message in ordered
    ]
    return "\n".join([_INTRODUCTION, *table, "", *(_section(message) for message in ordered)])


def _section(message: Message) -> str:
    own = [field for field in fields(message.item) if field.name not in {inherited.name for inherited in fields(Fact)}]
    queues = ", ".join(f"`{message.queue(service, lane)}`" for service in message.subscribers for lane in LANES)
    lines = [
        f"## {message.name}",
        "",
        "  \n".join(line for line in inspect.cleandoc(message.item.__doc__ or "").splitlines() if line),
        "",
        f"Version {message.version}. Exchange `{message.exchange}`, queues {queues}.",
        "",
        "| field | type | default |",
        "|---|---|---|",
        *(f"| `{field.name}` | `{_kind(field)}` | {_default(field)} |" for field in own),
        "",
    ]
    return "\n".join(lines)


def _kind(field: "Field[Any]") -> str:
    kind = field.type
    text = kind.__name__ if isinstance(kind, type) and not getattr(kind, "__args__", ()) else str(kind)
    return text.replace("typing.", "").replace("contracts.capture.", "").replace("|", "\\|")


def _default(field: "Field[Any]") -> str:
    if field.default is not MISSING:
        return f"`{field.default!r}`"
    if field.default_factory is not MISSING:
        return f"`{field.default_factory()!r}`"
    return "required"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
