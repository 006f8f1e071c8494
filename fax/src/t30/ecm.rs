//! Error correction mode: a page as blocks of numbered frames (ITU-T T.30 Annex A, T.4 Annex A).
//!
//! A block (partial page) has at most 256 frames of 256 or 64 octets. The sender keeps which frames of the block are
//! still wanted, the receiver which have come. Both are plain values; the dialogue is in `send` and `receive`.

use super::capability::FrameSize;
use super::frame::{Fcf, Frame, Side};
use alloc::vec::Vec;

/// Frames in a block.
const FRAMES_MAX: usize = 256;
/// Octets in the map of a PPR.
pub(super) const MAP_OCTETS: usize = FRAMES_MAX / 8;
/// How often RCP ends a block.
const RCP_COUNT: usize = 3;

/// A page to send, block by block.
#[derive(Clone, Debug)]
pub(super) struct Blocks {
    data: Vec<u8>,
    frame_octets: usize,
    /// The block that is being sent, from 0.
    block: usize,
    /// Numbers of the frames to send next, within the block.
    wanted: Vec<u8>,
    /// Partial page requests for this block so far, at this speed.
    pub requests: u8,
    /// Some frame of the page was asked for again.
    pub was_corrected: bool,
}

impl Blocks {
    pub(super) fn new(data: Vec<u8>, size: FrameSize) -> Self {
        let mut blocks = Self {
            data,
            frame_octets: size.octets(),
            block: 0,
            wanted: Vec::new(),
            requests: 0,
            was_corrected: false,
        };
        blocks.want_all();
        blocks
    }

    /// The number of the block, modulo 256.
    pub(super) fn block(&self) -> u8 {
        u8::try_from(self.block % FRAMES_MAX).unwrap_or(0)
    }

    /// Whether no block follows this one.
    pub(super) fn is_last(&self) -> bool {
        (self.block + 1) * self.block_octets() >= self.data.len()
    }

    /// Goes to the next block.
    pub(super) fn advance(&mut self) {
        self.block += 1;
        self.requests = 0;
        self.want_all();
    }

    /// Frames in the next burst, for PPS.
    pub(super) fn wanted_frames(&self) -> u16 {
        u16::try_from(self.wanted.len()).unwrap_or(u16::MAX)
    }

    /// Takes the map of a PPR: bit n set, counted from the lowest bit of the first octet, asks for frame n.
    ///
    /// A map that asks for no frame of this block can only be damaged or wrong: then all are sent again.
    pub(super) fn request(&mut self, map: &[u8]) {
        self.requests = self.requests.saturating_add(1);
        self.was_corrected = true;
        let asked = |n: &u8| map.get(usize::from(*n) / 8).is_some_and(|octet| octet >> (n % 8) & 1 != 0);
        let frames = self.frames_in_block();
        self.wanted = (0..=u8::MAX).take(frames).filter(asked).collect();
        if self.wanted.is_empty() {
            self.want_all();
        }
    }

    /// The burst: the wanted frames, and three RCP.
    pub(super) fn burst(&self) -> Vec<Vec<u8>> {
        let start = self.block * self.block_octets();
        let mut frames: Vec<Vec<u8>> = self
            .wanted
            .iter()
            .map(|number| {
                let at = start + usize::from(*number) * self.frame_octets;
                let rest = self.data.get(at..).unwrap_or_default();
                let mut fif = alloc::vec![*number];
                fif.extend(rest.iter().take(self.frame_octets));
                // The last frame is filled up with zeros, which read as fill after RTC or EOFB.
                fif.resize(1 + self.frame_octets, 0);
                octets(Fcf::Fcd, fif)
            })
            .collect();
        frames.extend((0..RCP_COUNT).map(|_| octets(Fcf::Rcp, Vec::new())));
        frames
    }

    /// Whether nothing of the block has come through.
    pub(super) fn is_unheard(&self) -> bool {
        self.wanted.len() == self.frames_in_block()
    }

    fn block_octets(&self) -> usize {
        FRAMES_MAX * self.frame_octets
    }

    fn frames_in_block(&self) -> usize {
        let left = self.data.len().saturating_sub(self.block * self.block_octets());
        left.div_ceil(self.frame_octets).clamp(1, FRAMES_MAX)
    }

    fn want_all(&mut self) {
        self.wanted = (0..=u8::MAX).take(self.frames_in_block()).collect();
    }
}

fn octets(fcf: Fcf, fif: Vec<u8>) -> Vec<u8> {
    Frame::with_fif(fcf, fif).not_final().to_octets(Side::Caller)
}

/// A block that is being received.
///
/// The 16 bits of an FCS let one damaged frame in 65,536 pass, and a noisy line damages thousands. So a frame must also
/// have its number within the block and, but for the last of the block, its full length; and the first good copy stays.
#[derive(Clone, Debug, Default)]
pub(super) struct BlockIn {
    frames: Vec<Option<Vec<u8>>>,
    /// Frames in the block, once a PPS has told.
    count: Option<usize>,
}

impl BlockIn {
    /// Whether nothing has come of the block yet.
    pub(super) fn is_empty(&self) -> bool {
        self.count.is_none() && self.frames.is_empty()
    }

    /// How many frames have come.
    pub(super) fn frames_here(&self) -> usize {
        self.frames.iter().flatten().count()
    }

    /// Takes an image frame with a good FCS; what is no FCD is left aside.
    pub(super) fn take_frame(&mut self, octets: &[u8]) {
        let Some(frame) = Frame::parse(octets) else { return };
        let (Fcf::Fcd, [number, data @ ..]) = (frame.fcf, frame.fif.as_slice()) else {
            return;
        };
        let number = usize::from(*number);
        if self.count.is_some_and(|count| number >= count) {
            return;
        }
        if self.frames.len() <= number {
            self.frames.resize(number + 1, None);
        }
        if let Some(slot @ None) = self.frames.get_mut(number) {
            *slot = Some(data.to_vec());
        }
    }

    /// Takes the count of a PPS. The first one counts the whole block, later ones only the frames sent again.
    pub(super) fn take_count(&mut self, frames: u16, size: FrameSize) {
        let count = *self.count.get_or_insert(usize::from(frames).min(FRAMES_MAX));
        self.frames.resize(count, None);
        let octets = self.frame_octets(size);
        let last = count.saturating_sub(1);
        for (number, slot) in self.frames.iter_mut().enumerate() {
            let is_full = |data: &Vec<u8>| data.len() == octets || number == last && data.len() < octets;
            *slot = slot.take().filter(is_full);
        }
    }

    /// The octets in a frame: as the DCS says, or the other size where most frames have that. Some senders mix them up.
    fn frame_octets(&self, size: FrameSize) -> usize {
        let other = match size {
            FrameSize::Octets64 => FrameSize::Octets256,
            FrameSize::Octets256 => FrameSize::Octets64,
        };
        let count =
            |size: FrameSize| self.frames.iter().flatten().filter(|f| f.len() == size.octets()).count();
        if count(other) > count(size) { other.octets() } else { size.octets() }
    }

    /// The map of a PPR where frames are missing: 1 for each frame that is not here, also beyond the end.
    pub(super) fn missing(&self) -> Option<[u8; MAP_OCTETS]> {
        if self.count.is_some() && self.frames.iter().all(Option::is_some) {
            return None;
        }
        let mut map = [0xFF; MAP_OCTETS];
        for (number, _) in self.frames.iter().enumerate().filter(|(_, frame)| frame.is_some()) {
            if let Some(octet) = map.get_mut(number / 8) {
                *octet &= !(1 << (number % 8));
            }
        }
        Some(map)
    }

    /// The data in order.
    pub(super) fn data(&self) -> Vec<u8> {
        self.frames.iter().flatten().flatten().copied().collect()
    }

    /// Forgets the frames, though not how many there are: all are wanted again.
    pub(super) fn forget_frames(&mut self) {
        self.frames.iter_mut().for_each(|frame| *frame = None);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn data(len: usize) -> Vec<u8> {
        (0..len).map(|i| u8::try_from(i * 7 % 251).unwrap()).collect()
    }

    #[test]
    fn a_page_is_cut_into_blocks_and_put_together_again() {
        for (size, len) in
            [(FrameSize::Octets64, 40_000), (FrameSize::Octets256, 200_000), (FrameSize::Octets256, 65_536)]
        {
            let page = data(len);
            let mut blocks = Blocks::new(page.clone(), size);
            let mut received = Vec::new();
            loop {
                let mut block = BlockIn::default();
                let burst = blocks.burst();
                assert_eq!(burst.len(), usize::from(blocks.wanted_frames()) + RCP_COUNT);
                burst.iter().for_each(|frame| block.take_frame(frame));
                block.take_count(blocks.wanted_frames(), size);
                assert_eq!(block.missing(), None);
                received.extend(block.data());
                if blocks.is_last() {
                    break;
                }
                blocks.advance();
            }
            assert_eq!(received[..len], page);
            assert!(received[len..].iter().all(|b| *b == 0), "filled with zeros");
            assert!(received.len() - len < size.octets());
        }
    }

    #[test]
    fn a_request_brings_the_missing_frames_only() {
        let page = data(10 * 64);
        let size = FrameSize::Octets64;
        let mut blocks = Blocks::new(page.clone(), size);
        let mut block = BlockIn::default();
        for (n, frame) in blocks.burst().iter().enumerate() {
            if n != 0 && n != 9 {
                block.take_frame(frame);
            }
        }
        block.take_count(10, size);
        let map = block.missing().unwrap();
        assert_eq!(map[..2], [0b0000_0001, 0b1111_1110], "beyond the end they are not received either");
        blocks.request(&map);
        assert_eq!((blocks.wanted_frames(), blocks.requests), (2, 1));
        blocks.burst().iter().for_each(|frame| block.take_frame(frame));
        block.take_count(blocks.wanted_frames(), size);
        assert_eq!(block.missing(), None);
        assert_eq!(block.data(), page);
    }

    #[test]
    fn a_lost_burst_is_asked_for_whole_and_an_empty_request_sends_all() {
        let mut blocks = Blocks::new(data(300), FrameSize::Octets64);
        let mut block = BlockIn::default();
        block.take_count(5, FrameSize::Octets64);
        assert_eq!(block.missing(), Some([0xFF; MAP_OCTETS]));
        blocks.request(&[]);
        assert_eq!(blocks.wanted_frames(), 5);
        assert_eq!(Blocks::new(Vec::new(), FrameSize::Octets64).wanted_frames(), 1);
    }

    /// The PPR that a maker's service manual shows for sixteen frames with errors in 4 to 7.
    #[test]
    fn a_request_of_the_field_is_written_alike() {
        let size = FrameSize::Octets64;
        let mut blocks = Blocks::new(data(16 * 64), size);
        let mut block = BlockIn::default();
        let burst = blocks.burst();
        let whole = burst.iter().enumerate().filter(|(n, _)| !(4..8).contains(n));
        whole.for_each(|(_, frame)| block.take_frame(frame));
        block.take_count(16, size);
        let map = block.missing().unwrap();
        assert_eq!(map[..2], [0xF0, 0x00]);
        assert!(map[2..].iter().all(|octet| *octet == 0xFF));
        blocks.request(&map);
        assert_eq!(blocks.wanted_frames(), 4);
    }

    #[test]
    fn a_sender_that_mixes_up_the_frame_sizes_is_understood() {
        let mut block = BlockIn::default();
        let mut blocks = Blocks::new(data(1000), FrameSize::Octets256);
        blocks.burst().iter().for_each(|frame| block.take_frame(frame));
        block.take_frame(&octets(Fcf::Fcd, [&[3][..], &data(64)].concat()));
        block.take_count(4, FrameSize::Octets64);
        assert_eq!(block.missing(), None);
        assert_eq!(block.data()[..1000], data(1000));
        blocks.request(&[0; 32]);
    }

    #[test]
    fn blocks_end_where_they_must() {
        for (len, counts) in
            [(256 * 64, &[256][..]), (256 * 64 + 1, &[256, 1]), (64, &[1]), (512 * 64, &[256, 256])]
        {
            let mut blocks = Blocks::new(data(len), FrameSize::Octets64);
            for (at, count) in counts.iter().enumerate() {
                assert_eq!(blocks.wanted_frames(), *count, "block {at} of {len} octets");
                assert_eq!(blocks.is_last(), at + 1 == counts.len(), "block {at} of {len} octets");
                blocks.advance();
            }
        }
    }

    #[test]
    fn requests_of_any_length_are_read() {
        let wanted = |map: &[u8]| {
            let mut blocks = Blocks::new(data(20 * 64), FrameSize::Octets64);
            blocks.request(map);
            blocks.wanted
        };
        assert_eq!(wanted(&[0b0000_0110]), [1, 2], "what a short map leaves out was received");
        assert_eq!(
            wanted(&[0, 0, 0xF0]),
            (0..20).collect::<Vec<u8>>(),
            "frames that were never sent: all again"
        );
        assert_eq!(
            wanted(&[[0x80].as_slice(), &[0; 31], &[0xFF; 200]].concat()),
            [7],
            "what is too long is cut"
        );
        assert_eq!(wanted(&[]).len(), 20);
    }

    #[test]
    fn a_frame_that_cannot_be_of_the_block_is_left_out() {
        let size = FrameSize::Octets64;
        let mut block = BlockIn::default();
        let fcd = |number: u8, len: usize| octets(Fcf::Fcd, [&[number][..], &data(len)].concat());
        block.take_frame(&fcd(0, 64));
        block.take_frame(&fcd(1, 40));
        block.take_frame(&fcd(2, 40));
        block.take_frame(&fcd(200, 64));
        block.take_count(3, size);
        assert_eq!(block.missing().unwrap()[0], 0b1111_1010, "frame 1 is short; the last one may be");
        block.take_frame(&fcd(1, 64));
        block.take_frame(&fcd(9, 64));
        block.take_count(1, size);
        assert_eq!(block.missing(), None);
        assert_eq!(block.data().len(), 64 + 64 + 40);
        block.forget_frames();
        assert_eq!(block.missing(), Some([0xFF; MAP_OCTETS]));
    }
}
