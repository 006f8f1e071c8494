//! SVG drawings to grey pixels (by resvg). Whatever a drawing refers to outside itself is not there: no files, no network,
//! and no fonts but those in the program.

use std::sync::{Arc, LazyLock};

use image::GrayImage;
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{self, ImageHrefResolver, Options, Tree, fontdb};

use super::error::Failure;
use super::font;
use super::options::Limits;
use super::picture;

/// Points in a CSS pixel, the unit of SVG.
const PT_PER_PX: f32 = 0.75;
/// How many pixels a drawing is made for along its longer side: as many as the longer side of a fine fax page has.
const PIXELS_LONG: f32 = 2400.0;
/// A drawing is not drawn larger than this.
const SCALE_MAX: f32 = 8.0;

/// Its size in points.
pub(super) fn size_pt(bytes: &[u8]) -> Result<(f32, f32), Failure> {
    tree(bytes).map(|tree| (tree.size().width() * PT_PER_PX, tree.size().height() * PT_PER_PX))
}

/// The drawing in grey on white, and its size in points.
pub(super) fn draw(bytes: &[u8], limits: &Limits) -> Result<(GrayImage, (f32, f32)), Failure> {
    let tree = tree(bytes)?;
    let size = tree.size();
    let scale = (PIXELS_LONG / size.width().max(size.height()).max(1.0)).min(SCALE_MAX);
    let pixels = |length: f32| (length * scale).round().max(1.0) as u32;
    let (width, height) = (pixels(size.width()), pixels(size.height()));
    picture::check_size(width, height, limits)?;
    let mut pixmap = Pixmap::new(width, height).ok_or_else(|| Failure::new("the drawing is empty"))?;
    pixmap.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    let grey = GrayImage::from_raw(width, height, picture::opaque_lumas(pixmap.data_mut()).to_vec())
        .ok_or_else(|| Failure::new("the drawing is empty"))?;
    let size_pt = (size.width() * PT_PER_PX, size.height() * PT_PER_PX);
    Ok((grey, size_pt))
}

fn tree(bytes: &[u8]) -> Result<Tree, Failure> {
    static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
        let mut fonts = fontdb::Database::new();
        for data in font::ALL {
            fonts.load_font_source(fontdb::Source::Binary(Arc::new(data)));
        }
        fonts.set_sans_serif_family(font::SANS);
        fonts.set_serif_family(font::SANS);
        fonts.set_monospace_family(font::MONO);
        Arc::new(fonts)
    });
    let options = Options {
        font_family: font::SANS.to_owned(),
        fontdb: Arc::clone(&FONTS),
        image_href_resolver: ImageHrefResolver {
            resolve_data: ImageHrefResolver::default_data_resolver(),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    Tree::from_data(bytes, &options).map_err(|error| match error {
        usvg::Error::ElementsLimitReached => Failure::new("the drawing has too many elements"),
        error => Failure::caused("the drawing is damaged", error.to_string()),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_outside_a_drawing_is_not_there() {
        let svg = br##"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
            width="100" height="50"><image xlink:href="/etc/passwd.png" width="100" height="50"/>
            <rect width="50" height="50" fill="#000"/><text x="60" y="30">Ab</text></svg>"##;
        let (grey, size_pt) = draw(svg, &Limits::default()).unwrap();
        assert_eq!(size_pt, (75.0, 37.5));
        assert_eq!(grey.dimensions(), (800, 400));
        assert!(grey.get_pixel(100, 100).0[0] == 0 && grey.get_pixel(420, 20).0[0] == 255);
        let ink = grey.enumerate_pixels().filter(|(x, _, pixel)| *x > 450 && pixel.0[0] < 100).count();
        assert!(ink > 500, "{ink}: the text is drawn with our own font");
    }

    #[test]
    fn what_is_no_drawing_is_refused() {
        assert!(draw(b"<svg", &Limits::default()).is_err());
        let huge = br##"<svg xmlns="http://www.w3.org/2000/svg" width="1e9" height="1"/>"##;
        assert!(draw(huge, &Limits::default()).is_ok());
    }
}
