"""Pages for people. One module per task; each registers its own `Pages`."""

from datetime import timedelta

from flask import Flask

from gateway.parts import EXTENSION
from gateway.secret import secret
from gateway.web import (
    account,
    accounts,
    agenda,
    assets,
    calendar,
    cleaning,
    contacts,
    distributing,
    forms,
    giving,
    imports,
    inbox,
    kept,
    keys,
    lead,
    leads,
    mine,
    once,
    outbox,
    overview,
    parked,
    preferences,
    quarantine,
    reports,
    sellers,
    shown,
    sign_in,
    suppressions,
    tasks,
    teams,
    today,
    trail,
    waiting,
    welcome,
)
from gateway.web.pages import PageSessions, compress, csrf

MODULES = (
    *(welcome, sign_in, account, preferences, today, mine, lead, inbox, agenda, tasks),
    *(sellers, teams, calendar, accounts, keys, trail),
    *(forms, imports, quarantine),
    *(contacts, cleaning, distributing),
    *(overview, reports, leads, giving, waiting, parked),
    *(outbox, suppressions),
)
"""Modules with `pages`, in the order of their addresses in the navigation."""


def register(app: Flask) -> None:
    """Adds the pages to `app`."""
    made = app.extensions[EXTENSION]
    app.config.update(
        SECRET_KEY=secret(made.database),
        SESSION_COOKIE_NAME="rodizio_page",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=made.settings.public_url.startswith("https:"),
        PERMANENT_SESSION_LIFETIME=timedelta(days=30),
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a form may stay open over a long telephone call
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_SSL_STRICT=False,
        COMPRESS_REGISTER=False,
        COMPRESS_MIN_SIZE=1000,
    )
    app.session_interface = PageSessions()
    csrf.init_app(app)
    compress.init_app(app)
    app.jinja_options = {**app.jinja_options, "trim_blocks": True, "lstrip_blocks": True}
    shown.register(app)
    assets.register(app)
    kept.register(app)
    app.jinja_env.globals["once_field"] = once.once_field
    for module in MODULES:
        app.register_blueprint(module.pages)
