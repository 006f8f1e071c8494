//! What stands beside the work on a message: who limits and reports it, and who converts what it cannot.

use super::office::Converter;

/// Is told of every step, before it is taken.
pub(super) trait Watch {
    /// The work on this part begins.
    fn part(&self, name: &str);

    /// The work on one more page begins.
    fn page(&self);
}

/// Nobody watches.
impl Watch for () {
    fn part(&self, _: &str) {}

    fn page(&self) {}
}

/// Both of them.
#[derive(Clone, Copy)]
pub(super) struct Desk<'d> {
    pub(super) watch: &'d dyn Watch,
    pub(super) office: &'d dyn Converter,
}

impl Desk<'_> {
    /// Nobody watches, and nobody helps.
    pub(super) const ALONE: Self = Desk { watch: &(), office: &() };
}
