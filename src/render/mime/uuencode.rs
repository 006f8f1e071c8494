//! Files written into a text by uuencode (POSIX), as old programs and mainframes still mail them.

/// A text without the files that were in it, and the files.
pub(super) struct Split {
    pub(super) text: String,
    pub(super) files: Vec<(String, Vec<u8>)>,
}

/// What a line may hold at most: 45 octets in 60 characters, after their count.
const LINE_OCTETS_MAX: usize = 45;

/// Takes the files out of a text; `None` where there is none that is whole.
pub(super) fn split(text: &str) -> Option<Split> {
    if !text.contains("begin ") {
        return None;
    }
    let mut split = Split { text: String::new(), files: Vec::new() };
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        let file = begins(line).and_then(|name| {
            let mut ahead = lines.clone();
            let bytes = decode(&mut ahead)?;
            lines = ahead;
            Some((name.to_owned(), bytes))
        });
        match file {
            Some(file) => split.files.push(file),
            None => split.text.push_str(line),
        }
    }
    (!split.files.is_empty()).then_some(split)
}

/// The name in `begin 644 name`.
fn begins(line: &str) -> Option<&str> {
    let (mode, name) = line.trim_end().strip_prefix("begin ")?.split_once(' ')?;
    let is_mode = (3..=4).contains(&mode.len()) && mode.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    (is_mode && !name.trim().is_empty()).then_some(name.trim())
}

/// The octets of all lines up to `end`; `None` where a line is none of uuencode's, or `end` is missing.
fn decode<'t>(lines: &mut impl Iterator<Item = &'t str>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for line in lines {
        let line = line.trim_end_matches(['\r', '\n']).as_bytes();
        if line.trim_ascii_end() == b"end" {
            return Some(bytes);
        }
        let (&count, data) = line.split_first().unwrap_or((&b'`', &[]));
        let count = usize::from(value(count)?);
        if count > LINE_OCTETS_MAX {
            return None;
        }
        // Mail programs cut blanks off at the end of a line, and a blank is a zero.
        let mut values = Vec::with_capacity(data.len());
        for &character in data.iter().take(count.div_ceil(3) * 4) {
            values.push(value(character)?);
        }
        values.resize(count.div_ceil(3) * 4, 0);
        let start = bytes.len();
        for four in values.chunks_exact(4) {
            let word = four.iter().fold(0u32, |word, value| word << 6 | u32::from(*value));
            bytes.extend_from_slice(&word.to_be_bytes()[1..]);
        }
        bytes.truncate(start + count);
    }
    None
}

fn value(character: u8) -> Option<u8> {
    (b' '..=b'`').contains(&character).then(|| (character - b' ') & 0x3F)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_out_of_the_text_around_it() {
        let text = "Dear Bob,\r\nbegin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\nYours\r\n";
        let split = split(text).unwrap();
        assert_eq!(split.text, "Dear Bob,\r\nYours\r\n");
        assert_eq!(split.files, [("cat.txt".to_owned(), b"Cat".to_vec())]);
    }

    #[test]
    fn what_only_looks_like_one_stays_text() {
        for text in [
            "begin 644 cat.txt\n#0V%T\n",
            "begin with 644\n",
            "We begin 777 now\nend\n",
            "begin 644 x\nhello\nend\n",
        ] {
            assert!(split(text).is_none(), "{text}");
        }
    }
}
