"""The steps of `./test`, in their order."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import autobahn
import clients
import console
import contracts
import deployment
import needs
import quickstart
import servers
import standalone
from stage import ROOT, StepFailed, tail


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0


@dataclass
class Step:
    name: str
    about: str
    run: Callable
    quick: bool = False


def fmt(stage, tally):
    stage.get(needs.rust)
    stage.check("fmt", ["cargo", "fmt", "--all", "--check"])
    tally.passed += 1


def clippy(stage, tally):
    stage.get(needs.rust)
    stage.check("clippy", ["cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
    tally.passed += 1


def shell(stage, tally):
    scripts = [path for path in (ROOT / "scripts").rglob("*") if path.is_file() and is_shell(path)]
    shellcheck = stage.get(needs.python) / "shellcheck"
    stage.check("shellcheck", [shellcheck, ROOT / "test", ROOT / ".ci" / "run", *scripts])
    tally.passed += len(scripts) + 2


def is_shell(path):
    with path.open("rb") as file:
        return file.readline().startswith(b"#!/usr/bin/env bash")


@dataclass
class TestBinary:
    package: str
    kind: str
    path: Path
    cwd: Path


def build(stage):
    """Builds the workspace once, binaries and tests, and returns the test binaries."""
    stage.get(needs.rust)
    messages = stage.scratch / "build.json"
    with messages.open("wb") as out:
        stage.check("build", ["cargo", "build", "--workspace", "--all-targets",
                              "--message-format=json-render-diagnostics"], show=out)
    found = []
    for line in messages.read_text().splitlines():
        message = json.loads(line)
        if message["reason"] == "compiler-artifact" and message["profile"]["test"] and message["executable"]:
            folder = Path(message["manifest_path"]).parent
            package = "system-tests" if folder == ROOT / "tests" else str(folder.relative_to(ROOT))
            found.append(TestBinary(package, message["target"]["kind"][0], Path(message["executable"]), folder))
    return found


def built(stage):
    """The folder of what was built, such as target/debug."""
    stage.get(build)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"


def stores(stage):
    """Environment that names the servers that this run's tests may use."""
    for need in (needs.postgres, needs.redis):
        stage.get(need)
    env = stage.get(servers.postgres) | stage.get(servers.redis)
    if not stage.quick:
        stage.get(needs.java)
        env |= stage.get(servers.cassandra) | stage.get(servers.opensearch)
    return env


def unit(stage, tally):
    binaries = [b for b in stage.get(build) if b.kind != "test"]
    # What is wired is held against the specs beside the code, and to be wired it needs its stores.
    rust_tests(stage, tally, binaries, stores(stage))


def slices(stage, tally):
    binaries = [b for b in stage.get(build) if b.kind == "test" and b.package != "system-tests"]
    rust_tests(stage, tally, binaries, stores(stage), skip=["cassandra", "opensearch"] if stage.quick else [])


def media(stage, tally):
    """What the slices step passes over where there is neither an object store nor ffmpeg."""
    wanted = {"an_object_store_does", "working::an_object_store_does_as_well_as_a_folder",
              "videos::ffmpeg_makes_posters_of_real_videos"}
    binaries = [b for b in stage.get(build) if b.kind == "test" and b.package in ("platform/blobs", "services/media")]
    stage.get(needs.postgres)
    env = stage.get(servers.postgres) | stage.get(servers.s3) | {"PLAZA_TEST_FFMPEG": stage.get(needs.ffmpeg)}
    rust_tests(stage, tally, binaries, env, names=wanted)
    if stage.only is None and tally.passed < len(wanted):
        raise StepFailed(f"of {len(wanted)} tests only {tally.passed} are there under their names")


def system(part, needs_stores=True, threads=None):
    def run(stage, tally):
        binaries = [b for b in stage.get(build) if b.kind == "test" and b.package == "system-tests"]
        env = stores(stage) if needs_stores else {}
        rust_tests(stage, tally, binaries, env, part=part, threads=threads)
    return run


RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed", re.MULTILINE)


def rust_tests(stage, tally, binaries, env, part=None, skip=(), threads=None, names=None):
    """Runs test binaries one after the other and counts their tests. A failure does not keep the others from running."""
    failures = []
    for binary in binaries:
        name = re.sub(r"\W+", "-", f"{binary.package}-{binary.kind}-{part or ''}").strip("-")
        command = [binary.path]
        chosen = selected(stage, binary, part, skip, names)
        if not chosen:
            continue
        command += ["--exact", *chosen, *([f"--test-threads={threads}"] if threads else [])]
        status, log = stage.run(name, command, env=env, cwd=binary.cwd)
        counts = RESULT.findall(log.read_text(errors="replace"))
        tally.passed += sum(int(passed) for passed, _ in counts)
        tally.failed += sum(int(failed) for _, failed in counts)
        if status != 0:
            tally.failed += not any(int(failed) for _, failed in counts)
            failures.append(f"{name} failed; log: {log}\n{tail(log)}")
    if failures:
        raise StepFailed("\n".join(failures))


def selected(stage, binary, part, skip, only=None):
    """The names of a binary's tests that this step runs: libtest itself cannot ask for two words at once."""
    listing = subprocess.run([binary.path, "--list", "--format=terse"], cwd=binary.cwd, capture_output=True, text=True, check=True)
    names = [line.removesuffix(": test") for line in listing.stdout.splitlines() if line.endswith(": test")]
    return [name for name in names
            if (part is None or part in name.split("::"))
            and (only is None or name in only)
            and (stage.only is None or stage.only in name)
            and not any(word in name for word in skip)]


ALL = [
    Step("fmt", "cargo fmt --check", fmt, quick=True),
    Step("clippy", "every target, warnings denied", clippy, quick=True),
    Step("shell", "shellcheck on the scripts", shell),
    Step("deploy", "docker-compose.yml and what it mounts hold together", deployment.check),
    Step("static", "one binary that needs no file beside it", standalone.check),
    Step("breaking", "the contracts break nothing that was released", contracts.breaking, quick=True),
    Step("unit", "tests beside the code", unit, quick=True),
    Step("slices", "each crate's own tests: ports on each of their stores, slices on PostgreSQL", slices, quick=True),
    Step("media", "uploads into an object store that speaks S3, and still pictures by ffmpeg", media),
    Step("embedded", "whole system over real sockets, stores that Plaza starts itself", system("embedded", needs_stores=False)),
    Step("grown-up", "whole system, two nodes on PostgreSQL, Cassandra, Redis and OpenSearch", system("grown_up")),
    Step("simulation", "seeded plans of many clients, invariants at the end", system("simulation")),
    Step("faults", "kill -9, an emptied Redis, a stopped Cassandra, a restarted PostgreSQL, under load", system("faults", threads=1)),
    Step("chaos", "search: random writes and faults, then every document compared, on both engines", system("search_chaos", threads=1)),
    Step("autobahn", "RFC 6455 conformance of the socket", autobahn.run),
    Step("clients", "the TypeScript client on the mock and on a real Plaza, in Node and in a real Chromium", clients.run),
    Step("console", "the page is what its source builds, and works in a real Chromium: two people in two windows, axe", console.run),
    Step("conformance", "mock and real server, driven from the specs alone", contracts.conformance),
    Step("quickstart", "the README's quick start, line by line", quickstart.run),
]
