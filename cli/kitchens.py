"""The demo company, which makes kitchens: its teams, sellers and forms, and who of it signs in. Nobody here is real."""

from dataclasses import dataclass
from typing import Any

from cli.company import TeamPlan
from contracts.access import Role

FORM_KEY = "demo"
_LISBON, _MADRID, _MEXICO = "Europe/Lisbon", "Europe/Madrid", "America/Mexico_City"
_WEEKDAYS, _AND_SATURDAY = [0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5]


def _seller(name: str, weight: int, phone: str, time_zone: str = _LISBON, **more: Any) -> dict[str, Any]:
    locale = "pt" if time_zone == _LISBON else "es"
    usual = {"locale": locale, "time_zone": time_zone, "channels": ["sms", "email"]}
    return {"name": name, "email": address_of(name), "phone": phone, "weight": weight, **usual, **more}


def address_of(name: str) -> str:
    """The made-up e-mail address of somebody of the company."""
    plain = name.lower().translate(str.maketrans("áãâàéêíóõôúç ", "aaaaeeiooouc."))
    return f"{plain}@example.com"


def _hours(days: list[int], *spans: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"days": days, "start": start, "end": end} for start, end in spans]


def _field(name: str, label: str, kind: str = "text", **more: Any) -> dict[str, Any]:
    return {"name": name, "label": label, "kind": kind, **more}


_PT_PERSON = (
    _field("name", "Nome", role="name", required=True, max_length=200),
    _field("email", "E-mail", "email", role="email"),
    _field("phone", "Telemóvel", "phone", role="phone"),
)

LISBON = TeamPlan(
    team={"name": "Loja de Lisboa", "supervisor": "Clara Reis", "time_zone": _LISBON},
    sellers=(
        # No working hours means always: a first lead finds somebody at any time of the day.
        _seller("Marta Nunes", 3, "+351910000101"),
        _seller("Rui Tavares", 2, "+351910000102", daily_cap=200),
        _seller("Sofia Pinto", 1, "+351910000103", channels=["email"], open_cap=500),
        _seller(
            "Tiago Lopes", 2, "+351910000104", working_hours=_hours(_WEEKDAYS, ("09:00", "13:00"), ("14:00", "18:30"))
        ),
    ),
    forms=(
        {
            "key": FORM_KEY,
            "name": "Contacto",
            "title": "Fale connosco",
            "thanks": "Obrigado! Ligamos-lhe ainda hoje, dentro do horário da loja.",
            "source": "site",
            "channel": "site",
            "region": "PT",
            "locale": "pt",
            "fields": [
                *_PT_PERSON,
                _field("company", "Empresa", role="company"),
                _field("message", "Como podemos ajudar?", max_length=5000),
            ],
            "one_of": ["email", "phone"],
        },
    ),
)

PORTO = TeamPlan(
    team={"name": "Projetos do Porto", "supervisor": "Jorge Teles", "time_zone": _LISBON},
    sellers=(
        _seller("Inês Matos", 3, "+351910000201", working_hours=_hours(_WEEKDAYS, ("09:00", "18:00")), daily_cap=12),
        _seller("Bruno Cardoso", 2, "+351910000202", working_hours=_hours(_AND_SATURDAY, ("10:00", "19:00"))),
        _seller(
            "Paula Leite", 1, "+351910000203", channels=["email"], working_hours=_hours(_WEEKDAYS, ("09:00", "13:00"))
        ),
    ),
    forms=(
        {
            "key": "orcamento",
            "name": "Pedido de orçamento",
            "title": "Peça o seu orçamento",
            "thanks": "Recebemos o seu pedido. O projetista da sua zona fala consigo no próximo dia útil.",
            "source": "orçamento",
            "channel": "site",
            "region": "PT",
            "locale": "pt",
            "fields": [
                *_PT_PERSON,
                _field("city", "Localidade", role="city", required=True),
                _field(
                    "product",
                    "O que procura?",
                    "choice",
                    role="product",
                    choices=["Cozinha completa", "Renovação", "Bancada", "Roupeiro"],
                ),
                _field("message", "Medidas, prazos, ideias", max_length=5000),
                _field("consent", "Aceito ser contactado sobre este pedido", "consent", required=True),
            ],
            "one_of": ["email", "phone"],
        },
    ),
)

MADRID = TeamPlan(
    team={"name": "Eventos Iberia y América", "supervisor": "Pilar Santos", "time_zone": _MADRID},
    sellers=(
        _seller("Lucía Ortega", 2, "+34600000301", _MADRID, working_hours=_hours(_AND_SATURDAY, ("10:00", "19:00"))),
        _seller("Diego Ramos", 1, "+525500000302", _MEXICO, working_hours=_hours(_WEEKDAYS, ("09:00", "18:00"))),
    ),
    forms=(
        {
            "key": "taller-de-cocina",
            "name": "Taller de cocina",
            "title": "Reserva tu plaza en el taller",
            "thanks": "¡Gracias! Te llamamos para confirmar tu plaza.",
            "source": "taller",
            "channel": "event",
            "region": "ES",
            "locale": "es",
            "fields": [
                _field("name", "Nombre y apellidos", role="name", required=True, max_length=200),
                _field("email", "Correo electrónico", "email", role="email", required=True),
                _field("phone", "Móvil", "phone", role="phone"),
                _field("city", "Ciudad", role="city"),
                _field("message", "¿Qué te gustaría ver?", max_length=5000),
            ],
        },
    ),
)

COMPANY = (LISBON, PORTO, MADRID)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in. team: of a supervisor; a seller is the one of the same name."""

    login: str
    name: str
    role: Role
    locale: str
    time_zone: str
    team: str = ""


def people() -> tuple[Person, ...]:
    """Everybody who signs in, those with most to say first."""
    leaders = (
        Person("admin@example.com", "Helena Duarte", "admin", "en", _LISBON),
        Person("manager@example.com", "Miguel Antunes", "manager", "en", _LISBON),
    )
    supervisors, sellers = [], []
    for plan in COMPANY:
        locale, name = plan.forms[0]["locale"], plan.team["supervisor"]
        zone = plan.team["time_zone"]
        supervisors.append(Person(address_of(name), name, "supervisor", locale, zone, plan.team["name"]))
        for seller in plan.sellers:
            sellers.append(Person(seller["email"], seller["name"], "seller", seller["locale"], seller["time_zone"]))
    return (*leaders, *supervisors, *sellers)
