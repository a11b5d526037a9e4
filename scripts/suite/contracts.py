"""The contracts: that servers keep to them, and that they keep to what was released.

One conformance run (`scripts/conformance`) is made on the mock and on the real server, on embedded and on grown-up stores.
"""

import re
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

import needs
import plaza
import steps
from stage import ROOT, StepFailed, stop

# A run asks more in a minute than a person does in a day.
LIFTED = {
    "PLAZA_WEB_ACCOUNT_PER_MINUTE": "1000000",
    "PLAZA_WEB_ACCOUNT_BURST": "1000000",
    "PLAZA_WEB_ADDRESS_PER_MINUTE": "1000000",
    "PLAZA_WEB_ADDRESS_BURST": "1000000",
    "PLAZA_ACCOUNTS_REGISTRATIONS_PER_ADDRESS": "1000000",
    "PLAZA_ACCOUNTS_ATTEMPTS_PER_ADDRESS": "1000000",
    "PLAZA_ACCOUNTS_ATTEMPTS_PER_ACCOUNT": "1000000",
    "PLAZA_GATEWAY_COMMANDS_PER_MINUTE": "1000000",
    "PLAZA_GATEWAY_COMMANDS_BURST": "1000000",
}
RUN_WITHIN_S = 900
# What a run says of itself: operations of REST, frames of the socket.
COUNTS = re.compile(r"^(\d+) (?:of \d+ operations|frames) (?:were )?answered as", re.MULTILINE)


def conformance(stage, tally):
    binary = steps.built(stage) / "plaza"
    failed = []
    for name, start in (("mock", mock), ("embedded", embedded), ("grown-up", grown_up)):
        port = stage.free_port()
        server = start(stage, binary, port, f"conformance-{name}-server")
        env = {"PLAZA_BIN": str(binary)}
        status, log = stage.run(f"conformance-{name}", [sys.executable, ROOT / "scripts" / "conformance", f"http://127.0.0.1:{port}"],
                                env=env, timeout=RUN_WITHIN_S)
        stop(server)
        tally.passed += sum(int(count) for count in COUNTS.findall(log.read_text(errors="replace")))
        if status != 0:
            tally.failed += 1
            failed.append(f"the {name} server differs from its specs; log: {log}")
    if failed:
        raise StepFailed("\n  ".join(failed))


def mock(stage, binary, port, name):
    address = f"127.0.0.1:{port}"
    server = stage.start(name, [*plaza.clean(), binary, "mock", "--remember", "--listen", address])
    stage.wait_ready(server, lambda: plaza.is_ready(f"http://{address}/__mock"))
    return server


def embedded(stage, binary, port, name):
    return plaza.start(stage, binary, port, name, LIFTED)


def grown_up(stage, binary, port, name):
    env = steps.stores(stage)
    url = env["PLAZA_TEST_POSTGRES_URL"]
    makers = [shutil.which("createdb"), *sorted(Path("/usr/lib/postgresql").glob("*/bin/createdb"))]
    stage.check("createdb", [next(filter(None, makers)), "--maintenance-db", url, "conformance"])
    return plaza.start(stage, binary, port, name, LIFTED | {
        "PLAZA_POSTGRES_URL": urlsplit(url)._replace(path="/conformance").geturl(),
        "PLAZA_CASSANDRA_NODES": env["PLAZA_TEST_CASSANDRA_NODES"],
        "PLAZA_CASSANDRA_KEYSPACE": "conformance",
        "PLAZA_OPENSEARCH_URL": env["PLAZA_TEST_OPENSEARCH_URL"],
        "PLAZA_OPENSEARCH_PREFIX": "conformance-",
        "PLAZA_REDIS_URL": env["PLAZA_TEST_REDIS_URL"],
        "PLAZA_REDIS_PREFIX": "conformance:",
    })


def breaking(stage, tally):
    """The gate, and before it the changes by which it is itself tested."""
    python = stage.get(needs.python) / "python"
    log = stage.check("breaking-made-up", [python, ROOT / "scripts" / "breaks" / "made_up.py"])
    tally.passed += int(log.read_text().split()[0])
    log = stage.check("breaking", [python, ROOT / "scripts" / "breaking"])
    print(f"  {log.read_text().splitlines()[-1]}", flush=True)
    tally.passed += 1
