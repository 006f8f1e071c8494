//! The jobs, faxes and settings that the tests begin with.

use std::time::Duration;

use fax::page::{Page, Resolution};
use faxgate::address::Number;
use faxgate::job::{
    Attempt, Door, FaxId, Job, JobId, Notice, Notify, Options, Outcome, Progress, Proof, ReceivedFax,
    Recipient, Sender, State, Submission, SubmissionId,
};
use faxgate::mailer::Identity;
use faxgate::render::{Fate, Manifest, Part};
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub const MESSAGE: &[u8] = b"From: Anna Miller <anna@example.com>\r\n\
To: <+12125550123@fax.example.com>\r\n\
Subject: Quarterly figures\r\n\
Message-ID: <q3.1@example.com>\r\n\
Date: Mon, 23 Nov 2026 10:00:00 +0100\r\n\
MIME-Version: 1.0\r\n\
Content-Type: text/plain\r\n\
\r\n\
Please find the figures attached.\r\n";

pub fn at(time: &str) -> Timestamp {
    format!("2026-11-23T{time}Z").parse().unwrap()
}

pub fn number(text: &str) -> Number {
    Number::parse(text).unwrap()
}

pub fn identity() -> Identity {
    Identity {
        host: "gw.example.com".into(),
        postmaster: "postmaster@example.com".into(),
        zone: TimeZone::get("Europe/Berlin").unwrap(),
    }
}

pub fn submission() -> Submission {
    Submission {
        id: SubmissionId::parse("1vm2q7x9k3p4c").unwrap(),
        received: at("09:00:10"),
        door: Door::Smtp,
        sender: Sender {
            mailbox: Some("anna@example.com".into()),
            proof: Proof::Network("192.0.2.1".into()),
        },
        recipients: vec![Recipient {
            address: "+1.212.555.0123@Fax.Example.com".into(),
            number: number("+12125550123"),
            subaddress: None,
            attention: None,
            notify: Notify::DEFAULT,
            orcpt: None,
            key_of: None,
        }],
        options: Options::default(),
        ret: None,
        envid: None,
    }
}

pub fn job() -> Job {
    let submission = submission();
    let recipient = submission.recipients[0].clone();
    Job::new(JobId::parse("1vm2q7x9k3p4d").unwrap(), &submission, recipient)
}

/// The job after calls that ended so, one every five minutes; each confirms so many pages.
pub fn called(mut job: Job, calls: &[(Outcome, u32)]) -> Job {
    let mut started = job.received + Duration::from_secs(5);
    for (outcome, pages_confirmed) in calls {
        let answered = !matches!(outcome, Outcome::Busy | Outcome::NoAnswer | Outcome::LineTrouble { .. });
        job.tries.count(outcome);
        job.calls += 1;
        job.attempts.push(Attempt {
            started,
            ended: started + Duration::from_secs(if answered { 125 } else { 20 }),
            line: "modem-1".into(),
            outcome: outcome.clone(),
            pages_confirmed: *pages_confirmed,
            remote_id: answered.then(|| "ACME NEW YORK".into()),
            mode: answered.then(|| "V.17 14400, ECM, MMR".into()),
        });
        job.progress.confirmed += pages_confirmed;
        started += Duration::from_secs(300);
    }
    job
}

pub fn done(mut job: Job, outcome: Outcome) -> Job {
    let at = job.attempts.last().map_or(job.received, |attempt| attempt.ended);
    job.state = State::Done { at, outcome };
    job
}

/// The job when its message has become so many pages.
pub fn rendered(mut job: Job, pages: u32) -> Job {
    job.progress = Progress { pages, ..Progress::default() };
    job
}

pub fn manifest() -> Manifest {
    let part =
        |name: &str, media_type: &str, fate| Part { name: name.into(), media_type: media_type.into(), fate };
    Manifest {
        parts: vec![
            part("message text", "text/html", Fate::Pages { first: 1, last: 1 }),
            part("figures-q3.pdf", "application/pdf", Fate::Pages { first: 2, last: 3 }),
            part("logo.png", "image/png", Fate::Embedded { page: 1 }),
            part(
                "plain text",
                "text/plain",
                Fate::LeftOut { reason: "the same text is faxed from the HTML version".into() },
            ),
        ],
        pages: 3,
        notes: vec!["1 character that no font has is shown as a box.".into()],
    }
}

pub fn fax() -> ReceivedFax {
    ReceivedFax {
        id: FaxId::parse("1vm2q7x9k3p4f").unwrap(),
        line: "modem-1".into(),
        called: Some(number("+12125550199")),
        caller: Some(number("+12125550123")),
        remote_id: Some("ACME NEW YORK".into()),
        subaddress: None,
        started: at("09:04:05"),
        ended: at("09:06:10"),
        pages: 2,
        complete: true,
        mode: Some("V.17 14400, ECM, MMR".into()),
    }
}

/// A page with a black bar for each count, so that pages can be told apart.
pub fn page(bars: u32) -> Page {
    let resolution = Resolution::R204x196;
    let mut page = Page::white(1728, 400, resolution);
    for bar in 0..bars {
        for y in 40 * bar + 20..40 * bar + 40 {
            for x in 100..1600 {
                page.set(x, y, true);
            }
        }
    }
    page
}

pub fn notice_of(notices: Vec<Notice>) -> Notice {
    let [notice] = <[Notice; 1]>::try_from(notices).expect("one notice");
    notice
}

/// The text of a mail with the line ends of this system.
pub fn lf(text: &str) -> String {
    text.replace("\r\n", "\n")
}
