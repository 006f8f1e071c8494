//! The tag before a subject by which a mail says how it is to be faxed: `[fax: fine, no cover] Quarterly figures`.

/// What the tag begins with, in either case.
const BEGIN: &str = "[fax:";

/// The words of the tag, and the subject behind it; `None` where there is no tag.
#[must_use]
pub fn split(subject: &str) -> Option<(&str, &str)> {
    let subject = subject.trim_start();
    let head = subject.get(..BEGIN.len()).filter(|head| head.eq_ignore_ascii_case(BEGIN))?;
    let (words, rest) = subject.get(head.len()..)?.split_once(']')?;
    Some((words.trim(), rest.trim_start()))
}

/// The subject as people shall see it, without its tag.
#[must_use]
pub fn without(subject: &str) -> &str {
    split(subject).map_or(subject, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_stands_at_the_beginning() {
        assert_eq!(split("[fax: fine, no cover] Figures"), Some(("fine, no cover", "Figures")));
        assert_eq!(split(" [FAX:standard]"), Some(("standard", "")));
        for none in ["Figures", "Re: [fax: fine] Figures", "[fax fine] x", "[fax: fine", "[fäx: fine] x", ""]
        {
            assert_eq!(split(none), None, "{none}");
        }
        assert_eq!(without("[fax: fine] Figures"), "Figures");
        assert_eq!(without("Figures"), "Figures");
    }
}
