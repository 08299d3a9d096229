//! Making a shared key, renewing its shares and giving a lost holder its share back: one dealing, three purposes.
//!
//! Every participant deals a random polynomial: its commitment's hash first, signed; the commitment when all hashes
//! are known; then its values, each to one holder directly, with the hash of all that was committed. Making a key adds
//! the polynomials up. Renewing adds polynomials that are zero at zero, so that the key stays. Recovery adds
//! polynomials that are zero at the lost holder's index: each helper sends it the sum with its own share, of which the
//! lost one learns its share and nothing else.
//!
//! | step | from | to | what |
//! |---|---|---|---|
//! | [`Holder::start`] | all | coordinator | [`SignedCommitment`] |
//! | [`Holder::reveal`] | all | coordinator | [`Revelation`] |
//! | [`Holder::deliver`] | each | each other, directly | [`DirectShare`] |
//! | [`Holder::prepare`] | all | coordinator | [`Confirmation`] |
//! | [`Holder::activate`] | | | the new share replaces the old, which is kept aside |
//! | [`Holder::release`] | each helper | the lost holder, directly | [`DirectShare`] |
//! | [`Holder::recover`] | | | the lost share is back |
//! | [`Holder::settle`] | | | the old share is wiped |
//! | [`Holder::revert`] | | | or put back |
//!
//! Every step may be repeated and gives the same answer. Who is left out of a dealing is given its share by recovery;
//! when all have theirs, the coordinator settles, else it reverts and tries with others. So an honest one comes to
//! a common set of shares with as many bad holders as there may be, whatever is lost on the way. A bad one can make
//! the key useless, but neither learn nor use it.

mod dealing;
mod dealt;
mod evidence;
mod holder;
mod messages;
mod recovery;
mod refusal;
mod session;

pub use dealt::{Commitments, Dealt, Revelations, equivocations};
pub use evidence::Evidence;
pub use holder::Holder;
pub use messages::{Confirmation, DirectShare, Revelation, SignedCommitment};
pub use refusal::Refusal;
pub use session::{InvalidSession, Purpose, Session, SessionId};
