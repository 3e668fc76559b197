"""Forms compiled: their rules and their sites."""

from typing import Any

import pytest

from contracts.capture import FieldRule, FormChanged
from gateway.forms import compile_form, origin_of
from gateway.throttle import MAX_COUNTERS, UNLIMITED, Throttle, Windows, visitor
from runtime.ids import new_id

pytestmark = pytest.mark.feature("CAP-2")


def compiled(*rules: FieldRule, **changes: Any) -> Any:
    """A form of these fields."""
    form_id = new_id()
    return compile_form(
        FormChanged(
            id=new_id(), subject=form_id, subject_version=1, correlation_id=new_id(), form_id=form_id, key="k",
            name="n", source="s", channel="site", active=True, fields=rules, **changes,
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    "email",
    ["ana@example.com", "ana.maria+x@sub.example.co.uk", "josé@exemplo.pt", "a@xn--bcher-kva.example", "a@bücher.de"],
)
def test_good_addresses(email: str) -> None:
    assert compiled(FieldRule(name="e", kind="email")).flaws({"e": email}) == []


@pytest.mark.parametrize(
    "phone", ["912 345 678", "+351 912-345-678", "(11) 91234.5678", "00351912345678", "212345678 ext. 12"]
)
def test_good_phones(phone: str) -> None:
    assert compiled(FieldRule(name="p", kind="phone")).flaws({"p": phone}) == []


@pytest.mark.parametrize("number", ["3", "-1.5", "1 000,50", "250.000", "12%"])
def test_good_numbers(number: str) -> None:
    assert compiled(FieldRule(name="n", kind="number")).flaws({"n": number}) == []


@pytest.mark.parametrize("kind", ["email", "phone", "number", "choice", "text"])
def test_long_nonsense_is_judged_quickly(kind: Any) -> None:
    form = compiled(FieldRule(name="x", kind=kind, max_length=200_000, choices=("a",)))
    for text in ("a@" + "a." * 90_000, "1" * 180_000 + "x", "." * 180_000, " " * 180_000 + "@", "a, " * 60_000):
        form.flaws({"x": text})


def test_a_choice_without_choices_takes_anything() -> None:
    assert compiled(FieldRule(name="c", kind="choice")).flaws({"c": "whatever"}) == []


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Example.com/path?q", "https://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("http://example.com:80/", "http://example.com"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
        ("ftp://example.com", ""),
        ("https://user@example.com", ""),
        ("https://example.com:port", ""),
        ("https://exam ple.com", ""),
        ("null", ""),
        ("", ""),
    ],
)
def test_origins(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.feature("R10")
def test_a_rate_is_divided_among_the_workers() -> None:
    throttle = Throttle("4/minute", workers=2)
    assert [throttle.wait("a") > 0 for _ in range(3)] == [False, False, True]
    assert throttle.wait("b") == 0
    assert not any(Throttle(UNLIMITED, 2).wait("a") for _ in range(1000))


@pytest.mark.feature("R10")
def test_forged_addresses_do_not_fill_the_memory() -> None:
    windows = Windows()
    for number in range(MAX_COUNTERS + 10):
        windows.incr(str(number), 60)
    assert len(windows._counters) <= MAX_COUNTERS


def test_a_window_ends() -> None:
    windows = Windows()
    assert (windows.incr("a", 60), windows.incr("a", 60), windows.get("a")) == (1, 2, 2)
    windows.clear("a")
    assert windows.incr("a", -1) == 1
    assert windows.incr("a", 60) == 1


def test_an_ipv6_network_is_one_visitor() -> None:
    assert visitor("2001:db8:1:2:3:4:5:6") == visitor("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert visitor("2001:db8:1:3::9") != visitor("2001:db8:1:2::9")
    assert visitor("192.0.2.1") == "192.0.2.1"
    assert visitor("not:an:address") == "not:an:address"
