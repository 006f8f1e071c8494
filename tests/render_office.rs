//! Office documents by LibreOffice, the real one: each kind becomes pages that can be read; no macro runs and nothing is
//! fetched; what takes too much is cut by the limit that is named, and the next document works; nothing is left behind.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, clippy::disallowed_methods)]

mod support;

use std::fs;
use std::io::{Cursor, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use fax::page::Page;
use image::{GrayImage, Luma};
use support::{FAXGATE, Gateway, Smtp, lines, received_pages, tiff_pages, wait_for, write_config};

const PROGRAM: &str = "[render.office]\nprogram = \"soffice\"\n";

fn make(dir: &Path, more: &[&str]) {
    let made =
        Command::new("/usr/bin/python3").arg("tests/awkward/office.py").arg(dir).args(more).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A gateway's folder, with a folder for temporary files below it in which nothing may be left.
struct Ground {
    dir: tempfile::TempDir,
}

impl Ground {
    fn new(settings: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("tmp")).unwrap();
        write_config(dir.path(), settings);
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `faxgate render`, to `out.tiff`.
    fn render(&self, files: &[PathBuf]) -> Output {
        Command::new(FAXGATE)
            .env("TMPDIR", self.path("tmp"))
            .arg("--config")
            .arg(self.path("faxgate.toml"))
            .args(["render", "--no-cover", "--manifest", "--time", "2026-12-01T08:00:00Z", "-o"])
            .arg(self.path("out.tiff"))
            .args(files)
            .output()
            .unwrap()
    }

    /// The pages, or what was said instead.
    fn pages(&self, files: &[PathBuf]) -> Result<Vec<Page>, String> {
        let output = self.render(files);
        assert_eq!(fs::read_dir(self.path("tmp")).unwrap().count(), 0, "something is left");
        match output.status.success() {
            true => Ok(tiff_pages(&fs::read(self.path("out.tiff")).unwrap())),
            false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        }
    }
}

/// What tesseract reads on a page, which may lie on its side: slides are wider than high.
fn read(dir: &Path, page: &Page) -> String {
    let picture = dir.join("page.png");
    let tone = |x, y| Luma([if page.is_black(x, y) { 0 } else { 255 }]);
    let upright = GrayImage::from_fn(page.width(), page.rows(), tone);
    let turned = image::imageops::rotate90(&upright);
    let mut text = String::new();
    for image in [upright, turned] {
        image.save(&picture).unwrap();
        let mut tesseract = Command::new("tesseract");
        // Its threads wait for each other where other tests run beside it.
        tesseract.env("OMP_THREAD_LIMIT", "1");
        let output = tesseract.arg(&picture).args(["stdout", "--dpi", "204"]).output().unwrap();
        text += &String::from_utf8_lossy(&output.stdout).to_lowercase();
    }
    text
}

#[test]
fn every_kind_becomes_pages_that_can_be_read() {
    let ground = Ground::new(PROGRAM);
    let dir = ground.dir.path();
    make(dir, &[]);
    let documents = [
        ("letter.docx", "garden"),
        ("costs.xlsx", "river"),
        ("plan.odp", "mountain"),
        ("window.odt", "window"),
        ("street.rtf", "street"),
        ("paper.doc", "paper"),
        ("summer.ods", "summer"),
        ("winter.xls", "winter"),
        ("pencil.pptx", "pencil"),
        ("teacher.ppt", "teacher"),
        ("table.csv", "school"),
        ("table.tsv", "invoice"),
    ];
    // The bytes say what a document is, whatever it is called.
    fs::rename(dir.join("letter.docx"), dir.join("letter")).unwrap();
    for (name, word) in documents {
        let path = dir.join(name.replace("letter.docx", "letter"));
        let begun = Instant::now();
        let pages = ground.pages(&[path]).unwrap_or_else(|said| panic!("{name}: {said}"));
        let took = begun.elapsed();
        let text = read(dir, &pages[0]);
        println!("{name}: {took:.1?} from cold, {} pages", pages.len());
        assert!(pages.len() == 1 && text.contains(word), "{name}: {} pages, {text:?}", pages.len());
    }
}

#[test]
fn no_macro_runs_and_nothing_is_fetched() {
    let ground = Ground::new(PROGRAM);
    let dir = ground.dir.path();
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    web.set_nonblocking(true).unwrap();
    let port = web.local_addr().unwrap().port();
    let secret = dir.join("secret.txt");
    fs::write(&secret, "the secret elephant").unwrap();
    make(dir, &["hostile", &port.to_string(), secret.to_str().unwrap()]);
    for name in ["macro.odt", "links.docx", "links.odt", "links.ods"] {
        let pages = ground.pages(&[dir.join(name)]).unwrap_or_else(|said| panic!("{name}: {said}"));
        let text: String = pages.iter().map(|page| read(dir, page)).collect();
        for word in ["began", "elephant", "root:", "/bin/"] {
            assert!(!text.contains(word), "{name} shows {word}: {text}");
        }
        assert!(web.accept().is_err(), "{name} has fetched something");
        println!("{name}: {:?}", text.trim());
    }
}

/// A LibreOffice that nobody holds back fetches a picture: the test above can fail.
#[test]
fn a_libreoffice_that_nobody_holds_back_fetches() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    web.set_nonblocking(true).unwrap();
    let port = web.local_addr().unwrap().port().to_string();
    make(dir, &["hostile", &port, "/etc/hostname"]);
    let profile = format!("-env:UserInstallation=file://{}/profile", dir.display());
    let mut converting = Command::new("soffice")
        .args([&profile, "--headless", "--convert-to", "pdf", "--outdir"])
        .arg(dir)
        .arg(dir.join("links.odt"))
        .spawn()
        .unwrap();
    let mut hits = 0;
    // The stream is dropped at once, so that nobody waits for an answer.
    while converting.try_wait().unwrap().is_none() {
        hits += usize::from(web.accept().is_ok());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(hits > 0);
}

#[test]
fn what_takes_too_much_is_cut_by_the_limit_that_is_named() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path(), &["some"]);
    let letter = dir.path().join("letter.docx");
    let slow = dir.path().join("slow.rtf");
    let paragraph = r"{\trowd\cellx1000\cellx2000\cellx3000 a\cell b\cell c\cell\row}";
    fs::write(&slow, format!(r"{{\rtf1 {}}}", paragraph.repeat(60_000))).unwrap();
    let ground = Ground::new(&format!("{PROGRAM}document_seconds_max = 3\n"));
    let begun = Instant::now();
    let said = ground.pages(&[slow]).unwrap_err();
    assert!(said.contains("“slow.rtf” cannot be faxed: it takes longer than 3 seconds to convert"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(15));
    assert_eq!(ground.pages(std::slice::from_ref(&letter)).unwrap().len(), 1);
    let ground = Ground::new(&format!("{PROGRAM}memory_mb_max = 300\n"));
    let said = ground.pages(&[dir.path().join("large.ods")]).unwrap_err();
    assert!(said.contains("takes more than 300 MB of memory"), "{said}");
    assert_eq!(ground.pages(&[letter]).unwrap().len(), 1);
}

#[test]
fn what_cannot_be_read_is_said_in_plain_words() {
    let ground = Ground::new(PROGRAM);
    let broken = ground.path("Offer.docx");
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("[Content_Types].xml", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(b"<x/>").unwrap();
    fs::write(&broken, archive.finish().unwrap().into_inner()).unwrap();
    let said = ground.pages(std::slice::from_ref(&broken)).unwrap_err();
    assert!(said.contains("the Word document is damaged, protected with a password, or"), "{said}");
    let ground = Ground::new("[render.office]\nprogram = \"/nonexistent\"\n");
    let said = ground.pages(&[broken]).unwrap_err();
    let refusal = "“Offer.docx” cannot be faxed: it is a Word document, and this gateway has no LibreOffice to read it; \
                   send it as PDF";
    assert!(said.contains(refusal), "{said}");
}

/// A mail with an office document, as base64.
fn mail(document: &Path) -> String {
    use base64::Engine;
    let name = document.file_name().unwrap().to_str().unwrap();
    let bytes = base64::engine::general_purpose::STANDARD.encode(fs::read(document).unwrap());
    let folded: Vec<_> = bytes.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!(
        "From: anna@example.com\nSubject: A letter\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n--b\n\
         Content-Type: application/octet-stream\nContent-Disposition: attachment; filename=\"{name}\"\n\
         Content-Transfer-Encoding: base64\n\n{}\n--b--\n",
        folded.join("\n")
    )
}

fn send(gateway: &Gateway, document: &Path) -> String {
    let to = ["+12125550123@fax.example.com".to_owned()];
    Smtp::connect(gateway.smtp).unwrap().send("anna@example.com", &to, &mail(document)).unwrap()
}

/// The numbers of the LibreOffice processes whose profile is below this folder.
fn running(folder: &Path) -> Vec<i32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_ours = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        line.contains("soffice.bin\0") && line.contains(&format!("file://{}", folder.display()))
    };
    pids.filter(is_ours).collect()
}

#[test]
fn a_gateway_faxes_a_letter_also_when_somebody_kills_libreoffice() {
    let settings = format!(
        "{PROGRAM}{}[simulation]\npace = 50.0\n",
        lines(&[("a", "+12125550100"), ("b", "+12125550123")])
    );
    let ground = Ground::new(&settings);
    let (dir, tmp) = (ground.dir.path(), ground.path("tmp").canonicalize().unwrap());
    make(dir, &["some"]);
    let gateway = Gateway::restart_with(dir, &[("TMPDIR", tmp.to_str().unwrap())]);
    wait_for("LibreOffice", || gateway.log().contains("office documents can be faxed").then_some(()));
    assert!(gateway.log().contains("system calls"), "{}", gateway.log());
    for (count, kill) in [(1, false), (2, true)] {
        let ready = wait_for("a process ahead", || running(&tmp).pop());
        let status = fs::read_to_string(format!("/proc/{ready}/status")).unwrap();
        assert!(status.contains("Seccomp:\t2") && status.contains("NoNewPrivs:\t1"), "{status}");
        if kill {
            assert!(Command::new("kill").args(["-9", &ready.to_string()]).status().unwrap().success());
        }
        let begun = Instant::now();
        assert!(send(&gateway, &dir.join("letter.docx")).starts_with("250 "));
        let mails = gateway.wait_for_mails("postmaster@fax.example.com", count);
        println!("received after {:.1?}", begun.elapsed());
        let pages = received_pages(mails.last().unwrap());
        assert_eq!(pages.len(), 2);
        assert!(read(dir, &pages[1]).contains("garden"));
    }
    // Killed without warning, it leaves nothing all the same.
    gateway.kill();
    wait_for("nothing to be left", || {
        (running(&tmp).is_empty() && fs::read_dir(&tmp).unwrap().next().is_none()).then_some(())
    });
}

#[test]
fn without_libreoffice_the_message_is_refused_at_once() {
    let ground = Ground::new("[render.office]\nprogram = \"/nonexistent\"\n");
    make(ground.dir.path(), &["some"]);
    let gateway = Gateway::restart(ground.dir.path());
    assert!(gateway.log().contains("office documents cannot be faxed"), "{}", gateway.log());
    let answer = send(&gateway, &ground.path("costs.xlsx"));
    assert!(answer.starts_with("55"), "{answer}");
    assert!(
        answer.replace("\r\n550-5.6.1 ", " ").contains("this gateway has no LibreOffice to read it"),
        "{answer}"
    );
}

#[test]
fn a_gateway_that_is_told_to_stop_leaves_nothing() {
    let ground = Ground::new(PROGRAM);
    let tmp = ground.path("tmp").canonicalize().unwrap();
    let gateway = Gateway::restart_with(ground.dir.path(), &[("TMPDIR", tmp.to_str().unwrap())]);
    wait_for("LibreOffice", || running(&tmp).pop());
    gateway.terminate();
    wait_for("nothing to be left", || {
        (running(&tmp).is_empty() && fs::read_dir(&tmp).unwrap().next().is_none()).then_some(())
    });
}
