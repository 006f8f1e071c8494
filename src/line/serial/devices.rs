//! The serial devices of this machine, and who may open one.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;

/// More devices than anybody wants to read.
const DEVICES_MAX: usize = 64;

/// A serial device that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Its name, the one that does not change where it has one.
    pub path: PathBuf,
    /// What is plugged in there, as it calls itself.
    pub product: Option<String>,
}

/// The serial devices that there are, as the kernel lists them.
#[must_use]
pub fn devices() -> Vec<Device> {
    let Ok(entries) = fs::read_dir("/sys/class/tty") else { return Vec::new() };
    let mut found: Vec<Device> = entries.flatten().filter_map(|entry| device(&entry.path())).collect();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found.truncate(DEVICES_MAX);
    found
}

fn device(sys: &Path) -> Option<Device> {
    // Consoles and pseudo terminals have no hardware behind them.
    let hardware = fs::canonicalize(sys.join("device")).ok()?;
    // A serial port of a PC that is in the tables and not on the board is of type 0.
    let is_missing = fs::read_to_string(sys.join("type")).is_ok_and(|kind| kind.trim() == "0");
    let path = Path::new("/dev").join(sys.file_name()?);
    if is_missing || !path.exists() {
        return None;
    }
    let product = |dir: &Path| fs::read_to_string(dir.join("product")).ok();
    let product = hardware.ancestors().skip(1).take(2).find_map(product).map(|text| text.trim().to_owned());
    Some(Device { path: lasting_name(&path), product })
}

/// The name of a device below `/dev/serial/by-id`, which it has also when devices are plugged in another order; its own
/// where it has none there.
#[must_use]
pub fn lasting_name(device: &Path) -> PathBuf {
    let Ok(real) = fs::canonicalize(device) else { return device.to_owned() };
    let by_id = fs::read_dir("/dev/serial/by-id").into_iter().flatten().flatten().map(|entry| entry.path());
    by_id
        .into_iter()
        .find(|link| fs::canonicalize(link).is_ok_and(|target| target == real))
        .unwrap_or_else(|| device.to_owned())
}

/// Who may open a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Access {
    /// Its owner and group, by name where they have one.
    pub owner: String,
    /// See there.
    pub group: String,
    /// Whether the group may read and write it.
    pub group_may: bool,
    /// As whom this program runs.
    pub user: String,
}

/// Who may open a device; `None` where that cannot be seen.
#[must_use]
pub fn access(device: &Path) -> Option<Access> {
    let metadata = fs::metadata(device).ok()?;
    Some(Access {
        owner: name("/etc/passwd", metadata.uid()),
        group: name("/etc/group", metadata.gid()),
        group_may: metadata.permissions().mode() & 0o060 == 0o060,
        user: name("/etc/passwd", rustix::process::geteuid().as_raw()),
    })
}

/// The name behind a number in a file of lines `name:x:number:…`.
fn name(file: &str, number: u32) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let of = |line: &str| {
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?);
        (id.parse() == Ok(number)).then(|| name.to_owned())
    };
    text.lines().find_map(of).unwrap_or_else(|| number.to_string())
}

/// A process that has a device open, with its program; `None` where none is seen. Of several it is the gateway, which
/// has it for itself. Those of others are seen by the superuser only.
#[must_use]
pub fn user_of(device: &Path) -> Option<(i32, String)> {
    let real = fs::canonicalize(device).ok()?;
    let own = std::process::id().cast_signed();
    let has_it = |process: &Path| {
        let open = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
        open.into_iter().any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == real))
    };
    let users = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok().filter(|pid| *pid != own)?;
        let program = || fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        has_it(&entry.path()).then(|| (pid, program().trim().to_owned()))
    });
    users.max_by_key(|(_, program)| program == "faxgate")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_of_a_device_is_named() {
        let null = access(Path::new("/dev/null")).unwrap();
        assert_eq!((null.owner.as_str(), null.group.as_str()), ("root", "root"));
        assert_eq!(access(Path::new("/dev/none")), None);
        assert_eq!(name("/etc/passwd", 4_000_000_000), "4000000000");
    }

    #[test]
    fn consoles_are_no_serial_devices() {
        let found = devices();
        assert!(!found.iter().any(|device| device.path.ends_with("tty1")), "{found:?}");
        assert_eq!(lasting_name(Path::new("/dev/null")), Path::new("/dev/null"));
    }
}
