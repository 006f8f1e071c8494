//! Values of CSS properties: lengths in points, and colours as tones of grey.

use std::str::FromStr;

use super::super::picture::luma;

/// Points in a CSS pixel (CSS Values 3 §6.2).
pub(super) const PT_PER_PX: f32 = 0.75;

/// A length.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Length {
    #[default]
    Auto,
    /// In points.
    Pt(f32),
    /// A part of what the property is measured by.
    Part(f32),
}

impl Length {
    /// A value of CSS; sizes of letters are measured by `em_pt`. Nothing where it is not understood.
    pub(super) fn parse(text: &str, em_pt: f32) -> Option<Self> {
        if text.eq_ignore_ascii_case("auto") {
            return Some(Self::Auto);
        }
        let end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+')).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let number = f32::from_str(number).ok().filter(|number| number.is_finite())?;
        let pt = match unit.trim().to_ascii_lowercase().as_str() {
            "%" => return Some(Self::Part(number / 100.0)),
            "" if number == 0.0 => 0.0,
            "px" => number * PT_PER_PX,
            "pt" => number,
            "em" => number * em_pt,
            "rem" => number * super::style::TEXT_PT,
            "ex" | "ch" => number * em_pt / 2.0,
            "in" => number * 72.0,
            "cm" => number * 72.0 / 2.54,
            "mm" => number * 72.0 / 25.4,
            "pc" => number * 12.0,
            _ => return None,
        };
        Some(Self::Pt(pt.clamp(-LENGTH_PT_MAX, LENGTH_PT_MAX)))
    }

    /// The value of an HTML attribute: pixels, or a part with `%` (HTML standard §2.3.4.4).
    pub(super) fn attribute(text: &str) -> Option<Self> {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit() && c != '%');
        match digits.strip_suffix('%') {
            Some(part) => Some(Self::Part(f32::from_str(part).ok().filter(|part| *part >= 0.0)? / 100.0)),
            None => {
                let pixels =
                    f32::from_str(digits).ok().filter(|pixels| pixels.is_finite() && *pixels >= 0.0)?;
                Some(Self::Pt((pixels * PT_PER_PX).min(LENGTH_PT_MAX)))
            }
        }
    }

    /// In points, where `whole` is what parts are parts of; nothing for `auto`.
    pub(super) fn of(self, whole: f32) -> Option<f32> {
        match self {
            Self::Auto => None,
            Self::Pt(pt) => Some(pt),
            Self::Part(part) => Some(part * whole),
        }
    }

    pub(super) fn is_negative(self) -> bool {
        matches!(self, Self::Pt(value) | Self::Part(value) if value < 0.0)
    }

    /// In points where no whole is needed to know it.
    pub(super) fn fixed(self) -> Option<f32> {
        match self {
            Self::Pt(pt) => Some(pt),
            _ => None,
        }
    }
}

/// Longer is nothing on paper: 50 metres.
const LENGTH_PT_MAX: f32 = 150_000.0;

/// A colour as paper shows it: its tone on white, from 0 (black) to 255. Nothing where all is seen through it.
pub(super) type Tone = Option<u8>;

/// A colour of CSS; outer nothing where it is not understood.
pub(super) fn tone(text: &str) -> Option<Tone> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("transparent") {
        return Some(None);
    }
    let colour = svgtypes::Color::from_str(&text.to_ascii_lowercase()).ok()?;
    let tone = u32::from(luma(&[colour.red, colour.green, colour.blue]));
    let alpha = u32::from(colour.alpha);
    let on_white = (tone * alpha + 255 * (255 - alpha)) / 255;
    Some((alpha >= ALPHA_MIN).then(|| u8::try_from(on_white).unwrap_or(u8::MAX)))
}

/// A colour of an HTML attribute, which may lack its `#` (HTML standard §2.3.6).
pub(super) fn attribute_tone(text: &str) -> Option<Tone> {
    let bare = text.len() == 6 && text.chars().all(|c| c.is_ascii_hexdigit());
    if bare { tone(&format!("#{text}")) } else { tone(text) }
}

/// What covers less than this, of 255, is not seen.
const ALPHA_MIN: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_units() {
        let of = |text| Length::parse(text, 10.0);
        assert_eq!(of("16px"), Some(Length::Pt(12.0)));
        assert_eq!(of("1.5em"), Some(Length::Pt(15.0)));
        assert_eq!(of("0"), Some(Length::Pt(0.0)));
        assert_eq!(of("50%"), Some(Length::Part(0.5)));
        assert_eq!(of("2.54cm"), Some(Length::Pt(72.0)));
        assert_eq!(of("AUTO"), Some(Length::Auto));
        assert_eq!((of("12"), of("calc(1px)"), of("nanpx"), of("")), (None, None, None, None));
        assert_eq!(Length::attribute("600"), Some(Length::Pt(450.0)));
        assert_eq!(Length::attribute("600px"), Some(Length::Pt(450.0)));
        assert_eq!(Length::attribute("50%"), Some(Length::Part(0.5)));
        assert_eq!(Length::attribute("*"), None);
    }

    #[test]
    fn colours_are_tones() {
        assert_eq!(tone("#FFF"), Some(Some(255)));
        assert_eq!(tone(" Black "), Some(Some(0)));
        assert_eq!(tone("rgba(0,0,0,0.5)"), Some(Some(127)));
        assert_eq!(tone("rgba(0,0,0,0)"), Some(None));
        assert_eq!(tone("transparent"), Some(None));
        assert_eq!(tone("windowtext"), None);
        assert_eq!(attribute_tone("ffffff"), Some(Some(255)));
    }
}
