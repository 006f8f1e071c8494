//! Debian's OpenSMTPD as a private instance. Its paths and users are built into it, so it runs in a root folder of its
//! own (chroot), with copies of what it needs; `tests/install` has unpacked it.
#![allow(dead_code, unreachable_pub, reason = "each story uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::support::wait_for;

/// Where `tests/install` unpacks it.
const OPENSMTPD: &str = "/opt/faxgate-tests/opensmtpd";

/// The group of its queue, whose rights smtpctl wants.
const QUEUE_GID: u32 = 902;

/// Behind the recipe: mail for example.com goes to `{boxes}`.
const CONFIG: &str = "listen on 127.0.0.1 port {port} hostname opensmtpd.example.com
{recipe}
action \"boxes\" relay host \"smtp://127.0.0.1:{boxes}\"
match from any for domain \"example.com\" action \"boxes\"
";

/// A running OpenSMTPD; stopped when dropped.
pub struct OpenSmtpd {
    daemon: Child,
    root: PathBuf,
    pub smtp: SocketAddr,
}

impl OpenSmtpd {
    /// Starts one below `dir` with a recipe, as it stands.
    pub fn start(dir: &Path, recipe: &str, boxes: SocketAddr) -> Self {
        let program = format!("{OPENSMTPD}/usr/sbin/smtpd");
        assert!(Path::new(&program).exists(), "this test needs OpenSMTPD: tests/install unpacks it");
        let root = dir.join("opensmtpd");
        lay_out(&root);
        for name in ["smtpd", "smtpctl"] {
            copy_program(&format!("{OPENSMTPD}/usr/sbin/{name}"), &root, &format!("usr/sbin/{name}"));
        }
        let ctl = root.join("usr/sbin/smtpctl");
        std::os::unix::fs::chown(&ctl, None, Some(QUEUE_GID)).unwrap();
        std::fs::set_permissions(&ctl, std::fs::Permissions::from_mode(0o2755)).unwrap();
        let smtp = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let text = CONFIG
            .replace("{port}", &smtp.port().to_string())
            .replace("{boxes}", &boxes.port().to_string())
            .replace("{recipe}", recipe);
        std::fs::write(root.join("etc/smtpd.conf"), text).unwrap();
        let daemon = Command::new("chroot")
            .arg(&root)
            .args(["/usr/sbin/smtpd", "-d"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(root.join("log")).unwrap())
            .spawn()
            .unwrap();
        let opensmtpd = Self { daemon, root, smtp };
        wait_for("OpenSMTPD", || TcpStream::connect(smtp).ok());
        opensmtpd
    }

    /// Tries at once what waits.
    pub fn flush(&self) {
        let output = Command::new("chroot")
            .arg(&self.root)
            .args(["/usr/sbin/smtpctl", "schedule", "all"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.root.join("log")).unwrap_or_default()
    }
}

impl Drop for OpenSmtpd {
    fn drop(&mut self) {
        let _ = Command::new("chroot").arg(&self.root).args(["/usr/sbin/smtpctl", "stop"]).output();
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.daemon.id()).unwrap()).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.daemon.wait();
        if std::thread::panicking() {
            eprintln!("OpenSMTPD's log:\n{}", self.log());
        }
    }
}

fn lay_out(root: &Path) {
    for folder in
        ["etc/ssl/certs", "usr/sbin", "var/spool/smtpd", "var/run", "var/lib/opensmtpd/empty", "dev", "tmp"]
    {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    let mut above = Some(root);
    // Its programs have users of their own, who must be able to walk here.
    for _ in 0..2 {
        if let Some(folder) = above {
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
            above = folder.parent();
        }
    }
    std::fs::set_permissions(root.join("var/spool/smtpd"), std::fs::Permissions::from_mode(0o711)).unwrap();
    let users = "root:x:0:0::/:/\nopensmtpd:x:901:901::/var/lib/opensmtpd/empty:/\nopensmtpq:x:902:902::/var/lib/opensmtpd/empty:/\n";
    std::fs::write(root.join("etc/passwd"), users).unwrap();
    std::fs::write(root.join("etc/group"), "root:x:0:\nopensmtpd:x:901:\nopensmtpq:x:902:\n").unwrap();
    std::fs::write(root.join("etc/hosts"), "127.0.0.1 localhost\n").unwrap();
    std::fs::write(root.join("etc/mailname"), "opensmtpd.example.com\n").unwrap();
    std::fs::write(root.join("etc/nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files\n").unwrap();
    std::fs::write(root.join("etc/resolv.conf"), "nameserver 127.0.0.1\n").unwrap();
    std::fs::copy("/etc/services", root.join("etc/services")).ok();
    for (name, minor) in [("null", 3), ("urandom", 9), ("random", 8)] {
        let place = root.join("dev").join(name);
        let made =
            Command::new("mknod").arg(place).args(["-m", "666", "c", "1", &minor.to_string()]).status();
        assert!(made.unwrap().success(), "OpenSMTPD must be started by root");
    }
}

/// Copies a program, and the libraries that the loader would give it.
fn copy_program(from: &str, root: &Path, to: &str) {
    std::fs::copy(from, root.join(to)).unwrap();
    let listed = Command::new("ldd").arg(from).output().unwrap();
    let text = String::from_utf8(listed.stdout).unwrap();
    for library in text.split_whitespace().filter(|word| word.starts_with('/')) {
        let place = root.join(library.trim_start_matches('/'));
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::copy(library, place).unwrap();
    }
}
