//! What was created, changed and deleted: `--remember`.
//!
//! Nothing but the shape of the paths says what belongs together: `POST /rooms` creates what `GET /rooms/{room}` shows and
//! `GET /rooms` lists. What the spec's examples show counts as having been there before.

use std::collections::HashMap;

use http::{Method, StatusCode};
use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::answer::Answer;
use super::fault::Fault;
use super::route::Route;
use crate::generate;
use crate::spec::{Operation, Place, Schema, Spec};

/// Things that are remembered; past it, the oldest is forgotten.
pub const REMEMBERED_MAX: usize = 10_000;
/// Ids that are made before it is given up to find one of the right kind.
const TRIES_MAX: usize = 100;

/// By path: what is there, or that it was deleted.
#[derive(Debug, Default)]
pub struct Memory(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    entries: HashMap<String, Entry>,
    /// Counts what was ever remembered: numbers the entries.
    count: u64,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    /// `None`: deleted.
    value: Option<Value>,
}

impl State {
    fn put(&mut self, path: String, value: Option<Value>) {
        let known = self.entries.get(&path).map(|entry| entry.number);
        if known.is_none() && self.entries.len() >= REMEMBERED_MAX {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.number).map(|(path, _)| path.clone());
            oldest.and_then(|path| self.entries.remove(&path));
        }
        self.count += 1;
        // What changes keeps its place in lists.
        self.entries.insert(path, Entry { number: known.unwrap_or(self.count), value });
    }
}

/// One request in the light of what is remembered.
pub struct Recall<'a> {
    pub spec: &'a Spec,
    pub route: &'a Route<'a>,
    pub operation: &'a Operation,
    pub caller: Option<&'a str>,
    pub body: Option<&'a Value>,
    pub limit: Option<usize>,
    pub seed: u64,
}

impl Memory {
    pub fn forget(&self) {
        *self.0.lock() = State::default();
    }

    /// Makes `answer`, which is the spec's, the answer of a server that remembers.
    pub fn apply(&self, recall: &Recall<'_>, answer: &mut Answer<'_>) -> Result<(), Fault> {
        let mut state = self.0.lock();
        match recall.operation.method {
            Method::POST => recall.create(&mut state, answer),
            Method::GET => return recall.read(&state, answer),
            Method::PATCH | Method::PUT => return recall.change(&mut state, answer),
            Method::DELETE => return recall.delete(&mut state),
            _ => {}
        }
        Ok(())
    }
}

impl Recall<'_> {
    /// The variable of the paths of this collection's items, and its schema.
    fn item_variable(&self) -> Option<(&str, Option<&Schema>)> {
        let start = format!("{}/{{", self.operation.path);
        let mut items = self.spec.rest.operations.iter().filter_map(|it| {
            let name = it.path.strip_prefix(&start)?.strip_suffix('}')?;
            (!name.contains('/')).then_some((it, name))
        });
        let (item, name) = items.next()?;
        let variable = item.parameters.iter().find(|it| it.place == Place::Path && it.name == name);
        Some((name, variable.and_then(|it| it.schema.as_ref())))
    }

    /// Of an item's path: its variable, and whether items of its collection are created here.
    fn as_item(&self) -> Option<(&str, &str, bool)> {
        let (collection, last) = self.operation.path.rsplit_once('/')?;
        let variable = last.strip_prefix('{')?.strip_suffix('}')?;
        let (_, key) = self.route.variables.last()?;
        let mut operations = self.spec.rest.operations.iter();
        Some((variable, key, operations.any(|it| it.path == collection && it.method == Method::POST)))
    }

    /// Under which name this path's resource is remembered: what has no variable is one for each caller.
    fn name(&self) -> String {
        if self.as_item().is_some() {
            return self.route.path.clone();
        }
        format!("{} {}", self.caller.unwrap_or_default(), self.route.path)
    }

    fn create(&self, state: &mut State, answer: &mut Answer<'_>) {
        let Some((variable, schema)) = self.item_variable() else { return };
        let Some((holder, member)) = holder(&answer.value, variable) else { return };
        if let Some(sent) = self.body.and_then(Value::as_object) {
            overlay(self.spec, answer, &holder, sent);
        }
        let old = answer.value.pointer(&format!("{holder}/{member}")).cloned().unwrap_or_default();
        let fresh = match &old {
            Value::Number(number) => number.as_u64().map(|it| Value::from(it + state.count + 1)),
            _ => schema.and_then(|schema| self.fresh(schema, &old, state.count)),
        };
        if let Some(fresh) = fresh {
            put(answer, &format!("{holder}/{member}"), fresh);
        }
        let Some(item) = answer.value.pointer(&holder).cloned() else { return };
        let Some(key) = item.get(&member).map(text) else { return };
        state.put(format!("{}/{key}", self.route.path), Some(item));
    }

    /// A new id, which begins as the example's does where ids say what they are of (`room_…`).
    fn fresh(&self, schema: &Schema, old: &Value, count: u64) -> Option<Value> {
        let start = old.as_str().and_then(|old| old.rfind('_').map(|end| &old[..=end])).unwrap_or_default();
        let mut made = (0..TRIES_MAX).map_while(|nth| {
            let what = format!("{} {count} {nth}", self.route.path);
            generate::value(self.spec, schema, self.seed, &what)
        });
        made.find(|it| it.as_str().is_none_or(|it| it.starts_with(start)))
    }

    fn read(&self, state: &State, answer: &mut Answer<'_>) -> Result<(), Fault> {
        match (state.entries.get(&self.name()), self.as_item()) {
            (Some(Entry { value: Some(value), .. }), _) => {
                if answer.schema.is_none_or(|schema| schema.is_valid(value)) {
                    answer.value = value.clone();
                }
            }
            (Some(Entry { value: None, .. }), _) => return Err(self.not_found()),
            (None, Some((variable, key, true))) => match self.example(self.operation, variable, key) {
                Some(example) => answer.value = example,
                None => return Err(self.not_found()),
            },
            (None, _) => self.list(state, answer),
        }
        Ok(())
    }

    /// Adds to a list what was created in it, changes what was changed, leaves out what was deleted.
    fn list(&self, state: &State, answer: &mut Answer<'_>) {
        let Some((variable, _)) = self.item_variable() else { return };
        let Some(pointer) = list(&answer.value) else { return };
        let start = format!("{}/", self.route.path);
        let mut news: Vec<(&str, &Entry)> = state
            .entries
            .iter()
            .filter_map(|(path, entry)| Some((path.strip_prefix(&start)?, entry)))
            .filter(|(key, _)| !key.contains('/'))
            .collect();
        news.sort_by_key(|(_, entry)| entry.number);
        let key_of = |item: &Value| {
            let (holder, member) = holder(item, variable)?;
            item.pointer(&format!("{holder}/{member}")).map(text)
        };
        for (key, entry) in news {
            let Some(Value::Array(items)) = answer.value.pointer_mut(&pointer) else { return };
            let place = items.iter().position(|item| key_of(item).as_deref() == Some(key));
            let before = items.clone();
            match (place, &entry.value) {
                (Some(place), Some(value)) => items[place] = value.clone(),
                (Some(place), None) => drop(items.remove(place)),
                (None, Some(value)) => items.insert(0, value.clone()),
                (None, None) => {}
            }
            // What does not fit into this list is not shown in it.
            if answer.schema.is_some_and(|schema| !schema.is_valid(&answer.value))
                && let Some(list) = answer.value.pointer_mut(&pointer)
            {
                *list = Value::Array(before);
            }
        }
        if let (Some(limit), Some(Value::Array(items))) = (self.limit, answer.value.pointer_mut(&pointer)) {
            items.truncate(limit);
        }
    }

    fn change(&self, state: &mut State, answer: &mut Answer<'_>) -> Result<(), Fault> {
        let mut operations = self.route.operations.iter();
        let Some(reading) = operations.find(|it| it.method == Method::GET) else { return Ok(()) };
        let name = self.name();
        let old = match (state.entries.get(&name), self.as_item()) {
            (Some(Entry { value: None, .. }), _) => return Err(self.not_found()),
            (Some(Entry { value: Some(value), .. }), _) => value.clone(),
            (None, Some((variable, key, true))) => {
                self.example(reading, variable, key).ok_or_else(|| self.not_found())?
            }
            (None, _) => answer.value.clone(),
        };
        // An operation that answers with something else than the resource still changes it.
        let is_resource = answer.value.is_object() && answer.schema.is_some_and(|it| it.is_valid(&old));
        let shown = reading.responses.iter().find(|it| it.status.starts_with('2')).and_then(|it| it.contents.first());
        let mut new = Answer { value: old, schema: shown.and_then(|it| it.schema.as_ref()), ..answer.clone() };
        if let Some(sent) = self.body.and_then(Value::as_object) {
            overlay(self.spec, &mut new, "", sent);
        }
        if is_resource {
            answer.value = new.value.clone();
        }
        state.put(name, Some(new.value));
        Ok(())
    }

    fn delete(&self, state: &mut State) -> Result<(), Fault> {
        let Some((variable, key, created_here)) = self.as_item() else { return Ok(()) };
        let reading = self.route.operations.iter().find(|it| it.method == Method::GET);
        let name = self.name();
        let known = match state.entries.get(&name) {
            Some(entry) => entry.value.is_some(),
            None => !created_here || reading.is_none_or(|it| self.example(it, variable, key).is_some()),
        };
        if !known {
            return Err(self.not_found());
        }
        if created_here || reading.is_some() {
            state.put(name, None);
        }
        Ok(())
    }

    /// The example of a response whose key this is, or that has it in another member (a handle for an id).
    fn example(&self, operation: &Operation, variable: &str, key: &str) -> Option<Value> {
        let response = operation.responses.iter().find(|it| it.status.starts_with('2'))?;
        let examples = response.contents.iter().flat_map(|content| &content.examples).map(|(_, value)| value);
        let is_it = |value: &&Value| {
            let found =
                holder(value, variable).and_then(|(holder, member)| value.pointer(&format!("{holder}/{member}")));
            found.is_some_and(|it| text(it) == key)
        };
        examples.into_iter().find(is_it).cloned()
    }

    fn not_found(&self) -> Fault {
        let declared = self.operation.fault_of_status(StatusCode::NOT_FOUND);
        declared.unwrap_or_else(|| Fault::new(StatusCode::NOT_FOUND, "not_found", "There is no such thing."))
    }
}

/// Where the item is in an answer, and which of its members is its key: `("", "id")`, `("/message", "seq")`.
fn holder(value: &Value, variable: &str) -> Option<(String, String)> {
    let names = [variable.to_owned(), "id".to_owned(), format!("{variable}_id"), format!("{variable}Id")];
    let key = |value: &Value| {
        let is_key = |name: &&String| value.get(name).is_some_and(|it| it.is_string() || it.is_u64());
        names.iter().find(is_key).cloned()
    };
    if let Some(name) = key(value) {
        return Some((String::new(), name));
    }
    let members = value.as_object()?.iter().filter(|(_, value)| value.is_object());
    members.into_iter().find_map(|(name, value)| Some((format!("/{name}"), key(value)?)))
}

/// Where the list is in an answer.
fn list(value: &Value) -> Option<String> {
    match value {
        Value::Array(_) => Some(String::new()),
        Value::Object(members) if members.get("items").is_some_and(Value::is_array) => Some("/items".to_owned()),
        Value::Object(members) => {
            let lists = members.iter().filter(|(_, value)| value.is_array());
            lists.max_by_key(|(_, value)| value.as_array().map_or(0, Vec::len)).map(|(name, _)| format!("/{name}"))
        }
        _ => None,
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// Puts what was sent over what is answered, member by member, as far as the answer knows and takes them.
fn overlay(spec: &Spec, answer: &mut Answer<'_>, holder: &str, sent: &Map<String, Value>) {
    let described = answer.schema.and_then(|schema| spec.node(schema)?.meant().ok());
    let within = holder.split('/').skip(1);
    let described = within.fold(described, |node, name| node?.at("properties")?.at(name));
    for (name, value) in sent {
        let place = format!("{holder}/{}", name.replace('~', "~0").replace('/', "~1"));
        let is_known = answer.value.pointer(&place).is_some()
            || described.as_ref().and_then(|node| node.at("properties")?.at(name)).is_some();
        if is_known {
            put(answer, &place, value.clone());
        }
    }
}

/// Sets a member, unless the answer is no longer valid with it.
fn put(answer: &mut Answer<'_>, pointer: &str, value: Value) {
    let before = answer.value.clone();
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    let name = name.replace("~1", "/").replace("~0", "~");
    if let Some(Value::Object(members)) = answer.value.pointer_mut(parent) {
        members.insert(name, value);
    }
    if answer.schema.is_some_and(|schema| !schema.is_valid(&answer.value)) {
        answer.value = before;
    }
}
