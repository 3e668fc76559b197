"""What browsers keep: style sheets, scripts, pictures. Served compressed, with names that change with their content."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, send_from_directory
from whitenoise import WhiteNoise

FOLDER = Path(__file__).parents[1] / "static"
PREFIX = "/static/"
_YEAR = 365 * 24 * 3600


def served(application: Any) -> Any:
    """`application` with the files before it."""
    return WhiteNoise(application, root=str(FOLDER), prefix=PREFIX, max_age=_YEAR, add_headers_function=_careful)


def register(app: Flask) -> None:
    """Adds `asset` for templates, and the files that a browser wants at the root."""
    app.jinja_env.globals["asset"] = asset
    app.add_url_rule("/sw.js", "service_worker", _service_worker)
    app.add_url_rule("/favicon.ico", "favicon", _favicon)


@cache
def asset(name: str) -> str:
    """Address of a file in `static`; another one when its content is."""
    content = FOLDER.joinpath(name).read_bytes()
    return f"{PREFIX}{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


def _careful(headers: Any, path: str, _url: str) -> None:
    if Path(path).name.startswith("forms.js"):  # other people's sites ask for it by its bare name
        headers["Cache-Control"] = "public, max-age=3600"
    headers["X-Content-Type-Options"] = "nosniff"


def _service_worker() -> Response:
    response = current_app.make_response(send_from_directory(FOLDER, "sw.js", mimetype="text/javascript", max_age=0))
    response.headers["Cache-Control"] = "no-cache"
    return response


def _favicon() -> Response:
    return current_app.make_response(send_from_directory(FOLDER, "icon.svg", mimetype="image/svg+xml", max_age=_YEAR))
