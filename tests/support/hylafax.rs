//! HylaFAX on a modem: a spool folder of its own, `faxq`, `hfaxd` and `faxgetty` out of Debian's packages, which
//! `tests/install` unpacks into `target/peers` and does not install.
//!
//! Its programs must be started by root and then run as `uucp`.
#![allow(dead_code, unreachable_pub, reason = "each story uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::wait_for;

/// Where `tests/install` unpacks what it does not install.
pub fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/root")
}

/// Runs a program as root, which a test in CI is already.
fn as_root(program: &Path) -> Command {
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = if is_root { Command::new(program) } else { Command::new("sudo") };
    if !is_root {
        let library = format!("LD_LIBRARY_PATH={}", peers().join("usr/lib/hylafax").display());
        command.args(["-n", "env", &library]).arg(program);
    }
    command.env("LD_LIBRARY_PATH", peers().join("usr/lib/hylafax"));
    command
}

fn done(output: &Output) -> String {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// A running HylaFAX; stopped when dropped.
pub struct HylaFax {
    spool: tempfile::TempDir,
    port: u16,
    children: Vec<Child>,
}

/// Converts a TIFF to the coding that is asked for, and changes nothing else.
const TIFF2FAX: &str = "#!/bin/sh
df=g3:1d
while [ $# -gt 0 ]; do
    case $1 in
        -o) out=$2; shift ;;
        -l|-w|-r|-m) shift ;;
        -2) df=g3:2d ;;
        -3) df=g4 ;;
        -*) ;;
        *) in=$1 ;;
    esac
    shift
done
exec tiffcp -i -c $df -f lsb2msb -r 99999 \"$in\" \"$out\"
";

impl HylaFax {
    /// Starts it on a modem and waits until it has initialised that.
    pub fn start(device: &Path, number: &str) -> Self {
        let programs = peers();
        assert!(programs.exists(), "HylaFAX is needed: tests/run unpacks it into target/peers");
        let spool = tempfile::Builder::new()
            .prefix("hylafax-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .unwrap();
        let device = device.canonicalize().unwrap();
        let id = device.strip_prefix("/dev").unwrap().to_str().unwrap().replace('/', "_");
        fill(spool.path(), &id, number);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut hylafax = Self { spool, port, children: Vec::new() };
        hylafax.spawn("usr/sbin/faxq", &["-D"]);
        // The address must stand before the port.
        hylafax.spawn("usr/sbin/hfaxd", &["-d", "-l", "127.0.0.1", "-i", &port.to_string()]);
        hylafax.spawn("usr/sbin/faxgetty", &[device.to_str().unwrap()]);
        wait_for("hfaxd to listen", || TcpStream::connect(("127.0.0.1", port)).ok());
        hylafax.wait_until_idle();
        hylafax
    }

    fn spawn(&mut self, program: &str, arguments: &[&str]) {
        let name = Path::new(program).file_name().unwrap().to_string_lossy();
        let out = fs::File::create(self.spool.path().join("log").join(format!("out-{name}"))).unwrap();
        let mut command = as_root(&peers().join(program));
        command.arg("-q").arg(self.spool.path()).args(arguments);
        command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
        self.children.push(command.spawn().unwrap());
    }

    /// Waits until its modem waits for calls.
    pub fn wait_until_idle(&self) {
        wait_for("HylaFAX to be idle", || {
            let status = fs::read_dir(self.spool.path().join("status")).unwrap();
            status
                .map(|file| fs::read_to_string(file.unwrap().path()).unwrap_or_default())
                .any(|status| status.starts_with("Running and idle"))
                .then_some(())
        });
    }

    /// Sends a TIFF; gives what came of it: `done`, or why it failed. Busy numbers and the like are tried once.
    pub fn send(&self, to: &str, tiff: &Path, ecm: bool) -> String {
        let before = self.notes("notified").len();
        let mut client = Command::new(peers().join("usr/bin/sendfax"));
        client
            .env("LD_LIBRARY_PATH", peers().join("usr/lib/hylafax"))
            .env("HOME", self.spool.path())
            .env("USER", "root");
        client.args(["-h", &format!("127.0.0.1:{}", self.port), "-n", "-m", "-T", "1", "-t", "1", "-D"]);
        if !ecm {
            client.arg("-E");
        }
        done(&client.arg("-d").arg(to).arg(tiff).output().unwrap());
        wait_for("HylaFAX to have sent", || self.notes("notified").get(before).cloned())
    }

    /// The documents that it has received, each with what it says of it (nothing where all went well).
    pub fn received(&self) -> Vec<(Vec<u8>, String)> {
        let notes = self.notes("received");
        let document = |note: &String| {
            let (path, rest) = note.split_once('|').unwrap();
            (fs::read(self.spool.path().join(path)).unwrap(), rest.to_owned())
        };
        notes.iter().map(document).collect()
    }

    /// Waits for so many documents.
    pub fn wait_for_received(&self, count: usize) -> Vec<(Vec<u8>, String)> {
        wait_for("HylaFAX to have received", || {
            let received = self.received();
            (received.len() >= count).then_some(received)
        })
    }

    fn notes(&self, file: &str) -> Vec<String> {
        let text = fs::read_to_string(self.spool.path().join("log").join(file)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// What it wrote of its sessions, without the image data.
    pub fn sessions(&self) -> String {
        let mut files: Vec<PathBuf> = fs::read_dir(self.spool.path().join("log"))
            .unwrap()
            .map(|file| file.unwrap().path())
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('c')))
            .collect();
        files.sort();
        let text: String = files.iter().map(|path| fs::read_to_string(path).unwrap_or_default()).collect();
        let is_telling = |line: &&str| !line.contains("data [") && !line.contains("received frame number");
        text.lines().filter(is_telling).map(|line| format!("{line}\n")).collect()
    }
}

impl Drop for HylaFax {
    fn drop(&mut self) {
        for child in &mut self.children {
            let mut ids = vec![child.id().to_string()];
            // Behind sudo, and behind faxq, there are others.
            for at in 0.. {
                let Some(id) = ids.get(at) else { break };
                let children =
                    fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
                ids.extend(children.split_whitespace().map(str::to_owned));
            }
            let _ = as_root(Path::new("kill")).arg("-KILL").args(&ids).stderr(Stdio::null()).output();
            let _ = child.wait();
        }
        // What uucp owns, only root takes away.
        let _ = as_root(Path::new("rm")).arg("-rf").arg(self.spool.path()).output();
    }
}

/// Fills a spool folder.
fn fill(spool: &Path, id: &str, number: &str) {
    for folder in [
        "archive", "bin", "client", "config", "dev", "docq", "doneq", "etc", "info", "log", "pollq", "recvq",
        "sendq", "status", "tmp",
    ] {
        fs::create_dir(spool.join(folder)).unwrap();
    }
    let programs = peers();
    let script = |name: &str, text: &str| {
        let path = spool.join("bin").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    script("tiff2fax", TIFF2FAX);
    // FILE DEVICE COMMID MESSAGE, and QFILE WHY TIME.
    script("faxrcvd", "#!/bin/sh\necho \"$1|$4\" >>log/received\n");
    script("notify", "#!/bin/sh\necho \"$2\" >>log/notified\n");
    script("wedged", "#!/bin/sh\necho wedged >>log/wedged\n");
    let common = "CountryCode: 1\nAreaCode: 212\nLongDistancePrefix: 1\nInternationalPrefix: 011\n\
        DialStringRules: etc/dialrules\nServerTracing: 1\n";
    let queue = format!(
        "{common}SendFaxCmd: {}\nContCoverPage: \"\"\n",
        programs.join("usr/lib/hylafax/bin/faxsend").display()
    );
    let modem = format!(
        "{common}FAXNumber: \"{number}\"\nLocalIdentifier: \"{number}\"\nSessionTracing: 0xFFF\n\
         RecvFileMode: 0644\nLogFileMode: 0644\nDeviceMode: 0666\nRingsBeforeAnswer: 1\nSpeakerVolume: off\n\
         TagLineFormat: \"\"\nModemType: Class1\nModemRate: 19200\nModemFlowControl: none\n\
         ModemResetCmds: \"ATH1\\nAT+VCID=1\"\nModemReadyCmds: ATH0\nClass1AdaptRecvCmd: AT+FAR=1\n\
         Class1TMConnectDelay: 400\nCallIDPattern: \"NMBR=\"\nCallIDPattern: \"NAME=\"\n\
         CallIDPattern: \"ANID=\"\nCallIDPattern: \"NDID=\"\n"
    );
    let write = |name: &str, text: &str| fs::write(spool.join("etc").join(name), text).unwrap();
    write("config", &queue);
    // It must be there; our scripts need nothing from it.
    write("setup.cache", "");
    write(&format!("config.{id}"), &modem);
    write("dialrules", "CanonicalNumber := [\n[^+0-9]+\t=\n]\nDialString := [\n[^0-9]+\t=\n]\n");
    write("hosts.hfaxd", "localhost:root:::\n127.0.0.1:::\n");
    fs::set_permissions(spool.join("etc/hosts.hfaxd"), fs::Permissions::from_mode(0o600)).unwrap();
    // Of the client, whose home the spool folder is.
    let etc = programs.join("etc/hylafax");
    // Active transfers come from the port below that of the server, which may be another program's.
    let client = format!(
        "PassiveMode: yes\nTypeRules: {}\nDialRules: {}\n",
        etc.join("typerules").display(),
        etc.join("dialrules").display()
    );
    fs::write(spool.join(".hylarc"), client).unwrap();
    for fifo in ["FIFO".to_owned(), format!("FIFO.{id}")] {
        done(&Command::new("mkfifo").args(["-m", "600"]).arg(spool.join(fifo)).output().unwrap());
    }
    done(&as_root(Path::new("chown")).args(["-R", "uucp:uucp"]).arg(spool).output().unwrap());
}
