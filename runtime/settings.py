"""Settings, all from `RODIZIO_*` environment variables; every one has a default that suits one machine."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

OWNERS = ("capture", "distribution", "campaigns", "notifications", "reporting", "gateway")
"""Who keeps a database of its own; a health port each, in this order."""


@dataclass(frozen=True)
class Settings:
    """What one process needs to know of its surroundings.

    amqp_url: RabbitMQ, `amqp://user:password@host:port/vhost`.
    database_url: PostgreSQL (`postgresql://…`, a schema per owner); empty: a SQLite file per owner below `var`.
    var: folder of everything that is kept or written.
    health_port: first of the health ports; owners count up from it in the order of `OWNERS`.
    *_seconds: durations in seconds.
    """

    amqp_url: str = "amqp://guest:guest@127.0.0.1:5672/"
    database_url: str = ""
    var: Path = field(default_factory=lambda: Path("var"))
    log_level: str = "INFO"

    gateway_host: str = "127.0.0.1"
    gateway_port: int = 8080
    gateway_workers: int = 2
    gateway_threads: int = 8
    public_url: str = ""
    proxy_hops: int = 0
    body_limit_bytes: int = 256 * 1024
    rate_per_ip: str = "6000/minute"
    rate_per_form: str = "60000/minute"
    health_host: str = "127.0.0.1"
    health_port: int = 8100

    prefetch: int = 200
    batch_target_ms: int = 50
    outbox_brake: int = 10_000
    sweep_after_seconds: float = 10.0
    retry_base_seconds: float = 5.0
    retry_attempts: int = 6
    inbox_days: int = 30
    rpc_timeout_seconds: float = 5.0
    sql_timeout_seconds: float = 10.0
    confirm_timeout_seconds: float = 2.0
    stop_seconds: float = 10.0

    provider_timeout_seconds: float = 10.0
    sandbox_port: int = 8091
    sandbox_url: str = ""
    twilio_account_sid: str = ""
    twilio_auth_token: str = ""
    twilio_from: str = ""
    sendgrid_api_key: str = ""
    email_from: str = ""

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Reads `RODIZIO_<FIELD>` for every field.

        Raises:
            ValueError: a variable that should be a number is not; the message names it.
        """
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for option in fields(cls):
            variable = f"RODIZIO_{option.name.upper()}"
            if text := environment.get(variable):
                values[option.name] = _parse(variable, text, option.type)
        settings = cls(**values)
        settings._refuse_what_cannot_work()
        return settings

    def _refuse_what_cannot_work(self) -> None:
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"RODIZIO_{name.upper()} must be between {least} and {most}, not {value}")

    def health_port_of(self, owner: str) -> int:
        """Port on which a process of `owner` answers /health/live, /health/ready and /metrics."""
        return self.health_port + OWNERS.index(owner)


_RANGES: dict[str, tuple[float, float]] = {
    "prefetch": (1, 10_000),  # 0 would mean without limit
    "inbox_days": (2, 3650),  # a day is kept back for clocks that disagree
    "body_limit_bytes": (1024, 2 * 1024 * 1024),  # what is answered for must fit into a message
    "batch_target_ms": (1, 10_000),
    "retry_attempts": (1, 100),
    "gateway_workers": (1, 64),
    "gateway_threads": (1, 256),
}


def _parse(variable: str, text: str, kind: object) -> Any:
    parsers: dict[object, Any] = {int: int, float: float, str: str, Path: Path}
    try:
        return parsers[kind](text)
    except ValueError:
        raise ValueError(f"{variable} must be a number, not {text!r}") from None
