"""Settings, all from `RODIZIO_*` environment variables; every one has a default that suits one machine."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from runtime.ports import LOOPBACK

OWNERS = ("capture", "distribution", "campaigns", "notifications", "reporting", "gateway")
"""Who keeps a database of its own."""

PROBED = (*OWNERS, "loader")
"""Whose processes have a health port, in this order."""


@dataclass(frozen=True)
class Settings:
    """What one process needs to know of its surroundings.

    amqp_url: RabbitMQ, `amqp://user:password@host:port/vhost`.
    database_url: PostgreSQL (`postgresql://…`, a schema per owner); empty: a SQLite file per owner below `var`.
    var: folder of everything that is kept or written.
    health_port: first of the health ports; counted up from it in the order of `PROBED`.
    *_seconds: durations in seconds.
    """

    amqp_url: str = "amqp://guest:guest@127.0.0.1:5672/"
    database_url: str = ""
    var: Path = field(default_factory=lambda: Path("var"))
    log_level: str = "INFO"

    gateway_host: str = "127.0.0.1"
    gateway_port: int = 8080
    gateway_workers: int = 2
    gateway_threads: int = 16
    public_url: str = ""
    live_port: int = 8090
    live_url: str = ""
    proxy_hops: int = 0
    body_limit_bytes: int = 256 * 1024
    rate_per_ip: str = "6000/minute"
    rate_per_form: str = "60000/minute"
    rate_per_key: str = "6000/minute"
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
    sandbox_host: str = LOOPBACK
    sandbox_port: int = 8091
    sandbox_url: str = ""
    sandbox_key: str = ""
    twilio_account_sid: str = ""
    twilio_auth_token: str = ""
    twilio_from: str = ""
    sendgrid_api_key: str = ""
    sendgrid_webhook_key: str = ""
    email_from: str = ""
    smtp_url: str = ""

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Reads `RODIZIO_<FIELD>` for every field.

        Raises:
            ValueError: a variable is of the wrong kind or out of range; the message names it and what it may be.
        """
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for option in fields(cls):
            variable = f"RODIZIO_{option.name.upper()}"
            if text := environment.get(variable):
                values[option.name] = _parse(variable, option.name, text, option.type)
        return cls(**values)

    @property
    def address(self) -> str:
        """Where people and providers reach the gateway, without a slash at the end."""
        return self.public_url.rstrip("/") or f"http://{self.gateway_host}:{self.gateway_port}"

    @property
    def local_host(self) -> str:
        """The host under which this machine reaches its own gateway."""
        return LOOPBACK if self.gateway_host in ("0.0.0.0", "::", "") else self.gateway_host  # noqa: S104

    @property
    def local_address(self) -> str:
        """Where this machine reaches its own gateway."""
        return f"http://{self.local_host}:{self.gateway_port}"

    @property
    def sandbox_address(self) -> str:
        """Where the sandbox is, without a slash at the end."""
        return self.sandbox_url.rstrip("/") or f"http://{LOOPBACK}:{self.sandbox_port}"

    @property
    def sms_is_pretended(self) -> bool:
        """Whether SMS go to the sandbox."""
        return bool(self.sandbox_url) or not self.twilio_account_sid

    @property
    def email_is_pretended(self) -> bool:
        """Whether e-mail goes to the sandbox."""
        return bool(self.sandbox_url) or not (self.sendgrid_api_key or self.smtp_url)

    def health_port_of(self, owner: str) -> int:
        """Port on which the process of `owner`, one of `PROBED`, answers /health/live, /health/ready and /metrics."""
        return self.health_port + PROBED.index(owner)


_PORT = (1, 65_535)
_SECONDS = (0.01, 3600)

_RANGES: dict[str, tuple[float, float]] = {
    "gateway_port": _PORT,
    "gateway_workers": (1, 64),
    "gateway_threads": (1, 256),
    "live_port": _PORT,
    "proxy_hops": (0, 10),
    "body_limit_bytes": (1024, 2 * 1024 * 1024),  # what is answered for must fit into a message
    "health_port": (1, 65_535 - len(PROBED) + 1),
    "prefetch": (1, 10_000),  # 0 would mean without limit
    "batch_target_ms": (1, 10_000),
    "outbox_brake": (1, 10_000_000),
    "sweep_after_seconds": _SECONDS,
    "retry_base_seconds": _SECONDS,
    "retry_attempts": (1, 100),
    "inbox_days": (2, 3650),  # a day is kept back for clocks that disagree
    "rpc_timeout_seconds": _SECONDS,
    "sql_timeout_seconds": _SECONDS,
    "confirm_timeout_seconds": _SECONDS,
    "stop_seconds": (1, 3600),
    "provider_timeout_seconds": _SECONDS,
    "sandbox_port": _PORT,
}

_RATE = r"unlimited|[1-9]\d*/(second|minute|hour|day)"
_BASE64_KEY = (r"[A-Za-z0-9+/]{80,}={0,2}", "a key in base64 on one line, without BEGIN and END")
_FORMS: dict[str, tuple[str, str]] = {
    "amqp_url": (r"amqps?://.+", "an address such as amqp://user:password@host:5672/vhost"),
    "database_url": (r"postgresql(\+psycopg2)?://.+", "an address such as postgresql://user:password@host/database"),
    "log_level": (r"DEBUG|INFO|WARNING|ERROR", "DEBUG, INFO, WARNING or ERROR"),
    "public_url": (r"https?://.+", "an address such as https://leads.example.com"),
    "live_url": (r"https?://.+", "an address such as https://live.example.com"),
    "rate_per_ip": (_RATE, "a rate such as 6000/minute (second, minute, hour or day), or unlimited"),
    "rate_per_form": (_RATE, "a rate such as 60000/minute (second, minute, hour or day), or unlimited"),
    "rate_per_key": (_RATE, "a rate such as 6000/minute (second, minute, hour or day), or unlimited"),
    "sandbox_url": (r"https?://.+", "an address such as http://127.0.0.1:8091"),
    "sandbox_key": _BASE64_KEY,
    "smtp_url": (r"smtps?://.+", "an address such as smtps://user:password@mail.example.com:465"),
    "sendgrid_webhook_key": _BASE64_KEY,
}


def _parse(variable: str, name: str, text: str, kind: object) -> Any:
    if kind is Path:
        return Path(text)
    if kind is str:
        form, words = _FORMS.get(name, (".*", ""))
        if not re.fullmatch(form, text):
            raise ValueError(f"{variable} must be {words}")  # what it is may hold a password
        return text
    least, most = _RANGES[name]
    try:
        value = int(text) if kind is int else float(text)
        if least <= value <= most:
            return value
    except ValueError:
        pass
    number = "a whole number" if kind is int else "a number"
    raise ValueError(f"{variable} must be {number} from {least} to {most}, not {text!r}")
