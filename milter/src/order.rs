//! What may follow what.
//!
//! ```text
//!   Start ──O──► Open ──C──► Client ──H──► Greeted ◄─────────── A, or a last word on the message ────────┐
//!                 ▲             │            │ ▲ H                                                      │
//!                 │             └─────M──────┴─┴──► Mail ─R─► Rcpt ─T─► Data ─L─► Header ─N─► Eoh ─B─► Body ─E─► End
//!                 K (from anywhere)                            └──────── any of these may be left out ────────┘
//! ```
//!
//! `D` (macros) and `U` (a command that the MTA does not know) may stand anywhere behind `O` and change nothing, `Q` ends
//! all. HELO or MAIL in the middle of a message forgets the message, as libmilter has it: the MTA need not say ABORT.
//! Steps that were negotiated away are not missed.

use crate::command::Command;
use crate::flags::Steps;

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Nothing has been negotiated.
    Start,
    /// Negotiated, and no client yet.
    Open,
    /// A client has connected.
    Client,
    /// It has said HELO, or a message of its has ended.
    Greeted,
    /// A message has a sender.
    Mail,
    /// It has a recipient.
    Rcpt,
    /// The client has said DATA.
    Data,
    /// In the header.
    Header,
    /// Behind the header.
    Eoh,
    /// In the body.
    Body,
    /// The message has ended, and the last word on it is the filter's.
    End,
    /// The MTA has said goodbye.
    Over,
}

impl Stage {
    /// Whether a message is being told.
    #[must_use]
    pub fn in_message(self) -> bool {
        (Self::Mail..=Self::End).contains(&self)
    }

    /// Whether what comes next can only be the content of the message.
    #[must_use]
    pub fn in_content(self) -> bool {
        (Self::Data..=Self::End).contains(&self)
    }
}

/// What a command does to the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// Go there.
    To(Stage),
    /// Forget the message first, and then take the command again.
    ForgetFirst,
    /// It may not stand here.
    OutOfOrder,
}

/// What `command` does at `stage`, where `steps` were negotiated.
pub(crate) fn follow(stage: Stage, command: &Command<'_>, steps: Steps) -> Move {
    let client_is_there =
        stage >= Stage::Client || (stage == Stage::Open && steps.contains(Steps::NO_CONNECT));
    let may = |condition, to| if condition { Move::To(to) } else { Move::OutOfOrder };
    if stage == Stage::Over || (stage == Stage::Start && !matches!(command, Command::Quit)) {
        return may(stage == Stage::Start && matches!(command, Command::OptNeg { .. }), Stage::Open);
    }
    match command {
        Command::OptNeg { .. } => Move::OutOfOrder,
        Command::Macro { .. } | Command::Unknown(_) => Move::To(stage),
        Command::Connect { .. } => may(stage == Stage::Open, Stage::Client),
        Command::Helo { .. } | Command::Mail { .. } if stage.in_message() => Move::ForgetFirst,
        Command::Helo { .. } => may(client_is_there, Stage::Greeted),
        Command::Mail { .. } => may(client_is_there, Stage::Mail),
        Command::Rcpt { .. } => {
            let without_mail = client_is_there && steps.contains(Steps::NO_MAIL);
            may(
                matches!(stage, Stage::Mail | Stage::Rcpt) || (!stage.in_message() && without_mail),
                Stage::Rcpt,
            )
        }
        Command::Data => content(stage, Stage::Data, client_is_there, steps),
        Command::Header { .. } => content(stage, Stage::Header, client_is_there, steps),
        Command::Eoh => content(stage, Stage::Eoh, client_is_there, steps),
        Command::Body(_) => content(stage, Stage::Body, client_is_there, steps),
        Command::BodyEob(_) => content(stage, Stage::End, client_is_there, steps),
        Command::Abort if stage.in_message() => Move::To(Stage::Greeted),
        Command::Abort => Move::To(stage),
        Command::Quit => Move::To(Stage::Over),
        Command::QuitNc => Move::To(Stage::Open),
    }
}

/// A piece of content brings the message forward, never back; header fields and pieces of body repeat.
fn content(stage: Stage, to: Stage, client_is_there: bool, steps: Steps) -> Move {
    let repeats = matches!(to, Stage::Header | Stage::Body);
    let has_recipient = match stage {
        Stage::Mail => steps.contains(Steps::NO_RCPT),
        stage if stage.in_message() => true,
        _ => client_is_there && steps.contains(Steps::NO_MAIL | Steps::NO_RCPT),
    };
    let forward = stage < to || (stage == to && repeats);
    if has_recipient && forward { Move::To(to) } else { Move::OutOfOrder }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Peer;
    use alloc::vec::Vec;

    const STAGES: [Stage; 12] = [
        Stage::Start,
        Stage::Open,
        Stage::Client,
        Stage::Greeted,
        Stage::Mail,
        Stage::Rcpt,
        Stage::Data,
        Stage::Header,
        Stage::Eoh,
        Stage::Body,
        Stage::End,
        Stage::Over,
    ];

    /// The stages, by the letter of the command that leads there, at which `command` may stand.
    fn stands_at(command: &Command<'_>, steps: Steps) -> Vec<Stage> {
        STAGES.into_iter().filter(|stage| follow(*stage, command, steps) != Move::OutOfOrder).collect()
    }

    fn rcpt() -> Command<'static> {
        Command::Rcpt { recipient: b"<a@b>", parameters: Vec::new() }
    }

    #[test]
    fn every_command_has_its_places() {
        use Stage::{Body, Client, Data, End, Eoh, Greeted, Header, Mail, Open, Rcpt, Start};
        let offer = Command::OptNeg { version: 6, actions: crate::Actions::NONE, steps: Steps::NONE };
        let connect = Command::Connect { host: b"h", peer: Peer::Unknown };
        let header = Command::Header { name: b"a", value: b"b" };
        for (command, want) in [
            (offer, &[Start][..]),
            (connect, &[Open]),
            (Command::Helo { name: b"h" }, &[Client, Greeted, Mail, Rcpt, Data, Header, Eoh, Body, End]),
            (rcpt(), &[Mail, Rcpt]),
            (Command::Data, &[Rcpt]),
            (header, &[Rcpt, Data, Header]),
            (Command::Eoh, &[Rcpt, Data, Header]),
            (Command::Body(b""), &[Rcpt, Data, Header, Eoh, Body]),
            (Command::BodyEob(b""), &[Rcpt, Data, Header, Eoh, Body]),
            (Command::Quit, &STAGES[..11]),
            (Command::QuitNc, &STAGES[1..11]),
            (Command::Abort, &STAGES[1..11]),
            (Command::Unknown(b"X"), &STAGES[1..11]),
        ] {
            assert_eq!(stands_at(&command, Steps::NONE), want, "{command:?}");
        }
    }

    #[test]
    fn what_was_negotiated_away_is_not_missed() {
        let mail = Command::Mail { sender: b"<>", parameters: Vec::new() };
        assert_eq!(follow(Stage::Open, &mail, Steps::NONE), Move::OutOfOrder);
        assert_eq!(follow(Stage::Open, &mail, Steps::NO_CONNECT), Move::To(Stage::Mail));
        let none = Steps::NO_CONNECT | Steps::NO_MAIL;
        assert_eq!(follow(Stage::Open, &rcpt(), none), Move::To(Stage::Rcpt));
        assert_eq!(follow(Stage::Open, &Command::Eoh, none), Move::OutOfOrder);
        assert_eq!(follow(Stage::Open, &Command::Eoh, none | Steps::NO_RCPT), Move::To(Stage::Eoh));
        assert_eq!(follow(Stage::Mail, &Command::Data, Steps::NO_RCPT), Move::To(Stage::Data));
    }

    #[test]
    fn a_new_message_forgets_the_last() {
        let mail = Command::Mail { sender: b"<>", parameters: Vec::new() };
        assert_eq!(follow(Stage::Body, &mail, Steps::NONE), Move::ForgetFirst);
        assert_eq!(follow(Stage::Greeted, &mail, Steps::NONE), Move::To(Stage::Mail));
        assert_eq!(follow(Stage::Rcpt, &Command::Abort, Steps::NONE), Move::To(Stage::Greeted));
        assert_eq!(follow(Stage::Client, &Command::Abort, Steps::NONE), Move::To(Stage::Client));
    }
}
