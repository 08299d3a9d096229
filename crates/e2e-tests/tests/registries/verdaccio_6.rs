//! Verdaccio 6, the npm server that most people run.

use std::sync::LazyLock;

use release_types::Ecosystem;

use crate::{
    npm_peer::npm_peer_tests,
    setting::{Setting, Shared},
};

static SERVER: Shared = LazyLock::new(|| Setting::make("verdaccio-6", Ecosystem::Npm));

npm_peer_tests!(&SERVER);
