//! A message on its way to pages.

use faxgate::job::recipient::Fineness;
use faxgate::render::{self, Fate, Limits, RenderConfig, RenderError, Rendered};

/// Small limits, so that a fuzzer finds them.
fn limits() -> Limits {
    Limits {
        message_bytes_max: 200_000,
        parts_max: 20,
        depth_max: 4,
        pages_max: 5,
        text_bytes_max: 20_000,
        html_depth_max: 20,
        image_pixels_max: 1_000_000,
        unpacked_bytes_max: 100_000,
    }
}

/// A message, looked at before it is accepted.
pub(crate) fn mime_survey(input: &[u8]) {
    let first = render::survey(input, &limits());
    assert_eq!(render::survey(input, &limits()), first, "the same bytes, the same answer");
    if let Err(error) = &first {
        assert_sound(error);
    }
    let tiny = Limits { message_bytes_max: 10, ..limits() };
    let over = matches!(render::survey(input, &tiny), Err(RenderError::TooLarge { what, max: 10 }) if what == "bytes");
    assert_eq!(over, input.len() > 10);
}

/// A message as pages.
pub(crate) fn mime_pages(input: &[u8]) {
    let config = RenderConfig { limits: limits(), ..RenderConfig::default() };
    let options = config.options(Some(Fineness::Standard)).unwrap();
    let survey = render::survey(input, &options.limits);
    match render::message(input, &options, None) {
        Ok(rendered) => {
            assert_eq!(survey, Ok(()), "what the survey refuses is never faxed");
            assert_pages(&rendered, &options.limits);
        }
        Err(error) => assert_sound(&error),
    }
}

/// An HTML text.
pub(crate) fn html_text(input: &[u8]) {
    let header = b"Subject: fuzz\r\nContent-Type: text/html; charset=utf-8\r\n\r\n";
    mime_pages(&[header, input].concat());
}

fn assert_pages(rendered: &Rendered, limits: &Limits) {
    let Rendered { pages, manifest } = rendered;
    let count = u32::try_from(pages.len()).unwrap();
    assert_eq!(manifest.pages, count);
    assert!((1..=limits.pages_max).contains(&count), "{manifest:?}");
    assert!(pages.iter().all(|page| page.width() > 0 && page.rows() > 0));
    for part in &manifest.parts {
        match part.fate {
            Fate::Pages { first, last } => assert!(1 <= first && first <= last && last <= count),
            Fate::Embedded { page } => assert!((1..=count).contains(&page)),
            Fate::LeftOut { .. } => {}
            Fate::Failed { .. } => panic!("{part:?} failed, and the rest is faxed"),
        }
    }
}

/// A foreign decoder may give up on its part; the layout, which is ours, may not.
fn assert_sound(error: &RenderError) {
    assert!(!error.cause().is_some_and(|cause| cause.starts_with("the layout gave up")), "{error:?}");
    assert!(error.status().starts_with("5."));
}
