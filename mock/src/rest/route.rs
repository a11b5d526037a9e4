//! From a path to the operations that are served there.

use std::borrow::Cow;

use http::Method;
use percent_encoding::percent_decode_str;

use crate::spec::{Operation, Rest};

/// A path that exists, its variables, and what may be done there.
pub struct Route<'a> {
    pub operations: Vec<&'a Operation>,
    pub variables: Vec<(String, String)>,
    /// The path as it was asked for, without the base and without a slash at its end.
    pub path: String,
}

impl<'a> Route<'a> {
    pub fn find(rest: &'a Rest, path: &str) -> Option<Self> {
        let under_base = path.strip_prefix(&rest.base).filter(|_| !rest.base.is_empty());
        Self::exactly(rest, path).or_else(|| Self::exactly(rest, under_base?))
    }

    fn exactly(rest: &'a Rest, path: &str) -> Option<Self> {
        let matching = rest.operations.iter().filter_map(|it| Some((it, variables(&it.path, path)?)));
        let matching: Vec<_> = matching.collect();
        // `/rooms/changes` is itself before it is a `/rooms/{room}`.
        let least = matching.iter().map(|(_, variables)| variables.len()).min()?;
        let template = matching.iter().find(|(_, variables)| variables.len() == least).map(|(it, _)| &it.path)?;
        let chosen = matching.iter().filter(|(it, _)| it.path == *template);
        let variables = chosen.clone().next().map(|(_, variables)| variables.clone())?;
        Some(Self { operations: chosen.map(|(it, _)| *it).collect(), variables, path: path.to_owned() })
    }

    /// What serves `method`; GET serves HEAD, too.
    pub fn operation(&self, method: &Method) -> Option<&'a Operation> {
        let exactly = |method: &Method| self.operations.iter().find(|it| it.method == *method).copied();
        exactly(method).or_else(|| if method == Method::HEAD { exactly(&Method::GET) } else { None })
    }

    /// For the `Allow` header.
    pub fn allowed(&self) -> String {
        let mut methods: Vec<&str> = self.operations.iter().map(|it| it.method.as_str()).collect();
        if methods.contains(&"GET") && !methods.contains(&"HEAD") {
            methods.push("HEAD");
        }
        methods.join(",")
    }
}

/// What the variables of `template` stand for in `path`; `None` when it is no such path.
pub fn variables(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    let mut variables = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(variables),
            (Some(wanted), Some(given)) => segment(wanted, given, &mut variables)?,
            _ => return None,
        }
    }
}

/// One part of a path, which may have a text before and after its variable: `{file}.json`.
fn segment(wanted: &str, given: &str, variables: &mut Vec<(String, String)>) -> Option<()> {
    let Some((before, rest)) = wanted.split_once('{') else {
        let given: Cow<'_, str> = percent_decode_str(given).decode_utf8_lossy();
        return (wanted == given).then_some(());
    };
    let (name, after) = rest.split_once('}')?;
    let value = given.strip_prefix(before)?.strip_suffix(after)?;
    let value = percent_decode_str(value).decode_utf8_lossy();
    if value.is_empty() {
        return None;
    }
    variables.push((name.to_owned(), value.into_owned()));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_matches_its_template_part_by_part() {
        let found = |path| variables("/v1/rooms/{room}/log.{kind}", path);
        let both = vec![("room".to_owned(), "a b".to_owned()), ("kind".to_owned(), "txt".to_owned())];
        assert_eq!(found("/v1/rooms/a%20b/log.txt"), Some(both));
        for wrong in ["/v1/rooms/a/log", "/v1/rooms//log.txt", "/v1/rooms/a/log.txt/x", "/v1/rooms"] {
            assert_eq!(found(wrong), None, "{wrong}");
        }
    }
}
