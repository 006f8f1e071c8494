//! Our Class 2, 2.0 and 2.1 sessions on the test modem, with spandsp's T.30 at the far end, on a virtual clock: what the
//! modem says on the line is T.30 to others than us.

#![allow(clippy::unwrap_used, clippy::panic)]

mod class2_desk;

use class2_desk::support::{receiver_config, sender_config};
use class2_desk::{CLASSES, Store, document, modem, profile, receive, send};
use fax_peers::class2_modem::Quirks;
use fax_peers::class2_modem::office::{Callee, FarConfig, FarRole};
use fax_peers::spandsp_t30::Config;
use fax_proto::carrier::Modulation;
use fax_proto::page::{Page, Resolution};
use fax_proto::session::{Outcome, PageCoding};
use fax_proto::t4;
use fax_proto::t30::SenderConfig;
use fax_proto::t30::capability::Capability;
use fax_proto::tiff;
use std::path::Path;

/// With ECM and without, as spandsp is told.
const CODINGS: [(PageCoding, bool); 4] =
    [(PageCoding::Mh, false), (PageCoding::Mr, false), (PageCoding::Mr, true), (PageCoding::Mmr, true)];

fn terminal(folder: &Path, sends: bool, coding: PageCoding, ecm: bool) -> FarConfig {
    let file = folder.join("spandsp.tif");
    FarConfig::new(FarRole::Foreign(Config {
        calling: sends,
        send: sends.then(|| file.clone()),
        receive: (!sends).then_some(file),
        ecm,
        modulations: vec![Modulation::V27ter, Modulation::V29, Modulation::V17],
        codings: [PageCoding::Mh, PageCoding::Mr, PageCoding::Mmr]
            .into_iter()
            .filter(|c| *c <= coding)
            .collect(),
        scan_time_ms: 0,
        not_ready: 0,
        t38_version: 0,
        t38_unpaced: false,
        address: None,
    }))
}

#[test]
fn pages_go_to_spandsp() {
    for class in CLASSES {
        for (coding, ecm) in CODINGS {
            let folder = tempfile::tempdir().unwrap();
            let sent = document(2, Resolution::R204x196);
            let allowed = Capability { ecm, mr: coding != PageCoding::Mh, ..Capability::FULL };
            let config = SenderConfig { allowed, ..sender_config(2) };
            let callee = Callee::Fax(Box::new(terminal(folder.path(), false, coding, ecm)));
            let done =
                send(config, profile(class), Store::with(sent.clone()), modem(Quirks::default()), callee);
            let case = format!("{class}, {coding}, ECM {ecm}: {:?}", done.commands);
            assert_eq!(done.report.outcome, Outcome::Delivered, "{case}");
            let negotiated = done.report.negotiated.unwrap();
            assert_eq!((negotiated.coding, negotiated.ecm_frame_octets.is_some()), (coding, ecm), "{case}");
            assert_eq!(done.office.seen[0].result, Some(0), "{case}");
            let octets = std::fs::read(folder.path().join("spandsp.tif")).unwrap();
            let images = tiff::read(&octets, &tiff::Limits::default()).unwrap();
            let came: Vec<Page> = images.into_iter().map(|image| image.into_page().unwrap()).collect();
            assert!(came == sent, "{case}");
        }
    }
}

#[test]
fn pages_come_from_spandsp() {
    for class in CLASSES {
        for (coding, ecm) in CODINGS {
            let folder = tempfile::tempdir().unwrap();
            let sent = document(2, Resolution::R204x196);
            let profile_f = tiff::Profile::F { coding: t4::Coding::Mmr };
            let octets = tiff::write(&sent, profile_f, &tiff::Info::default()).unwrap();
            std::fs::write(folder.path().join("spandsp.tif"), octets).unwrap();
            let far = terminal(folder.path(), true, coding, ecm);
            let quirks = modem(Quirks::default());
            let done = receive(receiver_config(), profile(class), Store::default(), quirks, far);
            let case = format!("{class}, {coding}, ECM {ecm}: {:?}", done.commands);
            assert_eq!(done.report.outcome, Outcome::Received, "{case}");
            assert!(done.store.received.iter().map(|received| &received.page).eq(&sent), "{case}");
            assert_eq!(done.office.seen[0].result, Some(0), "{case}");
            assert_eq!(done.report.remote_id.as_deref(), Some("+1 212 555 0177"));
        }
    }
}
