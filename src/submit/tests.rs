//! `Submit` on a bench: every refusal, and what is stored when there is none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tempfile::TempDir;

use super::*;
use crate::clock::{ManualClock, Timestamp};
use crate::job::{Door, Options, Sender, SubmissionId};
use crate::store::faulty::{Faulty, When};
use crate::store::{JobFilter, SledStore, StoreConfig};

struct Bench {
    submit: Submit,
    store: SledStore,
    wake: Arc<tokio::sync::Notify>,
    _dir: TempDir,
}

impl Bench {
    async fn jobs(&self) -> Vec<Job> {
        let mut jobs = self.store.jobs(&JobFilter::default()).await.unwrap();
        jobs.sort_by(|a, b| a.recipient.address.cmp(&b.recipient.address));
        jobs
    }
}

fn now() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn rules() -> Rules {
    let addresses =
        AddressConfig { domains: vec!["fax.example.com".into()], postmaster: Some("ops@example.com".into()) };
    let plan = DialPlanConfig { area_code: "212".into(), ..DialPlanConfig::default() };
    let policy = PolicyConfig {
        networks: vec!["192.0.2.0/24".parse().unwrap()],
        destinations: vec!["+1".into()],
        ..PolicyConfig::default()
    };
    Rules::new(addresses, plan, policy, SubmitConfig::default()).unwrap()
}

/// A survey that knows one attachment it cannot convert, and one that makes it fall over.
fn survey(message: &[u8]) -> Result<(), Refusal> {
    let text = String::from_utf8_lossy(message);
    assert!(!text.contains("bomb.pdf"), "the survey fell over");
    match text.contains("contract.xyz") {
        true => Err(Refusal::new(Reason::Unconvertible, "contract.xyz cannot be faxed", "x/xyz")),
        false => Ok(()),
    }
}

/// A bench whose store does all it is asked to.
fn bench() -> Bench {
    failing_bench(i64::MAX, When::Before)
}

/// A bench whose store fails at its verb number `verb`.
fn failing_bench(verb: i64, when: When) -> Bench {
    let dir = TempDir::new().unwrap();
    let config = StoreConfig { dir: dir.path().join("store"), ..StoreConfig::default() };
    let store = SledStore::open(config).unwrap().0;
    let wake = Arc::new(tokio::sync::Notify::new());
    let clock = Arc::new(ManualClock::new(now()));
    let faulty = Arc::new(Faulty::new(store.clone(), verb, when));
    let submit = Submit::new(rules(), Arc::new(survey), faulty, clock, wake.clone());
    Bench { submit, store, wake, _dir: dir }
}

const ANNA: Option<&str> = Some("anna@example.com");

fn office() -> Client {
    Client::Machine("192.0.2.7".parse().unwrap())
}

fn wanted(address: &str) -> Wanted {
    Wanted { address: address.into(), notify: None, orcpt: None }
}

fn by_rules(client: &Client, sender: Option<&str>, wanted: &Wanted) -> Result<Recipient, Refusal> {
    let rules = rules();
    rules.decide(client, sender, rules.read(&wanted.address)?, wanted)
}

fn decide(client: &Client, sender: Option<&str>, address: &str) -> Result<Recipient, Refusal> {
    by_rules(client, sender, &wanted(address))
}

fn recipient(address: &str) -> Recipient {
    decide(&office(), ANNA, address).unwrap()
}

fn submission(recipients: Vec<Recipient>) -> Submission {
    Submission {
        id: SubmissionId::new(now()),
        received: now(),
        door: Door::Smtp,
        sender: Sender { mailbox: Some("anna@example.com".into()), proof: proof(&office()) },
        recipients,
        options: Options::default(),
        ret: None,
        envid: None,
    }
}

#[test]
fn a_fax_address_becomes_a_recipient() {
    let asked = Wanted {
        address: "FAX=+1-212-555-0123/T33S=6377/ATTN=Tom.Smith@Fax.Example.com".into(),
        notify: Some(Notify::NEVER),
        orcpt: Some("rfc822;tom@example.net".into()),
    };
    let got = by_rules(&office(), Some("anna@example.com"), &asked).unwrap();
    assert_eq!(got.address, asked.address);
    assert_eq!(got.number.as_str(), "+12125550123");
    assert_eq!(got.subaddress.as_deref(), Some("6377"));
    assert_eq!(got.attention.as_deref(), Some("Tom Smith"));
    assert_eq!(got.notify, Notify::NEVER);
    assert_eq!(got.orcpt, asked.orcpt);
    assert_eq!(recipient("5550123@fax.example.com").number.as_str(), "+12125550123");
    assert_eq!(recipient("5550123@fax.example.com").notify, Notify::DEFAULT);
}

/// Addresses that are refused whoever asks, with the status and a word of the sentence.
#[test]
fn addresses_that_are_refused() {
    for (local_part, status, word) in [
        ("anna", "5.1.3", "is no fax number"),
        ("two words", "5.1.3", "is no mail address"),
        ("VOICE=+12125550123", "5.1.3", "not a fax service"),
        ("911", "5.7.1", "emergency"),
        ("411", "5.1.3", "too short"),
        ("+1234567890123456", "5.1.3", "too long"),
        ("postmaster", "5.1.1", "ops@example.com"),
    ] {
        let address = format!("{local_part}@fax.example.com");
        let refusal = decide(&office(), ANNA, &address).unwrap_err();
        assert_eq!(refusal.reason.status(), status, "{address}: {refusal:?}");
        assert!(refusal.text.contains(word), "{address}: {refusal:?}");
    }
    let refusal = decide(&office(), ANNA, "Postmaster").unwrap_err();
    assert_eq!(refusal.reason, Reason::NoMailbox);
}

/// Who may not, and where to: always 5.7.1, and never a word of the configuration.
#[test]
fn what_is_not_permitted() {
    let stranger = Client::Machine("203.0.113.9".parse().unwrap());
    for (client, sender, address, word) in [
        (office(), ANNA, "+12125550123@example.org", "does not relay"),
        (office(), ANNA, "+12125550123@[192.0.2.1]", "does not relay"),
        (office(), ANNA, "postmaster@example.org", "does not relay"),
        (office(), None, "+12125550123@fax.example.com", "not faxed"),
        (office(), ANNA, "+49301234567@fax.example.com", "not permitted"),
        (stranger, ANNA, "+12125550123@fax.example.com", "write to ops@example.com"),
    ] {
        let refusal = decide(&client, sender, address).unwrap_err();
        assert_eq!(refusal.reason, Reason::NotPermitted, "{address}: {refusal:?}");
        assert!(refusal.text.contains(word), "{address}: {refusal:?}");
        assert!(!refusal.text.contains("192.0.2.0/24"), "{refusal:?}");
    }
}

/// A number typed at the command line has no domain, and is held to the same rules otherwise.
#[test]
fn a_number_by_hand_is_decided_like_any() {
    let submit = bench().submit;
    let decide = |client: &Client, number: &str| submit.by_number(client, ANNA, &wanted(number));
    let typed = decide(&office(), "(212) 555-0123/T33S=7").unwrap();
    assert_eq!((typed.number.as_str(), typed.subaddress.as_deref()), ("+12125550123", Some("7")));
    assert_eq!(typed.address, "(212) 555-0123/T33S=7");
    assert_eq!(decide(&office(), "911").unwrap_err().reason, Reason::NotPermitted);
    assert_eq!(decide(&office(), "+1 212 555 01234567890").unwrap_err().reason, Reason::BadAddress);
    let nobody = Client::LocalUser("uid 1000".into());
    let refusal = decide(&nobody, "+12125550123").unwrap_err();
    assert!(refusal.text.starts_with("people on this machine may not"), "{refusal:?}");
}

#[tokio::test]
async fn accepted_is_stored_whole_and_wakes_the_queue() {
    let bench = bench();
    let two = vec![recipient("+12125550123@fax.example.com"), recipient("+12125550124@fax.example.com")];
    let submission = submission(two);
    let message = b"Subject: x\r\n\r\nhello\r\n".to_vec();
    let names = bench.submit.accept(submission.clone(), message.clone(), &Origin::default()).await.unwrap();
    let woken = tokio::time::timeout(Duration::ZERO, bench.wake.notified()).await;
    assert!(woken.is_ok(), "the queue was not woken");
    let jobs = bench.jobs().await;
    assert_eq!(jobs.iter().map(|j| j.id.clone()).collect::<Vec<_>>(), names);
    let recipients: Vec<_> = jobs.iter().map(|j| j.recipient.clone()).collect();
    assert_eq!(recipients, submission.recipients);
    assert_eq!(jobs[0].sender, submission.sender);
    assert_eq!(jobs[0].due(), Some(now()));
    assert_eq!(bench.store.message(&submission.id).await.unwrap(), message);
}

#[tokio::test]
async fn a_number_named_twice_is_one_fax() {
    let bench = bench();
    let quiet = Recipient { notify: Notify::NEVER, ..recipient("+12125550123@fax.example.com") };
    let recipients = vec![
        quiet,
        recipient("2125550123@fax.example.com"),
        recipient("2125550123/T33S=1@fax.example.com"),
        recipient("2125550123/ATTN=Tom@fax.example.com"),
        recipient("FAX=+1-212-5550123/T33S=1@fax.example.com"),
    ];
    let names = bench.submit.accept(submission(recipients), Vec::new(), &Origin::default()).await.unwrap();
    assert_eq!(names.len(), 3);
    let jobs = bench.jobs().await;
    assert_eq!(jobs.len(), 3);
    assert_eq!(jobs[0].recipient.address, "+12125550123@fax.example.com");
    assert_eq!(jobs[0].recipient.notify, Notify::DEFAULT, "somebody wanted reports");
}

#[tokio::test]
async fn many_jobs_in_one_moment_have_names_of_their_own() {
    let address = |n: u32| format!("+1212555{n:04}@fax.example.com");
    let submission = submission((0..3000).map(|n| recipient(&address(n))).collect());
    let jobs = bench().submit.jobs(&submission).unwrap();
    assert_eq!(jobs.iter().map(|job| &job.id).collect::<BTreeSet<_>>().len(), 3000);
}

#[tokio::test]
async fn refused_is_not_stored() {
    let looping = "Received: from a by b\r\n".repeat(101);
    for (message, status, word) in [
        ("Content-Disposition: attachment; filename=contract.xyz\r\n\r\n", "5.6.1", "contract.xyz"),
        ("X: bomb.pdf\r\n\r\n", "4.3.0", "try again later"),
        ("Auto-Submitted: auto-replied\r\n\r\nI am away", "5.7.1", "automatic"),
        (&looping, "5.4.6", "circles"),
    ] {
        let bench = bench();
        let fax = submission(vec![recipient("+12125550123@fax.example.com")]);
        let refusal = bench.submit.accept(fax, message.into(), &Origin::default()).await.unwrap_err();
        assert_eq!(refusal.reason.status(), status);
        assert!(refusal.text.contains(word), "{refusal:?}");
        assert_eq!(bench.jobs().await, []);
    }
    let refusal =
        bench().submit.accept(submission(Vec::new()), Vec::new(), &Origin::default()).await.unwrap_err();
    assert_eq!(refusal.reason, Reason::NoRecipient);
}

#[tokio::test]
async fn a_fax_waits_for_a_year_at_most() {
    let bench = bench();
    let fax = || submission(vec![recipient("+12125550123@fax.example.com")]);
    for (at, accepted) in [("2027-11-24T09:00:00Z", true), ("2027-11-24T11:00:00Z", false)] {
        let options = Options { not_before: Some(at.parse().unwrap()), ..Options::default() };
        let submission = Submission { options, ..fax() };
        let answer = bench.submit.accept(submission, Vec::new(), &Origin::default()).await;
        assert_eq!(answer.is_ok(), accepted, "{at}: {answer:?}");
    }
}

/// A store that fails is trouble for now; and the next try is a new submission, whole.
#[tokio::test]
async fn a_store_that_fails_is_trouble_for_now() {
    for (when, kept) in [(When::Before, 0), (When::After, 1)] {
        let bench = failing_bench(0, when);
        let fax = || submission(vec![recipient("+12125550123@fax.example.com")]);
        let refusal = bench.submit.accept(fax(), Vec::new(), &Origin::default()).await.unwrap_err();
        assert_eq!(refusal.reason, Reason::Trouble);
        assert!(!refusal.text.contains("told to fail"), "{refusal:?}");
        assert_eq!(bench.jobs().await.len(), kept);
        assert!(bench.submit.accept(fax(), Vec::new(), &Origin::default()).await.is_ok());
        assert_eq!(bench.jobs().await.len(), kept + 1);
    }
}

#[test]
fn the_proof_names_what_was_shown() {
    let mapped = Client::Machine("::ffff:192.0.2.7".parse().unwrap());
    assert_eq!(proof(&mapped), Proof::Network("192.0.2.7".into()));
    assert_eq!(proof(&Client::LocalUser("anna".into())), Proof::LocalUser("anna".into()));
}

/// A mail as a server brings it, `seconds` after the first time.
fn again(seconds: i64, to: &[&str]) -> Submission {
    let received = now() + jiff::SignedDuration::from_secs(seconds);
    let recipients = to.iter().map(|number| recipient(&format!("{number}@fax.example.com"))).collect();
    Submission { received, id: SubmissionId::new(received), ..submission(recipients) }
}

#[tokio::test]
async fn the_same_mail_again_is_the_same_fax() {
    const DAY: i64 = 24 * 3600;
    let bench = bench();
    let mail = |trace: &str, body: &str| {
        format!("{trace}Message-ID: <1@example.com>\r\n\r\n{body}\r\n").into_bytes()
    };
    let both = ["+12125550123", "+12125550124"];
    let first =
        bench.submit.accept_once(again(0, &both), mail("", "hello"), &Origin::default()).await.unwrap();
    let trace = "Received: from a by b\r\n";
    let turned = ["+12125550124", "+12125550123"];
    assert_eq!(
        bench
            .submit
            .accept_once(again(DAY, &turned), mail(trace, "hello"), &Origin::default())
            .await
            .unwrap(),
        first
    );
    assert_eq!(bench.jobs().await.len(), 2);
    for (submission, message) in [
        (again(1, &both), mail("", "hallo")),
        (again(1, &["+12125550123"]), mail("", "hello")),
        (again(1, &both), b"Subject: x\r\n\r\nhello\r\n".to_vec()),
        (again(1, &both), b"Subject: x\r\n\r\nhello\r\n".to_vec()),
        (again(8 * DAY, &both), mail("", "hello")),
    ] {
        let before = bench.jobs().await.len();
        let new = bench.submit.accept_once(submission, message, &Origin::default()).await.unwrap();
        assert!(!first.contains(&new[0]));
        assert_eq!(bench.jobs().await.len(), before + new.len());
    }
}

/// The nasty case: the store has kept it and says that it failed. The server sends again, and it is one fax.
#[tokio::test]
async fn what_was_kept_in_spite_of_its_answer_is_not_kept_twice() {
    let bench = failing_bench(1, When::After);
    let mail = || b"Message-ID: <1@example.com>\r\n\r\nhello\r\n".to_vec();
    let refusal =
        bench.submit.accept_once(again(0, &["+12125550123"]), mail(), &Origin::default()).await.unwrap_err();
    assert_eq!(refusal.reason, Reason::Trouble);
    let jobs =
        bench.submit.accept_once(again(60, &["+12125550123"]), mail(), &Origin::default()).await.unwrap();
    assert_eq!(bench.jobs().await.into_iter().map(|job| job.id).collect::<Vec<_>>(), jobs);
}

#[test]
fn an_address_is_served_by_its_domain() {
    let submit = bench().submit;
    for (address, ours) in [
        ("+12125550123@fax.example.com", true),
        ("no number@FAX.example.com", true),
        ("a@b@fax.example.com", true),
        ("anna@example.com", false),
        ("anna@fax.example.com.evil", false),
        ("postmaster", false),
        ("", false),
    ] {
        assert_eq!(submit.serves(address), ours, "{address}");
    }
}
