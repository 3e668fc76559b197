"""`/providers/…`: where Twilio and SendGrid tell what became of messages.

Nothing is believed unless its signature is right, and nothing is answered with 2xx before it is durable: otherwise the
provider calls again. What is told twice is told apart by `event_id`, which is made of signed content only.
"""

import logging
from collections.abc import Sequence

import sqlalchemy as sa
from flask import Blueprint, Response, request

from contracts.notifications import RECORD_PROVIDER_EVENT, ProviderEvent
from gateway import metrics, store
from gateway.parts import Parts, parts
from gateway.providers.sendgrid import SendGridCallbacks
from gateway.providers.trust import Distrusted
from gateway.providers.twilio import TwilioCallbacks
from runtime.errors import Unavailable
from runtime.publisher import NotPublished
from runtime.settings import Settings
from runtime.wire import pack

log = logging.getLogger(__name__)

RETRY_SECONDS = 30
TWILIO_BYTES = 64 * 1024
SENDGRID_BYTES = 2 * 1024 * 1024
"""SendGrid sends up to 768 kB at once."""

_NO_REPLY = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'


def blueprint(settings: Settings) -> Blueprint:
    """The routes that providers call.

    Raises:
        ValueError: the settings hold a key that is none.
    """
    twilio = TwilioCallbacks(settings.twilio_auth_token, settings.address)
    sendgrid = SendGridCallbacks(settings.sendgrid_webhook_key)
    routes = Blueprint("providers", __name__, url_prefix="/providers")

    @routes.post("/twilio/status")
    def twilio_status() -> Response:
        """What became of an SMS."""
        return _recorded(twilio.status(request, _body(TWILIO_BYTES)))

    @routes.post("/twilio/inbound")
    def twilio_inbound() -> Response:
        """An SMS that somebody sent to our number; it is answered with nothing."""
        response = _recorded(twilio.inbound(request, _body(TWILIO_BYTES)))
        if response.status_code == 204:
            return Response(_NO_REPLY, 200, mimetype="text/xml")
        return response

    @routes.post("/sendgrid/events")
    def sendgrid_events() -> Response:
        """What became of e-mails, many at once."""
        return _recorded(sendgrid.events(request, _body(SENDGRID_BYTES)))

    @routes.errorhandler(Distrusted)
    def distrusted(error: Distrusted) -> Response:
        log.warning("a callback is not believed: %s", error, extra={"path": request.path})
        return Response(status=403)

    return routes


def _body(most: int) -> bytes:
    """The body, byte for byte: that is what was signed."""
    request.max_content_length = most
    return request.get_data(cache=False)


def _recorded(events: Sequence[ProviderEvent]) -> Response:
    try:
        record(parts(), events)
    except Unavailable:
        return Response(status=503, headers={"Retry-After": str(RETRY_SECONDS)})
    return Response(status=204)


def record(made: Parts, events: Sequence[ProviderEvent]) -> None:
    """Returns when the events are durable: on the broker, or in the gateway's own database.

    Raises:
        Unavailable: neither could take them.
    """
    messages = pack(RECORD_PROVIDER_EVENT, events, lane="live")
    if not messages:
        return
    try:
        made.acceptance.publisher.publish_and_wait(messages, made.settings.confirm_timeout_seconds)
        return
    except NotPublished as error:
        log.warning("provider events are held until the broker takes them: %s", error)
    try:
        made.database.transact(store.hold, messages)
    except sa.exc.SQLAlchemyError as error:
        log.error("neither broker nor database could take provider events: %s", error)
        raise Unavailable("neither the broker nor the database could take it") from error
    metrics.HELD.inc(len(messages))
