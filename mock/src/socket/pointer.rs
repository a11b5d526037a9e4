//! Members of JSON values by JSON pointer (RFC 6901), which `serde_json` only reads.

use serde_json::{Map, Value};

/// Sets a member, making the objects on the way.
pub fn put(value: &mut Value, pointer: &str, new: Value) {
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        *value = new;
        return;
    };
    if value.pointer(parent).is_none() {
        put(value, parent, Value::Object(Map::new()));
    }
    if let Some(Value::Object(members)) = value.pointer_mut(parent) {
        members.insert(name.replace("~1", "/").replace("~0", "~"), new);
    }
}

pub fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    if let Some(Value::Object(members)) = value.pointer_mut(parent) {
        members.remove(&name.replace("~1", "/").replace("~0", "~"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_set_and_removed_wherever_they_are() {
        let mut value = json!({ "d": { "a": 1 } });
        put(&mut value, "/d/b/c", json!(2));
        remove(&mut value, "/d/a");
        remove(&mut value, "/nowhere/at/all");
        assert_eq!(value, json!({ "d": { "b": { "c": 2 } } }));
    }
}
