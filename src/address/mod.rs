//! Telephone numbers, the addresses that carry them, and who may fax where.
//!
//! ```text
//!   "FAX=+1-212-555-0123/T33S=6377"@fax.example.com
//!     │ mailbox   is the domain ours? what stands to its left?      → local part
//!     │ gstn      what does the local part say (RFC 3191, 3192, 2846) → FaxAddress
//!     │ dialplan  which number is that, seen from here (E.164)        → Number
//!     ▼ policy    may this client have it dialled?                    → Proof or Denial
//! ```
//!
//! All of it is pure: configuration and text in, a value or a reason out.

pub mod class;
pub mod dialplan;
pub mod gstn;
pub mod mailbox;
pub mod network;
pub mod number;
pub mod policy;

pub use class::{Class, Classes};
pub use dialplan::{DialPlan, DialPlanConfig, NumberError};
pub use gstn::{AddressError, FaxAddress, Phone};
pub use mailbox::{AddressConfig, Mailbox};
pub use network::Network;
pub use number::Number;
pub use policy::{
    Account, AuthorRule, Client, Denial, Exceeded, GroupRule, Money, Period, Policy, PolicyConfig, Quota,
    RateRule, Spent, Standing, Trail, Usage, UserRule,
};

/// A setting that cannot be meant so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {problem}")]
pub struct SettingError {
    /// The setting, as it is called in the configuration file.
    pub setting: &'static str,
    /// What is wrong with it.
    pub problem: String,
}
