"""Founds the sales floor that the bank's contacts are distributed over: a form, a team and twelve sellers.

Needs a running system (`rodizio run`). Repeating it changes nothing.
"""

from typing import Any

from cli.company import TeamPlan, found
from cli.local import load_settings
from runtime.rpc_client import RpcPool

FORM_KEY = "bank"
PATIENCE = 60.0

# fmt: off
COLUMNS = (
    "age", "job", "marital", "education", "default", "housing", "loan", "contact", "month", "day_of_week", "duration",
    "campaign", "pdays", "previous", "output",
)
# fmt: on

_MORNING = [{"days": [0, 1, 2, 3, 4], "start": "08:00", "end": "14:00"}]
_EVENING = [{"days": [0, 1, 2, 3, 4, 5], "start": "14:00", "end": "22:00"}]
_NIGHT = [{"days": [0, 1, 2, 3, 4, 5, 6], "start": "22:00", "end": "08:00"}]
_WEEKEND = [{"days": [5, 6], "start": "00:00", "end": "24:00"}]


def _seller(name: str, weight: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "weight": weight, "locale": "pt", "time_zone": "Europe/Lisbon", **more}


FLOOR = TeamPlan(
    team={"name": "Banco, telefone", "supervisor": "Lurdes Peixoto", "time_zone": "Europe/Lisbon"},
    # Their caps leave some of the 41,188 contacts waiting on every day of the week.
    sellers=(
        _seller("Alice Bento", 13, daily_cap=12_000),
        _seller("Bernardo Cid", 8, daily_cap=8_000),
        _seller("Camila Diniz", 5, daily_cap=5_000),
        _seller("Dinis Eça", 3, daily_cap=3_000),
        _seller("Elsa Frade", 2, open_cap=2_000),
        _seller("Fausto Gil", 1, open_cap=1_000),
        _seller("Graça Horta", 5, daily_cap=1_500),
        _seller("Heitor Ivo", 3, open_cap=700),
        _seller("Irene Jardim", 8, working_hours=_MORNING, daily_cap=2_500),
        _seller("Jaime Leal", 8, working_hours=_EVENING, daily_cap=2_500),
        _seller("Lia Moita", 3, working_hours=_NIGHT, time_zone="Atlantic/Azores", daily_cap=1_500),
        _seller("Mauro Nobre", 5, working_hours=_WEEKEND, daily_cap=2_500),
    ),
    forms=(
        {
            "key": FORM_KEY,
            "name": "Depósito a prazo",
            "source": "bank",
            "channel": "import",
            "region": "PT",
            "locale": "pt",
            "fields": [
                {"name": "name", "kind": "text", "role": "name", "required": True},
                {"name": "email", "kind": "email", "role": "email"},
                {"name": "phone", "kind": "phone", "role": "phone"},
                *({"name": column, "kind": "text"} for column in COLUMNS),
            ],
            "one_of": ["email", "phone"],
        },
    ),
)


def main() -> None:
    """Founds the floor."""
    rpc = RpcPool(load_settings())
    try:
        found(rpc, (FLOOR,), PATIENCE)
    finally:
        rpc.close()
    print(f"{len(FLOOR.sellers)} sellers are ready; now: rodizio import contacts.csv --form {FORM_KEY} --wait-assigned")


if __name__ == "__main__":
    main()
