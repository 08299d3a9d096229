//! The contexts of the interface specification: through which entry point a canister runs.

/// How the running canister was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// `I`: `canister_init` or `canister_post_upgrade`
    Init,
    /// `G`: `canister_pre_upgrade`
    PreUpgrade,
    /// `U`
    Update,
    /// `RQ`: a query called as an update or by a canister
    ReplicatedQuery,
    /// `NRQ`
    NonReplicatedQuery,
    /// `TQ`: transform of an HTTP outcall
    Transform,
    /// `CQ`
    CompositeQuery,
    /// `Ry`
    Reply,
    /// `Rt`
    Reject,
    /// `CRy`
    CompositeReply,
    /// `CRt`
    CompositeReject,
    /// `C`
    Cleanup,
    /// `CC`
    CompositeCleanup,
    /// `s`: the module's start function
    Start,
    /// `F`: `canister_inspect_message`
    Inspect,
    /// `T`: `canister_global_timer`
    SystemTask,
}

impl Context {
    /// The specification's abbreviation.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Init => "I",
            Self::PreUpgrade => "G",
            Self::Update => "U",
            Self::ReplicatedQuery => "RQ",
            Self::NonReplicatedQuery => "NRQ",
            Self::Transform => "TQ",
            Self::CompositeQuery => "CQ",
            Self::Reply => "Ry",
            Self::Reject => "Rt",
            Self::CompositeReply => "CRy",
            Self::CompositeReject => "CRt",
            Self::Cleanup => "C",
            Self::CompositeCleanup => "CC",
            Self::Start => "s",
            Self::Inspect => "F",
            Self::SystemTask => "T",
        }
    }

    /// The name in the network's error messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::PreUpgrade => "pre upgrade",
            Self::Update => "update",
            Self::ReplicatedQuery => "replicated query",
            Self::NonReplicatedQuery => "non replicated query",
            Self::Transform => "transform",
            Self::CompositeQuery => "composite query",
            Self::Reply => "reply callback",
            Self::Reject => "reject callback",
            Self::CompositeReply => "composite reply callback",
            Self::CompositeReject => "composite reject callback",
            Self::Cleanup => "cleanup",
            Self::CompositeCleanup => "composite cleanup",
            Self::Start => "start",
            Self::Inspect => "inspect message",
            Self::SystemTask => "system task",
        }
    }

    /// Whether all nodes of a subnet execute this, rather than a single one.
    pub fn is_replicated(self) -> bool {
        !matches!(
            self,
            Self::NonReplicatedQuery
                | Self::Transform
                | Self::CompositeQuery
                | Self::CompositeReply
                | Self::CompositeReject
                | Self::CompositeCleanup
                | Self::Inspect
        )
    }
}

/// A set of contexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contexts(u16);

impl Contexts {
    /// `*` of the specification: every context except the start function.
    pub const ALL: Self = Self(!(1 << Context::Start as u16));

    pub const fn of(contexts: &[Context]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < contexts.len() {
            bits |= 1 << contexts[i] as u16;
            i += 1;
        }
        Self(bits)
    }

    pub const fn and(self, context: Context) -> Self {
        Self(self.0 | 1 << context as u16)
    }

    pub const fn contains(self, context: Context) -> bool {
        self.0 & (1 << context as u16) != 0
    }
}
