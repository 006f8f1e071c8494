//! One command line, understood (RFC 5321 §4.1).
//!
//! `smtp-proto` reads the verb and judges the path; the rest is stricter than it is. It is given the line
//! only up to the closing `>`: a path keeps its quotes here, since RFC 3464 wants a recipient reported
//! exactly as it was written, and parameters are read by [`parameters`](crate::door::esmtp::parameters), since it forgives what RFC
//! 3461 does not. Where the two ideas of a path's end differ, `smtp-proto` finds a syntax error.

use smtp_proto::{Error, Request};

use super::auth::{Mechanism, Secret};
use crate::address::Mailbox;
use crate::door::esmtp::parameters::{MailParameters, RcptParameters};
use crate::door::esmtp::reply::Reply;

/// A command that the session knows what to do with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `EHLO`: who the client says it is.
    Ehlo(String),
    /// `HELO`: the same, without extensions.
    Helo(String),
    /// `MAIL`: a new transaction.
    Mail {
        /// The reverse path without brackets; `None` for `<>`.
        sender: Option<String>,
        /// What else was said.
        parameters: MailParameters,
    },
    /// `RCPT`: one more recipient.
    Rcpt {
        /// The forward path without brackets, and without a source route.
        address: String,
        /// What else was said.
        parameters: RcptParameters,
    },
    /// `LHLO`: `EHLO` of LMTP (RFC 2033).
    Lhlo(String),
    /// `DATA`.
    Data,
    /// `BDAT` (RFC 3030): so many octets follow.
    Bdat {
        /// How many.
        octets: usize,
        /// Whether they are the last of the message.
        last: bool,
    },
    /// `STARTTLS` (RFC 3207).
    StartTls,
    /// `AUTH` (RFC 4954).
    Auth {
        /// How.
        mechanism: Mechanism,
        /// The answer to the first challenge, in base64, where it came along.
        initial: Option<Secret>,
    },
    /// `RSET`.
    Rset,
    /// `NOOP`.
    Noop,
    /// `QUIT`.
    Quit,
    /// `VRFY`.
    Vrfy,
    /// `HELP`.
    Help,
    /// Something that ends the connection: what follows it is no SMTP command.
    Alien(&'static str),
}

/// Reads a line without its CRLF; an error is the reply to give.
pub fn parse(line: &str) -> Result<Command, Reply> {
    if line.contains(" HTTP/") {
        // A web page in somebody's browser can post a form to this port, and its body can hold SMTP commands.
        return Ok(Command::Alien("this is a mail server"));
    }
    if let Some(command) = auth(line).or_else(|| bdat(line).map(Ok)) {
        return command;
    }
    let (head, rest) = split_at_path(line);
    let bytes = format!("{}\r\n", Mailbox::ascii_shape(head)).into_bytes();
    let request = Request::parse(&mut bytes.iter()).map_err(|error| syntax_error(line, &error))?;
    match request {
        Request::Ehlo { host } => Ok(Command::Ehlo(name(&host))),
        Request::Lhlo { host } => Ok(Command::Lhlo(name(&host))),
        Request::Helo { host } => Ok(Command::Helo(name(&host))),
        Request::Mail { .. } => {
            // Reports go there, so it must be an address throughout, and not only for the parser.
            let path = path(head).filter(|path| path.is_empty() || Mailbox::is_full_utf8(path));
            let path = path.ok_or_else(|| Reply::new(553, "5.1.7", "the sender is no mail address"))?;
            let parameters = MailParameters::parse(after_path(rest)?)?;
            if !path.is_ascii() && !parameters.utf8 {
                return Err(Reply::new(553, "5.6.7", "such a sender needs SMTPUTF8"));
            }
            let sender = (!path.is_empty()).then(|| path.to_owned());
            Ok(Command::Mail { sender, parameters })
        }
        Request::Rcpt { .. } => {
            let path = path(head).filter(|path| !path.is_empty());
            let path = path.ok_or_else(|| Reply::new(553, "5.1.3", "the recipient is no mail address"))?;
            if !path.is_ascii() {
                return Err(Reply::new(553, "5.6.7", "a fax address is plain ASCII"));
            }
            Ok(Command::Rcpt {
                address: path.to_owned(),
                parameters: RcptParameters::parse(after_path(rest)?)?,
            })
        }
        Request::Data => alone(line, Command::Data),
        Request::StartTls => alone(line, Command::StartTls),
        Request::Rset => alone(line, Command::Rset),
        Request::Quit => alone(line, Command::Quit),
        Request::Noop { .. } => Ok(Command::Noop),
        Request::Vrfy { .. } => Ok(Command::Vrfy),
        Request::Help { .. } => Ok(Command::Help),
        // What these bring along after their line is no command.
        Request::Burl { .. } => Ok(Command::Alien("BURL is not offered")),
        other => Err(Reply::new(502, "5.5.1", format!("{} is not offered here", other.name()))),
    }
}

/// `AUTH` and what follows it (RFC 4954 §4); read here so that a password stays as it was written.
fn auth(line: &str) -> Option<Result<Command, Reply>> {
    let mut words = line.trim_end().split(' ');
    words.next().filter(|verb| verb.eq_ignore_ascii_case("AUTH"))?;
    let (mechanism, initial) = (words.next().filter(|word| !word.is_empty()), words.next());
    Some(match (mechanism, words.next()) {
        (Some(name), None) => match Mechanism::parse(name) {
            Some(mechanism) => Ok(Command::Auth { mechanism, initial: initial.map(|i| Secret(i.into())) }),
            None => Err(Reply::new(504, "5.5.4", "that way of signing in is not offered")),
        },
        _ => Err(Reply::new(501, "5.5.4", "the syntax is: AUTH mechanism [initial-response]")),
    })
}

/// `BDAT` and its length, which must not be in doubt: what follows the line is no command.
fn bdat(line: &str) -> Option<Command> {
    let mut words = line.trim_end().split(' ');
    words.next().filter(|verb| verb.eq_ignore_ascii_case("BDAT"))?;
    let digits = words.next().filter(|word| word.bytes().all(|b| b.is_ascii_digit()));
    let octets = digits.and_then(|word| word.parse().ok());
    Some(match (octets, words.next(), words.next()) {
        (Some(octets), None, None) => Command::Bdat { octets, last: false },
        (Some(octets), Some(last), None) if last.eq_ignore_ascii_case("LAST") => {
            Command::Bdat { octets, last: true }
        }
        _ => Command::Alien("the length of that chunk cannot be read"),
    })
}

/// The reply to a line that `smtp-proto` cannot read.
fn syntax_error(line: &str, error: &Error) -> Reply {
    match error {
        Error::UnknownCommand => Reply::new(500, "5.5.2", "there is no such command"),
        Error::InvalidSenderAddress => Reply::new(553, "5.1.7", "the sender is no mail address"),
        Error::InvalidRecipientAddress => {
            Reply::new(553, "5.1.3", "the recipient is no mail address; write <+12125550123@domain>")
        }
        Error::SyntaxError { syntax } => Reply::new(501, "5.5.4", format!("the syntax is: {syntax}")),
        _ => {
            let verb = line.split(' ').next().unwrap_or_default();
            Reply::new(501, "5.5.4", format!("{verb} cannot be read"))
        }
    }
}

/// The line up to the `>` that closes its path, and what follows; a line without one is all head. Quoted
/// strings in the path may hold any character.
fn split_at_path(line: &str) -> (&str, &str) {
    let (mut inside, mut quoted, mut escaped) = (false, false, false);
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if inside => quoted = !quoted,
            b'<' if !quoted => inside = true,
            b'>' if inside && !quoted => {
                return line.split_at(at + 1);
            }
            _ => {}
        }
    }
    (line, "")
}

/// Parameters are set apart from the path by a space.
fn after_path(rest: &str) -> Result<&str, Reply> {
    if rest.is_empty() || rest.starts_with(' ') {
        Ok(rest)
    } else {
        Err(Reply::new(501, "5.5.4", "after the > comes a space, or nothing"))
    }
}

/// The path between the brackets, its source route taken away (RFC 5321 §4.1.1.3, appendix C).
fn path(head: &str) -> Option<&str> {
    let path = head.split_once('<')?.1.strip_suffix('>')?;
    match path.strip_prefix('@') {
        Some(route) => route.split_once(':').map(|(_, path)| path),
        None => Some(path),
    }
}

/// What the client calls itself. It goes into the `Received` line, so it may have nothing but the characters of
/// a domain or an address literal; others become `_`, since many a copier has a name that is none, and its
/// faxes are as good as any.
fn name(host: &str) -> String {
    let known = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
    host.chars().map(|c| if known(c) { c } else { '_' }).collect()
}

/// These commands take nothing after them (RFC 5321 §4.1.1.4, §4.1.1.5, §4.1.1.10).
fn alone(line: &str, command: Command) -> Result<Command, Reply> {
    match line.trim_end().contains(' ') {
        false => Ok(command),
        true => Err(Reply::new(501, "5.5.4", "nothing may follow this command")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn code(line: &str) -> u16 {
        parse(line).map_or_else(|reply| reply.code, |command| panic!("{line}: {command:?}"))
    }

    fn sender(line: &str) -> Option<String> {
        match parse(line).unwrap() {
            Command::Mail { sender, .. } => sender,
            other => panic!("{other:?}"),
        }
    }

    fn recipient(line: &str) -> String {
        match parse(line).unwrap() {
            Command::Rcpt { address, .. } => address,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn verbs_in_any_case() {
        for (line, want) in [
            ("EHLO mail.example.com", Command::Ehlo("mail.example.com".into())),
            ("ehlo [IPv6:2001:db8::1]", Command::Ehlo("[IPv6:2001:db8::1]".into())),
            ("EHLO Anna's;MFP(1)", Command::Ehlo("Anna_s_MFP_1_".into())),
            ("HeLo x", Command::Helo("x".into())),
            ("DATA", Command::Data),
            ("data ", Command::Data),
            ("RSET", Command::Rset),
            ("StartTLS", Command::StartTls),
            ("NOOP", Command::Noop),
            ("NOOP anything goes", Command::Noop),
            ("QUIT", Command::Quit),
            ("VRFY anna", Command::Vrfy),
            ("HELP", Command::Help),
            ("HELP MAIL", Command::Help),
            ("GET / HTTP/1.1", Command::Alien("this is a mail server")),
        ] {
            assert_eq!(parse(line), Ok(want), "{line}");
        }
        assert_eq!(parse("BDAT 10"), Ok(Command::Bdat { octets: 10, last: false }));
        assert_eq!(parse("bdat 0 last"), Ok(Command::Bdat { octets: 0, last: true }));
        for wrong in
            ["BDAT", "BDAT ", "BDAT x", "BDAT +1", "BDAT -1", "BDAT 1 LAST x", "BDAT 1 x", "BDAT 1e3"]
        {
            assert!(matches!(parse(wrong), Ok(Command::Alien(_))), "{wrong}");
        }
        assert!(matches!(parse("BDAT 99999999999999999999999"), Ok(Command::Alien(_))));
    }

    #[test]
    fn paths_stay_as_they_were_written() {
        for (path, want) in [
            ("<anna@example.com>", "anna@example.com"),
            (r#"<"Anna \"A\" > @x"@example.com>"#, r#""Anna \"A\" > @x"@example.com"#),
            ("<@a.example,@b.example:anna@example.com>", "anna@example.com"),
        ] {
            assert_eq!(sender(&format!("MAIL FROM:{path}")).as_deref(), Some(want));
            assert_eq!(recipient(&format!("RCPT TO:{path}")), want);
        }
        assert_eq!(sender("MAIL FROM:<>"), None);
        assert_eq!(sender("mail from: <> SIZE=10"), None);
        assert_eq!(recipient("RCPT TO:<FAX=+1-212/T33S=1@x>"), "FAX=+1-212/T33S=1@x");
        assert_eq!(recipient("RCPT TO:<Postmaster>"), "Postmaster");
        assert_eq!(
            recipient(r#"RCPT TO:<"FAX=+1/ATTN=Tom Smith"@x> NOTIFY=NEVER"#),
            r#""FAX=+1/ATTN=Tom Smith"@x"#
        );
    }

    #[test]
    fn an_international_sender_is_one_by_his_parameter() {
        assert_eq!(
            sender("MAIL FROM:<jörg@例子.example> SIZE=10 SMTPUTF8").as_deref(),
            Some("jörg@例子.example")
        );
        assert_eq!(sender("MAIL FROM:<> SMTPUTF8"), None);
        for (line, want) in [
            ("MAIL FROM:<jörg@example.com>", 553),
            ("MAIL FROM:<jörg@example.com> SIZE=10", 553),
            ("MAIL FROM:<jörg> SMTPUTF8", 553),
            ("MAIL FROM:<jö rg@x> SMTPUTF8", 553),
            ("MAIL FROM:<jörg@x> SMTPUTF8 BODY=8BITMIMÉ", 501),
            ("MAIL FROM:<jörg@x> SMTPUTF8 ENVID=é", 501),
            ("RCPT TO:<jörg@example.com>", 553),
            ("RCPT TO:<1@x> ORCPT=utf-8;jörg@x", 501),
            ("NÖÖP", 500),
        ] {
            assert_eq!(code(line), want, "{line}");
        }
    }

    #[test]
    fn parameters_are_read_and_their_errors_are_replies() {
        let Command::Mail { parameters, .. } = parse("MAIL FROM:<a@b> SIZE=10 RET=FULL").unwrap() else {
            panic!()
        };
        assert_eq!(parameters.size_octets, Some(10));
        let Command::Rcpt { parameters, .. } = parse("RCPT TO:<a@b> ORCPT=x-fax;1 NOTIFY=DELAY").unwrap()
        else {
            panic!()
        };
        assert_eq!(parameters.orcpt.as_deref(), Some("x-fax;1"));
        assert_eq!(code("MAIL FROM:<a@b> SIZE=x"), 501);
        assert_eq!(code("MAIL FROM:<a@b> SMTPUTF8=x"), 501);
        assert_eq!(code("MAIL FROM:<a@b> SMTPUTF8 SMTPUTF8"), 501);
        assert_eq!(code("RCPT TO:<a@b> SMTPUTF8"), 555);
        assert_eq!(code("MAIL FROM:<a@b> CONPERM"), 555);
        assert_eq!(code("RCPT TO:<a@b> NOTIFY=NEVER,DELAY"), 501);
    }

    #[test]
    fn what_is_wrong_gets_its_code() {
        for (line, want) in [
            ("", 500),
            ("FOO", 500),
            ("MAILFROM:<a@b>", 500),
            ("EHLO", 501),
            ("MAIL", 501),
            ("MAIL FROM", 501),
            ("MAIL FROM:", 501),
            ("MAIL FROM:a@b", 501),
            ("MAIL TO:<a@b>", 501),
            ("MAIL FROM:<a@b", 501),
            ("MAIL FROM:<a@b>SIZE=10", 501),
            ("MAIL FROM:<a@b><c@d>", 501),
            ("MAIL FROM:<anna>", 553),
            ("MAIL FROM:<postmaster>", 553),
            ("MAIL FROM:<a@b..c>", 553),
            ("MAIL FROM:<a@[b>", 553),
            ("MAIL FROM:<a b@c>", 553),
            (r#"MAIL FROM:<"a@b>"#, 553),
            ("RCPT TO:<>", 553),
            ("RCPT TO:<@a:>", 553),
            ("RCPT TO:<1..2@x>", 553),
            ("RCPT TO:<1@x@y>", 553),
            ("DATA x", 501),
            ("RSET x", 501),
            ("STARTTLS x", 501),
            ("QUIT x", 501),
            ("VRFY", 501),
            ("EXPN list", 502),
            ("AUTH", 501),
            ("AUTH ", 501),
            ("AUTH PLAIN a b", 501),
            ("AUTH CRAM-MD5", 504),
            ("ETRN x", 502),
        ] {
            assert_eq!(code(line), want, "{line}");
        }
    }

    proptest::proptest! {
        /// Any line is answered; and what passes for an address is what stands between the brackets.
        #[test]
        fn any_line(line in "((mail from|rcpt to|ehlo|vrfy|bdat|auth):?)?[ -~]{0,60}") {
            let _ = parse(&line);
        }

        #[test]
        fn paths_end_where_their_bracket_does(path in "[<>@:,\"\\\\a .]{0,12}", rest in "( SIZE=1| x|<|>|)") {
            if let Ok(Command::Rcpt { address, .. }) = parse(&format!("RCPT TO:<{path}>{rest}")) {
                assert!(path.ends_with(&address), "{path} {address}");
            }
        }
    }
}
