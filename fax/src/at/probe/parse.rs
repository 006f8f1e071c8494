//! How modems write lists: `(0,1,2)`, `0,1,1.0,2`, `+FTM: (3,24,48)`, `(0-5)`, `(00-7F)`.

use super::super::profile::Class;
use alloc::string::String;
use alloc::vec::Vec;

/// The most numbers that are taken of a list.
const NUMBERS_MAX: usize = 256;

/// A name without the command before it and the quotation marks around it.
pub(super) fn bare(text: &str) -> String {
    let text = text.trim();
    let text = match text.split_once(':') {
        Some((head, rest)) if head.starts_with('+') => rest,
        _ => text,
    };
    text.trim().trim_matches('"').trim().into()
}

/// The service classes of an answer to `+FCLASS=?`, and whether voice (8, 80) is among them.
pub(super) fn classes(text: &str) -> (Vec<Class>, bool) {
    let text = bare(text);
    let words: Vec<&str> =
        text.split(|c: char| !c.is_ascii_digit() && c != '.').filter(|word| !word.is_empty()).collect();
    let classes = Class::ALL.into_iter().filter(|class| words.contains(&class.as_str())).collect();
    (classes, words.contains(&"8") || words.contains(&"80"))
}

/// The parts of a list of lists: what stands in parentheses, or between the commas outside them.
pub(super) fn fields(text: &str) -> Vec<String> {
    let (mut fields, mut depth) = (Vec::from([String::new()]), 0u8);
    for c in bare(text).chars() {
        match c {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => fields.push(String::new()),
            c => {
                if let Some(field) = fields.last_mut() {
                    field.push(c);
                }
            }
        }
        if fields.len() > NUMBERS_MAX {
            break;
        }
    }
    fields
}

/// The numbers of a list, with its ranges filled in.
pub(super) fn numbers(text: &str, radix: u32) -> Vec<u16> {
    let mut numbers = Vec::new();
    let text = bare(text);
    let parts = text.split(|c: char| !c.is_digit(radix) && c != '-').filter(|part| !part.is_empty());
    for part in parts {
        let mut ends = part.split('-').filter_map(|end| u16::from_str_radix(end, radix).ok());
        let Some(first) = ends.next() else { continue };
        let last = ends.next().unwrap_or(first);
        let room = NUMBERS_MAX.saturating_sub(numbers.len());
        numbers.extend((first..=last).take(room));
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_modems_write_them() {
        assert_eq!(numbers("(3,24,48,72-74,96)", 10), [3, 24, 48, 72, 73, 74, 96]);
        assert_eq!(numbers("+FTM: 24,48", 10), [24, 48]);
        assert_eq!(numbers("(0-1F)", 16).len(), 32);
        assert_eq!(numbers("9-3,-,70000,5", 10), [5]);
        assert_eq!(fields("(0,1),(0-5),(0)"), ["0,1", "0-5", "0"]);
        assert_eq!(
            classes("0,1,1.0,2.0,8"),
            (Vec::from([Class::One, Class::OnePointZero, Class::TwoPointZero]), true)
        );
        assert_eq!(classes("(0,2)"), (Vec::from([Class::Two]), false));
        assert_eq!(classes("+FCLASS: (0,1.0)"), (Vec::from([Class::OnePointZero]), false));
        assert_eq!(bare("+FMI: \"Acme\""), "Acme");
    }

    #[test]
    fn a_list_without_end_is_cut_off() {
        assert_eq!(numbers("0-65535,0-65535", 10).len(), NUMBERS_MAX);
    }
}
