"""What `rodizio run` keeps on this machine that the other commands need: its broker, its address, its key."""

import os
from dataclasses import replace
from urllib.parse import urlsplit

from runtime.rabbitmq import RabbitNode
from runtime.settings import Settings

BROKER_FOLDER = "broker"
KEY_FILE = "api-key"


def load_settings() -> Settings:
    """Settings; where no broker is named, that of `rodizio run`.

    Raises:
        ValueError: a variable that should be a number is not.
    """
    settings = Settings.load()
    node = _node(settings)
    if node is None or os.environ.get("RODIZIO_AMQP_URL"):
        return settings
    return replace(settings, amqp_url=node.url())


def private_node(settings: Settings) -> RabbitNode | None:
    """The private broker, if it is the one that `settings` name."""
    node = _node(settings)
    if node is None:
        return None
    return node if urlsplit(settings.amqp_url).port == node.address.port else None


def _node(settings: Settings) -> RabbitNode | None:
    folder = settings.var / BROKER_FOLDER
    return RabbitNode(folder) if (folder / "node.json").exists() else None


def api_key(settings: Settings) -> str | None:
    """The key of the API that `rodizio run` keeps; None when it has not run here."""
    try:
        return (settings.var / KEY_FILE).read_text().strip() or None
    except OSError:
        return None
