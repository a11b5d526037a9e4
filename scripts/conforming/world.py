"""What the examples of the specs speak of, made on a real server: people, rooms, messages, content, a picture.

An example names things by id, and no server but the mock has those. So the things are made, and the specs are copied with the
ids of this server in place of the examples': what is driven by the copy meets rooms that are there.
"""

import json
import re
import secrets
import shutil
import struct
import time
import urllib.error
import urllib.request
import zlib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

READY_WITHIN_S = 30
# Examples speak of the message with the number 45; some more, so that deletions leave enough of them.
MESSAGES = 60
PASSWORDS = {"ada": "an engine that weaves", "ben": "moth in relay seventy", "cleo": "asp in a basket", "dana": "x files at night"}
SPECS = ("openapi", "asyncapi", "schemas")
ID = re.compile(r"\b(usr|room|msg|ses|post|story|cmt|reel|list|live|med|ntf)_[0-9a-hjkmnp-tv-z]{26}\b|\bplr_[A-Za-z0-9_-]{20,}")
HANDLE = re.compile(r'((?:"handle": "|\bexample: )@?)(ada|ben|cleo|dana)\b')
EXTERNAL = re.compile(r"externalValue: '?([^'\s}]+)'?")
SIGNATURE = "aaS2gAAm3rXnU0mCqfJxY0w5hWqk"
# Examples tell people and rooms of one kind apart by id; whom the other ids mean does not matter.
NAMED = {
    "usr_01kdvdna07fgas2d158ff867ye": "ada",
    "usr_01k9v3q2c0e9tsx6wz4m8bfr7a": "ada",
    "usr_01kdvdnqz1e9p8c3h5j7k2m4n6": "cleo",
    "usr_01kdvdnjs8f0na4t2agyygc3v4": "dana",
    "room_01kdvdq3n5e4a9c7w2m8h6x0yz": "direct",
    "room_01kdvdqdx6e9nw4d8k0p2r5t7v": "channel",
}


class Refused(Exception):
    """A server that does not do what the world needs."""


class Server:
    def __init__(self, url):
        self.url = url.rstrip("/")

    def ask(self, method, path, body=None, token=None, headers=None):
        """The status and the JSON of an answer."""
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, bytes):
            headers["Content-Type"] = "application/json"
            body = json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=READY_WITHIN_S) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            status, text = refused.code, refused.read()
        return status, json.loads(text) if text else None

    def do(self, method, path, body=None, token=None, headers=None):
        status, answer = self.ask(method, path, body, token, headers)
        if status >= 400:
            raise Refused(f"{method} {path}: {status} {answer}")
        return answer

    def register(self, handle, password):
        """Registers somebody with this handle or, where it is taken, with one that begins so."""
        person = {"handle": handle, "name": handle.capitalize(), "password": password}
        status, answer = self.ask("POST", "/v1/accounts", person)
        if status == 409:
            return self.do("POST", "/v1/accounts", person | {"handle": f"{handle}_{secrets.token_hex(6)}"})
        if status != 201:
            raise Refused(f"{handle} cannot be registered: {status} {answer}")
        return answer

    def log_in(self, handle, password):
        return self.do("POST", "/v1/sessions", {"handle": handle, "password": password})["tokens"]

    def knows(self, token):
        return self.ask("GET", "/v1/me", token=token)[0] == 200


def make(server):
    """Makes the world anew. Returns the handle of its ada, and what stands for each kind of id and each name."""
    people = {handle: server.register(handle, password) for handle, password in PASSWORDS.items()}
    tokens = {handle: it["tokens"]["access_token"] for handle, it in people.items()}
    ids = {handle: it["account"]["id"] for handle, it in people.items()}
    handle = people["ada"]["account"]["handle"]
    spare = server.log_in(handle, PASSWORDS["ada"])
    ids |= {"usr": ids["ben"], "ses": spare["session"], "plr": spare["refresh_token"]}

    server.do("PUT", f"/v1/people/{ids['ada']}/follow", token=tokens["cleo"])
    # Ben waits for ada's word, and she for dana's.
    for asked, asking in (("ada", "ben"), ("dana", "ada")):
        server.do("PATCH", "/v1/me", {"private": True}, tokens[asked])
        server.do("PUT", f"/v1/people/{ids[asked]}/follow", token=tokens[asking])

    def room(wish):
        return server.do("POST", "/v1/rooms", wish, tokens["ada"])["id"]

    ids["room"] = room({"kind": "group", "name": "Tea room", "members": [ids["ben"], ids["dana"]]})
    ids["direct"] = room({"kind": "direct", "user": ids["ben"]})
    ids["channel"] = room({"kind": "channel", "name": "Ada live", "posting": "staff"})
    for number in range(MESSAGES):
        text = {"text": f"Good morning, @ben, for the time {number}"}
        ids["msg"] = server.do("POST", f"/v1/rooms/{ids['room']}/messages", text, tokens["ada"])["message"]["id"]

    ids["med"] = picture(server, tokens["ada"])

    def publish(wish):
        return server.do("POST", "/v1/content", wish, tokens["ada"])["id"]

    ids["post"] = publish({"kind": "post", "text": "Tea at noon? #plaza"})
    ids["cmt"] = publish({"kind": "comment", "parent": ids["post"], "text": "At noon then, @ada."})
    ids["story"] = publish({"kind": "story", "media": ids["med"]})
    ids["list"] = publish({"kind": "listing", "title": "A teapot", "price": {"amount": 1250, "currency": "EUR"}, "text": "Holds a litre.",
                           "place": {"latitude": 52.520008, "longitude": 13.404954}})
    ids["live"] = publish({"kind": "livestream", "title": "Tea, live", "text": "Bring a cup.", "state": "announced"})
    server.do("PUT", f"/v1/content/{ids['post']}/reaction", {"reaction": "love"}, tokens["cleo"])
    story = server.do("GET", f"/v1/content/{ids['story']}", token=tokens["ada"])
    ids["signature"] = parse_qs(urlsplit(story["media"][0]["renditions"][0]["url"]).query)["k"][0]
    ids["handles"] = {name: it["account"]["handle"] for name, it in people.items()}
    return handle, ids


def picture(server, token):
    """Uploads a small picture and waits until it is ready."""
    side = 64
    rows = b"".join(b"\0" + bytes((x * 4, y * 4, 128)[c] for x in range(side) for c in range(3)) for y in range(side))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks)
    media = server.do("POST", "/v1/media", {"type": "image/png", "bytes": len(data)}, token)["id"]
    part = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    server.do("PATCH", f"/v1/media/{media}", data, token, part)
    deadline = time.monotonic() + READY_WITHIN_S
    while (state := server.do("GET", f"/v1/media/{media}", token=token)["state"]) != "ready":
        if state == "refused" or time.monotonic() > deadline:
            raise Refused(f"the picture {media} is {state}")
        time.sleep(0.1)
    return media


def copy_specs(root, folder, ids):
    """Copies the specs into `folder`, with `ids` in place of those that the examples have, and examples where they are referred to:
    schemathesis does not follow `externalValue`.
    """
    def instead(found):
        example = found.group()
        name = NAMED.get(example, example.split("_", 1)[0])
        return ids.get(name, example)

    def of_handle(found):
        return found.group(1) + ids.get("handles", {}).get(found.group(2), found.group(2))

    for part in SPECS:
        shutil.copytree(root / part, Path(folder) / part)
    paths = [path for part in SPECS for path in (Path(folder) / part).rglob("*") if path.suffix in (".yaml", ".json")]
    for path in paths:
        text = HANDLE.sub(of_handle, ID.sub(instead, path.read_text()))
        path.write_text(text.replace(SIGNATURE, ids.get("signature", SIGNATURE)))
    for path in (path for path in paths if path.suffix == ".yaml"):
        def in_place(found, folder=path.parent):
            # JSON is YAML, unless it has what is outside of the basic plane as two halves.
            return f"value: {json.dumps(json.loads((folder / found.group(1)).read_text()), ensure_ascii=False)}"

        path.write_text(EXTERNAL.sub(in_place, path.read_text()))
