//! Outlines to masks: how much of each pixel lies within.

use hayro::hayro_interpret::{FillRule, StrokeProps};
use hayro::kurbo::{self, Affine, BezPath, Cap, Join, PathEl, Point, Stroke, StrokeOpts};
use zeno::{Command, Fill, Vector};

use super::canvas::{Area, Mask};

/// How far an outline may be from the curve that it stands for, in pixels.
const TOLERANCE: f64 = 0.1;
/// Lines are no thinner than this, in pixels.
const THIN: f64 = 1.0;
/// Round ends of thinner lines are not seen.
const ROUND_MIN: f64 = 1.5;

/// What of a path, in pixels of the page, lies within an area; `None` where nothing does.
pub(super) fn mask(path: &BezPath, rule: FillRule, area: Area) -> Option<Mask> {
    let bounds = path.control_box();
    if !(bounds.is_finite() && bounds.width() + bounds.height() > 0.0) {
        return None;
    }
    let area = Area::touched(bounds).within(area);
    let (width, rows) = (area.width(), area.rows());
    if width == 0 || rows == 0 {
        return None;
    }
    let (left, top) = (f64::from(area.left), f64::from(area.top));
    let at = |point: Point| Vector::new((point.x - left) as f32, (point.y - top) as f32);
    let commands: Vec<Command> = path.elements().iter().map(|element| command(*element, at)).collect();
    let mut coverage = vec![0; width * rows];
    let rule = match rule {
        FillRule::NonZero => Fill::NonZero,
        FillRule::EvenOdd => Fill::EvenOdd,
    };
    zeno::Mask::new(&commands[..])
        .style(rule)
        .size(u32::try_from(width).ok()?, u32::try_from(rows).ok()?)
        .render_into(&mut coverage, None);
    Some(Mask { left: area.left, top: area.top, width, coverage })
}

fn command(element: PathEl, at: impl Fn(Point) -> Vector) -> Command {
    match element {
        PathEl::MoveTo(to) => Command::MoveTo(at(to)),
        PathEl::LineTo(to) => Command::LineTo(at(to)),
        PathEl::QuadTo(control, to) => Command::QuadTo(at(control), at(to)),
        PathEl::CurveTo(first, second, to) => Command::CurveTo(at(first), at(second), at(to)),
        PathEl::ClosePath => Command::Close,
    }
}

/// The outline of a line along a path, in pixels of the page; `transform` takes the path to them (ISO 32000-1,
/// 8.4.3).
pub(super) fn stroked(path: &BezPath, props: &StrokeProps, transform: Affine) -> BezPath {
    let [a, b, c, d, ..] = transform.as_coeffs();
    let scale = a.hypot(b).max(c.hypot(d)).max(f64::MIN_POSITIVE);
    let width = f64::from(props.line_width).max(THIN / scale);
    let is_thin = width * scale < ROUND_MIN;
    let cap = if is_thin && props.line_cap == Cap::Round { Cap::Square } else { props.line_cap };
    let join = if is_thin && props.line_join == Join::Round { Join::Bevel } else { props.line_join };
    let style = Stroke::new(width)
        .with_caps(cap)
        .with_join(join)
        .with_miter_limit(props.miter_limit.into())
        .with_dashes(props.dash_offset.into(), props.dash_array.iter().map(|length| f64::from(*length)));
    transform * kurbo::stroke(path, &style, &StrokeOpts::default(), TOLERANCE / scale)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use hayro::kurbo::{Circle, Rect, Shape as _};

    use super::*;

    const PAGE: Area = Area { left: 0, top: 0, right: 100, bottom: 100 };

    fn covered(mask: &Mask) -> f64 {
        mask.coverage.iter().map(|covered| f64::from(*covered) / 255.0).sum()
    }

    #[test]
    fn a_circle_has_its_area_wherever_it_is_cut() {
        let circle = Circle::new((50.0, 50.0), 30.0).to_path(0.01);
        let whole = mask(&circle, FillRule::NonZero, PAGE).unwrap();
        assert!((covered(&whole) - std::f64::consts::PI * 900.0).abs() < 15.0, "{}", covered(&whole));
        for part in [Area { right: 50, ..PAGE }, Area { left: 50, ..PAGE }, Area { top: 50, ..PAGE }] {
            let half = mask(&circle, FillRule::NonZero, part).unwrap();
            assert!(
                (covered(&half) - std::f64::consts::PI * 450.0).abs() < 8.0,
                "{part:?} {}",
                covered(&half)
            );
        }
        assert!(mask(&circle, FillRule::NonZero, Area { left: 90, ..PAGE }).is_none());
    }

    #[test]
    fn a_hole_is_a_hole_by_the_rule_alone() {
        let mut path = Rect::new(10.0, 10.0, 90.0, 90.0).to_path(0.1);
        path.extend(Rect::new(30.0, 30.0, 70.0, 70.0).to_path(0.1));
        assert!((covered(&mask(&path, FillRule::NonZero, PAGE).unwrap()) - 6400.0).abs() < 1.0);
        assert!((covered(&mask(&path, FillRule::EvenOdd, PAGE).unwrap()) - 4800.0).abs() < 1.0);
    }

    #[test]
    fn a_hairline_is_a_pixel_wide_and_stretches_with_the_page() {
        let mut path = BezPath::new();
        path.move_to((10.0, 10.0));
        path.line_to((40.0, 10.0));
        let props = StrokeProps { line_width: 0.01, ..StrokeProps::default() };
        let line = stroked(&path, &props, Affine::scale_non_uniform(2.0, 1.0));
        let area = line.bounding_box();
        assert!((area.width() - 60.0).abs() < 1.0 && (area.height() - 0.5).abs() < 0.6, "{area:?}");
    }
}
