"""RPC from outside the services: pooled nameko clients with time-outs and typed errors."""

import logging
from queue import Empty, LifoQueue
from typing import Any

from amqp.exceptions import AMQPError
from kombu.exceptions import KombuError
from nameko.exceptions import MethodNotFound, RemoteError, RpcTimeout, UnknownService
from nameko.standalone.rpc import ClusterRpcProxy

from runtime.errors import TimedOut, Unavailable
from runtime.settings import Settings

log = logging.getLogger(__name__)

MOST_IDLE = 16


class RpcPool:
    """Clients are single-threaded and leave a reply queue behind: each call borrows one and gives it back."""

    def __init__(self, settings: Settings) -> None:
        self._config = {
            "AMQP_URI": settings.amqp_url,
            "TRANSPORT_OPTIONS": {"max_retries": 1, "interval_start": 0.1, "interval_step": 0.1, "interval_max": 0.2},
        }
        self._timeout = settings.rpc_timeout_seconds
        self._idle: LifoQueue[tuple[ClusterRpcProxy, Any]] = LifoQueue(MOST_IDLE)

    def call(self, service: str, method: str, /, **arguments: Any) -> Any:
        """Calls `service.method(**arguments)` and returns its answer.

        Raises:
            NotFound, Invalid, Conflict: as the service raised them.
            TimedOut: no answer in time; whether the service acted is not known.
            Unavailable: the broker or the service is away, or the service failed.
        """
        client, proxy = self._borrow()
        try:
            answer = getattr(getattr(proxy, service), method)(**arguments)
        except RpcTimeout as error:
            self._discard(client)
            raise TimedOut(f"{service} did not answer within {self._timeout:g} s") from error
        except (UnknownService, MethodNotFound, RemoteError) as error:
            self._give_back(client, proxy)
            raise Unavailable(f"{service}.{method}: {error}") from error
        except (AMQPError, KombuError, OSError, RuntimeError) as error:
            self._discard(client)
            raise Unavailable(f"{service} could not be asked: {error or type(error).__name__}") from error
        except Exception:
            self._give_back(client, proxy)
            raise
        self._give_back(client, proxy)
        return answer

    def close(self) -> None:
        """Closes the idle clients."""
        while True:
            try:
                client, _ = self._idle.get_nowait()
            except Empty:
                return
            self._discard(client)

    def _borrow(self) -> tuple[ClusterRpcProxy, Any]:
        while True:
            try:
                client, proxy = self._idle.get_nowait()
            except Empty:
                return self._connect()
            if client._reply_listener.queue_consumer.connection.connected:
                return client, proxy
            self._discard(client)

    def _connect(self) -> tuple[ClusterRpcProxy, Any]:
        try:
            client = ClusterRpcProxy(self._config, timeout=self._timeout)
            return client, client.start()
        except (AMQPError, KombuError, OSError) as error:
            raise Unavailable(f"the broker could not be reached: {error or type(error).__name__}") from error

    def _give_back(self, client: ClusterRpcProxy, proxy: Any) -> None:
        try:
            self._idle.put_nowait((client, proxy))
        except Exception:  # enough are idle
            self._discard(client)

    def _discard(self, client: ClusterRpcProxy) -> None:
        try:
            client.stop()
        except Exception as error:
            log.debug("while closing an RPC client: %s", error)
