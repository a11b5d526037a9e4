#!/usr/bin/env python3
"""`plaza mock` beside Prism, the usual mock server: the same spec, the same requests, the same run.

    bench/mock.py [--plaza PROGRAM] [--seconds N] [--rounds N]

Both serve one OpenAPI document, bundled from openapi/ with every example in it. They are asked in turn, and a figure is a ratio of the
same round. CPU is the user and system time of the server's process as the kernel counts it, so that neither the load generator nor
what else the machine does is in it. Needs Node and npm, which fetch Prism, and PyYAML: run it with .servers/python/bin/python, which
`./test breaking` makes. PLAZA_SERVERS names another folder for what is fetched than .servers.
"""

import argparse
import json
import os
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from breaks import documents  # noqa: E402

PRISM = "@stoplight/prism-cli@5.16.0"
CONNECTIONS = 8
READY_WITHIN_S = 60
BAR_CPU, BAR_START_S = 10.0, 1.0
ROOM = "room_01kdvdq3v2f1gtr8m4n6p0s5wz"
REQUESTS = [
    ("GET", "/v1/me", None),
    ("GET", f"/v1/rooms/{ROOM}", None),
    ("GET", "/v1/feed/following?limit=20", None),
    ("POST", f"/v1/rooms/{ROOM}/messages", {"text": "Good morning, @ben"}),
]


def prism():
    home = Path(os.environ.get("PLAZA_SERVERS", ROOT / ".servers")) / "prism"
    program = home / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
    if not program.exists():
        home.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--prefix", home, "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error", PRISM], check=True)
    return program.resolve()


def bundle(folder):
    """One file of the spec: references followed, examples put in place, for tools that do not follow `externalValue`."""
    specs = documents.read(ROOT)
    for path in (ROOT / "schemas" / "examples").rglob("*.json"):
        specs[path.relative_to(ROOT).as_posix()] = json.loads(path.read_text())
    definitions = {}

    def put(file, value):
        if isinstance(value, list):
            return [put(file, item) for item in value]
        if not isinstance(value, dict):
            return value
        if "externalValue" in value:
            return {"value": documents.follow(specs, file, value["externalValue"])[2]}
        if "$ref" in value:
            target, pointer, found = documents.follow(specs, file, value["$ref"])
            if not pointer.startswith("/$defs/"):
                return put(target, found)
            # A schema may refer to itself, so it stays one of its own.
            name = f"{Path(target).name.split('.')[0]}_{pointer.rsplit('/', 1)[-1]}"
            if name not in definitions:
                definitions[name] = None
                definitions[name] = put(target, found)
            return {"$ref": f"#/components/schemas/{name}"}
        # Prism does without links.
        return {name: put(file, member) for name, member in value.items() if name != "links"}

    root = put("openapi/openapi.yaml", specs["openapi/openapi.yaml"])
    root["components"]["schemas"] = definitions
    path = Path(folder) / "plaza.json"
    path.write_text(json.dumps(root))
    return path


class Server:
    """A mock that was started, and how long that took."""

    def __init__(self, command, log):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        began = time.monotonic()
        self.process = subprocess.Popen([str(part).replace("PORT", str(self.port)) for part in command], stdin=subprocess.DEVNULL,
                                        stdout=log, stderr=log, env={k: v for k, v in os.environ.items() if not k.startswith("PLAZA_")})
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() - began > READY_WITHIN_S:
                sys.exit(f"{command[0]} does not answer")
            time.sleep(0.005)
        self.start_s = time.monotonic() - began

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as link:
                link.sendall(request("GET", "/v1/me", None))
                return link.recv(64).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def cpu_s(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def load(self, seconds):
        """Asks over kept connections, each with one request under way. Requests a second, and a second of CPU."""
        texts = [request(*it) for it in REQUESTS]
        selector, answered, wrong = selectors.DefaultSelector(), 0, 0
        for number in range(CONNECTIONS):
            link = socket.create_connection(("127.0.0.1", self.port))
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            state = SimpleNamespace(link=link, turn=number % len(texts), buffer=b"")
            selector.register(link, selectors.EVENT_READ, state)
            link.sendall(texts[state.turn])
        cpu, began = self.cpu_s(), time.monotonic()
        while (now := time.monotonic()) - began < seconds:
            for key, _ in selector.select(timeout=1):
                state = key.data
                state.buffer += state.link.recv(65536)
                if not whole(state.buffer):
                    continue
                answered += 1
                wrong += not state.buffer.startswith(b"HTTP/1.1 20")
                state.buffer, state.turn = b"", (state.turn + 1) % len(texts)
                state.link.sendall(texts[state.turn])
        spent = self.cpu_s() - cpu
        for key in list(selector.get_map().values()):
            key.fileobj.close()
        if wrong:
            sys.exit(f"{wrong} of {answered} requests were not answered as wished")
        return answered / (now - began), answered / max(spent, 0.01)

    def memory_mib(self):
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)


def request(method, path, body):
    body = b"" if body is None else json.dumps(body).encode()
    kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer mock-ada\r\nAccept: application/json\r\n{kind}\r\n"
    return head.encode() + body


def whole(answer):
    """Whether all of an answer has come."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.split(b":")[1])
    return body.endswith(b"0\r\n\r\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plaza", default=ROOT / "target" / "release" / "plaza", type=Path)
    parser.add_argument("--seconds", default=5.0, type=float, help="of load, each time")
    parser.add_argument("--rounds", default=5, type=int)
    chosen = parser.parse_args()
    node = prism()
    starts, rates, costs, memory = ({"plaza mock": [], "prism": []} for _ in range(4))
    with tempfile.TemporaryDirectory() as folder, open(Path(folder) / "log", "wb") as log:
        spec = bundle(folder)
        commands = {
            "plaza mock": [chosen.plaza.resolve(), "mock", "--listen", "127.0.0.1:PORT", "--openapi", spec],
            "prism": ["node", node, "mock", "--port", "PORT", "--verboseLevel", "silent", spec],
        }
        for _ in range(chosen.rounds):
            for name, command in commands.items():
                server = Server(command, log)
                # Both compile or warm up what they need on first use.
                server.load(min(2.0, chosen.seconds))
                rate, cost = server.load(chosen.seconds)
                starts[name].append(server.start_s)
                rates[name].append(rate)
                costs[name].append(cost)
                memory[name].append(server.memory_mib())
                server.stop()
    print(f"{'':<12}{'start, s':>10}{'requests/s':>14}{'per CPU second':>18}{'memory, MiB':>14}     medians of {chosen.rounds} rounds")
    for name in starts:
        figures = (statistics.median(part[name]) for part in (starts, rates, costs, memory))
        print("{:<12}{:>10.2f}{:>14,.0f}{:>18,.0f}{:>14,.0f}".format(name, *figures))
    ratio = statistics.median(a / b for a, b in zip(costs["plaza mock"], costs["prism"]))
    start = statistics.median(starts["plaza mock"])
    print(f"requests per CPU second: {ratio:.1f} times Prism's   ≥ {BAR_CPU:.0f} {'kept' if ratio >= BAR_CPU else 'MISSED'}")
    print(f"start: {start:.2f} s   ≤ {BAR_START_S:.0f} {'kept' if start <= BAR_START_S else 'MISSED'}")
    sys.exit(0 if ratio >= BAR_CPU and start <= BAR_START_S else 1)


main()
