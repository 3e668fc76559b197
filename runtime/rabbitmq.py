"""A private RabbitMQ node: its own name, ports, cookie, data and logs below one folder, on the loopback only."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from runtime import packages, ports, processes
from runtime.launch import launch_command, launch_environment

SERVER_FOLDERS = ("/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/usr/local/lib/rabbitmq/bin", "/usr/local/sbin")
"""Where the scripts are that run as any user; those in /usr/sbin insist on the distribution's own account."""

_AMQP_HEADER = b"AMQP\x00\x00\x09\x01"


class NotReady(Exception):
    """The node did not start, or not in time; the message ends with what its log says."""


@dataclass(frozen=True)
class Address:
    """What identifies a node, kept in its folder so that it stays the same from run to run."""

    name: str
    port: int
    distribution_port: int
    epmd_port: int
    password: str


def find_server() -> Path:
    """The folder of RabbitMQ's scripts, installing the package where that is allowed.

    Raises:
        runtime.packages.Missing: there is none and it could not be installed.
    """
    folder = installed_server()
    if folder is None:
        packages.install("rabbitmq-server")
        folder = installed_server()
    if folder is None:
        raise packages.Missing(f"rabbitmq-server is installed, but not in any of: {', '.join(SERVER_FOLDERS)}")
    return folder


def installed_server() -> Path | None:
    """The folder of RabbitMQ's scripts; None when it is not installed."""
    for folder in map(Path, SERVER_FOLDERS):
        if (folder / "rabbitmq-server").exists() and (folder / "rabbitmqctl").exists():
            return folder
    return None


class RabbitNode:
    """One private broker and the port mapper (epmd) it needs.

    Run it either here (`start`, `stop`, `kill9`) or under a supervisor with `prepare`, `environment`, `epmd_command`
    and `broker_command`; everything else works in both cases. Started here, the two processes end with the thread
    that started them.
    """

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        """Describes the node in `folder`; nothing runs or is written yet.

        folder: where all of it is kept; made by `prepare`.
        port: AMQP port for a new node; None picks a free one.
        """
        self.folder = folder.resolve()
        self._wanted_port = port
        self._scripts: Path | None = None
        self._address: Address | None = None
        self._children: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> Address:
        """Name, ports and password, made at first use and then kept."""
        if self._address is None:
            self._address = self._load_address() or self._new_address(self._wanted_port)
        return self._address

    def url(self, vhost: str = "/") -> str:
        """AMQP address of a virtual host."""
        return f"amqp://rodizio:{self.address.password}@{ports.LOOPBACK}:{self.address.port}/{quote(vhost, safe='')}"

    def prepare(self) -> None:
        """Ends what a killed run left, makes the folder and its configuration, settles the ports.

        Raises:
            runtime.packages.Missing: RabbitMQ is not installed and could not be.
        """
        self._scripts = find_server()
        for part in ("data", "log", "conf.d"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self._end_stale()
        self._settle_ports()
        self._write("rabbitmq-env.conf", "")
        self._write("enabled_plugins", "[].\n")
        self._write(
            "rabbitmq.conf",
            f"listeners.tcp.local = {ports.LOOPBACK}:{self.address.port}\n"
            f"default_user = rodizio\ndefault_pass = {self.address.password}\n"
            "log.console = false\nlog.file.rotation.size = 10485760\nlog.file.rotation.count = 3\n"
            "disk_free_limit.absolute = 50MB\n",
        )

    def environment(self) -> dict[str, str]:
        """Variables that make RabbitMQ's scripts and epmd this node's, to be added to one's own."""
        folder, address = self.folder, self.address
        local = "-kernel inet_dist_use_interface {127,0,0,1}"
        return {
            "HOME": str(folder),  # the cookie lives there
            "RABBITMQ_NODENAME": address.name,
            "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONFIG_FILES": str(folder / "conf.d"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(self._pid_file),
            "RABBITMQ_DIST_PORT": str(address.distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": local,
            "RABBITMQ_CTL_ERL_ARGS": local,
            "RABBITMQ_CTL_DIST_PORT_MIN": "36000",
            "RABBITMQ_CTL_DIST_PORT_MAX": "36999",
            # The script then becomes the Erlang machine instead of waiting for it: one process, one fate.
            "RUNNING_UNDER_SYSTEMD": "true",
            "ERL_EPMD_PORT": str(address.epmd_port),
            "ERL_EPMD_ADDRESS": ports.LOOPBACK,
            "ERL_ZFLAGS": "-start_epmd false",  # or Erlang leaves a daemon behind whenever ours is not up yet
            "ERL_CRASH_DUMP_SECONDS": "0",
        }

    def epmd_command(self) -> list[str]:
        """Runs the port mapper in the foreground."""
        return [_find_epmd(), "-port", str(self.address.epmd_port), "-address", ports.LOOPBACK]

    def broker_command(self) -> list[str]:
        """Runs the broker in the foreground; SIGTERM stops it in order."""
        return [str(self._script("rabbitmq-server"))]

    def start(self, timeout: float = 60) -> None:
        """Starts the node and waits until it takes connections; nothing when it runs already.

        timeout: seconds to wait.

        Raises:
            NotReady: it did not start in time.
            runtime.packages.Missing: RabbitMQ is not installed and could not be.
        """
        if self._children and all(child.poll() is None for child in self._children):
            return
        self._reap(0)
        self.prepare()
        environment = {**launch_environment(), **self.environment()}
        with (self.folder / "log" / "console.log").open("ab") as console:
            for command in (self.epmd_command(), self.broker_command()):
                self._children.append(
                    subprocess.Popen(
                        launch_command(command),
                        env=environment,
                        cwd=self.folder,
                        stdin=subprocess.DEVNULL,
                        stdout=console,
                        stderr=console,
                        start_new_session=True,
                    )
                )
        try:
            self.wait_ready(timeout)
        except BaseException:
            self._reap(0)
            raise

    def stop(self, timeout: float = 20) -> None:
        """Stops the node in order, after `timeout` seconds by force."""
        pid = self.pid()
        if pid is not None:
            processes.end(pid, timeout)
        self._reap(timeout)

    def kill9(self) -> None:
        """Ends the broker as a crash would; `start` takes up its data again."""
        pid = self.pid()
        if pid is not None:
            processes.send(pid, signal.SIGKILL)
            processes.wait_gone(pid, 10)
        self._reap(0)

    def pid(self) -> int | None:
        """Process id of the running broker; None when it does not run."""
        pid = processes.read_pid(self._pid_file)
        if pid is None or not processes.is_alive(pid) or not processes.mentions(pid, str(self.folder)):
            return None
        return pid

    def wait_ready(self, timeout: float = 60) -> None:
        """Waits until the broker speaks AMQP.

        Raises:
            NotReady: not within `timeout` seconds, or a process started here has ended.
        """
        deadline = time.monotonic() + timeout
        while not self.is_ready():
            if any(child.poll() is not None for child in self._children):
                raise NotReady(f"RabbitMQ ended while starting. {self._last_words()}")
            if time.monotonic() > deadline:
                raise NotReady(f"RabbitMQ was not ready after {timeout:.0f} s. {self._last_words()}")
            time.sleep(0.05)

    def is_ready(self) -> bool:
        """Whether the broker speaks AMQP now."""
        try:
            with socket.create_connection((ports.LOOPBACK, self.address.port), timeout=2) as connection:
                connection.sendall(_AMQP_HEADER)
                return connection.recv(1) == b"\x01"
        except OSError:
            return False

    def rabbitmqctl(self, *arguments: str, timeout: float = 60) -> str:
        """Output of `rabbitmqctl arguments…` on this node.

        Raises:
            subprocess.CalledProcessError: it failed; `stderr` says why.
            subprocess.TimeoutExpired: it took more than `timeout` seconds.
        """
        done = subprocess.run(
            [str(self._script("rabbitmqctl")), "--quiet", *arguments],
            env={**os.environ, **self.environment()},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=True,
        )
        return done.stdout

    def add_vhost(self, *names: str) -> None:
        """Makes virtual hosts that the node's account may use; several in one call cost the same as one."""
        definitions = {
            "vhosts": [{"name": name} for name in names],
            "permissions": [
                {"user": "rodizio", "vhost": name, "configure": ".*", "write": ".*", "read": ".*"} for name in names
            ],
        }
        path = self.folder / "definitions.json"
        path.write_text(json.dumps(definitions))
        self.rabbitmqctl("import_definitions", str(path))

    def delete_vhost(self, *names: str) -> None:
        """Deletes virtual hosts and all that is in them."""
        for name in names:
            self.rabbitmqctl("delete_vhost", name)

    def list_bindings(self, vhost: str = "/") -> list[dict[str, object]]:
        """Bindings of a virtual host: source_name, destination_name, destination_kind, routing_key, arguments."""
        found: list[dict[str, object]] = json.loads(
            self.rabbitmqctl("list_bindings", "--vhost", vhost, "--formatter", "json") or "[]"
        )
        return found

    def sync(self) -> None:
        """Writes the registry of quorum queues to disk: call it after declaring queues, before trusting them.

        RabbitMQ 3.10 leaves that to a timer. Killed within about a second of the declaration, it starts the queue
        again empty and without a leader, also when it had confirmed messages.
        """
        self.rabbitmqctl("eval", "[ok = dets:sync(Table) || Table <- dets:all()], ok.")

    @property
    def _pid_file(self) -> Path:
        return self.folder / "node.pid"

    def _script(self, name: str) -> Path:
        if self._scripts is None:
            self._scripts = find_server()
        return self._scripts / name

    def _load_address(self) -> Address | None:
        try:
            return Address(**json.loads((self.folder / "node.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def _new_address(self, port: int | None, known: Address | None = None) -> Address:
        picked, distribution_port, epmd_port = ports.pick_free(3)
        return Address(
            # Data belongs to a name: it is kept, not derived from the folder, so that the folder can move.
            name=known.name if known else f"rodizio-{secrets.token_hex(4)}@localhost",
            port=port or picked,
            distribution_port=distribution_port,
            epmd_port=epmd_port,
            password=known.password if known else secrets.token_urlsafe(18),
        )

    def _settle_ports(self) -> None:
        address = self.address
        if ports.wait_free([address.port, address.distribution_port, address.epmd_port], timeout=5):
            # Somebody else's by now. A port that was asked for stays; the broker then says that it is taken.
            self._address = self._new_address(self._wanted_port, known=address)
        self._write("node.json", json.dumps(asdict(self.address)))

    def _end_stale(self) -> None:
        pid = self.pid()
        if pid is not None:
            processes.end(pid, 10)
        self._pid_file.unlink(missing_ok=True)

    def _reap(self, timeout: float) -> None:
        for child in reversed(self._children):
            child.terminate()
            try:
                child.wait(timeout)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()

    def _last_words(self) -> str:
        lines: list[str] = []
        for log in sorted((self.folder / "log").glob("*.log"), key=lambda path: path.stat().st_mtime):
            lines += log.read_text(errors="replace").splitlines()
        return f"Its log ({self.folder / 'log'}) ends:\n" + "\n".join(lines[-8:])

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)


def _find_epmd() -> str:
    found = shutil.which("epmd") or next(iter(sorted(map(str, Path("/usr/lib/erlang").glob("erts-*/bin/epmd")))), None)
    if found is None:
        raise packages.Missing(
            "epmd, which belongs to Erlang, is not installed. Type: sudo apt-get install erlang-base"
        )
    return found
