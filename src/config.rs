//! The configuration file: every part owns its section, and this is where they are put together.
//!
//! `config/faxgate.toml` shows every setting with its default. An unknown key, a wrong type or a value that makes
//! no sense is an error that names the file, the line and the key.

mod check;
mod covers;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::{AddressConfig, DialPlanConfig, Number, PolicyConfig};
use crate::door::milter::MilterConfig;
use crate::door::smtp::SmtpConfig;
use crate::job::schedule::{Rule, Rules};
use crate::line::serial::config::ModemLineConfig;
use crate::line::sim::{SimLineConfig, SimulationConfig};
use crate::mailauth::MailAuthConfig;
use crate::mailer::MailerConfig;
use crate::received::ReceivedConfig;
use crate::render::RenderConfig;
use crate::report::ReportConfig;
use crate::store::StoreConfig;
use crate::submit::SubmitConfig;

/// All settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the queue, the pages and the control socket are.
    pub data_dir: PathBuf,
    /// The file of the people who may sign in; `None`: `users.json` in `data_dir`.
    pub users_file: Option<PathBuf>,
    /// The name of this gateway among those that share a store.
    pub node: String,
    /// The time zone of header lines, cover pages and receipts: `Europe/Berlin`; empty is the machine's.
    pub time_zone: String,
    /// Who the header line of every page says the fax is from.
    pub header_from: String,
    /// The SMTP listener.
    pub smtp: SmtpConfig,
    /// The milter.
    pub milter: MilterConfig,
    /// The addresses that are the gateway's.
    pub address: AddressConfig,
    /// How numbers are written and dialled here.
    pub dial_plan: DialPlanConfig,
    /// Who may fax where.
    pub policy: PolicyConfig,
    /// How mails prove their authors.
    pub mail_auth: MailAuthConfig,
    /// Limits of what is accepted.
    pub submit: SubmitConfig,
    /// How long things are kept.
    pub store: StoreConfig,
    /// How pages are made.
    pub render: RenderConfig,
    /// When to try again.
    pub retry: RetryConfig,
    /// The lines.
    pub line: Vec<LineConfig>,
    /// Modem profiles of the operator's, beside those in the program.
    pub modems_dir: PathBuf,
    /// The simulated telephone network.
    pub simulation: SimulationConfig,
    /// Reports to senders.
    pub report: ReportConfig,
    /// Where received faxes go.
    pub received: ReceivedConfig,
    /// How mail leaves.
    pub mailer: MailerConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("/var/lib/faxgate"),
            users_file: None,
            node: "faxgate-1".into(),
            time_zone: String::new(),
            header_from: "Faxgate".into(),
            smtp: SmtpConfig::default(),
            milter: MilterConfig::default(),
            address: AddressConfig::default(),
            dial_plan: DialPlanConfig::default(),
            policy: PolicyConfig::default(),
            mail_auth: MailAuthConfig::default(),
            submit: SubmitConfig::default(),
            store: StoreConfig::default(),
            render: RenderConfig::default(),
            retry: RetryConfig::default(),
            line: Vec::new(),
            modems_dir: PathBuf::from("/etc/faxgate/modems"),
            simulation: SimulationConfig::default(),
            report: ReportConfig::default(),
            received: ReceivedConfig::default(),
            mailer: MailerConfig::default(),
        }
    }
}

/// One line (`[[line]]`), by kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum LineConfig {
    /// A line of the simulated network.
    Simulated(SimLineConfig),
    /// A line on a real modem.
    Modem(Box<ModemLineConfig>),
}

impl LineConfig {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Simulated(line) => &line.name,
            Self::Modem(line) => &line.name,
        }
    }

    /// Its own number, where it is known.
    #[must_use]
    pub fn number(&self) -> Option<&Number> {
        match self {
            Self::Simulated(line) => Some(&line.number),
            Self::Modem(line) => line.number.as_ref(),
        }
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Simulated(line) => line.check(),
            Self::Modem(line) => line.check(),
        }
    }
}

/// When to try again, by cause (`[retry]`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryConfig {
    /// Busy.
    pub busy: RuleConfig,
    /// Nobody answers.
    pub no_answer: RuleConfig,
    /// Somebody answers who is no fax machine.
    pub no_fax: RuleConfig,
    /// A call came in on the line that was about to dial.
    pub line_taken: RuleConfig,
    /// Anything that goes wrong in a call.
    pub protocol: RuleConfig,
    /// A fault of our own line.
    pub line_trouble: RuleConfig,
    /// When a job is given up.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub expires_after: Duration,
    /// When the sender is told that it takes long.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub delay_report_after: Duration,
}

/// One rule of `[retry]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// Calls that may end so before the job does.
    pub tries: u32,
    /// How long to wait before the next.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub delay: Duration,
}

impl From<Rule> for RuleConfig {
    fn from(rule: Rule) -> Self {
        Self { tries: rule.tries_max, delay: rule.delay }
    }
}

impl From<RuleConfig> for Rule {
    fn from(config: RuleConfig) -> Self {
        Self { tries_max: config.tries, delay: config.delay }
    }
}

impl Default for RetryConfig {
    fn default() -> Self {
        let rules = Rules::default();
        Self {
            busy: rules.busy.into(),
            no_answer: rules.no_answer.into(),
            no_fax: rules.no_fax.into(),
            line_taken: rules.line_taken.into(),
            protocol: rules.protocol.into(),
            line_trouble: rules.line_trouble.into(),
            expires_after: rules.expires_after,
            delay_report_after: rules.delay_report_after,
        }
    }
}

impl RetryConfig {
    /// The rules, for the scheduler.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules {
            busy: self.busy.into(),
            no_answer: self.no_answer.into(),
            no_fax: self.no_fax.into(),
            line_taken: self.line_taken.into(),
            protocol: self.protocol.into(),
            line_trouble: self.line_trouble.into(),
            expires_after: self.expires_after,
            delay_report_after: self.delay_report_after,
        }
    }
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {cause}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The file says something that is not understood; the text names line and column and shows the line.
    #[error("{path}: {cause}")]
    NotUnderstood {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        cause: Box<toml::de::Error>,
    },
    /// The settings contradict one another or the machine.
    #[error("{path}: {setting}: {reason}")]
    Senseless {
        /// Which file.
        path: PathBuf,
        /// Which setting.
        setting: &'static str,
        /// Why, as a sentence without its full stop.
        reason: String,
    },
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |cause| ConfigError::Unreadable { path: path.to_owned(), cause };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(&text, path)
    }

    /// Reads and checks a text; `path` is for the messages.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let not_understood =
            |cause| ConfigError::NotUnderstood { path: path.to_owned(), cause: Box::new(cause) };
        let mut config: Self = toml::from_str(text).map_err(not_understood)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let settled = check::check(&config).and_then(|()| covers::read(&mut config, folder));
        settled.map_err(|(setting, reason)| ConfigError::Senseless {
            path: path.to_owned(),
            setting,
            reason,
        })?;
        Ok(config)
    }

    /// The text of a configuration that works on this machine alone: simulated lines, and mail into Maildirs
    /// below `data_dir`.
    #[must_use]
    pub fn embedded_text(data_dir: &Path) -> String {
        let mail_dir = data_dir.join("mail");
        let embedded = include_str!("../config/embedded.toml");
        format!("data_dir = {data_dir:?}\n{embedded}\n[mailer.maildir]\ndir = {mail_dir:?}\n")
    }

    /// The settings of [`Config::embedded_text`].
    ///
    /// # Errors
    /// Where `data_dir` is a path that cannot be written as text.
    pub fn embedded(data_dir: &Path) -> Result<Self, ConfigError> {
        Self::parse(&Self::embedded_text(data_dir), Path::new("the embedded configuration"))
    }

    /// Where the people who may sign in are kept.
    #[must_use]
    pub fn users_path(&self) -> PathBuf {
        self.users_file.clone().unwrap_or_else(|| self.data_dir.join("users.json"))
    }

    /// The mailbox of a person who looks after the gateway.
    #[must_use]
    pub fn postmaster(&self) -> String {
        let usual = || format!("postmaster@{}", self.smtp.hostname);
        self.address.postmaster.clone().unwrap_or_else(usual)
    }

    /// The configured time zone.
    ///
    /// # Errors
    /// A sentence, where there is no such zone.
    pub fn zone(&self) -> Result<jiff::tz::TimeZone, String> {
        if self.time_zone.is_empty() {
            return Ok(jiff::tz::TimeZone::system());
        }
        jiff::tz::TimeZone::get(&self.time_zone).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference that operators read.
    const REFERENCE: &str = include_str!("../config/faxgate.toml");

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("test.toml"))
    }

    /// The names of all settings below a table, such as `retry.busy`, and whether each is a list of tables.
    fn names(table: &toml::Table, prefix: &str) -> Vec<String> {
        let names_of = |(key, value): (&String, &toml::Value)| match value {
            toml::Value::Table(inner) if !inner.contains_key("tries") => {
                names(inner, &format!("{prefix}{key}."))
            }
            _ => vec![format!("{prefix}{key}")],
        };
        table.iter().flat_map(names_of).collect()
    }

    #[test]
    fn the_reference_shows_every_setting_with_its_default() {
        assert_eq!(parse(REFERENCE).unwrap(), Config::default());
        let shown = names(&REFERENCE.parse().unwrap(), "");
        let defaults = toml::Table::try_from(Config::default()).unwrap();
        for name in names(&defaults, "") {
            let is_list_of_tables = REFERENCE.contains(&format!("#[[{name}]]"));
            assert!(shown.contains(&name) || is_list_of_tables, "{name} is not in config/faxgate.toml");
        }
    }

    #[test]
    fn what_the_reference_shows_as_an_example_can_be_used() {
        let is_example =
            |line: &&str| line.starts_with("#[[") || line.trim_start_matches('#').contains(" = ");
        let uncommented = REFERENCE.lines().map(|line| match line.strip_prefix('#') {
            Some(example) if is_example(&line) && !example.starts_with(' ') => example,
            _ => line,
        });
        // Files are named from where the reference stands.
        let text = uncommented.collect::<Vec<_>>().join("\n");
        let config = Config::parse(&text, Path::new("config/faxgate.toml")).unwrap();
        assert_eq!(
            (config.line.len(), config.received.route.len(), config.simulation.number.len()),
            (2, 1, 1)
        );
        // Every setting of a modem is shown, with its default where it has one.
        let Some(LineConfig::Modem(shown)) = config.line.last() else { panic!("no modem") };
        let all = toml::Table::try_from(ModemLineConfig::default()).unwrap();
        for name in all.keys().map(String::as_str).chain(["number", "station_id"]) {
            assert!(REFERENCE.contains(&format!("\n#{name} = ")) || name == "ring", "{name} is not shown");
        }
        let ModemLineConfig { name, device, number, station_id, .. } = (**shown).clone();
        let example = ModemLineConfig { name, device, number, station_id, ..ModemLineConfig::default() };
        let commands = (shown.caller_id_command.clone(), shown.distinctive_ring_command.clone());
        let example = ModemLineConfig { ring: shown.ring.clone(), init: shown.init.clone(), ..example };
        let example = ModemLineConfig { virtual_modem: shown.virtual_modem.clone(), ..example };
        let (caller_id_command, distinctive_ring_command) = commands;
        assert_eq!(**shown, ModemLineConfig { caller_id_command, distinctive_ring_command, ..example });
        assert!(config.address.postmaster.is_some());
    }

    #[test]
    fn the_configuration_in_the_readme_is_good() {
        let readme = include_str!("../README.md");
        let (_, block) = readme.split_once("```toml\n").unwrap();
        let config = parse(block.split_once("```").unwrap().0).unwrap();
        assert_eq!((config.line.len(), config.address.domains.len()), (1, 1));
    }

    #[test]
    fn an_unknown_setting_is_an_error_with_its_place() {
        let error = parse("data_dir = \"/tmp\"\n[smtp]\nlisten_on = []\n").unwrap_err().to_string();
        assert!(
            error.contains("test.toml") && error.contains("line 3") && error.contains("listen_on"),
            "{error}"
        );
        assert!(
            parse("[[line]]\nkind = \"simulated\"\nname = \"a\"\nnumber = \"+441\"\nanwser = true\n")
                .is_err()
        );
    }

    /// Two lines, of which the first is called `b` and has the number +441.
    fn line(more: &str, name: &str, number: &str) -> String {
        let one = |name, number, more| {
            format!("[[line]]\nkind = \"simulated\"\nname = \"{name}\"\nnumber = \"{number}\"\n{more}\n")
        };
        one("b", "+441", "") + &one(name, number, more)
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (text, setting) in [
            ("time_zone = \"Europe/Nowhere\"", "time_zone"),
            ("[simulation]\npace = -1.0", "simulation.pace"),
            ("[simulation]\npace = 1e-300", "simulation.pace"),
            ("[simulation]\npace = nan", "simulation.pace"),
            ("[policy]\ndestinations = [\"1212\"]", "policy"),
            ("[[received.route]]\nto = []", "received"),
            ("[[received.route]]\nto = [\"a b\"]", "\"a b\""),
            ("[[received.route]]\nline = \"x\"\nto = [\"a@b\"]", "no line \"x\""),
            ("[received]\nfrom = \"a\"", "received: from"),
            ("[report]\nfrom = \"a\"", "report: from"),
            ("[smtp]\nhostname = \"a\\r\\nb\"", "smtp: hostname"),
            ("[milter]\nrecipients_max = 0", "milter: recipients_max"),
            ("[render.limits]\npages_max = 0", "render.limits: pages_max"),
            ("[render.office]\ncount = 0", "render.office: count"),
            ("[retry]\nbusy = { tries = 0, delay = \"1m\" }", "retry.busy"),
            ("[retry]\nbusy = { tries = 1, delay = \"9999999h\" }", "retry.busy"),
            ("[retry]\nexpires_after = \"99999999999h\"", "retry.expires_after"),
            ("[store]\nkeep_done = \"99999999999h\"", "store.keep_done"),
            ("[store]\ncommit_deadline = \"0s\"", "store.commit_deadline"),
            ("[simulation]\nbit_errors_per_million = 1000001", "simulation.bit_errors_per_million"),
            ("[[simulation.number]]\nnumber = \"+44123\"\nanswers = []", "simulation.number"),
            (&line("", "a", "+441"), "two lines have the number"),
            (&line("", "b", "+442"), "two lines are called"),
            (&line("", "a\\u001b[31m", "+442"), "name"),
            (&line("station_id = \"a station ID too long to be sent\"", "a", "+442"), "station_id"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(setting), "{error}");
        }
    }

    #[test]
    fn the_embedded_settings_are_good() {
        let config = Config::embedded(Path::new("/tmp/a \"quoted\" folder")).unwrap();
        assert_eq!(config.line.len(), 2);
        assert!(config.mailer.maildir.dir.starts_with(&config.data_dir));
    }
}
