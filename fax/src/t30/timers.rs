//! The times of T.30 (clause 5.4.3.1, Annex A.5.4.1) and the few of our own that keep every wait bounded.

use crate::time::Duration;

/// Two stations try to identify each other this long (35 s ± 5 s).
pub const T1: Duration = Duration::from_secs(35);
/// A receiver waits this long for a command (6 s ± 1 s; the long end, for lines with a delay of their own). The wait is
/// over when V.21 is heard.
pub const T2: Duration = Duration::from_secs(7);
// T3 (10 s) is how long an operator may take to answer a procedural interrupt. There is no operator here: a request
// for one (PRI-, PIP, PIN) is answered at once, so T3 never runs.
/// A sender waits this long for a reply before it repeats a command (3 s ± 15 %; the long end too).
pub const T4: Duration = Duration::from_millis(3450);
/// How long RNR may be answered before the call is given up (60 s ± 5 s).
pub const T5: Duration = Duration::from_secs(60);

/// Silence between a received and a sent signal, and between DCS and TCF (75 ms ± 20 ms).
pub const GAP: Duration = Duration::from_millis(75);
/// Silence before an image: at least the 75 ms of the Recommendation. A receiver with a Class 1 modem learns up to
/// 100 ms late that its reply is out, and V.17's short training is lost on a modem that listens late.
pub const IMAGE_GAP: Duration = Duration::from_millis(200);
/// Length of the training check (1.5 s ± 10 %).
pub const TCF: Duration = Duration::from_millis(1500);
/// Flags before V.21 frames (1 s ± 15 %).
pub const PREAMBLE: Duration = Duration::from_secs(1);
/// Every command is sent this many times at most.
pub const TRIES_MAX: u8 = 3;
/// Partial page requests for one block after which the sender must change something (A.4.1).
pub const PARTIAL_REQUESTS_MAX: u8 = 4;
/// After EOM and its MCF a receiver listens this long for a sender that goes on with DCS, before it says DIS. T.30
/// (figure 5-2b) lets it wait for T2, though a sender waits for nothing but that DIS.
pub const EOM_DCS_WAIT: Duration = Duration::from_millis(1200);
/// After EOM and its MCF a sender waits this long for DIS, and then goes on with DCS. Receivers either say DIS within
/// two seconds, or listen until T2 (7 s at most) and then say it. A DCS before that is no help: spandsp, and so Asterisk and
/// FreeSWITCH, hangs up on it ("unexpected DCS").
pub const EOM_DIS_WAIT: Duration = Duration::from_millis(8500);
/// How often a receiver asks for a damaged command (CRP) before it waits for the sender to repeat it by itself.
pub const COMMAND_REPEATS_MAX: u8 = 2;
/// Commands or replies without any gain after which a call is given up.
pub const EXCHANGES_MAX: u16 = 64;
/// Bits per second of V.21.
pub const V21_BIT_RATE: u64 = 300;

/// From flags to a frame, or from one frame to the next (3 s + 15 %).
pub(super) const FRAME_WAIT: Duration = Duration::from_millis(3450);
/// The carrier is taken as gone this long after a final frame, also where the line does not say so.
pub(super) const CARRIER_DROP_WAIT: Duration = Duration::from_secs(1);
/// An image carrier that brings nothing for this long is given up.
pub(super) const IMAGE_STALL_MAX: Duration = Duration::from_secs(10);
/// RCP ends an ECM image this soon, also where the line does not say that the carrier has gone.
pub(super) const RCP_WAIT: Duration = Duration::from_millis(200);
/// Beyond the time that sending should take, the line is given this much before it is called stuck.
pub(super) const SEND_SLACK: Duration = Duration::from_secs(30);
/// After the image the next page must be there this soon; it was asked for when the image began.
pub(super) const NEXT_PAGE_WAIT: Duration = Duration::from_millis(1000);
/// A mark must be stored this soon. Together with the wait before it, this ends within the far end's T2 (5 s at least).
pub(super) const MARK_WAIT: Duration = Duration::from_millis(3500);
/// A reply begins this soon after its command, or waits for the command to be repeated (well under T4).
pub(super) const REPLY_WAIT: Duration = Duration::from_millis(1500);
/// Our own reply is out by then: the gap, the flags, and the longest reply (PPR, 0.95 s).
pub(super) const REPLY_TIME_MAX: Duration = Duration::from_secs(3);
/// The end of a reply of our own comes back within this time, on lines with an echo.
pub(super) const ECHO_MAX: Duration = Duration::from_millis(700);
/// A missed TCF is over after this long: V.17's long training and 1.5 s of zeros, with room.
pub(super) const TCF_OVER: Duration = Duration::from_millis(3000);
/// A repeated end-of-page command ends this soon after the one before it: the longest T4 there is (4.5 s + 15 %), a
/// second of flags, the frame, and the delay of the line.
pub(super) const REPEAT_WINDOW: Duration = Duration::from_secs(7);
