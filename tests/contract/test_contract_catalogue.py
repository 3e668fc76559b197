"""The event catalogue is what the contracts say."""

from tools.event_catalogue import PAGE, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m tools.event_catalogue"
