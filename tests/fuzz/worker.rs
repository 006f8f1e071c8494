//! What a worker answers, which has met strangers' bytes and may say anything.

use faxgate::render::worker::{Reply, read_reply};

/// Reads replies until one is none; what is read holds to its form.
pub(crate) fn worker_reply(mut input: &[u8]) {
    while !input.is_empty() {
        let before = input.len();
        let Ok(reply) = read_reply(&mut input) else { return };
        assert!(input.len() < before);
        if let Reply::Page(page) = reply {
            assert!(page.width() > 0 && page.rows() > 0);
            assert_eq!(page.bits().len(), page.stride() * page.rows() as usize);
        }
    }
}
