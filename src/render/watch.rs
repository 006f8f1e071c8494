//! How far the work on a message has come, for whoever limits and reports it.

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
