//! The thread that owns the replica: it executes messages, and between them runs what the HTTP
//! endpoints ask for.

use crate::Replica;
use crate::message::{IngressStatus, RequestId, Step};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long an idle replica sleeps before it looks for due timers and finished outcalls.
const IDLE_WAIT: Duration = Duration::from_millis(4);

type Task = Box<dyn FnOnce(&mut Replica) + Send>;

enum Command {
    Run(Task),
    AwaitAnswer { request_id: RequestId, answered: oneshot::Sender<()> },
    Stop,
}

/// The replica's thread has ended, by request or by a defect.
#[derive(Debug, thiserror::Error)]
#[error("the replica has stopped")]
pub struct ReplicaStopped;

/// Sends commands to the replica's thread.
#[derive(Clone)]
pub(super) struct Driver {
    commands: Sender<Command>,
}

impl Driver {
    /// Moves the replica to a thread of its own.
    pub(super) fn start(replica: Replica) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (commands, received) = channel();
        let thread = Builder::new().name("replica".to_owned()).spawn(move || drive(replica, &received))?;
        Ok((Self { commands }, thread))
    }

    /// Runs `task` on the replica between two messages.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Replica) -> T + Send + 'static,
    ) -> Result<T, ReplicaStopped> {
        self.begin(task)?.await.map_err(|_| ReplicaStopped)
    }

    /// As [`Self::run`], for callers that may block.
    pub(super) fn run_blocking<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Replica) -> T + Send + 'static,
    ) -> Result<T, ReplicaStopped> {
        let (sender, result) = channel();
        self.send(Command::Run(Box::new(move |replica| {
            // Whoever asked may have gone away; then nobody needs the result.
            let _ = sender.send(task(replica));
        })))?;
        result.recv().map_err(|_| ReplicaStopped)
    }

    /// Returns once the request is answered, or forgotten.
    pub(super) async fn answered(&self, request_id: RequestId) -> Result<(), ReplicaStopped> {
        let (answered, done) = oneshot::channel();
        self.send(Command::AwaitAnswer { request_id, answered })?;
        done.await.map_err(|_| ReplicaStopped)
    }

    /// Ends the thread after the message that is executing.
    pub(super) fn stop(&self) {
        // Already stopped is as good.
        let _ = self.commands.send(Command::Stop);
    }

    fn begin<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Replica) -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, ReplicaStopped> {
        let (sender, result) = oneshot::channel();
        self.send(Command::Run(Box::new(move |replica| {
            // The client may have gone away; then nobody needs the result.
            let _ = sender.send(task(replica));
        })))?;
        Ok(result)
    }

    fn send(&self, command: Command) -> Result<(), ReplicaStopped> {
        self.commands.send(command).map_err(|_| ReplicaStopped)
    }
}

struct Waiter {
    request_id: RequestId,
    answered: oneshot::Sender<()>,
}

fn drive(mut replica: Replica, commands: &Receiver<Command>) {
    let mut waiters: Vec<Waiter> = Vec::new();
    loop {
        let executed = matches!(replica.step(), Step::Executed(_));
        waiters = still_waiting(&replica, waiters);
        let mut next = if executed { None } else { Some(IDLE_WAIT) };
        // The first command may be waited for; those behind it are taken as they are.
        while let Some(command) = receive(commands, next.take()) {
            match command {
                Command::Run(task) => task(&mut replica),
                Command::AwaitAnswer { request_id, answered } => {
                    waiters.push(Waiter { request_id, answered });
                }
                Command::Stop => return,
            }
        }
    }
}

/// The next command, waiting at most `wait` for it. When all senders are gone, that is a stop.
fn receive(commands: &Receiver<Command>, wait: Option<Duration>) -> Option<Command> {
    match wait {
        Some(wait) => match commands.recv_timeout(wait) {
            Ok(command) => Some(command),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Command::Stop),
        },
        None => match commands.try_recv() {
            Ok(command) => Some(command),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Command::Stop),
        },
    }
}

/// Tells those whose request is answered, and forgets those who no longer listen.
fn still_waiting(replica: &Replica, waiters: Vec<Waiter>) -> Vec<Waiter> {
    let (waiting, answered): (Vec<_>, Vec<_>) =
        waiters.into_iter().filter(|waiter| !waiter.answered.is_closed()).partition(|waiter| {
            matches!(
                replica.ingress_status(&waiter.request_id),
                Some(IngressStatus::Received | IngressStatus::Processing)
            )
        });
    for waiter in answered {
        // A client that went away just now is no loss.
        let _ = waiter.answered.send(());
    }
    waiting
}
