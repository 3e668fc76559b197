"""Where one can go from every page."""

from dataclasses import dataclass

from flask import current_app, request, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from contracts.access import ADMINS, MANAGERS, SUPERVISORS, Role


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation. on_phone: whether it stands in the bar at the bottom of a phone."""

    endpoint: str
    name: LazyString
    icon: str
    roles: tuple[Role, ...]
    group: LazyString | None = None
    on_phone: bool = False

    @property
    def address(self) -> str:
        """Where it leads."""
        return url_for(self.endpoint)

    @property
    def is_here(self) -> bool:
        """Whether the page in hand belongs to it."""
        return (request.endpoint or "").split(".")[0] == self.endpoint.split(".")[0]


_HOME: tuple[Role, ...] = ("seller",)

PLACES: tuple[Place, ...] = (
    Place("today.index", _("Today"), "sun", _HOME, on_phone=True),
    Place("overview.index", _("Overview"), "chart-bar", SUPERVISORS, on_phone=True),
    Place("mine.index", _("My leads"), "address-book", _HOME, on_phone=True),
    Place("leads.index", _("Leads"), "address-book", SUPERVISORS, on_phone=True),
    Place("contacts.index", _("Contacts"), "id", _HOME),
    Place("agenda.index", _("Agenda"), "calendar-event", _HOME, on_phone=True),
    Place("inbox.index", _("Inbox"), "bell", _HOME, on_phone=True),
    Place("reports.index", _("My results"), "report-analytics", _HOME),
    Place("reports.index", _("Reports"), "report-analytics", SUPERVISORS),
    Place("waiting.index", _("Waiting"), "hourglass", SUPERVISORS, on_phone=True),
    Place("sellers.index", _("Sellers"), "users", SUPERVISORS, _("People")),
    Place("teams.index", _("Teams"), "users-group", SUPERVISORS, _("People")),
    Place("agenda.index", _("Agendas"), "calendar-event", SUPERVISORS, _("People")),
    Place("calendar.index", _("Calendar"), "calendar", SUPERVISORS, _("People")),
    Place("contacts.index", _("Contacts"), "id", SUPERVISORS, _("Capture")),
    Place("cleaning.index", _("Clean up"), "sparkles", MANAGERS, _("Capture")),
    Place("forms.index", _("Forms"), "forms", MANAGERS, _("Capture")),
    Place("imports.index", _("Imports"), "upload", MANAGERS, _("Capture")),
    Place("quarantine.index", _("Quarantine"), "shield", MANAGERS, _("Capture")),
    Place("outbox.index", _("Outbox"), "send", SUPERVISORS, _("Messages")),
    Place("suppressions.index", _("Opted out"), "bell-off", MANAGERS, _("Messages")),
    Place("parked.index", _("Parked"), "alert-triangle", MANAGERS, _("System")),
    Place("accounts.index", _("Accounts"), "user-cog", ADMINS, _("System")),
    Place("keys.index", _("API keys"), "key", ADMINS, _("System")),
    Place("trail.index", _("Trail"), "history", ADMINS, _("System")),
)
"""Everything, in order."""


def navigation(role: Role) -> list[Place]:
    """What a role sees."""
    return [place for place in PLACES if role in place.roles and place.endpoint in current_app.view_functions]


def home(role: Role) -> str:
    """Where a role begins."""
    places = navigation(role)
    return places[0].address if places else url_for("account.form")
