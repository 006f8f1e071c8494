//! The book on a real store: quotas of people and groups, days and months, races, a new start.
#![allow(clippy::unwrap_used)]

use tempfile::TempDir;

use super::*;
use crate::address::{DialPlanConfig, GroupRule, Money, PolicyConfig, Quota, RateRule, UserRule};
use crate::job::{Attempt, JobId, Outcome, Progress, fixture};
use crate::store::{SledStore, StoreConfig};

const NEAR: &str = "+12125550123";
const FAR: &str = "+442079460123";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn policy() -> Policy {
    let money = |text: &str| Money::try_from(text.to_owned()).unwrap();
    let config = PolicyConfig {
        quota: Quota { faxes_per_day: Some(3), ..Quota::default() },
        user: vec![UserRule {
            name: "anna".into(),
            quota: Quota { cost_per_month: Some(money("1.00")), ..Quota::default() },
            ..UserRule::default()
        }],
        group: vec![GroupRule {
            name: "ward".into(),
            members: vec!["ward.example.com".into(), "anna".into()],
            quota: Quota { pages_per_month: Some(5), ..Quota::default() },
            ..GroupRule::default()
        }],
        rate: vec![
            RateRule { class: Some(Class::International), per_page: money("0.30"), ..RateRule::default() },
            RateRule {
                prefix: Some("+4420".into()),
                per_call: money("0.10"),
                per_page: money("0.20"),
                class: None,
            },
        ],
        ..PolicyConfig::default()
    };
    Policy::new(config).unwrap()
}

fn ledger() -> Ledger {
    let zone = TimeZone::get("America/New_York").unwrap();
    Ledger::new(policy(), Classes::new(&DialPlanConfig::default()), zone)
}

fn submission(at: Timestamp, proof: Proof, mailbox: &str, numbers: &[&str]) -> Submission {
    let sender = Sender { mailbox: Some(mailbox.into()), proof };
    Submission { id: SubmissionId::new(at), received: at, sender, ..fixture::submission(numbers) }
}

fn of_network(at: Timestamp, mailbox: &str, numbers: &[&str]) -> Submission {
    submission(at, Proof::Network("192.0.2.1".into()), mailbox, numbers)
}

#[test]
fn each_sender_has_a_day_and_the_next() {
    let ledger = ledger();
    // In New York it is still the 26th.
    let evening = at("2026-11-27T04:00:00Z");
    let take = |mailbox: &str, count: usize, now: Timestamp| {
        let fax = of_network(now, mailbox, &vec![NEAR; count]);
        ledger.reserve(&fax, now).map(Reservation::keep)
    };
    assert_eq!(take("bob@example.com", 2, evening), Ok(()));
    let denial = take("Bob@example.com", 2, evening).unwrap_err();
    assert!(denial.passes());
    assert_eq!(
        denial.to_string(),
        "bob@example.com may fax 3 faxes a day, and has; there is room again tomorrow"
    );
    assert_eq!(take("bob@example.com", 1, evening), Ok(()));
    assert!(take("bob@example.com", 1, evening).is_err());
    assert_eq!(take("eve@example.com", 3, evening), Ok(()), "another has a day of their own");
    let midnight = at("2026-11-27T05:00:00Z");
    assert_eq!(take("bob@example.com", 3, midnight), Ok(()));
}

#[test]
fn what_is_not_kept_is_given_back() {
    let ledger = ledger();
    let now = at("2026-11-26T12:00:00Z");
    let fax = of_network(now, "bob@example.com", &[NEAR, NEAR, NEAR]);
    for _ in 0..3 {
        drop(ledger.reserve(&fax, now).unwrap());
    }
    assert_eq!(ledger.usage(&Account::Person("bob@example.com".into()), now), Usage::default());
    ledger.reserve(&fax, now).unwrap().keep();
    assert!(ledger.reserve(&fax, now).is_err());
}

#[test]
fn ten_at_once_do_not_pass_a_quota_of_three() {
    let ledger = ledger();
    let now = at("2026-11-26T12:00:00Z");
    let kept: usize = std::thread::scope(|scope| {
        let one = || {
            let fax = of_network(now, "bob@example.com", &[NEAR]);
            ledger.reserve(&fax, now).map(Reservation::keep).is_ok()
        };
        let all: Vec<_> = (0..10).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
    });
    assert_eq!(kept, 3);
}

#[test]
fn groups_and_money_count_beside_each_other() {
    let ledger = ledger();
    let now = at("2026-11-26T12:00:00Z");
    let anna = || Proof::User("anna".into());
    let take = |fax: &Submission| ledger.reserve(fax, now).map(Reservation::keep).map_err(|d| d.to_string());
    // 0.10 for the call and 0.20 for the page by the longer beginning, thrice.
    assert_eq!(take(&submission(now, anna(), "x@y", &[FAR, FAR, FAR])), Ok(()));
    let usage = ledger.usage(&Account::Person("anna".into()), now);
    assert_eq!((usage.month.faxes, usage.month.cost.to_string().as_str()), (3, "0.90"));
    let denial = take(&submission(now, anna(), "x@y", &[FAR])).unwrap_err();
    assert_eq!(
        denial,
        "anna may fax 1.00 USD a month, and has; there is room again on the first of the month"
    );
    // The ward has five pages a month, of which Anna has used three.
    assert_eq!(take(&of_network(now, "a@ward.example.com", &[NEAR, NEAR])), Ok(()));
    let denial = take(&of_network(now, "b@ward.example.com", &[NEAR])).unwrap_err();
    assert!(denial.starts_with("the group ward may fax 5 pages a month"), "{denial}");
    assert!(
        ledger
            .forecast("b@ward.example.com", Some("b@ward.example.com"), &Number::parse(NEAR).unwrap(), now)
            .is_err()
    );
    assert_eq!(take(&of_network(now, "b@example.com", &[NEAR])), Ok(()));
}

#[tokio::test]
async fn a_new_start_knows_what_was_faxed_and_how_it_ended() {
    let dir = TempDir::new().unwrap();
    let config = StoreConfig { dir: dir.path().join("store"), ..StoreConfig::default() };
    let store = SledStore::open(config).unwrap().0;
    let now = at("2026-11-26T12:00:00Z");
    let end = |job: Job, pages: u32, confirmed: u32| Job {
        state: State::Done { at: now, outcome: Outcome::Busy },
        progress: Progress { pages, confirmed, in_doubt: false },
        attempts: Vec::<Attempt>::new(),
        ..job
    };
    let author = |print: &str| Proof::Author {
        address: "ann@example.com".into(),
        by: "DKIM".into(),
        print: print.into(),
    };
    for (received, proof, kind) in [
        ("2026-11-26T11:00:00Z", author("m1"), "open"),
        ("2026-11-26T10:00:00Z", author("m2"), "failed"),
        ("2026-11-26T09:00:00Z", author("m3"), "in part"),
        ("2026-11-02T09:00:00Z", author("m4"), "open"),
        ("2026-10-30T09:00:00Z", author("m5"), "open"),
        ("2026-10-01T09:00:00Z", author("m6"), "open"),
    ] {
        let fax = submission(at(received), proof, "ann@example.com", &[NEAR]);
        let job = Job::new(JobId::new(fax.received), &fax, fax.recipients[0].clone());
        let job = match kind {
            "failed" => end(job, 4, 0),
            "in part" => end(job, 4, 2),
            _ => Job { progress: Progress { pages: 3, ..Progress::default() }, ..job },
        };
        store.accept(&fax, b"Subject: x\r\n\r\n", &[job]).await.unwrap();
    }
    let ledger = ledger();
    ledger.read(&store, now).await.unwrap();
    let account = Account::Person("ann@example.com".into());
    let usage = ledger.usage(&account, now);
    assert_eq!((usage.day.faxes, usage.day.pages), (2, 5), "one open with 3 pages, one that arrived in part");
    assert_eq!((usage.month.faxes, usage.month.pages), (3, 8));
    let known = |print: &str| {
        ledger.faxed_before(&submission(now, author(print), "ann@example.com", &[FAR, NEAR])).is_some()
    };
    assert_eq!(["m1", "m2", "m4", "m5", "m6", "m7"].map(known), [true, true, true, true, false, false]);

    // What is accepted between two readings is not counted twice.
    let fax = submission(now, author("m8"), "ann@example.com", &[NEAR]);
    ledger.reserve(&fax, now).unwrap().keep();
    ledger.read(&store, now).await.unwrap();
    assert_eq!(ledger.usage(&account, now).day.faxes, 3, "the store does not have it yet");
    let job = Job::new(JobId::new(now), &fax, fax.recipients[0].clone());
    store.accept(&fax, b"Subject: x\r\n\r\n", &[job]).await.unwrap();
    ledger.read(&store, now).await.unwrap();
    assert_eq!(ledger.usage(&account, now).day.faxes, 3);
}
