//! The only place where the state changes: one event, one clock reading, one transition, one block of the log.

use audit_log::ReplayError;
use content_types::{ItemId, OwnerName};

use crate::{
    pages,
    runtime::Runtime,
    state::{DerivationPurpose, Event, Item, Owner, State, mutate_state, owner::Openings},
    storage,
};

/// Lets something have happened: applies it to the state and writes it to the log, at one and the same time.
///
/// # Panics
/// If the event contradicts the state, which is a defect of this program.
pub fn process_event<R: Runtime>(runtime: &R, event: Event) {
    let time_ns = runtime.time_ns();
    mutate_state(|state| apply_state_transition(state, time_ns, &event));
    storage::append(time_ns, &event);
    if let Event::LearnedRecipientKeys { owner, .. } = &event {
        pages::publish(owner);
    }
    runtime.certify(pages::certified_root());
}

/// Rebuilds the state from a log that begins with [`Event::Initialized`].
///
/// # Panics
/// If the log begins with anything else or contradicts itself.
pub fn replay(
    events: impl IntoIterator<Item = Result<(u64, Event), ReplayError>>,
) -> Result<State, ReplayError> {
    let mut state: Option<State> = None;
    for entry in events {
        let (time_ns, event) = entry?;
        match (&mut state, event) {
            (None, Event::Initialized { administrators, key_name }) => {
                state = Some(State::new(administrators, key_name));
            }
            (Some(state), event) => apply_state_transition(state, time_ns, &event),
            (None, _) => panic!("BUG: the log does not begin with the installation"),
        }
    }
    Ok(state.unwrap_or_else(|| panic!("BUG: the log is empty")))
}

/// What each event does to the state, live and in replay.
pub fn apply_state_transition(state: &mut State, time_ns: u64, event: &Event) {
    match event {
        Event::Initialized { administrators, key_name } => {
            *state = State::new(administrators.clone(), key_name.clone());
        }
        Event::LearnedVerificationKey { key } => state.verification_key = Some(key.clone()),
        Event::RegisteredOwner { owner, public_key_der, quota_bytes, openings_per_day } => {
            let registered = Owner {
                public_key_der: public_key_der.clone(),
                quota_bytes: *quota_bytes,
                openings_per_day: *openings_per_day,
                registered_at_ns: time_ns,
                recipient_keys: None,
                used_bytes: 0,
                items: 0,
                openings: Openings::default(),
            };
            let taken = state.owner_of.insert(registered.principal(), owner.clone());
            let replaced = state.owners.insert(owner.clone(), registered);
            assert!(taken.is_none() && replaced.is_none(), "BUG: an owner was registered twice");
        }
        Event::BoundDerivation { purpose } => {
            if let DerivationPurpose::Opening { reader, .. } = purpose {
                owner_mut(state, reader).openings.count_one(time_ns);
            }
        }
        Event::LearnedRecipientKeys { owner, p256, x25519 } => {
            owner_mut(state, owner).recipient_keys = Some([p256.clone(), x25519.clone()]);
        }
        Event::BeganUpload { item, owner, title, format, size_bytes } => {
            let of = owner_mut(state, owner);
            of.used_bytes += size_bytes;
            of.items += 1;
            let began = Item {
                owner: owner.clone(),
                title: title.clone(),
                format: *format,
                size_bytes: *size_bytes,
                stored_at_ns: None,
                grants: Default::default(),
            };
            state.items.insert(*item, began);
            state.last_item = *item;
        }
        Event::StoredItem { item } => item_mut(state, *item).stored_at_ns = Some(time_ns),
        Event::DeletedItem { item } => {
            let deleted = state.items.remove(item).unwrap_or_else(|| panic!("BUG: item {item} is not there"));
            let of = owner_mut(state, &deleted.owner);
            of.used_bytes -= deleted.size_bytes;
            of.items -= 1;
        }
        Event::SharedItem { item, grant } => {
            item_mut(state, *item).grants.insert(grant.reader.clone(), grant.clone());
        }
        Event::UnsharedItem { item, reader } => {
            item_mut(state, *item).grants.remove(reader);
        }
    }
}

fn owner_mut<'a>(state: &'a mut State, owner: &OwnerName) -> &'a mut Owner {
    state.owners.get_mut(owner).unwrap_or_else(|| panic!("BUG: owner {owner} is not registered"))
}

fn item_mut(state: &mut State, item: ItemId) -> &mut Item {
    state.items.get_mut(&item).unwrap_or_else(|| panic!("BUG: item {item} is not there"))
}
