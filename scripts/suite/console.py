"""The page: what is committed is what its source builds, its types hold, and it works in a real Chromium."""

import filecmp

import browsers
import clients
from stage import ROOT, StepFailed

HOME = ROOT / "console"


def run(stage, tally):
    env = stage.get(clients.installed)
    stage.check("console-client", ["npm", "run", "generate"], env=env, cwd=clients.HOME)
    stage.check("console-npm", ["npm", "ci", "--no-audit", "--no-fund"], env=env, cwd=HOME)
    stage.check("console-types", ["npm", "run", "check"], env=env, cwd=HOME)
    tally.passed += 1
    fresh = stage.scratch / "console-dist"
    stage.check("console-build", ["node", "build.mjs", fresh], env=env, cwd=HOME)
    stale = sorted(differences(HOME / "dist", fresh))
    if stale:
        raise StepFailed(f"console/dist is not what console/app builds ({', '.join(stale)}): npm --prefix console run build")
    tally.passed += 1

    browsers.run(stage, tally, "console", (HOME / "tests").glob("*.test.mjs"), env, HOME, timeout=900)


def differences(committed, fresh):
    """Names of files that only one folder has, or that differ."""
    here, there = ({path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()} for root in (committed, fresh))
    yield from here ^ there
    for name in here & there:
        if not filecmp.cmp(committed / name, fresh / name, shallow=False):
            yield name
