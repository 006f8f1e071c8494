//! Debian's Sendmail as a private instance: its own configuration, queue and port below a folder of the test. It queues
//! what is for others and sends nothing. `tests/install` has unpacked it. Sendmail wants to be started by root.
#![allow(dead_code, unreachable_pub, reason = "each story uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::support::wait_for;

/// Where `tests/install` unpacks it.
const SENDMAIL: &str = "/opt/faxgate-tests/sendmail";

/// Around the recipe: a Sendmail that asks no DNS and has nothing but its own folder.
const BEFORE: &str = "include(`{sendmail}/usr/share/sendmail/cf/m4/cf.m4')dnl
OSTYPE(`linux')dnl
define(`confPID_FILE', `{dir}/pid')dnl
define(`confCF_VERSION', `test')dnl
define(`QUEUE_DIR', `{dir}/queue')dnl
define(`STATUS_FILE', `{dir}/statistics')dnl
define(`HELP_FILE', `{dir}/help')dnl
define(`ALIAS_FILE', `')dnl
define(`confSERVICE_SWITCH_FILE', `{dir}/switch')dnl
define(`confDOMAIN_NAME', `mx.example.com')dnl
define(`confDELIVERY_MODE', `queue')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confTO_IDENT', `0s')dnl
define(`confCONNECTION_RATE_THROTTLE', `0')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`no_default_msa')dnl
DAEMON_OPTIONS(`Name=test, Addr=127.0.0.1, Port={port}')dnl
RELAY_DOMAIN(`example.com')dnl
";
const AFTER: &str = "MAILER(`local')dnl
MAILER(`smtp')dnl
";

/// Sendmail sleeps for a minute where the machine has no full name, before it reads what its name shall be.
const HOST_NAME: &str = "#include <string.h>
int gethostname(char *name, size_t size) { strncpy(name, \"mx.example.com\", size); return 0; }
";

/// A running Sendmail; stopped when dropped.
pub struct Sendmail {
    daemon: Child,
    dir: PathBuf,
    pub smtp: SocketAddr,
}

impl Sendmail {
    /// Starts one below `dir` with the recipe as it stands.
    pub fn start(dir: &Path) -> Self {
        let program = format!("{SENDMAIL}/usr/libexec/sendmail/sendmail");
        assert!(Path::new(&program).exists(), "this test needs Sendmail: tests/install unpacks it");
        // Sendmail trusts no folder that others could change.
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).unwrap();
        let dir = dir.join("sendmail");
        std::fs::create_dir_all(dir.join("queue")).unwrap();
        std::fs::write(dir.join("switch"), "hosts files\naliases files\n").unwrap();
        let smtp = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let fill = |text: &str| {
            let text = text.replace("{dir}", dir.to_str().unwrap()).replace("{sendmail}", SENDMAIL);
            text.replace("{port}", &smtp.port().to_string())
        };
        let recipe = include_str!("../../config/sendmail/faxgate.m4");
        let source = dir.join("test.mc");
        std::fs::write(&source, fill(BEFORE) + recipe + AFTER).unwrap();
        let made = Command::new("m4")
            .arg(format!("-D_CF_DIR_={SENDMAIL}/usr/share/sendmail/cf/"))
            .arg(&source)
            .output()
            .expect("this test needs m4: tests/install installs it");
        assert!(made.status.success(), "{made:?}");
        std::fs::write(dir.join("test.cf"), made.stdout).unwrap();
        let log = std::fs::File::create(dir.join("log")).unwrap();
        let shim = dir.join("host.so");
        std::fs::write(dir.join("host.c"), HOST_NAME).unwrap();
        let made =
            Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&shim).arg(dir.join("host.c")).status();
        assert!(made.expect("this test needs cc").success());
        let daemon = Command::new(program)
            .env("LD_PRELOAD", shim)
            .arg("-C")
            .arg(dir.join("test.cf"))
            .args(["-bD", "-q1h"])
            .stdin(Stdio::null())
            .stdout(Stdio::from(log.try_clone().unwrap()))
            .stderr(Stdio::from(log))
            .spawn()
            .unwrap();
        let sendmail = Self { daemon, dir, smtp };
        wait_for("Sendmail", || TcpStream::connect(smtp).ok());
        sendmail
    }

    /// The control files of the messages that wait: envelope and header.
    pub fn queue(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.join("queue")).unwrap().map(|entry| entry.unwrap().path());
        let is_control = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("qf");
        let read = |path: PathBuf| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        entries.filter(is_control).map(read).collect()
    }
}

impl Drop for Sendmail {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        if std::thread::panicking() {
            eprintln!("{}", std::fs::read_to_string(self.dir.join("log")).unwrap_or_default());
        }
    }
}
