//! Serving the local network in this process.

use std::fs;

use local_replica::{
    outcalls::Routes,
    serve::{ServeOptions, serve as serve_replica},
};

use super::{
    network_file::NetworkFile,
    network_process::{NetworkOptions, trace_path},
};
use crate::failure::{Failure, Outcome};

/// Nodes of the local network, as most subnets of the real one have.
const NODES: u32 = 13;

/// Reads the routes, `HOST=URL` each.
///
/// # Errors
/// Names the first that is none, or whose target is not a loopback server.
pub fn parse_routes(routes: &[String]) -> Outcome<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for route in routes {
        let (host, url) = route.split_once('=').ok_or_else(|| {
            Failure::usage(format!("--route: found {route:?}; allowed: HOST=http://127.0.0.1:PORT"))
        })?;
        pairs.push((host.to_string(), url.to_string()));
    }
    Routes::from_pairs(pairs.clone()).map_err(|error| Failure::usage(format!("--route: {error}")))?;
    Ok(pairs)
}

/// Serves until the process is told to end; writes the network file while it does.
///
/// # Errors
/// When it cannot start.
pub async fn serve(options: NetworkOptions) -> Outcome<()> {
    let directory = options.directory.clone();
    fs::create_dir_all(&directory).map_err(|error| Failure::file("make the directory", &directory, error))?;
    let serve_options = ServeOptions {
        port: options.port,
        seed: options.seed,
        nodes: NODES,
        subnets: 1,
        routes: parse_routes(&options.routes)?,
        root_certificate: None,
        module_cache: Some(directory.join("modules")),
        state_dir: None,
        network_file: Some(NetworkFile::path_in(&directory)),
        trace_file: options.trace.then(|| trace_path(&directory)),
        control_port: None,
        json: false,
    };
    // It runs its own event loop, so it needs a thread that has none.
    tokio::task::spawn_blocking(move || serve_replica(&serve_options))
        .await
        .map_err(|error| Failure::network(format!("the network ended unexpectedly: {error}")))?
        .map_err(|error| Failure::network(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_take_routes_to_loopback_servers_only() {
        let good = ["npm.registry.example=http://127.0.0.1:4873".to_string()];
        let pairs = parse_routes(&good).expect("a loopback server");
        assert_eq!(pairs, [("npm.registry.example".to_string(), "http://127.0.0.1:4873".to_string())]);
        assert!(parse_routes(&["npm.registry.example".into()]).expect_err("no =").message.contains("HOST="));
        assert!(parse_routes(&["npm.registry.example=http://192.0.2.1:80".into()]).is_err());
    }
}
