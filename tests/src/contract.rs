//! Holds what a server says against `openapi/` and `asyncapi/`.

use std::sync::Arc;

use http::{Method, StatusCode};
use parking_lot::Mutex;
use plaza_client::Witness;
use schemas::contract::{Difference, Validator};

/// Notes every difference between what was said and what the specs have.
#[derive(Default)]
pub struct Contract {
    differences: Mutex<Vec<String>>,
}

impl Contract {
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// # Panics
    /// When the server has said something that the specs do not have.
    pub fn assert_kept(&self) {
        let differences = std::mem::take(&mut *self.differences.lock());
        assert!(differences.is_empty(), "not as the specs have it:\n{}", differences.join("\n"));
    }

    fn note(&self, outcome: Result<(), Difference>) {
        if let Err(difference) = outcome {
            self.differences.lock().push(difference.to_string());
        }
    }
}

impl Witness for Contract {
    fn answer(&self, method: &str, path: &str, status: u16, body: &[u8]) {
        let (Ok(method), Ok(status)) = (method.parse::<Method>(), StatusCode::from_u16(status)) else {
            return;
        };
        self.note(Validator::shared().answer(&method, path, status, body));
    }

    fn frame(&self, text: &str, command: Option<&str>) {
        self.note(Validator::shared().frame(text, command));
    }
}
