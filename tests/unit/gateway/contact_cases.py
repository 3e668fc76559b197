"""Contacts as capture would answer them."""

from typing import Any

from runtime.ids import new_id

SINCE = "2026-07-01T11:30:00+00:00"
ANA_ID, RUI_ID = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2))
NAMES = {"sellers": {ANA_ID: "Ana Alves", RUI_ID: "Rui Rocha"}, "teams": {}}


def brief(name: str, **more: Any) -> dict[str, Any]:
    """A contact as lists have it."""
    shown = dict.fromkeys(("wrong_email", "wrong_phone", "company", "city", "country", "sector", "product"), "")
    shown |= {"contact_id": new_id(), "name": name, "email": "x@example.com", "phone": "+351912345678"}
    shown |= {"status": "potential", "source": "site", "import_id": "", "quality": 90}
    shown |= {"created_at": SINCE, "updated_at": SINCE, "last_lead_at": None}
    return shown | dict.fromkeys(("seller_id", "team_id", "last_lead_id")) | more


def whole(name: str, **more: Any) -> dict[str, Any]:
    """A contact as its card has it."""
    shown = {"version": 4, "code": "", "document": "", "attributes": {}, "notes": [], "lead_ids": []}
    return brief(name) | shown | {"likely": [], "merged": [], "merged_into": ""} | more


def change(what: str = "merge", **more: Any) -> dict[str, Any]:
    """A change that can be undone."""
    done = {"change_id": new_id(), "what": what, "arguments": {}, "contacts": 2, "more": False}
    return done | {"by_name": "Rita", "created_at": SINCE, "undone_at": None} | more
