//! What a door brings: a message, who sent it, and to whom it shall be faxed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::SubmissionId;
use crate::address::Number;

/// One message for one or more recipients, as a door hands it to `submit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Its name.
    pub id: SubmissionId,
    /// When it came.
    pub received: Timestamp,
    /// The way it came.
    pub door: Door,
    /// Who sent it.
    pub sender: Sender,
    /// To whom it goes; never empty.
    pub recipients: Vec<Recipient>,
    /// What was asked for.
    pub options: Options,
    /// What the reports shall give back (RFC 3461 RET); `None` where nothing was said.
    pub ret: Option<Ret>,
    /// The sender's own name for the transaction (RFC 3461 ENVID, decoded from xtext).
    pub envid: Option<String>,
}

/// The way a submission came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Door {
    /// The SMTP listener.
    Smtp,
    /// A mail server that asks us as its milter.
    Milter,
    /// `faxgate send` on this machine.
    Cli,
}

/// Who sent it, and how we know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// The reverse path; `None` is the null path `<>`, to which nothing is ever reported.
    pub mailbox: Option<String>,
    /// The proof that let it in.
    pub proof: Proof,
}

/// How the sender's right to fax was shown. The envelope sender alone proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// The client's address lies in a network that may fax; the address as text.
    Network(String),
    /// The client showed a certificate that may fax; its SHA-256 fingerprint.
    Certificate(String),
    /// A person who has signed in; the name.
    User(String),
    /// A person with an account on this machine.
    LocalUser(String),
    /// Somebody who has logged in at a mail server that is believed; the login name.
    Login(String),
    /// A person whose key stands in the address; the name.
    Key(String),
    /// The author of a mail that proves it (DKIM, SPF).
    Author {
        /// The author's address.
        address: String,
        /// How it was proved.
        by: String,
        /// What the mail is known by when it comes again.
        print: String,
    },
}

/// One recipient of a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The address exactly as it stood in `RCPT TO` (RFC 3464 Final-Recipient wants it so).
    pub address: String,
    /// The number to dial.
    pub number: Number,
    /// Digits for the far gateway's or machine's own routing (T.33 subaddress, RFC 3192 `/T33S=`).
    pub subaddress: Option<String>,
    /// Who it is for, from `/ATTN=` (RFC 2846), for the cover page.
    pub attention: Option<String>,
    /// Which reports the sender wants (RFC 3461 NOTIFY).
    pub notify: Notify,
    /// The original recipient (RFC 3461 ORCPT, `type;address`, decoded from xtext).
    pub orcpt: Option<String>,
    /// Whose key stood in the address, which is kept without it.
    #[serde(default)]
    pub key_of: Option<String>,
}

/// Which reports are wanted for a recipient (RFC 3461 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// Report that the fax was delivered.
    pub success: bool,
    /// Report that it failed.
    pub failure: bool,
    /// Report that it takes longer than expected.
    pub delay: bool,
}

impl Notify {
    /// `NOTIFY=NEVER`.
    pub const NEVER: Self = Self { success: false, failure: false, delay: false };
    /// Nothing was said. A fax sender expects a receipt, so this gateway reports everything.
    pub const DEFAULT: Self = Self { success: true, failure: true, delay: true };
}

/// How much of the message a failure report gives back (RFC 3461 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ret {
    /// The whole message.
    Full,
    /// Its header.
    Headers,
}

/// What the sender asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// The resolution to render at; `None` is the configured default.
    pub resolution: Option<Fineness>,
    /// Whether a cover page goes first; `None` is the configured default.
    pub cover: Option<bool>,
    /// Not to be dialled before (RFC 4865 HOLDFOR, HOLDUNTIL).
    pub not_before: Option<Timestamp>,
    /// How the sender said so, for reports (RFC 4865 §5.1.2): `for;60`.
    #[serde(default)]
    pub hold_request: Option<String>,
    /// Not to be dialled any more from then on: the job ends as expired (RFC 2852 BY=…;R).
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// When the sender is told that it takes long, in place of the configured time (RFC 2852 BY=…;N).
    #[serde(default)]
    pub delay_report_at: Option<Timestamp>,
    /// Which of the jobs that are due is dialled first (RFC 6710): −9 to 9, the highest first.
    #[serde(default)]
    pub priority: i8,
    /// To be dialled so often at most, where the rules do not allow fewer.
    #[serde(default)]
    pub tries_max: Option<u32>,
    /// Whether the mail itself asked for some of it, by its header or a tag before its subject.
    #[serde(default)]
    pub from_mail: bool,
    /// Whether the mail asks its sender to be told by a disposition notification, too (RFC 8098).
    #[serde(default)]
    pub wants_disposition: bool,
    /// What the sender's accounts call it: printable ASCII, at most [`Options::BILLING_CHARS_MAX`] characters.
    #[serde(default)]
    pub billing: Option<String>,
}

impl Options {
    /// The longest billing code.
    pub const BILLING_CHARS_MAX: usize = 64;
    /// The most urgent priority, and with a minus sign the least urgent (RFC 6710 §4).
    pub const PRIORITY_MAX: i8 = 9;

    /// Whether a text can be a billing code.
    #[must_use]
    pub fn is_billing_code(text: &str) -> bool {
        (1..=Self::BILLING_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|b| (b' '..=b'~').contains(&b))
    }
}

/// The resolutions that a person may ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fineness {
    /// 204×98.
    Standard,
    /// 204×196.
    #[default]
    Fine,
    /// 204×391.
    Superfine,
}

impl Fineness {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Fine, Self::Superfine];

    /// The page resolution.
    #[must_use]
    pub fn resolution(self) -> fax::page::Resolution {
        match self {
            Self::Standard => fax::page::Resolution::R204x98,
            Self::Fine => fax::page::Resolution::R204x196,
            Self::Superfine => fax::page::Resolution::R204x391,
        }
    }
}
