//! The `faxgate` program.

use std::process::ExitCode;

/// Many small allocations on many threads are what a mail server is made of.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    faxgate::cli::main()
}
