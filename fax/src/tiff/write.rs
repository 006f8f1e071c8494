//! Pages to a file in profile S or F (RFC 3949 clauses 3 and 4).
//!
//! Both are laid out as clause 3.5 demands of profile S: little-endian, the first directory at 8, and for each page its
//! directory, the long values, and one strip, in the order of the pages. Bits are stored least significant first, as they
//! go over the line. EOLs end on octet boundaries and there is no RTC, because historical readers know no other way
//! (clauses 4.5.3 and 4.5.5); MMR strips end in EOFB (clause 4.5.6).

use super::error::WriteError;
use super::field::{self, DIRECTORY_OCTETS, FIELD_OCTETS, Field, INSIDE_OCTETS, directory_octets};
use super::mmr::MmrPage;
use super::reception::Reception;
use super::tag;
use crate::page::{Page, PaperWidth, Resolution};
use crate::t4::{BitOrder, Coding, EncodeOptions, encode, reverse_bits};
use alloc::vec::Vec;

/// Which of the RFC's profiles a file keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Minimal black-and-white: MH, 1728 pixels, standard or fine resolution. Everybody can read it.
    S,
    /// Extended black-and-white: any coding, width and resolution of Group 3.
    F {
        /// The coding scheme of the pages.
        coding: Coding,
    },
}

impl Profile {
    fn coding(self) -> Coding {
        match self {
            Self::S => Coding::Mh,
            Self::F { coding } => coding,
        }
    }

    fn allows(self, width: u32, resolution: Resolution) -> bool {
        let small = matches!(resolution, Resolution::R204x98 | Resolution::R204x196 | Resolution::R200x200);
        match self {
            Self::S => small && width == resolution.width(PaperWidth::A4),
            Self::F { .. } => [PaperWidth::A4, PaperWidth::B4, PaperWidth::A3]
                .into_iter()
                .any(|paper| width == resolution.width(paper)),
        }
    }
}

/// What a file in profile F says of itself (RFC 3949 clause 2.2.3). Profile S has no room for it, and leaves it out.
///
/// The fields are ASCII: other characters become "?".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Info<'a> {
    /// The program that made the file.
    pub software: Option<&'a str>,
    /// When the file was made: "YYYY:MM:DD HH:MM:SS".
    pub date_time: Option<&'a str>,
    /// What the pages are.
    pub description: Option<&'a str>,
}

/// Writes a whole document.
///
/// # Errors
///
/// [`WriteError`]: no page, or a page that the profile has no room for.
pub fn write(pages: &[Page], profile: Profile, info: &Info<'_>) -> Result<Vec<u8>, WriteError> {
    let mut writer = Writer::new(profile, info)?;
    for page in pages {
        writer.page(page)?;
    }
    writer.finish()
}

/// The size of a page.
#[derive(Clone, Copy)]
struct Form {
    width: u32,
    rows: u32,
    resolution: Resolution,
}

/// Writes a document page by page.
#[derive(Clone, Debug)]
pub struct Writer {
    profile: Profile,
    /// ImageDescription, Software and DateTime.
    texts: Vec<Field>,
    out: Vec<u8>,
    pages: u16,
    /// Where the offset of the next directory is to be written.
    link_at: usize,
    /// Where the number of all pages is to be written, for each page.
    totals_at: Vec<usize>,
}

impl Writer {
    /// A writer of a file without pages.
    ///
    /// # Errors
    ///
    /// [`WriteError::DateTime`].
    pub fn new(profile: Profile, info: &Info<'_>) -> Result<Self, WriteError> {
        if info.date_time.is_some_and(|text| !is_date_time(text)) {
            return Err(WriteError::DateTime);
        }
        let texts = [
            (tag::IMAGE_DESCRIPTION, info.description),
            (tag::SOFTWARE, info.software),
            (tag::DATE_TIME, info.date_time),
        ];
        Ok(Self {
            profile,
            texts: texts.into_iter().filter_map(|(tag, text)| Some(Field::text(tag, text?))).collect(),
            // The offset of the first directory follows with the first page.
            out: b"II\x2A\0\0\0\0\0".to_vec(),
            pages: 0,
            link_at: 4,
            totals_at: Vec::new(),
        })
    }

    /// Appends a page.
    ///
    /// # Errors
    ///
    /// [`WriteError`]: the profile has no such pages, or the file is full. The file stays as it was.
    pub fn page(&mut self, page: &Page) -> Result<(), WriteError> {
        self.received_page(page, &Reception::default())
    }

    /// Appends a page and, in profile F, how it was received.
    ///
    /// # Errors
    ///
    /// As [`page`](Self::page).
    pub fn received_page(&mut self, page: &Page, reception: &Reception) -> Result<(), WriteError> {
        let form = Form { width: page.width(), rows: page.rows(), resolution: page.resolution() };
        self.check(form)?;
        let options = EncodeOptions::tiff(self.profile.coding(), form.resolution);
        let strip = encode(page, &EncodeOptions { bit_order: BitOrder::LsbFirst, ..options });
        self.append(form, strip, reception)
    }

    /// Appends a page that is in MMR already, as it is, and how it was received.
    ///
    /// # Errors
    ///
    /// As [`page`](Self::page), and [`WriteError::Coding`] where the profile's coding is another one.
    pub fn mmr_page(&mut self, page: &MmrPage, reception: &Reception) -> Result<(), WriteError> {
        if self.profile.coding() != Coding::Mmr {
            return Err(WriteError::Coding);
        }
        let form = Form { width: page.width(), rows: page.rows(), resolution: page.resolution() };
        self.check(form)?;
        let mut strip = page.data().to_vec();
        reverse_bits(&mut strip);
        self.append(form, strip, reception)
    }

    fn check(&self, form: Form) -> Result<(), WriteError> {
        let Form { width, rows, resolution } = form;
        match () {
            () if !self.profile.allows(width, resolution) => Err(WriteError::Geometry { width, resolution }),
            () if rows == 0 => Err(WriteError::NoRows),
            () => Ok(()),
        }
    }

    /// Appends directory and strip, least significant bit first.
    fn append(&mut self, form: Form, strip: Vec<u8>, reception: &Reception) -> Result<(), WriteError> {
        let number = self.pages;
        let pages = number.checked_add(1).ok_or(WriteError::TooManyPages)?;
        let offset = |octets: usize| u32::try_from(octets).map_err(|_| WriteError::TooLarge);
        let strip_octets = offset(strip.len())?;
        let mut fields = self.fields(form, number, strip_octets);
        if self.profile != Profile::S {
            fields.extend(field::reception(reception));
        }
        let directory_at = offset(self.out.len())?;
        let strip_at = self.out.len() + directory_octets(&fields);
        // The directory after this strip begins at an even offset.
        offset(strip_at + strip.len() + 1)?;
        fields.push(Field::long(tag::STRIP_OFFSETS, offset(strip_at)?));
        fields.sort_by_key(|field| field.tag);

        self.patch(self.link_at, &directory_at.to_le_bytes());
        self.directory(&fields);
        self.out.extend(strip);
        self.out.resize(self.out.len().next_multiple_of(2), 0);
        self.pages = pages;
        Ok(())
    }

    /// Ends the file: now each page can say how many there are.
    ///
    /// # Errors
    ///
    /// [`WriteError::NoPages`].
    pub fn finish(mut self) -> Result<Vec<u8>, WriteError> {
        if self.pages == 0 {
            return Err(WriteError::NoPages);
        }
        for at in core::mem::take(&mut self.totals_at) {
            self.patch(at, &self.pages.to_le_bytes());
        }
        Ok(self.out)
    }

    /// The fields of a page except the offset of its strip.
    fn fields(&self, form: Form, number: u16, strip_octets: u32) -> Vec<Field> {
        let (coding, resolution) = (self.profile.coding(), form.resolution);
        let (compression, options) = match coding {
            Coding::Mh => (tag::COMPRESSION_T4, Field::long(tag::T4_OPTIONS, tag::T4_ALIGNED)),
            Coding::Mr => (tag::COMPRESSION_T4, Field::long(tag::T4_OPTIONS, tag::T4_ALIGNED | tag::T4_MR)),
            Coding::Mmr => (tag::COMPRESSION_T6, Field::long(tag::T6_OPTIONS, 0)),
        };
        let mut fields = alloc::vec![
            Field::long(tag::NEW_SUBFILE_TYPE, tag::SUBFILE_PAGE),
            Field::long(tag::IMAGE_WIDTH, form.width),
            Field::long(tag::IMAGE_LENGTH, form.rows),
            Field::shorts(tag::BITS_PER_SAMPLE, &[1]),
            Field::shorts(tag::COMPRESSION, &[compression]),
            Field::shorts(tag::PHOTOMETRIC, &[tag::WHITE_IS_ZERO]),
            Field::shorts(tag::FILL_ORDER, &[tag::LSB_FIRST]),
            Field::shorts(tag::SAMPLES_PER_PIXEL, &[1]),
            Field::long(tag::ROWS_PER_STRIP, form.rows),
            Field::long(tag::STRIP_BYTE_COUNTS, strip_octets),
            Field::whole_rational(tag::X_RESOLUTION, resolution.x_dpi()),
            Field::whole_rational(tag::Y_RESOLUTION, resolution.y_dpi()),
            options,
            Field::shorts(tag::RESOLUTION_UNIT, &[tag::UNIT_INCH]),
            Field::shorts(tag::PAGE_NUMBER, &[number, 0]),
        ];
        if self.profile != Profile::S {
            fields.push(Field::shorts(tag::ORIENTATION, &[tag::UPRIGHT]));
            fields.extend(self.texts.iter().cloned());
        }
        fields
    }

    /// Appends a directory that is the last so far, and its long values.
    fn directory(&mut self, fields: &[Field]) {
        let values_at = self.out.len() + DIRECTORY_OCTETS + FIELD_OCTETS * fields.len();
        let mut values = Vec::new();
        self.out.extend((fields.len() as u16).to_le_bytes());
        for field in fields {
            self.out.extend(field.tag.to_le_bytes());
            self.out.extend(field.kind.to_le_bytes());
            self.out.extend(field.count.to_le_bytes());
            if field.tag == tag::PAGE_NUMBER {
                self.totals_at.push(self.out.len() + 2);
            }
            if field.is_long() {
                let at = (values_at + values.len()) as u32;
                self.out.extend(at.to_le_bytes());
                values.extend(&field.value);
                values.resize(values.len().next_multiple_of(2), 0);
            } else {
                let inside = self.out.len();
                self.out.extend(&field.value);
                self.out.resize(inside + INSIDE_OCTETS, 0);
            }
        }
        self.link_at = self.out.len();
        self.out.extend([0; 4]);
        self.out.extend(values);
    }

    fn patch(&mut self, at: usize, octets: &[u8]) {
        if let Some(place) = self.out.get_mut(at..at + octets.len()) {
            place.copy_from_slice(octets);
        }
    }
}

/// Whether this is "YYYY:MM:DD HH:MM:SS".
fn is_date_time(text: &str) -> bool {
    let pattern = "0000:00:00 00:00:00";
    let fits = |(c, wanted): (u8, u8)| {
        if wanted == b'0' { c.is_ascii_digit() } else { c == wanted }
    };
    text.len() == pattern.len() && text.bytes().zip(pattern.bytes()).all(fits)
}
