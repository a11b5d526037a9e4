"""A Plaza of our own, for steps that talk to one from outside."""

import os
import urllib.error
import urllib.request


def start(stage, binary, port, name="plaza", env=None):
    """Starts Plaza on embedded stores in a fresh folder and waits until it is ready."""
    address = f"127.0.0.1:{port}"
    # Without what the shell of whoever runs the tests may have set for a Plaza of their own.
    clean = ["env", *(part for variable in os.environ if variable.startswith("PLAZA_") for part in ("-u", variable))]
    folder = stage.scratch / f"{name}-data"
    server = stage.start(name, [*clean, binary, "up", "--listen", address, "--data-dir", folder], env=env)
    stage.wait_ready(server, lambda: is_ready(f"http://{address}/readyz"))
    return server


def is_ready(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
