//! What the fuzzers do with an input. Beyond that nothing panics, what was understood must survive a second journey.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    unused_imports,
    reason = "each fuzzer needs one"
)]

mod at;
mod call;
mod class2;
mod dce;
#[path = "../oracle/mod.rs"]
mod oracle;
mod t38;

pub(crate) use at::{at_idle, at_probe, at_reader, class1_carrier};
pub(crate) use class2::class2_session;
pub(crate) use dce::dce;
pub(crate) use t38::{t38_carrier, t38_ifp, t38_udptl};

use call::{Event, PAGES, Role};
use fax_proto::carrier::{HangUp, Signal};
use fax_proto::hdlc::{Decoder, Encoder};
use fax_proto::page::{Page, Resolution};
use fax_proto::t4::{BitOrder, Coding, DecodeOptions, EncodeOptions, Framing, LostRows, decode, encode};
use fax_proto::t30::capability::Capability;
use fax_proto::t30::frame::{
    Fcf, Frame, PartialPage, STATION_ID_CHARS, Side, StationId, end_of_retransmission,
    parse_end_of_retransmission,
};
use fax_proto::t30::settings::Settings;
use fax_proto::t85;
use fax_proto::tiff::{Info, Limits, Profile, Reader, Writer, read};

/// The first four octets choose the options, the rest are coded rows.
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
        bit_order: [BitOrder::MsbFirst, BitOrder::LsbFirst][usize::from(kind / 5 % 2)],
        lost_rows: [LostRows::Repeat, LostRows::White][usize::from(kind / 10 % 2)],
    };
    let decoded = decode(data, &options);
    assert!(decoded == oracle::decode(data, &options), "not what a simple decoder makes of it: {options:?}");
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

/// The first octet says in which pieces the rest comes, which is a JBIG page.
pub(crate) fn t85_decode(input: &[u8]) {
    let Some((&piece_octets, data)) = input.split_first() else { return };
    let options = t85::DecodeOptions { width_max: Page::WIDTH_MAX, rows_max: 500 };
    let decoded = t85::decode(data, &options);
    assert!(decoded.width <= options.width_max && decoded.rows() <= options.rows_max);
    assert_eq!(decoded.bits.len(), decoded.rows() as usize * Page::stride_of(decoded.width));

    let (mut decoder, mut bits) = (t85::Decoder::new(options), Vec::new());
    for piece in data.chunks(usize::from(piece_octets).max(1)) {
        decoder.push(piece, &mut bits);
        assert!(decoder.memory_octets() <= options.memory_octets_max(), "more is held than is promised");
    }
    let end = decoder.finish(&mut bits);
    assert!((end, &bits) == (decoded.end, &decoded.bits), "the pieces do not matter");

    let Some(page) = decoded.into_page(Resolution::R204x98) else { return };
    assert!(page.bits() == bits, "pixels beyond the width");
    let again = t85::decode(&t85::encode(&page, &t85::EncodeOptions::default()), &options);
    assert!(again.complete() && again.into_page(page.resolution()) == Some(page));
}

/// A file.
pub(crate) fn tiff_read(input: &[u8]) {
    let limits = Limits {
        pages_max: 20,
        rows_max: 5000,
        coded_octets_max: 1 << 20,
        page_octets_max: 1 << 21,
        bitmap_octets_max: 1 << 22,
        ..Limits::default()
    };
    let Ok(reader) = Reader::new(input, &limits) else {
        assert!(read(input, &limits).is_err());
        return;
    };
    let pages = reader.pages();
    let one_by_one: Result<Vec<_>, _> = reader.collect();
    match (&one_by_one, read(input, &limits)) {
        (Ok(images), Ok(all)) => assert!(*images == all && all.len() == pages && pages > 0),
        (_, Err(_)) => {}
        (Err(_), Ok(_)) => panic!("read() forgives more than Reader"),
    }
    tiff_mmr(input, &limits);
    for image in one_by_one.into_iter().flatten() {
        assert!(!image.bits.is_empty() && image.bits.len().is_multiple_of(Page::stride_of(image.width)));
        assert!(image.bits.len() <= limits.page_octets_max);
        let reception = image.reception.clone().map(|reception| *reception).unwrap_or_default();
        let page = image.into_bitmap(Resolution::R204x98);
        // Only pages of a fax's width can be written.
        let mut writer = Writer::new(Profile::F { coding: Coding::Mr }, &Info::default()).unwrap();
        if writer.received_page(&page, &reception).is_ok() {
            let again = read(&writer.finish().unwrap(), &Limits::default()).unwrap().remove(0);
            assert!(again.bad_rows == 0 && again.into_page() == Ok(page));
        }
    }
}

/// What is taken as it stands is what decoding it yields.
fn tiff_mmr(input: &[u8], limits: &Limits) {
    let Ok(mut coded) = Reader::new(input, limits) else { return };
    let Ok(mut decoded) = Reader::new(input, limits) else { return };
    while coded.pages() > 0 {
        let image = decoded.next().unwrap();
        match (coded.next_mmr(), image) {
            (Some(page), Ok(image)) => assert!(image.into_page() == Ok(page.decode())),
            // It has no bitmap, so that it may be larger than one.
            (Some(page), Err(_)) => assert!(page.rows() > 0),
            (None, _) => drop(coded.next()),
        }
    }
}

/// The first octet is the longest frame that is taken, the second says in which pieces the bits come.
pub(crate) fn hdlc_decode(input: &[u8]) {
    let Some((&[octets_max, piece], bits)) = input.split_first_chunk::<2>() else { return };
    let octets_max = usize::from(octets_max);
    let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut decoder, mut frames) = (Decoder::new(octets_max), Vec::new());
        pieces.for_each(|piece| decoder.push(piece, &mut frames));
        frames
    };
    let frames = read(&mut std::iter::once(bits));
    assert_eq!(read(&mut bits.chunks(usize::from(piece).max(1))), frames, "the pieces do not matter");
    let good: Vec<_> = frames.iter().filter(|frame| frame.fcs_ok).cloned().collect();
    assert!(good.iter().all(|frame| (2..=octets_max).contains(&frame.octets.len())));
    // A damaged one may end in its FCS and a broken octet.
    assert!(frames.iter().all(|frame| frame.octets.len() <= octets_max + 3));
    let mut encoder = Encoder::new();
    encoder.flags(1);
    good.iter().for_each(|frame| encoder.frame(&frame.octets));
    assert_eq!(read(&mut std::iter::once(&encoder.finish()[..])), good);
}

/// A frame, which is also read as an information field of every kind.
pub(crate) fn t30_frame(input: &[u8]) {
    if let Some(frame) = Frame::parse(input) {
        for side in [Side::Caller, Side::Answerer] {
            assert_eq!(Frame::parse(&frame.to_octets(side)), Some(frame.clone()));
        }
        information(&frame.fif);
    }
    information(input);
}

fn information(fif: &[u8]) {
    let can = Capability::parse(fif);
    assert!(can.speeds.iter().next().is_some() && !can.to_string().is_empty());
    // MMR is only offered where there is ECM.
    let jbig = can.jbig && can.ecm;
    let said =
        Capability { mmr: can.mmr && can.ecm, jbig, jbig_any_stripe: can.jbig_any_stripe && jbig, ..can };
    assert_eq!(Capability::parse(&can.to_fif()), said);
    if let Some(settings) = Settings::parse(fif) {
        assert!(settings.row_pixels() <= Page::WIDTH_MAX && !settings.to_string().is_empty());
        assert_eq!(Settings::parse(&settings.to_fif()), Some(settings));
    }
    let id = StationId::from_fif(fif);
    assert!(id.as_str().len() <= STATION_ID_CHARS);
    assert_eq!(StationId::new(id.as_str()).as_ref(), Ok(&id));
    assert_eq!(StationId::from_fif(&id.to_fif()), id);
    if let Some(part) = PartialPage::parse(fif) {
        let frame = part.to_frame();
        assert_eq!((frame.fcf, PartialPage::parse(&frame.fif)), (Fcf::Pps, Some(part)));
    }
    if let Some(then) = parse_end_of_retransmission(fif) {
        assert_eq!(parse_end_of_retransmission(&end_of_retransmission(then).fif), Some(then));
    }
}

/// The first octet chooses ECM, JBIG and the role, the rest are events. What is promised is checked in `call`.
pub(crate) fn t30_events(input: &[u8]) {
    let Some((&kind, mut rest)) = input.split_first() else { return };
    let allowed = Capability { ecm: kind & 2 != 0, jbig: kind & 4 != 0, ..Capability::FULL };
    // The lowest bit alone tells a sender from a receiver, as it always did.
    let role = match (kind & 1, kind >> 3 & 3) {
        (0, 0) => Role::Sender,
        (0, 1) => Role::SenderThenPoller,
        (0, _) => Role::Poller,
        (_, 0) => Role::Receiver,
        _ => Role::Station,
    };
    call::run(role.engine(allowed), std::iter::from_fn(|| event(&mut rest)).take(EVENTS_MAX));
}

/// Events of one call.
const EVENTS_MAX: usize = 300;

/// The next event; octets that are missing at the end are 0.
fn event(rest: &mut &[u8]) -> Option<Event> {
    let (&kind, after) = rest.split_first()?;
    *rest = after;
    let mut octet = || rest.split_off_first().copied().unwrap_or(0);
    Some(match kind % 20 {
        0 => Event::Signal(Signal::Sent),
        1 => Event::Signal(Signal::CarrierUp),
        2 => Event::Signal(Signal::CarrierLost),
        3 => Event::Signal(Signal::TrainingFailed),
        4 => Event::Signal(Signal::Connected),
        5 => Event::Signal(Signal::HungUp(HangUp::Remote)),
        6 => Event::Signal(Signal::Frame { fcs_ok: octet() & 1 != 0, octets: octets(rest) }),
        7 => Event::Signal(Signal::Data(octets(rest))),
        8 => Event::Burst((0..octet() % 4).map(|_| octets(rest)).collect()),
        9 => Event::Image(octets(rest)),
        10 => Event::Image(vec![0; 2700]),
        11 => Event::Wake,
        12 => Event::Page(u32::from(octet()) % (PAGES + 2)),
        13 => Event::NoPage(u32::from(octet()) % (PAGES + 2)),
        14 => Event::MarkKept(octet() & 1 != 0),
        15 => Event::PageKept(octet() & 1 != 0),
        16 => Event::Wait(100 * u64::from(octet())),
        17 => Event::Cancel,
        _ => Event::Likely,
    })
}

/// A length, and as many octets.
fn octets(rest: &mut &[u8]) -> Vec<u8> {
    let length = rest.split_off_first().map_or(0, |length| usize::from(*length));
    let length = length.min(rest.len());
    rest.split_off(..length).unwrap_or_default().to_vec()
}
