//! The thread that owns the network: it executes messages, and between them runs what the HTTP
//! endpoints ask for. Answers are certified together, once nothing is left to execute; where the state
//! is kept on disk, nothing is answered before it is safe there.

use crate::certification::CertifiedTree;
use crate::message::{IngressStatus, RequestId};
use crate::{Network, Replica, StateError};
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, OnceLock};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long an idle replica sleeps before it looks for due timers and finished outcalls.
const IDLE_WAIT: Duration = Duration::from_millis(4);
/// How long answers may wait for messages that are still being executed, to be certified with theirs.
const MAX_BATCH: Duration = Duration::from_millis(5);

type Task = Box<dyn FnOnce(&mut Network) -> Reply + Send>;
/// Gives the result of a task to whoever asked.
type Reply = Box<dyn FnOnce() + Send>;

enum Command {
    Run(Task),
    AwaitAnswer(Waiter),
    ExecuteMessages(bool),
    Stop,
}

/// Someone who waits until a request is answered, or forgotten.
struct Waiter {
    subnet: usize,
    request_id: RequestId,
    answered: oneshot::Sender<Arc<CertifiedTree>>,
}

/// Why the replica's thread has ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplicaStopped {
    #[error("the replica was stopped")]
    OnRequest,
    #[error("the replica has failed, which is a defect of it; restart it. The cause: {cause}")]
    Panicked { cause: String },
    #[error("the state could not be kept: {cause}")]
    NotKept { cause: String },
}

/// Sends commands to the replica's thread.
#[derive(Clone)]
pub(crate) struct Driver {
    commands: Sender<Command>,
    /// Why the thread has ended, once it has.
    ended: Arc<OnceLock<ReplicaStopped>>,
}

/// The result of a command that was sent.
pub(super) struct Pending<T> {
    result: oneshot::Receiver<T>,
    driver: Driver,
}

impl<T> Pending<T> {
    pub(super) async fn wait(self) -> Result<T, ReplicaStopped> {
        match self.result.await {
            Ok(result) => Ok(result),
            Err(_) => Err(self.driver.ended().await),
        }
    }
}

impl Driver {
    /// Moves the network to a thread of its own.
    pub(super) fn start(network: Network) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (commands, received) = channel();
        let ended = Arc::new(OnceLock::new());
        let driver = Self { commands, ended: ended.clone() };
        let thread = Builder::new().name("replica".to_owned()).spawn(move || {
            // Nothing of the replica is used after a panic, so that no broken state can be seen.
            let end = match catch_unwind(AssertUnwindSafe(|| drive(network, &received))) {
                Ok(Ok(())) => ReplicaStopped::OnRequest,
                Ok(Err(error)) => ReplicaStopped::NotKept { cause: error.to_string() },
                Err(panic) => ReplicaStopped::Panicked { cause: message_of(&*panic) },
            };
            // This thread alone sets it, once.
            let _ = ended.set(end);
        })?;
        Ok((driver, thread))
    }

    /// Runs `task` on the first subnet between two messages.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Replica) -> T + Send + 'static,
    ) -> Result<T, ReplicaStopped> {
        self.begin(0, task).wait().await
    }

    /// Runs `task` on all subnets between two messages.
    pub(crate) async fn run_on_all<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Network) -> T + Send + 'static,
    ) -> Result<T, ReplicaStopped> {
        self.begin_on_all(task).wait().await
    }

    /// Runs `task` on the subnet of this number, without waiting for the result.
    pub(super) fn begin<T: Send + 'static>(
        &self,
        subnet: usize,
        task: impl FnOnce(&mut Replica) -> T + Send + 'static,
    ) -> Pending<T> {
        self.begin_on_all(move |network| task(network.subnet(subnet)))
    }

    fn begin_on_all<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Network) -> T + Send + 'static,
    ) -> Pending<T> {
        let (sender, result) = oneshot::channel();
        self.send(Command::Run(Box::new(move |network| {
            let result = task(network);
            Box::new(move || {
                // The client may have gone away; then nobody needs the result.
                let _ = sender.send(result);
            })
        })));
        Pending { result, driver: self.clone() }
    }

    /// As [`Self::run_on_all`], for callers that may block.
    pub(super) fn run_blocking<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Network) -> T + Send + 'static,
    ) -> Result<T, ReplicaStopped> {
        let (sender, result) = channel();
        self.send(Command::Run(Box::new(move |network| {
            let result = task(network);
            Box::new(move || {
                // Whoever asked may have gone away; then nobody needs the result.
                let _ = sender.send(result);
            })
        })));
        result.recv().map_err(|_| self.ended.wait().clone())
    }

    /// A state of the subnet that holds the answer of the request; or any state, when the request is
    /// unknown there or forgotten.
    pub(super) fn answered(&self, subnet: usize, request_id: RequestId) -> Pending<Arc<CertifiedTree>> {
        let (answered, result) = oneshot::channel();
        self.send(Command::AwaitAnswer(Waiter { subnet, request_id, answered }));
        Pending { result, driver: self.clone() }
    }

    /// Lets messages be executed, or the network stand still: it then takes requests and answers none.
    pub(crate) fn execute_messages(&self, running: bool) {
        self.send(Command::ExecuteMessages(running));
    }

    /// Ends the thread after the message that is executing.
    pub(super) fn stop(&self) {
        self.send(Command::Stop);
    }

    /// Returns when the thread has ended, and says why.
    pub(super) async fn ended(&self) -> ReplicaStopped {
        let ended = self.ended.clone();
        match tokio::task::spawn_blocking(move || ended.wait().clone()).await {
            Ok(end) => end,
            // The runtime is shutting down, and the server with it.
            Err(_) => ReplicaStopped::OnRequest,
        }
    }

    fn send(&self, command: Command) {
        // When the thread has ended, the command is dropped, which its sender notices.
        let _ = self.commands.send(command);
    }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message").to_owned()
}

fn drive(mut network: Network, commands: &Receiver<Command>) -> Result<(), StateError> {
    let mut waiters: Vec<Waiter> = Vec::new();
    let mut certified_at = Instant::now();
    let mut running = true;
    loop {
        let executed = running && execute(&mut network);
        if !executed || certified_at.elapsed() >= MAX_BATCH {
            if !waiters.is_empty() {
                network.keep()?;
            }
            waiters = answer(&mut network, waiters);
            certified_at = Instant::now();
        }
        let mut next = if executed { None } else { Some(IDLE_WAIT) };
        let mut replies: Vec<Reply> = Vec::new();
        let mut is_stopped = false;
        // The first command may be waited for; those behind it are taken as they are.
        while let Some(command) = receive(commands, next.take()) {
            match command {
                Command::Run(task) => replies.push(task(&mut network)),
                Command::AwaitAnswer(waiter) => waiters.push(waiter),
                Command::ExecuteMessages(wanted) => running = wanted,
                Command::Stop => {
                    is_stopped = true;
                    break;
                }
            }
        }
        if !replies.is_empty() || is_stopped {
            network.keep()?;
        }
        replies.into_iter().for_each(|reply| reply());
        if is_stopped {
            return Ok(());
        }
    }
}

/// Executes a message; where every answer costs a write to disk, as many as a batch takes. Whether
/// anything was executed.
fn execute(network: &mut Network) -> bool {
    let started = Instant::now();
    let mut executed = false;
    while network.step() {
        executed = true;
        if !network.is_kept() || started.elapsed() >= MAX_BATCH {
            break;
        }
    }
    executed
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

/// Shows one certified state to all whose request is answered; returns those who still wait.
fn answer(network: &mut Network, waiters: Vec<Waiter>) -> Vec<Waiter> {
    let (waiting, answered): (Vec<_>, Vec<_>) =
        waiters.into_iter().filter(|waiter| !waiter.answered.is_closed()).partition(|waiter| {
            matches!(
                network.subnet(waiter.subnet).ingress_status(&waiter.request_id),
                Some(IngressStatus::Received | IngressStatus::Processing)
            )
        });
    let mut trees = BTreeMap::new();
    for waiter in answered {
        let tree =
            trees.entry(waiter.subnet).or_insert_with(|| network.subnet(waiter.subnet).certified_tree());
        // A client that went away just now is no loss.
        let _ = waiter.answered.send(tree.clone());
    }
    waiting
}
