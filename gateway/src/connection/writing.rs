//! Frames on their way to the kernel.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::SinkExt as _;
use tokio::io::AsyncWrite as _;

use super::{Connection, End};
use crate::limits::FRAMES_PER_WRITE_MAX;
use crate::metrics::METRICS;

/// Every so many writes, the length of the queue is noted.
const QUEUE_SAMPLED: u8 = 16;

impl Connection<'_> {
    /// Ready only at the end; pending when all is written, or the kernel takes no more.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            if self.written == 0 && self.answering {
                match ready!(self.socket.poll_flush_unpin(cx)) {
                    Ok(()) => self.answering = false,
                    Err(_gone) => return Poll::Ready(End::Theirs),
                }
            }
            if self.out.is_empty() {
                let mut queue = self.outlet.queue();
                queue.take(&mut self.out, FRAMES_PER_WRITE_MAX);
                if self.out.is_empty() {
                    if let Some(close) = queue.closing() {
                        return Poll::Ready(End::Ours(close));
                    }
                    // Registers for what comes; there is nothing now, under this lock.
                    let _ = queue.poll(cx);
                    drop(queue);
                    self.out.shrink_to(0);
                    return Poll::Pending;
                }
            }
            match ready!(self.poll_write_out(cx)) {
                Ok(()) => self.blocked = None,
                Err(_gone) => return Poll::Ready(End::Theirs),
            }
        }
    }

    /// Hands frames to the kernel in one call, and forgets what it took.
    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut slices = [IoSlice::new(&[]); FRAMES_PER_WRITE_MAX];
        let mut count = 0;
        for (slice, wire) in slices.iter_mut().zip(&self.out) {
            let skip = if count == 0 { self.written } else { 0 };
            *slice = IoSlice::new(&wire[skip..]);
            count += 1;
        }
        let io = Pin::new(self.socket.get_mut());
        let taken = if count == 1 {
            ready!(io.poll_write(cx, &slices[0]))?
        } else {
            ready!(io.poll_write_vectored(cx, &slices[..count]))?
        };
        if taken == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        METRICS.writes.inc();
        METRICS.bytes_out.inc_by(taken as u64);
        self.writes = (self.writes + 1) % QUEUE_SAMPLED;
        if self.writes == 0 {
            METRICS.queued.observe(self.out.len() as f64);
        }
        let mut left = self.written + taken;
        let mut sent = 0;
        while let Some(first) = self.out.front()
            && first.len() <= left
        {
            left -= first.len();
            sent += 1;
            self.out.pop_front();
        }
        self.written = left;
        METRICS.frames_out.inc_by(sent);
        Poll::Ready(Ok(()))
    }
}
