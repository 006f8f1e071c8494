//! What others made, for tests and benches only: codecs of libtiff and spandsp, fax terminals and modems of spandsp, a
//! telephone exchange that joins them, and a corpus of pages.
//!
//! Needs Debian's `libtiff-dev` and `libspandsp-dev`. Bitmaps are those of a `Page`: 1 = black, leftmost pixel in the most
//! significant bit.

pub mod audio;
pub mod class2_modem;
pub mod corpus;
pub mod exchange;
pub mod libtiff;
pub mod spandsp;
pub mod spandsp_modem;
pub mod spandsp_t30;
pub mod t31;

use fax_proto::t4::Coding;

fn coding_number(coding: Coding) -> i32 {
    match coding {
        Coding::Mh => 0,
        Coding::Mr => 1,
        Coding::Mmr => 2,
    }
}

/// Octets that any coding of a page stays below.
fn coded_octets_max(width: u32, rows: u32) -> usize {
    (width as usize + 64) * rows as usize + 4096
}
