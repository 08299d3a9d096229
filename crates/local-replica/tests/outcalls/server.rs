//! A tiny HTTP/1.1 server on loopback that remembers what it saw. One thread a connection, one
//! request a connection, a bounded number of connections in all. With a certificate it speaks TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

const MAX_CONNECTIONS: usize = 1_000;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// For instance `PUT /demo?x=1 HTTP/1.1`.
    pub request_line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

pub struct Server {
    base_url: String,
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers the n-th request, counting from 0, with the raw bytes that `respond` makes of it. Without
    /// any, the connection ends unanswered.
    pub fn start(respond: impl Fn(usize, &Seen) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start_with(None, respond)
    }

    /// As [`Server::start`], in TLS.
    pub fn start_tls(
        config: ServerConfig,
        respond: impl Fn(usize, &Seen) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(Some(Arc::new(config)), respond)
    }

    fn start_with(
        tls: Option<Arc<ServerConfig>>,
        respond: impl Fn(usize, &Seen) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
        let address = listener.local_addr().expect("bound");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let (respond, count) = (Arc::new(respond), Arc::new(AtomicUsize::new(0)));
        thread::spawn(move || {
            for stream in listener.incoming().take(MAX_CONNECTIONS).flatten() {
                let (respond, count, log) = (Arc::clone(&respond), Arc::clone(&count), Arc::clone(&log));
                let tls = tls.clone();
                thread::spawn(move || {
                    let respond = |request: &Seen| {
                        log.lock().expect("log").push(request.clone());
                        respond(count.fetch_add(1, Ordering::SeqCst), request)
                    };
                    // A client that goes away early is not the server's concern.
                    let _ = match tls {
                        None => serve(stream, respond),
                        Some(config) => {
                            let connection = ServerConnection::new(config).expect("a valid configuration");
                            serve(StreamOwned::new(connection, stream), respond)
                        }
                    };
                });
            }
        });
        Self { base_url: format!("{scheme}://{address}"), address, seen }
    }

    /// Answers every request with this status and body.
    pub fn answering(status: u16, body: &str) -> Self {
        let answer = response(status, &[], body.as_bytes());
        Self::start(move |_, _| answer.clone())
    }

    pub fn base_url(&self) -> String {
        self.base_url.clone()
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("log").clone()
    }
}

/// The bytes of a response with these headers and a `content-length`.
pub fn response(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status} Whatever\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend(format!("{name}: {value}\r\n").bytes());
    }
    bytes.extend(format!("content-length: {}\r\n\r\n", body.len()).bytes());
    bytes.extend(body);
    bytes
}

fn serve(stream: impl Read + Write, respond: impl FnOnce(&Seen) -> Vec<u8>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).map(|_| line.trim_end().to_string())
    };
    let request_line = line()?;
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_string()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let answer = respond(&Seen { request_line, headers, body });
    let stream = reader.get_mut();
    stream.write_all(&answer)?;
    stream.flush()
}
