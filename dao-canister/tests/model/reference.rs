//! The rules of deciding, as simply as they can be said: no log, no snapshots by number, no running counts.

use std::collections::{BTreeMap, BTreeSet};

use candid::Principal;
use release_types::{
    Choice, MemberChange, MemberId, Policies, Policy, ProposalAction, ProposalId, ProposalKind, dao::DaoInit,
};

use crate::{Group, steps::Step};

pub const START_NS: u64 = 1_800_000_000_000_000_000;
const DAY_NS: u64 = 24 * 3_600 * 1_000_000_000;
const MOST_KEY_ACTIONS: usize = 5;
const MOST_KEYS: usize = 5;

/// A rule that can be broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    Heads,
    Approval,
    Quorum,
    EarlyDecision,
    ExactDeadline,
    LateSwing,
    LateSwingBound,
    Timelock,
    Expiry,
    PowerSnapshot,
    RuleSnapshot,
    ProposerLeftOut,
    Abstention,
    VoteChange,
    OneBallotAMember,
    GuardiansOnly,
    WithdrawnByAuthor,
    NamedProposers,
    Outsiders,
    OpenLimit,
    DayLimit,
    PolicyVersion,
    StrictestForRules,
    StrictestForMembers,
    OneKeyNeverDecides,
    CheckedAgain,
    SuspendedKeys,
    TwoSuspend,
    VoidIfTheRuleSays,
    NoStands,
    KeysByVoteWhileSuspended,
    KeyPace,
    LastKey,
}

impl Rule {
    pub const ALL: [Self; 33] = [
        Self::Heads,
        Self::Approval,
        Self::Quorum,
        Self::EarlyDecision,
        Self::ExactDeadline,
        Self::LateSwing,
        Self::LateSwingBound,
        Self::Timelock,
        Self::Expiry,
        Self::PowerSnapshot,
        Self::RuleSnapshot,
        Self::ProposerLeftOut,
        Self::Abstention,
        Self::VoteChange,
        Self::OneBallotAMember,
        Self::GuardiansOnly,
        Self::WithdrawnByAuthor,
        Self::NamedProposers,
        Self::Outsiders,
        Self::OpenLimit,
        Self::DayLimit,
        Self::PolicyVersion,
        Self::StrictestForRules,
        Self::StrictestForMembers,
        Self::OneKeyNeverDecides,
        Self::CheckedAgain,
        Self::SuspendedKeys,
        Self::TwoSuspend,
        Self::VoidIfTheRuleSays,
        Self::NoStands,
        Self::KeysByVoteWhileSuspended,
        Self::KeyPace,
        Self::LastKey,
    ];
}

#[derive(Clone)]
struct Person {
    name: String,
    power: u64,
    keys: Vec<Principal>,
}

#[derive(Clone)]
struct Suspicion {
    member: MemberId,
    by: Vec<MemberId>,
}

struct Proposal {
    by: Principal,
    author: Option<MemberId>,
    action: ProposalAction,
    rule: Policy,
    electorate: BTreeMap<MemberId, u64>,
    ballots: BTreeMap<MemberId, (Choice, u64, Principal)>,
    status: &'static str,
    submitted_ns: u64,
    deadline_ns: u64,
    due_ns: Option<u64>,
}

/// What is planned: at the same time, in the order of planning.
#[derive(Clone, Copy)]
enum Planned {
    Close(usize),
    CarryOut(usize),
}

#[derive(Clone)]
struct People {
    members: BTreeMap<MemberId, Person>,
    proposers: BTreeMap<Principal, String>,
    suspicions: BTreeMap<Principal, Suspicion>,
    next: u32,
}

/// A group by the rules.
pub struct Reference {
    broken: Option<Rule>,
    now_ns: u64,
    people: People,
    policies: Policies,
    proposals: Vec<Proposal>,
    agenda: Vec<(u64, Planned)>,
    key_actions: Vec<(MemberId, u64)>,
}

/// How both show a proposal.
pub fn proposal_line(
    id: ProposalId,
    status: &str,
    ballots: Option<&[(MemberId, Choice)]>,
    power: (u64, u64, u64, u64),
    heads: (u32, u32, u32),
    times: (u64, Option<u64>),
) -> String {
    format!("proposal {id} {status} {power:?} {heads:?} {times:?} {ballots:?}")
}

impl Reference {
    pub fn new(group: &DaoInit, broken: Option<Rule>) -> Self {
        let person = |member: &release_types::Member| {
            let (name, power, keys) = (member.name.clone(), member.voting_power, member.keys.clone());
            (member.id, Person { name, power, keys })
        };
        let people = People {
            members: group.members.iter().map(person).collect(),
            proposers: group.proposers.iter().map(|known| (known.principal, known.name.clone())).collect(),
            suspicions: BTreeMap::new(),
            next: group.members.len() as u32 + 1,
        };
        Self {
            broken,
            now_ns: START_NS,
            people,
            policies: group.policies.clone(),
            proposals: Vec::new(),
            agenda: Vec::new(),
            key_actions: Vec::new(),
        }
    }

    fn keeps(&self, rule: Rule) -> bool {
        self.broken != Some(rule)
    }

    // What steps are chosen by.

    pub fn keys(&self) -> Vec<Principal> {
        self.people.members.values().flat_map(|person| person.keys.clone()).collect()
    }

    pub fn members(&self) -> Vec<MemberId> {
        self.people.members.keys().copied().collect()
    }

    pub fn suspected(&self) -> Vec<Principal> {
        self.people.suspicions.keys().copied().collect()
    }

    pub fn live(&self) -> Vec<ProposalId> {
        let is_live = |proposal: &&Proposal| matches!(proposal.status, "Open" | "Approved");
        let ids = (1..).map(ProposalId).zip(&self.proposals);
        ids.filter(|(_, proposal)| is_live(proposal)).map(|(id, _)| id).collect()
    }

    pub fn proposals(&self) -> u64 {
        self.proposals.len() as u64
    }

    /// How long until the next vote closes.
    pub fn until_deadline_ns(&self) -> Option<u64> {
        let open = self.proposals.iter().filter(|proposal| proposal.status == "Open");
        open.map(|proposal| proposal.deadline_ns.saturating_sub(self.now_ns)).min()
    }

    pub fn version(&self) -> u64 {
        self.policies.version
    }

    /// Whether rules fit a group of so many members, among whom are those named.
    pub fn is_fit(policies: &Policies, members: usize, exists: &dyn Fn(MemberId) -> bool) -> bool {
        Self::is_fit_from(policies, members, exists, if members == 1 { 1 } else { 2 })
    }

    fn is_fit_from(
        policies: &Policies,
        members: usize,
        exists: &dyn Fn(MemberId) -> bool,
        least_yes: u32,
    ) -> bool {
        let rules: Vec<_> =
            std::iter::once(&policies.default).chain(policies.kinds.iter().map(|own| &own.policy)).collect();
        let voters = |votes: bool| (members - usize::from(!votes)) as u32;
        let is_fit = |rule: &&Policy| {
            let range = least_yes..=voters(rule.proposer_votes);
            range.contains(&rule.least_yes_members)
                && rule.proposers.iter().chain(&rule.guardians).all(|id| exists(*id))
        };
        let together = rules.iter().map(|rule| rule.least_yes_members).max().unwrap_or(0);
        let all_vote = rules.iter().all(|rule| rule.proposer_votes);
        rules.iter().all(is_fit) && together <= voters(all_vote)
    }

    fn fits(&self, policies: &Policies, people: &People) -> bool {
        let exists = |id: MemberId| people.members.contains_key(&id);
        let count = people.members.len();
        let least = if count == 1 || !self.keeps(Rule::OneKeyNeverDecides) { 1 } else { 2 };
        Self::is_fit_from(policies, count, &exists, least)
    }

    // Who somebody is.

    fn is_suspended(&self, key: &Principal) -> bool {
        let needed = if self.keeps(Rule::TwoSuspend) { 2 } else { 1 };
        self.people.suspicions.get(key).is_some_and(|suspicion| suspicion.by.len() >= needed)
    }

    fn owner(&self, key: &Principal) -> Option<MemberId> {
        self.people.members.iter().find(|(_, person)| person.keys.contains(key)).map(|(id, _)| *id)
    }

    fn acting(&self, key: &Principal) -> Option<MemberId> {
        self.owner(key).filter(|_| !self.keeps(Rule::SuspendedKeys) || !self.is_suspended(key))
    }

    fn is_participant(&self, key: &Principal) -> bool {
        self.acting(key).is_some() || self.people.proposers.contains_key(key)
    }

    // Which rule decides.

    fn of_kind(&self, kind: ProposalKind) -> &Policy {
        let own = self.policies.kinds.iter().find(|own| own.kind == kind);
        own.map_or(&self.policies.default, |own| &own.policy)
    }

    fn rule(&self, action: &ProposalAction) -> Policy {
        let mut rule = self.of_kind(ProposalKind::of(action)).clone();
        let touched: Vec<_> = match action {
            ProposalAction::Policies(new) if self.keeps(Rule::StrictestForRules) => {
                let after = |kind| {
                    new.kinds.iter().find(|own| own.kind == kind).map_or(&new.default, |own| &own.policy)
                };
                ProposalKind::ALL.into_iter().filter(|kind| self.of_kind(*kind) != after(*kind)).collect()
            }
            ProposalAction::Members { .. } if self.keeps(Rule::StrictestForMembers) => {
                ProposalKind::ALL.to_vec()
            }
            _ => Vec::new(),
        };
        for kind in touched {
            let other = self.of_kind(kind);
            rule.least_yes_members = rule.least_yes_members.max(other.least_yes_members);
            rule.approval_bp = rule.approval_bp.max(other.approval_bp);
            rule.quorum_bp = rule.quorum_bp.max(other.quorum_bp);
            rule.voting_period_ns = rule.voting_period_ns.max(other.voting_period_ns);
            rule.late_swing_ns = rule.late_swing_ns.max(other.late_swing_ns);
            rule.timelock_ns = rule.timelock_ns.max(other.timelock_ns);
            rule.execution_window_ns = rule.execution_window_ns.min(other.execution_window_ns);
            rule.proposer_votes &= other.proposer_votes;
            rule.abstention &= other.abstention;
            rule.vote_change &= other.vote_change;
            rule.void_suspended |= other.void_suspended;
            rule.guardians.extend(&other.guardians);
        }
        rule
    }

    fn rule_of(&self, at: usize) -> Policy {
        let proposal = &self.proposals[at];
        if self.keeps(Rule::RuleSnapshot) { proposal.rule.clone() } else { self.rule(&proposal.action) }
    }

    // How votes end.

    /// Whether these ballots adopt it, if they are all there is.
    fn adopts<'a>(&self, at: usize, ballots: impl Iterator<Item = &'a (Choice, u64)>) -> bool {
        let (mut yes, mut no, mut abstain, mut heads) = (0u128, 0u128, 0u128, 0);
        for (choice, power) in ballots {
            match choice {
                Choice::Yes => {
                    yes += u128::from(*power);
                    heads += 1;
                }
                Choice::No => no += u128::from(*power),
                Choice::Abstain => abstain += u128::from(*power),
            }
        }
        let rule = self.rule_of(at);
        let total: u128 = self.voters(at).values().map(|power| u128::from(*power)).sum();
        let enough = heads >= rule.least_yes_members || !self.keeps(Rule::Heads);
        let share = u128::from(rule.approval_bp) * (yes + no);
        let wins =
            if self.keeps(Rule::Approval) { yes * 10_000 > share } else { yes > 0 && yes * 10_000 >= share };
        let quorum = (yes + no + abstain) * 10_000 >= u128::from(rule.quorum_bp) * total;
        enough && wins && (quorum || !self.keeps(Rule::Quorum))
    }

    fn voters(&self, at: usize) -> BTreeMap<MemberId, u64> {
        let proposal = &self.proposals[at];
        let mut voters = proposal.electorate.clone();
        if !proposal.rule.proposer_votes
            && let Some(author) = proposal.author
        {
            voters.remove(&author);
        }
        voters
    }

    fn adopts_now(&self, at: usize) -> bool {
        let cast: Vec<_> =
            self.proposals[at].ballots.values().map(|(choice, power, _)| (*choice, *power)).collect();
        self.adopts(at, cast.iter())
    }

    /// Ends the vote if the deadline has come, or if it ends the same way whoever else votes however.
    fn decide(&mut self, at: usize) {
        if self.proposals[at].status != "Open" {
            return;
        }
        let cast = &self.proposals[at].ballots;
        let voters = self.voters(at);
        let away: Vec<_> = voters.iter().filter(|(member, _)| !cast.contains_key(*member)).collect();
        let with = |choice: Option<Choice>| {
            let mut ballots: Vec<_> = cast.values().map(|(choice, power, _)| (*choice, *power)).collect();
            ballots.extend(
                choice.iter().flat_map(|choice| away.iter().map(move |(_, power)| (*choice, **power))),
            );
            self.adopts(at, ballots.iter())
        };
        let futures = [with(None), with(Some(Choice::No)), with(Some(Choice::Yes))];
        let late_ns = u64::from(!self.keeps(Rule::ExactDeadline));
        let is_over = self.now_ns >= self.proposals[at].deadline_ns + late_ns;
        let is_certain =
            futures.iter().all(|adopted| *adopted == futures[0]) && self.keeps(Rule::EarlyDecision);
        if !is_over && !is_certain {
            return;
        }
        let timelock_ns = if self.keeps(Rule::Timelock) { self.rule_of(at).timelock_ns } else { 0 };
        let due_ns = self.now_ns + timelock_ns;
        let proposal = &mut self.proposals[at];
        if futures[0] {
            proposal.status = "Approved";
            proposal.due_ns = Some(due_ns);
            self.agenda.push((due_ns, Planned::CarryOut(at)));
        } else {
            proposal.status = "Rejected";
        }
    }

    fn carry_out(&mut self, at: usize) {
        let rule = self.rule_of(at);
        let proposal = &mut self.proposals[at];
        let Some(due_ns) = proposal.due_ns.filter(|_| proposal.status == "Approved") else { return };
        if self.now_ns >= due_ns + rule.execution_window_ns && self.broken != Some(Rule::Expiry) {
            proposal.status = "Expired";
            return;
        }
        if self.now_ns < due_ns {
            return;
        }
        let action = proposal.action.clone();
        let done = match action {
            ProposalAction::Members { changes } => match self.changed(&changes) {
                Some(people) => {
                    self.people = people;
                    self.void_ballots();
                    true
                }
                None => !self.keeps(Rule::CheckedAgain),
            },
            ProposalAction::Policies(policies) => {
                let is_next =
                    policies.version == self.policies.version + 1 || !self.keeps(Rule::PolicyVersion);
                let fits = is_next && self.fits(&policies, &self.people);
                if fits {
                    self.policies = policies;
                }
                fits
            }
            _ => true,
        };
        self.proposals[at].status = if done { "Executed" } else { "Failed" };
    }

    /// The members after these changes, if they may be made.
    fn changed(&self, changes: &[MemberChange]) -> Option<People> {
        let mut people = self.people.clone();
        for change in changes {
            match change.clone() {
                MemberChange::Admit { name, voting_power: power, keys } => {
                    people.members.insert(MemberId(people.next), Person { name, power, keys });
                    people.next += 1;
                }
                MemberChange::Remove { member } => drop(people.members.remove(&member)?),
                MemberChange::SetPower { member, voting_power } => {
                    people.members.get_mut(&member)?.power = voting_power;
                }
                MemberChange::SetKeys { member, keys } => {
                    keys.iter().for_each(|key| drop(people.suspicions.remove(key)));
                    people.members.get_mut(&member)?.keys = keys;
                }
                MemberChange::Reinstate { key } => drop(people.suspicions.remove(&key)?),
                MemberChange::AddProposer(proposer) => {
                    if people.proposers.insert(proposer.principal, proposer.name).is_some() {
                        return None;
                    }
                }
                MemberChange::RemoveProposer { principal } => drop(people.proposers.remove(&principal)?),
            }
        }
        (people.is_sound(self.keeps(Rule::LastKey)) && self.fits(&self.policies, &people))
            .then_some(people)
            .map(People::without_stale_suspicions)
    }

    /// What suspended keys and former members said for open proposals.
    fn void_ballots(&mut self) {
        for at in 0..self.proposals.len() {
            let rule = self.rule_of(at);
            let is_open = self.proposals[at].status == "Open" && self.now_ns < self.proposals[at].deadline_ns;
            if !is_open || (!rule.void_suspended && self.keeps(Rule::VoidIfTheRuleSays)) {
                continue;
            }
            let ballots = &self.proposals[at].ballots;
            let void = |(member, (choice, _, key)): &(&MemberId, &(Choice, u64, Principal))| {
                (*choice != Choice::No || !self.keeps(Rule::NoStands))
                    && (self.is_suspended(key) || !self.people.members.contains_key(*member))
            };
            let void: Vec<_> = ballots.iter().filter(void).map(|(member, _)| *member).collect();
            for member in void {
                self.proposals[at].ballots.remove(&member);
            }
        }
    }

    /// Lets time pass, and what is planned happen.
    fn pass(&mut self, time_ns: u64) {
        let end_ns = self.now_ns + time_ns;
        loop {
            let first = (0..self.agenda.len()).min_by_key(|at| self.agenda[*at].0);
            let Some(first) = first.filter(|first| self.agenda[*first].0 <= end_ns) else { break };
            let (due_ns, planned) = self.agenda.remove(first);
            self.now_ns = self.now_ns.max(due_ns);
            match planned {
                Planned::Close(at) if self.now_ns >= self.proposals[at].deadline_ns => self.decide(at),
                Planned::Close(_) => {}
                Planned::CarryOut(at) => self.carry_out(at),
            }
        }
        self.now_ns = end_ns;
    }

    fn index(&self, id: ProposalId) -> Option<usize> {
        let at = usize::try_from(id.0.checked_sub(1)?).ok()?;
        (at < self.proposals.len()).then_some(at)
    }

    // What people do.

    fn propose(&mut self, by: Principal, action: ProposalAction) -> Result<(), &'static str> {
        let kind = self.of_kind(ProposalKind::of(&action));
        let author = self.acting(&by);
        let may = match author {
            Some(member) => {
                kind.proposers.is_empty()
                    || kind.proposers.contains(&member)
                    || !self.keeps(Rule::NamedProposers)
            }
            None => {
                self.people.proposers.contains_key(&by)
                    && (kind.outsiders_propose || !self.keeps(Rule::Outsiders))
            }
        };
        if !may {
            return Err("NotAllowed");
        }
        let is_same = |proposal: &&Proposal| match author {
            Some(_) => proposal.author == author,
            None => proposal.author.is_none() && proposal.by == by,
        };
        let open = self.proposals.iter().filter(is_same).filter(|proposal| proposal.status == "Open").count();
        if open >= self.policies.most_open as usize && self.keeps(Rule::OpenLimit) {
            return Err("TooManyOpen");
        }
        let recent = |proposal: &&Proposal| proposal.submitted_ns > self.now_ns - DAY_NS;
        let of_day = self.proposals.iter().filter(is_same).filter(recent).count();
        if of_day >= self.policies.most_per_day as usize && self.keeps(Rule::DayLimit) {
            return Err("TooOften");
        }
        let is_valid = match &action {
            ProposalAction::Members { changes } => self.changed(changes).is_some(),
            ProposalAction::Policies(policies) => {
                (policies.version == self.policies.version + 1 || !self.keeps(Rule::PolicyVersion))
                    && self.fits(policies, &self.people)
            }
            _ => true,
        };
        if !is_valid {
            return Err("Invalid");
        }
        let rule = self.rule(&action);
        let deadline_ns = self.now_ns + rule.voting_period_ns;
        self.agenda.push((deadline_ns, Planned::Close(self.proposals.len())));
        self.proposals.push(Proposal {
            by,
            author,
            action,
            rule,
            electorate: self.people.members.iter().map(|(id, person)| (*id, person.power)).collect(),
            ballots: BTreeMap::new(),
            status: "Open",
            submitted_ns: self.now_ns,
            deadline_ns,
            due_ns: None,
        });
        Ok(())
    }

    fn vote(&mut self, by: Principal, id: ProposalId, choice: Choice) -> Result<(), &'static str> {
        let member = self.acting(&by).ok_or("NotAllowed")?;
        let at = self.index(id).ok_or("NoSuchProposal")?;
        let mut power = *self.proposals[at].electorate.get(&member).ok_or("NotAllowed")?;
        if !self.keeps(Rule::PowerSnapshot) {
            power = self.people.members[&member].power;
        }
        let rule = self.rule_of(at);
        if self.proposals[at].status != "Open" || self.now_ns >= self.proposals[at].deadline_ns {
            return Err("NotOpen");
        }
        if !rule.proposer_votes
            && self.proposals[at].author == Some(member)
            && self.keeps(Rule::ProposerLeftOut)
        {
            return Err("OwnProposal");
        }
        if choice == Choice::Abstain && !rule.abstention && self.keeps(Rule::Abstention) {
            return Err("NoAbstention");
        }
        if let Some((cast, _, key)) = self.proposals[at].ballots.get(&member) {
            let is_other_key = *key != by && !self.keeps(Rule::OneBallotAMember);
            let may_change = rule.vote_change || !self.keeps(Rule::VoteChange) || is_other_key;
            if !may_change || *cast == choice {
                return Err("AlreadyVoted");
            }
        }
        let before = self.adopts_now(at);
        self.proposals[at].ballots.insert(member, (choice, power, by));
        if self.adopts_now(at) != before && self.keeps(Rule::LateSwing) {
            let proposal = &mut self.proposals[at];
            let bound_ns =
                if self.broken == Some(Rule::LateSwingBound) { 3 } else { 2 } * rule.voting_period_ns;
            let later_ns = (self.now_ns + rule.late_swing_ns).min(proposal.submitted_ns + bound_ns);
            if later_ns > proposal.deadline_ns {
                proposal.deadline_ns = later_ns;
                self.agenda.push((later_ns, Planned::Close(at)));
            }
        }
        self.decide(at);
        Ok(())
    }

    fn withdraw(&mut self, by: Principal, id: ProposalId) -> Result<(), &'static str> {
        let Some(at) = self.index(id) else {
            return Err(if self.is_participant(&by) { "NoSuchProposal" } else { "NotAllowed" });
        };
        let proposal = &self.proposals[at];
        let is_author = match proposal.author {
            Some(_) => proposal.author == self.acting(&by),
            None => proposal.by == by && self.is_participant(&by),
        };
        if !is_author && self.keeps(Rule::WithdrawnByAuthor) {
            return Err("NotAllowed");
        }
        match proposal.status {
            "Open" | "Approved" => self.proposals[at].status = "Withdrawn",
            _ => return Err("NotWithdrawable"),
        }
        Ok(())
    }

    fn veto(&mut self, by: Principal, id: ProposalId) -> Result<(), &'static str> {
        let member = self.acting(&by).ok_or("NotAllowed")?;
        let at = self.index(id).ok_or("NoSuchProposal")?;
        if !matches!(self.proposals[at].status, "Open" | "Approved") {
            return Err("NotStoppable");
        }
        if !self.rule_of(at).guardians.contains(&member) && self.keeps(Rule::GuardiansOnly) {
            return Err("NotAllowed");
        }
        self.proposals[at].status = "Vetoed";
        Ok(())
    }

    fn execute(&mut self, by: Principal, id: ProposalId) -> Result<(), &'static str> {
        if !self.is_participant(&by) {
            return Err("NotAllowed");
        }
        let at = self.index(id).ok_or("NoSuchProposal")?;
        self.decide(at);
        self.carry_out(at);
        match self.proposals[at].status {
            "Approved" => Err("NotDue"),
            "Executed" | "Failed" => Ok(()),
            _ => Err("NotApproved"),
        }
    }

    fn change_keys(
        &mut self,
        by: Principal,
        add: Option<Principal>,
        remove: Option<Principal>,
    ) -> Result<(), &'static str> {
        let member = self.acting(&by).ok_or("NotAllowed")?;
        let is_suspended = self.people.members[&member].keys.iter().any(|key| self.is_suspended(key));
        if (add.is_none() && remove.is_none()) || (is_suspended && self.keeps(Rule::KeysByVoteWhileSuspended))
        {
            return Err("Invalid");
        }
        let mut people = self.people.clone();
        let keys = &mut people.members.get_mut(&member).expect("acts").keys;
        if let Some(removed) = remove {
            let at = keys.iter().position(|key| *key == removed).ok_or("Invalid")?;
            keys.remove(at);
        }
        keys.extend(add);
        if !people.is_sound(self.keeps(Rule::LastKey)) {
            return Err("Invalid");
        }
        self.count_key_action(member)?;
        self.people = people.without_stale_suspicions();
        Ok(())
    }

    fn suspend_key(&mut self, by: Principal, key: Principal) -> Result<(), &'static str> {
        let by = self.acting(&by).ok_or("NotAllowed")?;
        if let Some(known) = self.people.suspicions.get(&key)
            && (self.is_suspended(&key) || known.by.contains(&by))
        {
            return Ok(());
        }
        let member = self.owner(&key).filter(|owner| *owner != by).ok_or("Invalid")?;
        self.count_key_action(by)?;
        let suspicion = self.people.suspicions.entry(key).or_insert(Suspicion { member, by: Vec::new() });
        suspicion.by.push(by);
        self.void_ballots();
        Ok(())
    }

    fn count_key_action(&mut self, member: MemberId) -> Result<(), &'static str> {
        let is_recent = |(by, at_ns): &&(MemberId, u64)| *by == member && at_ns + DAY_NS > self.now_ns;
        if self.key_actions.iter().filter(is_recent).count() >= MOST_KEY_ACTIONS && self.keeps(Rule::KeyPace)
        {
            return Err("TooOften");
        }
        self.key_actions.push((member, self.now_ns));
        Ok(())
    }
}

impl People {
    /// Whether names and keys are each there once, and everybody can vote.
    fn is_sound(&self, needs_key: bool) -> bool {
        let keys = self.members.values().flat_map(|person| &person.keys).chain(self.proposers.keys());
        let (mut seen, mut names) = (BTreeSet::new(), BTreeSet::new());
        let once = keys.into_iter().all(|key| seen.insert(key));
        let named = self.members.values().all(|person| names.insert(&person.name));
        let least = usize::from(needs_key);
        let can_vote = |person: &Person| person.power > 0 && (least..=MOST_KEYS).contains(&person.keys.len());
        once && named && !self.members.is_empty() && self.members.values().all(can_vote)
    }

    fn without_stale_suspicions(mut self) -> Self {
        let members = &self.members;
        self.suspicions.retain(|key, suspicion| {
            members.get(&suspicion.member).is_some_and(|person| person.keys.contains(key))
        });
        self
    }
}

impl Group for Reference {
    fn take(&mut self, step: &Step) -> Option<String> {
        self.pass(1);
        let result = match step.clone() {
            Step::Propose { by, action } => self.propose(by, action),
            Step::Vote { by, proposal, choice } => self.vote(by, proposal, choice),
            Step::Withdraw { by, proposal } => self.withdraw(by, proposal),
            Step::Veto { by, proposal } => self.veto(by, proposal),
            Step::Execute { by, proposal } => self.execute(by, proposal),
            Step::ChangeKeys { by, add, remove } => self.change_keys(by, add, remove),
            Step::SuspendKey { by, key } => self.suspend_key(by, key),
            Step::Pass { time_ns } => {
                self.pass(time_ns);
                Ok(())
            }
            Step::Upgrade { time_ns } => {
                self.now_ns += time_ns;
                self.agenda.clear();
                for (at, proposal) in self.proposals.iter().enumerate() {
                    match (proposal.status, proposal.due_ns) {
                        ("Open", _) => {
                            self.agenda.push((proposal.deadline_ns.max(self.now_ns), Planned::Close(at)))
                        }
                        ("Approved", Some(due_ns)) => {
                            self.agenda.push((due_ns.max(self.now_ns), Planned::CarryOut(at)));
                        }
                        _ => {}
                    }
                }
                self.pass(0);
                Ok(())
            }
        };
        result.err().map(str::to_owned)
    }

    fn view(&self) -> Vec<String> {
        let mut lines = vec![format!("rules {}", self.policies.version)];
        for (id, person) in &self.people.members {
            lines.push(format!("member {id} {} {:?}", person.power, person.keys));
        }
        lines.extend(self.people.proposers.keys().map(|principal| format!("proposer {principal}")));
        for key in self.people.suspicions.keys() {
            lines.push(format!("suspension {key} {}", self.is_suspended(key)));
        }
        for (at, proposal) in self.proposals.iter().enumerate() {
            let ballots: Vec<_> =
                proposal.ballots.iter().map(|(member, (choice, ..))| (*member, *choice)).collect();
            let of = |wanted: Choice| -> u64 {
                let cast = proposal.ballots.values().filter(|(choice, ..)| *choice == wanted);
                cast.map(|(_, power, _)| *power).sum()
            };
            let is_yes = |(_, choice): &&(MemberId, Choice)| *choice == Choice::Yes;
            let voters = self.voters(at);
            let is_live = matches!(proposal.status, "Open" | "Approved");
            lines.push(proposal_line(
                ProposalId(at as u64 + 1),
                proposal.status,
                is_live.then_some(ballots.as_slice()),
                (of(Choice::Yes), of(Choice::No), of(Choice::Abstain), voters.values().sum()),
                (ballots.iter().filter(is_yes).count() as u32, ballots.len() as u32, voters.len() as u32),
                (proposal.deadline_ns, proposal.due_ns),
            ));
        }
        lines
    }
}
