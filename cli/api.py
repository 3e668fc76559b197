"""The REST API as the command line uses it: patient with a busy or restarting system, clear about everything else."""

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 60.0
PAGE = 500
CHUNK = 64 * 1024
BUSY = (429, 502, 503, 504)
"""Answers after which the same request may succeed later. All we send may be repeated."""

LONGEST_WAIT = 30.0


class ApiError(Exception):
    """The API refused, or did not answer for too long; the message is one line that says what to do.

    errors: what is wrong with single fields, as problem details have it.
    """

    def __init__(self, message: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.errors = errors or []


class Api:
    """A client for several threads.

    base: address of the gateway, without /api/v1. patience: seconds to go on trying while the system is busy or away.
    """

    def __init__(self, base: str, key: str, patience: float) -> None:
        self._base = f"{base.rstrip('/')}/api/v1"
        self._key = key
        self._patience = patience
        self._local = threading.local()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Makes waiting requests of all threads give up."""
        self._stopping.set()

    def get(self, path: str, **query: Any) -> Any:
        """The answer to a GET.

        Raises:
            ApiError.
        """
        return self._request("GET", path, params={name: value for name, value in query.items() if value is not None})

    def post(self, path: str, document: Any) -> Any:
        """The answer to a POST that is harmless to repeat.

        Raises:
            ApiError.
        """
        return self._request("POST", path, json=document)

    def put(self, path: str, document: Any) -> Any:
        """The answer to a PUT.

        Raises:
            ApiError.
        """
        return self._request("PUT", path, json=document)

    def put_bytes(self, path: str, raw: bytes) -> Any:
        """The answer to a PUT of bytes as they are.

        Raises:
            ApiError.
        """
        return self._request("PUT", path, data=raw, headers={"Content-Type": "application/octet-stream"})

    def download(self, path: str, target: Path) -> None:
        """Writes what a GET answers to a file.

        Raises:
            ApiError; OSError: the file cannot be written.
        """
        response = self._ask("GET", path, stream=True)
        try:
            with response, target.open("wb") as file:
                for chunk in response.iter_content(CHUNK):
                    file.write(chunk)
        except requests.RequestException as error:
            raise ApiError(f"{self._base}{path}: the answer broke off: {error}") from error

    def items(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Everything in a list, page after page.

        Raises:
            ApiError.
        """
        cursor: str | None = None
        while True:
            page = self.get(path, cursor=cursor, limit=PAGE, **query)
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    def _request(self, method: str, path: str, **options: Any) -> Any:
        return _document(self._ask(method, path, **options), self._base)

    def _ask(self, method: str, path: str, **options: Any) -> requests.Response:
        give_up = time.monotonic() + self._patience
        attempt = 0
        while True:
            attempt += 1
            try:
                response = self._session().request(
                    method, self._base + path, timeout=(CONNECT_SECONDS, ANSWER_SECONDS), **options
                )
            except requests.exceptions.InvalidURL as error:
                raise ApiError(f"{self._base} is not an address: {error}") from error
            except (requests.ConnectionError, requests.Timeout) as error:
                problem, wait = self._unreachable(error), _backoff(attempt)
            except requests.RequestException as error:
                raise ApiError(f"{self._base}: {error}") from error
            else:
                if response.status_code not in BUSY:
                    return _welcome(response)
                problem, wait = _described(response), _retry_after(response, attempt)
            if time.monotonic() + wait > give_up or self._stopping.wait(wait):
                raise ApiError(problem)

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.headers["Authorization"] = f"Bearer {self._key}"
        session: requests.Session = self._local.session
        return session

    def _unreachable(self, error: Exception) -> str:
        why = "does not answer in time" if isinstance(error, requests.Timeout) else "cannot be reached"
        return f"{self._base} {why}. Is Rodízio running (rodizio run)? Another address: --api URL"


def _welcome(response: requests.Response) -> requests.Response:
    if response.status_code == 401:
        raise ApiError("the key is not accepted; give a valid one with --key or RODIZIO_API_KEY")
    if not response.ok:
        raise ApiError(_described(response), _errors(response))
    return response


def _document(response: requests.Response, base: str) -> Any:
    if response.status_code == 204:
        return None
    try:
        return response.json()
    except ValueError as error:
        raise ApiError(f"{base} answers, but not as Rodízio does; is the address right?") from error


def _errors(response: requests.Response) -> list[dict[str, Any]]:
    try:
        document = response.json()
    except ValueError:
        return []
    return list(document.get("errors") or []) if isinstance(document, dict) else []


def _described(response: requests.Response) -> str:
    """A problem document in a line."""
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return f"{response.url} answered {response.status_code} {response.reason}"
    errors = [f"{error.get('field')}: {error.get('message')}" for error in document.get("errors") or []]
    return " ".join(part for part in (document.get("detail") or document.get("title") or "", "; ".join(errors)) if part)


def _retry_after(response: requests.Response, attempt: int) -> float:
    try:
        return min(LONGEST_WAIT, max(0.1, float(response.headers["Retry-After"])))
    except (KeyError, ValueError):
        return _backoff(attempt)


def _backoff(attempt: int) -> float:
    return float(min(LONGEST_WAIT, 0.2 * 2 ** min(attempt, 10)) * random.uniform(0.5, 1.0))
