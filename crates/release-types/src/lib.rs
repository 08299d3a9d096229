//! What the canisters and their clients say to each other: Candid types, ids and errors.
//!
//! Nothing here does I/O, reads a clock or knows the Internet Computer's canister API, so the same types serve the
//! DAO canister, the custody canister, the command line tool and the tests. Times are nanoseconds since the Unix
//! epoch (`_at_ns`), sizes are bytes (`_bytes`), shares are basis points (`_bp`, 1/10,000).

pub mod alarms;
pub mod amendment;
pub mod artifact;
pub mod control;
pub mod credential;
pub mod custody;
pub mod dao;
pub mod declaration;
pub mod defect;
pub mod digest;
pub mod freeze;
pub mod member;
pub mod mode;
pub mod notice;
pub mod order;
pub mod policy;
pub mod proposal;
pub mod refusal;
pub mod registry;
pub mod settings;
pub mod voting;
pub mod waiting;
pub mod watch;

pub use amendment::{
    AmendOrder, Amendment, AmendmentProposal, AmendmentState, AmendmentStatus, PromotionDelayProposal,
};
pub use artifact::{ArtifactRef, CHUNK_BYTES, FileEntry};
pub use credential::{CredentialId, CredentialMode, CredentialPolicy};
pub use declaration::{DeclarationProposal, DeclareOutcomeArgs};
pub use defect::Defect;
pub use digest::Sha256Digest;
pub use freeze::{FreezeArgs, FreezeScope};
pub use member::{Member, MemberChange, MemberId, Proposer};
pub use mode::PublishingMode;
pub use notice::{Notice, SeenNotice};
pub use order::{OrderId, OrderStatus, PublicationState, PublishOrder};
pub use policy::{KindPolicy, Policies, Policy, ProposalKind};
pub use proposal::{ProposalAction, ProposalId, ProposalStatus, ProposalView};
pub use refusal::Refusal;
pub use registry::{Ecosystem, Registry, RegistryId};
pub use settings::Settings;
pub use voting::{Choice, Tally};
pub use waiting::{MetObstacle, Obstacle, Wait, Waiting};
pub use watch::PackageKey;
