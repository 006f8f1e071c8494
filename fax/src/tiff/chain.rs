//! The chain of directories: which of them are pages, and in which order.
//!
//! Pages that are all numbered, each differently, have the order of their numbers (RFC 3949 clause 4.4.6: readers handle
//! exceptions); where two have the same number, two documents were put together, and the order of the file is right.

use super::directory::{Directory, File};
use super::error::TiffError;
use super::tag;
use alloc::vec::Vec;

/// The pages of a file.
pub(super) struct Chain<'a> {
    /// In the order of the document.
    pub(super) pages: Vec<Directory<'a>>,
    /// Where something begins that is no strip or another one, ascending: the directories, and the first strip of each
    /// page.
    pub(super) marks: Vec<usize>,
    /// The chain broke after these pages, and nobody knows whether others would have followed.
    pub(super) broken: Option<TiffError>,
}

impl<'a> Chain<'a> {
    /// Follows the directories from the one at `offset`; `directories_max` at most.
    pub(super) fn of(file: File<'a>, offset: usize, directories_max: u32) -> Result<Self, TiffError> {
        let mut marks = Vec::new();
        let (mut pages, mut reduced) = (Vec::new(), Vec::new());
        let mut next = Ok(offset);
        let broken = loop {
            let directory = match next {
                Ok(0) => break None,
                Ok(offset) if marks.contains(&offset) => break Some(TiffError::Loop),
                Ok(_) if marks.len() >= directories_max as usize => {
                    return Err(TiffError::Limit("pages_max"));
                }
                Ok(offset) => image(file, offset),
                Err(error) => break Some(error),
            };
            match directory {
                Ok(directory) => {
                    marks.push(directory.offset);
                    match role(&directory) {
                        Role::Page => pages.push(directory),
                        Role::Reduced => reduced.push(directory),
                        Role::Mask => {}
                    }
                    next = directory.next();
                }
                Err(error) => break Some(error),
            }
        };
        // A file of nothing but small images: their writer took the flag for another one.
        let mut pages = if pages.is_empty() { reduced } else { pages };
        if pages.is_empty() {
            return Err(broken.unwrap_or(TiffError::NoPages));
        }
        let broken = broken.filter(|_| !is_complete(&pages));
        sort(&mut pages);
        marks.extend(pages.iter().filter_map(|page| page.field(tag::STRIP_OFFSETS).ok()??.offset(0).ok()));
        marks.sort_unstable();
        Ok(Self { pages, marks, broken })
    }
}

/// What a directory's image is in the document.
enum Role {
    Page,
    /// A smaller copy of a page.
    Reduced,
    /// Where a page is transparent.
    Mask,
}

fn role(directory: &Directory<'_>) -> Role {
    let number = |tag| directory.number(tag).ok().flatten();
    match (number(tag::NEW_SUBFILE_TYPE), number(tag::SUBFILE_TYPE)) {
        (Some(kind), _) if kind & tag::SUBFILE_MASK != 0 => Role::Mask,
        (Some(kind), _) if kind & tag::SUBFILE_REDUCED != 0 => Role::Reduced,
        (None, Some(tag::OLD_SUBFILE_REDUCED)) => Role::Reduced,
        _ => Role::Page,
    }
}

/// The directory at `offset`, where it is one of an image: anything else is what a wrong link leads to.
fn image(file: File<'_>, offset: usize) -> Result<Directory<'_>, TiffError> {
    let directory = file.directory(offset)?;
    match directory.field(tag::IMAGE_WIDTH)? {
        Some(_) => Ok(directory),
        None => Err(TiffError::Missing(tag::IMAGE_WIDTH)),
    }
}

/// Whether the pages say themselves that there are no more: a wrong link after the last one does no harm then.
fn is_complete(pages: &[Directory<'_>]) -> bool {
    let total = |page: &Directory<'_>| page.field(tag::PAGE_NUMBER).ok()??.number(1).ok();
    pages.iter().all(|page| total(page).is_some_and(|total| total as usize == pages.len()))
}

fn sort(pages: &mut [Directory<'_>]) {
    let number = |page: &Directory<'_>| page.number(tag::PAGE_NUMBER).ok().flatten();
    let mut numbers: Vec<_> = pages.iter().map(number).collect();
    numbers.sort_unstable();
    let distinct = numbers.windows(2).all(|pair| pair[0] != pair[1]);
    if distinct && numbers.iter().all(Option::is_some) {
        pages.sort_by_key(number);
    }
}
