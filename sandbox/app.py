"""The sandbox's Flask application."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

from sandbox import callbacks, sendgrid, twilio
from sandbox.callbacks import Gateway
from sandbox.faults import CHANNELS, KINDS, Fault, Faults
from sandbox.ledger import Ledger


def create_app(ledger_path: Path, gateway: Gateway | None = None) -> Flask:
    """The application, with its ledger at `ledger_path`.

    gateway: whom it tells what became of messages; None: nobody.
    """
    app = Flask("sandbox")
    app.config["PROPAGATE_EXCEPTIONS"] = True  # a connection dropped on request must not be answered with a 500
    app.config["ledger"] = Ledger(ledger_path)
    app.config["faults"] = Faults()
    app.register_blueprint(twilio.bp)
    app.register_blueprint(sendgrid.bp)
    app.add_url_rule("/health/live", "live", _healthy)
    app.add_url_rule("/health/ready", "ready", _healthy)
    if gateway:
        app.config["gateway"] = gateway
        app.register_blueprint(callbacks.bp)
    _add_ledger(app)
    _add_faults(app)
    return app


def _healthy() -> dict[str, str]:
    return {"status": "ok"}


def _add_ledger(app: Flask) -> None:
    @app.get("/ledger")
    def ledger() -> Response:
        """Accepted messages, oldest first; narrowed by `to`, `reference` and `provider`, paged by `after`."""
        rows = app.config["ledger"].rows(
            recipient=request.args.get("to", ""),
            reference=request.args.get("reference", ""),
            provider=request.args.get("provider", ""),
            after=request.args.get("after", 0, int),
            limit=request.args.get("limit", 1000, int),
        )
        return jsonify(items=rows)


def _add_faults(app: Flask) -> None:
    @app.get("/faults")
    def faults() -> Response:
        """What is switched on."""
        return jsonify(app.config["faults"].as_json())

    @app.post("/faults")
    def switch() -> Response | tuple[Response, int]:
        """`{"channel": "sms" | "email", "kind": …, …}` switches a fault on; without a kind, off."""
        wanted: dict[str, Any] = request.get_json()
        channel, kind = wanted.pop("channel", None), wanted.get("kind")
        known = {option.name for option in fields(Fault)}
        if channel not in CHANNELS or (kind and kind not in KINDS) or not known.issuperset(wanted):
            return jsonify(error=f"channel: {CHANNELS}; kind: {KINDS}; options: {sorted(known)}"), 400
        app.config["faults"].set(channel, Fault(**wanted) if kind else None)
        return jsonify(app.config["faults"].as_json())
