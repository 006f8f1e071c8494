//! Reports: who gets one, what programs read in it, and what people read.

use std::time::Duration;

use faxgate::job::{About, Grade, Job, Notify, Outcome, ReportKind, Ret, State};
use faxgate::mailer::Mail;
use faxgate::render::Manifest;
use faxgate::report::{self, Evidence, ReportConfig, ReportContext, kind_of, mail, owed};
use mail_parser::{Message, MessageParser, MimeHeaders, PartType};
use proptest::prelude::*;

use crate::given::{MESSAGE, at, called, done, identity, job, lf, manifest, notice_of, rendered};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn interrupted() -> Outcome {
    Outcome::Interrupted { cause: "carrier lost (phase C)".into() }
}

/// The fields of one block, in order.
type Fields = Vec<(String, String)>;

struct Report {
    mail: Mail,
    raw: String,
}

impl Report {
    fn of(job: &Job, kind: ReportKind, evidence: &Evidence<'_>) -> Self {
        let mut notify = job.clone();
        notify.recipient.notify = Notify::DEFAULT;
        let notice = notice_of(owed(&notify, kind, at("10:30:00")));
        let ctx = ReportContext {
            identity: &identity(),
            config: &ReportConfig::default(),
            now: at("10:30:00"),
            expires_after: DAY,
        };
        let mail = mail(&notice, job, kind, evidence, &ctx);
        assert_eq!(mail, report::mail(&notice, job, kind, evidence, &ctx), "the same each time");
        let raw = String::from_utf8(mail.data.clone()).expect("7-bit");
        Self { mail, raw }
    }

    fn plain(job: &Job, kind: ReportKind) -> Self {
        let manifest = manifest();
        let evidence = Evidence { message: MESSAGE, manifest: Some(&manifest), trace: None };
        Self::of(job, kind, &evidence)
    }

    fn parsed(&self) -> Message<'_> {
        MessageParser::default().parse(&self.mail.data).unwrap()
    }

    fn text(&self) -> String {
        lf(self.parsed().body_text(0).unwrap().as_ref())
    }

    /// The body of part `n` (from 1) as it stands on the wire, cut out by hand.
    fn part(&self, n: usize) -> (String, String) {
        let boundary = format!("--=_{}", self.mail.key);
        let part = self.raw.split(&boundary).nth(n).unwrap();
        let (head, body) = part.trim_start_matches("\r\n").split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// The fields of the delivery status: per message, per recipient.
    fn status(&self) -> (Fields, Fields) {
        let (head, body) = self.part(2);
        assert!(head.contains("Content-Type: message/delivery-status"), "{head}");
        assert!(!head.contains("charset"), "{head}");
        let fields = |block: &str| {
            let lines = block.trim_end().lines();
            lines
                .map(|line| line.split_once(": ").unwrap())
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect::<Fields>()
        };
        let (message, recipient) = body.split_once("\r\n\r\n").unwrap();
        (fields(message), fields(recipient))
    }

    fn field(&self, name: &str) -> Option<String> {
        let (message, recipient) = self.status();
        let mut found = message.into_iter().chain(recipient).filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value);
        assert!(value.is_none() || found.next().is_none() || name.starts_with("X-"), "{name} twice");
        value
    }
}

fn delivered() -> Job {
    let job = called(rendered(job(), 3), &[(Outcome::Busy, 0), (Outcome::Delivered, 3)]);
    done(job, Outcome::Delivered)
}

#[test]
fn only_wanted_reports_are_owed_and_never_to_the_null_sender() {
    let all = [ReportKind::Success, ReportKind::Failure, ReportKind::Delay];
    for bits in 0..8u8 {
        let notify = Notify { success: bits & 1 != 0, failure: bits & 2 != 0, delay: bits & 4 != 0 };
        for (n, kind) in all.into_iter().enumerate() {
            let mut job = job();
            job.recipient.notify = notify;
            let notices = owed(&job, kind, at("10:00:00"));
            assert_eq!(notices.len(), usize::from(bits >> n & 1), "{notify:?} {kind:?}");
            for notice in notices {
                assert_eq!(notice.to, "anna@example.com");
                assert_eq!(notice.next_try, Some(at("10:00:00")));
                let about = About::Report { job: job.id.clone(), kind };
                assert_eq!(notice.about, about);
            }
            for nobody in [None, Some(String::new())] {
                job.sender.mailbox = nobody;
                assert_eq!(owed(&job, kind, at("10:00:00")), [], "no report about a report");
            }
        }
    }
    assert_eq!(Notify::NEVER, Notify { success: false, failure: false, delay: false });
    assert_eq!(kind_of(Grade::Delivered), ReportKind::Success);
    for grade in [Grade::Permanent, Grade::Retry, Grade::Unconfirmed] {
        assert_eq!(kind_of(grade), ReportKind::Failure);
    }
}

#[test]
fn the_header_is_that_of_an_automatic_reply() {
    let report = Report::plain(&delivered(), ReportKind::Success);
    let parsed = report.parsed();
    assert_eq!(report.mail.from, None, "the null reverse path");
    assert_eq!(report.mail.to, "anna@example.com");
    assert_eq!(parsed.subject(), Some("Fax to +1 212 555 0123 delivered: Quarterly figures"));
    let from = parsed.from().unwrap().first().unwrap();
    assert_eq!((from.name(), from.address()), (Some("Fax"), Some("postmaster@example.com")));
    assert_eq!(parsed.to().unwrap().first().unwrap().address(), Some("anna@example.com"));
    let id = format!("{}@gw.example.com", report.mail.key);
    assert_eq!(parsed.message_id(), Some(id.as_str()));
    assert_eq!(parsed.in_reply_to().as_text(), Some("q3.1@example.com"));
    assert_eq!(parsed.references().as_text(), Some("q3.1@example.com"));
    assert_eq!(parsed.header_raw("Auto-Submitted").map(str::trim), Some("auto-replied"));
    assert_eq!(parsed.header_raw("Date").map(str::trim), Some("Mon, 23 Nov 2026 11:30:00 +0100"));
    let kind = parsed.content_type().unwrap();
    assert_eq!((kind.ctype(), kind.subtype()), ("multipart", Some("report")));
    assert_eq!(kind.attribute("report-type"), Some("delivery-status"));
    assert!(report.raw.is_ascii());
    assert!(report.raw.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));
    let (head, _) = report.raw.split_once("\r\n\r\n").unwrap();
    assert_eq!(head.matches("\r\nMIME-Version:").count(), 1);
}

#[test]
fn a_success_says_so_to_programs() {
    let mut job = delivered();
    job.envid = Some("QQ314159 (a+b)".into());
    job.recipient.orcpt = Some("rfc822;+1.212.555.0123@fax.example.com".into());
    let report = Report::plain(&job, ReportKind::Success);
    let (message, recipient) = report.status();
    let names = |fields: &[(String, String)]| {
        fields.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&message), "Original-Envelope-Id Reporting-MTA Arrival-Date X-Faxgate-Job");
    assert_eq!(
        names(&recipient),
        "Original-Recipient Final-Recipient Action Status Last-Attempt-Date X-Faxgate-Pages X-Faxgate-Attempt \
         X-Faxgate-Attempt"
    );
    for (name, value) in [
        ("Original-Envelope-Id", "QQ314159 (a+b)"),
        ("Reporting-MTA", "dns; gw.example.com"),
        ("Arrival-Date", "Mon, 23 Nov 2026 10:00:10 +0100"),
        ("Original-Recipient", "rfc822;+1.212.555.0123@fax.example.com"),
        ("Final-Recipient", "rfc822; +1.212.555.0123@Fax.Example.com"),
        ("Action", "delivered"),
        ("Status", "2.0.0"),
        ("Last-Attempt-Date", "Mon, 23 Nov 2026 10:07:20 +0100"),
        ("X-Faxgate-Pages", "3 of 3 confirmed"),
    ] {
        assert_eq!(report.field(name).as_deref(), Some(value), "{name}");
    }
}

#[test]
fn failures_say_why_to_programs() {
    for (outcome, status, diagnostic) in [
        (Outcome::Busy, "5.4.7", "x-faxgate; busy"),
        (Outcome::NoAnswer, "5.4.1", "x-faxgate; no-answer"),
        (Outcome::NumberRefused, "5.1.2", "x-faxgate; number-refused"),
        (interrupted(), "5.4.2", "x-t30; interrupted (carrier lost [phase C])"),
        (Outcome::PageRefused, "5.4.2", "x-t30; page-refused"),
        (Outcome::Unconfirmed, "5.4.2", "x-t30; unconfirmed"),
        (Outcome::Expired { last: Box::new(Outcome::Busy) }, "5.4.7", "x-faxgate; expired (last: busy)"),
    ] {
        let job = done(called(rendered(job(), 3), &[(outcome.clone(), 0)]), outcome);
        let report = Report::plain(&job, ReportKind::Failure);
        assert_eq!(report.field("Action").as_deref(), Some("failed"));
        assert_eq!(report.field("Status").as_deref(), Some(status));
        assert_eq!(report.field("Diagnostic-Code").as_deref(), Some(diagnostic));
        for absent in
            ["Remote-MTA", "Will-Retry-Until", "DSN-Gateway", "Original-Envelope-Id", "Original-Recipient"]
        {
            assert_eq!(report.field(absent), None, "{absent}");
        }
    }
}

#[test]
fn a_delay_says_until_when() {
    let mut waiting = called(rendered(job(), 3), &[(Outcome::Busy, 0)]);
    waiting.state = State::Waiting { until: at("10:35:00") };
    let report = Report::plain(&waiting, ReportKind::Delay);
    assert_eq!(report.field("Action").as_deref(), Some("delayed"));
    assert_eq!(report.field("Status").as_deref(), Some("4.4.5"));
    assert_eq!(report.field("Will-Retry-Until").as_deref(), Some("Tue, 24 Nov 2026 10:00:10 +0100"));

    let report = Report::plain(&job(), ReportKind::Delay);
    assert_eq!(report.field("Status").as_deref(), Some("4.0.0"), "no call was made yet");
    assert_eq!(report.field("Last-Attempt-Date"), None);
    assert_eq!(report.field("Diagnostic-Code"), None);
    assert!(report.text().contains("No call could be made so far."));
}

#[test]
fn the_message_comes_back_as_ret_says() {
    let whole = std::str::from_utf8(MESSAGE).unwrap();
    let header = whole.split_inclusive("\r\n\r\n").next().unwrap().trim_end();
    let failed = || done(called(rendered(job(), 3), &[(Outcome::Busy, 0)]), Outcome::Busy);
    for (job, kind, ret, full) in [
        (failed(), ReportKind::Failure, Some(Ret::Full), true),
        (failed(), ReportKind::Failure, Some(Ret::Headers), false),
        (failed(), ReportKind::Failure, None, false),
        (delivered(), ReportKind::Success, Some(Ret::Full), false),
        (job(), ReportKind::Delay, Some(Ret::Full), false),
    ] {
        let job = Job { ret, ..job };
        let report = Report::plain(&job, kind);
        let (head, body) = report.part(3);
        let (media_type, content) =
            if full { ("message/rfc822", whole) } else { ("text/rfc822-headers", header) };
        assert!(head.contains(&format!("Content-Type: {media_type}")), "{head}");
        assert!(!head.contains("charset"), "{head}");
        assert_eq!(body.trim_end(), content.trim_end());
        let parsed = report.parsed();
        let attached = parsed.parts.iter().any(|part| matches!(part.body, PartType::Message(_)));
        assert_eq!(attached, full);
    }
}

#[test]
fn what_mail_cannot_carry_comes_back_as_its_header() {
    let job = || Job {
        ret: Some(Ret::Full),
        ..done(called(rendered(job(), 1), &[(Outcome::Busy, 0)]), Outcome::Busy)
    };
    let long = [b"Subject: x\r\n\r\n".as_slice(), &[b'a'; 1200]].concat();
    let large = [b"Subject: x\r\n\r\n".to_vec(), b"0123456\r\n".repeat(120_000)].concat();
    for message in [
        b"Subject: x\r\n\r\nGr\xC3\xBC\xC3\x9Fe\r\n".as_slice(),
        b"Subject: x\r\n\r\nnul \0\r\n",
        b"Subject: x\r\n\r\nbare \r cr\r\n",
        &long,
        &large,
    ] {
        let evidence = Evidence { message, ..Evidence::default() };
        let report = Report::of(&job(), ReportKind::Failure, &evidence);
        let (head, body) = report.part(3);
        assert!(head.contains("text/rfc822-headers"), "{head}");
        assert_eq!(body.trim_end(), "Subject: x");
    }
    let evidence =
        Evidence { message: b"Subject: Gr\xC3\xBC\xC3\x9Fe\nX-Long: \r\n\nbody", ..Evidence::default() };
    let report = Report::of(&job(), ReportKind::Failure, &evidence);
    assert!(report.raw.is_ascii(), "an 8-bit header is encoded");
    assert!(report.parsed().subject().unwrap().ends_with(": Grüße"));
    let Report { raw, .. } = Report::of(&job(), ReportKind::Failure, &Evidence::default());
    assert!(raw.contains("Content-Type: text/rfc822-headers"), "no message is no error");
}

#[test]
fn nobody_writes_our_header_or_our_text_for_us() {
    let mut job = done(called(rendered(job(), 1), &[(Outcome::Busy, 0)]), Outcome::Busy);
    let evil = "x\r\nBcc: victim@example.com\r\n\r\n{job}";
    job.envid = Some(evil.into());
    job.recipient.orcpt = Some(evil.into());
    job.recipient.attention = Some(evil.into());
    job.sender.mailbox = Some("anna@example.com\r\nBcc: victim@example.com".into());
    job.attempts[0].remote_id = Some(evil.into());
    job.attempts[0].mode = Some("ünïcode\u{202E}".into());
    let mut manifest = manifest();
    manifest.parts[0].name = evil.into();
    let message = b"Subject: =?utf-8?Q?a=0D=0ABcc:_victim@example.com?=\r\nMessage-ID: <a b@\xFF>\r\n\r\n";
    let evidence = Evidence { message, manifest: Some(&manifest), trace: Some(evil) };
    let report = Report::of(&job, ReportKind::Failure, &evidence);
    assert!(!report.raw.contains("\nBcc:"), "{}", report.raw);
    assert!(report.raw.is_ascii());
    let (message, recipient) = report.status();
    assert_eq!((message.len(), recipient[0].0.as_str()), (4, "Original-Recipient"));
    assert_eq!(report.parsed().in_reply_to().as_text(), None);
}

proptest! {
    /// Whatever the message, the sender and the other machine write, the report is one mail of three parts, 7-bit,
    /// with our header and theirs in its place.
    #[test]
    fn no_message_spoils_its_report(
        header in "((Subject|Message-ID|Content-Type|X): [ -~\r\n\u{80}-\u{2FFF}=?]{0,80}(\r)?\n){0,4}",
        body in proptest::collection::vec(any::<u8>(), 0..300),
        foreign in "\\PC{0,40}[\r\n\0{}<>()\"\\\\]{0,6}\\PC{0,40}",
        full in any::<bool>(),
    ) {
        let mut job = done(called(rendered(job(), 3), &[(interrupted(), 1)]), interrupted());
        job.ret = full.then_some(Ret::Full);
        job.envid = Some(foreign.clone());
        job.recipient.attention = Some(foreign.clone());
        job.attempts[0].remote_id = Some(foreign.clone());
        job.sender.mailbox = Some(format!("{foreign}@example.com"));
        let message = [header.as_bytes(), &body].concat();
        let evidence = Evidence {
            message: &message,
            manifest: None,
            trace: Some(&foreign),
        };
        let report = Report::of(&job, ReportKind::Failure, &evidence);
        prop_assert!(report.raw.is_ascii());
        for line in report.raw.split("\r\n") {
            prop_assert!(line.len() <= 998 && !line.contains(['\r', '\n', '\0']), "{line:?}");
        }
        prop_assert_eq!(report.raw.matches(&format!("\r\n--=_{}", report.mail.key)).count(), 4);
        let parsed = report.parsed();
        prop_assert_eq!(parsed.header_raw("Auto-Submitted").map(str::trim), Some("auto-replied"));
        let subject = parsed.subject().unwrap_or_default();
        prop_assert!(subject.starts_with("Fax to +1 212 555 0123 delivered only in part"), "{subject}");
        let (per_message, per_recipient) = report.status();
        prop_assert_eq!((per_message.len(), per_recipient.len()), (4, 7));
        prop_assert!(report.text().starts_with("Your fax was delivered only in part.\n"));
    }
}

#[test]
fn a_long_list_of_parts_is_cut() {
    let mut many = Manifest::default();
    for _ in 0..200 {
        many.parts.extend(manifest().parts.into_iter().take(1));
    }
    let evidence = Evidence { message: MESSAGE, manifest: Some(&many), trace: None };
    let text = Report::of(&delivered(), ReportKind::Success, &evidence).text();
    assert_eq!(text.matches("message text: page 1").count(), 50);
    assert!(text.contains("and 150 more"));
}

#[test]
fn only_a_failure_shows_the_end_of_the_trace() {
    let trace: String = (1..=60).map(|n| format!("{n:>3}.000  V.21 frame\n")).collect();
    let evidence = Evidence { message: MESSAGE, manifest: None, trace: Some(&trace) };
    let failed = done(called(rendered(job(), 3), &[(interrupted(), 0)]), interrupted());
    let text = Report::of(&failed, ReportKind::Failure, &evidence).text();
    assert!(text.contains("60.000 V.21 frame") && text.contains("21.000 V.21 frame"), "{text}");
    assert!(!text.contains("20.000 V.21 frame"), "{text}");
    assert!(!Report::of(&delivered(), ReportKind::Success, &evidence).text().contains("V.21"));
}

/// What people read, word for word. Each file is a mail's text as a mail program shows it.
#[test]
fn the_texts_read_well() {
    let mut waiting = called(rendered(job(), 3), &[(Outcome::Busy, 0), (Outcome::NoAnswer, 0)]);
    waiting.state = State::Waiting { until: at("10:35:00") };

    let mut unconfirmed = called(rendered(job(), 3), &[(Outcome::Unconfirmed, 2)]);
    unconfirmed.progress.in_doubt = true;
    let unconfirmed = done(unconfirmed, Outcome::Unconfirmed);

    let mut part = called(rendered(job(), 6), &[(Outcome::Busy, 0), (interrupted(), 2), (interrupted(), 1)]);
    part.progress.in_doubt = true;
    part.recipient.attention = Some("Mr. Smith, Purchasing".into());
    let part = done(part, Outcome::Expired { last: Box::new(interrupted()) });

    let calls = vec![(Outcome::Busy, 0); 10];
    let mut busy = done(called(rendered(job(), 3), &calls), Outcome::Busy);
    busy.attempts.drain(..2);

    let refused = Outcome::NotRendered { reason: "the PDF \"figures-q3.pdf\" is encrypted".into() };
    for (name, subject, job, kind) in [
        ("success", "delivered", delivered(), ReportKind::Success),
        ("busy", "not delivered", busy, ReportKind::Failure),
        ("unconfirmed", "may not be complete", unconfirmed, ReportKind::Failure),
        ("part", "delivered only in part", part, ReportKind::Failure),
        ("not-rendered", "not delivered", done(job(), refused), ReportKind::Failure),
        ("cancelled", "cancelled", done(job(), Outcome::Cancelled), ReportKind::Failure),
        ("delay", "delayed", waiting, ReportKind::Delay),
    ] {
        let rendered = job.progress.pages > 0;
        let manifest = manifest();
        let evidence = Evidence { message: MESSAGE, manifest: rendered.then_some(&manifest), trace: None };
        let report = Report::of(&job, kind, &evidence);
        let subject = format!("Fax to +1 212 555 0123 {subject}: Quarterly figures");
        assert_eq!(report.parsed().subject(), Some(subject.as_str()));
        crate::words::golden(&format!("report-{name}"), &report.text());
        let text_part = &report.parsed();
        assert!(text_part.part(text_part.text_body[0]).unwrap().content_type().is_some());
    }
}

#[test]
fn a_cover_page_is_named_and_a_resolution_is_readable_for_programs() {
    let mut manifest = manifest();
    manifest.parts.drain(..1);
    let evidence = Evidence { message: MESSAGE, manifest: Some(&manifest), trace: None };
    let mut job = done(called(rendered(job(), 3), &[(Outcome::Delivered, 3)]), Outcome::Delivered);
    job.attempts[0].mode = Some("14400 V.17, 204×196".into());
    let report = Report::of(&job, ReportKind::Success, &evidence);
    assert!(report.text().contains("    - cover page: page 1\n    - figures-q3.pdf: pages 2 and 3"));
    assert!(report.raw.contains("mode 14400 V.17, 204x196"), "{}", report.raw);
    assert!(!Report::plain(&job, ReportKind::Success).text().contains("cover page"));
}

#[test]
fn a_fax_that_was_asked_to_wait_is_given_up_counted_from_then() {
    let mut job = called(rendered(job(), 3), &[(Outcome::Busy, 0)]);
    job.options.not_before = Some("2026-11-30T08:00:00Z".parse().unwrap());
    let report = Report::plain(&job, ReportKind::Delay);
    assert!(report.text().contains("by Tue 1 Dec 2026"), "{}", report.text());
    assert!(report.raw.contains("Will-Retry-Until: Tue, 1 Dec 2026 09:00:00"), "{}", report.raw);
}
