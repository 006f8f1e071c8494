//! The `faxgate` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    faxgate::cli::main()
}
