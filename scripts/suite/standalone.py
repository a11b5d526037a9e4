"""One static binary: the command in deploy/README.md makes one that needs no file beside it.

Cargo would build every dependency again with other features; its last step alone, which is what that command adds, takes seconds.
"""

import urllib.error
import urllib.request

import plaza
import steps
from stage import ROOT, StepFailed, stop


def check(stage, tally):
    built = steps.built(stage)
    binary = stage.scratch / "plaza-static"
    stage.check("static-link", [
        "rustc", ROOT / "plaza" / "src" / "main.rs", "--crate-name", "plaza_static", "--edition", "2024",
        "--extern", f"plaza={built / 'libplaza.rlib'}", "-L", f"dependency={built / 'deps'}",
        "-C", "target-feature=+crt-static", "-o", binary])
    log = stage.check("static-headers", ["readelf", "--wide", "--program-headers", "--dynamic", binary])
    headers = log.read_text()
    for needed in ("INTERP", "(NEEDED)"):
        if needed in headers:
            raise StepFailed(f"the static binary is not: readelf tells of {needed}; log: {log}")
    tally.passed += 1

    address = f"http://127.0.0.1:{stage.free_port()}"
    server = stage.start("static-mock", [*plaza.clean(), binary, "mock", "--listen", address.removeprefix("http://")])
    stage.wait_ready(server, lambda: plaza.is_ready(f"{address}/__mock"))
    expect(f"{address}/v1/me", {"authorization": "Bearer mock-ada"}, 200)
    expect(f"{address}/v1/me", {}, 401)
    stop(server)
    tally.passed += 1


def expect(url, headers, status):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:
            told = answer.status
    except urllib.error.HTTPError as error:
        told = error.code
    if told != status:
        raise StepFailed(f"{url} answered {told}, not {status}")
