"""Holds docker-compose.yml to what it promises. Where Docker is missing, nothing can be started; this much can be read."""

import re
import shutil
import subprocess
import sys

import needs
from stage import ROOT, StepFailed


def check(stage, tally):
    python = stage.get(needs.python) / "python"
    log = stage.check("deployment", [python, __file__])
    tally.passed += int(log.read_text().split()[-1])
    if shutil.which("docker") and subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0:
        stage.check("deployment", ["docker", "compose", "--file", ROOT / "docker-compose.yml", "config", "--quiet"])
        tally.passed += 1


def faults_of(name, service, volumes):
    """What is wrong with one service, a sentence each."""
    image = service.get("image", "")
    if "build" not in service and (":" not in image.rsplit("/", 1)[-1] or image.endswith(":latest")):
        yield f"image {image!r} names no version"
    if "healthcheck" not in service:
        yield "has no health check"
    if "mem_limit" not in service:
        yield "has no memory limit"
    for port in service.get("ports", []):
        if not str(port).startswith("127.0.0.1:"):
            yield f"port {port} is open to the world"
    for mount in service.get("volumes", []):
        source = mount.split(":")[0]
        if source.startswith("."):
            if not (ROOT / source).exists():
                yield f"mounts {source}, which is not there"
        elif source not in volumes:
            yield f"volume {source} is not declared"
    for other, condition in service.get("depends_on", {}).items():
        if condition.get("condition") != "service_healthy":
            yield f"does not wait for {other} to be healthy"


# Servers that `./test` fetches by a pom, and the property or artifact that holds their version there.
FETCHED = {
    "cassandra": r"<artifactId>cassandra-all</artifactId>\s*<version>([\d.]+)<",
    "opensearch": r"<opensearch\.version>([\d.]+)<",
}


def untested(services):
    """Images whose version is not the one that tests run on: `5.0` stands for every `5.0.x`."""
    for name, pattern in FETCHED.items():
        tested = re.search(pattern, (ROOT / "scripts" / "servers" / f"{name}.pom.xml").read_text()).group(1)
        deployed = services[name]["image"].rsplit(":", 1)[-1]
        if not f"{tested}.".startswith(f"{deployed}."):
            yield f"{name}: the image is {deployed}, and tests run on {tested}"


def read():
    """Run by the virtual environment's Python, which has the parser."""
    import yaml

    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    faults = [f"{name}: {fault}" for name, service in compose["services"].items()
              for fault in faults_of(name, service, compose["volumes"])]
    faults += untested(compose["services"])
    used = {mount.split(":")[0] for service in compose["services"].values() for mount in service.get("volumes", [])}
    faults += [f"volume {volume} is used by nobody" for volume in compose["volumes"] if volume not in used]
    configurations = [*(ROOT / "deploy").rglob("*.yaml"), *(ROOT / "deploy").rglob("*.yml")]
    for path in configurations:
        try:
            list(yaml.safe_load_all(path.read_text()))
        except yaml.YAMLError as why:
            faults.append(f"{path.relative_to(ROOT)}: {why}")
    for fault in faults:
        print(fault)
    print("checked", len(compose["services"]) + len(configurations))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    read()
