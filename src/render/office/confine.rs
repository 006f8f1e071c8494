//! Shutting LibreOffice in before it begins: what it needs to lay out a document, and nothing more.
//!
//! Four walls: resource limits (setrlimit(2)); namespaces without network, where the kernel lets us (user_namespaces(7));
//! the system's programs, libraries and fonts to read and one folder to write (landlock(7)); and no system call that
//! reaches another process, another machine or the kernel's own settings (seccomp(2)).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, Signal, getgid, getrlimit, getuid, setrlimit};
use rustix::thread::UnshareFlags;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use super::super::worker::Confine;
use super::keeper::Setup;

const MB: u64 = 1024 * 1024;
/// Octets of a file that it writes.
const FILE_BYTES_MAX: u64 = 256 * MB;
/// Files that may be open; its own libraries and settings are some two hundred.
const FILES_MAX: u64 = 1024;

/// What it may read: programs, libraries, fonts, and the settings of both.
const READ: &[&str] = &[
    "/usr",
    "/lib",
    "/lib64",
    "/opt",
    "/etc/fonts",
    "/etc/libreoffice",
    "/etc/ld.so.cache",
    "/etc/localtime",
    // LibreOffice does not start for a user that it cannot look up.
    "/etc/nsswitch.conf",
    USERS,
    "/var/lib/libreoffice",
    "/var/spool/libreoffice",
    "/var/cache/fontconfig",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system/cpu",
];
const USERS: &str = "/etc/passwd";
/// What it may run: itself, and the loader.
const RUN: &[&str] = &["/lib", "/lib64", "/usr/lib", "/usr/lib64"];

/// Puts up all walls that the kernel knows, and says which.
///
/// # Errors
/// Where one that is required cannot be had.
pub(super) fn confine(setup: &Setup) -> io::Result<String> {
    let required = setup.confine == Confine::Required;
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    limit(Resource::Core, 0)?;
    limit(Resource::Nofile, FILES_MAX)?;
    limit(Resource::Fsize, FILE_BYTES_MAX)?;
    limit(Resource::Data, setup.memory_mb_max.saturating_mul(MB))?;
    let mut walls = vec!["memory"];
    // Many kernels keep namespaces from plain users; the filter below refuses every socket to another machine as well.
    if namespaces(&setup.folder).is_ok() {
        walls.push("network");
    }
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    match files(setup) {
        Ok(true) => walls.push("files"),
        Ok(false) => {}
        Err(error) if required => return Err(io::Error::other(error)),
        Err(_) => {}
    }
    match system_calls() {
        Ok(()) => walls.push("system calls"),
        Err(error) if required => {
            return Err(io::Error::other(format!("system calls cannot be filtered: {error}")));
        }
        Err(_) => {}
    }
    Ok(walls.join(", "))
}

fn limit(resource: Resource, max: u64) -> io::Result<()> {
    let max = getrlimit(resource).maximum.map_or(max, |had| had.min(max));
    Ok(setrlimit(resource, Rlimit { current: Some(max), maximum: Some(max) })?)
}

/// A network, System V objects and a list of users of its own, and the same user as before.
fn namespaces(folder: &Path) -> io::Result<()> {
    let (user, group) = (getuid().as_raw(), getgid().as_raw());
    let flags = UnshareFlags::NEWUSER | UnshareFlags::NEWNET | UnshareFlags::NEWIPC | UnshareFlags::NEWNS;
    #[allow(deprecated, reason = "what made it unsafe is the table of open files, which stays shared")]
    rustix::thread::unshare(flags)?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    let users = folder.join("users");
    fs::write(&users, format!("fax:x:{user}:{group}::{}:/bin/false\n", folder.display()))?;
    // The network is what counts: where the kernel refuses this, the list of users is readable, as it is for all.
    let _ = rustix::mount::mount_bind(&users, USERS);
    Ok(())
}

/// Closes the file system but for what it needs, and TCP; false where the kernel does not know how.
fn files(setup: &Setup) -> Result<bool, RulesetError> {
    let abi = ABI::V6;
    let all = AccessFs::from_all(abi);
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let installed = setup.program.parent().and_then(Path::parent).unwrap_or(&setup.program);
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?;
    let ruleset = allow(ruleset, READ, read)?;
    let ruleset = allow(ruleset, &[installed], read | AccessFs::Execute)?;
    let ruleset = allow(ruleset, &elsewhere(&installed.join("share")), read)?;
    let ruleset = allow(ruleset, RUN, read | AccessFs::Execute)?;
    let ruleset = allow(ruleset, &[&setup.folder], all & !BitFlags::from(AccessFs::Execute))?;
    let ruleset = allow(ruleset, &["/dev/null"], AccessFs::ReadFile | AccessFs::WriteFile)?;
    // Where it listens for us.
    let ruleset = allow(ruleset, &["/tmp", "/var/tmp"], AccessFs::MakeSock.into())?;
    Ok(ruleset.restrict_self()?.ruleset != RulesetStatus::NotEnforced)
}

/// Where the links in a folder lead: distributions keep some of LibreOffice's own folders below `/etc` and `/var`.
fn elsewhere(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.path().canonicalize().ok()).collect()
}

/// Paths that are not there are passed over.
fn allow<P: AsRef<Path>>(
    ruleset: RulesetCreated,
    paths: &[P],
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    ruleset.set_compatibility(CompatLevel::BestEffort).add_rules(path_beneath_rules(paths, access))
}

/// The mark of a call in the x32 ABI (`__X32_SYSCALL_BIT`).
const X32: i64 = 0x4000_0000;

type Condition = (u8, SeccompCmpOp, u64);

/// Lets through what an office program does by itself: files, memory, threads, time. The list says what is refused, not
/// what is allowed: what LibreOffice and its libraries call changes from version to version.
fn system_calls() -> Result<(), Box<dyn std::error::Error>> {
    let arch = std::env::consts::ARCH.try_into()?;
    let thread = u64::try_from(libc::CLONE_THREAD)?;
    let ourselves = u64::from(std::process::id());
    let stream = u64::try_from(libc::SOCK_STREAM)?;
    // Any of these conditions refuses the call.
    let some: &[(i64, &[Condition])] = &[
        // A socket on this machine, of the kind that LibreOffice listens with, and no other.
        (
            libc::SYS_socket,
            &[
                (0, SeccompCmpOp::Ne, u64::try_from(libc::AF_UNIX)?),
                (1, SeccompCmpOp::MaskedEq(stream), 0),
                (1, SeccompCmpOp::MaskedEq(4), 4),
            ],
        ),
        // A thread, and no other process.
        (libc::SYS_clone, &[(0, SeccompCmpOp::MaskedEq(thread), 0)]),
        // A signal to itself.
        (libc::SYS_tgkill, &[(0, SeccompCmpOp::Ne, ourselves)]),
        (libc::SYS_kill, &[(0, SeccompCmpOp::Ne, ourselves)]),
        // Its own limits.
        (libc::SYS_prlimit64, &[(0, SeccompCmpOp::Ne, 0)]),
    ];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED.iter().map(|&call| (call, Vec::new())).collect();
    for (call, conditions) in some {
        let rule = |&(argument, ref operator, value): &Condition| {
            let length = SeccompCmpArgLen::Dword;
            SeccompRule::new(vec![SeccompCondition::new(argument, length, operator.clone(), value)?])
        };
        rules.insert(*call, conditions.iter().map(rule).collect::<Result<_, _>>()?);
    }
    if cfg!(target_arch = "x86_64") {
        // The same calls by their numbers in the x32 ABI, which some kernels answer to.
        let x32: Vec<_> = rules.iter().map(|(call, rules)| (call | X32, rules.clone())).collect();
        rules.extend(x32);
    }
    let (eperm, enosys) = (u32::try_from(libc::EPERM)?, u32::try_from(libc::ENOSYS)?);
    let refused = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(eperm), arch)?;
    // The flags of clone3 lie in memory, where no filter sees them: whoever calls it is sent to clone.
    let clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new()), (libc::SYS_clone3 | X32, Vec::new())]);
    let no_clone3 = SeccompFilter::new(clone3, SeccompAction::Allow, SeccompAction::Errno(enosys), arch)?;
    for filter in [no_clone3, refused] {
        seccompiler::apply_filter(&BpfProgram::try_from(filter)?)?;
    }
    Ok(())
}

/// What may not be called at all.
const REFUSED: &[i64] = &[
    // Other machines and other processes: it is spoken to, and speaks to nobody.
    libc::SYS_connect,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
    // Namespaces, mounts, identity.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setgroups,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    // The kernel itself, and the parts of it that many ways out have led through.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_open_by_handle_at,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_sethostname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_quotactl,
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::net::{TcpStream, UdpSocket};
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
    use std::process::Command;

    use super::*;

    /// Runs in a process of its own, which it shuts in.
    #[test]
    #[ignore = "the test below runs it"]
    fn inside() {
        let folder = PathBuf::from(std::env::var("FOLDER").unwrap());
        let outside = folder.with_extension("secret");
        assert_eq!(fs::read(&outside).unwrap(), b"secret");
        let setup = Setup {
            program: "/usr/lib/libreoffice/program/soffice.bin".into(),
            arguments: Vec::new(),
            folder: folder.clone(),
            stays: true,
            memory_mb_max: 256,
            confine: Confine::Required,
        };
        let walls = confine(&setup).unwrap();
        assert!(walls.contains("system calls"), "{walls}");
        if walls.contains("files") {
            assert!(fs::read(&outside).is_err() && fs::read("/etc/hostname").is_err());
            assert!(fs::write(folder.with_extension("escape"), "x").is_err());
            assert!(Command::new("/bin/sh").status().is_err());
        }
        fs::write(folder.join("mine"), "x").unwrap();
        assert!(fs::read_dir("/usr").is_ok());
        for port in ["127.0.0.1:25", "[::1]:25"] {
            assert!(TcpStream::connect(port).is_err());
        }
        assert!(UdpSocket::bind("127.0.0.1:0").is_err() && UnixDatagram::unbound().is_err());
        assert!(UnixStream::connect("/run/dbus/system_bus_socket").is_err());
        assert!(UnixListener::bind(folder.join("socket")).is_ok(), "that is how it is spoken to");
        assert!(Command::new("/proc/self/exe").status().is_err(), "no other process");
        assert!(Vec::<u8>::new().try_reserve_exact(300 << 20).is_err());
        assert_eq!(std::thread::spawn(|| 7).join().unwrap(), 7);
    }

    #[test]
    fn libreoffice_has_its_folder_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("office");
        fs::create_dir(&folder).unwrap();
        fs::write(dir.path().join("office.secret"), "secret").unwrap();
        let name = "render::office::confine::tests::inside";
        let output = Command::new(std::env::current_exe().unwrap())
            .env("FOLDER", &folder)
            .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
            .output()
            .unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
}
