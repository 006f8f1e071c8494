//! Command lines as V.250 has them: `AT`, then commands one after the other.

use super::CR;

/// The longest line that is taken.
const LINE_OCTETS_MAX: usize = 512;

/// A line that is being typed.
#[derive(Debug, Default)]
pub(super) struct Line(String);

impl Line {
    /// Takes a byte; the line without its AT, once it is complete.
    pub(super) fn push(&mut self, byte: u8) -> Option<String> {
        match byte {
            CR => {
                let line = std::mem::take(&mut self.0);
                let at = line.to_ascii_uppercase().rfind("AT");
                // Noise may stand before the AT; what is quoted must not be taken for one.
                let at = if line.trim_start().to_ascii_uppercase().starts_with("AT") {
                    Some(line.len() - line.trim_start().len())
                } else {
                    at
                };
                return at.map(|at| line[at + 2..].to_string());
            }
            b'\n' | 0 => {}
            8 => drop(self.0.pop()),
            _ if self.0.len() < LINE_OCTETS_MAX && byte.is_ascii() => self.0.push(char::from(byte)),
            _ => {}
        }
        None
    }
}

/// One command of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A letter, perhaps with `&`, `\` or `%` before it, and its number.
    Basic(String, u32),
    /// `D` with what is to be dialled.
    Dial(String),
    /// `Sn=v`.
    SetRegister(u32, u32),
    /// `Sn?`
    AskRegister(u32),
    /// `+NAME`, with what follows: `""`, `"?"`, `"=?"` or `"=…"`.
    Extended(String, String),
}

/// Takes a line apart; `None` where it makes no sense.
pub(super) fn items(line: &str) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let (item, after) = item(rest)?;
        items.push(item);
        rest = after.trim_start_matches([' ', ';']);
    }
    Some(items)
}

fn item(text: &str) -> Option<(Item, &str)> {
    let first = text.chars().next()?.to_ascii_uppercase();
    match first {
        'D' => Some((Item::Dial(text[1..].trim().to_string()), "")),
        '+' => {
            let end = end_of_extended(text);
            let (item, after) = text.split_at(end);
            let split = item.find(['=', '?']).unwrap_or(item.len());
            let (name, tail) = item.split_at(split);
            Some((Item::Extended(name.trim().to_ascii_uppercase(), tail.trim().to_string()), after))
        }
        'S' => {
            let (register, after) = number(&text[1..]);
            if let Some(after) = after.strip_prefix('?') {
                return Some((Item::AskRegister(register), after));
            }
            let (value, after) = number(after.strip_prefix('=')?);
            Some((Item::SetRegister(register, value), after))
        }
        '&' | '\\' | '%' | '*' | '#' => {
            let letter = text[1..].chars().next()?.to_ascii_uppercase();
            let (value, after) = number(text.get(2..)?);
            Some((Item::Basic(format!("{first}{letter}"), value), after))
        }
        'A'..='Z' => {
            let (value, after) = number(&text[1..]);
            Some((Item::Basic(first.to_string(), value), after))
        }
        _ => None,
    }
}

/// An extended command ends at a `;` outside quotes.
fn end_of_extended(text: &str) -> usize {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ';' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

fn number(text: &str) -> (u32, &str) {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    (text[..digits].parse().unwrap_or(0), &text[digits..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart() {
        let extended = |name: &str, tail: &str| Item::Extended(name.into(), tail.into());
        let basic = |name: &str, value| Item::Basic(name.into(), value);
        assert_eq!(
            items("E0V1Q0 &K3 S0=2;+FCLASS=2.0;+FLI=\"a;b\""),
            Some(vec![
                basic("E", 0),
                basic("V", 1),
                basic("Q", 0),
                basic("&K", 3),
                Item::SetRegister(0, 2),
                extended("+FCLASS", "=2.0"),
                extended("+FLI", "=\"a;b\""),
            ])
        );
        assert_eq!(items("DT5551234"), Some(vec![Item::Dial("T5551234".into())]));
        assert_eq!(items("+FDCC=?"), Some(vec![extended("+FDCC", "=?")]));
        assert_eq!(items("!"), None);
    }

    #[test]
    fn a_line_begins_at_its_at() {
        let mut line = Line::default();
        let typed =
            |line: &mut Line, text: &str| text.bytes().filter_map(|b| line.push(b)).collect::<Vec<_>>();
        assert_eq!(typed(&mut line, "xxAT+FDR\rate0\r\nnothing\r"), ["+FDR", "e0"]);
        assert_eq!(typed(&mut line, "AT+FLI=\"AT HOME\"\r"), ["+FLI=\"AT HOME\""]);
    }
}
