//! Verdaccio 6, the npm server that most people run.

use std::sync::LazyLock;

use release_types::Ecosystem;

use crate::{
    npm_amendments::assert_deprecates,
    npm_peer::npm_peer_tests,
    setting::{Setting, Shared},
};

static SERVER: Shared = LazyLock::new(|| Setting::make("verdaccio-6", Ecosystem::Npm));

npm_peer_tests!(&SERVER);

#[test]
fn should_deprecate_and_take_that_back() {
    assert_deprecates(&SERVER);
}
