//! Who wrote a mail, where the mail itself proves it: DKIM (RFC 6376), SPF (RFC 7208), aligned with the author's address
//! as DMARC has it (RFC 7489).
//!
//! It promises:
//!
//! 1. Proof is a good signature over the whole body, the author (`From`) and the recipients (`To`, `Cc`), by the
//!    author's domain or one that its DMARC record lets sign for it, and not older than [`MailAuthConfig::age_max`].
//!    Where the operator says so, SPF of an aligned envelope sender is proof, too.
//! 2. What is signed covers what it opens: the addresses in the signed `To` and `Cc` come with the proof, so that who
//!    gets hold of such a mail cannot send it elsewhere (RFC 3965 §5.2.2). A field that stands there twice, of which
//!    one may be unsigned, makes it no proof.
//! 3. Where the DNS does not answer, nobody is turned away for good: [`AuthError::Trouble`].
//! 4. A message costs a bounded number of look-ups, in bounded time.

mod config;

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, DmarcResult, MessageAuthenticator, SpfOutput, SpfResult,
    dmarc::verify::DmarcParameters,
};
use mail_parser::{Address, MessageParser};
use ring::digest;

pub use config::MailAuthConfig;

/// Signatures of one message that are looked at; each costs a look-up.
const SIGNATURES_MAX: usize = 10;
/// How far ahead of ours a signer's clock may be.
const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// What is claimed of a mail.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Where it comes from, if that is known.
    pub peer: Option<IpAddr>,
    /// What the client calls itself.
    pub helo: &'a str,
    /// The envelope sender.
    pub sender: &'a str,
    /// The message as it came.
    pub message: &'a [u8],
    /// The time now.
    pub now: Timestamp,
}

/// A mail that proves its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    /// The author's address, in lower case.
    pub author: String,
    /// How, for the log.
    pub by: String,
    /// The addresses that the mail is for, where they are signed; `None` where the sending machine is the proof.
    pub addressed: Option<Vec<String>>,
    /// What the mail is known by when it comes again.
    pub print: String,
}

/// Why a mail proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// It cannot be told just now.
    #[error("{0}")]
    Trouble(String),
    /// It does not prove its author. A clause for the sender.
    #[error("{0}")]
    NotProved(String),
}

fn not_proved<T>(text: impl Into<String>) -> Result<T, AuthError> {
    Err(AuthError::NotProved(text.into()))
}

/// Tells who wrote a mail.
#[async_trait]
pub trait Authenticate: Send + Sync {
    /// The author that a mail proves.
    ///
    /// # Errors
    /// [`AuthError`] says why there is none.
    async fn author(&self, claim: Claim<'_>) -> Result<Proved, AuthError>;
}

/// By DKIM, SPF and DMARC, with the records that the DNS has.
pub struct MailAuth {
    config: MailAuthConfig,
    resolver: MessageAuthenticator,
}

impl MailAuth {
    /// With the servers of the settings, or the system's.
    ///
    /// # Errors
    /// Where the system's cannot be read.
    pub fn new(config: MailAuthConfig) -> Result<Self, String> {
        let resolver = config.resolver()?;
        Ok(Self { config, resolver })
    }

    async fn look(&self, claim: Claim<'_>) -> Result<Proved, AuthError> {
        let Some(mail) = AuthenticatedMessage::parse(claim.message) else {
            return not_proved("it cannot be read");
        };
        let head = Head::read(claim.message, &mail)?;
        let outputs = self.resolver.verify_dkim(&mail).await;
        let mut trouble = None;
        let mut why = String::from("it has no DKIM signature");
        for output in outputs.iter().take(SIGNATURES_MAX) {
            match self.signed(output, &mail, &head, &claim).await {
                Ok(by) => return Ok(head.proved(by, true, claim.message)),
                Err(AuthError::Trouble(text)) => trouble = Some(text),
                Err(AuthError::NotProved(text)) => why = text,
            }
        }
        if self.config.spf_is_enough {
            match self.by_spf(&mail, &head, &claim).await {
                Ok(by) => return Ok(head.proved(by, false, claim.message)),
                Err(AuthError::Trouble(text)) => trouble = Some(text),
                Err(AuthError::NotProved(text)) => why = format!("{why}, and {text}"),
            }
        }
        match trouble {
            Some(text) => Err(AuthError::Trouble(text)),
            None => not_proved(why),
        }
    }

    /// Whether one signature is proof; what it is called in the log.
    async fn signed(
        &self,
        output: &DkimOutput<'_>,
        mail: &AuthenticatedMessage<'_>,
        head: &Head,
        claim: &Claim<'_>,
    ) -> Result<String, AuthError> {
        match output.result() {
            DkimResult::Pass => {}
            DkimResult::TempError(error) => return Err(AuthError::Trouble(error.to_string())),
            DkimResult::Neutral(error) | DkimResult::Fail(error) | DkimResult::PermError(error) => {
                return not_proved(format!("its DKIM signature is not good ({error})"));
            }
            DkimResult::None => return not_proved("it has no DKIM signature"),
        }
        let Some(signature) = output.signature() else { return not_proved("it has no DKIM signature") };
        let covers = |name: &str| signature.h.iter().any(|field| field.eq_ignore_ascii_case(name));
        if let Some(bare) = head.fields.iter().find(|name| !covers(name)) {
            return not_proved(format!("its DKIM signature leaves out the field {bare}"));
        }
        if signature.l > 0 {
            return not_proved("its DKIM signature covers a part of the body only");
        }
        self.fresh(signature.t, head, claim.now)?;
        let none = SpfOutput::new(String::new());
        let one = std::slice::from_ref(output);
        let aligned = self.resolver.verify_dmarc(DmarcParameters::new(mail, one, "", &none)).await;
        match aligned.dkim_result() {
            DmarcResult::Pass => {}
            DmarcResult::TempError(error) => return Err(AuthError::Trouble(error.to_string())),
            // Without a record of what may sign for it, a domain signs for itself.
            DmarcResult::None if signature.d.eq_ignore_ascii_case(&head.domain) => {}
            _ => return not_proved(format!("it is signed by {}, which is not {}", signature.d, head.domain)),
        }
        Ok(format!("DKIM of {} ({})", signature.d, signature.s))
    }

    /// By the time of the signature, or else the date of the mail, which is signed.
    fn fresh(&self, signed: u64, head: &Head, now: Timestamp) -> Result<(), AuthError> {
        let signed = i64::try_from(signed).ok().filter(|seconds| *seconds > 0);
        let at = signed.and_then(|seconds| Timestamp::from_second(seconds).ok()).or(head.date);
        let Some(at) = at else { return not_proved("it does not say when it was signed") };
        let age = now.duration_since(at);
        if age.is_negative() && age.unsigned_abs() > CLOCK_SKEW {
            return not_proved("it was signed in the future");
        }
        if age.is_positive() && age.unsigned_abs() > self.config.age_max {
            return not_proved("it was signed too long ago");
        }
        Ok(())
    }

    async fn by_spf(
        &self,
        mail: &AuthenticatedMessage<'_>,
        head: &Head,
        claim: &Claim<'_>,
    ) -> Result<String, AuthError> {
        let Some(peer) = claim.peer else { return not_proved("where it comes from is not known") };
        let asked = SpfParameters::verify_mail_from(peer, claim.helo, "localhost", claim.sender);
        let spf = self.resolver.verify_spf(asked).await;
        match spf.result() {
            SpfResult::Pass => {}
            SpfResult::TempError => return Err(AuthError::Trouble("SPF: the DNS does not answer".into())),
            other => return not_proved(format!("SPF says {other:?}").to_lowercase()),
        }
        let domain = claim.sender.rsplit_once('@').map_or("", |(_, domain)| domain);
        let dmarc = self.resolver.verify_dmarc(DmarcParameters::new(mail, &[], domain, &spf)).await;
        match dmarc.spf_result() {
            DmarcResult::Pass => {}
            DmarcResult::TempError(error) => return Err(AuthError::Trouble(error.to_string())),
            DmarcResult::None if domain.eq_ignore_ascii_case(&head.domain) => {}
            _ => return not_proved(format!("SPF speaks for {domain}, which is not {}", head.domain)),
        }
        Ok(format!("SPF of {domain}"))
    }
}

#[async_trait]
impl Authenticate for MailAuth {
    async fn author(&self, claim: Claim<'_>) -> Result<Proved, AuthError> {
        match tokio::time::timeout(self.config.timeout, self.look(claim)).await {
            Ok(result) => result,
            Err(_) => Err(AuthError::Trouble("the DNS does not answer in time".into())),
        }
    }
}

/// What the header says, each field once.
struct Head {
    author: String,
    domain: String,
    addressed: Vec<String>,
    date: Option<Timestamp>,
    message_id: String,
    /// The fields that are there and must be signed.
    fields: Vec<&'static str>,
}

impl Head {
    fn read(message: &[u8], mail: &AuthenticatedMessage<'_>) -> Result<Self, AuthError> {
        let mut fields = Vec::new();
        for (name, is_needed) in
            [("From", true), ("To", false), ("Cc", false), ("Date", true), ("Subject", false)]
        {
            let count = mail.headers.iter().filter(|(field, _)| is_field(field, name)).count();
            match count {
                0 if is_needed => return not_proved(format!("it has no field {name}")),
                0 => {}
                1 => fields.push(name),
                _ => return not_proved(format!("it has the field {name} more than once")),
            }
        }
        let [author] = mail.from.as_slice() else { return not_proved("it has not exactly one author") };
        let Some((_, domain)) = author.rsplit_once('@') else {
            return not_proved("its author is no address");
        };
        let parsed = MessageParser::new().parse_headers(message);
        let parsed = parsed.filter(|parsed| !parsed.parts.is_empty());
        let Some(parsed) = parsed else { return not_proved("it cannot be read") };
        let addressed = [parsed.to(), parsed.cc()].into_iter().flatten().flat_map(addresses).collect();
        let date = parsed.date().and_then(|date| Timestamp::from_second(date.to_timestamp()).ok());
        Ok(Self {
            author: author.to_lowercase(),
            domain: domain.to_lowercase(),
            addressed,
            date,
            message_id: parsed.message_id().unwrap_or_default().to_owned(),
            fields,
        })
    }

    fn proved(self, by: String, is_signed: bool, message: &[u8]) -> Proved {
        let body = message.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_default();
        let mut hash = digest::Context::new(&digest::SHA256);
        for part in
            [self.author.as_bytes(), self.message_id.as_bytes(), message.get(body..).unwrap_or_default()]
        {
            hash.update(&part.len().to_be_bytes());
            hash.update(part);
        }
        let print = hash.finish().as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Proved { author: self.author, by, addressed: is_signed.then_some(self.addressed), print }
    }
}

fn is_field(field: &[u8], name: &str) -> bool {
    field.trim_ascii().eq_ignore_ascii_case(name.as_bytes())
}

fn addresses<'a>(field: &'a Address<'_>) -> impl Iterator<Item = String> + 'a {
    field.iter().filter_map(|one| one.address().map(str::to_owned))
}
