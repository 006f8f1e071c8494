//! What the fuzzers do with an input. Beyond that nothing panics, what was understood must survive a second journey.

#![allow(clippy::unwrap_used, clippy::panic, dead_code, reason = "each fuzzer needs one of them")]

use fax_proto::page::{Page, Resolution};
use fax_proto::t4::{Coding, DecodeOptions, EncodeOptions, Framing, decode, encode};
use fax_proto::tiff::{Info, Limits, Profile, read, write};

/// The first four octets choose the coding and the width, the rest are coded rows.
pub(crate) fn t4_decode(input: &[u8]) {
    let Some((&[kind, width_high, width_low, rows], data)) = input.split_first_chunk::<4>() else {
        return;
    };
    let (coding, framing) = match kind % 5 {
        0 => (Coding::Mh, Framing::Eol),
        1 => (Coding::Mh, Framing::Bare),
        2 => (Coding::Mh, Framing::Octets),
        3 => (Coding::Mr, Framing::Eol),
        _ => (Coding::Mmr, Framing::Bare),
    };
    let options = DecodeOptions {
        coding,
        framing,
        width: u32::from(u16::from_be_bytes([width_high, width_low])) % (Page::WIDTH_MAX + 1),
        rows_max: u32::from(rows),
    };
    let decoded = decode(data, &options);
    let all_rows = decoded.good_rows + decoded.bad_rows;
    assert!(all_rows <= options.rows_max && decoded.bad_run_rows <= decoded.bad_rows);
    assert_eq!(decoded.bits.len(), all_rows as usize * Page::stride_of(options.width));
    let bits = decoded.bits.clone();
    let Some(page) = decoded.into_page(Resolution::R204x98) else {
        return;
    };
    assert!(page.bits() == bits, "pixels beyond the width");
    let again = decode(
        &encode(&page, &EncodeOptions::line(coding, page.resolution())),
        &DecodeOptions::line(coding, options.width),
    );
    assert!(again.ended() && again.bad_rows == 0 && again.into_page(page.resolution()) == Some(page));
}

/// A file.
pub(crate) fn tiff_read(input: &[u8]) {
    let limits = Limits {
        pages_max: 20,
        rows_max: 5000,
        coded_octets_max: 1 << 20,
        bitmap_octets_max: 1 << 22,
        ..Limits::default()
    };
    let Ok(images) = read(input, &limits) else { return };
    assert!(!images.is_empty());
    for image in images {
        assert!(!image.bits.is_empty() && image.bits.len().is_multiple_of(Page::stride_of(image.width)));
        let page = image.into_bitmap(Resolution::R204x98);
        // Only pages of a fax's width can be written.
        if let Ok(octets) = write(std::slice::from_ref(&page), Profile::S, &Info::default()) {
            let again = read(&octets, &Limits::default()).unwrap().remove(0);
            assert!(again.bad_rows == 0 && again.into_page() == Ok(page));
        }
    }
}
