//! The threads that send: as many as are needed, never more than a bound.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use parking_lot::Mutex;

/// Two fully replicated calls of a 13-node subnet at once, and some room.
const MAX_WORKERS: usize = 32;

type Job = Box<dyn FnOnce() + Send>;

/// A bounded set of threads taking jobs in order. Threads start when first needed and end when this
/// is dropped, each after the job it is at.
pub(super) struct Workers {
    jobs: Sender<Job>,
    waiting: Arc<Mutex<Receiver<Job>>>,
    started: usize,
}

impl Workers {
    pub(super) fn new() -> Self {
        let (jobs, waiting) = channel();
        Self { jobs, waiting: Arc::new(Mutex::new(waiting)), started: 0 }
    }

    /// Makes sure of as many threads as there are jobs under way, up to the bound.
    pub(super) fn prepare(&mut self, jobs_under_way: usize) {
        while self.started < jobs_under_way.min(MAX_WORKERS) {
            let waiting = Arc::clone(&self.waiting);
            thread::spawn(move || work(&waiting));
            self.started += 1;
        }
    }

    pub(super) fn submit(&self, job: impl FnOnce() + Send + 'static) {
        self.jobs.send(Box::new(job)).expect("self.waiting keeps the receiving end open");
    }
}

fn work(waiting: &Mutex<Receiver<Job>>) {
    loop {
        // The lock is held while waiting: one idle thread waits for a job, the others for the lock.
        let next = waiting.lock().recv();
        match next {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}
