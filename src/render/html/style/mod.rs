//! What an element looks like: its computed style, from the defaults, the mail's own sheets and its attributes.

mod apply;
mod hints;

use std::rc::Rc;

use super::dom::{Dom, NodeId};
use super::rules::{Declaration, Rules, declarations};
use super::value::{Length, Tone};
use apply::Applied;

/// The size of text that nobody has sized, in points.
pub(super) const TEXT_PT: f32 = super::super::flow::TEXT_PT;
/// No letter is smaller, in points: at 204 × 98 it could not be read.
pub(super) const TEXT_PT_MIN: f32 = 8.0;
/// Letters this small are there not to be seen, in points: lines that only a list of messages shows.
const UNSEEN_PT: f32 = 1.6;
const TEXT_PT_MAX: f32 = 96.0;

/// How a box takes part in the layout (CSS Display 3 §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Display {
    None,
    #[default]
    Inline,
    Block,
    InlineBlock,
    ListItem,
    /// A row of boxes that share its width.
    Flex,
    Table,
    InlineTable,
    RowGroup,
    Row,
    Cell,
    Caption,
    Column,
    ColumnGroup,
}

/// Where text stands in its line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Align {
    #[default]
    Start,
    Left,
    /// From edge to edge, but for a last line.
    Justify,
    Right,
    Center,
    /// `align=center`: blocks stand in the middle as well.
    BlockCenter,
}

/// What becomes of white space (CSS Text 3 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum WhiteSpace {
    #[default]
    Normal,
    NoWrap,
    /// Kept, and lines are not broken.
    Pre,
    /// Kept, and lines are broken where they must.
    PreWrap,
    /// Line ends are kept.
    PreLine,
}

/// How a box stands beside the line that it is in, or what a cell holds in its row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum VerticalAlign {
    #[default]
    Baseline,
    Top,
    Middle,
    Bottom,
    Sub,
    Super,
}

/// The marks before the items of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ListStyle {
    None,
    #[default]
    Disc,
    Circle,
    Square,
    Decimal,
    LowerAlpha,
    UpperAlpha,
    LowerRoman,
    UpperRoman,
}

/// Which letters are changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Transform {
    #[default]
    None,
    Upper,
    Lower,
    Capitalize,
}

/// The distance of base lines.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum LineHeight {
    #[default]
    Normal,
    /// So many times the size of the letters.
    Times(f32),
    Pt(f32),
}

/// One edge of a box.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Border {
    /// Its width, in points; 0 where there is none.
    pub(super) width: f32,
    pub(super) tone: u8,
    /// It has a style, so that its width counts.
    pub(super) drawn: bool,
}

/// Where each edge of a box stands in an array.
pub(super) const TOP: usize = 0;
pub(super) const RIGHT: usize = 1;
pub(super) const BOTTOM: usize = 2;
pub(super) const LEFT: usize = 3;

/// What children take from their parents (CSS 2.2 §6.2).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Inherited {
    pub(super) size: f32,
    pub(super) bold: bool,
    pub(super) italic: bool,
    pub(super) mono: bool,
    /// The tone of the letters.
    pub(super) tone: u8,
    pub(super) underline: bool,
    pub(super) strike: bool,
    pub(super) line_height: LineHeight,
    pub(super) align: Align,
    pub(super) rtl: bool,
    pub(super) white_space: WhiteSpace,
    pub(super) transform: Transform,
    pub(super) list_style: ListStyle,
    pub(super) text_indent: f32,
    /// Between letters, in points.
    pub(super) letter_spacing: f32,
    /// It is not hidden, and its letters have a colour.
    pub(super) visible: bool,
    pub(super) has_colour: bool,
    pub(super) border_spacing: f32,
    pub(super) collapse: bool,
    /// What a table says for its cells: `cellpadding` and `border`.
    pub(super) cell_padding: Option<f32>,
    pub(super) cell_border: bool,
}

/// A computed style. Lengths are in points.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Style {
    pub(super) inherited: Inherited,
    pub(super) display: Display,
    /// `Some(true)`: at the right.
    pub(super) float: Option<bool>,
    /// Below what floats at the left, at the right.
    pub(super) clear: [bool; 2],
    pub(super) background: Tone,
    pub(super) margin: [Length; 4],
    pub(super) padding: [Length; 4],
    pub(super) border: [Border; 4],
    pub(super) width: Length,
    pub(super) min_width: Length,
    pub(super) max_width: Length,
    pub(super) height: Length,
    pub(super) min_height: Length,
    pub(super) max_height: Length,
    pub(super) clips: bool,
    pub(super) border_box: bool,
    pub(super) vertical_align: VerticalAlign,
    /// It begins on a new page.
    pub(super) break_before: bool,
    pub(super) break_after: bool,
    /// No page ends within it, or right after it.
    pub(super) keep_whole: bool,
    pub(super) keep_with_next: bool,
    /// The items of a flex box: they take what is left, or go below each other.
    pub(super) flex_grow: bool,
    pub(super) flex_column: bool,
    pub(super) flex_wrap: bool,
    pub(super) flex_spread: bool,
    /// It stands where its style says and not in the flow; here it stays in the flow, unless it is hidden.
    pub(super) out_of_flow: bool,
}

impl Default for Inherited {
    fn default() -> Self {
        Self {
            size: TEXT_PT,
            bold: false,
            italic: false,
            mono: false,
            tone: 0,
            underline: false,
            strike: false,
            line_height: LineHeight::Normal,
            align: Align::Start,
            rtl: false,
            white_space: WhiteSpace::Normal,
            transform: Transform::None,
            list_style: ListStyle::Disc,
            text_indent: 0.0,
            letter_spacing: 0.0,
            visible: true,
            has_colour: true,
            border_spacing: 0.0,
            collapse: false,
            cell_padding: None,
            cell_border: false,
        }
    }
}

impl Style {
    /// The style of a box that is no element, or the beginning of an element's.
    pub(super) fn within(inherited: &Inherited) -> Self {
        Self {
            inherited: inherited.clone(),
            display: Display::Inline,
            float: None,
            clear: [false; 2],
            background: None,
            margin: [Length::Pt(0.0); 4],
            padding: [Length::Pt(0.0); 4],
            border: [Border::default(); 4],
            width: Length::Auto,
            min_width: Length::Auto,
            max_width: Length::Auto,
            height: Length::Auto,
            min_height: Length::Auto,
            max_height: Length::Auto,
            clips: false,
            border_box: false,
            vertical_align: VerticalAlign::Baseline,
            break_before: false,
            break_after: false,
            keep_whole: false,
            keep_with_next: false,
            flex_grow: false,
            flex_column: false,
            flex_wrap: false,
            flex_spread: false,
            out_of_flow: false,
        }
    }

    /// An anonymous box within this one.
    pub(super) fn anonymous(&self, display: Display) -> Rc<Self> {
        Rc::new(Self { display, ..Self::within(&self.inherited) })
    }

    /// The letters, in points, as large as they are drawn.
    pub(super) fn text_pt(&self) -> f32 {
        self.inherited.size.clamp(TEXT_PT_MIN, TEXT_PT_MAX)
    }

    /// The distance of base lines, in points.
    pub(super) fn line_pt(&self) -> f32 {
        let size = self.text_pt();
        let height = match self.inherited.line_height {
            LineHeight::Normal => size * LINE_NORMAL,
            LineHeight::Times(times) => size * times,
            LineHeight::Pt(pt) => pt,
        };
        // Lines that lie upon each other cannot be read, whatever a newsletter does with its pictures.
        height.max(size * LINE_LEAST)
    }

    /// The width of an edge, in points.
    pub(super) fn border_pt(&self, edge: usize) -> f32 {
        if self.border[edge].drawn { self.border[edge].width } else { 0.0 }
    }

    /// Padding and border of an edge, in points.
    pub(super) fn inset_pt(&self, edge: usize, whole: f32) -> f32 {
        self.padding[edge].of(whole).unwrap_or(0.0).max(0.0) + self.border_pt(edge)
    }

    /// Padding and borders at the left and right, in points.
    pub(super) fn insets_x_pt(&self, whole: f32) -> f32 {
        self.inset_pt(LEFT, whole) + self.inset_pt(RIGHT, whole)
    }

    /// The margin of an edge, in points; `auto` is nothing here.
    pub(super) fn margin_pt(&self, edge: usize, whole: f32) -> f32 {
        self.margin[edge].of(whole).unwrap_or(0.0)
    }

    /// Whether its letters are there to be seen.
    pub(super) fn shows_text(&self) -> bool {
        self.inherited.visible && self.inherited.has_colour && self.inherited.size >= UNSEEN_PT
    }

    /// Whether nothing of it is seen and it takes no room.
    pub(super) fn is_hidden(&self) -> bool {
        let shut = self.clips && [self.height, self.max_height, self.max_width].contains(&Length::Pt(0.0));
        self.display == Display::None || self.out_of_flow && !self.inherited.visible || shut
    }
}

/// Leading of text whose leading nobody has set.
const LINE_NORMAL: f32 = 1.16;
const LINE_LEAST: f32 = 1.0;

/// Computes the styles of a document's elements, from parents to children.
pub(super) struct Cascade<'c> {
    pub(super) dom: &'c Dom,
    defaults: &'c Rules<'c>,
    rules: &'c Rules<'c>,
}

impl<'c> Cascade<'c> {
    pub(super) fn new(dom: &'c Dom, defaults: &'c Rules<'c>, rules: &'c Rules<'c>) -> Self {
        Self { dom, defaults, rules }
    }

    /// The style of an element within a parent of this style (CSS Cascade 4 §6).
    pub(super) fn style(&self, id: NodeId, parent: &Style) -> Style {
        let inline = declarations(self.dom.attribute(id, "style").unwrap_or_default());
        let hints = hints::of(self.dom, id, &parent.inherited);
        let own: Vec<&Declaration> = self.rules.of(self.dom, id).chain(&inline).collect();
        let (important, normal): (Vec<&Declaration>, Vec<_>) = own.into_iter().partition(|d| d.important);
        let defaults = self.defaults.of(self.dom, id);
        let all: Vec<&Declaration> = defaults.chain(&hints).chain(normal).chain(important).collect();
        let mut applied = Applied::new(Style::within(&parent.inherited), &parent.inherited);
        // Lengths are measured by the size of the letters, so that comes first.
        for declaration in &all {
            applied.font(declaration);
        }
        for declaration in &all {
            applied.rest(declaration);
        }
        let mut style = applied.style;
        hints::settle(self.dom, id, &mut style);
        style
    }
}
