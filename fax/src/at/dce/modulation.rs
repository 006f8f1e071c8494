//! The numbers of modulations in `+FTM` and `+FRM` (T.31 table 3).

use crate::carrier::{Speed, SpeedSet, Training};
use alloc::format;
use alloc::string::String;

const CODES: [(u16, Speed, Training); 12] = [
    (24, Speed::V27ter2400, Training::Long),
    (48, Speed::V27ter4800, Training::Long),
    (72, Speed::V29At7200, Training::Long),
    (73, Speed::V17At7200, Training::Long),
    (74, Speed::V17At7200, Training::Short),
    (96, Speed::V29At9600, Training::Long),
    (97, Speed::V17At9600, Training::Long),
    (98, Speed::V17At9600, Training::Short),
    (121, Speed::V17At12000, Training::Long),
    (122, Speed::V17At12000, Training::Short),
    (145, Speed::V17At14400, Training::Long),
    (146, Speed::V17At14400, Training::Short),
];

/// What a number stands for, where the line can do it.
pub(super) fn of_code(code: u16, can: SpeedSet) -> Option<(Speed, Training)> {
    let mut codes = CODES.iter().filter(|(_, speed, _)| can.contains(*speed));
    codes.find(|(known, ..)| *known == code).map(|(_, speed, training)| (*speed, *training))
}

/// The numbers of what the line can do, as `+FTM=?` lists them.
pub(super) fn list(can: SpeedSet) -> String {
    let mut text = String::new();
    for (code, ..) in CODES.iter().filter(|(_, speed, _)| can.contains(*speed)) {
        let comma = if text.is_empty() { "" } else { "," };
        text.push_str(&format!("{comma}{code}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::Modulation;

    #[test]
    fn the_line_says_which_there_are() {
        assert_eq!(list(SpeedSet::ALL), "24,48,72,73,74,96,97,98,121,122,145,146");
        let slow = SpeedSet::ALL.without_modulation(Modulation::V17);
        assert_eq!(list(slow), "24,48,72,96");
        assert_eq!(of_code(146, SpeedSet::ALL), Some((Speed::V17At14400, Training::Short)));
        assert_eq!((of_code(146, slow), of_code(3, SpeedSet::ALL)), (None, None));
    }
}
