//! The macros that the MTA has sent, by the command they came before.
//!
//! A macro holds from its command on: those of CONNECT for the whole session, those of MAIL for the message, those of
//! RCPT until the next recipient. What comes later hides what came earlier, and an earlier command that comes again
//! takes away what came after it (libmilter's `mi_clr_macros`, `smfi_getsymval`).

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::command::Macro;
use crate::session::Error;

/// The most bytes of macros, names and values, that a session keeps.
pub const MACROS_BYTES_MAX: usize = 256 * 1024;

/// The commands that macros come before, in the order of a session.
const ORDER: [u8; 10] = *b"CHMRTLNBEU";
/// Where in this order a message begins.
const MAIL: usize = 2;

/// A name and its value.
type Pair = (Box<[u8]>, Box<[u8]>);

/// The macros that hold now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Macros {
    by_command: [Vec<Pair>; ORDER.len()],
    bytes: usize,
}

impl Macros {
    /// The value of a macro: `i`, `auth_authen`; braces around the name may be left out.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let wanted = bare(name.as_bytes());
        let newest_first = self.by_command.iter().rev().flatten();
        newest_first.filter(|(name, _)| bare(name) == wanted).map(|(_, value)| &**value).next()
    }

    /// Takes in the macros for a command. Those for a command that is none are left alone: what a later version
    /// sends them for is not known here.
    pub(crate) fn set(&mut self, command: u8, macros: &[Macro<'_>]) -> Result<(), Error> {
        let Some(place) = ORDER.iter().position(|code| *code == command) else { return Ok(()) };
        self.forget_from(place);
        let bytes: usize = macros.iter().map(|each| each.name.len() + each.value.len()).sum();
        if self.bytes + bytes > MACROS_BYTES_MAX {
            return Err(Error::MacrosTooLarge);
        }
        self.bytes += bytes;
        if let Some(kept) = self.by_command.get_mut(place) {
            kept.extend(macros.iter().map(|each| (each.name.into(), each.value.into())));
        }
        Ok(())
    }

    /// A message has ended.
    pub(crate) fn forget_message(&mut self) {
        self.forget_from(MAIL);
    }

    /// The session with the client has ended.
    pub(crate) fn forget_all(&mut self) {
        self.forget_from(0);
    }

    fn forget_from(&mut self, place: usize) {
        for (name, value) in self.by_command.iter_mut().skip(place).flat_map(|pairs| pairs.drain(..)) {
            self.bytes -= name.len() + value.len();
        }
    }
}

/// The name without its braces.
fn bare(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"{").and_then(|name| name.strip_suffix(b"}")).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one<'a>(name: &'a str, value: &'a str) -> [Macro<'a>; 1] {
        [Macro { name: name.as_bytes(), value: value.as_bytes() }]
    }

    #[test]
    fn what_comes_later_hides_what_came_earlier() {
        let mut macros = Macros::default();
        macros.set(b'C', &one("j", "mx")).unwrap();
        macros.set(b'M', &one("{auth_authen}", "ann")).unwrap();
        macros.set(b'R', &one("i", "first")).unwrap();
        macros.set(b'E', &one("i", "last")).unwrap();
        assert_eq!(macros.get("i"), Some(&b"last"[..]));
        assert_eq!(macros.get("auth_authen"), macros.get("{auth_authen}"));
        assert_eq!(macros.get("{j}"), Some(&b"mx"[..]));
        macros.set(b'R', &[]).unwrap();
        assert_eq!(macros.get("i"), None, "a new recipient takes away what came after the last");
        macros.forget_message();
        assert_eq!((macros.get("auth_authen"), macros.get("j")), (None, Some(&b"mx"[..])));
        macros.forget_all();
        assert_eq!(macros, Macros::default());
    }

    #[test]
    fn they_have_a_limit_and_places_come_back() {
        let mut macros = Macros::default();
        let long = "x".repeat(MACROS_BYTES_MAX - 1);
        for _ in 0..3 {
            macros.set(b'M', &one("i", &long)).unwrap();
        }
        assert_eq!(macros.set(b'R', &one("i", "")), Err(Error::MacrosTooLarge));
        assert_eq!(macros.set(b'?', &one("i", "")), Ok(()));
    }
}
