//! The languages in which a page's own words are written: header line, cover page and the date on it.

use serde::{Deserialize, Serialize};

/// A language, by its code (ISO 639-1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// German.
    De,
    /// English.
    #[default]
    En,
    /// Spanish.
    Es,
    /// French.
    Fr,
    /// Italian.
    It,
    /// Japanese.
    Ja,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::De, Self::En, Self::Es, Self::Fr, Self::It, Self::Ja];

    /// The cover page's template in this language.
    pub(super) fn cover(self) -> &'static str {
        match self {
            Self::De => include_str!("../../templates/covers/de.txt"),
            Self::En => include_str!("../../templates/covers/en.txt"),
            Self::Es => include_str!("../../templates/covers/es.txt"),
            Self::Fr => include_str!("../../templates/covers/fr.txt"),
            Self::It => include_str!("../../templates/covers/it.txt"),
            Self::Ja => include_str!("../../templates/covers/ja.txt"),
        }
    }

    /// `page 1 of 3`, both from 1.
    #[must_use]
    pub fn page_of(self, page: u32, pages: u32) -> String {
        match self {
            Self::De => format!("Seite {page} von {pages}"),
            Self::En => format!("page {page} of {pages}"),
            Self::Es => format!("página {page} de {pages}"),
            Self::Fr => format!("page {page} sur {pages}"),
            Self::It => format!("pagina {page} di {pages}"),
            Self::Ja => format!("{page}／{pages}ページ"),
        }
    }

    /// That a call goes on after page `arrived` of `pages`.
    #[must_use]
    pub fn continued(self, arrived: u32, pages: u32) -> String {
        let next = arrived + 1;
        match self {
            Self::De => format!(
                "Fortsetzung. Bis Seite {arrived} wurde alles in einem früheren Anruf empfangen; dieser beginnt mit \
                 Seite {next} von {pages}."
            ),
            Self::En => format!(
                "Continued. Up to page {arrived} all was received in an earlier call; this one goes on with page \
                 {next} of {pages}."
            ),
            Self::Es => format!(
                "Continuación. Hasta la página {arrived} todo se recibió en una llamada anterior; esta sigue con la \
                 página {next} de {pages}."
            ),
            Self::Fr => format!(
                "Suite. Tout a été reçu jusqu’à la page {arrived} lors d’un appel précédent ; celui-ci reprend à la \
                 page {next} sur {pages}."
            ),
            Self::It => format!(
                "Continuazione. Fino a pagina {arrived} tutto è stato ricevuto in una chiamata precedente; questa \
                 riprende da pagina {next} di {pages}."
            ),
            Self::Ja => format!(
                "続き。{arrived}ページまでは前回の通信で受信済みです。今回は{next}ページから{pages}ページまでをお送りします。"
            ),
        }
    }

    /// A day and a time as people write them; the month is counted from 1.
    #[must_use]
    pub fn date(self, (year, month, day): (u16, u8, u8), (hour, minute): (u8, u8)) -> String {
        let name = self.months().get(usize::from(month).wrapping_sub(1)).copied().unwrap_or("?");
        match self {
            Self::De => format!("{day}. {name} {year}, {hour:02}:{minute:02}"),
            Self::En | Self::Fr | Self::It => format!("{day} {name} {year}, {hour:02}:{minute:02}"),
            Self::Es => format!("{day} de {name} de {year}, {hour:02}:{minute:02}"),
            Self::Ja => format!("{year}年{month}月{day}日 {hour:02}:{minute:02}"),
        }
    }

    fn months(self) -> [&'static str; 12] {
        let names = match self {
            Self::De => "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
            Self::En => {
                "January February March April May June July August September October November December"
            }
            Self::Es => {
                "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
            }
            Self::Fr => {
                "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
            }
            Self::It => {
                "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"
            }
            Self::Ja => "1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月",
        };
        let mut names = names.split(' ');
        std::array::from_fn(|_| names.next().unwrap_or("?"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_people_write_them() {
        let date = |language: Language| language.date((2026, 3, 9), (8, 5));
        assert_eq!(date(Language::De), "9. März 2026, 08:05");
        assert_eq!(date(Language::En), "9 March 2026, 08:05");
        assert_eq!(date(Language::Es), "9 de marzo de 2026, 08:05");
        assert_eq!(date(Language::Fr), "9 mars 2026, 08:05");
        assert_eq!(date(Language::It), "9 marzo 2026, 08:05");
        assert_eq!(date(Language::Ja), "2026年3月9日 08:05");
        assert_eq!(Language::En.date((2026, 0, 1), (0, 0)), "1 ? 2026, 00:00");
    }
}
