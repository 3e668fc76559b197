"""What people answer, how long a text is, which spelling an address has, and what a provider's word makes of it."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.message import Lane
from contracts.notifications import ProviderEventKind
from services.notifications.domain.addresses import spelled
from services.notifications.domain.deliveries import after
from services.notifications.domain.digests import GATHERS, Telling, tell
from services.notifications.domain.replies import wish
from services.notifications.domain.search import matches
from services.notifications.domain.segments import in_gsm, segments
from services.notifications.domain.texts import LOCALES, render

STOPS = [
    "STOP", "stop", " Stop. ", "STOP!", "Stop please", "STOPALL", "stop all", "UNSUBSCRIBE", "Quit", "END", "opt-out",
    "PARAR", "Parar por favor", "pare", "SAIR", "Sair, obrigado", "CANCELAR", "Não quero mais", "não quero receber",
    "remover", "BAJA", "Baja por favor", "dar de baja", "darme de baja", "ALTO", "No quiero más mensajes", "salir ya",
]  # fmt: skip
STARTS = ["START", "unstop", "VOLTAR", "Começar", "ALTA", "dar de alta", "quero receber", "Volver, gracias"]
ORDINARY = [
    "", "   ", "?", "👍", "Obrigado", "sim", "yes", "Já liguei ao cliente", "cancelar a visita de amanhã às 10",
    "non-stop", "vou sair agora para almoçar", "the client asked us to stop by on Monday", "parar o carro", "stopwatch",
    "please", "fim de semana", "dar de alta e dar de baja o mesmo cliente amanhã",
]  # fmt: skip


@pytest.mark.feature("NOT-6")
@pytest.mark.parametrize("text", STOPS)
def test_who_wants_no_more_is_understood(text: str) -> None:
    assert wish(text) == "stop"


@pytest.mark.feature("NOT-6")
@pytest.mark.parametrize("text", STARTS)
def test_who_wants_them_again_is_understood(text: str) -> None:
    assert wish(text) == "start"


@pytest.mark.feature("NOT-6")
@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_answer_is_none_of_both(text: str) -> None:
    assert wish(text) is None


@pytest.mark.feature("NOT-6", "R15")
@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    assert wish(text) in ("stop", "start", None)
    assert segments(text).count >= bool(text)


@pytest.mark.feature("NOT-3", "NOT-8")
@pytest.mark.parametrize(
    ("text", "encoding", "count", "left"),
    [
        ("", "GSM-7", 0, 160),
        ("a" * 160, "GSM-7", 1, 0),
        ("a" * 161, "GSM-7", 2, 145),
        ("a" * 306, "GSM-7", 2, 0),
        ("a" * 307, "GSM-7", 3, 152),
        ("€" * 80, "GSM-7", 1, 0),
        ("€" * 81, "GSM-7", 2, 143),  # 76 in the first part: the 77th would be cut in two
        ("a" * 152 + "€" + "a" * 8, "GSM-7", 2, 143),
        ("Ção à", "UCS-2", 1, 65),
        ("á" * 70, "UCS-2", 1, 0),
        ("á" * 71, "UCS-2", 2, 63),
        ("🙂" * 35, "UCS-2", 1, 0),
        ("🙂" * 36, "UCS-2", 2, 61),  # 33 in the first part: a pair is not cut in two
        ("É à ü ñ", "GSM-7", 1, 153),
    ],
)
def test_segments_are_counted_as_networks_do(text: str, encoding: str, count: int, left: int) -> None:
    found = segments(text)
    assert (found.encoding, found.count, found.left) == (encoding, count, left)


@pytest.mark.feature("NOT-3")
def test_letters_that_would_double_the_price_are_written_without_their_accents() -> None:
    assert in_gsm("Página “São João” — €5 à ñ ç") == 'Pagina "Sao Joao" - €5 à ñ c'
    assert in_gsm("Объявление 🙂") == "Объявление 🙂"
    assert segments(in_gsm("Promoção de verão, já às 10")).encoding == "GSM-7"


@pytest.mark.feature("NOT-1")
@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("leads", [1, 12])
def test_every_text_is_complete_in_each_language(locale: str, leads: int) -> None:
    for channel in ("sms", "email", "in_app"):
        text = render(channel, locale, source="Site", name="Rita", link="LINK", leads=leads, unsubscribe="OUT")
        assert "{" not in text.subject + text.body
        assert ("LINK" in text.body) == (channel != "in_app")
        assert ("OUT" in text.body) == (channel == "email")
        assert ("12" in text.subject) == (leads == 12)
        assert segments(text.body).count == 1 or channel == "email"


@pytest.mark.feature("NOT-6")
def test_two_spellings_of_an_address_are_one() -> None:
    assert {spelled("sms", phone) for phone in ("+351 912-345.678", "00351912345678", " +351912345678")} == {
        "+351912345678"
    }
    assert spelled("sms", "912 345 678") == "912345678"
    assert spelled("email", " Rita.Sa@Example.ORG ") == "rita.sa@example.org"


@pytest.mark.feature("R12")
def test_the_order_of_events_does_not_matter() -> None:
    kinds: tuple[ProviderEventKind, ...] = ("sent", "delivered", "failed", "bounced", "opened", "replied")
    for size in range(1, 5):
        for chosen in itertools.combinations(kinds, size):
            ends = set()
            for order in itertools.permutations(chosen):
                state = "sent"
                for kind in order:
                    state = after(state, kind)
                ends.add(state)
            assert len(ends) == 1, (chosen, ends)


@pytest.mark.feature("R6")
def test_proof_that_it_was_accepted_takes_a_message_out_of_the_queue_and_nothing_else_does() -> None:
    assert [after("queued", kind) for kind in ("delivered", "sent", "failed", "bounced", "replied")] == [
        "delivered", "sent", "queued", "queued", "queued",
    ]  # fmt: skip
    for state in ("withdrawn", "suppressed"):
        assert after(state, "delivered") == state


@pytest.mark.feature("NOT-1")
@given(st.lists(st.tuples(st.integers(0, 90), st.sampled_from(["live", "bulk"])), max_size=60))
def test_nobody_is_told_more_than_once_a_minute_or_forgotten(steps: list[tuple[int, Lane]]) -> None:
    """Every assignment is told, alone or in a digest; two digests, and two told alone, are a minute apart."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    known, numbers = Telling(), itertools.count()
    alone: list[datetime] = []
    digests: dict[str, datetime] = {}
    for seconds, lane in steps:
        now += timedelta(seconds=seconds)
        if known.due_at is not None and known.due_at <= now:
            known = Telling(known.due_at)  # the sender closes it
        how, known = tell(known, lane, now, lambda: str(next(numbers)))
        if how == "at_once":
            alone.append(now)
            assert lane == "live"
        else:
            assert known.digest_id is not None
            assert known.due_at is not None
            assert now < known.due_at <= now + GATHERS
            assert digests.setdefault(known.digest_id, known.due_at) == known.due_at
    for times in (alone, list(digests.values())):
        assert all(later - earlier >= GATHERS for earlier, later in itertools.pairwise(times))


def test_a_search_knows_accents_and_phones() -> None:
    who = ("Inês Gonçalves", "ines@norte.example", "+351 912-345-678")
    for q in ("ines", "GONÇ", "goncalves", "norte.", "912345", "912 345", "+351912"):
        assert matches(q, *who), q
    for q in ("rui", "999", "a912", "-", "inesx"):
        assert not matches(q, *who) or q == "-", q
