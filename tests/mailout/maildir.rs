//! A report and a fax in a real Maildir, read back as a mail program would.

use faxgate::job::{About, Notice, Outcome, ReportKind};
use faxgate::mailer::{Maildir, MailerConfig};
use faxgate::report::{Evidence, ReportConfig, ReportContext, mail, owed};
use mail_parser::{MessageParser, MimeHeaders};

use crate::given::{MESSAGE, at, called, done, identity, job, notice_of, rendered};

#[tokio::test]
async fn a_report_is_read_back_from_the_recipients_maildir() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = MailerConfig::default();
    config.maildir.dir = dir.path().to_owned();
    let mailer = config.build("gw.example.com").unwrap();
    let job = done(called(rendered(job(), 1), &[(Outcome::Delivered, 1)]), Outcome::Delivered);
    let notice: Notice = notice_of(owed(&job, ReportKind::Success, at("10:00:00")));
    assert!(matches!(notice.about, About::Report { .. }));
    let evidence = Evidence { message: MESSAGE, ..Evidence::default() };
    let ctx = ReportContext {
        identity: &identity(),
        config: &ReportConfig::default(),
        now: at("10:00:00"),
        expires_after: std::time::Duration::from_secs(3600),
    };
    mailer.send(&mail(&notice, &job, ReportKind::Success, &evidence, &ctx)).await.unwrap();

    let folder = Maildir::new(&config.maildir).folder("anna@example.com").unwrap();
    let file = std::fs::read(folder.join("new").join(notice.id.as_str())).unwrap();
    let parsed = MessageParser::default().parse(&file).unwrap();
    assert_eq!(parsed.subject(), Some("Fax to +1 212 555 0123 delivered: Quarterly figures"));
    let kinds: Vec<_> = parsed.parts.iter().filter_map(|part| part.content_type()?.subtype()).collect();
    assert_eq!(kinds, ["report", "plain", "delivery-status", "rfc822-headers"]);
}
