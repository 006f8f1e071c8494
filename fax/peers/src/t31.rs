//! A Class 1 soft modem (ITU-T T.31): spandsp's, without a tty and without a clock.
//!
//! Octets from and to the DTE on one side, 8 kHz audio on the other, events for whoever plays the telephone network. It
//! counts time in the samples that it hears: give it a block every 20 ms of whatever clock there is, silence while it
//! dials. On hook it needs none.

use core::ffi::{c_char, c_int, c_void};
use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::ptr::null;

/// What spandsp's modem says when a call comes to nothing (AT_RESPONSE_CODE_…).
const NO_CARRIER: c_int = 3;
const NO_DIALTONE: c_int = 6;
const BUSY: c_int = 7;
const NO_ANSWER: c_int = 8;

/// Mirrors the enumerations in t31.c.
const DIALLED: c_int = 0;
const ANSWERED: c_int = 1;
const ON_HOOK: c_int = 2;
const HOOK_ON: c_int = 0;
const HOOK_DIALLING: c_int = 1;
const NUMBER_MAX: usize = 64;

unsafe extern "C" {
    fn peer_t31_new(log: c_int) -> *mut c_void;
    fn peer_t31_free(modem: *mut c_void);
    fn peer_t31_write(modem: *mut c_void, octets: *const u8, len: usize) -> usize;
    fn peer_t31_read(modem: *mut c_void, octets: *mut *const u8) -> usize;
    fn peer_t31_hear(modem: *mut c_void, amp: *mut i16, len: c_int);
    fn peer_t31_say(modem: *mut c_void, amp: *mut i16, len: c_int);
    fn peer_t31_event(modem: *mut c_void, number: *mut c_char) -> c_int;
    fn peer_t31_ring(
        modem: *mut c_void,
        is_first: c_int,
        number: *const c_char,
        name: *const c_char,
        called: *const c_char,
    );
    fn peer_t31_connected(modem: *mut c_void);
    fn peer_t31_failed(modem: *mut c_void, code: c_int);
    fn peer_t31_hung_up(modem: *mut c_void);
    fn peer_t31_dtr_off(modem: *mut c_void);
    fn peer_t31_hook(modem: *mut c_void) -> c_int;
    fn peer_t31_carriers(modem: *mut c_void) -> c_int;
    fn peer_t31_waits_for_the_line(modem: *mut c_void) -> c_int;
    fn peer_t31_is_in_image(modem: *mut c_void) -> c_int;
}

/// What the modem does to its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It went off hook and dialled this, as it stood in `ATD` without T, P and blanks: digits, `+`, `*`, `#`, and `,`
    /// for a pause.
    Dialled(String),
    /// It went off hook to answer (`ATA`, or by itself after S0 rings); whether or not anybody calls.
    Answered,
    /// It is on hook again.
    OnHook,
}

/// Where the hook is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// On hook: rings reach it.
    On,
    /// Off hook and dialling; the far end has not answered.
    Dialling,
    /// Off hook in a call, or in what it takes for one.
    Off,
}

/// Why a call that the modem dials comes to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// `BUSY`.
    Busy,
    /// `NO ANSWER`.
    NoAnswer,
    /// `NO DIALTONE`.
    NoDialTone,
    /// `NO CARRIER`.
    NoCarrier,
}

/// What the network tells of a caller, before the first ring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// `NMBR=`.
    pub number: Option<String>,
    /// `NAME=`.
    pub name: Option<String>,
    /// The number that was called, `NDID=`.
    pub called: Option<String>,
}

/// A modem.
#[derive(Debug)]
pub struct Modem {
    raw: *mut c_void,
    /// From the DTE, what there was no room for.
    waiting: VecDeque<u8>,
}

// SAFETY: the C side keeps all its state behind the pointer, of which there is one, and spandsp has no state of threads.
unsafe impl Send for Modem {}

impl Default for Modem {
    fn default() -> Self {
        Self::new()
    }
}

impl Modem {
    /// A modem on hook. `PEERS_LOG=1` shows what spandsp's modem thinks.
    #[must_use]
    pub fn new() -> Self {
        let log = c_int::from(std::env::var_os("PEERS_LOG").is_some());
        // SAFETY: no pointers.
        Self { raw: unsafe { peer_t31_new(log) }, waiting: VecDeque::new() }
    }

    /// Takes octets from the DTE. What its buffer (4,096 octets) has no room for waits here; a driver of a tty asks
    /// [`Modem::is_ready`] first, so that the tty holds the DTE back.
    pub fn write(&mut self, octets: &[u8]) {
        self.waiting.extend(octets);
        self.take();
    }

    /// Whether all that the DTE wrote has been taken.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What the modem has for the DTE.
    pub fn read(&mut self) -> Vec<u8> {
        let mut octets = null();
        // SAFETY: the modem lives.
        let used = unsafe { peer_t31_read(self.raw, &raw mut octets) };
        if used == 0 {
            return Vec::new();
        }
        // SAFETY: the C side wrote `used` octets there, and nothing is called until they are copied.
        unsafe { std::slice::from_raw_parts(octets, used) }.to_vec()
    }

    /// Hears audio. spandsp restores it in place, so it is copied.
    pub fn hear(&mut self, amp: &[i16]) {
        let mut amp = amp.to_vec();
        // SAFETY: the modem lives, and the samples are ours.
        unsafe { peer_t31_hear(self.raw, amp.as_mut_ptr(), amp.len() as c_int) }
        self.take();
    }

    /// Says so many samples; silence where it has nothing to say.
    pub fn say(&mut self, samples: usize) -> Vec<i16> {
        let mut amp = vec![0; samples];
        // SAFETY: the modem lives, and no more samples are written than there is room for.
        unsafe { peer_t31_say(self.raw, amp.as_mut_ptr(), amp.len() as c_int) }
        self.take();
        amp
    }

    /// What it has done to its line, in order.
    pub fn poll(&mut self) -> Option<Event> {
        let mut number = [0; NUMBER_MAX];
        // SAFETY: the modem lives, and the number fits.
        match unsafe { peer_t31_event(self.raw, number.as_mut_ptr()) } {
            DIALLED => {
                // SAFETY: the C side ends it with a NUL.
                let number = unsafe { CStr::from_ptr(number.as_ptr()) };
                Some(Event::Dialled(number.to_string_lossy().into_owned()))
            }
            ANSWERED => Some(Event::Answered),
            ON_HOOK => Some(Event::OnHook),
            _ => None,
        }
    }

    /// Where its hook is.
    #[must_use]
    pub fn hook(&self) -> Hook {
        // SAFETY: the modem lives.
        match unsafe { peer_t31_hook(self.raw) } {
            HOOK_ON => Hook::On,
            HOOK_DIALLING => Hook::Dialling,
            _ => Hook::Off,
        }
    }

    /// One ring; rings come every 4 s. The first one of a call brings its caller. Off hook it does nothing.
    ///
    /// # Panics
    /// Where a text has a NUL in it.
    pub fn ring(&mut self, first_of: Option<&Caller>) {
        let text = |text: fn(&Caller) -> &Option<String>| {
            let text = first_of.and_then(|caller| text(caller).as_deref());
            text.map(|text| CString::new(text).expect("no NUL"))
        };
        let texts = [text(|c| &c.number), text(|c| &c.name), text(|c| &c.called)];
        let [number, name, called] =
            texts.each_ref().map(|text| text.as_ref().map_or(null(), |text| text.as_ptr()));
        // SAFETY: the modem lives, and the texts live through the call, which copies them.
        unsafe { peer_t31_ring(self.raw, c_int::from(first_of.is_some()), number, name, called) }
    }

    /// The number that it dialled has answered.
    pub fn connected(&mut self) {
        // SAFETY: the modem lives.
        unsafe { peer_t31_connected(self.raw) }
    }

    /// The number that it dialled cannot be had.
    pub fn failed(&mut self, failure: Failure) {
        let code = match failure {
            Failure::Busy => BUSY,
            Failure::NoAnswer => NO_ANSWER,
            Failure::NoDialTone => NO_DIALTONE,
            Failure::NoCarrier => NO_CARRIER,
        };
        // SAFETY: the modem lives.
        unsafe { peer_t31_failed(self.raw, code) }
    }

    /// The far end has hung up and the modem notices: `NO CARRIER` where it waits for something, on hook.
    pub fn hung_up(&mut self) {
        // SAFETY: the modem lives.
        unsafe { peer_t31_hung_up(self.raw) }
    }

    /// The DTE has dropped DTR, or is gone: on hook, and nothing more to read.
    pub fn dtr_off(&mut self) {
        self.waiting.clear();
        // SAFETY: the modem lives.
        unsafe { peer_t31_dtr_off(self.raw) }
    }

    /// Carriers of images and training checks so far, sent and received.
    #[must_use]
    pub fn carriers(&self) -> u32 {
        // SAFETY: the modem lives.
        unsafe { peer_t31_carriers(self.raw) }.cast_unsigned()
    }

    /// Whether it is in a call and nothing but the line can bring it on: it sends what it has, or listens.
    #[must_use]
    pub fn waits_for_the_line(&self) -> bool {
        // SAFETY: the modem lives.
        unsafe { peer_t31_waits_for_the_line(self.raw) != 0 }
    }

    /// Whether image data are on their way to or from the DTE.
    #[must_use]
    pub fn is_in_image(&self) -> bool {
        // SAFETY: the modem lives.
        unsafe { peer_t31_is_in_image(self.raw) != 0 }
    }

    /// Hands over what the DTE wrote, as far as there is room.
    fn take(&mut self) {
        let octets = self.waiting.make_contiguous();
        if octets.is_empty() {
            return;
        }
        // SAFETY: the modem lives, and the octets are read to their end at most.
        let taken = unsafe { peer_t31_write(self.raw, octets.as_ptr(), octets.len()) };
        self.waiting.drain(..taken);
    }
}

impl Drop for Modem {
    fn drop(&mut self) {
        // SAFETY: it was made by `peer_t31_new` and is freed once.
        unsafe { peer_t31_free(self.raw) }
    }
}
