//! Declarations to a computed style: the properties of CSS that matter on paper.

use super::super::rules::Declaration;
use super::super::value::{Length, Tone, tone};
use super::{
    Align, BOTTOM, Border, Display, Inherited, LEFT, LineHeight, ListStyle, RIGHT, Style, TEXT_PT, TOP,
    Transform, VerticalAlign, WhiteSpace,
};

/// Widths of borders by name, in points.
const THIN_PT: f32 = 0.75;
const MEDIUM_PT: f32 = 2.25;
const THICK_PT: f32 = 3.75;
/// How much nearer to each other letters may stand, and how much farther apart, in parts of their size.
const TIGHT_MAX: f32 = 0.05;
const LOOSE_MAX: f32 = 2.0;
/// What `larger` and `smaller` do.
const LARGER: f32 = 1.2;
/// Weights from here on are bold.
const BOLD_MIN: f32 = 600.0;

/// A style in the making.
pub(super) struct Applied<'p> {
    pub(super) style: Style,
    parent: &'p Inherited,
}

impl<'p> Applied<'p> {
    pub(super) fn new(style: Style, parent: &'p Inherited) -> Self {
        Self { style, parent }
    }

    /// The size and the kind of letters.
    pub(super) fn font(&mut self, declaration: &Declaration) {
        let value = declaration.value.to_ascii_lowercase();
        match declaration.property.as_str() {
            "font-size" => self.size(&value),
            "font-weight" => self.weight(&value),
            "font-style" => self.style.inherited.italic = matches!(value.as_str(), "italic" | "oblique"),
            "font-family" => self.style.inherited.mono = is_mono(&value),
            "font" => self.font_shorthand(&value),
            _ => {}
        }
    }

    fn size(&mut self, value: &str) {
        let parent = self.parent.size;
        let size = match value {
            "xx-small" => Some(TEXT_PT * 0.6),
            "x-small" => Some(TEXT_PT * 0.75),
            "small" => Some(TEXT_PT * 0.89),
            "medium" => Some(TEXT_PT),
            "large" => Some(TEXT_PT * 1.2),
            "x-large" => Some(TEXT_PT * 1.5),
            "xx-large" => Some(TEXT_PT * 2.0),
            "larger" => Some(parent * LARGER),
            "smaller" => Some(parent / LARGER),
            _ => Length::parse(value, parent).and_then(|length| length.of(parent)),
        };
        self.style.inherited.size = size.filter(|size| *size >= 0.0).unwrap_or(self.style.inherited.size);
    }

    fn weight(&mut self, value: &str) {
        let bold = match value {
            "bold" | "bolder" => Some(true),
            "normal" | "lighter" => Some(false),
            _ => value.parse::<f32>().ok().map(|weight| weight >= BOLD_MIN),
        };
        self.style.inherited.bold = bold.unwrap_or(self.style.inherited.bold);
    }

    /// `italic bold 12px/1.5 Arial, sans-serif` (CSS Fonts 4 §2.7).
    fn font_shorthand(&mut self, value: &str) {
        self.style.inherited.bold = false;
        self.style.inherited.italic = false;
        let mut words = value.split_ascii_whitespace();
        while let Some(word) = words.next() {
            let (size, leading) = word.split_once('/').unwrap_or((word, ""));
            match word {
                "italic" | "oblique" => self.style.inherited.italic = true,
                "bold" | "bolder" => self.style.inherited.bold = true,
                _ if size.starts_with(|c: char| c.is_ascii_digit()) && size.parse::<f32>().is_err() => {
                    self.size(size);
                    self.line_height(leading);
                    let family: Vec<&str> = words.collect();
                    self.style.inherited.mono = is_mono(&family.join(" "));
                    return;
                }
                _ => self.weight(word),
            }
        }
    }

    fn line_height(&mut self, value: &str) {
        let em = self.style.inherited.size;
        let height = match value {
            "normal" => Some(LineHeight::Normal),
            _ => match value.parse::<f32>() {
                Ok(times) if times.is_finite() => Some(LineHeight::Times(times)),
                _ => Length::parse(value, em).and_then(|length| length.of(em)).map(LineHeight::Pt),
            },
        };
        self.style.inherited.line_height = height.unwrap_or(self.style.inherited.line_height);
    }

    /// Everything but letters.
    pub(super) fn rest(&mut self, declaration: &Declaration) {
        let value = declaration.value.to_ascii_lowercase();
        let property = declaration.property.as_str();
        let done =
            self.text(property, &value) || self.boxes(property, &value) || self.place(property, &value);
        if !done {
            self.border(property, &value);
        }
    }

    /// What text inherits.
    fn text(&mut self, property: &str, value: &str) -> bool {
        let inherited = &mut self.style.inherited;
        match property {
            "color" => {
                if let Some(tone) = tone(value) {
                    inherited.tone = tone.unwrap_or(u8::MAX);
                    inherited.has_colour = tone.is_some();
                }
            }
            "text-align" => {
                inherited.align = match value {
                    "left" => Align::Left,
                    "justify" | "justify-all" => Align::Justify,
                    "right" | "end" => Align::Right,
                    "center" => Align::Center,
                    "-webkit-center" | "-moz-center" => Align::BlockCenter,
                    "start" => Align::Start,
                    _ => inherited.align,
                }
            }
            "text-decoration" | "text-decoration-line" => {
                // It is not undone by children (CSS Text Decoration 3 §2.1), but that of a link is by itself.
                inherited.underline = self.parent.underline || value.contains("underline");
                inherited.strike = self.parent.strike || value.contains("line-through");
            }
            "text-transform" => {
                inherited.transform = match value {
                    "uppercase" => Transform::Upper,
                    "lowercase" => Transform::Lower,
                    "capitalize" => Transform::Capitalize,
                    _ => Transform::None,
                }
            }
            "white-space" => {
                inherited.white_space = match value {
                    "nowrap" => WhiteSpace::NoWrap,
                    "pre" => WhiteSpace::Pre,
                    "pre-wrap" | "break-spaces" => WhiteSpace::PreWrap,
                    "pre-line" => WhiteSpace::PreLine,
                    _ => WhiteSpace::Normal,
                }
            }
            "list-style-type" | "list-style" => self.list_style(value),
            "text-indent" => {
                inherited.text_indent =
                    Length::parse(value, inherited.size).and_then(|length| length.fixed()).unwrap_or(0.0);
            }
            "letter-spacing" => {
                let spacing = Length::parse(value, inherited.size).and_then(Length::fixed).unwrap_or(0.0);
                inherited.letter_spacing =
                    spacing.clamp(-inherited.size * TIGHT_MAX, inherited.size * LOOSE_MAX);
            }
            "direction" => inherited.rtl = value == "rtl",
            "visibility" => inherited.visible = value == "visible" || value == "inherit" && inherited.visible,
            "line-height" => self.line_height(value),
            _ => return false,
        }
        true
    }

    fn list_style(&mut self, value: &str) {
        let known = value.split_ascii_whitespace().find_map(|word| match word {
            "none" => Some(ListStyle::None),
            "disc" => Some(ListStyle::Disc),
            "circle" => Some(ListStyle::Circle),
            "square" => Some(ListStyle::Square),
            "decimal" | "decimal-leading-zero" => Some(ListStyle::Decimal),
            "lower-alpha" | "lower-latin" => Some(ListStyle::LowerAlpha),
            "upper-alpha" | "upper-latin" => Some(ListStyle::UpperAlpha),
            "lower-roman" => Some(ListStyle::LowerRoman),
            "upper-roman" => Some(ListStyle::UpperRoman),
            _ => None,
        });
        self.style.inherited.list_style = known.unwrap_or(self.style.inherited.list_style);
    }

    /// The measures of a box.
    fn boxes(&mut self, property: &str, value: &str) -> bool {
        let em = self.style.inherited.size;
        let style = &mut self.style;
        let length = Length::parse(value, em);
        let size = |target: &mut Length| {
            let none = (value == "none").then_some(Length::Auto);
            *target = length.filter(|length| !length.is_negative()).or(none).unwrap_or(*target);
        };
        match property {
            "width" => size(&mut style.width),
            "min-width" => size(&mut style.min_width),
            "max-width" => size(&mut style.max_width),
            "height" => size(&mut style.height),
            "min-height" => size(&mut style.min_height),
            "max-height" => size(&mut style.max_height),
            "margin" => edges(value, em, &mut style.margin),
            "padding" => edges(value, em, &mut style.padding),
            "border-spacing" => {
                let first = value.split_ascii_whitespace().next().unwrap_or_default();
                let spacing = Length::parse(first, em).and_then(Length::fixed);
                style.inherited.border_spacing = spacing.unwrap_or(style.inherited.border_spacing);
            }
            "border-collapse" => style.inherited.collapse = value == "collapse",
            "box-sizing" => style.border_box = value == "border-box",
            _ => {
                let edge = property.split_once('-').and_then(|(what, edge)| Some((what, edge_of(edge)?)));
                match edge {
                    Some(("margin", edge)) => style.margin[edge] = length.unwrap_or(style.margin[edge]),
                    Some(("padding", edge)) => style.padding[edge] = length.unwrap_or(style.padding[edge]),
                    _ => return false,
                }
            }
        }
        true
    }

    /// How the box stands among others.
    fn place(&mut self, property: &str, value: &str) -> bool {
        let style = &mut self.style;
        match property {
            "display" => style.display = display(value).unwrap_or(style.display),
            "float" => {
                style.float = match value {
                    "left" => Some(false),
                    "right" => Some(true),
                    _ => None,
                }
            }
            "clear" => {
                style.clear = [matches!(value, "left" | "both"), matches!(value, "right" | "both")];
            }
            "position" => style.out_of_flow = matches!(value, "absolute" | "fixed"),
            "overflow" | "overflow-x" | "overflow-y" => style.clips = value != "visible",
            "opacity" => {
                let is_seen = value.parse::<f32>().map_or(true, |opacity| opacity > 0.05);
                style.inherited.visible &= is_seen;
            }
            "background-color" => style.background = tone(value).unwrap_or(style.background),
            "background" => style.background = background(value).unwrap_or(style.background),
            "vertical-align" => style.vertical_align = vertical_align(value),
            "page-break-before" | "break-before" => style.break_before = breaks(value),
            "page-break-after" | "break-after" => {
                style.break_after = breaks(value);
                style.keep_with_next = value.starts_with("avoid");
            }
            "page-break-inside" | "break-inside" => style.keep_whole = value.starts_with("avoid"),
            "flex-direction" => style.flex_column = value.starts_with("column"),
            "flex-wrap" => style.flex_wrap = value.starts_with("wrap"),
            "flex-flow" => {
                style.flex_column = value.contains("column");
                style.flex_wrap = value.contains("wrap") && !value.contains("nowrap");
            }
            "flex" | "flex-grow" => {
                style.flex_grow = !value.starts_with('0') && value != "none" && value != "initial";
            }
            "justify-content" => style.flex_spread = value.starts_with("space"),
            _ => return false,
        }
        true
    }

    fn border(&mut self, property: &str, value: &str) {
        let Some(rest) = property.strip_prefix("border") else { return };
        let em = self.style.inherited.size;
        let parts: Vec<&str> = rest.split('-').filter(|part| !part.is_empty()).collect();
        let (edges, what) = match parts.as_slice() {
            [] => (0..4, ""),
            [edge] if edge_of(edge).is_some() => (one(edge), ""),
            [edge, what] if edge_of(edge).is_some() => (one(edge), *what),
            ["width" | "style" | "color"] => return self.border_four(value),
            _ => return,
        };
        for edge in edges {
            let border = &mut self.style.border[edge];
            if what.is_empty() {
                *border = Border { width: MEDIUM_PT, tone: self.style.inherited.tone, drawn: false };
            }
            words(value).into_iter().for_each(|word| border_word(border, word, em));
        }
    }

    /// `border-width: 1px 2px` and the like: one value for each edge.
    fn border_four(&mut self, value: &str) {
        let em = self.style.inherited.size;
        let values = words(value);
        for edge in 0..4 {
            if let Some(word) = four(&values, edge) {
                border_word(&mut self.style.border[edge], word, em);
            }
        }
    }
}

/// A style, a colour or a width of a border.
fn border_word(border: &mut Border, word: &str, em: f32) {
    match word {
        "none" | "hidden" => border.drawn = false,
        "solid" | "dashed" | "dotted" | "double" | "groove" | "ridge" | "inset" | "outset" => {
            border.drawn = true;
            if border.width == 0.0 {
                border.width = MEDIUM_PT;
            }
        }
        "thin" => border.width = THIN_PT,
        "medium" => border.width = MEDIUM_PT,
        "thick" => border.width = THICK_PT,
        "windowtext" | "currentcolor" => border.tone = 0,
        _ => match (Length::parse(word, em), tone(word)) {
            (Some(width), _) => border.width = width.fixed().unwrap_or(0.0).max(0.0),
            (None, Some(tone)) => border.tone = tone.unwrap_or(u8::MAX),
            (None, None) => {}
        },
    }
}

fn edge_of(name: &str) -> Option<usize> {
    match name {
        "top" => Some(TOP),
        "right" => Some(RIGHT),
        "bottom" => Some(BOTTOM),
        "left" => Some(LEFT),
        _ => None,
    }
}

fn one(edge: &str) -> std::ops::Range<usize> {
    edge_of(edge).map_or(0..0, |edge| edge..edge + 1)
}

/// Which of one to four values is for an edge: top, right, bottom, left (CSS 2.2 §8.3).
fn four<'v>(values: &[&'v str], edge: usize) -> Option<&'v str> {
    let index = match (values.len(), edge) {
        (1, _) => 0,
        (2, _) => edge % 2,
        (3, LEFT) => 1,
        _ => edge,
    };
    values.get(index).copied()
}

fn edges(value: &str, em: f32, target: &mut [Length; 4]) {
    let values = words(value);
    for (edge, target) in target.iter_mut().enumerate() {
        let length = four(&values, edge).and_then(|word| Length::parse(word, em));
        *target = length.unwrap_or(*target);
    }
}

/// Words, where `rgb(1, 2, 3)` is one.
fn words(value: &str) -> Vec<&str> {
    let mut depth = 0u32;
    let split = value.split(move |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c.is_ascii_whitespace() && depth == 0
    });
    split.filter(|word| !word.is_empty()).collect()
}

fn display(value: &str) -> Option<Display> {
    Some(match value.trim_start_matches("-webkit-").trim_start_matches("-ms-") {
        "none" => Display::None,
        "inline" | "contents" => Display::Inline,
        "block" | "flow-root" | "grid" => Display::Block,
        "inline-block" | "inline-flex" | "inline-grid" => Display::InlineBlock,
        "list-item" => Display::ListItem,
        "flex" => Display::Flex,
        "table" => Display::Table,
        "inline-table" => Display::InlineTable,
        "table-row-group" | "table-header-group" | "table-footer-group" => Display::RowGroup,
        "table-row" => Display::Row,
        "table-cell" => Display::Cell,
        "table-caption" => Display::Caption,
        "table-column" => Display::Column,
        "table-column-group" => Display::ColumnGroup,
        _ => return None,
    })
}

fn vertical_align(value: &str) -> VerticalAlign {
    match value {
        "top" | "text-top" => VerticalAlign::Top,
        "middle" => VerticalAlign::Middle,
        "bottom" | "text-bottom" => VerticalAlign::Bottom,
        "sub" => VerticalAlign::Sub,
        "super" => VerticalAlign::Super,
        _ => VerticalAlign::Baseline,
    }
}

/// The colour among the words of `background`; pictures behind text are left away.
fn background(value: &str) -> Option<Tone> {
    match value {
        "none" => Some(None),
        _ => words(value).into_iter().find_map(tone),
    }
}

fn breaks(value: &str) -> bool {
    matches!(value, "always" | "page" | "left" | "right" | "recto" | "verso")
}

/// Whether a list of families asks for letters of one width.
fn is_mono(families: &str) -> bool {
    let first = families.split(',').next().unwrap_or_default().trim().trim_matches(['"', '\'']);
    let known = ["monospace", "ui-monospace", "menlo", "monaco", "lucida console", "sfmono-regular"];
    known.contains(&first) || ["courier", "consolas", " mono"].iter().any(|part| first.contains(part))
}
