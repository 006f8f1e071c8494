//! Mail into Maildirs on this machine, one for each recipient.
//!
//! A mail is written to `tmp/`, flushed, renamed into `new/`, and the folder is flushed: a reader never sees
//! half of one, and a mail that was taken survives a power cut. The file name comes from the mail's key alone,
//! so the same mail put in twice is there once, also where its reader has moved it to `cur/` meanwhile.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Mail, Mailer, MailerError};

/// The longest name that file systems take.
const NAME_BYTES_MAX: usize = 255;

/// Where the Maildirs are (`[mailer.maildir]`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MaildirConfig {
    /// The folder that holds one Maildir for each recipient, named by the address.
    pub dir: PathBuf,
}

impl Default for MaildirConfig {
    fn default() -> Self {
        Self { dir: PathBuf::from("/var/lib/faxgate/mail") }
    }
}

/// Puts mail into Maildirs.
#[derive(Clone, Debug)]
pub struct Maildir {
    dir: PathBuf,
}

impl Maildir {
    /// Maildirs under the configured folder; they are made when the first mail comes.
    #[must_use]
    pub fn new(config: &MaildirConfig) -> Self {
        Self { dir: config.dir.clone() }
    }

    /// The Maildir of a recipient; `None` where the address is too long for a folder name.
    #[must_use]
    pub fn folder(&self, address: &str) -> Option<PathBuf> {
        let name = folder_name(address);
        (!name.is_empty() && name.len() <= NAME_BYTES_MAX).then(|| self.dir.join(name))
    }
}

#[async_trait]
impl Mailer for Maildir {
    async fn send(&self, mail: &Mail) -> Result<(), MailerError> {
        let folder = self
            .folder(&mail.to)
            .ok_or_else(|| MailerError::Permanent(format!("{:?} cannot be a Maildir's name", mail.to)))?;
        let (mail, shown) = (mail.clone(), folder.display().to_string());
        let done = tokio::task::spawn_blocking(move || put(&folder, &mail)).await;
        let failed = |cause: String| MailerError::Temporary(format!("Maildir {shown}: {cause}"));
        match done {
            Ok(result) => result.map_err(|error| failed(error.to_string())),
            Err(stopped) => Err(failed(stopped.to_string())),
        }
    }
}

/// An address as a folder name. Letters lose their case, as mailboxes everywhere do; what is not plain is
/// written as `=` and two hexadecimal digits, so that two addresses never share a folder and none escapes.
fn folder_name(address: &str) -> String {
    let mut name = String::new();
    for byte in address.to_lowercase().bytes() {
        let plain = matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'@' | b'+' | b'-' | b'_')
            || (byte == b'.' && !name.is_empty());
        if plain {
            name.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(name, "={byte:02x}");
        }
    }
    name
}

fn put(folder: &Path, mail: &Mail) -> io::Result<()> {
    for part in ["cur", "new", "tmp"] {
        make_folder(&folder.join(part))?;
    }
    let name = folder_name(&mail.key);
    if is_there(folder, &name)? {
        return Ok(());
    }
    let (tmp, new) = (folder.join("tmp").join(&name), folder.join("new"));
    let mut file = File::create(&tmp)?;
    // Final delivery says where the mail came from (RFC 5321 §4.4). Readers of a Maildir expect the line ends of this
    // system.
    let from = mail.from.as_deref().unwrap_or_default();
    file.write_all(format!("Return-Path: <{from}>\n").as_bytes())?;
    file.write_all(&with_lf(&mail.data))?;
    file.sync_all()?;
    fs::rename(&tmp, new.join(&name))?;
    File::open(&new)?.sync_all()
}

/// Makes a folder and those above it, and flushes each folder that got a new entry.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
    if let Some(above) = above {
        make_folder(above)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(above.unwrap_or(Path::new(".")))?.sync_all()
}

/// Whether the mail lies in `new/`, or in `cur/` with the flags that its reader added (`NAME:2,S`).
fn is_there(folder: &Path, name: &str) -> io::Result<bool> {
    if folder.join("new").join(name).exists() {
        return Ok(true);
    }
    for entry in fs::read_dir(folder.join("cur"))? {
        let entry = entry?.file_name();
        let base = entry.to_string_lossy();
        if base.split(':').next() == Some(name) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn with_lf(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut bytes = data.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if !(byte == b'\r' && bytes.peek() == Some(&b'\n')) {
            out.push(byte);
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn mail(to: &str, key: &str) -> Mail {
        Mail { from: None, to: to.into(), data: b"Subject: x\r\n\r\nbody\r\n".to_vec(), key: key.into() }
    }

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn maildir() -> (tempfile::TempDir, Maildir) {
        let dir = tempfile::tempdir().unwrap();
        let config = MaildirConfig { dir: dir.path().join("not/yet/there") };
        (dir, Maildir::new(&config))
    }

    #[tokio::test]
    async fn the_same_mail_is_there_once_even_after_it_was_read() {
        let (_dir, maildir) = maildir();
        let folder = maildir.folder("Anna@Example.com").unwrap();
        assert!(folder.ends_with("anna@example.com"));
        for _ in 0..2 {
            maildir.send(&mail("Anna@Example.com", "k1")).await.unwrap();
        }
        assert_eq!(files(&folder.join("new")), ["k1"]);
        assert_eq!(files(&folder.join("tmp")), [""; 0]);
        assert_eq!(fs::read(folder.join("new/k1")).unwrap(), b"Return-Path: <>\nSubject: x\n\nbody\n");

        fs::rename(folder.join("new/k1"), folder.join("cur/k1:2,S")).unwrap();
        maildir.send(&mail("anna@example.com", "k1")).await.unwrap();
        maildir.send(&mail("anna@example.com", "k12")).await.unwrap();
        assert_eq!(files(&folder.join("new")), ["k12"]);
    }

    #[tokio::test]
    async fn a_mail_cut_off_by_a_crash_is_written_anew() {
        let (_dir, maildir) = maildir();
        let folder = maildir.folder("a@b").unwrap();
        make_folder(&folder.join("tmp")).unwrap();
        fs::write(folder.join("tmp/k"), "half of a much longer mail that never came to its end").unwrap();
        maildir.send(&mail("a@b", "k")).await.unwrap();
        assert_eq!(fs::read(folder.join("new/k")).unwrap(), b"Return-Path: <>\nSubject: x\n\nbody\n");
    }

    #[test]
    fn no_address_escapes_or_meets_another() {
        let (_dir, maildir) = maildir();
        for (address, name) in [
            ("../../etc/passwd@x", "=2e.=2f..=2fetc=2fpasswd@x"),
            (".hidden@x", "=2ehidden@x"),
            ("a b@x", "a=20b@x"),
            ("a=20b@x", "a=3d20b@x"),
            ("jürgen@x", "j=c3=bcrgen@x"),
        ] {
            assert_eq!(folder_name(address), name);
        }
        assert_eq!(maildir.folder(""), None);
        assert_eq!(maildir.folder(&"ü".repeat(100)), None);
    }

    #[tokio::test]
    async fn a_disk_that_fails_is_worth_another_try_and_a_bad_address_is_not() {
        let (dir, _) = maildir();
        fs::write(dir.path().join("file"), "").unwrap();
        let blocked = Maildir::new(&MaildirConfig { dir: dir.path().join("file") });
        let error = blocked.send(&mail("a@b", "k")).await.unwrap_err();
        assert!(matches!(error, MailerError::Temporary(_)), "{error}");
        let error = blocked.send(&mail(&"x".repeat(300), "k")).await.unwrap_err();
        assert!(matches!(error, MailerError::Permanent(_)), "{error}");
    }
}
