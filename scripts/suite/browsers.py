"""Tests that Node runs against a Plaza of their own, in a real Chromium among others."""

import re

import needs
import steps
from stage import StepFailed


def run(stage, tally, name, tests, env, cwd, timeout, flags=()):
    """Runs test files and adds what they count to the tally."""
    env = env | {"PLAZA_BIN": str(steps.built(stage) / "plaza"), "CHROMIUM": stage.get(needs.chromium)}
    command = ["node", "--test", "--test-reporter=tap", *flags, *sorted(tests)]
    status, log = stage.run(name, command, env=env, cwd=cwd, timeout=timeout)
    said = log.read_text()
    counts = dict(re.findall(r"^# (pass|fail) (\d+)$", said, re.MULTILINE))
    tally.passed += int(counts.get("pass", 0))
    tally.failed += int(counts.get("fail", 0))
    if status != 0:
        failed = re.findall(r"^ *not ok .*$", said, re.MULTILINE)
        raise StepFailed("\n".join([*failed, f"log: {log}"]))
