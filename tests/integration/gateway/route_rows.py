"""Who may use which route, and what somebody else's id gets there: one row for each route of the gateway."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.access import ADMINS, MANAGERS, ROLES, SUPERVISORS, Role

STALE = 2_000_000_000
"""A version that nothing has: what is one's own answers 409, and nothing happens."""

SPAN = {"since": "2026-01-01T00:00:00Z", "until": "2027-02-01T00:00:00Z"}
YEAR = {"since": "2027-01-01T00:00:00Z", "until": "2027-12-01T00:00:00Z"}
DAY = {"now": "2027-02-01T00:00:00Z", "day_end": "2027-04-01T00:00:00Z"}
AWAY = {"starts_at": "2027-06-01T00:00:00Z", "ends_at": "2027-06-02T00:00:00Z"}


@dataclass(frozen=True)
class Row:
    """A route.

    roles: who may. sent: body or form; texts such as "{seller_id}" are filled in with the id in question. query: what
        an address needs besides.
    own: what those who see a part get with their own ids; None where it is not tried, for it would change too much.
    foreign: what they get with those of others. 200: an empty answer.
    shows: whether managers find texts or ids of others in it.
    """

    roles: tuple[Role, ...]
    sent: Mapping[str, Any] | None = None
    query: Mapping[str, str] | None = None
    own: int | None = 200
    foreign: int = 404
    shows: bool = True


API: Mapping[str, Row] = {
    "GET /accounts": Row(ADMINS, shows=False),
    "POST /accounts": Row(ADMINS),
    "GET /accounts/<uuid:account_id>": Row(ADMINS),
    "PATCH /accounts/<uuid:account_id>": Row(ADMINS),
    "POST /accounts/<uuid:account_id>/password": Row(ADMINS),
    "DELETE /accounts/<uuid:account_id>/sessions": Row(ADMINS),
    "GET /accounts/trail": Row(ADMINS, shows=False),
    "GET /contacts/<uuid:contact_id>/leads": Row(ROLES, foreign=200),
    "GET /counts": Row(SUPERVISORS, query={"by": "seller"}),
    "GET /forms": Row(MANAGERS, shows=False),
    "POST /forms": Row(MANAGERS),
    "GET /forms/<uuid:form_id>": Row(MANAGERS, shows=False),
    "PATCH /forms/<uuid:form_id>": Row(MANAGERS),
    "GET /forms/<uuid:form_id>/snippet": Row(MANAGERS, shows=False),
    "POST /forms/<uuid:form_id>/trial": Row(MANAGERS),
    "GET /forms/activity": Row(MANAGERS, shows=False),
    "GET /forms/sources": Row(MANAGERS, shows=False),
    "GET /imports/<uuid:import_id>": Row(MANAGERS, shows=False),
    "POST /imports/<uuid:import_id>/rows": Row(MANAGERS),
    "GET /keys": Row(ADMINS, shows=False),
    "POST /keys": Row(ADMINS),
    "DELETE /keys/<uuid:key_id>": Row(ADMINS),
    "GET /leads": Row(ROLES),
    "POST /leads": Row(MANAGERS),
    "GET /leads/<uuid:lead_id>": Row(ROLES),
    "GET /leads/<uuid:lead_id>/messages": Row(ROLES, foreign=200),
    "POST /leads/<uuid:lead_id>/open": Row(ROLES),
    "GET /leads/<uuid:lead_id>/opportunity": Row(ROLES),
    "POST /leads/<uuid:lead_id>/reassign": Row(SUPERVISORS, {"seller_id": "{seller_id}", "version": STALE}, own=409,
                                               foreign=422),
    "POST /leads/<uuid:lead_id>/return": Row(ROLES, {"reason": "x", "version": STALE}, own=409),
    "GET /leads/<uuid:lead_id>/why": Row(ROLES),
    "GET /leads/count": Row(ROLES, shows=False),
    "POST /leads/reassign": Row(SUPERVISORS, {"items": [{"work_id": "{lead_id}", "version": STALE}],
                                              "team_id": "{team_id}"}, foreign=422),
    "GET /me": Row(ROLES, shows=False),
    "PATCH /me": Row(ROLES, {"version": STALE}, own=409),
    "GET /me/sessions": Row(ROLES, shows=False),
    "DELETE /me/sessions/<uuid:session_id>": Row(ROLES, own=409, foreign=409),
    "GET /me/views": Row(SUPERVISORS, shows=False),
    "POST /me/views": Row(SUPERVISORS, {"name": "x", "filters": {}}, own=409),
    "PATCH /me/views/<uuid:view_id>": Row(SUPERVISORS, {"is_default": True}, own=409, foreign=409),
    "DELETE /me/views/<uuid:view_id>": Row(SUPERVISORS, own=409, foreign=409),
    "GET /notifications/<uuid:seller_id>": Row(ROLES, foreign=200),
    "POST /notifications/<uuid:seller_id>/read": Row(ROLES, {"message_ids": ["{message_id}"]}, foreign=200),
    "GET /notifications/<uuid:seller_id>/settings": Row(ROLES, shows=False),
    "PUT /notifications/<uuid:seller_id>/settings": Row((*MANAGERS, "seller"), {"channels": [], "version": STALE},
                                                        own=409),
    "GET /notifications/<uuid:seller_id>/stream": Row(ROLES, shows=False),
    "GET /notifications/messages/<uuid:message_id>": Row(ROLES),
    "GET /notifications/unknown": Row(SUPERVISORS, shows=False),
    "POST /notifications/unknown/<uuid:message_id>/settle": Row(SUPERVISORS, {"outcome": "sent"}, own=409),
    "GET /opportunities": Row(ROLES),
    "POST /opportunities/<uuid:opportunity_id>/actions": Row(ROLES, {"kind": "note", "note": "x", "version": STALE},
                                                             own=409),
    "POST /opportunities/<uuid:opportunity_id>/close": Row(ROLES, {"outcome": "won", "version": STALE}, own=409),
    "GET /outbox": Row(ROLES),
    "GET /outbox/<uuid:message_id>": Row(ROLES),
    "POST /outbox/<uuid:message_id>/simulate": Row(SUPERVISORS, {"kind": "delivered"}, own=409),
    "GET /outbox/suppressions": Row(MANAGERS, shows=False),
    "DELETE /outbox/suppressions/<uuid:suppression_id>": Row(MANAGERS),
    "GET /overview": Row(SUPERVISORS, query=SPAN),
    "GET /overview/now": Row(SUPERVISORS, shows=False),
    "GET /quarantine": Row(MANAGERS, shows=False),
    "DELETE /quarantine/<uuid:quarantine_id>": Row(MANAGERS),
    "POST /quarantine/<uuid:quarantine_id>/release": Row(MANAGERS),
    "POST /quarantine/drop": Row(MANAGERS),
    "POST /quarantine/release": Row(MANAGERS),
    "GET /rules": Row(MANAGERS),
    "PUT /rules/<uuid:form_id>": Row(MANAGERS),
    "GET /sellers": Row(SUPERVISORS),
    "POST /sellers": Row(MANAGERS),
    "GET /sellers/<uuid:seller_id>": Row(ROLES),
    "PATCH /sellers/<uuid:seller_id>": Row(ROLES, {"version": STALE}, own=409),
    "GET /sellers/<uuid:seller_id>/agenda": Row(ROLES, foreign=200),
    "GET /sellers/<uuid:seller_id>/agenda/counts": Row(ROLES, query=DAY, foreign=200, shows=False),
    "PUT /sellers/<uuid:seller_id>/availability": Row(ROLES, {"available": True}),
    "POST /sellers/<uuid:seller_id>/password": Row(MANAGERS),
    "POST /sellers/<uuid:seller_id>/sign-in": Row(MANAGERS),
    "POST /sellers/<uuid:seller_id>/time-off": Row(SUPERVISORS, AWAY, own=201),
    "DELETE /sellers/<uuid:seller_id>/time-off/<uuid:time_off_id>": Row(SUPERVISORS, own=None),
    "GET /sellers/<uuid:seller_id>/work": Row(ROLES),
    "GET /sellers/<uuid:seller_id>/work/counts": Row(ROLES, shows=False),
    "GET /sellers/names": Row(ROLES),
    "GET /sellers/time-off": Row(SUPERVISORS, query=YEAR),
    "GET /services": Row(MANAGERS, shows=False),
    "GET /services/<service>/parked": Row(MANAGERS, shows=False),
    "POST /services/<service>/parked/drop": Row(MANAGERS),
    "POST /services/<service>/parked/replay": Row(MANAGERS),
    "GET /services/<service>/status": Row(MANAGERS, shows=False),
    "GET /teams": Row(SUPERVISORS),
    "POST /teams": Row(MANAGERS),
    "GET /teams/<uuid:team_id>": Row(SUPERVISORS),
    "PATCH /teams/<uuid:team_id>": Row(MANAGERS),
    "GET /teams/<uuid:team_id>/fairness": Row(SUPERVISORS),
    "GET /waiting": Row(SUPERVISORS),
    "GET /work": Row(SUPERVISORS),
}  # fmt: skip
"""By method and address below /api/v1."""

SELLER: tuple[Role, ...] = ("seller",)
ACTION = {"opportunity_id": "{opportunity_id}", "outcome": "note", "note": "x", "version": STALE}
CLOSING = {"opportunity_id": "{opportunity_id}", "outcome": "lost", "reason": "price", "version": STALE}

PAGES: Mapping[str, Row] = {
    "GET /account": Row(ROLES, shows=False),
    "POST /account": Row(ROLES, {"version": STALE}, own=409),
    "GET /account/notifications": Row(SELLER, shows=False),
    "POST /account/notifications": Row(SELLER, {"version": STALE}, own=409),
    "POST /account/password": Row(ROLES, own=422),
    "POST /account/sessions/<uuid:session_id>/end": Row(ROLES, own=None, foreign=303),
    "GET /accounts": Row(ADMINS),
    "GET /accounts/<uuid:account_id>": Row(ADMINS),
    "POST /accounts/<uuid:account_id>": Row(ADMINS),
    "POST /accounts/<uuid:account_id>/password": Row(ADMINS),
    "POST /accounts/<uuid:account_id>/sign-out": Row(ADMINS),
    "GET /accounts/new": Row(ADMINS),
    "POST /accounts/new": Row(ADMINS),
    "GET /calendar": Row(SUPERVISORS, query={"day": "2027-05-03"}),
    "GET /calendar/time-off": Row(SUPERVISORS),
    "POST /calendar/time-off": Row(SUPERVISORS, {"seller_id": "{seller_id}", "first": "2027-07-01"}, own=303),
    "POST /calendar/time-off/<uuid:seller_id>/<uuid:time_off_id>/remove": Row(SUPERVISORS, own=None),
    "GET /forms": Row(MANAGERS, shows=False),
    "GET /forms/<uuid:form_id>": Row(MANAGERS),
    "POST /forms/<uuid:form_id>/active": Row(MANAGERS),
    "GET /forms/<uuid:form_id>/edit": Row(MANAGERS),
    "POST /forms/<uuid:form_id>/edit": Row(MANAGERS),
    "GET /forms/<uuid:form_id>/preview": Row(MANAGERS, shows=False),
    "POST /forms/<uuid:form_id>/trial": Row(MANAGERS),
    "GET /forms/<uuid:form_id>/trial/<uuid:lead_id>": Row(MANAGERS),
    "GET /forms/new": Row(MANAGERS, shows=False),
    "POST /forms/new": Row(MANAGERS),
    "GET /inbox": Row(SELLER, shows=False),
    "POST /inbox/read": Row(ROLES, {"message_id": "{message_id}"}, own=303, foreign=303),
    "GET /keys": Row(ADMINS, shows=False),
    "POST /keys": Row(ADMINS),
    "POST /keys/<uuid:key_id>/revoke": Row(ADMINS),
    "GET /leads": Row(SUPERVISORS, query={"all": "1"}),
    "GET /leads.csv": Row(SUPERVISORS),
    "GET /leads/<uuid:lead_id>": Row(ROLES),
    "POST /leads/<uuid:lead_id>/actions": Row(ROLES, ACTION, own=409),
    "GET /leads/<uuid:lead_id>/background": Row(ROLES, query={"contact": "{contact_id}"}, foreign=200),
    "POST /leads/<uuid:lead_id>/close": Row(ROLES, CLOSING, own=409),
    "GET /leads/<uuid:lead_id>/hand": Row(SUPERVISORS),
    "POST /leads/<uuid:lead_id>/hand": Row(SUPERVISORS, {"seller_id": "{seller_id}", "version": STALE}, own=409),
    "POST /leads/<uuid:lead_id>/return": Row(ROLES, {"reason": "x", "version": STALE}, own=409, foreign=303),
    "GET /leads/count": Row(SUPERVISORS, shows=False),
    "GET /leads/news": Row(SUPERVISORS, query={"after": "2026-01-01T00:00:00+00:00"}, shows=False),
    "POST /leads/reassign": Row(SUPERVISORS, {"lead": "{lead_id}:1", "to": "team:{team_id}"}, own=None, foreign=303),
    "POST /leads/views": Row(SUPERVISORS, {"name": ""}, own=303),
    "POST /leads/views/<uuid:view_id>": Row(SUPERVISORS, {"do": "delete"}, own=None),
    "GET /m/<uuid:message_id>": Row(ROLES, own=303),
    "GET /my/leads": Row(SELLER),
    "GET /outbox": Row(SUPERVISORS),
    "GET /outbox/<uuid:message_id>": Row(ROLES),
    "POST /outbox/<uuid:message_id>/simulate": Row(SUPERVISORS, {"kind": "delivered"}, own=303),
    "GET /overview": Row(SUPERVISORS),
    "POST /overview/messages/<uuid:message_id>": Row(SUPERVISORS, {"outcome": "sent"}, own=303),
    "GET /parked": Row(MANAGERS, shows=False),
    "POST /parked/drop": Row(MANAGERS),
    "POST /parked/retry": Row(MANAGERS),
    "GET /quarantine": Row(MANAGERS, shows=False),
    "POST /quarantine/drop": Row(MANAGERS),
    "POST /quarantine/release": Row(MANAGERS),
    "GET /sellers": Row(SUPERVISORS),
    "GET /sellers/<uuid:seller_id>": Row(SUPERVISORS),
    "POST /sellers/<uuid:seller_id>/available": Row(SUPERVISORS, {"available": "1"}, own=303),
    "GET /sellers/<uuid:seller_id>/edit": Row(SUPERVISORS),
    "POST /sellers/<uuid:seller_id>/edit": Row(SUPERVISORS, {"name": "x", "version": STALE}, own=None),
    "POST /sellers/<uuid:seller_id>/password": Row(MANAGERS),
    "POST /sellers/<uuid:seller_id>/sign-in": Row(MANAGERS),
    "GET /sellers/new": Row(MANAGERS),
    "POST /sellers/new": Row(MANAGERS),
    "GET /suppressions": Row(MANAGERS, shows=False),
    "POST /suppressions/<uuid:suppression_id>/lift": Row(MANAGERS),
    "GET /teams": Row(SUPERVISORS),
    "GET /teams/<uuid:team_id>": Row(SUPERVISORS),
    "GET /teams/<uuid:team_id>/edit": Row(MANAGERS),
    "POST /teams/<uuid:team_id>/edit": Row(MANAGERS),
    "GET /teams/<uuid:team_id>/share/<uuid:seller_id>": Row(SUPERVISORS, shows=False),
    "GET /teams/forms": Row(MANAGERS),
    "POST /teams/forms/<uuid:form_id>": Row(MANAGERS),
    "GET /teams/new": Row(MANAGERS, shows=False),
    "POST /teams/new": Row(MANAGERS),
    "GET /today": Row(SELLER),
    "POST /today/available": Row(SELLER, {"available": "on"}, own=303),
    "GET /trail": Row(ADMINS, shows=False),
    "GET /waiting": Row(SUPERVISORS),
    "GET /waiting/news": Row(SUPERVISORS, query={"shown": "0"}, own=204, shows=False),
}
"""By method and address of pages for people who are signed in."""

FOR_ALL = frozenset(
    {
        *("GET /", "GET /offline", "GET /manifest.webmanifest", "GET /favicon.ico", "GET /sw.js"),
        *("GET /sign-in", "POST /sign-in", "POST /sign-out", "GET /inbox/badge"),
        *("GET /f/<form_key>", "POST /f/<form_key>", "OPTIONS /f/<form_key>", "GET /u/<token>", "POST /u/<token>"),
        *("POST /providers/sendgrid/events", "POST /providers/twilio/inbound", "POST /providers/twilio/status"),
        *("GET /api/docs", "GET /api/openapi.json", "GET /health/live", "GET /health/ready", "GET /metrics"),
    }
)
"""What needs no sign-in: nothing in it belongs to a team, or it answers for whoever asks."""
