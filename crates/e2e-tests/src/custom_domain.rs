//! A canister's own domain, as gateways offer them: requests for it go on to the gateway under the canister's name there.
//! Programs that cannot resolve names under `localhost` then need none.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use candid::Principal;

/// Serves until it is dropped.
pub struct CustomDomain {
    /// Base URL.
    pub url: String,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl CustomDomain {
    /// A domain for `canister`, which the gateway at `gateway_url` serves.
    pub fn of(canister: Principal, gateway_url: &str) -> Self {
        let gateway =
            gateway_url.strip_prefix("http://").expect("a loopback URL").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = is_over.clone();
        let host = format!("{canister}.localhost");
        let thread = std::thread::spawn(move || {
            for client in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                // Who hangs up has only itself to blame; what it was asked for fails there.
                let _ = client.and_then(|client| hand_on(&client, &gateway, &host));
            }
        });
        Self { url, is_over, thread: Some(thread) }
    }
}

impl Drop for CustomDomain {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let address = self.url.strip_prefix("http://").expect("made so");
        // Wakes the thread, which then ends.
        drop(TcpStream::connect(address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Hands one request on, and its answer back.
fn hand_on(mut client: &TcpStream, gateway: &str, host: &str) -> io::Result<()> {
    let mut reader = BufReader::new(client);
    let mut head = Vec::new();
    let mut body_bytes = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        match name.as_str() {
            "host" | "connection" | "expect" => continue,
            "content-length" => {
                body_bytes = line.split(':').nth(1).and_then(|text| text.trim().parse().ok()).unwrap_or(0);
            }
            _ => {}
        }
        if line.trim().is_empty() {
            break;
        }
        head.push(line);
    }
    let mut server = TcpStream::connect(gateway)?;
    write!(server, "{}host: {host}\r\nconnection: close\r\n\r\n", head.concat())?;
    io::copy(&mut reader.take(body_bytes), &mut server)?;
    io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Both)
}
