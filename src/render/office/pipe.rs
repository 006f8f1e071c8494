//! How a LibreOffice that runs is asked to convert: as a second `soffice` would hand over its arguments.
//!
//! It listens at a unix socket whose name is made of the folder of its profile (`sal/osl/unx/pipe.cxx`), says that it is
//! ready, takes the arguments, and says when it is done (`desktop/source/app/officeipcthread.cxx`; the same from 5.0 to
//! 25.8). To speak to it directly spares a process that would have to be let out as far as the socket.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, access};

use crate::clock::Stopwatch;

/// It is ready for arguments.
const READY: &[u8] = b"InternalIPC::SendArguments";
/// All that it was asked for is done.
const DONE: &[u8] = b"InternalIPC::ProcessingDone";
/// What goes before the arguments, with the folder that relative paths begin at. Without one no path is found at all.
const ARGUMENTS: &[u8] = b"InternalIPC::Arguments1file:///";
/// What it says is no longer than this.
const WORDS_MAX: usize = 100;

/// Where the process with a profile at this URL listens.
pub(super) fn socket(profile_url: &str) -> PathBuf {
    let is_there = |folder: &&str| access(*folder, Access::WRITE_OK).is_ok();
    let folder = ["/tmp", "/var/tmp"].into_iter().find(is_there).unwrap_or("/tmp");
    let user = rustix::process::getuid().as_raw();
    let wide: Vec<u8> = profile_url.encode_utf16().flat_map(u16::to_le_bytes).collect();
    // It writes the octets one by one and without leading zeros.
    let hash: String = md5(&wide).iter().map(|byte| format!("{byte:x}")).collect();
    Path::new(folder).join(format!("OSL_PIPE_{user}_SingleOfficeIPC_{hash}"))
}

/// Asks for a conversion and waits until it is done or the time is over.
///
/// # Errors
/// `TimedOut` after `max`; anything else where it is gone or says something else.
pub(super) fn ask(socket: &mut UnixStream, arguments: &[String], max: Duration) -> io::Result<()> {
    let mut text = ARGUMENTS.to_vec();
    for argument in arguments {
        text.push(b',');
        for byte in argument.bytes() {
            if matches!(byte, b',' | b'\\') {
                text.push(b'\\');
            }
            text.push(byte);
        }
    }
    text.push(0);
    socket.set_write_timeout(Some(max))?;
    socket.write_all(&text)?;
    hear(socket, DONE, max)
}

/// Waits until it is ready.
///
/// # Errors
/// As [`ask`].
pub(super) fn ready(socket: &mut UnixStream, max: Duration) -> io::Result<()> {
    hear(socket, READY, max)
}

/// Waits for these words, with the zero that ends them.
fn hear(socket: &mut UnixStream, words: &[u8], max: Duration) -> io::Result<()> {
    let watch = Stopwatch::start();
    let mut heard = Vec::new();
    while heard.last() != Some(&0) {
        let left = max.saturating_sub(watch.elapsed());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        socket.set_read_timeout(Some(left))?;
        let mut bytes = [0; WORDS_MAX];
        let count = match socket.read(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(ErrorKind::TimedOut.into()),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            count => count?,
        };
        heard.extend_from_slice(&bytes[..count]);
        if count == 0 || heard.len() > WORDS_MAX {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "LibreOffice broke off"));
        }
    }
    heard.pop();
    match heard == words {
        true => Ok(()),
        false => Err(io::Error::new(ErrorKind::InvalidData, String::from_utf8_lossy(&heard).into_owned())),
    }
}

/// MD5 (RFC 1321), for the name of the socket and nothing else.
fn md5(message: &[u8]) -> [u8; 16] {
    const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((message.len() as u64 * 8).to_le_bytes());
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded.chunks_exact(64) {
        let word = |index: usize| {
            let bytes = &block[index * 4..index * 4 + 4];
            bytes.iter().rev().fold(0u32, |word, byte| word << 8 | u32::from(*byte))
        };
        let [mut a, mut b, mut c, mut d] = state;
        for step in 0..64 {
            let (mixed, index) = match step / 16 {
                0 => (b & c | !b & d, step),
                1 => (d & b | !d & c, (5 * step + 1) % 16),
                2 => (b ^ c ^ d, (3 * step + 5) % 16),
                _ => (c ^ (b | !d), 7 * step % 16),
            };
            let sine = (((step + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
            let sum = a.wrapping_add(mixed).wrapping_add(sine).wrapping_add(word(index));
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(SHIFTS[step / 16][step % 4]));
        }
        for (word, add) in state.iter_mut().zip([a, b, c, d]) {
            *word = word.wrapping_add(add);
        }
    }
    let mut digest = [0; 16];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_rfc_1321() {
        let hex =
            |text: &str| -> String { md5(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect() };
        assert_eq!(hex(""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(hex("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
        let digits = "1234567890".repeat(8);
        assert_eq!(hex(&digits), "57edf4a22be3c955ac49da2e2107b67a");
    }

    #[test]
    fn a_conversation() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"InternalIPC::SendArguments\0InternalIPC::Proc").unwrap();
        let second = Duration::from_secs(1);
        assert!(ready(&mut ours, second).is_err(), "it said more than it may");
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"InternalIPC::SendArguments\0").unwrap();
        ready(&mut ours, second).unwrap();
        theirs.write_all(b"InternalIPC::ProcessingDone\0").unwrap();
        ask(&mut ours, &["--a".into(), "b,c\\".into()], second).unwrap();
        let mut said = [0; 100];
        let count = theirs.read(&mut said).unwrap();
        assert_eq!(&said[..count], b"InternalIPC::Arguments1file:///,--a,b\\,c\\\\\0");
        let late = ask(&mut ours, &[], Duration::from_millis(20)).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::TimedOut);
    }
}
