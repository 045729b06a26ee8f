//! The `setup.cfg` of an sdist: the project's own, with its version tag fixed.
//!
//! setuptools writes `[egg_info] tag_build = …, tag_date = 0` into every sdist, so that building from it on another day
//! gives the same version. It rewrites the file through `configparser` and loses comments; here every other line stays.

/// The file's bytes for the sdist. `original` is the project's `setup.cfg`, empty if it has none; `version` the one in the
/// metadata, from which the date is taken if the project asked for one with `tag_date`.
pub(crate) fn with_fixed_tag(original: &[u8], version: &str) -> Vec<u8> {
    let lines: Vec<&[u8]> = original.split_inclusive(|byte| *byte == b'\n').collect();
    let Some(header) = lines.iter().position(|line| section(line) == Some(b"egg_info")) else {
        let mut bytes = original.to_vec();
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        if !bytes.is_empty() {
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(b"[egg_info]\n");
        bytes.extend_from_slice(tag_lines("", "").as_bytes());
        bytes.push(b'\n');
        return bytes;
    };
    let end = lines[header + 1..]
        .iter()
        .position(|line| section(line).is_some())
        .map_or(lines.len(), |offset| header + 1 + offset);
    let body = &lines[header + 1..end];
    let date = if is_true(&value_of(body, "tag_date")) {
        date_in(version)
    } else {
        String::new()
    };
    let mut bytes = lines[..header].concat();
    bytes.extend_from_slice(trimmed(lines[header]));
    bytes.push(b'\n');
    bytes.extend_from_slice(tag_lines(&value_of(body, "tag_build"), &date).as_bytes());
    bytes.extend_from_slice(&without_tags(body));
    bytes.extend_from_slice(&lines[end..].concat());
    bytes
}

fn tag_lines(build: &str, date: &str) -> String {
    format!("tag_build = {build}{date}\ntag_date = 0\n")
}

/// The name of the section that begins on this line.
fn section(line: &[u8]) -> Option<&[u8]> {
    line.strip_prefix(b"[")?.split(|byte| *byte == b']').next()
}

/// The option that begins on this line, in lower case with dashes as underscores, and the first line of its value.
fn option(line: &[u8]) -> Option<(String, String)> {
    let text = String::from_utf8_lossy(line);
    if text.starts_with(|c: char| c.is_whitespace() || matches!(c, '#' | ';')) {
        return None;
    }
    let (name, value) = text.split_once(['=', ':'])?;
    Some((
        name.trim().to_ascii_lowercase().replace('-', "_"),
        value.trim().to_owned(),
    ))
}

fn value_of(body: &[&[u8]], name: &str) -> String {
    let mut options = body.iter().filter_map(|line| option(line));
    options
        .find(|(found, _)| found == name)
        .map(|(_, value)| value)
        .unwrap_or_default()
}

/// The lines but those of `tag_build` and `tag_date`, continuation lines included.
fn without_tags(body: &[&[u8]]) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut dropping = false;
    for line in body {
        if let Some((name, _)) = option(line) {
            dropping = matches!(name.as_str(), "tag_build" | "tag_date");
        } else if !line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            dropping = false;
        }
        if !dropping {
            kept.extend_from_slice(line);
        }
    }
    kept
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}

fn is_true(value: &str) -> bool {
    matches!(
        value.to_ascii_lowercase().as_str(),
        "1" | "y" | "yes" | "t" | "true" | "on"
    )
}

/// The eight digits at the end of a version that was tagged with a date.
fn date_in(version: &str) -> String {
    let digits = version.chars().rev().take_while(char::is_ascii_digit).count();
    if digits < 8 {
        String::new()
    } else {
        version[version.len() - 8..].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(original: &str, version: &str) -> String {
        String::from_utf8(with_fixed_tag(original.as_bytes(), version)).unwrap()
    }

    #[test]
    fn a_project_without_one_gets_what_setuptools_writes() {
        assert_eq!(fixed("", "1.0"), "[egg_info]\ntag_build = \ntag_date = 0\n\n");
    }

    #[test]
    fn the_projects_lines_stay() {
        assert_eq!(
            fixed("# mine\n[metadata]\nname = x", "1.0"),
            "# mine\n[metadata]\nname = x\n\n[egg_info]\ntag_build = \ntag_date = 0\n\n"
        );
    }

    #[test]
    fn a_tag_is_kept_and_its_date_fixed() {
        assert_eq!(
            fixed(
                "[egg_info]\ntag_build = .dev\ntag-date = true\negg_base = .\n[a]\nb = c\n",
                "1.0.dev20240131"
            ),
            "[egg_info]\ntag_build = .dev20240131\ntag_date = 0\negg_base = .\n[a]\nb = c\n"
        );
        assert_eq!(
            fixed("[egg_info]\ntag_build = dev\n", "1.0.dev0"),
            "[egg_info]\ntag_build = dev\ntag_date = 0\n"
        );
    }
}
