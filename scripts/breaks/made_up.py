"""Changes to Plaza's own contracts, made up: what the gate must say of each, or that it must say nothing."""

import copy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from breaks import contracts, documents  # noqa: E402

CHAT, KERNEL = "schemas/chat.schema.json", "schemas/kernel.schema.json"
REST, SOCKET = contracts.OPENAPI, contracts.ASYNCAPI
CHAT_PATHS, CHAT_FRAMES = "openapi/paths/chat.yaml", "asyncapi/messages/chat.yaml"
GONE = object()


def put(file, pointer, value):
    def change(specs):
        node = specs[file]
        *path, last = pointer.split("/")
        for part in path:
            node = node[int(part)] if isinstance(node, list) else node[part]
        if value is GONE:
            del node[last]
        elif isinstance(node, list):
            node.append(value)
        else:
            node[last] = value
    return change


# What is changed, and what is said of it; `None`: nothing, for it breaks nothing.
CHANGES = [
    ("an operation gone", put(CHAT_PATHS, "room/get", GONE), "GET /v1/rooms/{room}: gone"),
    ("a path gone", lambda specs: specs[REST]["paths"].pop("/v1/me"), "GET /v1/me: gone"),
    ("an answer's member gone", put(CHAT, "$defs/Room/properties/last_seq", GONE), "/last_seq: no longer comes"),
    ("an answer's member that may stay away", put(CHAT, "$defs/Room/required", ["id"]), "/kind: need no longer come"),
    ("an answer's member of another type", put(CHAT, "$defs/Room/properties/last_seq/type", "string"), "/last_seq: may now be string"),
    ("an answer without an upper limit", put(CHAT, "$defs/Message/properties/seq/maximum", GONE), "/seq: maximum was"),
    ("a member more in an answer", put(CHAT, "$defs/Room/properties/colour", {"type": "string"}), None),
    ("a member that must be sent", put(CHAT, "$defs/MessageCreate/required", ["text", "client_id"]), "/client_id: is now required"),
    ("a member that may be sent", put(CHAT, "$defs/MessageCreate/properties/colour", {"type": "string"}), None),
    ("a member no longer taken", put(CHAT, "$defs/MessageCreate/properties/reply_to", GONE), "/reply_to: no longer taken"),
    ("a shorter text", put(CHAT, "$defs/RoomPatch/properties/name/maxLength", 1), "/name: maxLength was"),
    ("a longer text", put(CHAT, "$defs/RoomPatch/properties/name/maxLength", 5_000), None),
    ("another form", put(CHAT, "$defs/RoomPatch/properties/name/pattern", "^A"), "/name: pattern was"),
    ("another form of ids", put(KERNEL, "$defs/RoomId/pattern", "^r_"), "path room: pattern was"),
    ("a parameter that must be sent", put(CHAT_PATHS, "rooms/get/parameters/-", {"name": "x", "in": "query", "required": True}),
     "GET /v1/rooms: the parameter x (query) is now required"),
    ("a parameter that may be sent", put(CHAT_PATHS, "rooms/get/parameters/-", {"name": "x", "in": "query"}), None),
    ("parameters gone", put(CHAT_PATHS, "messages/get/parameters", []), "the parameter before (query) is no longer taken"),
    ("an answer gone", put(CHAT_PATHS, "rooms/get/responses/200", GONE), "GET /v1/rooms: no longer answers 200"),
    ("an answer of another type", put(CHAT_PATHS, "rooms/get/responses/200/content", {"text/plain": {}}), "no longer application/json"),
    ("authentication where there was none", put("openapi/paths/accounts.yaml", "accounts/post/security", [{"bearer": []}]),
     "POST /v1/accounts: now needs authentication"),
    ("a code gone", put("schemas/error-codes.json", "web/rate_limited", GONE), "error code rate_limited: gone"),
    ("a code with another status", put("schemas/error-codes.json", "web/rate_limited/status", 503), "its status was 429, is 503"),
    ("a command gone", put(SOCKET, "operations/message.send", GONE), "message.send: gone"),
    ("an event gone", put(SOCKET, "operations/message.created", GONE), "message.created: gone"),
    ("no reply", put(SOCKET, "operations/message.send/reply", GONE), "message.send: no longer replies"),
    ("a member of a command", put(CHAT_FRAMES, "message.send/payload/required", ["id", "op", "d", "n"]), "/n: is now required"),
    ("a member of a reply gone", put(CHAT, "$defs/MessageSent/properties/message", GONE), "message.send.reply/d/message: no longer comes"),
    ("another address", put(SOCKET, "channels/socket/address", "/v2/socket"), "channel socket: was at /v1/socket, is at /v2/socket"),
    ("words", put(REST, "info/description", "Other words."), None),
]


def main():
    specs = documents.read(ROOT)
    wrong = [f"no change: {found}" for found in contracts.found(specs, specs).values() if found]
    for name, change, said in CHANGES:
        changed = copy.deepcopy(specs)
        change(changed)
        found = [sentence for sentences in contracts.found(specs, changed).values() for sentence in sentences]
        if said is None and found or said is not None and not any(said in sentence for sentence in found):
            wrong.append(f"{name}: expected {said or 'nothing'}, found {found}")
    for was, now, document, allowed in (("1.4.2", "2.0.0", REST, True), ("1.4.2", "1.5.0", REST, False), ("1.0.0", "1.0.0", SOCKET, False),
                                        ("0.3.0", "0.4.0", SOCKET, True), ("0.3.0", "0.3.1", SOCKET, False), ("2.0.0", "1.0.0", REST, False)):
        old, new = ({document: {"info": {"version": version}}} for version in (was, now))
        if contracts.allows(old, new, document) is not allowed:
            wrong.append(f"{was} to {now}: expected {'allowed' if allowed else 'not allowed'}")
    print("\n".join(wrong) or f"{len(CHANGES)} changes judged")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
