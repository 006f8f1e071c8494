//! efax on a modem: one program a call, out of Debian's package, which `tests/install` unpacks into `target/peers`.
#![allow(dead_code, unreachable_pub, reason = "each story uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use fax::page::Page;

use super::hylafax::peers;

/// One call of efax; killed when dropped.
pub struct Efax {
    child: Child,
    folder: PathBuf,
}

/// How many rows of white efax puts on top of each page that it sends.
pub const ROWS_ON_TOP: u32 = 20;

impl Efax {
    /// Sends pages.
    pub fn send(device: &Path, folder: &Path, to: &str, pages: &[Page]) -> Self {
        let mut arguments = vec!["-h".to_owned(), String::new(), "-t".to_owned(), format!("T{to}")];
        let write = |(n, page)| write(folder, n, page).to_str().unwrap().to_owned();
        arguments.extend(pages.iter().enumerate().map(write));
        Self::start(device, folder, &arguments)
    }

    /// Waits for a call and receives, into `folder`.
    pub fn receive(device: &Path, folder: &Path) -> Self {
        let pattern = folder.join("page").to_str().unwrap().to_owned();
        Self::start(device, folder, &["-w".into(), "-iS0=1".into(), "-kZ".into(), "-r".into(), pattern])
    }

    fn start(device: &Path, folder: &Path, arguments: &[String]) -> Self {
        let program = peers().join("usr/bin/efax");
        let log = std::fs::File::create(folder.join("efax.log")).unwrap();
        let child = Command::new(program)
            .args(["-d", device.to_str().unwrap(), "-v", "chewinr", "-l", "+1 212 555 0199"])
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("efax is needed: tests/run unpacks it into target/peers");
        Self { child, folder: folder.to_owned() }
    }

    /// Waits for its end; whether it says that all went well.
    pub fn wait(&mut self) -> bool {
        let status = super::wait_for("efax to be done", || self.child.try_wait().unwrap());
        status.success()
    }

    /// The pages that it has received, a TIFF each.
    pub fn pages(&self) -> Vec<Vec<u8>> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(&self.folder)
            .unwrap()
            .map(|file| file.unwrap().path())
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("page.")))
            .collect();
        files.sort();
        files.iter().map(|path| std::fs::read(path).unwrap()).collect()
    }

    /// What it wrote of the call.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("efax.log")).unwrap_or_default()
    }
}

/// Writes a page as efax wants it: a TIFF of its own, with RTC, which efix makes.
fn write(folder: &Path, n: usize, page: &Page) -> PathBuf {
    let picture = folder.join(format!("{n}.pbm"));
    let mut pbm = format!("P4\n{} {}\n", page.width(), page.rows()).into_bytes();
    page.iter_rows().for_each(|row| pbm.extend(&row[..(page.width() as usize).div_ceil(8)]));
    std::fs::write(&picture, pbm).unwrap();
    let done = Command::new(peers().join("usr/bin/efix"))
        .args(["-i", "pbm", "-o", "tiffg3", "-n", &format!("sent-{n}-%d.tif")])
        .arg(&picture)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    folder.join(format!("sent-{n}-1.tif"))
}

impl Drop for Efax {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
