//! Validators: what a governor asks before it puts a call to the vote. Each method that releases something or changes a
//! token has one, named `validate_<method>`, which takes the same argument and changes nothing.
//!
//! The answer is what governors of generic proposals understand: `Ok` with the text that voters read, or `Err` with
//! everything that is wrong. A validator refuses what the method would refuse for good; what the method would only
//! put off (`BUSY: `) passes, since it may be different by the time of the decision.

mod credential;
mod order;
mod rendering;

use release_types::{PublishOrder, credential::DepositCredentialArgs, custody::ChangeCredentialArgs};

use crate::{credentials, publish, refusal::Refusal, runtime::Runtime};

/// Text for voters, or everything that is wrong, one line a defect.
pub type Validation = Result<String, String>;

/// What would come of an order to publish.
pub fn publish<R: Runtime>(runtime: &R, order: &PublishOrder) -> Validation {
    validation(publish::check(runtime, order), || order::render(order))
}

/// What would come of depositing a sealed token.
pub fn deposit_credential<R: Runtime>(runtime: &R, args: &DepositCredentialArgs) -> Validation {
    validation(credentials::check_deposit(runtime, args), || credential::render_deposit(args))
}

/// What would come of changing a credential.
pub fn change_credential<R: Runtime>(runtime: &R, args: &ChangeCredentialArgs) -> Validation {
    validation(credentials::check_change(runtime, args), || credential::render_change(args))
}

fn validation<T>(checked: Result<T, Refusal>, render: impl FnOnce() -> String) -> Validation {
    checked.map(|_| render()).map_err(|refusal| refusal.to_string())
}
