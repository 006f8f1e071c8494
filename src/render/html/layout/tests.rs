#![allow(clippy::unwrap_used, clippy::panic)]

use super::super::super::font;
use super::super::super::options::Limits;
use super::super::boxes;
use super::super::pictures::{Inlines, Pictures};
use super::{Fragment, Mark, lay};

const PAGE: (f32, f32) = (500.0, 700.0);

/// Where letters, lines and grounds stand, in the order in which they are drawn: `kind x y width`, in whole points; for
/// letters `y` is the base line.
fn drawn(html: &str) -> Vec<(char, i32, i32, i32)> {
    let root = boxes(&super::super::clean::clean(html, &Limits::default(), super::super::CellSpans::Kept));
    let (inlines, limits) = (Inlines::new(), Limits::default());
    let pictures = Pictures::new(&inlines, &limits);
    font::with(|fonts| lay(&root, fonts, &pictures, PAGE).fragments.iter().map(shown).collect())
}

fn shown(fragment: &Fragment<'_>) -> (char, i32, i32, i32) {
    let (kind, y) = match &fragment.mark {
        Mark::Letters(letters) => ('a', letters[0].y),
        Mark::Ground { .. } => ('g', fragment.y),
        Mark::Highlight { .. } => ('h', fragment.y),
        Mark::Line { .. } => ('l', fragment.y),
        Mark::Picture(_) => ('p', fragment.y),
        Mark::PageEnd => ('e', fragment.y),
    };
    (kind, fragment.x.round() as i32, y.round() as i32, fragment.width.round() as i32)
}

/// The letters alone: their left edge and their base line.
fn letters(html: &str) -> Vec<(i32, i32)> {
    drawn(html).into_iter().filter(|(kind, ..)| *kind == 'a').map(|(_, x, y, _)| (x, y)).collect()
}

#[test]
fn margins_that_meet_are_one() {
    let of = |html| letters(html).into_iter().map(|(_, y)| y).collect::<Vec<_>>();
    let lines =
        of("<div style='margin:0;line-height:20pt'><p style='margin:10pt 0'>a<p style='margin:30pt 0'>b");
    assert_eq!(lines[1] - lines[0], 50);
    let nested = of("<div style='line-height:20pt;margin-bottom:30pt'><p style='margin:10pt 0'>a</p></div>b");
    let plain = of("<p style='line-height:20pt;margin:0 0 30pt'>a</p>b");
    assert_eq!(nested, plain);
}

#[test]
fn cells_of_a_row_stand_beside_each_other_and_columns_share_the_width() {
    let found = letters(
        "<table width='100%' cellspacing=0 cellpadding=0><tr><td width='40%'>a<td>b<tr><td>c<td>d</table>",
    );
    let [a, b, c, d] = found[..] else { panic!("{found:?}") };
    assert_eq!((a.0, b.0, c.0, d.0), (0, 200, 0, 200));
    assert!(a.1 == b.1 && c.1 == d.1 && c.1 > a.1);
    // A cell over two rows is in the middle of both, and one over two columns is as wide as both.
    let spans = "<table cellspacing=0 cellpadding=0><tr><td rowspan=2>a<td width=100>b<tr><td>c<tr><td colspan=2 align=right>d</table>";
    let found = letters(spans);
    let [a, b, c, d] = found[..] else { panic!("{found:?}") };
    assert!(b.1 < a.1 && a.1 < c.1 && c.1 < d.1 && d.0 > b.0 + 60, "{found:?}");
}

#[test]
fn text_flows_round_a_float_and_then_under_it() {
    let words = "word ".repeat(100);
    let found = letters(&format!("<div style='float:left;width:200pt;height:50pt'>x</div>{words}"));
    let beside = found[1..].iter().take_while(|(x, _)| *x == 200).count();
    assert!((3..=5).contains(&beside), "{found:?}");
    assert!(found[1 + beside..].iter().all(|(x, _)| *x == 0));
    let cleared =
        letters("<div style='float:right;width:90pt;height:50pt'></div><p style='clear:both;margin:0'>x");
    assert!(cleared[0].1 > 50);
}

#[test]
fn lines_are_aligned_and_boxes_centred() {
    let of = |html| drawn(html)[0].1;
    assert_eq!(of("<p>x"), 0);
    assert!((244..=250).contains(&of("<p align=center>x")));
    assert!((490..=499).contains(&of("<p style='text-align:right'>x")));
    assert!((490..=499).contains(&of("<p dir=rtl>א")));
    let table = "<table border=1 width=100><tr><td>x</table>";
    let centred =
        |html: &str| drawn(html).into_iter().filter(|(kind, ..)| *kind == 'l').map(|l| l.1).min().unwrap();
    // 100 pixels are 75 points.
    assert_eq!(centred(&format!("<div align=center>{table}</div>")), 213);
    assert_eq!(centred(&format!("<div style='text-align:center'>{table}</div>")), 0);
    assert_eq!(centred(&table.replace("border", "align=center border")), 213);
}

#[test]
fn boxes_in_a_line_stand_like_letters() {
    let block =
        |text: &str| format!("<div style='display:inline-block;width:180pt;vertical-align:top'>{text}</div>");
    let found =
        letters(&format!("<div style='font-size:0'>{}{}{}</div>", block("a"), block("b"), block("c")));
    assert!(found.is_empty(), "letters of no size are not there to be seen");
    let styled = |text: &str| block(&format!("<span style='font-size:10pt'>{text}</span>"));
    let found =
        letters(&format!("<div style='font-size:0'>{}{}{}</div>", styled("a"), styled("b"), styled("c")));
    let [a, b, c] = found[..] else { panic!("{found:?}") };
    assert_eq!((a.0, b.0, c.0), (0, 180, 0));
    assert!(a.1 == b.1 && c.1 > a.1);
}

#[test]
fn what_is_not_meant_to_be_seen_is_not_laid() {
    for hidden in [
        "<p style='display:none'>x",
        "<p style='visibility:hidden'>x",
        "<p style='max-height:0;overflow:hidden'>x",
        "<p style='font-size:1px'>x",
        "<p style='opacity:0'>x",
        "<p hidden>x",
        "<style>.a p{display:none!important}</style><div class=a><p style='display:block'>x",
        "<select><option>x</select>",
    ] {
        assert_eq!(drawn(hidden), [], "{hidden}");
    }
    assert_eq!(letters("<p style='visibility:hidden'>x<b style='visibility:visible'>y").len(), 1);
}

#[test]
fn a_wide_table_makes_everything_smaller_and_a_word_is_broken() {
    let root = boxes("<table width=800><tr><td>x<td>y</table>");
    let (inlines, limits) = (Inlines::new(), Limits::default());
    let pictures = Pictures::new(&inlines, &limits);
    font::with(|fonts| {
        let scale = lay(&root, fonts, &pictures, PAGE).scale;
        assert!((scale - 500.0 / 600.0).abs() < 0.01, "{scale}");
        let word = boxes(&format!("<table><tr><td>{}</table>", "x".repeat(400)));
        let laid = lay(&word, fonts, &pictures, PAGE);
        let inside = |f: &Fragment<'_>| f.x + f.width <= PAGE.0 / laid.scale + 0.1;
        assert!(laid.fragments.len() > 3 && laid.fragments.iter().all(inside));
    });
}

#[test]
fn items_have_marks_and_stand_in() {
    let mut found = letters("<ol start=9><li>a<li>b<ul><li>c</ul></ol>");
    found.sort_by_key(|(x, y)| (*y, *x));
    let [nine, a, ten, b, bullet, c] = found[..] else { panic!("{found:?}") };
    assert!(nine.0 < a.0 && ten.0 < nine.0 && a.0 == b.0 && b.0 < c.0 && bullet.0 < c.0);
    assert!(nine.1 == a.1 && ten.1 == b.1 && bullet.1 == c.1);
}

#[test]
fn spaced_letters_are_wider_and_justified_lines_end_at_the_edge() {
    let width = |html: &str| drawn(html).into_iter().map(|(.., width)| width).max().unwrap();
    let plain = width("<p>ABCDEFGHIJ");
    assert_eq!(width("<p style='letter-spacing:3pt'>ABCDEFGHIJ"), plain + 30);
    let words = "word ".repeat(60);
    let of = |align: &str| {
        let html = format!("<div style='width:300pt;text-align:{align}'>{words}</div>");
        let lines: Vec<_> = drawn(&html).into_iter().map(|(_, x, _, width)| x + width).collect();
        (lines[0], *lines.last().unwrap())
    };
    let (first, last) = of("left");
    assert!(first < 299, "{first}");
    assert_eq!(of("justify"), (300, last), "the last line is as it was");
}
