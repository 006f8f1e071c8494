//! What attributes of HTML say about the look of their elements (HTML standard §15, "presentational hints").

use super::super::dom::{Dom, NodeId};
use super::super::rules::Declaration;
use super::super::value::{Length, attribute_tone};
use super::{Align, Display, Inherited, Style};

/// `<font size>` from 1 to 7, as parts of the size of text.
const FONT_SIZES: [&str; 7] = ["x-small", "small", "medium", "large", "x-large", "xx-large", "3em"];
/// Elements whose `align` is about their text.
const TEXT_ALIGNED: &[&str] =
    &["p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "td", "th", "tr", "thead", "tbody", "tfoot", "caption"];
/// Elements whose `width` and `height` are their own.
const SIZED: &[&str] = &["table", "td", "th", "col", "img", "hr", "tr"];

/// An element's attributes as declarations.
pub(super) fn of(dom: &Dom, id: NodeId, parent: &Inherited) -> Vec<Declaration> {
    let mut hints = Hints { dom, id, found: Vec::new() };
    let name = dom.name(id);
    if SIZED.contains(&name) {
        hints.length("width", "width");
        hints.length("height", "height");
    }
    hints.aligned(name);
    if let Some(value) = dom.attribute(id, "bgcolor").and_then(colour) {
        hints.add("background-color", value);
    }
    if dom.attribute(id, "nowrap").is_some() && matches!(name, "td" | "th") {
        hints.add("white-space", "nowrap".into());
    }
    if dom.attribute(id, "hidden").is_some() {
        hints.add("display", "none".into());
    }
    if let Some(direction) = dom.attribute(id, "dir") {
        hints.add("direction", direction.to_owned());
    }
    match name {
        "table" => hints.table(),
        "td" | "th" => hints.cell(parent),
        "font" => hints.font(),
        "ol" | "ul" | "li" => hints.list(),
        "img" => hints.length("border", "border-width"),
        "br" => hints.clear(),
        _ => {}
    }
    hints.found
}

/// What cannot be said in declarations.
pub(super) fn settle(dom: &Dom, id: NodeId, style: &mut Style) {
    let inherited = &mut style.inherited;
    if style.display == Display::Table {
        // Cells take these from the nearest table.
        inherited.cell_padding =
            dom.attribute(id, "cellpadding").and_then(Length::attribute).and_then(Length::fixed);
        inherited.cell_border = has_border(dom, id);
        if inherited.align == Align::BlockCenter {
            inherited.align = Align::Start;
        }
    }
    if dom.name(id) == "a" && dom.attribute(id, "href").is_none() {
        inherited.underline = false;
    }
}

fn has_border(dom: &Dom, id: NodeId) -> bool {
    dom.attribute(id, "border").is_some_and(|border| !matches!(border, "0" | "0px" | "none"))
}

fn colour(value: &str) -> Option<String> {
    let tone = attribute_tone(value)?;
    Some(tone.map_or("transparent".to_owned(), |tone| format!("rgb({tone},{tone},{tone})")))
}

struct Hints<'d> {
    dom: &'d Dom,
    id: NodeId,
    found: Vec<Declaration>,
}

impl Hints<'_> {
    fn add(&mut self, property: &str, value: String) {
        self.found.push(Declaration { property: property.into(), value, important: false });
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.dom.attribute(self.id, name)
    }

    fn length(&mut self, attribute: &str, property: &str) {
        let value = match self.attribute(attribute).and_then(Length::attribute) {
            Some(Length::Pt(pt)) => format!("{pt}pt"),
            Some(Length::Part(part)) => format!("{}%", part * 100.0),
            _ => return,
        };
        self.add(property, value);
    }

    fn aligned(&mut self, name: &str) {
        if let Some(align) = self.attribute("align").map(str::to_ascii_lowercase) {
            match (name, align.as_str()) {
                (_, "center" | "middle") if TEXT_ALIGNED.contains(&name) => {
                    self.add("text-align", "-webkit-center".into());
                }
                (_, "left" | "right" | "justify") if TEXT_ALIGNED.contains(&name) => {
                    self.add("text-align", align)
                }
                ("table" | "img", "left" | "right") => self.add("float", align),
                ("table" | "hr", "center") => {
                    self.add("margin-left", "auto".into());
                    self.add("margin-right", "auto".into());
                }
                ("img", "top" | "middle" | "absmiddle") => {
                    let place = if align == "top" { "top" } else { "middle" };
                    self.add("vertical-align", place.into());
                }
                _ => {}
            }
        }
        if let Some(align) = self.attribute("valign").map(str::to_ascii_lowercase) {
            self.add("vertical-align", align);
        }
    }

    fn table(&mut self) {
        if has_border(self.dom, self.id) {
            self.length("border", "border-width");
            self.add("border-style", "solid".into());
        }
        self.length("cellspacing", "border-spacing");
        self.length("hspace", "margin-left");
        self.length("hspace", "margin-right");
    }

    fn cell(&mut self, parent: &Inherited) {
        if let Some(padding) = parent.cell_padding {
            self.add("padding", format!("{padding}pt"));
        }
        if parent.cell_border {
            self.add("border", "1px solid #000".into());
        }
    }

    fn font(&mut self) {
        if let Some(value) = self.attribute("color").and_then(colour) {
            self.add("color", value);
        }
        if let Some(face) = self.attribute("face").map(str::to_owned) {
            self.add("font-family", face);
        }
        let Some(size) = self.attribute("size") else { return };
        let number: Option<i32> = size.trim_start_matches('+').parse().ok();
        let relative = size.starts_with(['+', '-']);
        let index = number.map(|number| if relative { number + 3 } else { number }.clamp(1, 7) - 1);
        let word =
            index.and_then(|index| usize::try_from(index).ok()).and_then(|index| FONT_SIZES.get(index));
        if let Some(word) = word {
            self.add("font-size", (*word).to_owned());
        }
    }

    fn list(&mut self) {
        let kind = match self.attribute("type") {
            Some("1") => "decimal",
            Some("a") => "lower-alpha",
            Some("A") => "upper-alpha",
            Some("i") => "lower-roman",
            Some("I") => "upper-roman",
            Some(kind) => &kind.to_ascii_lowercase(),
            None => return,
        };
        let kind = kind.to_owned();
        self.add("list-style-type", kind);
    }

    fn clear(&mut self) {
        if let Some(clear) = self.attribute("clear").map(str::to_ascii_lowercase) {
            self.add("clear", if clear == "all" { "both".into() } else { clear });
        }
    }
}
