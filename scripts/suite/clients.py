"""The TypeScript client: builds, type-checks, and is tested on the mock and on a real Plaza, in Node and in a real Chromium."""

import re

import needs
import steps
from stage import ROOT, StepFailed

HOME = ROOT / "clients" / "typescript"


def installed(stage):
    """What the client is made with, and the environment to run it in."""
    env = stage.get(needs.node)
    stage.check("clients", ["npm", "ci", "--no-audit", "--no-fund"], env=env, cwd=HOME)
    return env


def run(stage, tally):
    env = stage.get(installed)
    for script in ("build", "build:tests"):
        stage.check("clients", ["npm", "run", script], env=env, cwd=HOME)
        tally.passed += 1
    env = env | {"PLAZA_BIN": str(steps.built(stage) / "plaza"), "CHROMIUM": stage.get(needs.chromium)}
    # One file after the other: each is a real browser beside a server.
    command = ["node", "--test", "--test-reporter=tap", "--test-concurrency=1"]
    tests = sorted((HOME / "build" / "tests").glob("*.test.js"))
    status, log = stage.run("clients-tests", [*command, *tests], env=env, cwd=HOME, timeout=1200)
    counts = dict(re.findall(r"^# (pass|fail) (\d+)$", log.read_text(), re.MULTILINE))
    tally.passed += int(counts.get("pass", 0))
    tally.failed += int(counts.get("fail", 0))
    if status != 0:
        failed = re.findall(r"^ *not ok .*$", log.read_text(), re.MULTILINE)
        raise StepFailed("\n".join([*failed, f"log: {log}"]))
