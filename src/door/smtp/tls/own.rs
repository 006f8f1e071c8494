//! A certificate of our own making: made once for each host name, kept, and made anew when its time runs out.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};

use super::TlsError;

/// How long one is good for.
const YEARS: i64 = 10;
/// How long before its end it is replaced, so that none runs out in a gateway that is never restarted.
const REPLACED_AFTER_YEARS: i64 = 8;

/// The file that has certificate and key for this host name; it is made where there is none, or an old one.
pub(super) fn made(dir: &Path, hostname: &str, now: Timestamp) -> Result<PathBuf, TlsError> {
    // Nothing but letters, digits and `.-_:[]` is let into the setting, so it is a file's name too.
    let path = dir.join(format!("{hostname}.self-made.pem"));
    let wrong = |cause: String| TlsError { path: path.clone(), cause };
    if is_fresh(&path, now) {
        return Ok(path);
    }
    let text = make(hostname, now).map_err(&wrong)?;
    write(dir, &path, &text).map_err(|e| wrong(e.to_string()))?;
    tracing::info!(path = %path.display(), "made a certificate; other servers cannot tell whose it is");
    Ok(path)
}

fn is_fresh(path: &Path, now: Timestamp) -> bool {
    let Some(made) = fs::metadata(path).ok().and_then(|m| m.modified().ok()) else { return false };
    let Ok(made) = Timestamp::try_from(made) else { return false };
    let end = made.to_zoned(TimeZone::UTC).checked_add(REPLACED_AFTER_YEARS.years());
    end.is_ok_and(|end| now < end.timestamp())
}

fn make(hostname: &str, now: Timestamp) -> Result<String, String> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let day = |date: jiff::civil::Date| {
        // Every month has its 28 days.
        let number = |n: i8| u8::try_from(n).unwrap_or(1);
        date_time_ymd(i32::from(date.year()), number(date.month()), number(date.day().min(28)))
    };
    let yesterday = today.saturating_sub(2.days());
    let mut params = CertificateParams::new(vec![hostname.to_owned()]).map_err(|e| e.to_string())?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, hostname);
    params.distinguished_name = name;
    params.not_before = day(yesterday);
    params.not_after = day(today.saturating_add(YEARS.years()));
    let key = KeyPair::generate().map_err(|e| e.to_string())?;
    let certificate = params.self_signed(&key).map_err(|e| e.to_string())?;
    Ok(certificate.pem() + &key.serialize_pem())
}

/// Puts the file in its place whole, for the eyes of its owner alone.
fn write(dir: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let draft = path.with_extension("new");
    let _ = fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_made_once_kept_from_others_and_replaced_when_old() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("tls");
        let now = Timestamp::try_from(std::time::SystemTime::UNIX_EPOCH).unwrap();
        let path = made(&dir, "fax.example.com", now).unwrap();
        let first = fs::read_to_string(&path).unwrap();
        assert!(first.contains("BEGIN CERTIFICATE") && first.contains("PRIVATE KEY"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        made(&dir, "fax.example.com", now).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), first);
        let late: Timestamp = "2100-02-28T12:00:00Z".parse().unwrap();
        made(&dir, "fax.example.com", late).unwrap();
        assert_ne!(fs::read_to_string(&path).unwrap(), first);
    }

    #[test]
    fn a_name_that_is_an_address_will_do() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["localhost", "192.0.2.1", "a_b.example", "[192.0.2.1]"] {
            assert!(made(dir.path(), name, "2028-02-29T00:00:00Z".parse().unwrap()).is_ok(), "{name}");
        }
    }
}
