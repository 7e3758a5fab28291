"""The real Bluesky on loopback: starts PostgreSQL, Redis and the network, and lets tests act in it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / ".bluesky-network"
HINT = "the real Bluesky network is not installed; run tests/bluesky-network"


@dataclass
class Network:
    pds: str
    appview: str
    clients: dict[str, object] = field(default_factory=dict)

    def account(self, name: str):
        """Return a client that is logged in as a new account."""
        from atproto import Client

        client = Client(self.pds)
        client.com.atproto.server.create_account(
            {"handle": f"{name}.test", "email": f"{name}@mail.test", "password": "password"}
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                client.login(f"{name}.test", "password")
                break
            except Exception:
                # A new account's profile shows on the AppView after a moment.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)
        self.clients[name] = client
        return client

    @property
    def firehose(self) -> str:
        return self.pds.replace("http", "ws", 1) + "/xrpc/com.atproto.sync.subscribeRepos"


@contextmanager
def running() -> Iterator[Network]:
    """Start the network, or skip the test with the command that installs it."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").is_dir() else []
    redis = shutil.which("redis-server")
    node = shutil.which("node", path=str(Path(os.sys.executable).parent))
    if not (INSTALLED / "node_modules/@atproto/dev-env").is_dir() or not binaries or not redis or not node:
        pytest.skip(HINT)
    with tempfile.TemporaryDirectory(prefix="sna-bluesky-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101
        processes: list[subprocess.Popen] = []
        try:
            postgres = _start_postgres(binaries[-1], Path(folder) / "postgres", processes)
            port = _free_port()
            processes.append(_start([redis, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]))
            script = ROOT / "tests/servers/bluesky-network.mjs"
            said = Path(folder) / "network.log"
            log = said.open("w")
            network = subprocess.Popen(
                [node, str(script)],
                cwd=INSTALLED,
                stdin=subprocess.PIPE,
                start_new_session=True,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "DB_POSTGRES_URL": postgres, "REDIS_HOST": f"127.0.0.1:{port}"},
            )
            processes.append(network)
            line = network.stdout.readline()
            if not line:
                pytest.fail(f"the Bluesky network did not start: {said.read_text()[-2000:]}")
            started = Network(**json.loads(line))
            yield started
            for client in started.clients.values():
                client.request.close()
            log.close()
            if network.poll() is not None:
                pytest.fail(f"the Bluesky network ended during the tests: {said.read_text()[-2000:]}")
        finally:
            for process in reversed(processes):
                _end(process)


def _start_postgres(binaries: Path, folder: Path, processes: list[subprocess.Popen]) -> str:
    # PostgreSQL refuses to run as root.
    as_other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder.mkdir()
    if as_other:
        shutil.chown(folder, "postgres")
    run = [
        *as_other,
        str(binaries / "initdb"),
        "-D",
        str(folder),
        "-U",
        "sna",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL, cwd="/")
    port = _free_port()
    command = [str(binaries / "postgres"), "-D", str(folder), "-p", str(port), "-h", "127.0.0.1", "-F"]
    command += ["-c", f"unix_socket_directories={folder}"]
    processes.append(_start([*as_other, *command]))
    deadline = time.monotonic() + 30
    ready = [str(binaries / "pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-q"]
    while subprocess.run(ready, check=False).returncode:
        if time.monotonic() > deadline:
            pytest.fail("PostgreSQL did not start")
        time.sleep(0.1)
    return f"postgresql://sna@127.0.0.1:{port}/postgres"


def _end(process: subprocess.Popen) -> None:
    """End a server and what it started: `node` of the wheel is a launcher, and the network its child."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()


def _start(command: list[str]) -> subprocess.Popen:
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", start_new_session=True
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
