#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::address::{DialPlanConfig, PolicyConfig};
use crate::clock::{ManualClock, Timestamp};
use crate::job::{Door, FaxId, Notice, NoticeId, Options, ReceivedFax, Sender, SubmissionId};
use crate::store::{JobFilter, StoreError};

/// Keeps what is accepted, or fails as it is told. The other verbs of a store are none of `Submit`'s business,
/// and say so.
#[derive(Default)]
struct Accepting {
    kept: Mutex<Vec<(Submission, Vec<u8>, Vec<Job>)>>,
    failure: Mutex<Option<StoreError>>,
}

fn not_asked<T>() -> Result<T, StoreError> {
    panic!("submit only accepts")
}

#[async_trait]
impl Store for Accepting {
    async fn accept(&self, submission: &Submission, message: &[u8], jobs: &[Job]) -> Result<(), StoreError> {
        if let Some(failure) = self.failure.lock().unwrap().take() {
            return Err(failure);
        }
        self.kept
            .lock()
            .unwrap()
            .push((submission.clone(), message.to_vec(), jobs.to_vec()));
        Ok(())
    }
    async fn message(&self, _: &SubmissionId) -> Result<Vec<u8>, StoreError> {
        not_asked()
    }
    async fn job(&self, _: &JobId) -> Result<Job, StoreError> {
        not_asked()
    }
    async fn jobs(&self, _: &JobFilter) -> Result<Vec<Job>, StoreError> {
        not_asked()
    }
    async fn due(&self, _: Timestamp, _: usize) -> Result<Vec<Job>, StoreError> {
        not_asked()
    }
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        not_asked()
    }
    async fn update(&self, _: &Job, _: &[Notice]) -> Result<Job, StoreError> {
        not_asked()
    }
    async fn keep_received(&self, _: &ReceivedFax, _: &[Notice]) -> Result<(), StoreError> {
        not_asked()
    }
    async fn received(&self, _: &FaxId) -> Result<ReceivedFax, StoreError> {
        not_asked()
    }
    async fn received_list(&self, _: usize) -> Result<Vec<ReceivedFax>, StoreError> {
        not_asked()
    }
    async fn notices_due(&self, _: Timestamp, _: usize) -> Result<Vec<Notice>, StoreError> {
        not_asked()
    }
    async fn notice_retry(&self, _: &Notice) -> Result<(), StoreError> {
        not_asked()
    }
    async fn notice_done(&self, _: &NoticeId) -> Result<(), StoreError> {
        not_asked()
    }
}

struct Bench {
    submit: Submit,
    store: Arc<Accepting>,
    wake: Arc<tokio::sync::Notify>,
}

fn now() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn rules() -> Rules {
    Rules {
        addresses: AddressConfig {
            domains: vec!["fax.example.com".into()],
            postmaster: Some("ops@example.com".into()),
        },
        plan: DialPlan::new(DialPlanConfig {
            area_code: "212".into(),
            ..DialPlanConfig::default()
        })
        .unwrap(),
        policy: Policy::new(PolicyConfig {
            networks: vec!["192.0.2.0/24".parse().unwrap()],
            destinations: vec!["+1".into()],
            ..PolicyConfig::default()
        })
        .unwrap(),
        limits: SubmitConfig::default(),
    }
}

/// A survey that knows one attachment it cannot convert, and one that makes it fall over.
fn survey(message: &[u8]) -> Result<(), Refusal> {
    let text = String::from_utf8_lossy(message);
    assert!(!text.contains("bomb.pdf"), "the survey fell over");
    match text.contains("contract.xyz") {
        true => Err(Refusal::new(
            Reason::Unconvertible,
            "contract.xyz cannot be faxed",
            "x/xyz",
        )),
        false => Ok(()),
    }
}

fn bench() -> Bench {
    let store = Arc::new(Accepting::default());
    let wake = Arc::new(tokio::sync::Notify::new());
    let clock = Arc::new(ManualClock::new(now()));
    let submit = Submit::new(rules(), Arc::new(survey), store.clone(), clock, wake.clone());
    Bench { submit, store, wake }
}

fn office() -> Client {
    Client::Machine("192.0.2.7".parse().unwrap())
}

fn wanted(address: &str) -> Wanted {
    Wanted {
        address: address.into(),
        notify: None,
        orcpt: None,
    }
}

fn decide(client: &Client, sender: Option<&str>, address: &str) -> Result<Recipient, Refusal> {
    bench().submit.recipient(client, sender, wanted(address))
}

fn recipient(address: &str) -> Recipient {
    decide(&office(), Some("anna@example.com"), address).unwrap()
}

fn submission(recipients: Vec<Recipient>) -> Submission {
    Submission {
        id: SubmissionId::new(now()),
        received: now(),
        door: Door::Smtp,
        sender: Sender {
            mailbox: Some("anna@example.com".into()),
            proof: proof(&office()),
        },
        recipients,
        options: Options::default(),
        ret: None,
        envid: None,
    }
}

#[test]
fn a_fax_address_becomes_a_recipient() {
    let submit = bench().submit;
    let asked = Wanted {
        address: "FAX=+1-212-555-0123/T33S=6377/ATTN=Tom.Smith@Fax.Example.com".into(),
        notify: Some(Notify::NEVER),
        orcpt: Some("rfc822;tom@example.net".into()),
    };
    let got = submit
        .recipient(&office(), Some("anna@example.com"), asked.clone())
        .unwrap();
    assert_eq!(got.address, asked.address);
    assert_eq!(got.number.as_str(), "+12125550123");
    assert_eq!(got.subaddress.as_deref(), Some("6377"));
    assert_eq!(got.attention.as_deref(), Some("Tom Smith"));
    assert_eq!(got.notify, Notify::NEVER);
    assert_eq!(got.orcpt, asked.orcpt);
    assert_eq!(
        recipient("5550123@fax.example.com").number.as_str(),
        "+12125550123"
    );
    assert_eq!(recipient("5550123@fax.example.com").notify, Notify::DEFAULT);
}

/// Every way in which a recipient is refused, with its codes and a word of its sentence.
#[test]
fn refusals_at_the_recipient() {
    let stranger = Client::Machine("203.0.113.9".parse().unwrap());
    let anna = Some("anna@example.com");
    for (client, sender, address, status, word) in [
        (
            office(),
            anna,
            "+12125550123@example.org",
            "5.7.1",
            "does not relay",
        ),
        (
            office(),
            anna,
            "+12125550123@[192.0.2.1]",
            "5.7.1",
            "does not relay",
        ),
        (
            office(),
            anna,
            "anna@fax.example.com",
            "5.1.3",
            "is no fax number",
        ),
        (
            office(),
            anna,
            "two words@fax.example.com",
            "5.1.3",
            "is no mail address",
        ),
        (
            office(),
            anna,
            "VOICE=+12125550123@fax.example.com",
            "5.1.3",
            "not a fax service",
        ),
        (office(), anna, "911@fax.example.com", "5.7.1", "emergency"),
        (office(), anna, "411@fax.example.com", "5.1.3", "too short"),
        (
            office(),
            anna,
            "+1234567890123456@fax.example.com",
            "5.1.3",
            "too long",
        ),
        (
            office(),
            anna,
            "postmaster@fax.example.com",
            "5.1.1",
            "ops@example.com",
        ),
        (office(), anna, "Postmaster", "5.1.1", "ops@example.com"),
        (
            office(),
            None,
            "+12125550123@fax.example.com",
            "5.7.1",
            "not faxed",
        ),
        (
            office(),
            anna,
            "+49301234567@fax.example.com",
            "5.7.1",
            "not permitted",
        ),
        (
            stranger,
            anna,
            "+12125550123@fax.example.com",
            "5.7.1",
            "write to ops@example.com",
        ),
    ] {
        let refusal = decide(&client, sender, address).unwrap_err();
        assert_eq!(refusal.reason.status(), status, "{address}: {refusal:?}");
        assert!(refusal.text.contains(word), "{address}: {refusal:?}");
    }
}

#[tokio::test]
async fn accepted_is_stored_whole_and_wakes_the_queue() {
    let bench = bench();
    let two = vec![
        recipient("+12125550123@fax.example.com"),
        recipient("+12125550124@fax.example.com"),
    ];
    let submission = submission(two);
    let names = bench
        .submit
        .accept(submission.clone(), b"Subject: x\r\n\r\nhello\r\n".to_vec())
        .await
        .unwrap();
    let kept = bench.store.kept.lock().unwrap();
    let [(stored, message, jobs)] = kept.as_slice() else {
        panic!("{kept:?}")
    };
    assert_eq!(stored, &submission);
    assert_eq!(message, b"Subject: x\r\n\r\nhello\r\n");
    assert_eq!(jobs.iter().map(|j| j.id.clone()).collect::<Vec<_>>(), names);
    assert_eq!(jobs[1].recipient.number.as_str(), "+12125550124");
    assert_eq!(jobs[0].due(), Some(now()));
    let woken = tokio::time::timeout(std::time::Duration::ZERO, bench.wake.notified()).await;
    assert!(woken.is_ok(), "the queue was not woken");
}

#[tokio::test]
async fn a_number_named_twice_is_one_fax() {
    let bench = bench();
    let quiet = Recipient {
        notify: Notify::NEVER,
        ..recipient("+12125550123@fax.example.com")
    };
    let recipients = vec![
        quiet,
        recipient("2125550123@fax.example.com"),
        recipient("2125550123/T33S=1@fax.example.com"),
        recipient("2125550123/ATTN=Tom@fax.example.com"),
        recipient("FAX=+1-212-5550123/T33S=1@fax.example.com"),
    ];
    let names = bench
        .submit
        .accept(submission(recipients), Vec::new())
        .await
        .unwrap();
    assert_eq!(names.len(), 3);
    let kept = bench.store.kept.lock().unwrap();
    assert_eq!(kept[0].0.recipients.len(), 3);
    assert_eq!(kept[0].2[0].recipient.notify, Notify::DEFAULT);
}

#[tokio::test]
async fn many_jobs_in_one_moment_have_names_of_their_own() {
    let bench = bench();
    let address = |n: u32| format!("+1212555{n:04}@fax.example.com");
    let recipients = (0..3000).map(|n| recipient(&address(n))).collect();
    let names = bench
        .submit
        .accept(submission(recipients), Vec::new())
        .await
        .unwrap();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 3000);
}

#[tokio::test]
async fn refused_is_not_stored() {
    let looping = "Received: from a by b\r\n".repeat(101);
    for (message, status, word) in [
        (
            "Content-Disposition: attachment; filename=contract.xyz\r\n\r\n",
            "5.6.1",
            "contract.xyz",
        ),
        ("X: bomb.pdf\r\n\r\n", "4.3.0", "try again later"),
        (
            "Auto-Submitted: auto-replied\r\n\r\nI am away",
            "5.7.1",
            "automatic",
        ),
        (&looping, "5.4.6", "circles"),
    ] {
        let bench = bench();
        let fax = submission(vec![recipient("+12125550123@fax.example.com")]);
        let refusal = bench.submit.accept(fax, message.into()).await.unwrap_err();
        assert_eq!(refusal.reason.status(), status);
        assert!(refusal.text.contains(word), "{refusal:?}");
        assert!(bench.store.kept.lock().unwrap().is_empty());
    }
    let refusal = bench()
        .submit
        .accept(submission(Vec::new()), Vec::new())
        .await
        .unwrap_err();
    assert_eq!(refusal.reason, Reason::NoRecipient);
}

#[tokio::test]
async fn a_store_that_fails_is_trouble_for_now() {
    for (failure, status) in [
        (StoreError::Failed("no space left on device".into()), "4.3.0"),
        (StoreError::Conflict("x".into()), "4.3.0"),
        (StoreError::TooLarge("x".into()), "5.3.4"),
    ] {
        let bench = bench();
        *bench.store.failure.lock().unwrap() = Some(failure);
        let fax = submission(vec![recipient("+12125550123@fax.example.com")]);
        let refusal = bench.submit.accept(fax, Vec::new()).await.unwrap_err();
        assert_eq!(refusal.reason.status(), status);
        assert!(!refusal.text.contains("device"));
        assert!(bench.store.kept.lock().unwrap().is_empty());
    }
}

#[test]
fn the_proof_names_what_was_shown() {
    let mapped = Client::Machine("::ffff:192.0.2.7".parse().unwrap());
    assert_eq!(proof(&mapped), Proof::Network("192.0.2.7".into()));
    assert_eq!(
        proof(&Client::LocalUser("anna".into())),
        Proof::LocalUser("anna".into())
    );
}
