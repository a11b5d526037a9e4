//! Reading on when the answer is given already.
//!
//! Whoever refuses a request before its body was read, and then hangs up, has the kernel reset the connection. The reset
//! overtakes the answer, so a client that is still sending never learns why it was refused (RFC 9112, section 9.6): not where its upload
//! stands, not how long to wait. So what still comes is read and thrown away, for a while.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use axum::extract::Request;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::header::EXPECT;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// Most bytes that are read and thrown away after an answer. Whoever sends more finds the connection closed.
pub const LINGER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longest that they are waited for.
pub const LINGER_MAX: Duration = Duration::from_secs(10);

/// The request with a body whose rest is read when nobody wants it any more. To be called in a Tokio runtime.
pub fn body(request: Request) -> Request {
    // Who waits for leave to send a body, and is refused, sends none.
    if request.body().is_end_stream() || request.headers().contains_key(EXPECT) {
        return request;
    }
    request.map(|body| Body::from_stream(Lingering { rest: body.into_data_stream(), is_read: false }))
}

struct Lingering {
    rest: BodyDataStream,
    is_read: bool,
}

impl Stream for Lingering {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let part = ready!(self.rest.poll_next_unpin(cx));
        self.is_read = !matches!(part, Some(Ok(_)));
        Poll::Ready(part)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if self.is_read {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            let rest = std::mem::replace(&mut self.rest, Body::empty().into_data_stream());
            // Who is too slow for it is cut off.
            runtime.spawn(timeout(LINGER_MAX, throw_away(rest)));
        }
    }
}

async fn throw_away(mut rest: BodyDataStream) {
    let mut left = LINGER_BYTES_MAX;
    while let Some(Ok(part)) = rest.next().await {
        match left.checked_sub(part.len()) {
            Some(still) => left = still,
            None => return,
        }
    }
}
