//! The pictures that a text can show: parts of the message, and those that stand in the text itself.

use std::cell::RefCell;
use std::collections::HashMap;

use super::super::error::guard;
use super::super::kind::Picture;
use super::super::options::Limits;
use super::super::picture::{self, Image};
use super::tree::From;

/// A picture this narrow or low, in pixels, only counts who reads the mail.
const TRACKING_PIXELS_MAX: u32 = 2;

/// The message's pictures, by their Content-ID.
pub(in super::super) type Inlines<'i> = HashMap<&'i str, (Picture, &'i [u8])>;

/// Finds pictures, and remembers how large they are.
pub(super) struct Pictures<'p> {
    inlines: &'p Inlines<'p>,
    limits: &'p Limits,
    sizes: RefCell<HashMap<String, Option<(f32, f32)>>>,
}

impl<'p> Pictures<'p> {
    pub(super) fn new(inlines: &'p Inlines<'p>, limits: &'p Limits) -> Self {
        Self { inlines, limits, sizes: RefCell::default() }
    }

    /// Its own size in points, upright; nothing where there is no such picture, or it only counts readers.
    pub(super) fn size_pt(&self, from: &From) -> Option<(f32, f32)> {
        match from {
            From::Elsewhere => None,
            From::Data(kind, bytes) => self.measure(*kind, bytes),
            From::Part(id) => {
                if let Some(size) = self.sizes.borrow().get(id) {
                    return *size;
                }
                let found = self.inlines.get(id.as_str());
                let size = found.and_then(|(kind, bytes)| self.measure(*kind, bytes));
                self.sizes.borrow_mut().insert(id.clone(), size);
                size
            }
        }
    }

    /// A picture that cannot be read here is met again as a part of its own, and refuses the message there.
    fn measure(&self, kind: Picture, bytes: &[u8]) -> Option<(f32, f32)> {
        let size = guard("picture", || picture::upright_size_pt(kind, bytes, self.limits)).ok()?;
        let least = TRACKING_PIXELS_MAX as f32 * picture::PT_PER_PIXEL;
        (size.0.min(size.1) > least).then_some(size)
    }

    pub(super) fn read(&self, from: &From) -> Option<Image> {
        let (kind, bytes) = match from {
            From::Elsewhere => return None,
            From::Data(kind, bytes) => (*kind, bytes.as_slice()),
            From::Part(id) => self.inlines.get(id.as_str()).map(|(kind, bytes)| (*kind, *bytes))?,
        };
        guard("picture", || picture::read(kind, bytes, self.limits)).ok()
    }
}
