//! Files that change while they are served.

use std::sync::Arc;
use std::time::Duration;

use crate::Mock;
use crate::spec::Spec;

/// Between two looks at the files' times.
const LOOK_EVERY: Duration = Duration::from_millis(300);

impl Mock {
    /// Serves what the files say from now on, whenever they change. Files that cannot be used change nothing, and are said.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let mut told = String::new();
        loop {
            looks.tick().await;
            if !self.spec().documents.is_stale() {
                continue;
            }
            match Spec::load(self.settings.openapi.as_deref(), self.settings.asyncapi.as_deref()) {
                Ok(spec) => {
                    tracing::info!(
                        operations = spec.rest.operations.len(),
                        "the specs have changed, and are served as they are now"
                    );
                    *self.spec.write() = Arc::new(spec);
                    told.clear();
                }
                Err(error) if told != error.to_string() => {
                    told = error.to_string();
                    tracing::error!(%error, "the specs have changed and cannot be used; the last ones are still served");
                }
                Err(_) => {}
            }
        }
    }
}
