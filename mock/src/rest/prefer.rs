//! What a request wishes for (RFC 7240), in the words that Prism made usual.

use http::{HeaderMap, HeaderName, StatusCode};

use super::fault::Fault;

pub const PREFER: HeaderName = HeaderName::from_static("prefer");
pub const APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// `Prefer: code=404, example=room_not_found, dynamic=true`
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Prefer {
    pub code: Option<StatusCode>,
    pub example: Option<String>,
    pub dynamic: bool,
}

impl Prefer {
    pub fn of(headers: &HeaderMap) -> Result<Self, Fault> {
        let mut prefer = Self::default();
        let lines = headers.get_all(PREFER).into_iter().filter_map(|line| line.to_str().ok());
        for wish in lines.flat_map(|line| line.split([',', ';'])) {
            let (name, value) = wish.split_once('=').unwrap_or((wish, "true"));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "code" => {
                    let code = value.parse::<StatusCode>().map_err(|_| {
                        let why = format!("`code={value}` of the Prefer header is no HTTP status.");
                        Fault::new(StatusCode::BAD_REQUEST, "invalid_prefer", why)
                    })?;
                    prefer.code = Some(code);
                }
                "example" => prefer.example = Some(value.to_owned()),
                "dynamic" => prefer.dynamic = !value.eq_ignore_ascii_case("false"),
                // Others may be meant for somebody else.
                _ => {}
            }
        }
        Ok(prefer)
    }

    /// What was heeded, for `Preference-Applied`.
    pub fn applied(&self) -> Option<String> {
        let code = self.code.map(|code| format!("code={}", code.as_u16()));
        let example = self.example.as_ref().map(|name| format!("example={name}"));
        let dynamic = self.dynamic.then(|| "dynamic=true".to_owned());
        let applied: Vec<String> = [code, example, dynamic].into_iter().flatten().collect();
        (!applied.is_empty()).then(|| applied.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_as_prism_reads_them() {
        let read = |text: &str| Prefer::of(&HeaderMap::from_iter([(PREFER, text.parse().unwrap())]));
        let all = read("code=404, example=\"gone\"; dynamic=true, respond-async").unwrap();
        assert_eq!(all, Prefer { code: Some(StatusCode::NOT_FOUND), example: Some("gone".to_owned()), dynamic: true });
        assert_eq!(all.applied().as_deref(), Some("code=404, example=gone, dynamic=true"));
        assert_eq!(read("wait=5").unwrap(), Prefer::default());
        assert_eq!(read("code=lots").unwrap_err().code(), "invalid_prefer");
    }
}
