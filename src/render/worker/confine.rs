//! Shutting this process in, for good: it keeps the socket that it has, computes and takes memory, and that is all.
//!
//! Three walls: resource limits (setrlimit(2)), no files and no TCP (landlock(7)), and of all
//! system calls those alone that a computation needs (seccomp(2)).

use std::collections::BTreeMap;
use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus, Scope,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use super::{Confine, WorkersConfig};

/// Files that may be open: the socket twice, stderr, and none to be opened.
const FILES_MAX: u64 = 16;
const MB: u64 = 1024 * 1024;

/// Puts up all walls that the kernel knows, and says which.
///
/// # Errors
/// Where one that is required cannot be had.
pub(super) fn confine(config: &WorkersConfig) -> io::Result<String> {
    limit(Resource::Core, 0)?;
    limit(Resource::Nofile, FILES_MAX)?;
    limit(Resource::Data, config.memory_mb_max.saturating_mul(MB))?;
    let mut walls = vec!["memory"];
    // A kernel without it is common, and the filter below closes the same doors.
    match files() {
        Ok(true) => walls.push("files"),
        Ok(false) => {}
        Err(error) if config.confine == Confine::Required => return Err(io::Error::other(error)),
        Err(_) => {}
    }
    match system_calls() {
        Ok(()) => walls.push("system calls"),
        Err(error) if config.confine == Confine::Required => {
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

/// Closes the file system and TCP; false where the kernel does not know how.
fn files() -> Result<bool, landlock::RulesetError> {
    let abi = ABI::V6;
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// Lets through what a computation needs: its socket, memory, threads, the time. Everything else fails with EPERM, so
/// that a library that asks in vain goes on without.
fn system_calls() -> Result<(), Box<dyn std::error::Error>> {
    let arch = std::env::consts::ARCH.try_into()?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ALLOWED.iter().map(|&call| (call, Vec::new())).collect();
    // A thread of this process, and no other process.
    let thread = unsigned(libc::CLONE_THREAD)?;
    let is_thread = (0, SeccompCmpOp::MaskedEq(thread), thread);
    // Its processor time, which grows with its work; no other of its limits.
    let is_time = (1, SeccompCmpOp::Eq, libc::RLIMIT_CPU.into());
    for (call, (argument, operator, value)) in [(libc::SYS_clone, is_thread), (libc::SYS_prlimit64, is_time)]
    {
        let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Qword, operator, value)?;
        rules.insert(call, vec![SeccompRule::new(vec![condition])?]);
    }
    let (eperm, enosys) = (unsigned(libc::EPERM)?, unsigned(libc::ENOSYS)?);
    let allowed = SeccompFilter::new(rules, SeccompAction::Errno(eperm), SeccompAction::Allow, arch)?;
    // The flags of clone3 lie in memory, where no filter sees them: whoever calls it is sent to clone.
    let clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let no_clone3 = SeccompFilter::new(clone3, SeccompAction::Allow, SeccompAction::Errno(enosys), arch)?;
    for filter in [no_clone3, allowed] {
        seccompiler::apply_filter_all_threads(&BpfProgram::try_from(filter)?)?;
    }
    Ok(())
}

fn unsigned<T: From<u8> + TryFrom<i32>>(flag: i32) -> Result<T, <T as TryFrom<i32>>::Error> {
    T::try_from(flag)
}

/// What may be called with any arguments. Reading and writing reach the socket only: nothing else is open, and nothing
/// can be opened.
const ALLOWED: &[i64] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_clone3,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_tgkill,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
];

/// What a worker may still compute.
#[derive(Debug)]
pub(super) struct Allowance {
    seconds: u64,
}

impl Allowance {
    pub(super) fn new(seconds: u64) -> Self {
        Self { seconds }
    }

    /// From now on so many seconds of processor time again; whoever takes more is ended by SIGXCPU.
    pub(super) fn renew(&self) {
        let used = clock_gettime(ClockId::ProcessCPUTime);
        let until = u64::try_from(used.tv_sec).unwrap_or_default() + 1 + self.seconds;
        let maximum = getrlimit(Resource::Cpu).maximum;
        // It cannot fail: the limit stays below its maximum. If it did, the worker would only end earlier.
        let _ = setrlimit(Resource::Cpu, Rlimit { current: Some(until), maximum });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Runs in a process of its own, which it shuts in.
    #[test]
    #[ignore = "the test below runs it"]
    fn inside() {
        let walls = confine(&WorkersConfig { memory_mb_max: 256, ..WorkersConfig::default() }).unwrap();
        assert!(walls.contains("system calls"), "{walls}");
        assert!(std::fs::read("/etc/passwd").is_err());
        assert!(std::fs::write("/tmp/faxgate-escape", "x").is_err());
        assert!(std::net::TcpStream::connect("127.0.0.1:25").is_err());
        assert!(std::net::UdpSocket::bind("127.0.0.1:0").is_err());
        assert!(std::os::unix::net::UnixStream::pair().is_err());
        assert!(Command::new("/bin/true").status().is_err());
        let more = Rlimit { current: Some(128 * MB), maximum: Some(128 * MB) };
        assert!(setrlimit(Resource::Data, more).is_err(), "no limit but that of time can be changed");
        assert!(Vec::<u8>::new().try_reserve_exact(300 << 20).is_err());
        let thread =
            std::thread::spawn(|| vec![1u8; 1 << 20].iter().map(|&one| usize::from(one)).sum::<usize>());
        assert_eq!(thread.join().unwrap(), 1 << 20);
        Allowance::new(1).renew();
        let mut number = 0u64;
        loop {
            number = std::hint::black_box(number.wrapping_mul(31).wrapping_add(7));
        }
    }

    #[test]
    fn a_worker_computes_for_a_while_and_does_nothing_else() {
        use std::os::unix::process::ExitStatusExt;

        let name = "render::worker::confine::tests::inside";
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
            .output()
            .unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(libc::SIGXCPU), "{said}");
    }
}
