//! The commands of one command line (V.250 clauses 5.3 and 5.4), taken one after the other.
//!
//! Reading never fails loudly: what is no command is [`Word::Unknown`], which ends the line with ERROR.

use alloc::string::String;

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// A letter with its number, 0 where none is given: `E0`, `Z`. With a prefix where it has one: `&C1`, `\N3`, `%C0`.
    Basic(Option<char>, char, u16),
    /// `Sn=v`.
    SetRegister(u16, u16),
    /// `Sn?`.
    AskRegister(u16),
    /// `D` with what is dialled; the rest of the line.
    Dial(String),
    /// `+NAME` or `#NAME`, with what is wanted of it.
    Extended(String, Want),
    /// Anything else.
    Unknown,
}

/// What is wanted of an extended command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// `+NAME`: do it.
    Do,
    /// `+NAME=value`.
    Set(String),
    /// `+NAME?`.
    Ask,
    /// `+NAME=?`.
    Range,
}

/// Takes the next command off a line; `None` at its end.
pub(super) fn next(rest: &mut &str) -> Option<Word> {
    *rest = rest.trim_start_matches([' ', ';']);
    let first = rest.chars().next()?;
    *rest = rest.get(first.len_utf8()..).unwrap_or_default();
    Some(match first.to_ascii_uppercase() {
        'D' => Word::Dial(core::mem::take(rest).trim().into()),
        'S' => register(rest),
        '+' | '#' => extended(first, rest),
        prefix @ ('&' | '\\' | '%' | '*') => match letter(rest) {
            Some(letter) => Word::Basic(Some(prefix), letter, number(rest).unwrap_or(0)),
            None => Word::Unknown,
        },
        letter if letter.is_ascii_alphabetic() => Word::Basic(None, letter, number(rest).unwrap_or(0)),
        _ => Word::Unknown,
    })
}

fn letter(rest: &mut &str) -> Option<char> {
    let first = rest.chars().next().filter(char::is_ascii_alphabetic)?;
    *rest = rest.get(1..).unwrap_or_default();
    Some(first.to_ascii_uppercase())
}

/// A number, if one follows; one that is too large is the largest there is.
fn number(rest: &mut &str) -> Option<u16> {
    *rest = rest.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, behind) = rest.split_at_checked(end)?;
    *rest = behind;
    if digits.is_empty() {
        return None;
    }
    Some(digits.parse().unwrap_or(u16::MAX))
}

fn register(rest: &mut &str) -> Word {
    let Some(register) = number(rest) else { return Word::Unknown };
    *rest = rest.trim_start();
    if let Some(behind) = rest.strip_prefix('?') {
        *rest = behind;
        return Word::AskRegister(register);
    }
    let Some(behind) = rest.strip_prefix('=') else { return Word::Unknown };
    *rest = behind;
    Word::SetRegister(register, number(rest).unwrap_or(0))
}

/// An extended command reaches to the next semicolon that is not within quotes.
fn extended(sign: char, rest: &mut &str) -> Word {
    let mut quoted = false;
    let end = rest.find(|c| {
        quoted ^= c == '"';
        c == ';' && !quoted
    });
    let (text, behind) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, ""));
    *rest = behind;
    let text = text.trim();
    let name_end = text.find(['=', '?']).unwrap_or(text.len());
    let (name, tail) = text.split_at_checked(name_end).unwrap_or((text, ""));
    let name = name.trim().to_ascii_uppercase();
    let want = match tail.split_at_checked(1) {
        None => Want::Do,
        Some(("?", "")) => Want::Ask,
        Some(("=", value)) if value.trim() == "?" => Want::Range,
        Some(("=", value)) => Want::Set(value.trim().into()),
        Some(_) => return Word::Unknown,
    };
    if name.is_empty() {
        return Word::Unknown;
    }
    let mut full = String::from(sign);
    full.push_str(&name);
    Word::Extended(full, want)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    fn words(line: &str) -> Vec<Word> {
        let mut rest = line;
        core::iter::from_fn(|| next(&mut rest)).collect()
    }

    fn extended(name: &str, want: Want) -> Word {
        Word::Extended(name.to_string(), want)
    }

    #[test]
    fn a_line_falls_into_its_commands() {
        assert_eq!(
            words("e0v1 Q0S0=0 s7?&C1\\N3h"),
            [
                Word::Basic(None, 'E', 0),
                Word::Basic(None, 'V', 1),
                Word::Basic(None, 'Q', 0),
                Word::SetRegister(0, 0),
                Word::AskRegister(7),
                Word::Basic(Some('&'), 'C', 1),
                Word::Basic(Some('\\'), 'N', 3),
                Word::Basic(None, 'H', 0),
            ]
        );
        assert_eq!(
            words("+fclass=1.0;+FTM=?;+FTH?;+FTS;E1"),
            [
                extended("+FCLASS", Want::Set("1.0".to_string())),
                extended("+FTM", Want::Range),
                extended("+FTH", Want::Ask),
                extended("+FTS", Want::Do),
                Word::Basic(None, 'E', 1),
            ]
        );
        assert_eq!(words("DT 9,1 212;"), [Word::Dial("T 9,1 212;".to_string())]);
        assert_eq!(words("+FLID=\"a;b\";Z").len(), 2);
    }

    #[test]
    fn what_is_no_command_is_unknown() {
        for line in ["?", "S", "S0", "&1", "+=1", "+?", "+A?x", "1", "é"] {
            assert_eq!(words(line).first(), Some(&Word::Unknown), "{line}");
        }
        assert_eq!(words("S0=99999999"), [Word::SetRegister(0, u16::MAX)]);
    }
}
