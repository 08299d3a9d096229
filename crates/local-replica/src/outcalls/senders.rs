//! What the nodes send on: a small runtime of its own, with a bound on connections.

use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

/// Sends under way at a time; the others wait. Two replicated calls of the largest subnet and room.
const MAX_SENDS_AT_A_TIME: usize = 128;
const THREADS: usize = 2;

/// Runs sends in the background. Its threads start with the first send, and end with this value;
/// sends under way are then cut off.
pub(super) struct Senders {
    runtime: Option<Runtime>,
    permits: Arc<Semaphore>,
}

impl Senders {
    pub(super) fn new() -> Self {
        Self { runtime: None, permits: Arc::new(Semaphore::new(MAX_SENDS_AT_A_TIME)) }
    }

    pub(super) fn spawn(&mut self, send: impl Future<Output = ()> + Send + 'static) {
        let permits = Arc::clone(&self.permits);
        let runtime = self.runtime.get_or_insert_with(|| {
            Builder::new_multi_thread()
                .worker_threads(THREADS)
                .thread_name("outcalls")
                .enable_all()
                .build()
                .expect("two threads and their wake-up descriptors can be had")
        });
        runtime.spawn(async move {
            let _permit = permits.acquire_owned().await;
            send.await;
        });
    }
}

impl Drop for Senders {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Does not wait, so that a replica may be dropped anywhere, also by another runtime.
            runtime.shutdown_background();
        }
    }
}
