//! Somebody has a box with a telephone plug and asks what it is: `faxgate modem`, with the real program.
//!
//! Slow: a device that does not answer is asked for some seconds.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fax_peers::exchange::{Exchange, Pace};
use faxgate::config::{Config, LineConfig};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

const FAXGATE: &str = env!("CARGO_BIN_EXE_faxgate");

fn modem(device: &Path, args: &[&str]) -> Output {
    Command::new(FAXGATE).arg("modem").arg(device).args(args).output().unwrap()
}

fn text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// What it says where something is wrong, and with which exit code.
fn complaint(output: &Output, code: i32) -> String {
    let (said, complained) = text(output);
    println!("--- exit code {:?}\n{complained}", output.status.code());
    assert_eq!((output.status.code(), said.as_str()), (Some(code), ""), "{complained}");
    complained
}

/// A pseudo terminal with nobody behind it.
fn bare_pty() -> (OwnedFd, PathBuf) {
    let fd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&fd).unwrap();
    unlockpt(&fd).unwrap();
    let path = PathBuf::from(ptsname(&fd, Vec::new()).unwrap().into_string().unwrap());
    (fd, path)
}

#[test]
fn a_modem_says_what_it_is_and_its_lines_can_be_pasted() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path(), Pace::Real).unwrap();
    let device = exchange.plug("100").unwrap();
    let output = modem(&device, &[]);
    let (said, complained) = text(&output);
    println!("{said}");
    assert!(output.status.success(), "{complained}");
    for words in
        ["answers at 38400 bit/s", "fax classes", "14400 V.17 down to 2400 V.27ter", "yes, by Faxgate"]
    {
        assert!(said.contains(words), "{words:?} is not in\n{said}");
    }
    assert_eq!(complained, "");
    assert!(exchange.is_on_hook("100"));

    let (_, lines) = said.split_once("For the configuration:\n").unwrap();
    let config: Config = Config::parse(lines, Path::new("pasted")).unwrap();
    let [LineConfig::Modem(line)] = &config.line[..] else { panic!("{lines}") };
    assert_eq!(line.device, device);
}

#[test]
fn a_modem_that_does_t30_itself() {
    use fax_peers::class2_modem::office::{Callee, Office};
    use fax_peers::class2_modem::{Class, Config, pty::PtyModem};
    let config = Config { classes: vec![Class::TwoPointZero], ..Config::default() };
    let behind = PtyModem::new(Office::new(config, |_| Callee::Busy)).unwrap();
    let output = modem(behind.path(), &[]);
    let (said, complained) = text(&output);
    println!("{said}{complained}");
    assert!(said.contains("2.0; best here: 2.0"), "{said}{complained}");
    assert!(said.contains("yes, by the modem"), "{said}");
}

#[test]
fn a_program_gets_the_same_as_json() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path(), Pace::Real).unwrap();
    let device = exchange.plug("100").unwrap();
    let output = modem(&device, &["--json", "--baud", "115200"]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((value["is"].as_str(), value["baud"].as_u64()), (Some("fax-modem"), Some(115_200)), "{value}");
    assert!(value["classes"].as_array().unwrap().iter().any(|class| class == "1"), "{value}");
    assert!(value["configuration"].as_str().unwrap().contains("[[line]]"));

    let output = modem(&dir.path().join("none"), &["--json"]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((value["is"].as_str(), output.status.code()), (Some("no-device"), Some(1)));
}

#[test]
fn a_device_that_is_not_there() {
    let complained = complaint(&modem(Path::new("/dev/ttyACM77"), &[]), 1);
    assert!(complained.contains("there is no device /dev/ttyACM77"), "{complained}");
    let lists = complained.contains("These are there:") || complained.contains("no serial devices at all");
    assert!(lists, "{complained}");
}

#[test]
fn a_device_that_may_not_be_opened() {
    let (_behind, device) = bare_pty();
    std::fs::set_permissions(&device, PermissionsExt::from_mode(0o060)).unwrap();
    // The superuser may open everything, and becomes nobody; the program must be where nobody can get at it.
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let program = dir.path().join("faxgate");
    std::fs::copy(FAXGATE, &program).unwrap();
    let output = if rustix::process::geteuid().is_root() {
        let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        Command::new("setpriv").args(nobody).arg(program).arg("modem").arg(&device).output().unwrap()
    } else {
        modem(&device, &[])
    };
    let complained = complaint(&output, 77);
    assert!(complained.contains("may not open"), "{complained}");
    assert!(complained.contains("usermod -aG"), "{complained}");
}

#[test]
fn a_terminal_that_does_not_answer() {
    let (_behind, device) = bare_pty();
    let complained = complaint(&modem(&device, &[]), 1);
    assert!(complained.contains("nothing answers"), "{complained}");
    assert!(complained.contains("pseudo terminal"), "{complained}");
}

#[test]
fn what_is_no_serial_port_at_all() {
    let complained = complaint(&modem(Path::new("/dev/null"), &[]), 1);
    assert!(complained.contains("no serial port"), "{complained}");
}

#[test]
fn a_modem_that_another_program_has() {
    let (_behind, device) = bare_pty();
    let port = serialport::new(device.to_string_lossy(), 38_400);
    let _held = serialport::TTYPort::open(&port).unwrap();
    let complained = complaint(&modem(&device, &[]), 75);
    let own = std::process::id();
    let is_named = complained.contains(&format!("in use by process {own}"));
    assert!(is_named || complained.contains("in use by another program"), "{complained}");
}
