//! Values made from a schema: the same ones for the same seed.

mod pattern;
mod text;

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use crate::dice::Dice;
use crate::spec::{Node, Schema, Spec};

/// Deeper than this, only what is required is made.
const DEPTH_FULL: usize = 4;
/// Deeper than this, nothing is made: the schema contains itself.
const DEPTH_MAX: usize = 24;
/// Items of an array beyond the least that is allowed.
const ITEMS_MORE_MAX: usize = 3;
/// Values that are made before it is given up to find one that fits.
const TRIES_MAX: u64 = 16;
/// Numbers without limits of their own.
const NUMBER_MAX: f64 = 1000.0;

/// A value that fits `schema`; `None` when the schema asks for more than is understood here.
pub fn value(spec: &Spec, schema: &Schema, seed: u64, what: &str) -> Option<Value> {
    let node = spec.node(schema)?;
    let made = (0..TRIES_MAX).map(|nth| {
        let mut dice = Dice::new(seed.wrapping_add(nth << 32), what);
        any(&node, &mut dice, 0)
    });
    made.into_iter().find(|value| schema.is_valid(value))
}

/// A value for the place `pointer` of what `schema` describes, which is not checked.
pub fn part(spec: &Spec, schema: &Schema, pointer: &str, dice: &mut Dice) -> Option<Value> {
    let mut node = spec.node(schema)?.meant().ok()?;
    for name in pointer.split('/').skip(1) {
        let name = name.replace("~1", "/").replace("~0", "~");
        let member = node.at("properties").and_then(|it| it.at(&name));
        node = member.or_else(|| node.at("items")).or_else(|| node.at("additionalProperties"))?;
    }
    Some(any(&node, dice, 0))
}

fn any(node: &Node<'_>, dice: &mut Dice, depth: usize) -> Value {
    let Ok(node) = node.meant() else { return Value::Null };
    let Some(schema) = node.value.as_object() else { return Value::Bool(true) };
    if depth > DEPTH_MAX {
        return Value::Null;
    }
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.get(dice.below(values.len())).cloned().unwrap_or_default();
    }
    for choice in ["oneOf", "anyOf"] {
        let parts = node.at(choice).map(|it| it.children()).unwrap_or_default();
        if let Some((_, part)) = parts.get(dice.below(parts.len())) {
            return merged(own(&node, dice, depth, false), any(part, dice, depth + 1));
        }
    }
    let parts = node.at("allOf").map(|it| it.children()).unwrap_or_default();
    if !parts.is_empty() {
        let start = own(&node, dice, depth, false);
        return parts.iter().fold(start, |whole, (_, part)| merged(whole, any(part, dice, depth + 1)));
    }
    own(&node, dice, depth, true)
}

/// `value` on top of `under`, when both are objects.
fn merged(under: Value, value: Value) -> Value {
    match (under, value) {
        (Value::Object(mut under), Value::Object(members)) => {
            under.extend(members);
            Value::Object(under)
        }
        (under, Value::Null) => under,
        (_, value) => value,
    }
}

/// What the schema itself says, without its choices.
fn own(node: &Node<'_>, dice: &mut Dice, depth: usize, alone: bool) -> Value {
    let schema = node.value;
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => {
            let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect();
            kinds.get(dice.below(kinds.len())).copied().unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ if alone && ["pattern", "format", "maxLength"].iter().any(|it| schema.get(it).is_some()) => "string",
        _ if alone && ["minimum", "maximum"].iter().any(|it| schema.get(it).is_some()) => "number",
        _ if alone => "object",
        _ => "null",
    };
    match kind {
        "object" => object(node, dice, depth),
        "array" => array(node, dice, depth),
        "string" => Value::String(text::text(schema, dice)),
        "integer" => integer(schema, dice),
        "number" => Number::from_f64(number(schema, dice)).map_or(Value::Null, Value::Number),
        "boolean" => Value::Bool(dice.below(2) == 1),
        _ => Value::Null,
    }
}

fn object(node: &Node<'_>, dice: &mut Dice, depth: usize) -> Value {
    let required = node.value.get("required").and_then(Value::as_array).into_iter().flatten();
    let required: Vec<&str> = required.filter_map(Value::as_str).collect();
    let mut members = Map::new();
    for (name, member) in node.at("properties").map(|it| it.children()).unwrap_or_default() {
        let is_required = required.contains(&name.as_str());
        if is_required || (depth < DEPTH_FULL && dice.below(2) == 1) {
            members.insert(name, any(&member, dice, depth + 1));
        }
    }
    let count = |name: &str| node.value.get(name).and_then(Value::as_u64);
    if let Some(more) = node.at("additionalProperties").filter(|it| it.value.is_object())
        && depth < DEPTH_FULL
    {
        let most = count("maxProperties").unwrap_or(2).min(2) as usize;
        for _ in 0..dice.between(count("minProperties").unwrap_or(0) as usize, most) {
            let name = node.at("propertyNames").map(|names| any(&names, dice, depth + 1));
            let name = name.and_then(|name| name.as_str().map(ToOwned::to_owned));
            let name = name.unwrap_or_else(|| text::text(&Value::Null, dice).replace(' ', "_"));
            members.entry(name).or_insert_with(|| any(&more, dice, depth + 1));
        }
    }
    Value::Object(members)
}

fn array(node: &Node<'_>, dice: &mut Dice, depth: usize) -> Value {
    let count = |name: &str| node.value.get(name).and_then(Value::as_u64).map(|it| it as usize);
    let least = count("minItems").unwrap_or(0);
    let more = if depth < DEPTH_FULL { ITEMS_MORE_MAX } else { 0 };
    let most = count("maxItems").unwrap_or(usize::MAX).min(least + more);
    let wanted = dice.between(least.max(usize::from(more > 0).min(most)), most);
    let first = node.at("prefixItems").map(|it| it.children()).unwrap_or_default();
    let mut items: Vec<Value> = first.iter().map(|(_, item)| any(item, dice, depth + 1)).collect();
    let unique = node.value.get("uniqueItems").is_some_and(|it| it == true);
    if let Some(item) = node.at("items") {
        for _ in items.len()..wanted {
            let value = any(&item, dice, depth + 1);
            if !unique || !items.contains(&value) {
                items.push(value);
            }
        }
    }
    Value::Array(items)
}

fn bounds(schema: &Value) -> BTreeMap<&str, f64> {
    let names = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
    names.iter().filter_map(|name| Some((*name, schema.get(name)?.as_f64()?))).collect()
}

fn integer(schema: &Value, dice: &mut Dice) -> Value {
    let bounds = bounds(schema);
    let bound = |name: &str, exclusive: &str, step: f64| {
        bounds.get(name).copied().or_else(|| bounds.get(exclusive).map(|it| it + step))
    };
    let least = bound("minimum", "exclusiveMinimum", 1.0);
    let most = bound("maximum", "exclusiveMaximum", -1.0);
    let least = least.unwrap_or_else(|| most.map_or(0.0, |most| most.min(0.0))).ceil() as i64;
    let most = (most.unwrap_or(f64::MAX).floor().min(least as f64 + NUMBER_MAX)) as i64;
    let step = bounds.get("multipleOf").map_or(1, |it| (*it as i64).max(1));
    let first = least.div_euclid(step) * step + if least.rem_euclid(step) == 0 { 0 } else { step };
    let count = (most.saturating_sub(first) / step).max(0) as usize + 1;
    Value::from(first + step * dice.below(count) as i64)
}

fn number(schema: &Value, dice: &mut Dice) -> f64 {
    let bounds = bounds(schema);
    let bound = |name: &str, exclusive: &str| bounds.get(name).or_else(|| bounds.get(exclusive)).copied();
    let least = bound("minimum", "exclusiveMinimum");
    let most = bound("maximum", "exclusiveMaximum");
    let least = least.unwrap_or_else(|| most.map_or(0.0, |most| most - NUMBER_MAX));
    let most = most.unwrap_or(least + NUMBER_MAX);
    let value = least + (most - least) * (0.001 + 0.998 * dice.fraction());
    match bounds.get("multipleOf") {
        Some(step) => (value / step).floor() * step,
        None => (value * 1000.0).round() / 1000.0,
    }
}
