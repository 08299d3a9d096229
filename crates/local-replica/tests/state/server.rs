//! A server for outcalls that answers with the path it was asked for, each time after another while.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use local_replica::outcalls::Routes;

pub const HOST: &str = "server.example";

/// Serves until the process ends.
pub struct Server {
    url: String,
    answers: Arc<AtomicU64>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let answers = Arc::new(AtomicU64::new(0));
        let counted = answers.clone();
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let number = counted.fetch_add(1, Ordering::Relaxed);
                thread::spawn(move || {
                    thread::sleep(Duration::from_micros(number * 7_919 % 2_000));
                    // A client that went away needs no answer.
                    let _ = answer(connection);
                });
            }
        });
        Self { url, answers }
    }

    /// The way to this server, by the name [`HOST`].
    pub fn routes(&self) -> Routes {
        Routes::from_pairs([(HOST, &self.url)]).expect("a loopback server")
    }

    /// How many requests have come.
    pub fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }
}

fn answer(mut connection: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(connection.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", path.len());
    connection.write_all(format!("{head}{path}").as_bytes())
}
