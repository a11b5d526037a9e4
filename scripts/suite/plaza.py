"""A Plaza of our own, for steps that talk to one from outside."""

import os
import urllib.error
import urllib.request


def start(stage, binary, port, name="plaza", env=None):
    """Starts Plaza on embedded stores in a fresh folder and waits until it is ready."""
    address = f"127.0.0.1:{port}"
    folder = stage.scratch / f"{name}-data"
    server = stage.start(name, [*clean(env), binary, "up", "--listen", address, "--data-dir", folder], env=env)
    stage.wait_ready(server, lambda: is_ready(f"http://{address}/readyz"))
    return server


def clean(kept=None):
    """Starts a command without what the shell of whoever runs the tests may have set for a Plaza of their own."""
    variables = (variable for variable in os.environ if variable.startswith("PLAZA_") and variable not in (kept or {}))
    return ["env", *(part for variable in variables for part in ("-u", variable))]


def is_ready(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
