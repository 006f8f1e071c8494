//! An image that is sent while it comes in ([`Piece`]): for a virtual modem, whose program is held to the speed of the line
//! and gives up where a page waits to be whole.
//!
//! What comes before the modem has said CONNECT is kept. A modem that ends before the last piece sends no more of them,
//! and the far end will say what it thinks of the page; the end is told once the last piece has come.

use super::super::dle;
use super::speak::{END_FLAGS, IMAGE_FLAGS, PADDING, bytes_in};
use super::{Carrier, State};
use crate::carrier::{Command, Image, ImageKind, Piece, Signal, Speed};
use crate::hdlc;
use crate::time::Time;
use alloc::vec::Vec;

/// The data on their way from pieces to the modem.
#[derive(Debug)]
pub(super) struct Pieces {
    speed: Speed,
    kind: ImageKind,
    /// Frames become bits here.
    encoder: hdlc::Encoder,
    /// Data that the modem has not been given.
    data: Vec<u8>,
    is_ended: bool,
}

impl Pieces {
    fn new(speed: Speed, kind: ImageKind) -> Self {
        let mut encoder = hdlc::Encoder::new();
        if kind == ImageKind::Frames {
            encoder.flags(bytes_in(IMAGE_FLAGS, speed));
        }
        // The flags leave with the first frame: a modem that is given them alone runs out of data behind them.
        Self { speed, kind, encoder, data: Vec::new(), is_ended: false }
    }

    fn more(&mut self, image: Image) {
        match image {
            Image::Bits(data) => self.data.extend(data),
            Image::Frames(frames) => {
                frames.iter().for_each(|frame| self.encoder.frame(frame));
                self.data.extend(self.encoder.take());
            }
        }
    }

    fn end(&mut self) {
        match self.kind {
            ImageKind::Bits => self.data.resize(self.data.len() + bytes_in(PADDING, self.speed), 0),
            ImageKind::Frames => {
                self.encoder.flags(END_FLAGS);
                self.data.extend(core::mem::take(&mut self.encoder).finish());
            }
        }
        self.is_ended = true;
    }
}

impl Carrier {
    /// A piece of an image, in the place of one [`Command::SendImage`]. Pieces that no [`Piece::Begin`] came before, or
    /// that another command has cut off, are dropped.
    pub fn piece(&mut self, now: Time, piece: Piece) {
        match piece {
            Piece::Begin { speed, training, kind } => {
                self.pieces = Some(Pieces::new(speed, kind));
                self.want(now, Command::SendImage { speed, training, image: Image::Bits(Vec::new()) });
            }
            Piece::More(image) => {
                if let Some(pieces) = self.pieces.as_mut().filter(|pieces| !pieces.is_ended) {
                    pieces.more(image);
                }
            }
            Piece::End => {
                if let Some(pieces) = self.pieces.as_mut().filter(|pieces| !pieces.is_ended) {
                    pieces.end();
                }
            }
        }
        self.pass(now);
        self.pass_on();
    }

    /// Gives the modem what has come for it, if it takes data.
    pub(super) fn pass_on(&mut self) {
        let Some(pieces) = &mut self.pieces else { return };
        match &mut self.state {
            State::Speak(speak) if speak.is_open() => {
                if !speak.is_connected() || pieces.data.is_empty() && !pieces.is_ended {
                    return;
                }
                let data = core::mem::take(&mut pieces.data);
                let mut stream = Vec::new();
                dle::put(&data, &mut stream);
                if pieces.is_ended {
                    stream.extend_from_slice(&dle::END);
                }
                speak.go_on(&mut self.wire, stream, pieces.speed.time_for(data.len()), pieces.is_ended);
            }
            // The modem has ended by itself.
            State::Ready if self.pending.is_none() => {
                pieces.data.clear();
                if core::mem::take(&mut pieces.is_ended) {
                    self.pieces = None;
                    self.wire.tell(Signal::Sent);
                }
                return;
            }
            _ => return,
        }
        if pieces.is_ended {
            self.pieces = None;
        }
    }
}
