//! Validators: what a governor asks before it puts a call to the vote. Each method that releases something or changes a
//! token has one, named `validate_<method>`, which takes the same argument and changes nothing.
//!
//! The answer is what governors of generic proposals understand: `Ok` with the text that voters read, or `Err` with
//! everything that is wrong. A validator refuses what the method would refuse for good; what the method would only
//! put off (`BUSY: `) passes, since it may be different by the time of the decision.

mod amendment;
mod credential;
mod declaration;
mod freeze;
mod order;
mod rendering;
mod watch;

use release_types::{
    AmendOrder, PackageKey, PublishOrder, Settings,
    credential::DepositCredentialArgs,
    custody::ChangeCredentialArgs,
    declaration::DeclareOutcomeArgs,
    freeze::{FreezeArgs, FreezeScope},
    watch::WatchArgs,
};

use crate::{credentials, publish, refusal::Refusal, runtime::Runtime, settings};

/// Text for voters, or everything that is wrong, one line a defect.
pub type Validation = Result<String, String>;

/// What would come of an order to publish.
pub fn publish<R: Runtime>(runtime: &R, order: &PublishOrder) -> Validation {
    validation(publish::check(runtime, order), || order::render(order))
}

/// What would come of an order to amend.
pub fn amend<R: Runtime>(runtime: &R, order: &AmendOrder) -> Validation {
    validation(crate::amend::check(runtime, order), || amendment::render(order))
}

/// What would come of depositing a sealed token.
pub fn deposit_credential<R: Runtime>(runtime: &R, args: &DepositCredentialArgs) -> Validation {
    validation(credentials::check_deposit(runtime, args), || credential::render_deposit(args))
}

/// What would come of changing a credential.
pub fn change_credential<R: Runtime>(runtime: &R, args: &ChangeCredentialArgs) -> Validation {
    validation(credentials::check_change(runtime, args), || credential::render_change(args))
}

/// What would come of freezing.
pub fn freeze(args: &FreezeArgs) -> Validation {
    validation(crate::freeze::check_freeze(args), || freeze::render_freeze(args))
}

/// What would come of lifting a freeze.
pub fn unfreeze(scope: FreezeScope) -> Validation {
    validation(crate::freeze::check_unfreeze(scope), || freeze::render_unfreeze(scope))
}

/// What would come of declaring what became of an artifact.
pub fn declare_outcome(args: &DeclareOutcomeArgs) -> Validation {
    validation(publish::declaring::check(args), || declaration::render(args))
}

/// What would come of watching a package.
pub fn watch_package<R: Runtime>(runtime: &R, args: &WatchArgs) -> Validation {
    validation(crate::watch::check(runtime, args), || watch::render_watch(args))
}

/// What would come of watching a package no longer: that is never refused.
pub fn unwatch_package(package: &PackageKey) -> Validation {
    Ok(watch::render_unwatch(package))
}

/// What would come of other settings.
pub fn change_settings(settings: &Settings) -> Validation {
    validation(settings::check(settings), || {
        let Settings { releases_per_package_and_day } = settings;
        let mut text = rendering::Rendering::new("Change the settings");
        text.line("releases_per_package_and_day", releases_per_package_and_day.to_string());
        text.finish()
    })
}

fn validation<T>(checked: Result<T, Refusal>, render: impl FnOnce() -> String) -> Validation {
    checked.map(|_| render()).map_err(|refusal| refusal.to_string())
}
