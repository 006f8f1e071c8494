//! The marks before the items of lists (CSS Lists 3 §7).

use super::super::dom::NodeId;
use super::super::style::{ListStyle, Style};
use super::Tree;

/// What stands before an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marker(pub(crate) String);

const ROMAN: [(i32, &str); 13] = [
    (1000, "m"),
    (900, "cm"),
    (500, "d"),
    (400, "cd"),
    (100, "c"),
    (90, "xc"),
    (50, "l"),
    (40, "xl"),
    (10, "x"),
    (9, "ix"),
    (5, "v"),
    (4, "iv"),
    (1, "i"),
];
/// Larger numbers are written in digits whatever the style is.
const ROMAN_MAX: i32 = 3999;

impl Tree<'_> {
    pub(super) fn marker(&mut self, id: NodeId, style: &Style) -> Option<Marker> {
        let own = self.cascade.dom.attribute(id, "value").and_then(|value| value.parse::<i32>().ok());
        let number = match self.lists.last_mut() {
            Some(last) => {
                *last = own.unwrap_or(last.saturating_add(1));
                *last
            }
            None => 1,
        };
        text(style.inherited.list_style, number).map(Marker)
    }
}

fn text(style: ListStyle, number: i32) -> Option<String> {
    Some(match style {
        ListStyle::None => return None,
        ListStyle::Disc => "•".into(),
        ListStyle::Circle => "◦".into(),
        ListStyle::Square => "▪".into(),
        ListStyle::Decimal => format!("{number}."),
        ListStyle::LowerAlpha => format!("{}.", alpha(number)),
        ListStyle::UpperAlpha => format!("{}.", alpha(number).to_uppercase()),
        ListStyle::LowerRoman => format!("{}.", roman(number)),
        ListStyle::UpperRoman => format!("{}.", roman(number).to_uppercase()),
    })
}

fn alpha(number: i32) -> String {
    let mut rest = number;
    let mut letters = Vec::new();
    while rest > 0 {
        let letter = u8::try_from((rest - 1) % 26).unwrap_or(0);
        letters.push(char::from(b'a' + letter));
        rest = (rest - 1) / 26;
    }
    if letters.is_empty() { number.to_string() } else { letters.into_iter().rev().collect() }
}

fn roman(number: i32) -> String {
    if !(1..=ROMAN_MAX).contains(&number) {
        return number.to_string();
    }
    let mut rest = number;
    let mut text = String::new();
    for (value, letters) in ROMAN {
        while rest >= value {
            text.push_str(letters);
            rest -= value;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_counted_in_every_way() {
        let of = |style, number| text(style, number).unwrap_or_default();
        assert_eq!(of(ListStyle::Decimal, 12), "12.");
        assert_eq!(
            (of(ListStyle::LowerAlpha, 26), of(ListStyle::UpperAlpha, 28)),
            ("z.".into(), "AB.".into())
        );
        assert_eq!(
            (of(ListStyle::LowerRoman, 1994), of(ListStyle::UpperRoman, 4)),
            ("mcmxciv.".into(), "IV.".into())
        );
        assert_eq!(
            (of(ListStyle::UpperRoman, 0), of(ListStyle::LowerAlpha, -3)),
            ("0.".into(), "-3.".into())
        );
        assert_eq!(text(ListStyle::None, 1), None);
    }
}
