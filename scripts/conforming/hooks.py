"""Loaded by schemathesis: who asks, and what it has to be told about this API.

The environment tells the rest: CONFORMANCE_URL; CONFORMANCE_TOKEN that the server knows or, instead, CONFORMANCE_HANDLE of who logs in;
CONFORMANCE_ANSWERED, a file for how each operation was answered how often.
"""

import atexit
import json
import os
import sys
import time
import uuid
from pathlib import Path

import schemathesis

sys.path.insert(0, str(Path(__file__).parent))

from world import PASSWORDS, Server  # noqa: E402

# They end the session or the account that asks, so somebody asks who is not needed any more.
ENDING = {"deleteSessions", "changePassword", "deleteMe"}
# An access token lives for ten minutes.
LOG_IN_EVERY_S = 300
# What the checks of a request's form say: a request that its schema allows must not meet them.
OF_FORM = {"invalid_body", "invalid_query", "invalid_path", "invalid_header", "invalid_json"}

SERVER = Server(os.environ["CONFORMANCE_URL"])
GIVEN = os.environ.get("CONFORMANCE_TOKEN")
answered = {}


def name_of(operation):
    return operation.definition.raw.get("operationId", operation.label)


@schemathesis.auth(refresh_interval=None)
class Caller:
    """Ada, logged in anew now and then; for what ends a session, somebody who is registered for that."""

    token, until, spare = None, 0.0, None

    def get(self, case, context):
        if GIVEN:
            return GIVEN
        if name_of(context.operation) in ENDING:
            return Caller.passing()
        if time.monotonic() > Caller.until:
            Caller.token = SERVER.log_in(os.environ["CONFORMANCE_HANDLE"], PASSWORDS["ada"])["access_token"]
            Caller.until = time.monotonic() + LOG_IN_EVERY_S
        return Caller.token

    @staticmethod
    def passing():
        if Caller.spare is None:
            # With the password that the examples have, so that theirs is right.
            Caller.spare = SERVER.register("passing", PASSWORDS["ada"])["tokens"]["access_token"]
        return Caller.spare

    def set(self, case, token, context):
        case.headers["Authorization"] = f"Bearer {token}"


@schemathesis.serializer("application/offset+octet-stream")
def part(context, value):
    return {"data": value if isinstance(value, bytes) else json.dumps(value).encode()}


@schemathesis.hook
def before_call(context, case, kwargs):
    # Each case is a request of its own; a key that comes again would get the answer to another one.
    if isinstance(case.headers.get("Idempotency-Key"), str) and case.meta and case.meta.generation.mode.is_positive:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())


@schemathesis.hook
def after_call(context, case, response):
    name = name_of(case.operation)
    success = response.status_code < 400
    how = "answered" if success else f"{response.status_code} {code_of(response)}"
    answered.setdefault(name, {}).setdefault(how, 0)
    answered[name][how] += 1
    if name in ENDING and (success or response.status_code == 401):
        Caller.spare = None
    elif response.status_code == 401:
        # Perhaps the case before has ended our session.
        Caller.until = 0.0


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """What no schema can say, an operation may refuse, with a code that it declares for that: it keeps to its spec."""
    if type(failure).__name__ != "RejectedPositiveData" or response.status_code != 422:
        return True
    code = code_of(response)
    return code in OF_FORM or code not in declared(case.operation)


def code_of(response):
    try:
        return response.json()["code"]
    except (ValueError, KeyError, TypeError):
        return ""


def declared(operation):
    """The codes of the refusals that an operation shows by example."""
    return {example["value"]["code"]
            for status in ("422", "default") if (response := operation.responses.get(status))
            for content in response.definition.get("content", {}).values()
            for example in content.get("examples", {}).values() if "value" in example}


@atexit.register
def tell():
    if path := os.environ.get("CONFORMANCE_ANSWERED"):
        Path(path).write_text(json.dumps(answered))
