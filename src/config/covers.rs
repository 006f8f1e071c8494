//! The cover pages of some senders: their templates are read with the configuration, with the pictures that stand beside them.

use std::path::Path;

use base64::Engine;

use super::Config;
use super::check::Wrong;
use crate::render::Template;

/// Octets of a template with its pictures: it goes to a worker with every message.
const TEMPLATE_BYTES_MAX: usize = 1024 * 1024;
const SETTING: &str = "render.covers";

/// Reads the templates; files are named from the folder of the configuration.
pub(super) fn read(config: &mut Config, folder: &Path) -> Result<(), Wrong> {
    let wrong = |file: &Path, reason: String| (SETTING, format!("{}: {reason}", file.display()));
    for rule in &mut config.render.covers {
        let groups = config.policy.group.iter().filter(|group| rule.senders.contains(&group.name));
        let members: Vec<String> = groups.flat_map(|group| group.members.clone()).collect();
        rule.senders.extend(members);
        let file = folder.join(&rule.file);
        let text = std::fs::read_to_string(&file).map_err(|error| wrong(&file, error.to_string()))?;
        let template = with_pictures(&text, file.parent().unwrap_or(folder)).map_err(|e| wrong(&file, e))?;
        if template.len() > TEMPLATE_BYTES_MAX {
            return Err(wrong(&file, "it has more than a megabyte with its pictures".into()));
        }
        Template::parse(&template).map_err(|error| wrong(&file, error.to_string()))?;
        rule.template = template;
    }
    Ok(())
}

/// The template with the pictures that it names (`src="logo.png"`) in the place of their names.
fn with_pictures(text: &str, folder: &Path) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("src=\"") {
        let (name, after) = after.split_once('"').ok_or("a src=\" without its end")?;
        out.push_str(before);
        out.push_str("src=\"");
        match name.contains(':') {
            true => out.push_str(name),
            false => out.push_str(&data_url(&folder.join(name))?),
        }
        out.push('"');
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn data_url(file: &Path) -> Result<String, String> {
    let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    // What kind of picture it is its first bytes say.
    let kind = file.extension().and_then(|extension| extension.to_str()).unwrap_or("png");
    Ok(format!("data:image/{kind};base64,{}", base64::engine::general_purpose::STANDARD.encode(bytes)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(folder: &Path) -> Result<Config, String> {
        let text = "[[render.covers]]\nsenders = [\"ward\", \"anna\"]\nfile = \"ward.html\"\n\
                    [[policy.group]]\nname = \"ward\"\nmembers = [\"ward.example.com\"]\n";
        Config::parse(text, &folder.join("faxgate.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_template_is_read_with_its_picture_for_the_senders_of_a_group() {
        let folder = tempfile::tempdir().unwrap();
        let missing = parse(folder.path()).unwrap_err();
        assert!(missing.contains("render.covers: ") && missing.contains("ward.html"), "{missing}");
        std::fs::write(folder.path().join("ward.html"), "<img src=\"logo.png\"><p>{number}</p>").unwrap();
        assert!(parse(folder.path()).unwrap_err().contains("logo.png"));
        std::fs::write(folder.path().join("logo.png"), b"abc").unwrap();
        let config = parse(folder.path()).unwrap();
        let template = |sender: &str| config.render.cover_template_for(&[sender.to_owned()]);
        let wanted = Some("<img src=\"data:image/png;base64,YWJj\"><p>{number}</p>");
        assert_eq!(template("bob@Ward.example.com"), wanted);
        assert_eq!((template("anna"), template("carl@example.com")), (wanted, None));
        std::fs::write(folder.path().join("ward.html"), "<p>\n{nmber}</p>").unwrap();
        assert!(
            parse(folder.path()).unwrap_err().contains("line 2 of the cover page template: {nmber} is no")
        );
    }
}
