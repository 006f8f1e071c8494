//! spandsp's codec: pages to line data and back. Line data have the least significant bit of an octet first.

use crate::{coded_octets_max, coding_number};
use core::ffi::{c_int, c_void};
use fax_proto::page::Page;
use fax_proto::t4::Coding;

unsafe extern "C" {
    fn peer_span_encoder(width: u32, coding: c_int, y_dpi: f64) -> *mut c_void;
    fn peer_span_encode(
        encoder: *mut c_void,
        bits: *const u8,
        size: usize,
        out: *mut u8,
        room: usize,
    ) -> usize;
    fn peer_span_encoder_free(encoder: *mut c_void);
    fn peer_span_decode(
        data: *const u8,
        octets: usize,
        width: u32,
        coding: c_int,
        out: *mut u8,
        room: usize,
        bad: *mut c_int,
    ) -> usize;
}

/// An encoder of pages of one width.
#[derive(Debug)]
pub struct Encoder {
    state: *mut c_void,
    width: u32,
}

impl Encoder {
    /// `y_dpi` decides how often MR has a one-dimensional row.
    ///
    /// # Panics
    /// Where spandsp makes none.
    #[must_use]
    pub fn new(width: u32, coding: Coding, y_dpi: u32) -> Self {
        // SAFETY: plain values.
        let state = unsafe { peer_span_encoder(width, coding_number(coding), y_dpi.into()) };
        assert!(!state.is_null(), "spandsp makes no encoder");
        Self { state, width }
    }

    /// A page with EOLs and RTC, or with EOFB.
    pub fn encode_into(&mut self, page: &Page, out: &mut Vec<u8>) {
        assert_eq!(page.width(), self.width);
        let bits = page.bits();
        out.resize(coded_octets_max(page.width(), page.rows()), 0);
        // SAFETY: the encoder lives, `bits` is read to its end at most, and `out` is not written beyond its own.
        let octets =
            unsafe { peer_span_encode(self.state, bits.as_ptr(), bits.len(), out.as_mut_ptr(), out.len()) };
        out.truncate(octets);
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: it was made by `peer_span_encoder` and is freed once.
        unsafe { peer_span_encoder_free(self.state) }
    }
}

/// The rows of a page, at most `rows_max`, and how many of them spandsp held for damaged.
#[must_use]
pub fn decode(data: &[u8], width: u32, rows_max: u32, coding: Coding) -> (Vec<u8>, u32) {
    let mut bits = Vec::new();
    let bad = decode_into(data, width, rows_max, coding, &mut bits);
    (bits, bad)
}

/// As [`decode`], into a buffer that is used again. Yields the damaged rows.
pub fn decode_into(data: &[u8], width: u32, rows_max: u32, coding: Coding, bits: &mut Vec<u8>) -> u32 {
    let mut bad: c_int = 0;
    bits.resize(Page::stride_of(width) * rows_max as usize, 0);
    // SAFETY: `data` is read to its end at most, and `bits` is not written beyond its own.
    let octets = unsafe {
        peer_span_decode(
            data.as_ptr(),
            data.len(),
            width,
            coding_number(coding),
            bits.as_mut_ptr(),
            bits.len(),
            &raw mut bad,
        )
    };
    bits.truncate(octets);
    u32::try_from(bad).unwrap_or(0)
}
