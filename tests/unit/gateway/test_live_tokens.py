"""Tokens of event streams: who may listen, and until when."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from itsdangerous import URLSafeSerializer

from gateway.live.tokens import TOKEN_SECONDS, Refused, read, sign, stream_url
from runtime.settings import Settings

pytestmark = pytest.mark.feature("GTW-4", "R14")

SECRET = b"s" * 32
NOW = 1_780_000_000.0


def test_a_token_says_whose_it_is_and_until_when() -> None:
    assert read(SECRET, sign(SECRET, "seller", NOW + 60), NOW) == ("seller", NOW + 60)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        sign(b"t" * 32, "seller", NOW + 60),
        sign(SECRET, "seller", NOW + 60)[:-1],
        sign(SECRET, "seller", NOW + 60).replace(".", "x."),
        sign(SECRET, "seller", NOW),
        URLSafeSerializer(SECRET, salt="cookie").dumps({"seller_id": "seller", "exp": NOW + 60}),
    ],
    ids=["none", "nonsense", "another secret", "cut", "changed", "expired", "signed for something else"],
)
def test_no_other_token_is_taken(token: str) -> None:
    with pytest.raises(Refused):
        read(SECRET, token, NOW)


def test_no_stream_outlives_its_session_by_more_than_a_quarter_of_an_hour() -> None:
    url = urlsplit(stream_url(Settings(), SECRET, "seller", "http://localhost:8080/"))
    (token,) = parse_qs(url.query)["token"]
    with pytest.raises(Refused):
        read(SECRET, token, time.time() + 15 * 60 + 1)


@pytest.mark.parametrize("told", [[], "seller", {"seller_id": "seller"}, {"seller_id": "seller", "exp": "soon"}])
def test_a_token_of_another_shape_is_refused_though_its_signature_is_right(told: object) -> None:
    other = URLSafeSerializer(SECRET, salt="rodizio.live", signer_kwargs={"key_derivation": "hmac"}).dumps(told)
    from gateway.live import tokens

    with pytest.raises(Refused):
        read(SECRET, other, NOW)
    with pytest.raises(Refused):
        read(SECRET, str(tokens._serializer(SECRET).dumps(told)), NOW)


@pytest.mark.parametrize(
    ("live_url", "page", "base"),
    [
        ("", "http://192.168.1.9:8080/seller?x=1", "http://192.168.1.9:8090"),
        ("", "http://[::1]:8080/", "http://[::1]:8090"),
        ("https://live.example.com/", "https://leads.example.com/seller", "https://live.example.com"),
    ],
)
def test_a_page_finds_its_stream_on_its_own_host_or_where_the_setting_says(live_url: str, page: str, base: str) -> None:
    url = urlsplit(stream_url(Settings(live_url=live_url), SECRET, "seller", page))
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{base}/live"
    (token,) = parse_qs(url.query)["token"]
    seller_id, expires_at = read(SECRET, token, NOW)
    assert seller_id == "seller"
    assert 0 <= time.time() + TOKEN_SECONDS - expires_at < 60
