"""What a run starts and must stop: a scratch folder, servers, commands. Everything is ended by its process id."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVERS = ROOT / "scripts" / "servers"

READY_WITHIN_S = 180
STOP_WITHIN_S = 20
PROGRESS_EVERY_S = 30
TAIL_LINES = 60


class StepFailed(Exception):
    """Says in one sentence what went wrong and where to look."""


class Stage:
    def __init__(self, quick=False, only=None):
        self.quick = quick
        self.only = only
        self.scratch = Path(tempfile.mkdtemp(prefix="plaza-test-"))
        # PostgreSQL runs as another user when we are root, and must get through to its data.
        self.scratch.chmod(0o711)
        self.logs = self.scratch / "logs"
        self.logs.mkdir()
        self.env = os.environ | {"CARGO_TERM_COLOR": "never", "TMPDIR": str(self.scratch), "PROPTEST_RNG_SEED": property_seed()}
        self.processes = []
        self.ports = set()
        self.once = {}

    def close(self, keep):
        for process in reversed(self.processes):
            stop(process)
        if not keep:
            shutil.rmtree(self.scratch, ignore_errors=True)
            return
        for entry in self.scratch.iterdir():
            if entry != self.logs and entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
        print(f"logs: {self.logs}", flush=True)

    def get(self, make):
        """What `make(stage)` returned when it was first asked for: servers and builds are shared by steps."""
        if make not in self.once:
            try:
                self.once[make] = make(self)
            except StepFailed as why:
                self.once[make] = why
        if isinstance(self.once[make], StepFailed):
            raise self.once[make]
        return self.once[make]

    def free_port(self, neighbours=1):
        """A port of 127.0.0.1 that nobody listens on and that this run has not given out; with its neighbours.

        Below the range from which the kernel gives ports to outgoing connections, so that none of those takes it.
        """
        low = 20_000 + os.getpid() % 5_000
        for port in range(low, 32_000):
            block = set(range(port, port + neighbours))
            if not block & self.ports and all(is_free(p) for p in block):
                self.ports |= block
                return port
        raise StepFailed("no free port between 20000 and 32000")

    def start(self, name, command, env=None):
        """Starts a server; it lives until the run ends or `stop` is called with what this returns."""
        log = self.logs / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [str(part) for part in command], cwd=ROOT, env=self.env | (env or {}), stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        process.log = log
        process.name = name
        self.processes.append(process)
        return process

    def wait_ready(self, process, is_ready, seconds=READY_WITHIN_S):
        deadline = time.monotonic() + seconds
        while not is_ready():
            if process.poll() is not None:
                raise StepFailed(f"{process.name} ended with status {process.returncode}\n{tail(process.log)}")
            if time.monotonic() > deadline:
                raise StepFailed(f"{process.name} was not ready within {seconds} s\n{tail(process.log)}")
            time.sleep(0.05)

    def run(self, name, command, env=None, cwd=ROOT, timeout=1500, show=None):
        """Runs a command to its end, its output in a log. Returns (status, log)."""
        log = self.logs / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [str(part) for part in command], cwd=cwd, env=self.env | (env or {}), stdin=subprocess.DEVNULL,
                stdout=show or output, stderr=output, start_new_session=True)
        process.name = name
        began = reported = time.monotonic()
        try:
            while True:
                try:
                    return process.wait(timeout=1), log
                except subprocess.TimeoutExpired:
                    now = time.monotonic()
                    if now - began > timeout:
                        raise StepFailed(f"{name} took more than {timeout} s; log: {log}\n{tail(log)}") from None
                    if now - reported > PROGRESS_EVERY_S:
                        reported = now
                        print(f"    {now - began:4.0f} s  {last_line(log)}", flush=True)
        finally:
            stop(process)

    def check(self, name, command, **options):
        """Like `run`, for a command whose failure is the step's."""
        status, log = self.run(name, command, **options)
        if status != 0:
            raise StepFailed(f"{Path(str(command[0])).name} ended with status {status}; log: {log}\n{tail(log)}")
        return log


def stop(process):
    """Ends a process that we started, and the session that it leads."""
    if process.poll() is None:
        # PostgreSQL waits for its clients on SIGTERM, not on SIGINT; everybody else is glad of SIGTERM.
        process.send_signal(signal.SIGINT if process.name.startswith("postgres") else signal.SIGTERM)
        try:
            process.wait(timeout=STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            print(f"  {process.name} did not stop within {STOP_WITHIN_S} s: killed", file=sys.stderr, flush=True)
    try:
        # What the process itself has left behind: children of a test that died.
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def property_seed():
    """What property tests draw from: the same each time, so that whether a change is good does not hang on the draw."""
    asked = os.environ.get("PROPTEST_RNG_SEED", "7")
    if asked == "random":
        asked = str(secrets.randbits(32))
        print(f"replay with PROPTEST_RNG_SEED={asked}", flush=True)
    return asked


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def answers(port, question, wanted):
    """Whether a server says `wanted`, somewhere in its first answer, when asked `question`."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as link:
            link.sendall(question)
            return wanted in link.recv(512)
    except OSError:
        return False


def tail(log):
    lines = Path(log).read_text(errors="replace").splitlines()[-TAIL_LINES:]
    return "\n".join(f"    | {line}" for line in lines)


def last_line(log):
    lines = Path(log).read_text(errors="replace").splitlines()
    return lines[-1][:100] if lines else ""
