//! The TIFF fields and values that fax files use (TIFF 6.0; RFC 3949 clauses 2.2, 3.2 and 4.2).

pub(super) const NEW_SUBFILE_TYPE: u16 = 254;
/// The field before NewSubfileType, of TIFF 4.
pub(super) const SUBFILE_TYPE: u16 = 255;
pub(super) const IMAGE_WIDTH: u16 = 256;
pub(super) const IMAGE_LENGTH: u16 = 257;
pub(super) const BITS_PER_SAMPLE: u16 = 258;
pub(super) const COMPRESSION: u16 = 259;
pub(super) const PHOTOMETRIC: u16 = 262;
pub(super) const FILL_ORDER: u16 = 266;
pub(super) const IMAGE_DESCRIPTION: u16 = 270;
pub(super) const STRIP_OFFSETS: u16 = 273;
pub(super) const ORIENTATION: u16 = 274;
pub(super) const SAMPLES_PER_PIXEL: u16 = 277;
pub(super) const ROWS_PER_STRIP: u16 = 278;
pub(super) const STRIP_BYTE_COUNTS: u16 = 279;
pub(super) const X_RESOLUTION: u16 = 282;
pub(super) const Y_RESOLUTION: u16 = 283;
pub(super) const T4_OPTIONS: u16 = 292;
pub(super) const T6_OPTIONS: u16 = 293;
pub(super) const RESOLUTION_UNIT: u16 = 296;
pub(super) const PAGE_NUMBER: u16 = 297;
pub(super) const SOFTWARE: u16 = 305;
pub(super) const DATE_TIME: u16 = 306;
pub(super) const TILE_OFFSETS: u16 = 324;
pub(super) const BAD_FAX_LINES: u16 = 326;
pub(super) const CLEAN_FAX_DATA: u16 = 327;
pub(super) const CONSECUTIVE_BAD_FAX_LINES: u16 = 328;

// Private fields of libtiff's, which HylaFAX writes and reads.
pub(super) const FAX_RECV_PARAMS: u16 = 34908;
pub(super) const FAX_SUB_ADDRESS: u16 = 34909;
pub(super) const FAX_RECV_TIME: u16 = 34910;
pub(super) const FAX_DCS: u16 = 34911;

/// NewSubfileType: a smaller copy of another image of the file.
pub(super) const SUBFILE_REDUCED: u32 = 1;
/// NewSubfileType: one page of several.
pub(super) const SUBFILE_PAGE: u32 = 2;
/// NewSubfileType: a transparency mask for another image of the file.
pub(super) const SUBFILE_MASK: u32 = 4;
/// SubfileType: a smaller copy of another image of the file.
pub(super) const OLD_SUBFILE_REDUCED: u32 = 2;

/// PhotometricInterpretation: 1 is black.
pub(super) const WHITE_IS_ZERO: u16 = 0;
/// PhotometricInterpretation: 1 is white.
pub(super) const BLACK_IS_ZERO: u16 = 1;

/// FillOrder: the leftmost pixel is the least significant bit.
pub(super) const LSB_FIRST: u16 = 2;

/// Orientation: the first row is the top, the first column the left side.
pub(super) const UPRIGHT: u16 = 1;

pub(super) const COMPRESSION_NONE: u16 = 1;
/// MH rows that begin on octet boundaries, without EOLs.
pub(super) const COMPRESSION_RLE: u16 = 2;
/// MH or MR, as T4Options say.
pub(super) const COMPRESSION_T4: u16 = 3;
/// MMR.
pub(super) const COMPRESSION_T6: u16 = 4;
/// MH rows that begin on boundaries of two octets, without EOLs.
pub(super) const COMPRESSION_RLE_WORDS: u16 = 32771;
pub(super) const COMPRESSION_PACKBITS: u16 = 32773;

/// T4Options: the rows are MR.
pub(super) const T4_MR: u32 = 1;
/// T4Options: fill before EOLs, so that they end on octet boundaries.
pub(super) const T4_ALIGNED: u32 = 4;

pub(super) const UNIT_INCH: u16 = 2;
pub(super) const UNIT_CENTIMETRE: u16 = 3;
