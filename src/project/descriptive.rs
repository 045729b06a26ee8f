//! The fields of core metadata that are for people to read: nothing is installed or built by them.
//!
//! So one that is not certain harms none of the others: it is left out, and named in [`Descriptive::dynamic`].

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::license;
use super::requirement::{Stop, has_other_line_ends};
use super::value::{Draft, Dynamic, Evaluated, Kind, Place, Value};
use super::version_predicate::{is_predicate, is_provision};

/// The descriptive fields, named as in the
/// [core metadata specification](https://packaging.python.org/en/latest/specifications/core-metadata/), in JSON as PEP 566
/// has [its keys](https://peps.python.org/pep-0566/#json-compatible-metadata).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptive {
    /// One line: `description` of `setup()`.
    pub summary: Option<String>,
    /// `Home-page`: `url` of `setup()`; `[project.urls]` are project URLs.
    pub home_page: Option<String>,
    /// Where the archive can be had.
    pub download_url: Option<String>,
    /// Names, as one text.
    pub author: Option<String>,
    /// Addresses, as one text: `Ann <ann@example.com>, bob@example.com`.
    pub author_email: Option<String>,
    /// As the author.
    pub maintainer: Option<String>,
    /// As the author's.
    pub maintainer_email: Option<String>,
    /// The license as a text of any form.
    pub license: Option<String>,
    /// An SPDX expression ([PEP 639](https://peps.python.org/pep-0639/)), normalised.
    pub license_expression: Option<String>,
    /// `label, url`.
    #[serde(rename = "project_url")]
    pub project_urls: Vec<String>,
    /// Words to find the project by.
    pub keywords: Vec<String>,
    /// Operating systems.
    #[serde(rename = "platform")]
    pub platforms: Vec<String>,
    /// [Classifiers](https://packaging.python.org/en/latest/specifications/core-metadata/#classifier-multiple-use).
    #[serde(rename = "classifier")]
    pub classifiers: Vec<String>,
    /// Modules that are needed ([PEP 314](https://peps.python.org/pep-0314/)); installers pass over it.
    pub requires: Vec<String>,
    /// Modules that are in the package (PEP 314).
    pub provides: Vec<String>,
    /// Modules that the package stands for from now on (PEP 314).
    pub obsoletes: Vec<String>,
    /// The form of the description, such as `text/markdown`.
    pub description_content_type: Option<String>,
    /// The long description: the readme, as a rule.
    pub description: Option<String>,
    /// The fields that are left out above because only Python knows them.
    #[serde(skip_deserializing)]
    pub dynamic: Vec<DynamicField>,
}

/// A descriptive field that is not certain without Python.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DynamicField {
    /// As in a `Dynamic:` line of core metadata: lower case, with dashes.
    pub field: &'static str,
    /// The source of the expression, shortened.
    pub expression: String,
    /// `file:line`.
    pub place: String,
    /// Why it is not known.
    pub reason: String,
}

/// The fields that may be `Dynamic`, each with the keyword of `setup()` that gives it, in the order of setuptools' lines.
const FIELDS: [(&str, &str); 22] = [
    ("author", "author"),
    ("author-email", "author_email"),
    ("classifier", "classifiers"),
    ("description", "long_description"),
    ("description-content-type", "long_description_content_type"),
    ("download-url", "download_url"),
    ("home-page", "url"),
    ("keywords", "keywords"),
    ("license", "license"),
    (LICENSE_FILE, "license_files"),
    ("license-expression", "license_expression"),
    ("maintainer", "maintainer"),
    ("maintainer-email", "maintainer_email"),
    ("obsoletes", "obsoletes"),
    ("platform", "platforms"),
    ("project-url", "project_urls"),
    ("provides", "provides"),
    ("provides-extra", "extras_require"),
    ("requires", "requires"),
    ("requires-dist", "install_requires"),
    ("requires-python", "python_requires"),
    ("summary", "description"),
];

/// Licence files are found while packing, so setuptools marks this field wherever they are declared.
pub(crate) const LICENSE_FILE: &str = "license-file";

/// The keywords of `setup()` that give descriptive fields.
pub(crate) const KEYWORDS: [&str; 17] = [
    "author",
    "author_email",
    "classifiers",
    "download_url",
    "keywords",
    "license",
    "license_expression",
    "long_description",
    "long_description_content_type",
    "maintainer",
    "maintainer_email",
    "obsoletes",
    "platforms",
    "project_urls",
    "provides",
    "requires",
    "url",
];

/// Keywords that `setup()` makes a list of.
pub(crate) const LISTS: [&str; 6] = [
    "classifiers",
    "keywords",
    "obsoletes",
    "platforms",
    "provides",
    "requires",
];

/// Names of `Dynamic:` lines, in setuptools' order.
pub(crate) fn dynamic_names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|(field, _)| *field)
}

/// A text of a descriptive field that was read from files: one that cannot be read makes only this field unknown.
pub(crate) fn contained(text: Result<String, Error>, expression: &str, at: Place) -> Result<Evaluated, Error> {
    match text {
        Ok(text) => Ok(Ok(Value::str(text, at))),
        Err(error @ (Error::Unreadable { .. } | Error::Nul { .. })) => Ok(Err(Dynamic {
            expression: expression.to_owned(),
            place: at,
            reason: format!("names a file that is not read: {error}"),
        })),
        Err(error) => Err(error),
    }
}

/// The descriptive fields of what is declared. A value that setuptools would refuse is Python's to answer.
pub(crate) fn read(draft: &Draft) -> Result<Descriptive, Stop> {
    let mut reader = Reader {
        draft,
        dynamic: Vec::new(),
    };
    let license_expression = reader.license_expression()?;
    Ok(Descriptive {
        summary: reader.summary()?,
        home_page: reader.text("url"),
        download_url: reader.text("download_url"),
        author: reader.text("author"),
        author_email: reader.text("author_email"),
        maintainer: reader.text("maintainer"),
        maintainer_email: reader.text("maintainer_email"),
        license: reader.only_text("license")?,
        license_expression,
        project_urls: reader.project_urls()?,
        keywords: reader.separated("keywords")?,
        platforms: reader.separated("platforms")?,
        classifiers: reader.list("classifiers")?,
        requires: reader.checked("requires", is_predicate)?,
        provides: reader.provides()?,
        obsoletes: reader.checked("obsoletes", is_predicate)?,
        description_content_type: reader
            .text("long_description_content_type")
            .filter(|kind| !kind.is_empty()),
        description: reader.only_text("long_description")?,
        dynamic: reader.in_order(),
    })
}

struct Reader<'a> {
    draft: &'a Draft,
    dynamic: Vec<DynamicField>,
}

impl<'a> Reader<'a> {
    /// What is declared and known; what is unknown is noted.
    fn known(&mut self, keyword: &str) -> Option<&'a Value> {
        match self.draft.fields.get(keyword)? {
            Ok(Value { kind: Kind::None, .. }) => None,
            Ok(value) => Some(value),
            Err(dynamic) => {
                self.leave_out(keyword, dynamic);
                None
            }
        }
    }

    fn leave_out(&mut self, keyword: &str, dynamic: &Dynamic) {
        let named = FIELDS.iter().find(|(_, known)| *known == keyword);
        self.dynamic.extend(named.map(|(field, _)| DynamicField {
            field,
            expression: dynamic.expression.clone(),
            place: dynamic.place.to_string(),
            reason: dynamic.reason.clone(),
        }));
    }

    fn in_order(mut self) -> Vec<DynamicField> {
        self.dynamic
            .sort_by_key(|left_out| FIELDS.iter().position(|(field, _)| *field == left_out.field));
        self.dynamic
    }

    /// setuptools writes any object as `str()` has it, also an empty text.
    fn text(&mut self, keyword: &str) -> Option<String> {
        let value = self.known(keyword)?;
        let shown = value.printed();
        if shown.is_none() {
            self.leave_out(keyword, &value.unclear(keyword, "a text"));
        }
        shown
    }

    /// A field that setuptools fails on unless it is a text, and leaves out if it is empty.
    fn only_text(&mut self, keyword: &str) -> Result<Option<String>, Stop> {
        let Some(value) = self.known(keyword).filter(|value| value.truthy()) else {
            return Ok(None);
        };
        let text = value.as_str().ok_or_else(|| value.unclear(keyword, "a text"))?;
        Ok(Some(text.to_owned()))
    }

    fn summary(&mut self) -> Result<Option<String>, Stop> {
        let Some(text) = self.only_text("description")? else {
            return Ok(None);
        };
        match self.draft.fields.get("description") {
            Some(Ok(value)) if text.contains('\r') => Err(value.unclear("description", "a single line").into()),
            _ => Ok(first_line(&text)),
        }
    }

    fn license_expression(&mut self) -> Result<Option<String>, Stop> {
        let Some(value) = self.known("license_expression").filter(|value| value.truthy()) else {
            return Ok(None);
        };
        let normal = value.as_str().and_then(license::normalized);
        let normal =
            normal.ok_or_else(|| value.unclear("license", "a license expression that is certain to be accepted"))?;
        let classifiers = self.draft.fields.get("classifiers");
        let classified = classifiers
            .and_then(|field| field.as_ref().ok())
            .and_then(Value::strings);
        if classified.is_some_and(|all| all.iter().any(|one| one.starts_with("License :: "))) {
            return Err(value.unclear("license", "to stand beside License classifiers").into());
        }
        Ok(Some(normal))
    }

    fn project_urls(&mut self) -> Result<Vec<String>, Stop> {
        let Some(value) = self.known("project_urls") else {
            return Ok(Vec::new());
        };
        let entries = value.entries().ok_or_else(|| value.unclear("project_urls", "a dict"))?;
        // As in a dict, a key keeps its first place and has its last value.
        let mut urls: Vec<(String, String)> = Vec::new();
        let mut places = HashMap::new();
        for (label, url) in entries {
            let (Some(label), Some(url)) = (label.printed(), url.printed()) else {
                self.leave_out("project_urls", &value.unclear("project_urls", "a dict of texts"));
                return Ok(Vec::new());
            };
            let place = *places.entry(label.clone()).or_insert(urls.len());
            match urls.get_mut(place) {
                Some((_, known)) => *known = url,
                None => urls.push((label, url)),
            }
        }
        Ok(urls.into_iter().map(|(label, url)| format!("{label}, {url}")).collect())
    }

    /// A list of texts; of a text, its characters, which is what setuptools writes then.
    fn list(&mut self, keyword: &str) -> Result<Vec<String>, Stop> {
        let Some(value) = self.known(keyword) else {
            return Ok(Vec::new());
        };
        let characters = |text: &str| text.chars().map(String::from).collect();
        let listed = value.as_str().map(characters).or_else(|| value.strings());
        listed.ok_or_else(|| value.unclear(keyword, "a list of strings").into())
    }

    /// The same where `setup()` splits a text at commas and line ends.
    fn separated(&mut self, keyword: &str) -> Result<Vec<String>, Stop> {
        match self.draft.fields.get(keyword) {
            Some(Ok(value)) if value.as_str().is_some() => Ok(separated(value)),
            _ => self.list(keyword),
        }
    }

    fn checked(&mut self, keyword: &str, is_right: impl Fn(&str) -> bool) -> Result<Vec<String>, Stop> {
        let listed = self.list(keyword)?;
        match self.draft.fields.get(keyword) {
            Some(Ok(value)) if !listed.iter().all(|item| is_right(item)) => {
                let wanted = "a list of module names (packages to install belong into install_requires)";
                Err(value.unclear(keyword, wanted).into())
            }
            _ => Ok(listed),
        }
    }

    fn provides(&mut self) -> Result<Vec<String>, Stop> {
        let listed = self.checked("provides", is_provision)?;
        Ok(listed.iter().map(|item| item.trim().to_owned()).collect())
    }
}

/// A summary is one line; setuptools keeps the first of several.
fn first_line(description: &str) -> Option<String> {
    let line = match description.trim().split_once('\n') {
        Some((first, _)) => first,
        None if description.contains('\n') => description.trim(),
        None => description,
    };
    // Whoever reads the header strips the blanks before its value, not those after it.
    let line = line.trim_start();
    (!line.is_empty()).then(|| line.to_owned())
}

fn separated(value: &Value) -> Vec<String> {
    let items = value.as_str().unwrap_or_default().split([',', '\n']).map(str::trim);
    items.filter(|item| !item.is_empty()).map(ToOwned::to_owned).collect()
}

/// The fields that setuptools itself marks `Dynamic` in PKG-INFO: those that have a value, and have it from `setup.py`.
pub(crate) fn marked_dynamic(draft: &Draft) -> Vec<&'static str> {
    let is_marked = |field: &str, keyword: &str| match draft.fields.get(keyword) {
        Some(Ok(value)) => field != LICENSE_FILE && says_something(keyword, value) && !is_static(keyword, value.place),
        _ => false,
    };
    let marked = FIELDS.iter().filter(|(field, keyword)| is_marked(field, keyword));
    marked.map(|(field, _)| *field).collect()
}

/// Whether setuptools knows that a value was written in a configuration file. It forgets where it puts a new value in its place.
fn is_static(keyword: &str, place: Place) -> bool {
    let remade = [
        "license_expression",
        "download_url",
        "requires",
        "provides",
        "obsoletes",
    ];
    match place.file {
        "setup.cfg" => !remade.contains(&keyword),
        file => file == "pyproject.toml",
    }
}

fn says_something(keyword: &str, value: &Value) -> bool {
    match (keyword, &value.kind) {
        ("keywords" | "platforms", Kind::Str(_)) => !separated(value).is_empty(),
        ("install_requires", _) => super::requirement::requirements(value).is_ok_and(|all| !all.is_empty()),
        ("python_requires", Kind::Str(text)) => !text.trim().is_empty(),
        _ => value.truthy(),
    }
}

/// A text's lines, where Python's `splitlines` is certain to see the same.
pub(crate) fn lines(text: &str, expression: &str, at: Place) -> Evaluated {
    if has_other_line_ends(text) {
        return Err(Value::str(text, at).of_unusual_lines(expression));
    }
    let lines = text.lines().map(|line| Value::str(line, at)).collect();
    Ok(Value::new(Kind::List(lines), at))
}
