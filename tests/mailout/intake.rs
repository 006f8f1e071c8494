//! A fax is taken in page by page, and nothing that was confirmed is lost.

use faxgate::job::{About, FaxId, ReceivedFax};
use faxgate::received::{Intake, IntakeError, ReceivedConfig, files};
use faxgate::store::Store;

use crate::given::{at, fax, number, page};
use crate::keep::Keep;

fn intake(keep: &Keep) -> Intake {
    let config =
        "[[route]]\ncalled = \"+12125550199\"\nto = [\"office@example.com\", \"archive@example.com\"]";
    let config: ReceivedConfig = toml::from_str(config).unwrap();
    Intake::new(keep.store.clone(), keep.blobs.clone(), config, "postmaster@example.com".into())
}

async fn begin(intake: &Intake) -> FaxId {
    let (called, caller) = (number("+12125550199"), number("+12125550123"));
    intake.begin("modem-1", Some(called), Some(caller), at("09:04:05")).await.unwrap()
}

#[tokio::test]
async fn a_fax_is_kept_with_a_mail_for_each_mailbox() {
    let keep = Keep::new();
    let intake = intake(&keep);
    let id = begin(&intake).await;
    for n in 1..=2 {
        intake.page(&id, n, &page(n)).await.unwrap();
    }
    let fax = ReceivedFax { id: id.clone(), ..fax() };
    intake.end(&fax).await.unwrap();
    intake.end(&fax).await.unwrap();

    assert_eq!(keep.store.received(&id).await.unwrap(), fax);
    let notices = keep.notices().await;
    let mut to: Vec<_> = notices.iter().map(|notice| notice.to.as_str()).collect();
    to.sort_unstable();
    assert_eq!(to, ["archive@example.com", "office@example.com"], "each once, though end came twice");
    assert!(notices.iter().all(|notice| notice.about == About::Received(id.clone())));
    let folder = format!("received/{id}");
    assert_eq!(keep.blobs.keys(), [format!("{folder}/0001.tiff"), format!("{folder}/0002.tiff")]);
    let file = keep.blobs.blobs.lock().unwrap()[&ReceivedFax::page_key(&id, 2)].clone();
    assert_eq!(files::page(&file).map(|page| page.decode()), Some(page(2)), "the page as it came");
    assert_eq!(intake.recover(at("09:30:00")).await.unwrap(), 0);
}

#[tokio::test]
async fn a_call_without_a_page_leaves_nothing() {
    let keep = Keep::new();
    let intake = intake(&keep);
    let id = begin(&intake).await;
    let empty = ReceivedFax { id, pages: 0, complete: false, ..fax() };
    intake.end(&empty).await.unwrap();
    assert!(keep.store.received(&empty.id).await.is_err());
    assert_eq!((keep.notices().await, keep.blobs.keys()), (vec![], vec![]));
}

#[tokio::test]
async fn what_a_killed_gateway_had_confirmed_is_delivered_once() {
    let keep = Keep::new();
    let (two_pages, no_page) = {
        let intake = intake(&keep);
        let two_pages = begin(&intake).await;
        let no_page = begin(&intake).await;
        for n in 1..=2 {
            intake.page(&two_pages, n, &page(n)).await.unwrap();
        }
        (two_pages, no_page)
    };
    let intake = intake(&keep);
    assert_eq!(intake.recover(at("09:30:00")).await.unwrap(), 1);
    let fax = keep.store.received(&two_pages).await.unwrap();
    assert_eq!(
        fax,
        ReceivedFax {
            id: two_pages.clone(),
            remote_id: None,
            ended: at("09:30:00"),
            complete: false,
            mode: None,
            ..self::fax()
        }
    );
    assert!(keep.store.received(&no_page).await.is_err());
    assert_eq!(keep.notices().await.len(), 2);
    assert_eq!(intake.recover(at("09:31:00")).await.unwrap(), 0);
    assert_eq!(keep.notices().await.len(), 2);
}

#[tokio::test]
async fn a_note_left_beside_a_kept_fax_is_only_cleared_away() {
    let keep = Keep::new();
    let intake = intake(&keep);
    let id = begin(&intake).await;
    let note = format!("received/{id}/call.json");
    let bytes = keep.blobs.blobs.lock().unwrap()[&note].clone();
    let fax = ReceivedFax { id: id.clone(), ..fax() };
    intake.end(&fax).await.unwrap();
    keep.blobs.plant(note, &bytes);
    assert_eq!(intake.recover(at("09:30:00")).await.unwrap(), 0);
    assert_eq!(keep.store.received(&id).await.unwrap(), fax, "still complete");
    assert_eq!(keep.blobs.keys(), [""; 0]);
}

#[tokio::test]
async fn a_damaged_note_does_not_hold_the_pages_back() {
    let keep = Keep::new();
    let intake = intake(&keep);
    let id = begin(&intake).await;
    intake.page(&id, 1, &page(1)).await.unwrap();
    keep.blobs.plant(format!("received/{id}/call.json"), b"{");
    keep.blobs.plant("received/not-an-id/call.json", b"{}");
    keep.blobs.plant(format!("received/{id}/thumbs.tiff"), b"x");
    assert_eq!(intake.recover(at("09:30:00")).await.unwrap(), 1);
    let fax = keep.store.received(&id).await.unwrap();
    assert_eq!((fax.pages, fax.line.as_str(), fax.complete), (1, "unknown", false));
    let notices = keep.notices().await;
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].to, "postmaster@example.com");
}

#[tokio::test]
async fn a_disk_that_fails_keeps_the_page_from_being_confirmed() {
    let keep = Keep::new();
    let intake = intake(&keep);
    let id = begin(&intake).await;
    *keep.blobs.broken.lock().unwrap() = true;
    assert!(matches!(intake.page(&id, 1, &page(1)).await, Err(IntakeError::Blob(_))));
    assert!(matches!(intake.begin("m", None, None, at("09:05:00")).await, Err(IntakeError::Blob(_))));
    assert!(matches!(intake.recover(at("09:06:00")).await, Err(IntakeError::Blob(_))));
    *keep.blobs.broken.lock().unwrap() = false;
    assert!(matches!(intake.page(&id, 501, &page(1)).await, Err(IntakeError::TooManyPages(501))));
    let odd = fax::page::Page::white(1000, 10, fax::page::Resolution::R204x98);
    assert!(matches!(intake.page(&id, 1, &odd).await, Err(IntakeError::Page(_))));
}
