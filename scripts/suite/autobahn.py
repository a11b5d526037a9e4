"""The Autobahn cases of RFC 6455 against the gateway's own WebSocket code, by way of an echo that only test builds have."""

import json

import needs
import plaza
import steps
from stage import StepFailed

# Compression (12, 13) is not offered; 9.* are large and slow in a debug build, and about speed, not conformance.
LEFT_OUT = ["9.*", "12.*", "13.*"]
FINE = {"OK", "NON-STRICT", "INFORMATIONAL"}


def run(stage, tally):
    python = stage.get(needs.python)
    port = stage.free_port()
    plaza.start(stage, steps.built(stage) / "plaza", port, name="plaza-autobahn")
    reports = stage.scratch / "autobahn"
    left_out = [word for case in LEFT_OUT for word in ("--exclude", case)]
    stage.check("autobahn", [python / "kosoku", "--outdir", reports, *left_out, f"ws://127.0.0.1:{port}/__echo"], timeout=300)
    cases = next(iter(json.loads((reports / "index.json").read_text()).values()))
    bad = {name: case for name, case in cases.items()
           if not {case["behavior"], case.get("behaviorClose", "OK")} <= FINE}
    tally.passed += len(cases) - len(bad)
    tally.failed += len(bad)
    if bad:
        raise StepFailed("; ".join(f"case {name}: {case['behavior']}, close {case.get('behaviorClose')}" for name, case in bad.items()))
