//! pnpr, which checks integrity, checksum and length of what it is sent.

use std::sync::LazyLock;

use release_types::Ecosystem;

use crate::{
    npm_amendments::assert_refuses_to_deprecate,
    npm_peer::npm_peer_tests,
    setting::{Setting, Shared},
};

static SERVER: Shared = LazyLock::new(|| Setting::make("npm", Ecosystem::Npm));

npm_peer_tests!(&SERVER);

#[test]
fn should_send_nothing_when_a_deprecation_cannot_be_written_back_safely() {
    assert_refuses_to_deprecate(&SERVER);
}
