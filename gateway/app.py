"""The gateway as a WSGI application."""

import logging
from pathlib import Path
from typing import Any

import orjson
from flask import Flask, Response, request
from flask_babel import Babel
from werkzeug.middleware.proxy_fix import ProxyFix

from gateway import api, locales, metrics, providers, web
from gateway.acceptance import Acceptance, Publishes
from gateway.access import AccessLog
from gateway.catalogue import FormCatalogue
from gateway.keys import Keyring
from gateway.parts import EXTENSION, Parts, Services, parts
from gateway.paths import loggable
from gateway.public import forms, hosted, unsubscribe
from gateway.store import can_read
from gateway.throttle import Throttle
from gateway.web import assets
from runtime.database import open_database
from runtime.publisher import Publisher
from runtime.rpc_client import RpcPool
from runtime.settings import Settings

log = logging.getLogger(__name__)

SIGN_INS_PER_ADDRESS, SIGN_INS_PER_NETWORK, SIGN_INS_PER_ACCOUNT = "60/minute", "20/minute", "2000/hour"
"""Attempts from one network; failures from there for one login; and from everywhere for one login, more than a network
alone can use up: neither one password tried on everybody nor many on one account get far, nor does whoever tries keep
the account's owner out."""


def create_app(
    settings: Settings | None = None, *, publisher: Publishes | None = None, services: Services | None = None
) -> Flask:
    """Makes the application and starts its publisher, which connects in the background.

    publisher, services: other ways to the broker, for tests.
    """
    settings = settings or Settings.load()
    app = Flask("gateway", root_path=str(Path(__file__).parent), static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.body_limit_bytes
    app.log_exception = _log_exception  # type: ignore[method-assign]
    Babel(
        app,
        default_locale="en",
        default_translation_directories=str(Path(__file__).parent / "translations"),
        locale_selector=locales.formats,
        timezone_selector=locales.time_zone,
    )
    app.extensions[EXTENSION] = make_parts(settings, publisher, services)
    app.register_blueprint(forms.blueprint)
    app.register_blueprint(hosted.blueprint)
    app.register_blueprint(providers.blueprint(settings))
    app.register_blueprint(unsubscribe.blueprint)
    web.register(app)
    api.register(app)
    _add_probes(app)
    app.wsgi_app = assets.served(AccessLog(app.wsgi_app))  # type: ignore[method-assign]
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def make_parts(settings: Settings, publisher: Publishes | None, services: Services | None) -> Parts:
    """The parts of a worker; what is not given is made, and a publisher that is made is started."""
    if publisher is None:
        publisher = Publisher(settings.amqp_url, "gateway publisher").start()
    database = open_database("gateway", settings)
    return Parts(
        settings=settings,
        database=database,
        acceptance=Acceptance(publisher, database, settings.confirm_timeout_seconds),
        catalogue=FormCatalogue(database),
        keyring=Keyring(database),
        services=services or RpcPool(settings),
        per_visitor=Throttle(settings.rate_per_ip, settings.gateway_workers),
        per_form=Throttle(settings.rate_per_form, settings.gateway_workers),
        per_key=Throttle(settings.rate_per_key, settings.gateway_workers),
        sign_in_per_address=Throttle(SIGN_INS_PER_ADDRESS, settings.gateway_workers),
        sign_in_per_network=Throttle(SIGN_INS_PER_NETWORK, settings.gateway_workers),
        sign_in_per_account=Throttle(SIGN_INS_PER_ACCOUNT, settings.gateway_workers),
    )


def _log_exception(exc_info: Any) -> None:
    """What nobody expected, as Flask tells it, but without tokens."""
    log.error("%s %s: failed", request.method, loggable(request.path), exc_info=exc_info)


def _add_probes(app: Flask) -> None:
    def live() -> Response:
        return _json({"ok": True})

    def ready() -> Response:
        """Ready while a lead can be kept: by the broker or by the gateway's own database."""
        made, problems = parts(), []
        if not made.acceptance.publisher.is_open:
            problems.append("broker: no connection for publishing, or it is blocked")
        if not can_read(made.database):
            problems.append("database: does not answer")
        return _json({"ok": len(problems) < 2, "problems": problems}, 503 if len(problems) == 2 else 200)

    app.add_url_rule("/health/live", "live", live)
    app.add_url_rule("/health/ready", "ready", ready)
    app.add_url_rule("/metrics", "metrics", metrics.page)


def _json(document: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, mimetype="application/json")
