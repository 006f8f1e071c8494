//! What the parameters of `MAIL` say of time and order: HOLDFOR and HOLDUNTIL (FUTURERELEASE, RFC 4865), BY (DELIVERBY,
//! RFC 2852), MT-PRIORITY (RFC 6710).
//!
//! A fax held until a time is not dialled before it; one to be delivered by a time is not dialled after it (`R`), or its
//! sender is told when it has come (`N`). What is asked for is kept as it was said, and becomes [`Options`] when the time
//! is known: the client's clock may be wrong, so it speaks of seconds.

use jiff::{SignedDuration, Timestamp};

use super::reply::Reply;
use crate::job::Options;

/// How far ahead a fax may be asked to be held: announced in seconds, and as a time.
pub const HOLD_MAX: SignedDuration = SignedDuration::from_hours(365 * 24);
/// The shortest time that a fax may be asked to be delivered in: a call alone takes half a minute.
pub const BY_SECONDS_MIN: i64 = 60;
/// The longest run of digits of a time in seconds (RFC 4865 §7, RFC 2852 §4).
const DIGITS_MAX: usize = 9;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Until when the fax is held.
    pub hold: Option<Hold>,
    /// By when it is to be delivered.
    pub by: Option<By>,
    /// Which goes first: −9 to 9.
    pub priority: Option<i8>,
}

/// RFC 4865.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// So many seconds.
    For(i64),
    /// Until this time.
    Until(Timestamp),
}

/// RFC 2852.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By {
    /// In so many seconds; it may have passed.
    pub seconds: i64,
    /// What is to be done then.
    pub mode: ByMode,
}

/// What is done when the time has come and the fax has not been delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByMode {
    /// It is given up (`R`).
    Return,
    /// The sender is told, and it is tried further (`N`).
    Notify,
}

impl Hold {
    /// The value of HOLDFOR: one to nine digits.
    #[must_use]
    pub fn parse_for(value: &str) -> Option<Self> {
        seconds(value).filter(|seconds| *seconds > 0).map(Self::For)
    }

    /// The value of HOLDUNTIL: a date and a time with its zone (RFC 3339).
    #[must_use]
    pub fn parse_until(value: &str) -> Option<Self> {
        let is_plain = value.bytes().all(|b| b.is_ascii_digit() || b"-+:.TZtz".contains(&b));
        let at: Timestamp = value.parse().ok().filter(|_| is_plain && value.contains(['T', 't']))?;
        Some(Self::Until(at))
    }

    fn end(self, now: Timestamp) -> Timestamp {
        match self {
            Self::For(seconds) => after(now, seconds),
            Self::Until(at) => at,
        }
    }

    /// As a report names it (RFC 4865 §5.1.2).
    fn request(self) -> String {
        match self {
            Self::For(seconds) => format!("for;{seconds}"),
            Self::Until(at) => format!("until;{at}"),
        }
    }
}

impl By {
    /// The value of BY. The trace that a `T` asks for is one of relays; there are none behind a fax gateway.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let (time, mode) = value.split_once(';')?;
        let (sign, digits) = match time.as_bytes().first()? {
            b'-' => (-1, time.get(1..)?),
            b'+' => (1, time.get(1..)?),
            _ => (1, time),
        };
        let seconds = sign * seconds(digits)?;
        match mode.to_ascii_uppercase().as_str() {
            "R" | "RT" if seconds > 0 => Some(Self { seconds, mode: ByMode::Return }),
            "N" | "NT" => Some(Self { seconds, mode: ByMode::Notify }),
            _ => None,
        }
    }
}

/// The value of MT-PRIORITY.
#[must_use]
pub fn priority(value: &str) -> Option<i8> {
    let (sign, digit) = match value.strip_prefix('-') {
        Some(digit) => (-1, digit),
        None => (1, value),
    };
    match (sign, digit.as_bytes()) {
        (1, [b'0']) => Some(0),
        (sign, [digit @ b'1'..=b'9']) => Some(sign * digit.wrapping_sub(b'0').cast_signed()),
        _ => None,
    }
}

fn seconds(digits: &str) -> Option<i64> {
    let fits = (1..=DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| fits)
}

fn after(now: Timestamp, seconds: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// The latest time that a fax may be asked to be held until, as FUTURERELEASE announces it.
#[must_use]
pub fn hold_max(now: Timestamp) -> Timestamp {
    let max = now.checked_add(HOLD_MAX).unwrap_or(Timestamp::MAX);
    // In whole seconds.
    Timestamp::from_second(max.as_second()).unwrap_or(max)
}

impl Timing {
    /// What cannot be done of it is refused at once (RFC 4865 §4.2, §5.2.2; RFC 2852 §3).
    pub fn check(&self, now: Timestamp) -> Result<(), Reply> {
        let held = self.hold.map(|hold| hold.end(now));
        let too_far = match self.hold {
            Some(Hold::For(seconds)) => seconds > HOLD_MAX.as_secs(),
            Some(Hold::Until(at)) => at > hold_max(now),
            None => false,
        };
        if too_far {
            let text = "a fax can be held for a year at most";
            return Err(Reply::new(501, "5.5.4", text));
        }
        let Some(by) = self.by else { return Ok(()) };
        if by.mode == ByMode::Return && by.seconds < BY_SECONDS_MIN {
            let text = format!("no fax can be delivered in less than {BY_SECONDS_MIN} seconds");
            return Err(Reply::new(555, "5.4.7", text));
        }
        if held.is_some_and(|held| held > after(now, by.seconds)) {
            let text = "the fax is to be held for longer than it may take";
            return Err(Reply::new(501, "5.5.4", text));
        }
        Ok(())
    }

    /// What the job is to know of it, `now` being when it was said.
    #[must_use]
    pub fn options(&self, now: Timestamp) -> Options {
        let by = |mode| self.by.filter(|by| by.mode == mode).map(|by| after(now, by.seconds));
        Options {
            not_before: self.hold.map(|hold| hold.end(now)),
            hold_request: self.hold.map(Hold::request),
            expires_at: by(ByMode::Return),
            delay_report_at: by(ByMode::Notify),
            priority: self.priority.unwrap_or_default(),
            ..Options::default()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NOON: &str = "2026-11-26T12:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn values_are_read_as_the_standards_have_them() {
        assert_eq!(Hold::parse_for("60"), Some(Hold::For(60)));
        assert_eq!(Hold::parse_until(NOON), Some(Hold::Until(at(NOON))));
        assert_eq!(Hold::parse_until("2026-11-26T13:00:00+01:00"), Some(Hold::Until(at(NOON))));
        for wrong in ["", "0", "-1", "+1", "1s", "1234567890"] {
            assert_eq!(Hold::parse_for(wrong), None, "{wrong}");
        }
        for wrong in
            ["", "2026-11-26", "12:00:00Z", "2026-11-26T12:00:00", "2026-13-26T12:00:00Z", "tomorrow"]
        {
            assert_eq!(Hold::parse_until(wrong), None, "{wrong}");
        }
        let by = |seconds, mode| Some(By { seconds, mode });
        assert_eq!(By::parse("120;R"), by(120, ByMode::Return));
        assert_eq!(By::parse("+120;rt"), by(120, ByMode::Return));
        assert_eq!(By::parse("-5;N"), by(-5, ByMode::Notify));
        assert_eq!(By::parse("0;NT"), by(0, ByMode::Notify));
        for wrong in
            ["", "120", "120;", "120;X", "0;R", "-1;R", ";R", "+;R", "1234567890;R", "1;R;T", "--1;N"]
        {
            assert_eq!(By::parse(wrong), None, "{wrong}");
        }
        let all: Vec<_> = (-9..=9).map(|n: i8| priority(&n.to_string())).collect();
        assert_eq!(all, (-9..=9).map(Some).collect::<Vec<_>>());
        for wrong in ["", "10", "-0", "+1", "00", "1.5", "-", "a"] {
            assert_eq!(priority(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused_at_once() {
        let now = at(NOON);
        let year = 365 * 24 * 3600;
        let check = |hold, by: Option<&str>| {
            let by = by.map(|text| By::parse(text).unwrap());
            Timing { hold, by, priority: None }
                .check(now)
                .map_err(|reply| (reply.code, reply.status.unwrap()))
        };
        assert_eq!(check(Some(Hold::For(year)), None), Ok(()));
        assert_eq!(check(Some(Hold::For(year + 1)), None), Err((501, "5.5.4")));
        assert_eq!(check(Some(Hold::Until(hold_max(now))), None), Ok(()));
        assert_eq!(check(Some(Hold::Until(at("2028-01-01T00:00:00Z"))), None), Err((501, "5.5.4")));
        // A time that has passed holds nothing.
        assert_eq!(check(Some(Hold::Until(at("2020-01-01T00:00:00Z"))), None), Ok(()));
        assert_eq!(check(None, Some("60;R")), Ok(()));
        assert_eq!(check(None, Some("59;R")), Err((555, "5.4.7")));
        assert_eq!(check(None, Some("-59;N")), Ok(()));
        assert_eq!(check(Some(Hold::For(60)), Some("120;R")), Ok(()));
        assert_eq!(check(Some(Hold::For(121)), Some("120;R")), Err((501, "5.5.4")));
        assert_eq!(check(Some(Hold::For(1)), Some("0;N")), Err((501, "5.5.4")));
    }

    #[test]
    fn the_job_is_told_times_and_not_spans() {
        let now = at(NOON);
        let timing = Timing { hold: Some(Hold::For(60)), by: By::parse("120;R"), priority: Some(-3) };
        let options = timing.options(now);
        assert_eq!(options.not_before, Some(at("2026-11-26T12:01:00Z")));
        assert_eq!(options.hold_request.as_deref(), Some("for;60"));
        assert_eq!(options.expires_at, Some(at("2026-11-26T12:02:00Z")));
        assert_eq!((options.delay_report_at, options.priority), (None, -3));
        let notify = Timing { by: By::parse("-60;N"), ..Timing::default() }.options(now);
        assert_eq!((notify.delay_report_at, notify.expires_at), (Some(at("2026-11-26T11:59:00Z")), None));
    }
}
