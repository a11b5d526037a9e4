"""What a change of a schema takes from those who keep to the old one.

Of what a client sends, everything that was taken must still be taken: nothing may be narrowed. Of what it receives, nothing may come
that could not come before: nothing may be widened. Two things are promised to grow, and clients told to pass over what they do not
know: members of answers, and the variants of a choice (as well as values that a description says more of will come).
"""

SENT, RECEIVED = "sent", "received"

LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
FORMS = ("pattern", "format", "multipleOf", "uniqueItems", "contentEncoding")
GROWS = "More will come"


def breaks(old, new, way, where, seen=None):
    """What breaks, a sentence each."""
    seen = set() if seen is None else seen
    pair = (old.address, new.address, way)
    if pair in seen:
        return
    seen.add(pair)
    if not isinstance(old.value, dict) or not isinstance(new.value, dict):
        if old.value != new.value and (new.value if way == RECEIVED else old.value) is not False:
            yield f"{where}: was {brief(old.value)}, is {brief(new.value)}"
        return
    yield from of_types(old, new, way, where)
    yield from of_values(old, new, way, where)
    yield from of_bounds(old, new, way, where)
    yield from of_members(old, new, way, where, seen)
    yield from of_choices(old, new, way, where, seen)


def of_types(old, new, way, where):
    was, now = types(old), types(new)
    more, less = (now, was) if way == SENT else (was, now)
    lost = less - more - ({"integer"} if "number" in more else set())
    if lost:
        verb = "no longer takes" if way == SENT else "may now be"
        yield f"{where}: {verb} {', '.join(sorted(lost))}"


def types(schema):
    told = schema.get("type")
    if told is None:
        return {"array", "boolean", "integer", "null", "number", "object", "string"}
    return {told} if isinstance(told, str) else set(told)


def of_values(old, new, way, where):
    was, now = values(old), values(new)
    if was == now:
        return
    if way == SENT and now is not None:
        gone = "any other value" if was is None else ", ".join(sorted(was - now))
        if gone:
            yield f"{where}: no longer takes {gone}"
    if way == RECEIVED and was is not None and GROWS not in old.get("description", ""):
        come = "anything" if now is None else ", ".join(sorted(now - was))
        if come:
            yield f"{where}: may now be {come}"


def values(schema):
    if "const" in schema.value:
        return {brief(schema.value["const"])}
    return {brief(value) for value in schema.value["enum"]} if "enum" in schema.value else None


def of_bounds(old, new, way, where):
    for names, tighter in ((LEAST, lambda a, b: a > b), (MOST, lambda a, b: a < b)):
        for name in names:
            was, now = old.get(name), new.get(name)
            first, second = (now, was) if way == SENT else (was, now)
            # The one that must not be tighter, and the other.
            if first is not None and (second is None or tighter(first, second)):
                yield f"{where}: {name} was {brief(was)}, is {brief(now)}"
    for name in FORMS:
        was, now = old.get(name), new.get(name)
        if was != now and (now if way == SENT else was) is not None:
            yield f"{where}: {name} was {brief(was)}, is {brief(now)}"


def of_members(old, new, way, where, seen):
    was, now = old.children("properties"), new.children("properties")
    for name in sorted(was.keys() - now.keys()):
        if way == RECEIVED:
            yield f"{where}/{name}: no longer comes"
        elif new.get("additionalProperties") is False:
            yield f"{where}/{name}: no longer taken"
    must, had = set(new.get("required", [])), set(old.get("required", []))
    for name in sorted(must - had if way == SENT else (had - must) & now.keys()):
        yield f"{where}/{name}: {'is now required' if way == SENT else 'need no longer come'}"
    if way == SENT and new.get("additionalProperties") is False and old.get("additionalProperties", True) is not False:
        yield f"{where}: no longer takes other members"
    for name in sorted(was.keys() & now.keys()):
        yield from breaks(was[name], now[name], way, f"{where}/{name}", seen)
    for part in ("items", "additionalProperties"):
        before, after = old.at(part), new.at(part)
        if before and after and isinstance(before.value, dict) and isinstance(after.value, dict):
            yield from breaks(before, after, way, f"{where}/*", seen)


def of_choices(old, new, way, where, seen):
    for kind in ("oneOf", "anyOf"):
        was, now = variants(old, kind), variants(new, kind)
        if bool(was) != bool(now):
            if (now if way == SENT else was):
                yield f"{where}: {'is now' if now else 'is no longer'} a choice"
            continue
        for name in sorted(was.keys() - now.keys()):
            if way == SENT:
                yield f"{where}: no longer takes {name}"
        for name in sorted(was.keys() & now.keys()):
            yield from breaks(was[name], now[name], way, f"{where}({name})", seen)


def variants(schema, kind):
    """Told apart by their constants or, where there are none, by what they are called."""
    named = {}
    for number, variant in schema.children(kind).items():
        constants = [f"{name} {brief(it.get('const'))}" for name, it in sorted(variant.children("properties").items())
                     if isinstance(it.value, dict) and "const" in it.value]
        named[", ".join(constants) or variant.pointer.rsplit("/", 1)[-1] or str(number)] = variant
    return named


def brief(value):
    return "nothing" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
