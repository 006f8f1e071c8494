//! spandsp's fax terminals: a whole T.30 station, over T.38 packets in memory or over audio. Its documents are files.

use core::ffi::{c_char, c_int, c_void};
use fax_proto::carrier::Modulation;
use fax_proto::session::PageCoding;
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::null;

/// Samples of audio in a second; spandsp counts time in them.
pub const SAMPLES_PER_SECOND: u32 = 8000;

/// What a terminal is to do, and what it may.
#[derive(Clone, Debug)]
pub struct Config {
    /// It calls; otherwise it answers.
    pub calling: bool,
    /// The TIFF to send; a terminal without one receives.
    pub send: Option<PathBuf>,
    /// The TIFF to receive into.
    pub receive: Option<PathBuf>,
    /// Error correction.
    pub ecm: bool,
    /// Modulations. V.27ter should always be there.
    pub modulations: Vec<Modulation>,
    /// Codings. MH should always be there.
    pub codings: Vec<PageCoding>,
    /// The least time for a row, in milliseconds.
    pub scan_time_ms: u8,
    /// So often it says that it is not ready to receive (RNR).
    pub not_ready: u8,
    /// T38FaxVersion.
    pub t38_version: u8,
    /// T.38 as over TCP: all data at once, and no indicators.
    pub t38_unpaced: bool,
    /// What it says beside its number, and whether it lets others say it.
    pub address: Option<Address>,
}

/// SUB and SID of a sender, SEP and PWD of a caller that polls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// Subaddress.
    pub sub: String,
    /// Selective polling.
    pub sep: String,
    /// Sender identification.
    pub sid: String,
    /// Password.
    pub pwd: String,
}

/// The C side's view of a [`Config`].
#[repr(C)]
struct Raw {
    tx_file: *const c_char,
    rx_file: *const c_char,
    ident: *const c_char,
    calling: c_int,
    ecm: c_int,
    modems: c_int,
    compressions: c_int,
    resolutions: c_int,
    min_scan_time_ms: c_int,
    not_ready: c_int,
    t38_version: c_int,
    t38_unpaced: c_int,
    log: c_int,
    address: [*const c_char; 4],
}

/// What was agreed on last, and how many pages went over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Bits per second of the image.
    pub bit_rate: u32,
    /// Error correction.
    pub ecm: bool,
    /// The coding on the line.
    pub coding: Option<PageCoding>,
    /// Pages sent.
    pub pages_sent: u32,
    /// Pages received.
    pub pages_received: u32,
}

unsafe extern "C" {
    fn peer_t38_new(config: *const Raw) -> *mut c_void;
    fn peer_fax_new(config: *const Raw) -> *mut c_void;
    fn peer_t30_free(peer: *mut c_void);
    fn peer_t38_pass(peer: *mut c_void, samples: c_int);
    fn peer_t38_packet(peer: *mut c_void, packet: *const u8, len: c_int, number: u16);
    fn peer_t38_said(peer: *mut c_void, octets: *mut *const u8) -> usize;
    fn peer_fax_hear(peer: *mut c_void, amp: *mut i16, len: c_int);
    fn peer_fax_say(peer: *mut c_void, amp: *mut i16, len: c_int);
    fn peer_t30_is_over(peer: *mut c_void, result: *mut c_int) -> c_int;
    fn peer_t30_heard(peer: *mut c_void, what: c_int) -> *const c_char;
    fn peer_t30_terms(
        peer: *mut c_void,
        bit_rate: *mut c_int,
        ecm: *mut c_int,
        coding: *mut c_int,
        pages_tx: *mut c_int,
        pages_rx: *mut c_int,
    );
}

/// A packet that a T.38 terminal sends, and how often it wants it to be sent.
pub type Said = (Vec<u8>, u8);

/// A station.
#[derive(Debug)]
struct Station(*mut c_void);

// SAFETY: the C side keeps all its state behind the pointer, of which there is one, and spandsp has no state of threads.
unsafe impl Send for Station {}

impl Station {
    fn new(config: &Config, make: unsafe extern "C" fn(*const Raw) -> *mut c_void) -> Self {
        let path = |path: &Path| CString::new(path.as_os_str().as_bytes()).expect("a path has no NUL");
        let send = config.send.as_deref().map(path);
        let receive = config.receive.as_deref().map(path);
        let said = config.address.as_ref().map(|said| {
            [&said.sub, &said.sep, &said.sid, &said.pwd].map(|text| CString::new(&**text).expect("digits"))
        });
        let modem = |modulation: &Modulation| match modulation {
            Modulation::V27ter => 1,
            Modulation::V29 => 2,
            Modulation::V17 => 4,
        };
        let coding = |coding: &PageCoding| match coding {
            PageCoding::Mh => 0x02,
            PageCoding::Mr => 0x04,
            PageCoding::Mmr => 0x08,
            // Stripes of 128 rows, and of any number. Debian's library takes no notice of it.
            PageCoding::Jbig => 0x30,
        };
        // PEERS_LOG=1 shows what spandsp's T.30 thinks, 2 its T.38 packets too.
        let log = std::env::var("PEERS_LOG").ok().and_then(|level| level.parse().ok()).unwrap_or(0);
        let raw = Raw {
            tx_file: send.as_ref().map_or(null(), |path| path.as_ptr()),
            rx_file: receive.as_ref().map_or(null(), |path| path.as_ptr()),
            ident: c"+1 212 555 0177".as_ptr(),
            calling: c_int::from(config.calling),
            ecm: c_int::from(config.ecm),
            modems: config.modulations.iter().map(modem).sum(),
            compressions: config.codings.iter().map(coding).sum(),
            // Standard, fine and superfine, 8 pixels a millimetre.
            resolutions: 0x2_0007,
            min_scan_time_ms: c_int::from(config.scan_time_ms),
            not_ready: c_int::from(config.not_ready),
            t38_version: c_int::from(config.t38_version),
            t38_unpaced: c_int::from(config.t38_unpaced),
            log,
            address: said.as_ref().map_or([null(); 4], |said| said.each_ref().map(|text| text.as_ptr())),
        };
        // SAFETY: `raw` and its strings live through the call, which copies what it keeps.
        let station = Self(unsafe { make(&raw const raw) });
        assert!(!station.0.is_null(), "spandsp makes no terminal");
        station
    }

    fn result(&self) -> Option<i32> {
        let mut result = 0;
        // SAFETY: the station lives.
        let is_over = unsafe { peer_t30_is_over(self.0, &raw mut result) } != 0;
        is_over.then_some(result)
    }

    fn heard(&self) -> Address {
        let [sub, sep, sid, pwd] = [0, 1, 2, 3].map(|what| {
            // SAFETY: the station lives, and so does the text until it is copied here.
            let text = unsafe { peer_t30_heard(self.0, what).as_ref().map(|text| CStr::from_ptr(text)) };
            text.map_or_else(String::new, |text| text.to_string_lossy().into_owned())
        });
        Address { sub, sep, sid, pwd }
    }

    fn terms(&self) -> Terms {
        let [mut bit_rate, mut ecm, mut coding, mut sent, mut received] = [0; 5];
        // SAFETY: the station lives.
        unsafe {
            peer_t30_terms(
                self.0,
                &raw mut bit_rate,
                &raw mut ecm,
                &raw mut coding,
                &raw mut sent,
                &raw mut received,
            );
        }
        let count = |n: c_int| u32::try_from(n).unwrap_or(0);
        Terms {
            bit_rate: count(bit_rate),
            ecm: ecm != 0,
            coding: match coding {
                1 => Some(PageCoding::Mh),
                2 => Some(PageCoding::Mr),
                3 => Some(PageCoding::Mmr),
                4 | 5 => Some(PageCoding::Jbig),
                _ => None,
            },
            pages_sent: count(sent),
            pages_received: count(received),
        }
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        // SAFETY: it was made by spandsp and is freed once.
        unsafe { peer_t30_free(self.0) }
    }
}

/// A terminal of T.38 packets.
#[derive(Debug)]
pub struct T38Terminal(Station);

impl T38Terminal {
    /// A terminal whose call begins now.
    ///
    /// # Panics
    /// Where spandsp makes none.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self(Station::new(config, peer_t38_new))
    }

    /// Lets time pass, in samples.
    pub fn pass(&mut self, samples: u32) {
        // SAFETY: the station lives.
        unsafe { peer_t38_pass(self.0.0, samples.cast_signed()) }
    }

    /// Hands in an IFP packet with its number.
    pub fn packet(&mut self, number: u16, packet: &[u8]) {
        // SAFETY: the station lives, and the packet is read to its end at most.
        unsafe { peer_t38_packet(self.0.0, packet.as_ptr(), packet.len() as c_int, number) }
    }

    /// What it has said since the last time, in order.
    pub fn said(&mut self) -> Vec<Said> {
        let mut octets = null();
        // SAFETY: the station lives.
        let used = unsafe { peer_t38_said(self.0.0, &raw mut octets) };
        if used == 0 {
            return Vec::new();
        }
        // SAFETY: the C side wrote `used` octets there, and nothing is called until they are copied.
        let mut rest = unsafe { std::slice::from_raw_parts(octets, used) };
        let mut said = Vec::new();
        while let Some((&[high, low, count], after)) = rest.split_first_chunk::<3>() {
            let (packet, after) = after.split_at(usize::from(u16::from_be_bytes([high, low])));
            said.push((packet.to_vec(), count));
            rest = after;
        }
        said
    }

    /// The result of a call that is over: 0, or a T30_ERR_ number.
    #[must_use]
    pub fn result(&self) -> Option<i32> {
        self.0.result()
    }

    /// What was agreed on last.
    #[must_use]
    pub fn terms(&self) -> Terms {
        self.0.terms()
    }

    /// What the far end said beside its number.
    #[must_use]
    pub fn heard(&self) -> Address {
        self.0.heard()
    }
}

/// A terminal on a telephone line.
#[derive(Debug)]
pub struct AudioTerminal(Station);

impl AudioTerminal {
    /// A terminal whose call begins now.
    ///
    /// # Panics
    /// Where spandsp makes none.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self(Station::new(config, peer_fax_new))
    }

    /// Hears audio. spandsp restores it in place, so it is taken.
    pub fn hear(&mut self, mut amp: Vec<i16>) {
        // SAFETY: the station lives, and the samples are ours.
        unsafe { peer_fax_hear(self.0.0, amp.as_mut_ptr(), amp.len() as c_int) }
    }

    /// Says so many samples.
    pub fn say(&mut self, samples: usize) -> Vec<i16> {
        let mut amp = vec![0; samples];
        // SAFETY: the station lives, and no more samples are written than there is room for.
        unsafe { peer_fax_say(self.0.0, amp.as_mut_ptr(), amp.len() as c_int) }
        amp
    }

    /// The result of a call that is over: 0, or a T30_ERR_ number.
    #[must_use]
    pub fn result(&self) -> Option<i32> {
        self.0.result()
    }

    /// What was agreed on last.
    #[must_use]
    pub fn terms(&self) -> Terms {
        self.0.terms()
    }

    /// What the far end said beside its number.
    #[must_use]
    pub fn heard(&self) -> Address {
        self.0.heard()
    }
}
