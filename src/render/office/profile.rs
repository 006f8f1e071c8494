//! What LibreOffice is told before it opens anything: no macros, nothing from outside, no questions.

use std::fs;
use std::io;
use std::path::Path;

/// The settings, each with the folder of the registry that it is in. What a version does not know it passes over.
const SETTINGS: &[(&str, &str, &str)] = &[
    // 3: none but from trusted places, of which there are none; and then not even those.
    ("Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Office.Common/Security/Scripting", "DisableActiveContent", "true"),
    ("Office.Common/Security/Scripting", "DisablePythonRuntime", "true"),
    // Pictures, frames and data that lie elsewhere are not looked for.
    ("Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Office.Common/Security/Scripting", "CheckDocumentEvents", "false"),
    ("Office.Common/Java/ApplicationSecurity", "Enable", "false"),
    // 2: links are never updated.
    ("Office.Writer/Content/Update", "Link", "2"),
    ("Office.Writer/Content/Update", "Field", "false"),
    ("Office.Calc/Content/Update", "Link", "2"),
    ("Office.Common/Load", "UserDefinedSettings", "false"),
    ("Office.Common/Misc", "FirstRun", "false"),
    ("Office.Common/Misc", "CrashReport", "false"),
    ("Office.Common/Misc", "CollectUsageInformation", "false"),
    ("Office.Common/Save/Document", "WarnAlienFormat", "false"),
    ("Office.Recovery/AutoSave", "Enabled", "false"),
    ("Office.Recovery/RecoveryInfo", "Enabled", "false"),
];

/// Writes the settings into a new profile.
pub(super) fn write(profile: &Path) -> io::Result<()> {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<oor:items xmlns:oor=\"http://openoffice.org/2001/registry\" \
         xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n",
    );
    for (path, name, value) in SETTINGS {
        text += &format!(
            "<item oor:path=\"/org.openoffice.{path}\"><prop oor:name=\"{name}\" oor:op=\"fuse\">\
             <value>{value}</value></prop></item>\n"
        );
    }
    text += "</oor:items>\n";
    let folder = profile.join("user");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("registrymodifications.xcu"), text)
}

/// Its name and version, as its own file says: `LibreOffice 7.4`; empty where it does not.
pub(super) fn version(program: &Path) -> String {
    let text = fs::read_to_string(program.with_file_name("bootstraprc")).unwrap_or_default();
    let key = text.lines().find_map(|line| line.strip_prefix("ProductKey="));
    key.unwrap_or_default().trim().to_owned()
}
