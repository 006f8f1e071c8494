//! What a worker answers, which has met strangers' bytes and may say anything.

use faxgate::render::worker::{Reply, read_reply};

/// Reads replies until one is none; what is read holds to its form.
pub(crate) fn worker_reply(mut input: &[u8]) {
    while !input.is_empty() {
        let before = input.len();
        let Ok(reply) = read_reply(&mut input) else { return };
        assert!(input.len() < before);
        match reply {
            Reply::Page(page) => {
                assert!(page.width() > 0 && page.rows() > 0);
                assert_eq!(page.bits().len(), page.stride() * page.rows() as usize);
            }
            // A document is handed to somebody else as it is, and so is its name to the log.
            Reply::Office(_, name, bytes) => assert!(name.len() <= 4096 && !bytes.is_empty()),
            Reply::Part(_) | Reply::Done(_) => {}
        }
    }
}
