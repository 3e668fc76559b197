"""`rodizio demo`: a small company that sells kitchens, so that there is somebody to assign a lead to."""

import json
from typing import Any

import click

from cli.company import TeamPlan, found
from cli.local import api_address, load_settings
from runtime.errors import Broken, RuntimeRefusal, Unavailable
from runtime.rpc_client import RpcPool
from runtime.settings import Settings

FORM_KEY = "demo"
PATIENCE = 60.0
"""Seconds to wait for services that are starting."""

_LEAD = {"name": "Ana Silva", "email": "ana.silva@example.com", "phone": "912 345 678", "message": "Quero um orçamento"}


def _seller(name: str, weight: int, **more: Any) -> dict[str, Any]:
    address = f"{name.lower().replace(' ', '.')}@example.com"
    return {"name": name, "email": address, "locale": "pt", "time_zone": "Europe/Lisbon", "weight": weight, **more}


_SHOP = TeamPlan(
    team={"name": "Loja de Lisboa", "supervisor": "Helena Duarte", "time_zone": "Europe/Lisbon"},
    sellers=(
        # No working hours means always: a first lead finds somebody at any time of the day.
        _seller("Marta Nunes", 3),
        _seller("Rui Tavares", 2, phone="+351912000102", channels=["sms", "email"], daily_cap=200),
        _seller("Sofia Pinto", 1, open_cap=500),
        _seller(
            "Tiago Lopes",
            2,
            working_hours=[
                {"days": [0, 1, 2, 3, 4], "start": "09:00", "end": "13:00"},
                {"days": [0, 1, 2, 3, 4], "start": "14:00", "end": "18:30"},
            ],
            holidays=["2026-12-25", "2027-01-01"],
        ),
    ),
    forms=(
        {
            "key": FORM_KEY,
            "name": "Pedido de orçamento",
            "source": "site",
            "channel": "site",
            "region": "PT",
            "locale": "pt",
            "fields": [
                {"name": "name", "kind": "text", "role": "name", "required": True, "max_length": 200},
                {"name": "email", "kind": "email", "role": "email"},
                {"name": "phone", "kind": "phone", "role": "phone"},
                {"name": "company", "kind": "text", "role": "company"},
                {"name": "message", "kind": "text", "max_length": 5000},
            ],
            "one_of": ["email", "phone"],
        },
    ),
)

_ABROAD = TeamPlan(
    team={"name": "Iberia y América", "supervisor": "Helena Duarte", "time_zone": "Europe/Madrid"},
    sellers=(
        _seller(
            "Lucia Ortega",
            2,
            locale="es",
            time_zone="Europe/Madrid",
            working_hours=[{"days": [0, 1, 2, 3, 4, 5], "start": "10:00", "end": "19:00"}],
        ),
        _seller(
            "Diego Ramos",
            1,
            locale="es",
            time_zone="America/Mexico_City",
            working_hours=[{"days": [0, 1, 2, 3, 4], "start": "09:00", "end": "18:00"}],
        ),
    ),
)


def seed(settings: Settings) -> None:
    """Founds the demo company, or what is missing of it; waits for services that are starting.

    Raises:
        Unavailable: a service stayed away for too long.
    """
    rpc = RpcPool(settings)
    try:
        found(rpc, (_SHOP, _ABROAD), PATIENCE)
    finally:
        rpc.close()


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")
def demo(as_json: bool) -> None:
    """Found the demo company if it is not there yet, and say how to post a lead to it."""
    settings = load_settings()
    try:
        seed(settings)
    except (Unavailable, RuntimeRefusal) as error:
        raise click.ClickException(f"{error}. Is Rodízio running (rodizio run)?") from error
    except Broken as error:
        raise click.ClickException(f"{error}. Its log says why (rodizio doctor)") from error
    address = f"{api_address(settings)}/f/{FORM_KEY}"
    if as_json:
        click.echo(json.dumps({"form_key": FORM_KEY, "address": address}))
        return
    click.echo("Post a lead as a form does, or as JSON:\n")
    typed = " ".join(f"--data-urlencode '{name}={value}'" for name, value in _LEAD.items())
    click.echo(f"  curl -H 'Accept: application/json' {address} {typed}\n")
    document = json.dumps(_LEAD, ensure_ascii=False)
    click.echo(f"  curl {address} -H 'Content-Type: application/json' -d '{document}'")
