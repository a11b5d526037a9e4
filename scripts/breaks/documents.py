"""The files of the specs, and the references between them."""

import json
import posixpath
from pathlib import Path
from urllib.parse import unquote

import yaml

FOLDERS = ("openapi", "asyncapi", "schemas")
LEFT_OUT = "schemas/examples/"
# References that lead to references. More of them run in a circle.
HOPS_MAX = 32


def read(root):
    """The documents below a folder, by their paths in it."""
    documents = {}
    for path in sorted(found for folder in FOLDERS for found in (Path(root) / folder).rglob("*")):
        name = path.relative_to(root).as_posix()
        if name.startswith(LEFT_OUT):
            continue
        if path.suffix == ".json":
            documents[name] = json.loads(path.read_text())
        elif path.suffix == ".yaml":
            documents[name] = yaml.load(path.read_text(), Loader=Loader)
    return documents


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML as JSON has it: keys are texts, and dates are, too."""


def mapping(loader, node):
    loader.flatten_mapping(node)
    return {str(key): value for key, value in loader.construct_pairs(node, deep=True)}


Loader.add_constructor("tag:yaml.org,2002:map", mapping)
Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))


class Node:
    """A place in a document. What it refers to is what it is."""

    def __init__(self, documents, file, pointer, value):
        for _ in range(HOPS_MAX):
            if not (isinstance(value, dict) and isinstance(value.get("$ref"), str)):
                break
            file, pointer, value = follow(documents, file, value["$ref"])
        self.documents, self.file, self.pointer, self.value = documents, file, pointer, value

    @classmethod
    def root(cls, documents, file):
        return cls(documents, file, "", documents.get(file, {}))

    @property
    def address(self):
        return f"{self.file}#{self.pointer}"

    def get(self, name, default=None):
        return self.value.get(name, default) if isinstance(self.value, dict) else default

    def at(self, name):
        """The member, or `None`."""
        if isinstance(self.value, dict) and name in self.value:
            return Node(self.documents, self.file, f"{self.pointer}/{name}", self.value[name])
        return None

    def children(self, name):
        """The members or the items of a member, by name or number."""
        node = self.at(name)
        if node is None or not isinstance(node.value, (dict, list)):
            return {}
        pairs = node.value.items() if isinstance(node.value, dict) else enumerate(node.value)
        return {key: Node(node.documents, node.file, f"{node.pointer}/{key}", value) for key, value in pairs}


def follow(documents, file, reference):
    path, _, pointer = reference.partition("#")
    file = posixpath.normpath(posixpath.join(posixpath.dirname(file), path)) if path else file
    value = documents[file]
    for part in unquote(pointer).split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        value = value[int(part)] if isinstance(value, list) else value[part]
    return file, pointer, value
