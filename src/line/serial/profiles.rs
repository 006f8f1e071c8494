//! The modems that are known: `config/modems/*.toml`, compiled in, and a folder of the operator's that adds to them or
//! replaces them by name.
//!
//! A file says only what differs from a well-behaved Class 1 modem ([`Profile::default`]); a name that is not known in it
//! is an error with its place. Which profile fits is decided by the longest of its `matches` that the modem says of itself.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fax::at::dle;
use fax::at::probe::Found;
use fax::at::profile::{BitOrder, Class, FlowControl, Profile, SilenceBy};
use fax::carrier::{Modulation, SpeedSet};
use serde::{Deserialize, Serialize};

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../config/modems/", $name, ".toml")))),*]
    };
}

/// The files that are compiled in.
const BUILT_IN: [(&str, &str); 21] = built_in![
    "conexant-cx930xx",
    "digi-accelport",
    "eicon-diva",
    "faxgate-virtual",
    "generic-class-1",
    "generic-class-1.0",
    "generic-class-2",
    "generic-class-2.0",
    "generic-class-2.1",
    "hayes-optima",
    "iaxmodem",
    "lucent-agere",
    "mainpine",
    "multitech-mt5634",
    "rockwell-k56",
    "silabs-si24xx",
    "t38modem",
    "usrobotics-56k",
    "usrobotics-courier",
    "zyxel-omni",
    "zyxel-u1496",
];

/// Files in the operator's folder.
const FILES_MAX: usize = 500;
/// Octets of one file.
const FILE_OCTETS_MAX: u64 = 64 << 10;

/// A service class as it is written in settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClassName {
    /// Class 1.
    #[serde(rename = "1")]
    One,
    /// Class 1.0.
    #[serde(rename = "1.0")]
    OnePointZero,
    /// Class 2.
    #[serde(rename = "2")]
    Two,
    /// Class 2.0.
    #[serde(rename = "2.0")]
    TwoPointZero,
    /// Class 2.1.
    #[serde(rename = "2.1")]
    TwoPointOne,
}

impl From<ClassName> for Class {
    fn from(name: ClassName) -> Self {
        match name {
            ClassName::One => Self::One,
            ClassName::OnePointZero => Self::OnePointZero,
            ClassName::Two => Self::Two,
            ClassName::TwoPointZero => Self::TwoPointZero,
            ClassName::TwoPointOne => Self::TwoPointOne,
        }
    }
}

/// Flow control as it is written in settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowName {
    /// None.
    None,
    /// XON and XOFF.
    XonXoff,
    /// RTS and CTS.
    RtsCts,
}

impl From<FlowName> for FlowControl {
    fn from(name: FlowName) -> Self {
        match name {
            FlowName::None => Self::None,
            FlowName::XonXoff => Self::XonXoff,
            FlowName::RtsCts => Self::RtsCts,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum BitOrderName {
    LeastFirst,
    MostFirst,
}

impl From<BitOrderName> for BitOrder {
    fn from(name: BitOrderName) -> Self {
        match name {
            BitOrderName::LeastFirst => Self::LeastFirst,
            BitOrderName::MostFirst => Self::MostFirst,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SilenceName {
    Modem,
    Timer,
}

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    name: String,
    /// For people: what has it.
    #[serde(default)]
    models: Vec<String>,
    #[serde(default)]
    matches: Vec<String>,
    class: Option<ClassName>,
    reset: Option<Vec<String>>,
    init: Option<Vec<String>>,
    call_setup: Option<Vec<String>>,
    flow: Option<FlowName>,
    flow_command: Option<String>,
    /// Whether V.17 is to be used: for sending, for receiving.
    v17_send: Option<bool>,
    v17_receive: Option<bool>,
    ecm: Option<bool>,
    bit_order_send: Option<BitOrderName>,
    bit_order_receive: Option<BitOrderName>,
    /// Class 2: received data begin at XON, not at DC2.
    receive_starts_by_xon: Option<bool>,
    silence: Option<SilenceName>,
    adaptive_reception: Option<bool>,
    frames_have_fcs: Option<bool>,
    speaker: Option<String>,
    caller_id: Option<String>,
    distinctive_ring: Option<String>,
    dial: Option<String>,
    answer: Option<String>,
    hang_up: Option<String>,
    dtr_hang_up: Option<bool>,
    #[serde(default, with = "jiff::fmt::serde::unsigned_duration::friendly::compact::optional")]
    command_gap: Option<Duration>,
    #[serde(default, with = "jiff::fmt::serde::unsigned_duration::friendly::compact::optional")]
    command_wait: Option<Duration>,
    #[serde(default, with = "jiff::fmt::serde::unsigned_duration::friendly::compact::optional")]
    reset_wait: Option<Duration>,
}

/// Why a profile cannot be had. For the operator.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {cause}", path = .path.display())]
pub struct ProfileError {
    path: PathBuf,
    cause: String,
}

/// A modem that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What differs.
    pub profile: Profile,
    /// What has it, for people.
    pub models: Vec<String>,
    /// Class 2: whether it does error correction; `None` where that is asked of the modem.
    ecm: Option<bool>,
}

/// Every modem that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profiles(Vec<Known>);

impl Profiles {
    /// Those that are compiled in.
    ///
    /// # Errors
    /// None, as a test sees to.
    pub fn built_in() -> Result<Self, ProfileError> {
        let read = |(name, text): &(&str, &str)| parse(text, &Path::new("config/modems").join(name));
        BUILT_IN.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Those that are compiled in, with the files of a folder beside or above them. A folder that is not there is an
    /// empty one.
    ///
    /// # Errors
    /// A file that cannot be read or understood, with its place.
    pub fn load(dir: &Path) -> Result<Self, ProfileError> {
        let mut known = Self::built_in()?;
        for path in files(dir)? {
            let error = |cause: String| ProfileError { path: path.clone(), cause };
            let length = std::fs::metadata(&path).map_err(|e| error(e.to_string()))?.len();
            if length > FILE_OCTETS_MAX {
                return Err(error(format!("is larger than {FILE_OCTETS_MAX} bytes")));
            }
            let text = std::fs::read_to_string(&path).map_err(|e| error(e.to_string()))?;
            let new = parse(&text, &path)?;
            known.0.retain(|old| old.profile.name != new.profile.name);
            known.0.push(new);
        }
        Ok(known)
    }

    /// The profile of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Profile> {
        self.0.iter().map(|known| &known.profile).find(|profile| profile.name == name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Known> {
        self.0.iter()
    }

    /// The profile that fits best what a modem says of itself: the one with the longest words in it.
    #[must_use]
    pub fn fitting(&self, words: &str) -> Option<&Profile> {
        let fits = self.0.iter().filter_map(|known| Some((known.profile.fit(words)?, &known.profile)));
        fits.max_by_key(|(octets, _)| *octets).map(|(_, profile)| profile)
    }

    /// The profile for a modem that was asked: the one that fits, or one for any modem of its best class, with what the
    /// modem said of its classes and speeds.
    #[must_use]
    pub fn propose(&self, found: &Found) -> Profile {
        let fitting = self.fitting(&found.words).cloned();
        let known = fitting.or_else(|| found.best_class().map(|class| self.generic(class)));
        let mut profile = found.propose(known.as_slice());
        if let Some(known) = known.filter(|known| known.fit(&found.words).is_none()) {
            // No words of a generic profile can fit; what it is called and begins with is worth having.
            (profile.name, profile.init) = (known.name, known.init);
        }
        let said = self.0.iter().find(|known| known.profile.name == profile.name).and_then(|known| known.ecm);
        let found = found.class_two.iter().any(|two| two.class == profile.class && two.ecm);
        profile.ecm = said.unwrap_or(found);
        profile
    }

    /// The profile for any modem of a class.
    #[must_use]
    pub fn generic(&self, class: Class) -> Profile {
        let named = self.named(&format!("generic-class-{class}")).cloned();
        named.unwrap_or_else(|| Profile { class, ..Profile::default() })
    }
}

fn files(dir: &Path) -> Result<Vec<PathBuf>, ProfileError> {
    let error = |cause: String| ProfileError { path: dir.to_owned(), cause };
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(error(cause.to_string())),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|cause| error(cause.to_string()))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    if paths.len() > FILES_MAX {
        return Err(error(format!("has more than {FILES_MAX} profiles")));
    }
    paths.sort();
    Ok(paths)
}

fn parse(text: &str, path: &Path) -> Result<Known, ProfileError> {
    let error = |cause: String| ProfileError { path: path.to_owned(), cause };
    let file: ProfileFile = toml::from_str(text).map_err(|cause| error(cause.to_string()))?;
    if file.name.is_empty() {
        return Err(error("name is empty".into()));
    }
    let (models, ecm) = (file.models.clone(), file.ecm);
    let profile = profile(file);
    let commands = [&profile.reset, &profile.init, &profile.call_setup].into_iter().flatten();
    let options = [&profile.flow_command, &profile.speaker, &profile.caller_id, &profile.distinctive_ring];
    let single = [&profile.dial, &profile.answer, &profile.hang_up];
    let bad = commands.chain(options.into_iter().flatten()).chain(single).find(|text| !is_command(text));
    match bad {
        Some(text) => Err(error(format!("{text:?} is not a modem command: it must begin with AT"))),
        None => Ok(Known { profile, models, ecm }),
    }
}

/// Whether a text can be sent as one command line.
pub(super) fn is_command(text: &str) -> bool {
    const COMMAND_OCTETS_MAX: usize = 200;
    let begins = text.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("AT"));
    begins && text.len() <= COMMAND_OCTETS_MAX && text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

fn profile(file: ProfileFile) -> Profile {
    let usual = Profile::default();
    let speeds = |v17: Option<bool>| match v17 {
        Some(false) => SpeedSet::ALL.without_modulation(Modulation::V17),
        _ => SpeedSet::ALL,
    };
    Profile {
        name: file.name,
        matches: file.matches,
        class: file.class.map_or(usual.class, Into::into),
        reset: file.reset.unwrap_or(usual.reset),
        init: file.init.unwrap_or(usual.init),
        call_setup: file.call_setup.unwrap_or(usual.call_setup),
        flow: file.flow.map_or(usual.flow, Into::into),
        flow_command: file.flow_command.or(usual.flow_command),
        speeds_send: speeds(file.v17_send),
        speeds_receive: speeds(file.v17_receive),
        ecm: file.ecm.unwrap_or(usual.ecm),
        bit_order_send: file.bit_order_send.map_or(usual.bit_order_send, Into::into),
        bit_order_receive: file.bit_order_receive.map_or(usual.bit_order_receive, Into::into),
        receive_start: match file.receive_starts_by_xon {
            Some(true) => dle::XON,
            _ => usual.receive_start,
        },
        silence: match file.silence {
            None => usual.silence,
            Some(SilenceName::Modem) => SilenceBy::Modem,
            Some(SilenceName::Timer) => SilenceBy::Timer,
        },
        adaptive_reception: file.adaptive_reception.unwrap_or(usual.adaptive_reception),
        frames_have_fcs: file.frames_have_fcs.unwrap_or(usual.frames_have_fcs),
        speaker: file.speaker.or(usual.speaker),
        caller_id: file.caller_id.or(usual.caller_id),
        distinctive_ring: file.distinctive_ring.or(usual.distinctive_ring),
        dial: file.dial.unwrap_or(usual.dial),
        answer: file.answer.unwrap_or(usual.answer),
        hang_up: file.hang_up.unwrap_or(usual.hang_up),
        dtr_hang_up: file.dtr_hang_up.unwrap_or(usual.dtr_hang_up),
        command_gap: file.command_gap.unwrap_or(usual.command_gap),
        command_wait: file.command_wait.unwrap_or(usual.command_wait),
        reset_wait: file.reset_wait.unwrap_or(usual.reset_wait),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_profile_of_the_folder_is_compiled_in_and_good() {
        let profiles = Profiles::built_in().unwrap();
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/modems");
        assert_eq!(files(&dir).unwrap().len(), BUILT_IN.len());
        assert_eq!(Profiles::load(&dir).unwrap().0.len(), BUILT_IN.len(), "each replaces itself");
        let mut words = HashSet::new();
        for ((file, _), known) in BUILT_IN.iter().zip(&profiles.0) {
            assert_eq!(known.profile.name, *file);
            for text in &known.profile.matches {
                assert!(words.insert(text.to_ascii_lowercase()), "{file}: {text:?} is in two profiles");
                assert!(text.len() > 2, "{file}: {text:?} is in everything");
            }
            assert_eq!(known.models.is_empty(), file.starts_with("generic"), "{file}");
        }
        assert!(profiles.iter().filter(|known| !known.models.is_empty()).count() >= 10);
        for class in Class::ALL {
            assert_eq!(profiles.generic(class).class, class);
        }
    }

    #[test]
    fn modems_are_found_by_their_words() {
        let profiles = Profiles::built_in().unwrap();
        for (words, name) in [
            ("56000 CX93001-EIS_V0.2013-V92", Some("conexant-cx930xx")),
            ("5601 U.S. Robotics 56K FAX USB V1.2.23", Some("usrobotics-56k")),
            ("USRobotics Courier V.Everything", Some("usrobotics-courier")),
            ("LT V.92 1.0 MT5634ZBA Serial Data/Fax/Voice Modem", Some("multitech-mt5634")),
            ("Mainpine Venus V.92 Agere Systems", Some("mainpine")),
            ("spandsp www.soft-switch.org", Some("iaxmodem")),
            ("U1496E V 6.13", Some("zyxel-u1496")),
            ("a toaster", None),
        ] {
            assert_eq!(profiles.fitting(words).map(|p| p.name.as_str()), name, "{words}");
        }
    }

    #[test]
    fn what_the_modem_says_of_its_classes_goes_into_the_proposal() {
        use fax::at::probe::ClassTwo;
        let profiles = Profiles::built_in().unwrap();
        let two = |class| ClassTwo { class, bit_rate_max: 14_400, ecm: true, mr: true, mmr: true };
        let found = |words: &str, class| Found {
            words: words.into(),
            classes: vec![class],
            class_two: vec![two(class)],
            ..Found::default()
        };
        let unknown = profiles.propose(&found("a toaster", Class::TwoPointZero));
        assert_eq!((unknown.name.as_str(), unknown.class), ("generic-class-2.0", Class::TwoPointZero));
        assert!(unknown.ecm);
        let zyxel = profiles.propose(&found("U1496E V 6.13", Class::TwoPointZero));
        assert!(zyxel.name == "zyxel-u1496" && !zyxel.ecm, "the profile knows better");
        let other_class = profiles.propose(&found("CX93001-EIS_V0.2013-V92", Class::Two));
        assert!(other_class.name == "conexant-cx930xx" && other_class.class == Class::Two && other_class.ecm);
    }

    #[test]
    fn a_folder_adds_and_replaces() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write(
            "mine.toml",
            "name = \"mine\"\nmatches = [\"mine\"]\nv17_receive = false\nsilence = \"timer\"\n",
        );
        write("theirs.toml", "name = \"mainpine\"\nclass = \"2.1\"\ncommand_gap = \"50ms\"\n");
        write("readme.txt", "not a profile");
        let profiles = Profiles::load(dir.path()).unwrap();
        let mine = profiles.named("mine").unwrap();
        assert!(!mine.speeds_receive.has_modulation(Modulation::V17) && mine.silence == SilenceBy::Timer);
        let theirs = profiles.named("mainpine").unwrap();
        assert_eq!((theirs.class, theirs.command_gap), (Class::TwoPointOne, Duration::from_millis(50)));
        assert_eq!(profiles.0.len(), BUILT_IN.len() + 1);
        assert_eq!(Profiles::load(Path::new("/nowhere")).unwrap(), Profiles::built_in().unwrap());
    }

    #[test]
    fn what_is_wrong_in_a_profile_is_named_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        for (text, words) in [
            ("name = \"a\"\nspeeker = \"ATM1\"\n", "speeker"),
            ("name = \"a\"\nclass = \"3\"\n", "line 2"),
            ("name = \"a\"\ninit = [\"+FCLASS=1\"]\n", "\"+FCLASS=1\" is not a modem command"),
            ("name = \"a\"\nhang_up = \"ATH0\\r\\nATD911\"\n", "is not a modem command"),
            ("name = \"\"\n", "name is empty"),
        ] {
            std::fs::write(dir.path().join("a.toml"), text).unwrap();
            let error = Profiles::load(dir.path()).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("a.toml"), "{error}");
        }
    }
}
