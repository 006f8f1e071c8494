//! The mail of a received fax: what programs do with it, what people read, and what their tools make of it.

use std::process::Command;

use fax::page::Page;
use fax::tiff::MmrPage;
use faxgate::address::Number;
use faxgate::job::{About, Notice, ReceivedFax};
use faxgate::mailer::Mail;
use faxgate::received::{Files, ReceivedConfig, ReceivedContext, files, mail, title};
use jiff::tz::TimeZone;
use mail_parser::{Message, MessageParser, MimeHeaders};

use crate::given::{at, fax, identity, lf, number, page};

/// A dial plan of one line: ten digits are a number of New York's country.
fn number_of(station_id: &str) -> Option<Number> {
    let digits: String = station_id.chars().filter(char::is_ascii_digit).collect();
    (digits.len() == 10).then(|| number(&format!("+1{digits}")))
}

fn files_of(fax: &ReceivedFax) -> Files {
    let pages = (1..=fax.pages).map(|n| Some(MmrPage::encode(&page(n)))).collect();
    Files::make(fax, &title(fax), pages, &TimeZone::get("Europe/Berlin").unwrap())
}

fn mail_of(fax: &ReceivedFax, files: &Files, instead_of: &[String]) -> Mail {
    mail_by(&ReceivedConfig::default(), fax, files, instead_of)
}

fn mail_by(config: &ReceivedConfig, fax: &ReceivedFax, files: &Files, instead_of: &[String]) -> Mail {
    let notice = Notice::new(About::Received(fax.id.clone()), "office@example.com".into(), at("09:06:10"));
    let ctx = ReceivedContext {
        identity: &identity(),
        config,
        fax_domain: "fax.example.com",
        number_of: &number_of,
        instead_of,
    };
    let made = mail(&notice, fax, files, &ctx);
    assert_eq!(made, mail(&notice, fax, files, &ctx), "the same each time");
    assert_eq!(made.key, notice.id.to_string());
    made
}

fn parsed(mail: &Mail) -> Message<'_> {
    MessageParser::default().parse(&mail.data).unwrap()
}

fn text(mail: &Mail) -> String {
    lf(parsed(mail).body_text(0).unwrap().as_ref())
}

#[test]
fn the_header_lets_reply_fax_back() {
    let mail = mail_of(&fax(), &files_of(&fax()), &[]);
    let parsed = parsed(&mail);
    assert_eq!(parsed.subject(), Some("Fax from +1 212 555 0123 (2 pages)"));
    let from = parsed.from().unwrap().first().unwrap();
    assert_eq!(from.name(), Some("Fax +1 212 555 0123"));
    assert_eq!(from.address(), Some("postmaster@example.com"));
    let reply = parsed.reply_to().unwrap().first().unwrap();
    assert_eq!(reply.address(), Some("FAX=+12125550123@fax.example.com"));
    assert_eq!(reply.name(), Some("+1 212 555 0123"));
    for (name, value) in [
        ("Auto-Submitted", "auto-generated"),
        ("Message-Context", "fax-message"),
        ("Date", "Mon, 23 Nov 2026 10:06:10 +0100"),
    ] {
        assert_eq!(parsed.header_raw(name).map(str::trim), Some(value), "{name}");
    }
    let id = format!("{}@gw.example.com", mail.key);
    assert_eq!(parsed.message_id(), Some(id.as_str()));
    assert_eq!(mail.from.as_deref(), Some("postmaster@example.com"), "what bounces comes to a person");
    let raw = String::from_utf8(mail.data.clone()).expect("7-bit");
    assert!(raw.is_ascii());
    assert!(raw.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));
}

#[test]
fn both_files_are_attached_under_a_telling_name() {
    let mail = mail_of(&fax(), &files_of(&fax()), &[]);
    let parsed = parsed(&mail);
    assert_eq!(parsed.attachment_count(), 2);
    for (n, subtype, name, magic) in [
        (0, "pdf", "fax-2026-11-23-1004-12125550123.pdf", b"%PDF".as_slice()),
        (1, "tiff", "fax-2026-11-23-1004-12125550123.tif", b"II*\0"),
    ] {
        let part = parsed.attachment(n).unwrap();
        let kind = part.content_type().unwrap();
        assert_eq!((kind.subtype(), part.attachment_name()), (Some(subtype), Some(name)));
        assert!(part.contents().starts_with(magic));
        let application = (subtype == "tiff").then_some("faxbw");
        assert_eq!(kind.attribute("application"), application);
    }
}

#[test]
fn who_called_decides_where_a_reply_goes() {
    let unknown = ReceivedFax { caller: None, remote_id: None, ..fax() };
    for (remote_id, reply, sender) in [
        (None, None, "an unknown number"),
        (Some("ACME NEW YORK"), None, "ACME NEW YORK"),
        (Some(" 212 555 0177 "), Some("FAX=+12125550177@fax.example.com"), "212 555 0177"),
        (Some("\r\nBcc: x@y\0"), None, "Bcc: x@y"),
        (Some("   "), None, "an unknown number"),
    ] {
        let fax = ReceivedFax { remote_id: remote_id.map(String::from), ..unknown.clone() };
        let mail = mail_of(&fax, &files_of(&fax), &[]);
        let parsed = parsed(&mail);
        let found = parsed.reply_to().map(|reply| reply.first().unwrap().address().unwrap().to_owned());
        assert_eq!(found.as_deref(), reply, "{remote_id:?}");
        assert_eq!(parsed.subject(), Some(format!("Fax from {sender} (2 pages)").as_str()));
        assert_eq!(parsed.header_raw("Bcc"), None);
        let name = parsed.attachment(0).unwrap().attachment_name().unwrap();
        assert_eq!(name, "fax-2026-11-23-1004.pdf");
    }
}

/// What people read, word for word.
#[test]
fn the_texts_read_well() {
    let one_page = ReceivedFax { pages: 1, complete: false, ..fax() };
    let by_name = ReceivedFax { caller: None, remote_id: Some("212 555 0177".into()), ..fax() };
    let from_nobody = ReceivedFax { caller: None, called: None, remote_id: None, ..fax() };
    let meant_for = ["sales@example.com".to_owned(), "archive@example.com".to_owned()];
    for (name, fax, instead_of) in [
        ("complete", &fax(), &[][..]),
        ("broken-off", &one_page, &[]),
        ("by-name", &by_name, &[]),
        ("from-nobody", &from_nobody, &[]),
        ("redirected", &fax(), &meant_for),
    ] {
        let mail = mail_of(fax, &files_of(fax), instead_of);
        crate::words::golden(&format!("received-{name}"), &text(&mail));
    }
    assert_eq!(title(&one_page), "Fax from +1 212 555 0123 (1 page, incomplete)");
}

#[test]
fn pages_that_the_disk_lost_are_told_of() {
    let zone = TimeZone::UTC;
    let three = ReceivedFax { pages: 3, ..fax() };
    let some = Files::make(&three, "t", vec![None, Some(MmrPage::encode(&page(2))), None], &zone);
    assert_eq!(some.missing, [1, 3]);
    let mail = mail_of(&three, &some, &[]);
    assert_eq!(parsed(&mail).attachment_count(), 2);
    crate::words::golden("received-missing", &text(&mail));

    let none = Files::make(&fax(), "t", vec![None, None], &zone);
    let mail = mail_of(&fax(), &none, &[]);
    assert_eq!(parsed(&mail).attachment_count(), 0);
    assert!(text(&mail).contains("Pages 1 and 2 arrived"), "{}", text(&mail));

    // A page that no TIFF can hold still comes as PDF.
    let odd = Page::white(1000, 10, fax::page::Resolution::R204x98);
    let odd = Files::make(&fax(), "t", vec![Some(MmrPage::encode(&odd))], &zone);
    assert!(odd.pdf.is_some() && odd.tiff.is_none());
    assert!(text(&mail_of(&fax(), &odd, &[])).contains("The fax is attached as a PDF."));
    for garbage in [b"".as_slice(), b"II*\0", b"not a tiff"] {
        assert_eq!(files::page(garbage), None);
    }
}

#[test]
fn files_that_are_too_large_stay_behind() {
    let files = files_of(&fax());
    let pdf = files.pdf.as_ref().unwrap().len();
    let both = pdf + files.tiff.as_ref().unwrap().len();
    for (attached_bytes_max, attachments, told) in [
        (both, 2, "attached twice"),
        (both - 1, 1, "as a PDF. The TIFF file would have made this mail"),
        (pdf - 1, 1, "attached as a TIFF file."),
        (1, 0, "The fax is too large for a mail"),
    ] {
        let config = ReceivedConfig { attached_bytes_max, ..ReceivedConfig::default() };
        let mail = mail_by(&config, &fax(), &files, &[]);
        assert_eq!(parsed(&mail).attachment_count(), attachments, "{attached_bytes_max}");
        assert!(text(&mail).contains(told), "{}", text(&mail));
    }
}

/// Runs a tool that the tests need; its absence is an error that names the package.
fn tool(package: &str, name: &str, arguments: &[&str]) -> String {
    let run = Command::new(name).args(arguments).output();
    let run = run.unwrap_or_else(|error| panic!("{name} (Debian package {package}) does not run: {error}"));
    assert!(run.status.success(), "{name}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned()
}

#[test]
fn poppler_and_libtiff_read_what_is_attached() {
    let dir = tempfile::tempdir().unwrap();
    let mail = mail_of(&fax(), &files_of(&fax()), &[]);
    let parsed = parsed(&mail);
    let path = |n: u32, name: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, parsed.attachment(n).unwrap().contents()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (pdf, tiff) = (path(0, "f.pdf"), path(1, "f.tif"));

    let info = tool("poppler-utils", "pdfinfo", &[&pdf]);
    assert!(info.contains("Pages:           2"), "{info}");
    assert!(info.contains("Title:           Fax from +1 212 555 0123 (2 pages)"), "{info}");
    let prefix = dir.path().join("image").to_str().unwrap().to_owned();
    tool("poppler-utils", "pdfimages", &[&pdf, &prefix]);
    for n in 1..=2u32 {
        let image = std::fs::read(format!("{prefix}-{:03}.pbm", n - 1)).unwrap();
        let header = format!("P4\n1728 {}\n", page(n).rows());
        let bits = image.strip_prefix(header.as_bytes()).unwrap_or_else(|| panic!("{:?}", &image[..20]));
        assert_eq!(bits, page(n).bits(), "page {n}, pixel by pixel");
    }

    let info = tool("libtiff-tools", "tiffinfo", &[&tiff]);
    assert_eq!(info.matches("CCITT Group 4").count(), 2, "{info}");
    for line in ["Page Number: 0-2", "Page Number: 1-2", "DateTime: 2026:11:23 10:04:05", "Software: Faxgate"]
    {
        assert!(info.contains(line), "{line}: {info}");
    }
    assert!(info.contains("ImageDescription: Fax from +1 212 555 0123 (2 pages)"), "{info}");
}
