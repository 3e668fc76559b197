"""The company of the benches: four teams of eight sellers who hear in-app only, and a form for each team."""

from typing import Any

from runtime.rpc_client import RpcPool

TEAMS, SELLERS = 4, 8

FIELDS = [
    {"name": "name", "kind": "text", "role": "name", "required": True},
    {"name": "email", "kind": "email", "role": "email"},
    {"name": "phone", "kind": "phone", "role": "phone"},
    {"name": "city", "kind": "text", "role": "city"},
    {"name": "message", "kind": "text"},
]


def found(rpc: RpcPool) -> list[str]:
    """Founds the company through the services' own methods; returns the keys of its forms."""
    return [_found_team(rpc, number) for number in range(1, TEAMS + 1)]


def _found_team(rpc: RpcPool, number: int) -> str:
    team = rpc.call("distribution", "create_team", team={"name": f"Team {number}", "time_zone": "Europe/Lisbon"})
    for place in range(1, SELLERS + 1):
        rpc.call("distribution", "create_seller", seller=_seller(f"Seller {number}.{place}", _id_of(team, "team_id")))
    form = rpc.call("capture", "create_form", form=_form(number))
    form_id = _id_of(form, "form_id")
    rpc.call("distribution", "set_rule", form_id=form_id, team_id=_id_of(team, "team_id"))
    return str(form["key"])


def _seller(name: str, team_id: str) -> dict[str, Any]:
    return {
        "name": name,
        "email": f"{name.lower().replace(' ', '.')}@example.com",
        "phone": "",
        "locale": "pt",
        "time_zone": "Europe/Lisbon",
        "channels": [],
        "teams": [team_id],
        "weight": 1,
        "daily_cap": None,
        "open_cap": None,
        "working_hours": [],
        "holidays": [],
        "active": True,
    }


def _form(number: int) -> dict[str, Any]:
    return {
        "name": f"Form {number}",
        "source": f"bench {number}",
        "channel": "site",
        "fields": FIELDS,
        "one_of": ["email", "phone"],
    }


def _id_of(answer: dict[str, Any], name: str) -> str:
    return str(answer.get(name) or answer["id"])
