//! git's settings as they count in a checkout: the system's, the user's and the checkout's own.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::secret::without_url_credentials;

/// The settings that decide how files are compared with the commit. None names a program: that is what they are chosen for.
const HARMLESS: [&str; 20] = [
    "core.attributesfile",
    "core.autocrlf",
    "core.bigfilethreshold",
    "core.checkroundtripencoding",
    "core.checkstat",
    "core.eol",
    "core.excludesfile",
    "core.filemode",
    "core.ignorecase",
    "core.precomposeunicode",
    "core.protecthfs",
    "core.protectntfs",
    "core.safecrlf",
    "core.sparsecheckout",
    "core.sparsecheckoutcone",
    "core.symlinks",
    "core.trustctime",
    "extensions.objectformat",
    "index.sparse",
    "status.showuntrackedfiles",
];

/// Whether the setting, in small letters, decides how files are compared and nothing else.
pub(super) fn is_harmless(key: &str) -> bool {
    HARMLESS.contains(&key)
}

/// Settings in the order in which git reads them: later ones hold.
pub(super) struct Configuration(Vec<(String, Option<String>)>);

impl Configuration {
    /// Reads the answer of `git config --list -z`: each setting ends with a zero byte, a line break stands before its value.
    pub(super) fn parse(listed: &[u8]) -> Self {
        let entries = listed.split(|byte| *byte == 0).filter(|entry| !entry.is_empty());
        let texts = entries.map(String::from_utf8_lossy);
        let pairs = texts.map(|text| match text.split_once('\n') {
            Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
            None => (text.into_owned(), None),
        });
        Self(pairs.collect())
    }

    /// The values of a setting, a subsection's name as it is written.
    pub(super) fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        let found = self.0.iter().filter(move |(name, _)| name == key);
        found.filter_map(|(_, value)| value.as_deref())
    }

    /// The names of `<section>.<name>.<key>`, with the values.
    pub(super) fn named<'a>(&'a self, section: &'a str, key: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(setting, value)| {
            let (name, last) = setting.strip_prefix(section)?.strip_prefix('.')?.rsplit_once('.')?;
            (last == key).then_some((name, value.as_deref().unwrap_or_default()))
        })
    }

    /// The filters that somebody has set up.
    pub(super) fn filters(&self) -> BTreeSet<&str> {
        let keys = ["clean", "process", "smudge", "required"];
        keys.iter()
            .flat_map(|key| self.named("filter", key))
            .map(|(name, _)| name)
            .collect()
    }

    /// The URL of a remote as `git remote get-url` shows it, without credentials.
    pub(super) fn remote_url(&self, remote: &str) -> Option<String> {
        let key = format!("remote.{remote}.url");
        let url = self.values(&key).next()?;
        // The longest prefix that is replaced: <https://git-scm.com/docs/git-config#Documentation/git-config.txt-urlltbasegtinsteadOf>.
        let replaced = self
            .named("url", "insteadof")
            .filter(|(_, prefix)| url.starts_with(prefix));
        let url = match replaced.max_by_key(|(_, prefix)| prefix.len()) {
            Some((base, prefix)) => format!("{base}{}", &url[prefix.len()..]),
            None => url.to_owned(),
        };
        let shown = without_url_credentials(url.trim());
        // A line break in it would be a line of whatever it is written into.
        (!shown.is_empty() && !shown.chars().any(char::is_control)).then_some(shown)
    }

    /// The settings of a git directory of our own: the harmless ones of these, and filters that do nothing. Also a git that is too old
    /// to pass over the user's file then runs no filter.
    pub(super) fn harmless(&self) -> String {
        let mut text = "[core]\n\trepositoryformatversion = 1\n\tbare = false\n".to_owned();
        for (key, value) in self.0.iter().filter(|(key, _)| is_harmless(key)) {
            if let Some((section, name)) = key.split_once('.') {
                let value = value.as_ref().map(|value| format!(" = {}", quoted(value)));
                // A String takes whatever is written to it.
                let _ = writeln!(text, "[{section}]\n\t{name}{}", value.unwrap_or_default());
            }
        }
        text.push_str("[core]\n\tfsmonitor = false\n\thooksPath = /dev/null\n\tuntrackedCache = false\n");
        text.push_str("[status]\n\trenames = false\n");
        for name in self.filters() {
            let name = quoted(name);
            let _ = writeln!(
                text,
                "[filter {name}]\n\tclean =\n\tsmudge =\n\tprocess =\n\trequired = false"
            );
        }
        text
    }
}

/// A value or a subsection's name in quotes: <https://git-scm.com/docs/git-config#_syntax>.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &[u8] = b"core.bare\ncore.autocrlf\ninput\0core.fsmonitor\n./evil\0core.excludesfile\n~/a \"b\"\\c\n[x]\0core.symlinks\0filter.a=b.c.clean\n./evil\0filter.\"x\\.process\nevil\0include.path\n../evil\0remote.origin.url\ngh:me/it\0url.https://me:pw@host/.insteadof\ngh:\0url.x.insteadof\ng\0";

    #[test]
    fn only_what_compares_files_is_taken_over() {
        let text = Configuration::parse(LISTED).harmless();
        assert!(!text.contains("evil"), "{text}");
        assert!(
            text.contains("[core]\n\texcludesfile = \"~/a \\\"b\\\"\\\\c\\n[x]\"\n"),
            "{text}"
        );
        assert!(text.contains("[core]\n\tsymlinks\n"), "{text}");
        assert!(text.contains("[filter \"a=b.c\"]\n\tclean =\n"), "{text}");
        assert!(text.contains("[filter \"\\\"x\\\\\"]\n"), "{text}");
    }

    #[test]
    fn the_remote_is_shown_as_git_shows_it() {
        let configuration = Configuration::parse(LISTED);
        assert_eq!(configuration.remote_url("origin").unwrap(), "https://***@host/me/it");
        assert_eq!(configuration.remote_url("other"), None);
        let forged = Configuration::parse(b"remote.origin.url\nhttps://host/\nRUN evil\0");
        assert_eq!(forged.remote_url("origin"), None);
    }
}
