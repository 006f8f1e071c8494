//! The words of `faxgate modem`: for somebody who has a box with a telephone plug and wants to fax.

use std::fmt::Write;
use std::path::Path;

use crate::line::serial::devices::{Access, Device};
use crate::line::serial::examine::{Description, Ecm, Finding, FlowFound};
use crate::line::serial::profiles::Profiles;
use crate::mailer::words::one_line;

/// How much of what a modem says of itself is shown.
const NAME_CHARS_MAX: usize = 80;

/// What was found, where a modem answered.
pub(super) fn found(device: &Path, finding: &Finding, profiles: &Profiles) -> Option<String> {
    let (Finding::FaxModem(modem) | Finding::NoFax(modem)) = finding else { return None };
    let mut text = String::new();
    let at = format!("{} answers at {} bit/s", device.display(), modem.baud);
    let wrong = modem.wrong_baud.map(|baud| format!(" (not at {baud})")).unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{at}{wrong}.\n");
    for (name, value) in rows(modem, profiles) {
        let _ = writeln!(text, "  {name:<17} {value}");
    }
    Some(text)
}

fn rows(modem: &Description, profiles: &Profiles) -> Vec<(&'static str, String)> {
    let told = |text: &Option<String>| match text {
        Some(text) => one_line(text, NAME_CHARS_MAX),
        None => "it does not say".into(),
    };
    let speeds = |speeds: &[String]| match (speeds.first(), speeds.last()) {
        (Some(fastest), Some(slowest)) if speeds.len() > 1 => format!("{fastest} down to {slowest}"),
        (Some(only), _) => only.clone(),
        _ => "it does not say".into(),
    };
    let mut rows = vec![("manufacturer", told(&modem.manufacturer)), ("model", told(&modem.model))];
    if modem.revision.is_some() {
        rows.push(("firmware", told(&modem.revision)));
    }
    let Some(class) = &modem.class else {
        rows.push(("fax classes", "none".into()));
        return rows;
    };
    rows.push(("fax classes", format!("{}; best here: {class}", modem.classes.join(", "))));
    rows.push(("sends", speeds(&modem.sends)));
    rows.push(("receives", speeds(&modem.receives)));
    let ecm = match modem.ecm {
        Ecm::Faxgate => "yes, by Faxgate",
        Ecm::Modem => "yes, by the modem",
        Ecm::Nobody => "no",
    };
    rows.push(("error correction", ecm.into()));
    rows.push(("flow control", flows(&modem.flow)));
    let command = |command: &Option<String>| match command {
        Some(command) => format!("yes ({})", one_line(command, NAME_CHARS_MAX)),
        None => "no".into(),
    };
    rows.push(("caller ID", command(&modem.caller_id)));
    rows.push(("distinctive ring", command(&modem.distinctive_ring)));
    rows.push(("profile", profile(modem, profiles)));
    rows
}

fn flows(flow: &[FlowFound]) -> String {
    let one = |flow: &FlowFound| {
        let works = if flow.works { "" } else { ", but then it answers no more" };
        format!("{} ({}){works}", flow.kind, flow.command)
    };
    if flow.is_empty() { "none".into() } else { flow.iter().map(one).collect::<Vec<_>>().join("; ") }
}

fn profile(modem: &Description, profiles: &Profiles) -> String {
    let Some(name) = &modem.profile else { return "none; it is treated as any modem of its class".into() };
    let known = profiles.iter().find(|known| known.profile.name == *name);
    let models = known.map(|known| known.models.join(", ")).filter(|models| !models.is_empty());
    models.map_or_else(|| name.clone(), |models| format!("{name} ({models})"))
}

/// The lines for the configuration: what must be said, and what differs from the default.
pub(super) fn configuration(modem: &Description) -> String {
    let mut text = String::from("[[line]]\nkind = \"modem\"\nname = \"line-1\"\n");
    // Writing to a string cannot fail.
    let _ = writeln!(text, "device = {:?}", modem.device);
    text.push_str("#number = \"+12125550100\"    # the number of this telephone line\n");
    if modem.baud != crate::line::serial::config::ModemLineConfig::default().baud {
        let _ = writeln!(text, "baud = {}", modem.baud);
    }
    let rts_fails = modem.flow.iter().any(|flow| flow.kind == "RTS/CTS" && !flow.works);
    if rts_fails {
        let software = modem.flow.iter().any(|flow| flow.kind == "XON/XOFF" && flow.works);
        let flow = if software { "xonxoff" } else { "none" };
        let _ = writeln!(text, "flow = \"{flow}\"    # it does not answer with RTS/CTS");
    }
    if modem.caller_id.is_some() {
        text.push_str("#caller_id = true           # where the telephone company sends it\n");
    }
    text
}

/// What is wrong and what to do; `None` where it can fax.
pub(super) fn wrong(device: &Path, finding: &Finding) -> Option<String> {
    let shown = device.display();
    Some(match finding {
        Finding::FaxModem(_) => return None,
        Finding::NoFax(_) => format!(
            "the modem at {shown} answers, but has no fax class: it cannot fax (AT+FCLASS=? names none)."
        ),
        Finding::NoDevice { devices } => format!("there is no device {shown}.\n{}", listed(devices)),
        Finding::NotPermitted { access } => not_permitted(device, access.as_ref()),
        Finding::NotASerialPort => {
            format!("{shown} is no serial port: it is something else than a device that a modem can be at.")
        }
        Finding::Locked { pid, program, lock_file } => {
            locked(device, *pid, program.as_deref(), lock_file.as_deref())
        }
        Finding::NoAnswer { tried, garbage_at, is_pseudo_terminal } => {
            no_answer(device, tried, garbage_at, *is_pseudo_terminal)
        }
        Finding::FellSilent { cause } => format!(
            "the modem at {shown} answered at first, and then no more: {cause}.\n\
             Switch it off and on again, or unplug it and plug it in, and try once more."
        ),
        Finding::Failed { cause } => format!("{shown}: {cause}"),
    })
}

fn listed(devices: &[Device]) -> String {
    if devices.is_empty() {
        return "This machine has no serial devices at all. A USB modem appears as /dev/ttyACM0 or /dev/ttyUSB0 when it \
                is plugged in; `dmesg` shows what the kernel makes of it. Some modems without a processor of their own \
                (\"winmodems\") never appear."
            .into();
    }
    let mut text = String::from("These are there:\n");
    for device in devices {
        let product = device.product.as_deref().map(|name| format!("  {}", one_line(name, NAME_CHARS_MAX)));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}{}", device.path.display(), product.unwrap_or_default());
    }
    text.trim_end().to_owned()
}

fn not_permitted(device: &Path, access: Option<&Access>) -> String {
    let shown = device.display();
    let Some(access) = access else { return format!("no permission to open {shown}.") };
    let Access { owner, group, group_may, user } = access;
    let whose = format!("user {user} may not open {shown}; it belongs to {owner} and the group {group}");
    if *group_may && group != "root" {
        format!(
            "{whose}.\nPut the user that runs Faxgate into that group, then start Faxgate again (and log in again, to \
             try it by hand):\n  usermod -aG {group} faxgate"
        )
    } else {
        format!(
            "{whose}, which may not read and write it either.\nGive it to a group that may, such as dialout, by a udev \
             rule or for now by hand:\n  chgrp dialout {shown} && chmod 660 {shown}\n  usermod -aG dialout faxgate"
        )
    }
}

fn locked(device: &Path, pid: Option<i32>, program: Option<&str>, lock_file: Option<&Path>) -> String {
    let shown = device.display();
    let who = match (pid, program) {
        (Some(pid), Some(program)) => format!("process {pid} ({})", one_line(program, NAME_CHARS_MAX)),
        (Some(pid), None) => format!("process {pid}"),
        (None, _) => "another program".into(),
    };
    let by = lock_file.map(|file| format!(", as {} says", file.display())).unwrap_or_default();
    let advice = if program == Some("faxgate") {
        "That is the gateway itself: `faxgate status` shows its lines. Stop it before you examine the modem."
    } else {
        "Two programs cannot share a modem: stop the other one, or give it another modem."
    };
    format!("{shown} is in use by {who}{by}.\n{advice}")
}

fn no_answer(device: &Path, tried: &[u32], garbage_at: &[u32], is_pseudo_terminal: bool) -> String {
    let shown = device.display();
    if is_pseudo_terminal {
        return format!(
            "nothing answers at {shown}. It is a pseudo terminal: the program behind it (a soft modem, iaxmodem, \
             t38modem) does not run, or is no modem."
        );
    }
    let list = |speeds: &[u32]| speeds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let tried = format!("Tried {} bit/s.", list(tried));
    if garbage_at.is_empty() {
        return format!(
            "nothing answers at {shown}. {tried}\n\
             Is the modem on? Is it at this port, and the cable a modem cable (not a null modem)? Is it a modem at all?"
        );
    }
    format!(
        "something answers at {shown}, but not in words. {tried} Unreadable bytes came at {}.\n\
         The modem may be set to another speed: look it up in its manual and give it as --baud. Or it is another kind of \
         device.",
        list(garbage_at)
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn modem() -> Description {
        Description {
            baud: 115_200,
            wrong_baud: Some(38_400),
            manufacturer: Some("CONEXANT\u{1b}[31m".into()),
            model: Some("CX93001-EIS_V0.2013-V92".into()),
            revision: None,
            classes: vec!["1".into(), "1.0".into(), "2".into()],
            class: Some("1".into()),
            sends: vec!["14400 V.17".into(), "2400 V.27ter".into()],
            receives: Vec::new(),
            ecm: Ecm::Faxgate,
            flow: vec![
                FlowFound { kind: "RTS/CTS", command: "AT&K3".into(), works: false },
                FlowFound { kind: "XON/XOFF", command: "AT&K4".into(), works: true },
            ],
            caller_id: Some("AT+VCID=1".into()),
            distinctive_ring: None,
            profile: Some("conexant-cx930xx".into()),
            device: "/dev/serial/by-id/usb-Conexant-if00".into(),
        }
    }

    #[test]
    fn a_modem_is_described_and_its_lines_can_be_pasted() {
        let profiles = Profiles::built_in().unwrap();
        let finding = Finding::FaxModem(Box::new(modem()));
        let text = found(Path::new("/dev/ttyACM0"), &finding, &profiles).unwrap();
        for words in [
            "/dev/ttyACM0 answers at 115200 bit/s (not at 38400).",
            "1, 1.0, 2; best here: 1",
            "14400 V.17 down to 2400 V.27ter",
            "receives          it does not say",
            "RTS/CTS (AT&K3), but then it answers no more; XON/XOFF (AT&K4)",
            "conexant-cx930xx (StarTech USB56KEMH2,",
        ] {
            assert!(text.contains(words), "{text}");
        }
        assert!(!text.contains('\u{1b}'), "a stranger's words do not speak to the terminal");
        assert_eq!(wrong(Path::new("/dev/ttyACM0"), &finding), None);
        let lines = configuration(&modem());
        let parsed: crate::config::Config = toml::from_str(&lines).unwrap();
        let crate::config::LineConfig::Modem(line) = &parsed.line[0] else { panic!("{lines}") };
        assert_eq!((line.baud, line.device.as_path()), (115_200, modem().device.as_path()));
        assert_eq!(line.flow, crate::line::serial::config::FlowChoice::XonXoff);
        line.check().unwrap();
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do() {
        let device = Path::new("/dev/ttyS9");
        let say = |finding: Finding| wrong(device, &finding).unwrap();
        let access = |group_may| {
            let (owner, group, user) = ("root".into(), "dialout".into(), "anna".into());
            Finding::NotPermitted { access: Some(Access { owner, group, group_may, user }) }
        };
        assert!(say(access(true)).contains("usermod -aG dialout faxgate"));
        assert!(say(access(false)).contains("chmod 660 /dev/ttyS9"));
        let here = vec![Device { path: "/dev/ttyACM0".into(), product: Some("USB Modem".into()) }];
        assert!(say(Finding::NoDevice { devices: here }).contains("/dev/ttyACM0  USB Modem"));
        assert!(say(Finding::NoDevice { devices: Vec::new() }).contains("no serial devices at all"));
        let no_answer = |garbage_at: Vec<u32>, is_pseudo_terminal| {
            say(Finding::NoAnswer { tried: vec![38_400, 9600], garbage_at, is_pseudo_terminal })
        };
        assert!(no_answer(Vec::new(), false).contains("Tried 38400, 9600 bit/s.\nIs the modem on?"));
        assert!(no_answer(vec![9600], false).contains("Unreadable bytes came at 9600"));
        assert!(no_answer(Vec::new(), true).contains("pseudo terminal"));
        let locked = |program: &str| {
            let (pid, program) = (Some(77), Some(program.to_owned()));
            say(Finding::Locked { pid, program, lock_file: Some("/var/lock/LCK..ttyS9".into()) })
        };
        assert!(locked("minicom").contains("in use by process 77 (minicom), as /var/lock/LCK..ttyS9 says"));
        assert!(locked("faxgate").contains("the gateway itself"));
    }
}
