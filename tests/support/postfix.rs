//! Debian's Postfix as a private instance: its own configuration, queue, port and log below a folder of the test.
//! `tests/install` has unpacked it; nothing of the machine's own mail is used or touched. Postfix wants to be started by
//! root.
#![allow(dead_code, unreachable_pub, reason = "each story uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::support::wait_for;

/// Where `tests/install` unpacks it.
const POSTFIX: &str = "/opt/faxgate-tests/postfix";
/// Who owns the queue, and who else may hand in: users that every Debian has.
const MAIL_UID: u32 = 8;
const OPERATOR_GID: u32 = 37;

/// Below everything else: a Postfix that has nothing but its own folder, and puts mail for example.com into Maildirs.
const MAIN: &str = "compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
meta_directory = {dir}/etc
daemon_directory = {postfix}/usr/lib/postfix/sbin
command_directory = {postfix}/usr/sbin
shlib_directory = {postfix}/usr/lib/postfix
import_environment = MAIL_CONFIG TZ LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME LD_LIBRARY_PATH
mail_owner = mail
setgid_group = operator
default_privs = nobody
maillog_file = {dir}/log
maillog_file_prefixes = {dir}
myhostname = mx.example.com
mydestination =
inet_interfaces = 127.0.0.1
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
alias_maps =
local_recipient_maps =
minimal_backoff_time = 1s
queue_run_delay = 1s
virtual_mailbox_domains = example.com
virtual_mailbox_base = {dir}/boxes
virtual_mailbox_maps = inline:{ bob@example.com=bob/, anna@example.com=anna/, in@example.com=in/ }
virtual_minimum_uid = 1
virtual_uid_maps = static:8
virtual_gid_maps = static:8
";

const MASTER: &str = "{address} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
tlsmgr unix - - n 1000? 1 tlsmgr
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
";

/// A running Postfix; stopped when dropped.
pub struct Postfix {
    master: Child,
    dir: PathBuf,
    pub smtp: SocketAddr,
}

impl Postfix {
    /// Starts one below `dir` with a recipe, as it stands, at the end of its configuration.
    pub fn start(dir: &Path, recipe: &str) -> Self {
        let program = format!("{POSTFIX}/usr/lib/postfix/sbin/master");
        assert!(Path::new(&program).exists(), "this test needs Postfix: tests/install unpacks it");
        let dir = dir.join("postfix");
        lay_out(&dir);
        let smtp = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let fill = |text: &str| {
            let text = text.replace("{dir}", dir.to_str().unwrap()).replace("{postfix}", POSTFIX);
            text.replace("{address}", &smtp.to_string())
        };
        std::fs::write(dir.join("etc/main.cf"), fill(MAIN) + recipe).unwrap();
        std::fs::write(dir.join("etc/master.cf"), fill(MASTER)).unwrap();
        let master = Command::new(program)
            .arg("-c")
            .arg(dir.join("etc"))
            .arg("-s")
            .env("LD_LIBRARY_PATH", format!("{POSTFIX}/usr/lib/postfix"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(dir.join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let postfix = Self { master, dir, smtp };
        wait_for("Postfix", || TcpStream::connect(smtp).ok());
        postfix
    }

    /// The mails in the Maildir of a mailbox.
    pub fn mails(&self, name: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.dir.join("boxes").join(name).join("new")) else {
            return Vec::new();
        };
        let read = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read(entry.unwrap().path()).unwrap();
        entries.map(|entry| String::from_utf8_lossy(&read(entry)).into_owned()).collect()
    }

    /// Waits until a mailbox holds `count` mails.
    pub fn wait_for_mails(&self, name: &str, count: usize) -> Vec<String> {
        wait_for(&format!("{count} mails for {name}; {}", self.dir.display()), || {
            let mails = self.mails(name);
            (mails.len() >= count).then_some(mails)
        })
    }

    /// How many messages wait in the queue.
    pub fn queued(&self) -> usize {
        let count = |queue: &str| std::fs::read_dir(self.dir.join("queue").join(queue)).unwrap().count();
        ["incoming", "active", "deferred", "hold", "corrupt"].into_iter().map(count).sum()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.master.id()).unwrap()).unwrap();
        // Its children go with it.
        let _ = kill_process(pid, Signal::TERM);
        let _ = self.master.wait();
        if std::thread::panicking() {
            eprintln!("Postfix's log:\n{}", self.log());
        }
    }
}

/// Makes the folders, as Postfix's own installation would.
fn lay_out(dir: &Path) {
    let make = |path: &str, owner: Option<u32>, group: Option<u32>, mode: u32| {
        let path = dir.join(path);
        std::fs::create_dir_all(&path).unwrap();
        chown(&path, owner, group).unwrap_or_else(|error| panic!("Postfix must be started by root: {error}"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for path in ["", "etc", "queue", "queue/pid"] {
        make(path, None, None, 0o755);
    }
    // The folder of the test is its owner's alone, and Postfix's programs have owners of their own.
    std::fs::set_permissions(dir.parent().unwrap(), std::fs::Permissions::from_mode(0o755)).unwrap();
    for queue in [
        "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved",
        "trace",
    ] {
        make(&format!("queue/{queue}"), Some(MAIL_UID), None, 0o700);
    }
    make("queue/maildrop", Some(MAIL_UID), Some(OPERATOR_GID), 0o730);
    make("queue/public", Some(MAIL_UID), Some(OPERATOR_GID), 0o710);
    make("data", Some(MAIL_UID), None, 0o700);
    make("boxes", Some(MAIL_UID), None, 0o700);
}
