//! The text of a message that comes in chunks (BDAT, RFC 3030). Each chunk says its length, so nothing in it can look
//! like an end; its lines are held to the same rule as those that come by DATA all the same, or one message would be
//! good by one way and spoiled by the other.

use super::data::DataFault;

/// The chunks so far.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    text: Vec<u8>,
    /// Octets of the present chunk that are still to come.
    left: usize,
    /// Whether it is the last.
    last: bool,
}

impl Chunks {
    pub(super) fn octets(&self) -> usize {
        self.text.len()
    }

    /// Begins the next chunk.
    pub(super) fn begin(&mut self, octets: usize, last: bool) {
        (self.left, self.last) = (octets, last);
    }

    /// Takes what belongs to the chunk, and says how much that was.
    pub(super) fn push(&mut self, bytes: &[u8]) -> usize {
        let used = self.left.min(bytes.len());
        self.text.extend_from_slice(bytes.get(..used).unwrap_or_default());
        self.left -= used;
        used
    }

    /// Whether the chunk is whole; and whether it was the last.
    pub(super) fn end(&self) -> Option<bool> {
        (self.left == 0).then_some(self.last)
    }

    /// The text, or what spoils it.
    pub(super) fn finish(self) -> Result<Vec<u8>, DataFault> {
        let mut before = 0;
        for (at, byte) in self.text.iter().enumerate() {
            match byte {
                0 => return Err(DataFault::Nul),
                b'\n' if before != b'\r' => return Err(DataFault::BareLf),
                b'\r' if self.text.get(at + 1) != Some(&b'\n') => return Err(DataFault::BareCr),
                _ => before = *byte,
            }
        }
        Ok(self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(chunks: &[&[u8]]) -> Result<Vec<u8>, DataFault> {
        let mut all = Chunks::default();
        for (at, chunk) in chunks.iter().enumerate() {
            all.begin(chunk.len(), at + 1 == chunks.len());
            for piece in chunk.chunks(3) {
                assert_eq!(all.push(piece), piece.len());
            }
            assert_eq!(all.push(b"not mine"), 0);
            assert_eq!(all.end(), Some(at + 1 == chunks.len()));
        }
        all.finish()
    }

    #[test]
    fn text_is_what_the_chunks_say_and_no_dot_means_anything() {
        assert_eq!(read(&[b"a\r\n.\r\n", b"..b\r", b"\nc"]), Ok(b"a\r\n.\r\n..b\r\nc".to_vec()));
        assert_eq!(read(&[b""]), Ok(vec![]));
        assert_eq!(read(&[b"a\n"]), Err(DataFault::BareLf));
        assert_eq!(read(&[b"a\r", b"b"]), Err(DataFault::BareCr));
        assert_eq!(read(&[b"a\r"]), Err(DataFault::BareCr));
        assert_eq!(read(&[b"a\r\n\n"]), Err(DataFault::BareLf));
        assert_eq!(read(&[b"a\0"]), Err(DataFault::Nul));
    }
}
