from datetime import UTC, datetime, timedelta
from urllib.error import URLError

import pytest
import requests
from notification_cases import assigned
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from runtime.ids import new_id
from runtime.settings import Settings
from services.notifications.channels.connection import never_left, seconds
from services.notifications.domain.intents import direct_channels, newest_of_each
from services.notifications.domain.segments import segments
from services.notifications.domain.sending import ATTEMPTS, LONGEST_PAUSE, LOOK_UP_FOR, look_up_at, retry_at
from services.notifications.domain.texts import LOCALES, render
from services.notifications.links import Links

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.feature("NOT-1")
@pytest.mark.parametrize("locale", LOCALES)
def test_an_sms_with_its_link_is_one_segment(locale: str) -> None:
    link = Links(Settings(public_url="https://crm.empresa-modelo.pt/").address).message(new_id())
    text = render("sms", locale, source="Página de destino da campanha de verão, 3.ª edição", name="Rita", link=link)
    assert link in text.body
    assert segments(text.body).count == 1
    assert "Pagina de destino" in text.body


@pytest.mark.feature("NOT-1")
def test_texts_speak_the_sellers_language_and_english_to_everybody_else() -> None:
    bodies = {
        locale: render("sms", locale, source="Site", name="", link="L").body
        for locale in ("pt", "pt-BR", "es_MX", "en", "fi", "")
    }
    assert bodies["pt"] == bodies["pt-BR"] == "Novo lead de Site: L"
    assert bodies["es_MX"] == "Nuevo lead de Site: L"
    assert bodies["en"] == bodies["fi"] == bodies[""] == "New lead from Site: L"


@pytest.mark.feature("NOT-1")
def test_a_sources_name_cannot_start_a_header_or_a_format() -> None:
    text = render("email", "en", source="a\r\nBcc: x@example.org {link.__class__}\x00", name="{name}", link="L")
    assert text.subject == "New lead from a Bcc: x@example.org {link.__class__}"
    assert "Hello {name}," in text.body


@pytest.mark.feature("NOT-1")
def test_who_left_is_told_nothing() -> None:
    assert direct_channels(["email", "sms", "pigeon"], active=True) == ("sms", "email")
    assert direct_channels(["email", "sms"], active=False) == ()


def test_of_several_assignments_of_one_work_the_newest_counts() -> None:
    work, first, second = new_id(), new_id(), new_id()
    newest = newest_of_each([assigned(second, work, 2), assigned(first, work, 1), assigned(first)])
    assert [fact.seller_id for fact in newest if fact.work_id == work] == [second]
    assert [fact.work_id for fact in newest] == sorted(fact.work_id for fact in newest)


@pytest.mark.feature("NOT-4")
def test_pauses_grow_up_to_a_limit_and_end() -> None:
    pauses = []
    for attempts in range(1, ATTEMPTS):
        at = retry_at(NOW, attempts, jitter=1.0)
        assert at is not None
        pauses.append(at - NOW)
    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(seconds=5)
    assert pauses[-1] == LONGEST_PAUSE
    assert retry_at(NOW, ATTEMPTS, jitter=1.0) is None


@pytest.mark.feature("NOT-4")
def test_what_the_provider_asks_for_is_not_undercut_nor_obeyed_without_bound() -> None:
    assert retry_at(NOW, 1, jitter=0.0) == NOW + timedelta(seconds=2.5)
    assert retry_at(NOW, 1, jitter=0.0, retry_after=60) == NOW + timedelta(seconds=60)
    assert retry_at(NOW, 1, jitter=0.0, retry_after=10**9) == NOW + LONGEST_PAUSE


@pytest.mark.feature("R6")
def test_look_ups_become_rarer_and_end() -> None:
    assert look_up_at(NOW, NOW) == NOW + timedelta(seconds=10)
    assert look_up_at(NOW, NOW - timedelta(minutes=5)) == NOW + timedelta(minutes=5)
    assert look_up_at(NOW, NOW - LOOK_UP_FOR) is None


@pytest.mark.feature("R6")
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (requests.ConnectionError(MaxRetryError(None, "/", NewConnectionError(None, "refused"))), True),
        (requests.ConnectTimeout(MaxRetryError(None, "/", NewConnectionError(None, "too slow"))), True),
        (URLError(ConnectionRefusedError(111, "refused")), True),
        (requests.ConnectionError(ProtocolError("aborted", ConnectionResetError(104, "reset"))), False),
        (requests.ReadTimeout("read timed out"), False),
        (URLError(ConnectionResetError(104, "reset while writing")), False),
        (URLError(TimeoutError("connecting or writing, who knows")), False),
    ],
)
def test_only_what_had_no_connection_counts_as_surely_not_sent(error: Exception, expected: bool) -> None:
    assert never_left(error) is expected


def test_retry_after_as_a_date_is_passed_over() -> None:
    assert seconds("7") == 7.0
    assert seconds("Wed, 21 Oct 2026 07:28:00 GMT") is None
    assert seconds(None) is None
