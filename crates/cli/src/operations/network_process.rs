//! The local network as a process of its own: started, found again and stopped by its process id, which is checked
//! before anything is sent to it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::network_file::NetworkFile;
use crate::failure::{Failure, Outcome};

/// The hidden subcommand that serves; also how a process is recognised as ours.
pub const SERVE: &str = "serve-network";
/// How long starting and stopping may take.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);
/// How much of the log is shown when starting fails.
const LOG_LINES_SHOWN: usize = 15;

/// What the local network is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkOptions {
    /// Where its files go.
    pub directory: PathBuf,
    /// Port on the loopback interface; 0 takes a free one.
    pub port: u16,
    /// Seed of all its keys and randomness.
    pub seed: u64,
    /// `HOST=URL`: where outcalls to a host really go.
    pub routes: Vec<String>,
    /// Whether to write a line for every executed message.
    pub trace: bool,
}

/// Whether the local network is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkState {
    /// Serving.
    Running(NetworkFile),
    /// Its file is there, its process is not.
    Dead(NetworkFile),
    /// Not started.
    Absent,
}

/// What to do where no network was started.
pub const START_ONE: &str = "--dir names another; start one with `countersign network start`";

/// What to say where no network was started.
pub fn not_started(directory: &Path) -> String {
    format!("no network was started in {}", directory.display())
}

/// Where its log goes.
pub fn log_path(directory: &Path) -> PathBuf {
    directory.join("network.log")
}

/// Where its trace goes, if it is asked for one.
pub fn trace_path(directory: &Path) -> PathBuf {
    directory.join("trace.jsonl")
}

/// Finds out whether the local network of a directory is running.
///
/// # Errors
/// When its file cannot be understood.
pub fn state(directory: &Path) -> Outcome<NetworkState> {
    let path = NetworkFile::path_in(directory);
    if !path.exists() {
        return Ok(NetworkState::Absent);
    }
    let file = NetworkFile::read(&path)?;
    Ok(match file.pid {
        Some(pid) if is_ours(pid) => NetworkState::Running(file),
        _ => NetworkState::Dead(file),
    })
}

/// Starts it in the background and waits until it serves.
///
/// # Errors
/// When one runs already, or it ends or stays silent while starting; the end of its log is shown.
pub fn start(options: &NetworkOptions) -> Outcome<NetworkFile> {
    let directory = options.directory.as_path();
    if let NetworkState::Running(file) = state(directory)? {
        return Err(Failure::refused(format!("a network is running already at {}", file.url))
            .hint("use it, or stop it with `countersign network stop`"));
    }
    let path = NetworkFile::path_in(directory);
    if path.exists() {
        fs::remove_file(&path).map_err(|error| Failure::file("remove the old network file", &path, error))?;
    }
    let mut child = spawn(options)?;
    let started = Instant::now();
    loop {
        if path.exists() {
            return NetworkFile::read(&path);
        }
        if let Ok(Some(status)) = child.try_wait() {
            return Err(startup_failure(directory, &format!("the network ended while starting ({status})")));
        }
        if started.elapsed() > PATIENCE {
            let _ = child.kill();
            return Err(startup_failure(directory, "the network did not start in time"));
        }
        std::thread::sleep(POLL);
    }
}

fn spawn(options: &NetworkOptions) -> Outcome<std::process::Child> {
    let directory = options.directory.as_path();
    let log = log_path(directory);
    let failed = |error: std::io::Error| Failure::file("write", &log, error);
    fs::create_dir_all(directory).map_err(failed)?;
    let output = fs::File::create(&log).map_err(failed)?;
    let errors = output.try_clone().map_err(failed)?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::usage(format!("cannot find this program to start it again: {error}")))?;
    let mut command = Command::new(program);
    command.args(["network", SERVE, "--dir"]).arg(directory);
    if options.trace {
        command.arg("--trace");
    }
    command.arg("--port").arg(options.port.to_string()).arg("--seed").arg(options.seed.to_string());
    for route in &options.routes {
        command.arg("--route").arg(route);
    }
    command.stdin(Stdio::null()).stdout(output).stderr(errors);
    // A process group of its own, so that a Ctrl-C meant for another command does not end it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().map_err(|error| Failure::usage(format!("cannot start the network's process: {error}")))
}

fn startup_failure(directory: &Path, what: &str) -> Failure {
    let path = log_path(directory);
    let log = fs::read_to_string(&path).unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    let end = lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n");
    Failure::network(format!("{what}\n{end}")).hint(format!("the whole log is in {}", path.display()))
}

/// Stops it and removes its file.
///
/// # Errors
/// When none is running, or it does not end in time.
pub fn stop(directory: &Path) -> Outcome<NetworkFile> {
    let path = NetworkFile::path_in(directory);
    // A network that ends well removes its file itself.
    let remove = || match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::file("remove", &path, error))
        }
        _ => Ok(()),
    };
    let (file, pid) = match state(directory)? {
        NetworkState::Running(file) => {
            let pid = file.pid.expect("a running network's file names its process");
            (file, pid)
        }
        NetworkState::Dead(_) => {
            remove()?;
            return Err(Failure::refused("the network had ended by itself; its file is removed")
                .hint(format!("its log is in {}", log_path(directory).display())));
        }
        NetworkState::Absent => return Err(Failure::refused(not_started(directory)).hint(START_ONE)),
    };
    terminate(pid)?;
    let started = Instant::now();
    while is_ours(pid) {
        if started.elapsed() > PATIENCE {
            return Err(Failure::network(format!("process {pid} does not end")));
        }
        std::thread::sleep(POLL);
    }
    remove()?;
    Ok(file)
}

/// Whether the process is alive and is a network that this program started, so that a process id used again by
/// another program is left alone.
fn is_ours(pid: u32) -> bool {
    let Ok(output) = Command::new("ps").args(["-o", "stat=,args=", "-p", &pid.to_string()]).output() else {
        return fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|arguments| arguments.split(|byte| *byte == 0).any(|word| word == SERVE.as_bytes()));
    };
    let line = String::from_utf8_lossy(&output.stdout);
    let mut words = line.split_whitespace();
    let zombie = words.next().is_some_and(|stat| stat.starts_with('Z'));
    !zombie && words.any(|word| word == SERVE)
}

/// Asks one process to end, by the shell's own `kill`, which every Unix has.
fn terminate(pid: u32) -> Outcome<()> {
    let status = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &pid.to_string()]).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::refused(format!("process {pid} cannot be ended ({status})"))),
        Err(error) => Err(Failure::usage(format!("cannot run sh to end process {pid}: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::FailureKind;

    fn file(pid: u32) -> NetworkFile {
        NetworkFile {
            url: "http://127.0.0.1:1".into(),
            root_key: "00".into(),
            vetkd_master_public_key: None,
            schnorr_ed25519_master_public_key: None,
            pid: Some(pid),
        }
    }

    #[test]
    fn should_leave_a_process_alone_when_it_is_not_a_network() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut other = Command::new("sleep").arg("60").spawn().expect("sleep runs");
        file(other.id()).write(&NetworkFile::path_in(directory.path())).expect("written");
        assert!(matches!(state(directory.path()), Ok(NetworkState::Dead(_))));
        let failure = stop(directory.path()).expect_err("not ours");
        assert_eq!(failure.kind, FailureKind::Refused);
        assert_eq!(other.try_wait().expect("can be asked"), None, "it still runs");
        other.kill().expect("ended");
        other.wait().expect("ended");
    }

    #[test]
    fn should_say_that_none_runs_when_there_is_no_file() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(state(directory.path()), Ok(NetworkState::Absent));
        assert!(stop(directory.path()).expect_err("none").message.contains("no network"));
    }
}
