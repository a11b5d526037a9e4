"""The real servers, started once for all steps that need them."""

import urllib.request

from stage import SERVERS, answers


def postgres(stage):
    folder, port = stage.scratch / "postgres", stage.free_port()
    server = stage.start("postgres", [SERVERS / "run-postgres", folder, port])
    stage.wait_ready(server, lambda: postmaster_is_ready(folder / "db" / "postmaster.pid"))
    return {"PLAZA_TEST_POSTGRES_URL": f"postgres://postgres:postgres@127.0.0.1:{port}/postgres"}


def postmaster_is_ready(pid_file):
    try:
        return pid_file.read_text().splitlines()[7].strip() == "ready"
    except (OSError, IndexError):
        return False


def redis(stage):
    port = stage.free_port()
    server = stage.start("redis", [SERVERS / "run-redis", stage.scratch / "redis", port])
    stage.wait_ready(server, lambda: answers(port, b"PING\r\n", b"PONG"))
    return {"PLAZA_TEST_REDIS_URL": f"redis://127.0.0.1:{port}"}


# An OPTIONS request of protocol version 4, and the opcode byte of the SUPPORTED answer in its place.
CQL_OPTIONS = bytes([4, 0, 0, 0, 5, 0, 0, 0, 0])
CQL_SUPPORTED = bytes([0x84, 0, 0, 0, 6])


def cassandra(stage):
    port, storage = stage.free_port(), stage.free_port(neighbours=2)
    stage.check("fetch-cassandra", [SERVERS / "fetch-cassandra"])
    server = stage.start("cassandra", [SERVERS / "run-cassandra", stage.scratch / "cassandra", port, storage])
    stage.wait_ready(server, lambda: answers(port, CQL_OPTIONS, CQL_SUPPORTED))
    return {"PLAZA_TEST_CASSANDRA_NODES": f"127.0.0.1:{port}"}


# Red and yellow name a node that still recovers; the answer's head may come in the packet before.
CLUSTER_HEALTH = b"GET /_cluster/health HTTP/1.0\r\n\r\n"


def opensearch(stage):
    port = stage.free_port()
    stage.check("fetch-opensearch", [SERVERS / "fetch-opensearch"])
    server = stage.start("opensearch", [SERVERS / "run-opensearch", stage.scratch / "opensearch", port])
    stage.wait_ready(server, lambda: answers(port, CLUSTER_HEALTH, b'"status":"green"'))
    return {"PLAZA_TEST_OPENSEARCH_URL": f"http://127.0.0.1:{port}"}


S3_BUCKET = "plaza"


def s3(stage):
    port = stage.free_port()
    stage.check("fetch-moto", [SERVERS / "fetch-moto"])
    server = stage.start("moto", [SERVERS / "run-moto", stage.scratch / "moto", port])
    stage.wait_ready(server, lambda: answers(port, b"GET /moto-api/ HTTP/1.0\r\n\r\n", b"200 OK"))
    endpoint = f"http://127.0.0.1:{port}"
    # Signed by nobody: moto takes any key, and ours are the tests' business.
    request = urllib.request.Request(f"{endpoint}/{S3_BUCKET}", method="PUT")
    urllib.request.urlopen(request, timeout=30).close()
    return {"PLAZA_TEST_S3_ENDPOINT": endpoint}
