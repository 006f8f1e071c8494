//! The commands of T.31 for what the carrier seam asks.

use crate::carrier::{Speed, Training};
use crate::time::Duration;
use alloc::format;
use alloc::string::String;

/// The longest dial string, in characters.
pub const DIAL_CHARS_MAX: usize = 80;

/// The number of a modulation (T.31 table 3).
pub(super) fn code(speed: Speed, training: Training) -> u8 {
    let short = u8::from(training == Training::Short);
    match speed {
        Speed::V27ter2400 => 24,
        Speed::V27ter4800 => 48,
        Speed::V29At7200 => 72,
        Speed::V29At9600 => 96,
        Speed::V17At7200 => 73 + short,
        Speed::V17At9600 => 97 + short,
        Speed::V17At12000 => 121 + short,
        Speed::V17At14400 => 145 + short,
    }
}

/// The speed that a number stands for, whichever its training; `None` for 3 (V.21) and what is unknown.
pub(in crate::at) fn speed_of_code(code: u16) -> Option<Speed> {
    let is = |speed: Speed, training| u16::from(self::code(speed, training)) == code;
    Speed::ALL.into_iter().find(|speed| is(*speed, Training::Long) || is(*speed, Training::Short))
}

/// Silence of at least this long, in steps of 10 ms, up to 2.55 s.
pub(super) fn silence(duration: Duration) -> String {
    format!("AT+FTS={}", duration.as_millis().div_ceil(10).clamp(1, 255))
}

/// What a modem may be given to dial (V.250 clause 6.3.1): everything else is left out, above all what would end the
/// command or keep the modem in command state.
pub(in super::super) fn dialable(number: &str) -> String {
    let may = |c: &char| c.is_ascii_digit() || "*#ABCDPTW,@!&$-. ()".contains(*c);
    number.chars().map(|c| c.to_ascii_uppercase()).filter(may).take(DIAL_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_speed_has_its_number() {
        let numbers: [(u8, u8); 8] =
            Speed::ALL.map(|speed| (code(speed, Training::Long), code(speed, Training::Short)));
        let known = [(24, 24), (48, 48), (72, 72), (73, 74), (96, 96), (97, 98), (121, 122), (145, 146)];
        assert_eq!(numbers, known);
        assert_eq!(speed_of_code(146), Some(Speed::V17At14400));
        assert_eq!(speed_of_code(3), None);
    }

    #[test]
    fn a_number_cannot_hold_a_command() {
        assert_eq!(dialable("T9,W+1 (212) 555-0123"), "T9,W1 (212) 555-0123");
        assert_eq!(dialable("0123;\r+FCLASS=0\nATH"), "0123CA0AT");
        assert_eq!(dialable(&"5".repeat(500)).len(), DIAL_CHARS_MAX);
    }

    #[test]
    fn silence_is_rounded_up() {
        assert_eq!(silence(Duration::from_millis(75)), "AT+FTS=8");
        assert_eq!(silence(Duration::ZERO), "AT+FTS=1");
        assert_eq!(silence(Duration::from_secs(60)), "AT+FTS=255");
    }
}
