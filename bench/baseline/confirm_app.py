"""Baseline of P1: the least a durable form post can be.

A bare Flask route and one pika channel with publisher confirms per thread, waiting for each confirm. No validation, no
rate limit. Queue and broker come from BASELINE_AMQP_URL and BASELINE_QUEUE.
"""

import json
import os
import threading
import uuid

import pika
from flask import Flask, request
from pika.adapters.blocking_connection import BlockingChannel

QUEUE = os.environ.get("BASELINE_QUEUE", "form_posts")
PERSISTENT = pika.BasicProperties(content_type="application/json", delivery_mode=2)

app = Flask(__name__)
own = threading.local()


def channel() -> BlockingChannel:
    """This thread's channel; every publication on it waits for the broker's confirm."""
    if not hasattr(own, "channel"):
        parameters = pika.URLParameters(os.environ["BASELINE_AMQP_URL"])
        parameters.heartbeat = 0  # an idle thread would answer none
        own.channel = pika.BlockingConnection(parameters).channel()
        own.channel.confirm_delivery()
    return own.channel


@app.post("/leads")
def accept() -> tuple[dict[str, str], int]:
    """Queues the posted fields and answers once the broker has them."""
    lead_id = str(uuid.uuid4())
    body = json.dumps({"id": lead_id, "fields": request.form.to_dict()}).encode()
    channel().basic_publish("", QUEUE, body, PERSISTENT)
    return {"id": lead_id}, 202


@app.get("/health")
def health() -> str:
    """Whether it is up."""
    return "ok"
