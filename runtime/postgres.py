"""A private PostgreSQL cluster below one folder, for tests and benches: default settings, on the loopback only."""

import json
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

from runtime import packages, ports, processes
from runtime.launch import launch_command, launch_environment

_ACCOUNT = "postgres"
"""Who the server runs as when we are root, which it refuses to run as."""


class NotReady(Exception):
    """The cluster did not start, or not in time; the message ends with what its log says."""


def find_programs() -> Path:
    """The folder of `initdb` and `postgres`, installing the package where that is allowed.

    Raises:
        runtime.packages.Missing: there is none and it could not be installed.
    """
    folder = installed_programs()
    if folder is None:
        packages.install("postgresql")
        folder = installed_programs()
    if folder is None:
        raise packages.Missing("postgresql is installed, but initdb is neither on the PATH nor in /usr/lib/postgresql")
    return folder


def installed_programs() -> Path | None:
    """The folder of the newest `initdb`; None when PostgreSQL is not installed."""
    found = list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return max(found, key=lambda path: float(path.parent.parent.name)).parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


class PostgresCluster:
    """One private server. The processes end with the thread that started them."""

    def __init__(self, folder: Path, **settings: str) -> None:
        """Describes the cluster in `folder`; nothing runs or is written yet.

        folder: where it is kept; as root, every folder above it must be open to the `postgres` account.
        settings: of the server, where they are to differ from PostgreSQL's own.
        """
        self._settings = settings
        self.folder = folder.resolve()
        self._user = _ACCOUNT if os.geteuid() == 0 else None
        self._server: subprocess.Popen[bytes] | None = None
        self._known: dict[str, str] = {}

    @property
    def port(self) -> int:
        """TCP port, chosen at the first start."""
        return int(self._known["port"])

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy address of a database."""
        return (
            f"postgresql+psycopg2://{_ACCOUNT}:{self._known['password']}@{ports.LOOPBACK}:{self._known['port']}"
            f"/{database}"
        )

    def start(self, timeout: float = 60) -> None:
        """Makes the cluster when there is none, starts it and waits until it takes connections.

        timeout: seconds to wait.

        Raises:
            NotReady: it did not start in time.
            runtime.packages.Missing: PostgreSQL is not installed and could not be.
        """
        if self._server and self._server.poll() is None:
            return
        self._end_stale()
        self._prepare()
        command = [
            *(str(find_programs() / "postgres"), "-D", str(self._data), "-p", str(self.port)),
            *("-c", f"listen_addresses={ports.LOOPBACK}", "-c", f"unix_socket_directories={self._socket_folder()}"),
            *(part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")),
        ]
        with (self.folder / "server.log").open("ab") as log:
            self._server = subprocess.Popen(
                # SIGQUIT: the server ends at once, but its workers and shared memory with it.
                launch_command(command, user=self._user, death_signal=signal.SIGQUIT),
                env=launch_environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait_ready(timeout)
        except BaseException:
            self.stop()
            raise

    def stop(self, timeout: float = 20) -> None:
        """Stops the server, breaking its connections; after `timeout` seconds by force."""
        if self._server is None:
            return
        self._server.send_signal(signal.SIGINT)
        try:
            self._server.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill9()
        self._server = None

    def kill9(self) -> None:
        """Ends the server as a crash would; `start` takes up its data again."""
        if self._server is None:
            return
        self._server.kill()
        self._server.wait()
        self._server = None

    def create_database(self, name: str) -> str:
        """Makes an empty database and returns its address.

        name: lower-case letters, digits and underscores.

        Raises:
            ValueError: not such a name.
            subprocess.CalledProcessError: the server refused; `stderr` says why.
        """
        self._sql(f"CREATE DATABASE {_checked(name)} TEMPLATE template0")
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drops a database, breaking its connections; nothing when there is none.

        Raises:
            ValueError: not a name `create_database` takes.
            subprocess.CalledProcessError: the server refused; `stderr` says why.
        """
        self._sql(f"DROP DATABASE IF EXISTS {_checked(name)} WITH (FORCE)")

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        described = self.folder / "cluster.json"
        if not described.exists():
            self._known = {"port": str(ports.pick_free(1)[0]), "password": secrets.token_urlsafe(18)}
            self._create_cluster()
            described.touch(mode=0o600)
            described.write_text(json.dumps(self._known))
        self._known = json.loads(described.read_text())
        if ports.wait_free([self.port], timeout=5):
            self._known["port"] = str(ports.pick_free(1)[0])
            described.write_text(json.dumps(self._known))

    def _create_cluster(self) -> None:
        if self._user:
            account = pwd.getpwnam(self._user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        shutil.rmtree(self._data, ignore_errors=True)  # a first start that was interrupted
        password_file = self.folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._known["password"])
        if self._user:
            shutil.chown(password_file, self._user)
        command = [
            *(str(find_programs() / "initdb"), "-D", str(self._data), "-U", _ACCOUNT, "-E", "UTF8"),
            *("--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={password_file}"),
        ]
        try:
            subprocess.run(
                launch_command(command, user=self._user),
                env=launch_environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                check=True,
            )
        except subprocess.CalledProcessError as error:
            raise NotReady(f"initdb failed: {error.stderr.strip()}") from error
        finally:
            password_file.unlink()

    def _end_stale(self) -> None:
        """Ends a server that a killed run left on this data."""
        try:
            pid = int((self._data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return
        if processes.is_alive(pid) and processes.mentions(pid, str(self._data)):
            processes.end(pid, 10, signal.SIGQUIT)

    def _wait_ready(self, timeout: float) -> None:
        assert self._server is not None
        deadline = time.monotonic() + timeout
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > deadline:
                log = (self.folder / "server.log").read_text(errors="replace").splitlines()
                raise NotReady("PostgreSQL did not start. Its log ends:\n" + "\n".join(log[-8:]))
            time.sleep(0.05)

    def _answers(self) -> bool:
        probe = [str(find_programs() / "pg_isready"), "-q", "-h", ports.LOOPBACK, "-p", str(self.port), "-t", "2"]
        return subprocess.run(probe, cwd="/").returncode == 0

    def _sql(self, statement: str) -> None:
        subprocess.run(
            [
                *(str(find_programs() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", ports.LOOPBACK),
                *("-p", str(self.port), "-U", _ACCOUNT, "-d", "postgres", "-c", statement),
            ],
            env={**os.environ, "PGPASSWORD": self._known["password"]},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )

    def _socket_folder(self) -> str:
        # The kernel takes 107 bytes for a socket's path; without a socket TCP still works.
        return str(self.folder) if len(str(self.folder)) < 80 else ""


def _checked(name: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
        raise ValueError(f"not a database name: {name!r}")
    return name
