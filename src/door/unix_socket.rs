//! Unix sockets of the doors: bound in the place of one that a dead gateway left, and open to whom the operator says.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use tokio::net::UnixListener;

/// The mode of a socket's file, written in octal digits; `None` where it is none.
pub(super) fn mode(setting: &str) -> Option<u32> {
    u32::from_str_radix(setting, 8).ok().filter(|mode| *mode <= 0o777)
}

/// Binds a socket; one that nobody serves any more is replaced, any other file is not.
pub(super) fn bind(path: &Path, mode: u32) -> io::Result<UnixListener> {
    make_way(path)?;
    let socket = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(socket)
}

fn make_way(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => Err(io::ErrorKind::AlreadyExists.into()),
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
            Err(io::ErrorKind::AddrInUse.into())
        }
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_that_is_served_stays_and_a_dead_one_makes_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("door.sock");
        let first = bind(&path, 0o600).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(bind(&path, 0o600).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(first);
        let second = bind(&path, 0o666).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o666);
        drop(second);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "a letter").unwrap();
        assert_eq!(bind(&path, 0o600).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"a letter");
    }

    #[test]
    fn a_mode_is_octal_and_has_no_special_bits() {
        assert_eq!((mode("660"), mode("0666")), (Some(0o660), Some(0o666)));
        assert_eq!(["", "rw", "4777", "-1", "888"].map(mode), [None; 5]);
    }
}
