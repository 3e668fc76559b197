"""Programs of one machine, started again whenever they end, by a `supervisord` of our own that ends with us."""

import contextlib
import fcntl
import http.client
import os
import shlex
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from runtime import ports, processes
from runtime.launch import launch_command, launch_environment

ATTEMPTS = 8
"""Failed starts in a row, each a second later than the one before, after which `revive` begins again."""

STOP_SECONDS = 10
"""What a program is given to end in order."""

PORT_SECONDS = 15
"""How long to wait for ports that a predecessor may still be leaving."""

_SOCKET_PATH_LIMIT = 96  # the kernel takes 107 bytes; supervisord appends its process id while it binds


class AlreadyRunning(Exception):
    """Another process supervises the same folder."""


class CannotStart(Exception):
    """supervisord did not start; the message says why."""


class PortTaken(Exception):
    """A port that a program needs belongs to somebody else."""

    def __init__(self, program: str, port: int) -> None:
        super().__init__(f"port {port}, which {program} needs, is taken by another program")
        self.program, self.port = program, port


@dataclass(frozen=True)
class Program:
    """A command to keep running.

    name: also names its log, `log/<name>.log`.
    environment: variables on top of ours.
    ports: what it listens on; waited for before anything starts.
    order: programs start from the lowest and end from the highest; those of one order end together.
    at_once: False leaves it for `Supervisor.start_programs`.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    order: int = 10
    at_once: bool = True


@dataclass(frozen=True)
class ProgramState:
    """A program as supervisord sees it.

    state: RUNNING, STARTING, BACKOFF, EXITED, FATAL, STOPPED, STOPPING or UNKNOWN.
    pid: 0 without a process. said: supervisord's own words.
    """

    name: str
    state: str
    pid: int
    said: str


class Supervisor:
    """Keeps programs running. All of them end with `stop`, or, whatever kills us, with the thread that called `start`.

    A program that ends is started again at once; one that does not stay up for a second, later and later, for ever.
    """

    def __init__(self, var: Path) -> None:
        """Names the folder; nothing is started or written yet.

        var: folder for `run/` (socket, configuration) and `log/`.

        Raises:
            ValueError: the folder's path is too long for a socket.
        """
        self.var = var.resolve()
        self._programs: dict[str, Program] = {}
        self._lock: IO[str] | None = None
        self._daemon: subprocess.Popen[bytes] | None = None
        if len(str(self._socket)) > _SOCKET_PATH_LIMIT:
            raise ValueError(f"the path {self._socket} is too long for a socket: choose a shorter folder")

    def lock(self, timeout: float = 15) -> None:
        """Makes this process the only supervisor of the folder; waits for one that is ending, and ends its remains.

        timeout: seconds to wait.

        Raises:
            AlreadyRunning: another one holds it and is not ending, or not in time.
        """
        if self._lock:
            return
        self._run.mkdir(parents=True, exist_ok=True)
        (self.var / "log").mkdir(exist_ok=True)
        lock = self._lock_file.open("a+")
        deadline = time.monotonic() + timeout
        while not _try_lock(lock):
            holder = _read(lock)
            if "stopping" not in holder or time.monotonic() > deadline:
                lock.close()
                raise AlreadyRunning(f"it runs already, as process {holder.split()[0] if holder else 'unknown'}")
            time.sleep(0.05)
        self._lock = lock
        self._say(str(os.getpid()))
        self._end_stale()

    def start(self, programs: Sequence[Program], timeout: float = 30) -> None:
        """Starts supervisord and those of the programs that are to start at once.

        timeout: seconds to wait for supervisord.

        Raises:
            AlreadyRunning; PortTaken; CannotStart.
            ValueError: a command cannot be written down for supervisord.
        """
        self.lock()
        self._programs = {program.name: program for program in programs}
        self._wait_ports()
        configuration = self._run / "supervisord.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(_configuration(self.var, programs))
        with (self.var / "log" / "supervisord-console.log").open("wb") as console:
            self._daemon = subprocess.Popen(
                launch_command([sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(configuration)]),
                env={**launch_environment(), "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"},
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,  # the terminal's Ctrl-C is for us; supervisord is told by `stop`
            )
        deadline = time.monotonic() + timeout
        while not self._answers():
            if not self.is_alive or time.monotonic() > deadline:
                said = (self.var / "log" / "supervisord-console.log").read_text(errors="replace").strip()
                self.stop(timeout=0)
                raise CannotStart(f"supervisord did not start. {said}")
            time.sleep(0.05)

    @property
    def is_alive(self) -> bool:
        """Whether supervisord runs."""
        return self._daemon is not None and self._daemon.poll() is None

    @property
    def pid(self) -> int | None:
        """Process id of the supervisord started here."""
        return self._daemon.pid if self._daemon else None

    def states(self) -> list[ProgramState]:
        """Every program's state; see `states_of`."""
        return states_of(self.var)

    def start_programs(self, names: Iterable[str]) -> None:
        """Starts programs that were not to start at once, without waiting for them."""
        with _client(self._socket) as supervisord:
            for name in names:
                supervisord.startProcess(f"{_group(self._programs[name].order)}:{name}", False)

    def revive(self) -> None:
        """Starts again what supervisord has given up on; call it every few seconds."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            fatal = [state.name for state in self.states() if state.state == "FATAL"]
            if fatal:
                self.start_programs(fatal)

    def stop(self, timeout: float | None = None) -> None:
        """Ends all programs in order, then supervisord.

        timeout: seconds until all are killed; None: what the programs are allowed, and a little more.
        """
        self._say(f"{os.getpid()} stopping")
        if self._daemon:
            orders = {program.order for program in self._programs.values()}
            self._daemon.terminate()
            try:
                self._daemon.wait(len(orders) * STOP_SECONDS + 5 if timeout is None else timeout)
            except subprocess.TimeoutExpired:
                self._daemon.kill()
                self._daemon.wait()
            self._daemon = None
        if self._lock:
            self._lock.close()
            self._lock = None

    @property
    def _run(self) -> Path:
        return self.var / "run"

    @property
    def _socket(self) -> Path:
        return _socket_of(self.var)

    @property
    def _lock_file(self) -> Path:
        return self._run / "supervisor.lock"

    def _answers(self) -> bool:
        try:
            self.states()
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return False
        return True

    def _say(self, text: str) -> None:
        if self._lock:
            self._lock.truncate(0)
            self._lock.write(text)
            self._lock.flush()

    def _end_stale(self) -> None:
        """Ends what is left of a supervisor that was killed; the kernel has told it already."""
        pid = processes.read_pid(self._run / "supervisord.pid")
        if pid and processes.is_alive(pid) and processes.mentions(pid, str(self._run)):
            processes.end(pid, 5)

    def _wait_ports(self) -> None:
        owners = {port: program.name for program in self._programs.values() for port in program.ports}
        for port in ports.wait_free(owners, PORT_SECONDS):
            raise PortTaken(owners[port], port)


def states_of(var: Path) -> list[ProgramState]:
    """State of every program supervised in the folder `var`.

    Raises:
        OSError: no supervisord answers there.
    """
    with _client(_socket_of(var.resolve())) as supervisord:
        found: Any = supervisord.getAllProcessInfo()
    return [
        ProgramState(name=one["name"], state=one["statename"], pid=one["pid"], said=one["description"]) for one in found
    ]


def _socket_of(var: Path) -> Path:
    return var / "run" / "supervisor.sock"


def _try_lock(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(lock: IO[str]) -> str:
    lock.seek(0)
    return lock.read()


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket, with a timeout, which supervisor's own client has not."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _Connection(self._path)


@contextlib.contextmanager
def _client(path: Path) -> Any:
    with xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(path)) as proxy:
        yield proxy.supervisor


def _group(order: int) -> str:
    return f"order-{order}"


def _configuration(var: Path, programs: Sequence[Program]) -> str:
    run, log = var / "run", var / "log"
    sections: dict[str, dict[str, object]] = {
        "unix_http_server": {"file": _socket_of(var), "chmod": "0700"},
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        },
        "supervisord": {
            "nodaemon": "true",
            "silent": "true",
            "identifier": "supervisor",
            "pidfile": run / "supervisord.pid",
            "childlogdir": log,
            "logfile": log / "supervisord.log",
            "logfile_maxbytes": "1MB",
            "logfile_backups": 2,
            **({"user": "root"} if os.geteuid() == 0 else {}),  # or it complains about root at every start
        },
    }
    for order in sorted({program.order for program in programs}):
        names = ",".join(program.name for program in programs if program.order == order)
        sections[f"group:{_group(order)}"] = {"programs": names, "priority": order}
    for program in programs:
        sections[f"program:{program.name}"] = {
            "command": _command_line(program),
            "autostart": str(program.at_once).lower(),
            "autorestart": "true",
            "startsecs": 1,
            "startretries": ATTEMPTS,
            "stopsignal": "TERM",
            "stopwaitsecs": STOP_SECONDS,
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": log / f"{program.name}.log",
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": 3,
        }
    return "\n".join(
        f"[{title}]\n" + "".join(f"{key} = {_escaped(value)}\n" for key, value in options.items())
        for title, options in sections.items()
    )


def _command_line(program: Program) -> str:
    variables = [f"{name}={value}" for name, value in program.environment.items()]
    return shlex.join(launch_command(["/usr/bin/env", *variables, *program.command]))


def _escaped(value: object) -> str:
    text = str(value)
    if "\n" in text or " ;" in text or " #" in text:
        raise ValueError(f"supervisord's configuration cannot hold {text!r}: no line breaks, ' ;' or ' #'")
    return text.replace("%", "%%")
