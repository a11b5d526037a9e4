"""A Plaza of our own, for steps that talk to one from outside."""

import urllib.error
import urllib.request


def start(stage, binary, port, name="plaza", env=None):
    """Starts Plaza on embedded stores in a fresh folder and waits until it is ready."""
    address = f"127.0.0.1:{port}"
    server = stage.start(name, [binary, "up", "--listen", address, "--data-dir", stage.scratch / f"{name}-data"], env=env)
    stage.wait_ready(server, lambda: is_ready(f"http://{address}/readyz"))
    return server


def is_ready(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
