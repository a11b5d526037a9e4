"""What a change of the specs takes from clients that were written against the old ones."""

from .documents import Node
from .schemas import RECEIVED, SENT, breaks

OPENAPI, ASYNCAPI, CODES = "openapi/openapi.yaml", "asyncapi/asyncapi.yaml", "schemas/error-codes.json"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def found(old, new):
    """What breaks, by the document whose version may allow it."""
    return {
        OPENAPI: [*of_rest(Node.root(old, OPENAPI), Node.root(new, OPENAPI)), *of_codes(old, new)],
        ASYNCAPI: list(of_socket(Node.root(old, ASYNCAPI), Node.root(new, ASYNCAPI))),
    }


def allows(old, new, document):
    """Whether the version says that something breaks: a higher major one, or below 1 a higher minor one."""
    was, now = (version(documents, document) for documents in (old, new))
    return now[0] > was[0] or (now[0] == was[0] == 0 and now[1] > was[1])


def version(documents, document):
    told = str(Node.root(documents, document).get("info", {}).get("version", "0.0.0"))
    return tuple(int(part) for part in (told.split("-")[0].split(".") + ["0", "0"])[:3])


def of_rest(old, new):
    was, now = operations(old), operations(new)
    for name, (before, shared) in was.items():
        if name not in now:
            yield f"{name}: gone"
            continue
        after, sharing = now[name]
        yield from of_parameters(parameters(before, shared), parameters(after, sharing), name)
        yield from of_request(before.at("requestBody"), after.at("requestBody"), name)
        yield from of_responses(before.children("responses"), after.children("responses"), name)
        open_before = before.get("security", old.get("security")) in ([], None)
        if open_before and after.get("security", new.get("security")):
            yield f"{name}: now needs authentication"


def operations(root):
    return {f"{method.upper()} {path}": (item.at(method), item)
            for path, item in root.children("paths").items() for method in METHODS if item.at(method)}


def parameters(*levels):
    found = {}
    for level in reversed(levels):
        for parameter in level.children("parameters").values():
            found[(parameter.get("in"), parameter.get("name"))] = parameter
    return found


def of_parameters(was, now, name):
    for (place, parameter), after in now.items():
        before = was.get((place, parameter))
        if after.get("required") and not (before and before.get("required")):
            yield f"{name}: the parameter {parameter} ({place}) is now required"
        if before and before.at("schema") and after.at("schema"):
            yield from breaks(before.at("schema"), after.at("schema"), SENT, f"{name} {place} {parameter}")
    for place, parameter in was.keys() - now.keys():
        yield f"{name}: the parameter {parameter} ({place}) is no longer taken"


def of_request(old, new, name):
    if new is None:
        if old is not None:
            yield f"{name}: no longer takes a body"
        return
    if new.get("required") and not (old and old.get("required")):
        yield f"{name}: a body is now required"
    if old:
        yield from of_contents(old.children("content"), new.children("content"), SENT, f"{name} body")


def of_responses(was, now, name):
    for status, before in was.items():
        if status not in now:
            # Another failure is told by its code; another success is another answer.
            if status.startswith("2"):
                yield f"{name}: no longer answers {status}"
            continue
        yield from of_contents(before.children("content"), now[status].children("content"), RECEIVED, f"{name} {status}")
        for header in before.children("headers").keys() - now[status].children("headers").keys():
            yield f"{name} {status}: the header {header} no longer comes"


def of_contents(was, now, way, where):
    for media_type, before in was.items():
        if media_type not in now:
            yield f"{where}: no longer {media_type}"
        elif before.at("schema") and now[media_type].at("schema"):
            yield from breaks(before.at("schema"), now[media_type].at("schema"), way, where)


def of_socket(old, new):
    channels = new.children("channels")
    for name, before in old.children("channels").items():
        if name not in channels:
            yield f"channel {name}: gone"
        elif before.get("address") != channels[name].get("address"):
            yield f"channel {name}: was at {before.get('address')}, is at {channels[name].get('address')}"
    now = new.children("operations")
    for name, before in old.children("operations").items():
        if name not in now:
            yield f"{name}: gone"
            continue
        after = now[name]
        if before.get("action") != after.get("action"):
            yield f"{name}: its action was {before.get('action')}, is {after.get('action')}"
            continue
        # `action` is the server's view.
        way = SENT if before.get("action") == "receive" else RECEIVED
        yield from of_messages(before, after, way, name)
        if before.at("reply"):
            if after.at("reply"):
                yield from of_messages(before.at("reply"), after.at("reply"), RECEIVED, f"{name} reply")
            else:
                yield f"{name}: no longer replies"


def of_messages(old, new, way, where):
    now = {message.get("name"): message for message in new.children("messages").values()}
    for message in old.children("messages").values():
        name = message.get("name")
        if name not in now:
            yield f"{where}: the message {name} is gone"
        elif message.at("payload") and now[name].at("payload"):
            yield from breaks(message.at("payload"), now[name].at("payload"), way, f"{where} {name}")


def of_codes(old, new):
    was, now = ({code: told for domain in documents.get(CODES, {}).values() if isinstance(domain, dict)
                 for code, told in domain.items()} for documents in (old, new))
    for code, before in was.items():
        if code not in now:
            yield f"error code {code}: gone"
        elif before["status"] != now[code]["status"]:
            yield f"error code {code}: its status was {before['status']}, is {now[code]['status']}"
