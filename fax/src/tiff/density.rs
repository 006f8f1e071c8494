//! XResolution, YResolution and ResolutionUnit to a fax resolution (RFC 3949 clause 2.2.2, T.4 clause 2).
//!
//! Inch based and metric values that T.4 calls equivalent are one: 200 and 204, 98 and 100, 196 and 200, 391 and 400,
//! 400 and 408.

use super::directory::Directory;
use super::error::TiffError;
use super::tag;
use crate::page::{PaperWidth, Resolution};

/// Denser than any scanner: such a value is an error of the writer's.
const DPI_MAX: u64 = 10_000;

/// How densely the pixels of an image lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Density {
    /// As on a fax line; the page needs no scaling.
    Fax(Resolution),
    /// Something else, in dots per inch: the image must be scaled to be faxed.
    Other {
        /// Horizontal dots per inch.
        x_dpi: u32,
        /// Vertical dots per inch.
        y_dpi: u32,
    },
    /// The file does not say.
    Unknown,
}

impl Density {
    /// The density of an image with this directory, `width` pixels wide.
    ///
    /// Where the numbers mean no fax resolution in the unit that the file says, but would do so in the other one or
    /// with x and y exchanged, and the image has a width that faxes have at that resolution, they mean that.
    pub(super) fn of(directory: &Directory<'_>, width: u32) -> Result<Self, TiffError> {
        let unit = directory.short(tag::RESOLUTION_UNIT).unwrap_or(None).unwrap_or(tag::UNIT_INCH);
        // A density that cannot be read is no reason to give the image up.
        let value = |tag| Ok(directory.field(tag)?.and_then(|field| field.rational().ok()));
        let (x, y) = (value(tag::X_RESOLUTION)?, value(tag::Y_RESOLUTION)?);
        let dpi = |value: Option<_>, unit| value.and_then(|value| dots_per_inch(value, unit));
        let both = |unit| Some((dpi(x, unit)?, dpi(y, unit)?));
        let said = both(unit).map_or(Self::Unknown, |(x_dpi, y_dpi)| Self::from_dpi(x_dpi, y_dpi));
        if let Self::Fax(_) = said {
            return Ok(said);
        }
        let pairs = [both(tag::UNIT_INCH), both(tag::UNIT_CENTIMETRE)].into_iter().flatten();
        let mut guesses = pairs
            .flat_map(|(x_dpi, y_dpi)| [Self::from_dpi(x_dpi, y_dpi), Self::from_dpi(y_dpi, x_dpi)])
            // The width says how dense the columns are, if the file does not.
            .chain(Resolution::ALL.into_iter().filter_map(|resolution| {
                let y_dpi = dpi(x, unit).is_none().then(|| dpi(y, unit)).flatten()?;
                Some(Self::from_dpi(resolution.x_dpi(), y_dpi))
            }));
        Ok(guesses.find(|guess| guess.has_width(width)).unwrap_or(said))
    }

    /// Whether it is a fax's, and faxes of it have this width.
    fn has_width(self, width: u32) -> bool {
        let papers = [PaperWidth::A4, PaperWidth::B4, PaperWidth::A3];
        matches!(self, Self::Fax(resolution) if papers.iter().any(|&paper| resolution.width(paper) == width))
    }

    /// The density of the image turned by a right angle.
    pub(super) fn transposed(self) -> Self {
        match self {
            Self::Fax(resolution) => Self::from_dpi(resolution.y_dpi(), resolution.x_dpi()),
            Self::Other { x_dpi, y_dpi } => Self::from_dpi(y_dpi, x_dpi),
            Self::Unknown => Self::Unknown,
        }
    }

    /// The fax resolution that these dots per inch mean, if they mean one.
    fn from_dpi(x_dpi: u32, y_dpi: u32) -> Self {
        let resolution = match (x_dpi, y_dpi) {
            // Rounding makes 203 of 80 and 98 of 38.5 dots to the centimetre.
            (199..=205, 97..=101) => Resolution::R204x98,
            (199..=201, 199..=201) => Resolution::R200x200,
            (199..=205, 195..=201) => Resolution::R204x196,
            (199..=205, 389..=401) => Resolution::R204x391,
            (299..=301, 299..=301) => Resolution::R300x300,
            (399..=409, 389..=401) => Resolution::R400x400,
            _ => return Self::Other { x_dpi, y_dpi },
        };
        Self::Fax(resolution)
    }
}

/// Rounded; `None` without a unit or a sensible number.
fn dots_per_inch((numerator, denominator): (u32, u32), unit: u16) -> Option<u32> {
    let (mut dots, mut units) = (u64::from(numerator), u64::from(denominator));
    match unit {
        tag::UNIT_INCH => {}
        tag::UNIT_CENTIMETRE => (dots, units) = (dots * 254, units * 100),
        _ => return None,
    }
    let rounded = (2 * dots + units).checked_div(2 * units)?;
    (1..=DPI_MAX).contains(&rounded).then_some(rounded as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalent_resolutions_are_one() {
        let cases = [
            (204, 98, Resolution::R204x98),
            (200, 100, Resolution::R204x98),
            (203, 98, Resolution::R204x98),
            (204, 196, Resolution::R204x196),
            (200, 196, Resolution::R204x196),
            (204, 200, Resolution::R204x196),
            (200, 200, Resolution::R200x200),
            (204, 391, Resolution::R204x391),
            (200, 400, Resolution::R204x391),
            (300, 300, Resolution::R300x300),
            (400, 400, Resolution::R400x400),
            (408, 391, Resolution::R400x400),
            (406, 391, Resolution::R400x400),
        ];
        for (x_dpi, y_dpi, resolution) in cases {
            assert_eq!(Density::from_dpi(x_dpi, y_dpi), Density::Fax(resolution), "{x_dpi}×{y_dpi}");
        }
        for (x_dpi, y_dpi) in [(96, 96), (600, 600), (100, 100), (300, 200), (200, 300)] {
            assert_eq!(Density::from_dpi(x_dpi, y_dpi), Density::Other { x_dpi, y_dpi });
        }
    }

    #[test]
    fn turned_images_are_denser_the_other_way() {
        let turned = Density::Fax(Resolution::R204x98).transposed();
        assert_eq!(turned, Density::Other { x_dpi: 98, y_dpi: 204 });
        assert_eq!(
            Density::Other { x_dpi: 196, y_dpi: 204 }.transposed(),
            Density::Fax(Resolution::R204x196)
        );
        assert_eq!(Density::Fax(Resolution::R300x300).transposed(), Density::Fax(Resolution::R300x300));
        assert_eq!(Density::Unknown.transposed(), Density::Unknown);
    }

    #[test]
    fn centimetres_become_inches_and_nonsense_nothing() {
        for (value, dpi) in
            [((385, 10), 98), ((77, 1), 196), ((154, 1), 391), ((80, 1), 203), ((160, 1), 406)]
        {
            assert_eq!(dots_per_inch(value, tag::UNIT_CENTIMETRE), Some(dpi));
        }
        assert_eq!(dots_per_inch((204, 1), tag::UNIT_INCH), Some(204));
        assert_eq!(dots_per_inch((2039, 10), tag::UNIT_INCH), Some(204));
        assert_eq!(dots_per_inch((204, 0), tag::UNIT_INCH), None);
        assert_eq!(dots_per_inch((0, 1), tag::UNIT_INCH), None);
        assert_eq!(dots_per_inch((u32::MAX, 1), tag::UNIT_CENTIMETRE), None);
        assert_eq!(dots_per_inch((204, 1), 1), None);
    }
}
