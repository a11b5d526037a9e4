"""Runs the README's quick start: every fenced block whose info string ends in `quickstart`, in order, in one shell.

    ```sh quickstart          lines for bash; variables live on in the next block
    ```python quickstart      a program; it sees the shell's variables in its environment

The lines run as printed, against a fresh Plaza on the printed port. Where that port is taken, another is put in its
place. An HTTP status of 400 or more fails the step.
"""

import re

import needs
import plaza
import steps
from stage import ROOT, StepFailed, is_free

BLOCK = re.compile(r"^```(sh|python) quickstart\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = 8080


def run(stage, tally):
    text = (ROOT / "README.md").read_text()
    blocks = BLOCK.findall(text)
    if not blocks:
        raise StepFailed("README.md has no block marked as quickstart")
    port = PORT
    if not is_free(PORT):
        port = stage.free_port()
        print(f"  port {PORT} is taken: {port} instead", flush=True)
    folder = stage.scratch / "quickstart"
    folder.mkdir()
    # Makes curl fail where a reader would see an error.
    (folder / ".curlrc").write_text("fail-with-body\n")
    lines = ["set -euo pipefail -o allexport"]
    for number, (language, block) in enumerate(blocks):
        block = block.replace(f":{PORT}", f":{port}")
        if language == "python":
            program = folder / f"block{number}.py"
            program.write_text(block)
            block = f"python3 {program}"
        lines.append(block)
    script = folder / "quickstart.sh"
    script.write_text("\n".join(lines) + "\n")

    python = stage.get(needs.python)
    server = plaza.start(stage, steps.built(stage) / "plaza", port, name="plaza-quickstart")
    env = {"PATH": f"{python}:{stage.env['PATH']}", "CURL_HOME": str(folder)}
    log = stage.check("quickstart", ["bash", "-x", script], env=env, cwd=folder, timeout=120)
    if server.poll() is not None:
        raise StepFailed(f"Plaza ended during the quick start; log: {server.log}, lines: {log}")
    tally.passed += len(blocks)
