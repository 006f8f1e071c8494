//! A modem between calls: rings, who calls, and whether it is still there.
//!
//! Distinctive rings come as words (`RING A`), or as a cadence (`DRON=`, `DROF=` in tenths of a second, V.253 `+VDR`): the kind
//! is then the ring's parts, `L` for a long one and `S` for a short one, such as `SS` or `SLS`.
//!
//! Caller ID comes as `+VCID` and `#CID` have it (`DATE=`, `TIME=`, `NMBR=`, `NAME=`, `MESG=`), with the spellings that are
//! usual besides; the called number (`NDID=`, DID digits) likewise. It belongs to the ring before or after it. A ring that is
//! not followed by another for [`RING_GAP_MAX`] was the last, and all that was heard with it is forgotten.
//!
//! From time to time the modem is told `AT`; one that answers nothing [`WATCH_TRIES`] times is said to be lost, once. It is
//! never told anything while it rings. Driven by [`Idle::received`], [`Idle::tick`], [`Idle::poll`] and
//! [`Idle::deadline`]; made anew after each call.

use super::Output;
use super::reader::Reader;
use super::reply::Reply;
use crate::time::{Duration, Time};
use alloc::collections::VecDeque;
use alloc::string::String;
use core::fmt;

/// The longest pause between two rings of one call; 4 s in most of the world, 6 s in North America.
pub const RING_GAP_MAX: Duration = Duration::from_secs(9);
/// How long the modem may take to answer `AT`.
pub const WATCH_WAIT: Duration = Duration::from_secs(3);
/// How often it may fail to answer in a row.
pub const WATCH_TRIES: u8 = 3;
/// A part of a ring that lasts longer is a long one, in tenths of a second. The usual ones are 20, 10, 8 and 4.
const LONG_RING_TENTHS: u16 = 14;
/// Parts of a ring.
const CADENCE_PARTS_MAX: usize = 8;
/// The longest value that is kept of a line, in characters.
const VALUE_CHARS_MAX: usize = 64;

/// Who calls, as the network and the modem say it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CallerId {
    /// The caller's number.
    pub number: Option<String>,
    /// Why there is none.
    pub withheld: Option<Withheld>,
    /// The caller's name.
    pub name: Option<String>,
    /// The number that was called, or as many of its digits as the exchange sends (DID).
    pub called: Option<String>,
    /// The exchange's date, as it writes it: month and day.
    pub date: Option<String>,
    /// The exchange's time of day.
    pub time: Option<String>,
}

impl CallerId {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why a caller's number is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Withheld {
    /// The caller does not want it shown (`P`).
    Private,
    /// It is not available (`O`).
    OutOfArea,
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Private => "withheld by the caller",
            Self::OutOfArea => "not available",
        })
    }
}

/// A telephone that rings.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Ringing {
    /// Rings so far.
    pub rings: u32,
    /// The kind of ring, where the modem tells one from another (`A`, `1`).
    pub kind: Option<String>,
    /// Who calls.
    pub caller: CallerId,
    /// The modem has heard what calls: it is a fax machine, or none (T.31 `+FAE`).
    pub heard: Option<Heard>,
}

/// What a modem makes out of a caller before the call is answered for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Heard {
    /// `FAX`
    Fax,
    /// `DATA`
    Data,
    /// `VOICE`
    Voice,
}

/// What happens between calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdleEvent {
    /// It rings; told at each ring, and again where more is known of the caller.
    Ringing(Ringing),
    /// It rings no more.
    RingStopped(Ringing),
    /// The modem does not answer any more.
    ModemLost,
    /// The modem answers again.
    ModemBack,
}

/// An idle modem's outputs.
pub type IdleOutput = Output<IdleEvent>;

/// A modem that waits for a call.
#[derive(Debug)]
pub struct Idle {
    reader: Reader,
    ringing: Ringing,
    /// The parts of the ring that is coming in.
    cadence: String,
    /// When the ringing counts as over; `None` while it is still.
    rings_until: Option<Time>,
    /// How often the modem is told `AT`; `None` where it is left alone.
    watch_every: Option<Duration>,
    watch: Watch,
    out: VecDeque<IdleOutput>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    /// It is asked then, after so many silences.
    Next(Time, u8),
    /// It was asked, and must answer until then.
    Asked(Time, u8),
    Never,
}

impl Idle {
    /// A modem that is on hook and in command state. It is asked every `watch_every` whether it is there.
    #[must_use]
    pub fn new(now: Time, watch_every: Option<Duration>) -> Self {
        Self {
            reader: Reader::new(),
            ringing: Ringing::default(),
            cadence: String::new(),
            rings_until: None,
            watch_every,
            watch: watch_every.map_or(Watch::Never, |every| Watch::Next(now + every, 0)),
            out: VecDeque::new(),
        }
    }

    /// Bytes have come from the modem.
    pub fn received(&mut self, now: Time, bytes: &[u8]) {
        self.reader.push(bytes);
        while let Some(line) = self.reader.line() {
            self.line(now, &line);
        }
    }

    /// Time has passed ([`Idle::deadline`]).
    pub fn tick(&mut self, now: Time) {
        if self.rings_until.is_some_and(|until| until <= now) {
            self.stop_ringing();
        }
        match self.watch {
            Watch::Next(at, silences) if at <= now => {
                if self.rings_until.is_some() {
                    self.watch = Watch::Next(now + RING_GAP_MAX, silences);
                    return;
                }
                self.reader.expect_echo("AT");
                self.out.push_back(Output::Write(b"AT\r".to_vec()));
                self.watch = Watch::Asked(now + WATCH_WAIT, silences);
            }
            Watch::Asked(until, silences) if until <= now => {
                let silences = silences.saturating_add(1);
                if silences == WATCH_TRIES {
                    self.tell(IdleEvent::ModemLost);
                }
                self.watch = Watch::Next(now + WATCH_WAIT, silences);
            }
            _ => {}
        }
    }

    /// What is to be done next; `None` until something more has happened.
    #[must_use]
    pub fn poll(&mut self) -> Option<IdleOutput> {
        self.out.pop_front()
    }

    /// When to call [`Idle::tick`]; `None` where only the modem can go on.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let watch = match self.watch {
            Watch::Next(at, _) | Watch::Asked(at, _) => Some(at),
            Watch::Never => None,
        };
        [watch, self.rings_until].into_iter().flatten().min()
    }

    /// The telephone that rings now, if it does.
    #[must_use]
    pub fn ringing(&self) -> Option<&Ringing> {
        self.rings_until.is_some().then_some(&self.ringing)
    }

    /// Whether the modem was told something that it has not yet answered: a command for a call must wait for that.
    #[must_use]
    pub fn awaits_answer(&self) -> bool {
        matches!(self.watch, Watch::Asked(..))
    }

    fn tell(&mut self, event: IdleEvent) {
        self.out.push_back(Output::Tell(event));
    }

    fn line(&mut self, now: Time, line: &str) {
        match Reply::parse(line) {
            Reply::Ring(kind) => {
                self.ringing.rings = self.ringing.rings.saturating_add(1);
                let cadence = Some(core::mem::take(&mut self.cadence)).filter(|cadence| !cadence.is_empty());
                if let Some(kind) = kind.or(cadence) {
                    self.ringing.kind = Some(kind);
                }
                self.told_of_call(now);
            }
            Reply::Fax => self.hears(now, Heard::Fax),
            Reply::Data => self.hears(now, Heard::Data),
            Reply::Voice => self.hears(now, Heard::Voice),
            Reply::Text(text) if self.hears_cadence(&text) => {}
            Reply::Text(text) if self.ringing.caller.read(&text) => self.told_of_call(now),
            Reply::Ok => self.answered(now),
            _ => {}
        }
    }

    /// `DRON=20`: a part of a ring lasted so long.
    fn hears_cadence(&mut self, text: &str) -> bool {
        let Some((key, tenths)) = text.split_once('=') else { return false };
        let is = |word: &str| key.trim().eq_ignore_ascii_case(word);
        if is("DRON") && self.cadence.len() < CADENCE_PARTS_MAX {
            let tenths: u16 = tenths.trim().parse().unwrap_or(0);
            self.cadence.push(if tenths > LONG_RING_TENTHS { 'L' } else { 'S' });
        }
        is("DRON") || is("DROF")
    }

    fn hears(&mut self, now: Time, what: Heard) {
        if self.rings_until.is_some() {
            self.ringing.heard = Some(what);
            self.told_of_call(now);
        }
    }

    /// Something of a call that comes in. The caller may be told before the first ring.
    fn told_of_call(&mut self, now: Time) {
        self.rings_until = Some(now + RING_GAP_MAX);
        if self.ringing.rings > 0 {
            self.tell(IdleEvent::Ringing(self.ringing.clone()));
        }
    }

    fn stop_ringing(&mut self) {
        self.rings_until = None;
        self.cadence.clear();
        let ringing = core::mem::take(&mut self.ringing);
        if ringing.rings > 0 {
            self.tell(IdleEvent::RingStopped(ringing));
        }
    }

    fn answered(&mut self, now: Time) {
        let (Watch::Asked(_, silences) | Watch::Next(_, silences)) = self.watch else { return };
        if silences >= WATCH_TRIES {
            self.tell(IdleEvent::ModemBack);
        }
        if let Some(every) = self.watch_every {
            self.watch = Watch::Next(now + every, 0);
        }
    }
}

/// What a line of caller ID says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Number,
    Name,
    Called,
    Date,
    Time,
}

/// How lines of caller ID begin, without spaces, up to their `=` or `:`.
const FIELDS: [(&str, Field); 21] = [
    ("NMBR", Field::Number),
    ("CALLERNUMBER", Field::Number),
    ("CALLINGNUMBER", Field::Number),
    ("CIDNUMBER", Field::Number),
    ("CLID", Field::Number),
    ("CID", Field::Number),
    ("FM", Field::Number),
    ("FROM", Field::Number),
    ("NAME", Field::Name),
    ("CALLERNAME", Field::Name),
    ("CIDNAME", Field::Name),
    ("NDID", Field::Called),
    ("DDN_NMBR", Field::Called),
    ("DDN", Field::Called),
    ("DID", Field::Called),
    ("CALLEDNUMBER", Field::Called),
    ("TO", Field::Called),
    ("DNIS", Field::Called),
    ("DATE", Field::Date),
    ("TIME", Field::Time),
    ("CALLERTIME", Field::Time),
];

impl CallerId {
    /// Takes what a line says; false where it says nothing of a caller.
    fn read(&mut self, line: &str) -> bool {
        let Some((key, value)) = line.split_once(['=', ':']) else { return false };
        let key: String =
            key.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
        let Some((_, field)) = FIELDS.iter().find(|(text, _)| *text == key) else { return false };
        let value: String = value.trim().trim_matches('"').chars().take(VALUE_CHARS_MAX).collect();
        let known = Some(value.clone()).filter(|value| !value.is_empty());
        match field {
            Field::Number => {
                self.withheld = match value.to_ascii_uppercase().as_str() {
                    "P" | "PRIVATE" | "ANONYMOUS" => Some(Withheld::Private),
                    "O" | "OUT OF AREA" | "UNAVAILABLE" | "UNKNOWN" => Some(Withheld::OutOfArea),
                    _ => None,
                };
                self.number = known.filter(|_| self.withheld.is_none());
            }
            Field::Name => self.name = known.filter(|value| value != "P" && value != "O"),
            Field::Called => self.called = known,
            Field::Date => self.date = known,
            Field::Time => self.time = known,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn at(seconds: u64) -> Time {
        Time(seconds * 1_000_000)
    }

    fn events(idle: &mut Idle) -> Vec<IdleEvent> {
        core::iter::from_fn(|| idle.poll())
            .filter_map(|output| match output {
                Output::Tell(event) => Some(event),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn the_caller_is_told_before_or_after_the_first_ring() {
        let mut idle = Idle::new(at(0), None);
        idle.received(at(1), b"\r\nNMBR = 5551234\r\nNDID=4711\r\n");
        assert_eq!(events(&mut idle), [], "no ring yet");
        idle.received(at(1), b"\r\nRING A\r\n");
        idle.received(at(3), b"\r\nDATE=1126\r\nTIME=0815\r\nNAME=\"SMITH\"\r\n");
        let told = events(&mut idle);
        let Some(IdleEvent::Ringing(last)) = told.last() else { panic!() };
        assert_eq!((last.rings, last.kind.as_deref()), (1, Some("A")));
        assert_eq!(last.caller.number.as_deref(), Some("5551234"));
        assert_eq!(last.caller.called.as_deref(), Some("4711"));
        assert_eq!(last.caller.name.as_deref(), Some("SMITH"));
        assert_eq!((last.caller.date.as_deref(), last.caller.time.as_deref()), (Some("1126"), Some("0815")));
    }

    #[test]
    fn a_cadence_is_a_kind_of_ring() {
        let mut idle = Idle::new(at(0), None);
        let kind = |idle: &Idle| idle.ringing().and_then(|ringing| ringing.kind.clone());
        idle.received(at(1), b"\r\nDRON=8\r\n\r\nDROF=4\r\n\r\nDRON=7\r\n\r\nRING\r\n");
        assert_eq!(kind(&idle).as_deref(), Some("SS"));
        idle.received(at(5), b"\r\nDRON=20\r\n\r\nDROF=40\r\n\r\nRING\r\n");
        assert_eq!(kind(&idle).as_deref(), Some("L"));
        (0..100).for_each(|_| idle.received(at(6), b"DRON=x\r\n"));
        assert_eq!(idle.cadence.len(), CADENCE_PARTS_MAX);
    }

    #[test]
    fn a_withheld_number_is_none() {
        for (line, why) in [
            ("NMBR=P", Withheld::Private),
            ("nmbr = O", Withheld::OutOfArea),
            ("FM: Private", Withheld::Private),
        ] {
            let mut caller = CallerId::default();
            assert!(caller.read(line));
            assert_eq!((caller.number, caller.withheld), (None, Some(why)), "{line}");
        }
        let mut caller = CallerId::default();
        assert!(!caller.read("MESG=80020130") && !caller.read("nothing") && caller.is_empty());
    }

    #[test]
    fn ringing_ends_and_is_forgotten() {
        let mut idle = Idle::new(at(0), None);
        idle.received(at(0), b"RING\r\nNMBR=1\r\n");
        idle.received(at(6), b"RING\r\n");
        events(&mut idle);
        assert_eq!(idle.ringing().map(|ringing| ringing.rings), Some(2));
        assert_eq!(idle.deadline(), Some(at(6) + RING_GAP_MAX));
        idle.tick(at(15));
        assert!(matches!(&events(&mut idle)[..], [IdleEvent::RingStopped(ringing)] if ringing.rings == 2));
        idle.received(at(60), b"RING\r\n");
        assert!(matches!(&events(&mut idle)[..], [IdleEvent::Ringing(ringing)]
            if ringing.rings == 1 && ringing.caller.is_empty()));
    }

    #[test]
    fn a_modem_that_falls_silent_is_lost_once_and_comes_back() {
        let mut idle = Idle::new(at(0), Some(Duration::from_secs(60)));
        let mut told = Vec::new();
        while let Some(deadline) = idle.deadline().filter(|deadline| *deadline < at(120)) {
            idle.tick(deadline);
            told.extend(events(&mut idle));
        }
        assert_eq!(told, [IdleEvent::ModemLost]);
        idle.received(at(120), b"\r\nOK\r\n");
        assert_eq!(events(&mut idle), [IdleEvent::ModemBack]);
        assert!(!idle.awaits_answer());
    }

    #[test]
    fn a_ringing_modem_is_left_alone() {
        let mut idle = Idle::new(at(0), Some(Duration::from_secs(5)));
        idle.received(at(4), b"RING\r\n");
        events(&mut idle);
        idle.tick(at(5));
        assert_eq!(idle.poll(), None);
        idle.tick(at(14));
        idle.tick(at(23));
        assert!(matches!(core::iter::from_fn(|| idle.poll()).last(), Some(Output::Write(_))));
    }
}
