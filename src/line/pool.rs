//! The pool: many lines, one queue.

use std::sync::Arc;

use super::{Held, Line};
use crate::address::Number;

/// All lines that may dial.
#[derive(Clone, Default)]
pub struct Pool {
    lines: Vec<Arc<dyn Line>>,
}

/// A line that is the holder's until this is dropped.
pub struct Taken {
    /// The line.
    pub line: Arc<dyn Line>,
    _held: Held,
}

impl Pool {
    /// A pool of these lines; earlier ones are preferred.
    #[must_use]
    pub fn new(lines: Vec<Arc<dyn Line>>) -> Self {
        Self { lines }
    }

    /// Takes the first free line to dial this number: not the one that has it, which would find itself busy,
    /// unless there is no other.
    #[must_use]
    pub fn take_for(&self, number: &Number) -> Option<Taken> {
        let is_itself = |line: &Arc<dyn Line>| line.number() == Some(number);
        let no_other = self.lines.iter().all(is_itself);
        self.lines
            .iter()
            .filter(|line| no_other || !is_itself(line))
            .find_map(|line| line.seat().take().map(|held| Taken { line: Arc::clone(line), _held: held }))
    }

    /// How many lines are free now.
    #[must_use]
    pub fn free(&self) -> usize {
        self.lines.iter().filter(|line| !line.seat().is_taken()).count()
    }

    /// The names of the lines, and whether each is in a call.
    #[must_use]
    pub fn overview(&self) -> Vec<(String, bool)> {
        self.lines.iter().map(|line| (line.name().to_owned(), line.seat().is_taken())).collect()
    }
}
