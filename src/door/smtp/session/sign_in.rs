//! The part of a session in which a client signs in (RFC 4954).

use super::super::auth::{Exchange, Mechanism, Move, Secret, encoded};
use super::super::line::Line;
use super::{Credentials, Session, State, Step, Verdict};
use crate::door::esmtp::reply::Reply;
use crate::users::ScramKeys;

/// Attempts that may fail in one session.
const FAILURES_MAX: usize = 3;

impl Session {
    pub(super) fn auth(&mut self, mechanism: Mechanism, initial: Option<&Secret>) {
        if !self.secured && self.service.tls {
            // The password has just been sent in the clear, if the client was of that kind; it is not looked at.
            return self.error(Reply::new(538, "5.7.11", "say STARTTLS first: nobody signs in without TLS"));
        }
        if !self.service.auth || !self.secured {
            return self.error(Reply::new(502, "5.5.1", "AUTH is not offered here"));
        }
        if !self.hello.as_ref().is_some_and(|hello| hello.extended) {
            return self.error(Reply::new(503, "5.5.1", "say EHLO first"));
        }
        if self.signed_in {
            return self.error(Reply::new(503, "5.5.1", "you have signed in already"));
        }
        if matches!(self.state, State::Envelope(_) | State::Chunks(..)) {
            return self.error(Reply::new(503, "5.5.1", "a mail is already begun; RSET forgets it"));
        }
        let (exchange, next) = Exchange::begin(mechanism, initial.map(|text| text.0.as_str()));
        self.follow(exchange, next);
    }

    /// A line that answers a challenge.
    pub(super) fn sign_in_line(&mut self, line: Line) {
        let State::Challenged(mut exchange) = std::mem::replace(&mut self.state, State::Idle) else { return };
        match line {
            Line::Complete(text) => {
                let next = exchange.answer(&text);
                self.follow(exchange, next);
            }
            Line::BadEnding => self.close(Reply::new(500, "5.5.2", "lines must end in CR LF; goodbye")),
            Line::TooLong | Line::NotText => self.follow(exchange, Move::Malformed),
            Line::Partial => self.state = State::Challenged(exchange),
        }
    }

    /// Answers [`Step::Keys`]; `nonce` is printable, has no comma and cannot be guessed. `None`: the keys cannot be
    /// had just now.
    pub fn scram_keys(&mut self, keys: Option<(ScramKeys, String)>) {
        let State::SigningIn(mut exchange) = std::mem::replace(&mut self.state, State::Idle) else { return };
        match keys {
            Some((keys, nonce)) => {
                let next = exchange.keys(keys, &nonce);
                self.follow(exchange, next);
            }
            None => self.verdict(exchange, Verdict::Trouble),
        }
    }

    /// Answers [`Step::SignIn`].
    pub fn signed_in(&mut self, verdict: Verdict) {
        let State::SigningIn(exchange) = std::mem::replace(&mut self.state, State::Idle) else { return };
        self.verdict(exchange, verdict);
    }

    fn verdict(&mut self, mut exchange: Exchange, verdict: Verdict) {
        match verdict {
            Verdict::Yes => match exchange.let_in() {
                Some(next) => self.follow(exchange, next),
                None => self.done(),
            },
            Verdict::No => self.failed(Reply::new(535, "5.7.8", "name or password is wrong")),
            Verdict::TooMany => {
                let text = "too many attempts to sign in have failed; please try again later";
                self.close(Reply::new(421, "4.7.0", text));
            }
            Verdict::Trouble => {
                self.reply(Reply::new(454, "4.7.0", "nobody can sign in just now; please try again later"));
            }
        }
    }

    fn follow(&mut self, exchange: Exchange, next: Move) {
        match next {
            Move::Challenge(text) => {
                self.state = State::Challenged(exchange);
                self.reply(Reply::plain(334, vec![encoded(&text)]));
            }
            Move::Password(name, password) => {
                self.state = State::SigningIn(exchange);
                self.steps.push_back(Step::SignIn(Credentials::Password { name, password }));
            }
            Move::Proven(name, right) => {
                self.state = State::SigningIn(exchange);
                self.steps.push_back(Step::SignIn(Credentials::Proof { name, right }));
            }
            Move::Keys(name) => {
                self.state = State::SigningIn(exchange);
                self.steps.push_back(Step::Keys(name));
            }
            Move::Done => self.done(),
            Move::Cancelled => self.error(Reply::new(501, "5.7.0", "as you like")),
            Move::Malformed => self.failed(Reply::new(501, "5.5.2", "that answer cannot be read")),
        }
    }

    fn done(&mut self) {
        self.signed_in = true;
        if let Some(hello) = &mut self.hello {
            hello.signed_in = true;
        }
        self.reply(Reply::new(235, "2.7.0", "you are in"));
    }

    fn failed(&mut self, reply: Reply) {
        self.sign_in_failures += 1;
        self.error(reply);
        if self.sign_in_failures >= FAILURES_MAX && !matches!(self.state, State::Closed) {
            self.close(Reply::new(421, "4.7.0", "too many attempts to sign in have failed"));
        }
    }
}
