"""The TypeScript client: builds, type-checks, and is tested on the mock and on a real Plaza, in Node and in a real Chromium."""

import browsers
import needs
from stage import ROOT

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
    # One file after the other: each is a real browser beside a server.
    tests = (HOME / "build" / "tests").glob("*.test.js")
    browsers.run(stage, tally, "clients-tests", tests, env, HOME, timeout=1200, flags=["--test-concurrency=1"])
