//! The rung of the ladder that only a whole mail can stand on: its author, where the mail proves it.
//!
//! Who is let in by nothing before (an address outside all networks) is let pass RCPT where its envelope sender could
//! be an author who may. Here that must come true: the author is proved, may fax, to every one of the recipients; the
//! numbers stand in the signed `To` or `Cc`; and this mail was not faxed to them before. Else nothing is kept.

use std::net::IpAddr;

use super::{Reason, Refusal, Submit};
use crate::address::{Client, Mailbox, Standing};
use crate::job::{Proof, Recipient, Sender, Submission};
use crate::mailauth::{AuthError, Claim, Proved};

/// Where a mail comes from, as far as a door knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The machine that brought it.
    pub peer: Option<IpAddr>,
    /// What that calls itself.
    pub helo: String,
}

fn no(text: String, cause: &str) -> Refusal {
    Refusal::new(Reason::NotProved, text, cause)
}

impl Submit {
    /// The submission with the proof that lets it in.
    pub(super) async fn prove(
        &self,
        submission: Submission,
        message: &[u8],
        origin: &Origin,
    ) -> Result<Submission, Refusal> {
        let (Proof::Network(_), Some(peer)) = (&submission.sender.proof, origin.peer) else {
            return Ok(submission);
        };
        // Keys open for their recipients, and name who it was.
        if submission.recipients.iter().all(|recipient| recipient.key_of.is_some())
            && let Some(name) = submission.recipients.first().and_then(|first| first.key_of.clone())
        {
            let sender = Sender { proof: Proof::Key(name), ..submission.sender };
            return Ok(Submission { sender, ..submission });
        }
        let sender = submission.sender.mailbox.clone().unwrap_or_default();
        match self.rules.policy.standing(&Client::Machine(peer), &sender) {
            Ok(Standing::ToBeProved) => {}
            // The recipients have been decided over.
            Ok(Standing::Proved) | Err(_) => return Ok(submission),
        }
        let Some(authors) = &self.authors else {
            return Err(no("this gateway does not look at who wrote a mail".into(), "no mail_auth"));
        };
        let (helo, now) = (origin.helo.as_str(), self.clock.now());
        let claim = Claim { peer: Some(peer), helo, sender: &sender, message, now };
        let proved = authors.author(claim).await.map_err(|error| refused(&error, &sender))?;
        self.proved(submission, proved)
    }

    /// The author is known: decides over everything again.
    fn proved(&self, submission: Submission, proved: Proved) -> Result<Submission, Refusal> {
        let Proved { author, by, addressed, print } = proved;
        let client = Client::Author(author.clone());
        for recipient in &submission.recipients {
            let class = self.ledger.class(&recipient.number);
            let mut trail = crate::address::Trail::default();
            let policy = &self.rules.policy;
            let decided = policy.decide(&client, Some(&author), &recipient.number, class, &mut trail);
            tracing::info!(number = %recipient.number, author, by, trail = trail.0.join("; "), ?decided, "proved");
            decided.map_err(|denial| self.rules.denied(&denial))?;
            if addressed.as_ref().is_some_and(|signed| !self.is_among(recipient, signed)) {
                let text = format!("{} does not stand in the signed To or Cc of this mail", recipient.number);
                return Err(no(text, "signed for other numbers"));
            }
        }
        let proof = Proof::Author { address: author, by, print };
        let submission = Submission { sender: Sender { proof, ..submission.sender }, ..submission };
        match self.ledger.faxed_before(&submission) {
            Some(recipient) => {
                let text = format!(
                    "this very mail was faxed to {} before, and is not faxed again",
                    recipient.number
                );
                Err(no(text, "replayed"))
            }
            None => Ok(submission),
        }
    }

    /// Whether one of the signed addresses is that of the recipient.
    fn is_among(&self, recipient: &Recipient, signed: &[String]) -> bool {
        signed.iter().any(|address| {
            let is_same = Mailbox::parse(address).is_some_and(|mailbox| {
                mailbox.domain.as_deref().is_some_and(|domain| self.rules.addresses.is_ours(domain))
            });
            let fax = is_same.then(|| self.rules.read(address).ok()).flatten();
            fax.and_then(|fax| self.rules.plan.number(&fax.phone).ok()).as_ref() == Some(&recipient.number)
        })
    }
}

fn refused(error: &AuthError, sender: &str) -> Refusal {
    match error {
        AuthError::Trouble(cause) => {
            let text = "it cannot be told just now who wrote this mail; please try again later";
            Refusal::new(Reason::Trouble, text, cause)
        }
        AuthError::NotProved(why) => {
            let text = format!("this mail does not prove that it is from {sender}: {why}");
            no(text, "not proved")
        }
    }
}
