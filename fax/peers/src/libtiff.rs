//! libtiff's codec: a strip in, a strip out.

use crate::{coded_octets_max, coding_number};
use core::ffi::{c_int, c_void};
use fax_proto::page::Page;
use fax_proto::t4::Coding;

unsafe extern "C" {
    fn peer_tiff_encode(
        bits: *const u8,
        width: u32,
        rows: u32,
        coding: c_int,
        lsb_first: c_int,
        out: *mut u8,
        room: usize,
    ) -> usize;
    fn peer_tiff_reader(
        strip: *const u8,
        octets: usize,
        width: u32,
        rows: u32,
        coding: c_int,
        lsb_first: c_int,
    ) -> *mut c_void;
    fn peer_tiff_decode(reader: *mut c_void, out: *mut u8, room: usize) -> c_int;
    fn peer_tiff_reader_free(reader: *mut c_void);
}

/// The page as a strip of compression 3 or 4; MH and MR with EOLs that are not aligned, and without RTC.
///
/// # Panics
/// Where libtiff fails.
#[must_use]
pub fn encode(page: &Page, coding: Coding, lsb_first: bool) -> Vec<u8> {
    let mut out = Vec::new();
    encode_into(page, coding, lsb_first, &mut out);
    out
}

/// As [`encode`], into a buffer that is used again.
///
/// # Panics
/// Where libtiff fails.
pub fn encode_into(page: &Page, coding: Coding, lsb_first: bool, out: &mut Vec<u8>) {
    let bits = page.bits();
    out.resize(coded_octets_max(page.width(), page.rows()), 0);
    // SAFETY: `bits` has `rows` whole rows, and no more than `out.len()` octets are written.
    let octets = unsafe {
        peer_tiff_encode(
            bits.as_ptr(),
            page.width(),
            page.rows(),
            coding_number(coding),
            lsb_first.into(),
            out.as_mut_ptr(),
            out.len(),
        )
    };
    assert!(octets > 0, "libtiff does not encode");
    out.truncate(octets);
}

/// A strip, ready to be decoded as often as is wanted.
#[derive(Debug)]
pub struct Reader(*mut c_void, usize);

impl Reader {
    /// A strip of `rows` rows of `width` pixels.
    #[must_use]
    pub fn new(strip: &[u8], width: u32, rows: u32, coding: Coding, lsb_first: bool) -> Self {
        // SAFETY: the strip is copied.
        let reader = unsafe {
            peer_tiff_reader(
                strip.as_ptr(),
                strip.len(),
                width,
                rows,
                coding_number(coding),
                lsb_first.into(),
            )
        };
        Self(reader, Page::stride_of(width) * rows as usize)
    }

    /// The rows, and whether libtiff was content with all of them.
    pub fn decode(&mut self, bits: &mut Vec<u8>) -> bool {
        bits.resize(self.1, 0);
        // SAFETY: the reader lives, and no more than `bits.len()` octets are written.
        unsafe { peer_tiff_decode(self.0, bits.as_mut_ptr(), bits.len()) != 0 }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // SAFETY: it was made by `peer_tiff_reader` and is freed once.
        unsafe { peer_tiff_reader_free(self.0) }
    }
}
