//! The HTTP interface as clients meet it: requests made by hand, the unmodified agent crate, browsers'
//! questions, the gateway, the control interface and the binary. Clauses of the specification are listed on the conformance page.

mod agent;
mod authentication;
mod browsers;
mod calls;
mod certification;
mod control;
mod encoding;
mod gateway;
mod queries;
mod raw;
mod read_state;
mod serve;
mod setup;
mod subnets;
