//! What backends put in the place of the project's directory in the requirements of `[project]`.
//!
//! - Hatchling: <https://hatch.pypa.io/latest/config/context/>
//! - pdm-backend: <https://backend.pdm-project.org/metadata/#relative-paths>

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::project::value::{Dynamic, Evaluated, Kind, Value};

/// What Python's `urllib.parse.quote` leaves as it is.
const UNQUOTED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~')
    .remove(b'/');

/// Requirements, or extras with theirs, as the backend writes them into the metadata of the project in `root`.
pub(super) fn expanded(value: &Value, backend: Option<&str>, root: &Path) -> Evaluated {
    let expand = match backend {
        Some("hatchling.build") => by_hatchling,
        Some("pdm.backend") => by_pdm,
        _ => return Ok(value.clone()),
    };
    within(value, &|text| expand(text, root))
}

fn within(value: &Value, expand: &dyn Fn(&str) -> Result<String, &'static str>) -> Evaluated {
    let kind = match &value.kind {
        Kind::Str(text) => Kind::Str(expand(text).map_err(|reason| Dynamic {
            expression: text.clone(),
            place: value.place,
            reason: reason.to_owned(),
        })?),
        Kind::List(items) => Kind::List(
            items
                .iter()
                .map(|item| within(item, expand))
                .collect::<Result<_, Dynamic>>()?,
        ),
        Kind::Dict(entries) => {
            let pairs = entries
                .iter()
                .map(|(key, value)| Ok((key.clone(), within(value, expand)?)));
            Kind::Dict(pairs.collect::<Result<_, Dynamic>>()?)
        }
        other => other.clone(),
    };
    Ok(Value::new(kind, value.place))
}

/// `{root:uri}`, and `{root:parent:uri}` for the directory above; of a path only blanks are quoted.
fn by_hatchling(text: &str, root: &Path) -> Result<String, &'static str> {
    const FILLED_IN: &str = "is filled in by Hatchling";
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, field)) = rest.split_once('{') {
        let (field, after) = field.split_once('}').ok_or(FILLED_IN)?;
        let above = field.strip_prefix("root:").and_then(|field| field.strip_suffix("uri"));
        let above = above.ok_or(FILLED_IN)?;
        let levels = above.matches("parent:").count();
        if above.len() != levels * "parent:".len() {
            return Err(FILLED_IN);
        }
        let directory = root.ancestors().nth(levels).and_then(Path::to_str).ok_or(FILLED_IN)?;
        whole.push_str(before);
        whole.push_str("file://");
        whole.push_str(&directory.replace(' ', "%20"));
        rest = after;
    }
    if rest.contains('}') {
        return Err(FILLED_IN);
    }
    whole.push_str(rest);
    Ok(whole)
}

/// `file:///${PROJECT_ROOT}`; other variables are those of the environment.
fn by_pdm(text: &str, root: &Path) -> Result<String, &'static str> {
    const FILLED_IN: &str = "is filled in by pdm-backend";
    if !text.contains('$') {
        return Ok(text.to_owned());
    }
    let root = root.to_str().ok_or(FILLED_IN)?;
    let root = format!("file://{}", utf8_percent_encode(root, &UNQUOTED));
    let whole = text.replace("file:///${PROJECT_ROOT}", &root);
    if whole.contains('$') {
        return Err(FILLED_IN);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_projects_directory_is_filled_in_as_each_backend_does_it() {
        let root = Path::new("/srv/my repo/ü/trainer");
        let hatch = |text: &str| by_hatchling(text, root);
        assert_eq!(
            hatch("common @ {root:uri}/../common").unwrap(),
            "common @ file:///srv/my%20repo/ü/trainer/../common"
        );
        assert_eq!(
            hatch("common[x] @ {root:parent:uri}/common ; os_name == 'posix'").unwrap(),
            "common[x] @ file:///srv/my%20repo/ü/common ; os_name == 'posix'"
        );
        assert_eq!(hatch("six>=1").unwrap(), "six>=1");
        for asked in ["a @ {env:PLACE}", "a @ {home:uri}/a", "a @ {root:real:uri}", "a{", "a}"] {
            assert!(hatch(asked).is_err(), "{asked}");
        }
        assert_eq!(
            by_pdm("common @ file:///${PROJECT_ROOT}/../common", root).unwrap(),
            "common @ file:///srv/my%20repo/%C3%BC/trainer/../common"
        );
        assert!(by_pdm("a @ https://${TOKEN}@host/a.zip", root).is_err());
    }
}
