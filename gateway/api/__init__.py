"""The REST API, `/api/v1`: OpenAPI at /api/openapi.json, readable at /api/docs."""

from flask import Flask, render_template

from gateway.accounts.sessions import COOKIE
from gateway.api import (
    accounts,
    cleaning,
    contacts,
    counts,
    forms,
    import_rows,
    imports,
    keys,
    leads,
    me,
    notifications,
    opportunities,
    outbox,
    overview,
    parked,
    quarantine,
    reports,
    rules,
    sellers,
    sign_ins,
    tasks,
    teams,
    work,
)
from gateway.api.description import SECURITY_SCHEME, SESSION_SCHEME, ProblemApi
from gateway.api.problem import register_error_handlers

RESOURCES = (
    *(
        forms,
        teams,
        sellers,
        rules,
        leads,
        contacts,
        cleaning,
        notifications,
        outbox,
        opportunities,
        counts,
        imports,
        import_rows,
    ),
    *(parked, accounts, keys, me, overview, quarantine, reports, sign_ins, tasks, work),
)


def register(app: Flask) -> None:
    """Adds the API and its documentation to `app`."""
    app.config.update(
        API_TITLE="Rodízio",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api",
        OPENAPI_JSON_PATH="openapi.json",
    )
    api = ProblemApi(app, spec_kwargs={"info": {"description": _DESCRIPTION, "license": {"name": "Apache-2.0"}}})
    api.spec.components.security_scheme(SECURITY_SCHEME, {"type": "http", "scheme": "bearer"})
    api.spec.components.security_scheme(SESSION_SCHEME, {"type": "apiKey", "in": "cookie", "name": COOKIE})
    for resource in RESOURCES:
        api.register_blueprint(resource.blueprint)
    register_error_handlers(app)
    app.add_url_rule("/api/docs", "api_docs", lambda: render_template("api.html", spec=api.spec.to_dict()))


_DESCRIPTION = """\
Every call carries `Authorization: Bearer <key>`, or comes from a page of somebody who has signed in. Errors are RFC
9457 problem details (`application/problem+json`). Lists take `limit` and `cursor`; `next` in the answer is the cursor
of the next page, null on the last. A `version` sent with a change is the one last seen: when somebody was faster the
answer is 409. Instead of it `If-Match` takes the ETag: then the answer is 412.
"""
