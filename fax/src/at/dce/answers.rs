//! What a virtual modem says of itself, and the settings that it takes without effect.

use super::words::Want;

const MAKER: &str = "Faxgate";
const MODEL: &str = "Virtual Class 1 modem";
const REVISION: &str = env!("CARGO_PKG_VERSION");

/// `ATIn`.
pub(super) fn information(number: u16) -> &'static str {
    match number {
        0 => "14400",
        1 | 2 => "OK",
        3 => concat!("Faxgate virtual modem ", env!("CARGO_PKG_VERSION")),
        _ => MODEL,
    }
}

/// A setting that has no effect here: its name, what it may be, and what it is.
struct Setting(&'static str, &'static str, &'static str);

/// Flow control is the pty's own, and the time-outs of T.31 are the modem's.
const SETTINGS: [Setting; 14] = [
    Setting("+FTH", "3", ""),
    Setting("+FRH", "3", ""),
    Setting("+FTS", "0-255", ""),
    Setting("+FRS", "0-255", ""),
    Setting("+FCLASS", "0,1,1.0", ""),
    Setting("+FAR", "0,1", ""),
    Setting("+VCID", "0,1", ""),
    Setting("#CID", "0,1", ""),
    Setting("+FCL", "0-255", "0"),
    Setting("+FDD", "0,1", "0"),
    Setting("+FLO", "0,1,2", "0"),
    Setting("+FPR", "0-8", "0"),
    Setting("+IFC", "+IFC: (0-2),(0-2)", "+IFC: 0,0"),
    Setting("+IPR", "+IPR: (0),()", "+IPR: 0"),
];

/// Answers a question about, or a plain use of, an extended command; `None` where there is no such thing, an empty text
/// where it is taken in silence.
pub(super) fn extended(name: &str, want: &Want) -> Option<&'static str> {
    let own = match name {
        "+FMI" | "+GMI" | "+FMFR" => Some(MAKER),
        "+FMM" | "+GMM" | "+FMDL" => Some(MODEL),
        "+FREV" | "+FMR" | "+GMR" => Some(REVISION),
        "+GCAP" => Some("+GCAP: +FCLASS"),
        _ => None,
    };
    if let Some(text) = own {
        return Some(if *want == Want::Range { "" } else { text });
    }
    let Setting(_, range, value) = SETTINGS.iter().find(|Setting(known, ..)| *known == name)?;
    match want {
        Want::Range => Some(*range),
        Want::Ask => Some(*value).filter(|value| !value.is_empty()),
        Want::Do | Want::Set(_) => None,
    }
}

/// Whether a setting is one that is taken without effect.
pub(super) fn takes(name: &str, value: &str) -> bool {
    let is_known = SETTINGS.iter().any(|Setting(known, _, value)| *known == name && !value.is_empty());
    is_known && value.chars().all(|c| c.is_ascii_digit() || c == ',')
}
