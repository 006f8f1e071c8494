//! The geometry of a sheet: how many rows it has, how many the header line takes, and where text may stand.
//!
//! A scan line is 215 mm long (ITU-T T.4 clause 2), a little wider than A4 and a little narrower than Letter; the
//! sheet lies centred on it. Lengths that people read are in points (1/72 inch), x and y apart, because a fax
//! pixel is not square.

use fax::page::{PaperWidth, Resolution};

use super::options::{Paper, Photographs};

/// Points in an inch.
const PT_PER_INCH: f32 = 72.0;
/// The header line's height: 1/6 inch, a line of type.
const HEADER_PER_INCH: u32 = 6;
/// White at the left and the right of text, in points (20 mm of the scan line).
const SIDE_MARGIN_PT: f32 = 56.7;
/// White between the header line and text.
const TOP_MARGIN_PT: f32 = 30.0;
/// White below text. Many machines cannot print the last 5 mm of a sheet.
const BOTTOM_MARGIN_PT: f32 = 36.0;

/// The longest page, in points: B4, the longest that T.30 has a name for; Legal fits.
const LONG_MAX_PT: f32 = 1032.0;
/// A document may be so much wider than the scan line and still count as no wider: Letter is, a little.
const WIDER_MAX: f32 = 1.02;

/// A sheet at a resolution, and how photographs come to lie on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sheet {
    paper: Paper,
    resolution: Resolution,
    photographs: Photographs,
    /// Whether it may be longer for what is.
    may_be_longer: bool,
    /// Its rows, where it is longer.
    long_rows: Option<u32>,
}

/// The rows that a header line takes at this resolution.
pub(super) fn header_rows(resolution: Resolution) -> u32 {
    (resolution.y_dpi() + HEADER_PER_INCH / 2) / HEADER_PER_INCH
}

/// Pixels in a point, horizontally and vertically.
pub(super) fn px_per_pt(resolution: Resolution) -> (f32, f32) {
    (resolution.x_dpi() as f32 / PT_PER_INCH, resolution.y_dpi() as f32 / PT_PER_INCH)
}

impl Sheet {
    pub(super) fn new(paper: Paper, resolution: Resolution) -> Self {
        Self { paper, resolution, photographs: Photographs::default(), may_be_longer: false, long_rows: None }
    }

    pub(super) fn with_photographs(self, photographs: Photographs) -> Self {
        Self { photographs, ..self }
    }

    pub(super) fn with_longer_pages(self, may_be_longer: bool) -> Self {
        Self { may_be_longer, ..self }
    }

    /// The sheet for a document of this size, in points, whichever way it will lie: as long as that, where it may be, and the
    /// document is no wider.
    pub(super) fn reaching(self, (across_pt, down_pt): (f32, f32)) -> Self {
        let (x_scale, y_scale) = self.px_per_pt();
        let (width_pt, height_pt) = (across_pt.min(down_pt), across_pt.max(down_pt));
        let fits_across = width_pt * x_scale <= self.width() as f32 * WIDER_MAX;
        let rows = (height_pt * y_scale).round() as u32;
        let is_longer = height_pt <= LONG_MAX_PT && rows > self.rows();
        let long_rows = (self.may_be_longer && fits_across && is_longer).then_some(rows);
        Self { long_rows, ..self }
    }

    pub(super) fn photographs(self) -> Photographs {
        self.photographs
    }

    pub(super) fn resolution(self) -> Resolution {
        self.resolution
    }

    /// Pixels in a row.
    pub(super) fn width(self) -> u32 {
        self.resolution.width(PaperWidth::A4)
    }

    /// Rows from the upper to the lower edge of the paper.
    pub(super) fn rows(self) -> u32 {
        if let Some(rows) = self.long_rows {
            return rows;
        }
        let (tenths_of_mm, per_inch) = match self.paper {
            Paper::A4 => (2970, 254),
            Paper::Letter => (11, 1),
        };
        (tenths_of_mm * self.resolution.y_dpi() + per_inch / 2) / per_inch
    }

    /// Rows below the header line.
    pub(super) fn body_rows(self) -> u32 {
        self.rows() - header_rows(self.resolution)
    }

    /// Pixels in a point.
    pub(super) fn px_per_pt(self) -> (f32, f32) {
        px_per_pt(self.resolution)
    }

    /// Where text begins from the left, in points.
    pub(super) fn text_left_pt(self) -> f32 {
        SIDE_MARGIN_PT
    }

    /// How wide text may be, in points.
    pub(super) fn text_width_pt(self) -> f32 {
        self.width() as f32 / self.px_per_pt().0 - 2.0 * SIDE_MARGIN_PT
    }

    /// Where text begins below the header line, in points.
    pub(super) fn text_top_pt(self) -> f32 {
        TOP_MARGIN_PT
    }

    /// Where text ends below the header line, in points.
    pub(super) fn text_bottom_pt(self) -> f32 {
        self.body_rows() as f32 / self.px_per_pt().1 - BOTTOM_MARGIN_PT
    }
}

/// Where a document lies on a sheet: upright or turned to the left, at which size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fit {
    /// It lies on its left side.
    pub(super) turned: bool,
    /// Its size on the sheet as a part of its own.
    pub(super) scale: f32,
}

/// A turned document must become this much larger, or it stays upright.
const TURN_GAIN_MIN: f32 = 1.1;

/// Fits a document into an area, all in points: as large as it can be without being enlarged, and turned where it
/// is wider than high and larger that way.
pub(super) fn fit((width_pt, height_pt): (f32, f32), (area_width_pt, area_height_pt): (f32, f32)) -> Fit {
    let scale = |width: f32, height: f32| {
        let scale = (area_width_pt / width.max(1.0)).min(area_height_pt / height.max(1.0));
        scale.min(1.0)
    };
    let (upright, on_its_side) = (scale(width_pt, height_pt), scale(height_pt, width_pt));
    let turned = on_its_side > upright * TURN_GAIN_MIN;
    Fit { turned, scale: if turned { on_its_side } else { upright } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_made_smaller_or_turned_and_never_larger() {
        let area = (600.0, 800.0);
        let fit_of = |size| {
            let Fit { turned, scale } = fit(size, area);
            (turned, (scale * 100.0).round() as u32)
        };
        assert_eq!(fit_of((600.0, 800.0)), (false, 100));
        assert_eq!(fit_of((1200.0, 1600.0)), (false, 50));
        assert_eq!(fit_of((800.0, 600.0)), (true, 100));
        assert_eq!(fit_of((300.0, 200.0)), (false, 100));
        assert_eq!(fit_of((0.0, 0.0)), (false, 100));
    }

    #[test]
    fn a_longer_document_has_a_longer_sheet_where_that_is_allowed() {
        let rows = |may, size| {
            let sheet = Sheet::new(Paper::Letter, Resolution::R204x196).with_longer_pages(may).reaching(size);
            (sheet.rows(), sheet.body_rows() + header_rows(sheet.resolution()))
        };
        let legal = (612.0, 1008.0);
        assert_eq!(rows(true, legal), (2744, 2744));
        assert_eq!(rows(true, (1008.0, 612.0)), (2744, 2744));
        assert_eq!(rows(false, legal), (2156, 2156));
        // Tabloid is wider, a till roll longer than any machine's paper, and a postcard shorter.
        for size in [(792.0, 1224.0), (200.0, 2000.0), (300.0, 420.0)] {
            assert_eq!(rows(true, size), (2156, 2156), "{size:?}");
        }
    }

    #[test]
    fn the_sheet_with_its_header_line_is_as_long_as_the_paper() {
        for (paper, resolution, rows) in [
            (Paper::A4, Resolution::R204x98, 1146),
            (Paper::A4, Resolution::R204x196, 2292),
            (Paper::A4, Resolution::R300x300, 3508),
            (Paper::Letter, Resolution::R204x98, 1078),
            (Paper::Letter, Resolution::R204x196, 2156),
        ] {
            let sheet = Sheet::new(paper, resolution);
            assert_eq!(sheet.rows(), rows, "{paper:?} {resolution}");
            assert_eq!(sheet.body_rows() + header_rows(resolution), rows);
        }
    }
}
