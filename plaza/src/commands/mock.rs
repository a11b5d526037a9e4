//! `plaza mock`

use std::sync::Arc;

use mock::{Mock, Settings};
use tokio_util::sync::CancellationToken;

use crate::cli::MockArgs;
use crate::config::Config;
use crate::exit::{Exit, Stopped};
use crate::signals::Signals;
use crate::{progress, server};

pub async fn mock(config: &Config, args: &MockArgs) -> Result<(), Stopped> {
    let unexpected = |error: std::io::Error| Stopped::new(Exit::Unexpected, error);
    let socket = server::bind(config.listen, server::LISTEN)?;
    let mock = Mock::load(Settings {
        openapi: args.openapi.clone(),
        asyncapi: args.asyncapi.clone(),
        seed: args.seed,
        remember: args.remember,
        latency_ms: args.latency_ms,
        fail_rate: args.fail_rate,
    })
    .map_err(|error| Stopped::new(Exit::Config, format_args!("The spec cannot be served: {error}.")))?;
    let mut signals = Signals::listen().map_err(unexpected)?;
    let listener = server::listen(socket, config.listen, server::LISTEN)?;
    let address = listener.local_addr().map_err(unexpected)?;

    let tokens = mock.tokens().join(", ");
    progress::say(format_args!("plaza mock listens on http://{address}; routes and examples: http://{address}/__mock"));
    progress::say(format_args!("  tokens: {tokens}"));
    let stop = CancellationToken::new();
    let asked = stop.clone();
    tokio::spawn(async move {
        signals.next().await;
        asked.cancel();
    });
    mock::serve(listener, Arc::clone(&mock), stop).await.map_err(unexpected)
}
