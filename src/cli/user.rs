//! `faxgate user`: the people who may sign in. A password is asked for on a terminal, without showing it, and read from
//! standard input else; it never stands on the command line, where everybody on the machine could read it.

use std::io::{BufRead, IsTerminal, Write};

use clap::Subcommand;
use jiff::SignedDuration;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::Failure;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::users::{PASSWORD_OCTETS_MAX, Users, UsersError};

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Add somebody; the password is asked for, or read from standard input
    Add {
        /// The name to sign in with: letters, digits and . _ @ + -
        name: String,
    },
    /// Give somebody a new password
    Passwd {
        /// Whose
        name: String,
    },
    /// List the names
    List {
        /// Print one JSON value
        #[arg(long)]
        json: bool,
    },
    /// Make somebody a key for the addresses of their faxes: +12125550123/KEY=…@fax.example.com; it is shown once
    Key {
        /// Whose
        name: String,
        /// How long the keys that they have go on
        #[arg(long, value_name = "TIME", default_value = "24h")]
        keep_old: String,
    },
    /// List the keys of somebody, by their times
    Keys {
        /// Whose
        name: String,
        /// Print one JSON value
        #[arg(long)]
        json: bool,
    },
    /// End all keys of somebody at once
    RevokeKeys {
        /// Whose
        name: String,
    },
    /// Remove somebody
    Remove {
        /// Whom
        name: String,
    },
}

pub(super) fn run(config: &Config, command: UserCommand) -> Result<(), Failure> {
    let users = Users::at(config.users_path());
    match command {
        UserCommand::Add { name } => users.add(&name, &password()?)?,
        UserCommand::Passwd { name } => users.set_password(&name, &password()?)?,
        UserCommand::Remove { name } => users.remove(&name)?,
        UserCommand::Key { name, keep_old } => {
            let keep_old: SignedDuration = keep_old.parse().map_err(Failure::usage)?;
            println!("{}", users.new_key(&name, SystemClock.now(), keep_old)?);
        }
        UserCommand::RevokeKeys { name } => users.revoke_keys(&name)?,
        UserCommand::Keys { name, json } => {
            let keys = users.keys_of(&name)?;
            if json {
                println!("{}", serde_json::to_string(&keys).map_err(Failure::failed)?);
            } else {
                for key in keys {
                    let ends = key.ends.map_or_else(|| "does not end".into(), |ends| format!("ends {ends}"));
                    println!("made {}, {ends}", key.made);
                }
            }
        }
        UserCommand::List { json } => {
            let names = users.names()?;
            if json {
                println!("{}", serde_json::to_string(&names).map_err(Failure::failed)?);
            } else {
                names.iter().for_each(|name| println!("{name}"));
            }
        }
    }
    Ok(())
}

impl From<UsersError> for Failure {
    fn from(error: UsersError) -> Self {
        match error {
            UsersError::Name(_) | UsersError::Password => Self::usage(error),
            _ => Self::failed(error),
        }
    }
}

fn password() -> Result<String, Failure> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return line(input.lock());
    }
    let first = hidden("Password: ")?;
    if hidden("Again: ")? == first { Ok(first) } else { Err(Failure::usage("the two are not the same")) }
}

/// One line, without its end.
fn line(input: impl BufRead) -> Result<String, Failure> {
    let mut text = String::new();
    let limit = PASSWORD_OCTETS_MAX as u64 + 3;
    input.take(limit).read_line(&mut text).map_err(Failure::failed)?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

/// Asks on the terminal, which shows nothing of the answer.
fn hidden(question: &str) -> Result<String, Failure> {
    let input = std::io::stdin();
    eprint!("{question}");
    std::io::stderr().flush().map_err(Failure::failed)?;
    let shown = tcgetattr(&input).map_err(Failure::failed)?;
    let mut silent = shown.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&input, OptionalActions::Flush, &silent).map_err(Failure::failed)?;
    let answer = line(input.lock());
    let back = tcsetattr(&input, OptionalActions::Flush, &shown);
    eprintln!();
    back.map_err(Failure::failed)?;
    answer
}
