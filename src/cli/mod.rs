//! The command line.
//!
//! Exit codes: 0 done, 1 failed, 2 usage, 75 try again later (`EX_TEMPFAIL`), 77 not permitted (`EX_NOPERM`).

mod check;
mod demo;
mod files;
mod modem;
mod out;
mod policy;
mod render;
mod send;
mod serve;
mod status;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{Config, ConfigError};
use crate::job::recipient::Fineness;
use crate::render::office;
use crate::render::worker::{Workers, serve as serve_as_worker};

/// Where the configuration is looked for.
pub const CONFIG_PATH: &str = "/etc/faxgate/faxgate.toml";

/// An email-first fax gateway: mail in, fax out, receipt back; and a received fax in your mailbox.
#[derive(Debug, Parser)]
#[command(name = "faxgate", version, about)]
pub struct Cli {
    /// The configuration file [default: /etc/faxgate/faxgate.toml, or, where there is none, settings that work on
    /// this machine alone]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Serve,
    /// The whole way on this machine, with no hardware: mail, fax, receipt and received fax
    Demo(demo::DemoArgs),
    /// Fax files from the command line
    Send(send::SendArgs),
    /// Show the queue, or one job
    Status(status::StatusArgs),
    /// Make the pages that would be faxed, without faxing them
    Render(render::RenderArgs),
    /// Read the configuration and say what is wrong with it
    Check,
    /// Add, change or remove people who may sign in
    #[command(subcommand)]
    User(user::UserCommand),
    /// Say whether somebody may fax to a number, and why
    Policy(policy::PolicyArgs),
    /// Take messages apart for the gateway, which starts this itself
    #[command(hide = true)]
    Worker,
    /// Stand beside LibreOffice for the gateway, which starts this itself
    #[command(hide = true)]
    Office {
        /// What is to be started
        setup: String,
        /// Become it
        #[arg(long)]
        inside: bool,
    },
    /// Find out what a fax modem is, and how to configure it; or what is wrong with it
    Modem(modem::ModemArgs),
}

/// How pages are made, for the commands that make them.
#[derive(Clone, Copy, Debug, Args)]
struct PageArgs {
    /// How fine the pages are
    #[arg(long, value_enum, value_name = "FINENESS")]
    resolution: Option<FinenessArg>,
    /// Put a cover page first
    #[arg(long, overrides_with = "no_cover")]
    cover: bool,
    /// Put no cover page first
    #[arg(long)]
    no_cover: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FinenessArg {
    /// 204×98 dpi
    Standard,
    /// 204×196 dpi
    Fine,
    /// 204×391 dpi
    Superfine,
}

impl PageArgs {
    fn fineness(self) -> Option<Fineness> {
        self.resolution.map(|arg| match arg {
            FinenessArg::Standard => Fineness::Standard,
            FinenessArg::Fine => Fineness::Fine,
            FinenessArg::Superfine => Fineness::Superfine,
        })
    }

    fn cover(self) -> Option<bool> {
        match (self.cover, self.no_cover) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }
}

/// How a command fails: what to say, and which exit code.
#[derive(Debug)]
pub struct Failure {
    text: String,
    code: u8,
}

#[allow(clippy::needless_pass_by_value, reason = "so that they fit into `map_err`")]
impl Failure {
    /// It did not work, and would not work again.
    fn failed(text: impl ToString) -> Self {
        Self { text: text.to_string(), code: 1 }
    }

    /// The command was not used as it is meant to be.
    fn usage(text: impl ToString) -> Self {
        Self { text: text.to_string(), code: 2 }
    }

    /// It may work later.
    fn try_later(text: impl ToString) -> Self {
        Self { text: text.to_string(), code: 75 }
    }

    /// The caller may not.
    fn not_permitted(text: impl ToString) -> Self {
        Self { text: text.to_string(), code: 77 }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::failed(error)
    }
}

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Serve => settings(cli.config).and_then(serve::run),
        Command::Demo(args) => demo::run(&args),
        Command::Send(args) => settings(cli.config).and_then(|config| send::run(&config, &args)),
        Command::Status(args) => settings(cli.config).and_then(|config| status::run(&config, &args)),
        Command::Render(args) => settings(cli.config).and_then(|config| render::run(&config, &args)),
        Command::Check => check::run(cli.config),
        Command::User(what) => settings(cli.config).and_then(|config| user::run(&config, what)),
        Command::Policy(args) => settings(cli.config).and_then(|config| policy::run(&config, &args)),
        Command::Worker => worker(),
        Command::Office { setup, inside: true } => office::inside(&setup).map_err(Failure::failed),
        Command::Office { setup, inside: false } => match office::keep(&setup) {
            Ok(code) => return ExitCode::from(code),
            Err(error) => Err(Failure::failed(error)),
        },
        Command::Modem(args) => modem::run(cli.config, &args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("faxgate: {}", out::plain(&failure.text));
            ExitCode::from(failure.code)
        }
    }
}

/// The configuration: the file that was named, else the usual one, else the embedded default.
fn settings(path: Option<PathBuf>) -> Result<Config, Failure> {
    let usual = PathBuf::from(CONFIG_PATH);
    match path.or_else(|| usual.exists().then_some(usual)) {
        Some(path) => Ok(Config::load(&path)?),
        None => Ok(Config::embedded(&home_dir())?),
    }
}

/// Where the embedded default keeps its things.
fn home_dir() -> PathBuf {
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    data.or_else(home).unwrap_or_else(|| PathBuf::from(".")).join("faxgate")
}

/// The processes that make pages, one of them tried out.
fn workers(config: &Config) -> Result<Arc<Workers>, Failure> {
    let workers = Workers::new(&config.render);
    workers.try_out().map_err(|error| {
        let cause = error.cause().unwrap_or_default();
        Failure::failed(format!("render.workers: {error}: {cause}"))
    })?;
    Ok(Arc::new(workers))
}

fn worker() -> Result<(), Failure> {
    let (mut from, mut to) = (std::io::stdin().lock(), std::io::stdout().lock());
    serve_as_worker(&mut from, &mut to).map_err(Failure::failed)
}

/// A runtime for the commands that need one.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Failure::failed(format!("cannot start the runtime: {error}")))
}
