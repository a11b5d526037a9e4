//! Where one node hears its bus: a bounded queue that never silently loses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::Incoming;

/// A node that listens.
pub(super) struct Ear {
    sender: mpsc::Sender<Incoming>,
    receiver: Mutex<Option<mpsc::Receiver<Incoming>>>,
    /// The queue was full, and a [`Incoming::Suspect`] waits for its place in it.
    behind: AtomicBool,
}

impl Ear {
    /// One that holds up to `queue` unheard items.
    pub fn new(queue: usize) -> Arc<Self> {
        let (sender, receiver) = mpsc::channel(queue);
        Arc::new(Self { sender, receiver: Mutex::new(Some(receiver)), behind: AtomicBool::new(false) })
    }

    pub fn receiver(&self) -> Option<mpsc::Receiver<Incoming>> {
        self.receiver.lock().take()
    }

    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Hands `what` over, or notes that something was missed. Whether anybody listens.
    pub fn tell(self: &Arc<Self>, what: Incoming) -> bool {
        match self.sender.try_send(what) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Closed(_)) => false,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.missed();
                true
            }
        }
    }

    /// Says [`Incoming::Suspect`], as soon as there is room to.
    pub fn missed(self: &Arc<Self>) {
        if !self.behind.swap(true, Ordering::AcqRel) {
            tokio::spawn(Arc::clone(self).warn());
        }
    }

    async fn warn(self: Arc<Self>) {
        if let Ok(place) = self.sender.reserve().await {
            // Before the warning: what is dropped from now on needs another.
            self.behind.store(false, Ordering::Release);
            place.send(Incoming::Suspect);
        }
    }
}
