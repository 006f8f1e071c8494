//! The pool: many lines, one queue.

use std::sync::Arc;

use super::{Condition, Held, Line};
use crate::address::Number;

/// All lines, those that only answer too.
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

    /// Takes the first free line that is in order to dial this number: not the one that has it, which would find itself busy,
    /// unless there is no other.
    #[must_use]
    pub fn take_for(&self, number: &Number) -> Option<Taken> {
        let is_itself = |line: &&Arc<dyn Line>| line.number() == Some(number);
        let no_other = self.dialling().all(|line| is_itself(&line));
        self.dialling()
            .filter(|line| no_other || !is_itself(line))
            .find_map(|line| line.seat().take().map(|held| Taken { line: Arc::clone(line), _held: held }))
    }

    /// How many lines are free now.
    #[must_use]
    pub fn free(&self) -> usize {
        self.dialling().filter(|line| !line.seat().is_taken()).count()
    }

    /// The lines that can be dialled out on now: one that is out of order is no reason to spend a job's tries.
    fn dialling(&self) -> impl Iterator<Item = &Arc<dyn Line>> {
        self.lines.iter().filter(|line| line.dials() && line.condition() == Condition::Ready)
    }

    /// Stops all lines, side by side, and waits until each is on hook.
    pub fn stop(&self) {
        std::thread::scope(|scope| {
            for line in &self.lines {
                scope.spawn(|| line.stop());
            }
        });
    }

    /// Every line.
    #[must_use]
    pub fn lines(&self) -> &[Arc<dyn Line>] {
        &self.lines
    }
}
