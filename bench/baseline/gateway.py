"""Baseline of P2 and P3: the web side, a Flask route that calls capture through a proxy kept by each thread."""

import os
import threading
from typing import Any

from flask import Flask, request
from nameko.standalone.rpc import ClusterRpcProxy

app = Flask(__name__)
own = threading.local()


def services() -> Any:
    """This thread's proxy, connected at its first use."""
    if not hasattr(own, "services"):
        own.services = ClusterRpcProxy({"AMQP_URI": os.environ["BASELINE_AMQP_URL"]}, timeout=30).start()
    return own.services


@app.post("/leads")
def accept() -> tuple[dict[str, Any], int]:
    """Stores the lead before answering."""
    return services().capture.submit(request.form.to_dict()), 201


@app.get("/health")
def health() -> str:
    """Whether it is up."""
    return "ok"
