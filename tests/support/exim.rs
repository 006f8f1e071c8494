//! Debian's Exim as a private instance below a folder of the test; `tests/install` has unpacked it.
#![allow(dead_code, unreachable_pub, reason = "each story uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::support::wait_for;

/// Where `tests/install` unpacks it.
const EXIM: &str = "/opt/faxgate-tests/exim/usr/sbin/exim4";
const MAIL_UID: u32 = 8;

/// Everything but the recipe: mail for example.com goes to `{boxes}`.
const CONFIG: &str = "exim_user = mail
exim_group = mail
spool_directory = {dir}/spool
log_file_path = {dir}/log/%slog
pid_file_path = {dir}/exim.pid
primary_hostname = exim.example.com
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
hosts_treat_as_local =
tls_advertise_hosts =
dsn_advertise_hosts = *
keep_environment =
exim_path = {exim}
never_users = root
acl_smtp_rcpt = acl_rcpt
domainlist relay_to_domains = fax.example.com : example.com
begin acl
acl_rcpt:
  accept domains = +relay_to_domains
  deny
begin routers
{router}
boxes:
  driver = manualroute
  domains = example.com
  transport = boxes_smtp
  route_list = * 127.0.0.1::{boxes}
  self = send
begin transports
{transport}
boxes_smtp:
  driver = smtp
begin retry
* * F,2h,1s
";

/// A running Exim; stopped when dropped.
pub struct Exim {
    daemon: Child,
    dir: PathBuf,
    pub smtp: SocketAddr,
}

impl Exim {
    /// Starts one below `dir` with a recipe, as it stands.
    pub fn start(dir: &Path, router: &str, transport: &str, boxes: SocketAddr) -> Self {
        assert!(Path::new(EXIM).exists(), "this test needs Exim: tests/install unpacks it");
        let dir = dir.join("exim");
        for folder in ["", "spool", "log"] {
            std::fs::create_dir_all(dir.join(folder)).unwrap();
            chown(dir.join(folder), Some(MAIL_UID), Some(MAIL_UID))
                .unwrap_or_else(|error| panic!("Exim must be started by root: {error}"));
        }
        let smtp = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let text = CONFIG
            .replace("{dir}", dir.to_str().unwrap())
            .replace("{exim}", EXIM)
            .replace("{port}", &smtp.port().to_string())
            .replace("{boxes}", &boxes.port().to_string())
            .replace("{router}", router)
            .replace("{transport}", transport);
        let config = dir.join("exim.conf");
        std::fs::write(&config, text).unwrap();
        chown(&config, Some(0), Some(0)).unwrap();
        let daemon = Command::new(EXIM)
            .arg("-C")
            .arg(&config)
            .args(["-bdf", "-q1s"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(dir.join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let exim = Self { daemon, dir, smtp };
        wait_for("Exim", || TcpStream::connect(smtp).ok());
        exim
    }

    pub fn log(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.dir.join(name)).unwrap_or_default();
        ["stderr", "log/mainlog", "log/paniclog"].map(read).concat()
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        if std::thread::panicking() {
            eprintln!("Exim's log:\n{}", self.log());
        }
    }
}
