//! What pip is told on this machine (index, trusted hosts, netrc, certificates), so that a build can be told the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use url::Url;

use super::{BuildSecrets, Environment, Error, Settings, certificates, table};
use crate::project::ini;
use crate::reading::{self, PROJECT_FILE, SETTINGS_FILE};
use crate::secret::{Netrc, Secret, without_url_credentials};

/// The pip options that decide where packages come from. Source: <https://pip.pypa.io/en/stable/cli/pip_install/>.
const INDEX_OPTIONS: [&str; 5] = ["index-url", "extra-index-url", "no-index", "trusted-host", "proxy"];
/// Options that only matter beside one of those.
const NETWORK_OPTIONS: [&str; 3] = ["timeout", "default-timeout", "retries"];
/// The variables by which Python programs are told of certificates, in the order in which pip and its libraries look.
const CA_VARIABLES: [&str; 4] = ["PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"];

/// The build secrets: `pip.conf` where an index is set on this machine, `netrc` where it knows the host of an index or one that
/// the setting `netrc-hosts` names, `ca.pem` where certificates are. `urls` are those that pip will ask because the project says
/// so: a password is not handed to a build because a requirement's URL names its host.
///
/// # Errors
/// The certificates' file cannot be read.
pub(super) fn secrets(settings: &Settings, urls: &[&str]) -> Result<BuildSecrets, Error> {
    let mut secrets = BuildSecrets::default();
    let is_handed_over = settings.get(&table::PIP_SETTINGS);
    let options = if is_handed_over {
        options(settings.environment())
    } else {
        BTreeMap::new()
    };
    if INDEX_OPTIONS.iter().any(|option| options.contains_key(*option)) {
        let pip_conf = Secret::new(pip_conf(&options));
        secrets.by_id.insert("pip.conf".to_owned(), pip_conf);
    }
    if let Some(netrc) = read_netrc(settings.environment()).filter(|_| is_handed_over) {
        let hosts = [&index_hosts(&options), settings.get(&table::NETRC_HOSTS)].concat();
        let only = netrc.only(&hosts).map(|netrc| ("netrc".to_owned(), Secret::new(netrc)));
        secrets.by_id.extend(only);
        secrets.kept_back = kept_back(&netrc, &hosts, urls);
    }
    secrets
        .kept_back
        .extend(constraints_kept_back(settings.environment(), &options));
    if let Some(ca) = ca_bundle(settings, &options)? {
        secrets.by_id.insert("ca.pem".to_owned(), Secret::new(ca));
    }
    Ok(secrets)
}

/// The hosts of `urls` that netrc knows and that are none of `hosts`, each told once.
fn kept_back(netrc: &Netrc, hosts: &[String], urls: &[&str]) -> Vec<String> {
    let mut asked = url_hosts(urls);
    asked.sort();
    asked.dedup();
    asked.retain(|host| !hosts.contains(host) && netrc.names(host));
    let told = |host: &String| {
        format!(
            "the netrc entry of {host} is not handed to the build: only a requirement of the project names this host; \
             --netrc-host {host} (SGBUILD_NETRC_HOSTS) hands it over"
        )
    };
    asked.iter().map(told).collect()
}

/// What constrains pip or uv on this machine: the image's pip is not told, as it may be about this machine only.
fn constraints_kept_back(environment: &Environment, options: &BTreeMap<String, String>) -> Option<String> {
    let variables = ["PIP_CONSTRAINT", "UV_CONSTRAINT"];
    let by_variable = variables
        .iter()
        .find_map(|name| Some((*name, environment.get(name)?.to_owned())));
    let (named_by, file) = by_variable.or_else(|| Some(("pip.conf", options.get("constraint")?.clone())))?;
    let file = without_url_credentials(&file);
    Some(format!(
        "the constraints {file} ({named_by}) hold on this machine, and are not handed to the image's build; a line `-c FILE` in the file \
         that the setting `requirements` names hands some over"
    ))
}

/// pip's options on this machine: its configuration files from the widest to the nearest, then `PIP_*` variables.
/// Source: <https://pip.pypa.io/en/stable/topics/configuration/>.
pub(super) fn options(environment: &Environment) -> BTreeMap<String, String> {
    let mut options = BTreeMap::new();
    for file in configuration_files(environment) {
        // A file that pip could not read either says nothing.
        let Ok(text) = reading::text(&file, SETTINGS_FILE) else {
            continue;
        };
        let Ok(sections) = ini::parse_raw(&text) else { continue };
        for name in ["global", "install"] {
            let entries = sections
                .iter()
                .filter(|section| section.name == name)
                .flat_map(|section| &section.options);
            options.extend(entries.map(|option| (option.key.to_lowercase().replace('_', "-"), option.text())));
        }
    }
    for (name, value) in environment.all() {
        if let Some(option) = name.strip_prefix("PIP_").filter(|_| !value.is_empty()) {
            options.insert(option.to_lowercase().replace('_', "-"), value.clone());
        }
    }
    options
}

/// Whether an option's value means yes, to pip as to Python's configparser.
pub(super) fn is_true(value: &str) -> bool {
    ["1", "y", "yes", "t", "true", "on"].contains(&value.trim().to_ascii_lowercase().as_str())
}

/// The certificates that pip trusts here, and what names them.
pub(super) fn ca_path(environment: &Environment, options: &BTreeMap<String, String>) -> Option<(String, String)> {
    let variable = CA_VARIABLES
        .iter()
        .find_map(|name| environment.get(name).map(|path| (path.to_owned(), (*name).to_owned())));
    variable.or_else(|| Some((options.get("cert")?.clone(), "pip.conf".to_owned())))
}

fn configuration_files(environment: &Environment) -> Vec<PathBuf> {
    let chosen = environment.get("PIP_CONFIG_FILE").map(PathBuf::from);
    if chosen.as_deref() == Some("/dev/null".as_ref()) {
        return Vec::new();
    }
    let shared = environment
        .get("XDG_CONFIG_DIRS")
        .unwrap_or("/etc/xdg")
        .split(':')
        .map(|dir| PathBuf::from(dir).join("pip/pip.conf"));
    let mut files: Vec<_> = shared.chain([PathBuf::from("/etc/pip.conf")]).collect();
    // A file that PIP_CONFIG_FILE names stands in for the user's.
    if let Some(home) = environment
        .home()
        .filter(|_| !chosen.as_ref().is_some_and(|chosen| chosen.exists()))
    {
        let config = environment
            .get("XDG_CONFIG_HOME")
            .map_or_else(|| home.join(".config"), PathBuf::from);
        files.extend([home.join(".pip/pip.conf"), config.join("pip/pip.conf")]);
    }
    files.extend(
        environment
            .get("VIRTUAL_ENV")
            .map(|venv| PathBuf::from(venv).join("pip.conf")),
    );
    files.extend(chosen);
    files
}

fn pip_conf(options: &BTreeMap<String, String>) -> String {
    let mut text = "[global]\n".to_owned();
    for option in INDEX_OPTIONS.iter().chain(&NETWORK_OPTIONS) {
        if let Some(value) = options.get(*option) {
            let lines: Vec<_> = value.split_whitespace().collect();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{option} = {}", lines.join("\n    "));
        }
    }
    text
}

/// The hosts of the indexes.
fn index_hosts(options: &BTreeMap<String, String>) -> Vec<String> {
    let urls = ["index-url", "extra-index-url"]
        .iter()
        .filter_map(|option| options.get(*option));
    let urls = urls
        .flat_map(|value| value.split_whitespace())
        .filter_map(|url| Url::parse(url).ok());
    urls.filter_map(|url| url.host_str().map(ToOwned::to_owned)).collect()
}

/// The hosts of URLs such as `https://host/name-1.0.tar.gz` or `git+https://host/name`, whatever stands behind them.
fn url_hosts(urls: &[&str]) -> Vec<String> {
    let urls = urls
        .iter()
        .filter_map(|url| Url::parse(url.split_whitespace().next()?).ok());
    urls.filter_map(|url| url.host_str().map(ToOwned::to_owned)).collect()
}

/// The user's netrc.
fn read_netrc(environment: &Environment) -> Option<Netrc> {
    let path = environment
        .get("NETRC")
        .map(PathBuf::from)
        .or_else(|| environment.home().map(|home| home.join(".netrc")))?;
    Some(Netrc::of(&reading::text(&path, SETTINGS_FILE).ok()?))
}

/// The certificates to trust: the setting, else those that pip trusts here.
fn ca_bundle(settings: &Settings, options: &BTreeMap<String, String>) -> Result<Option<String>, Error> {
    let (path, origin) = match settings.get(&table::CA_BUNDLE) {
        Some(path) => (path.to_owned(), settings.origin_of(&table::CA_BUNDLE).to_string()),
        None if !settings.get(&table::PIP_SETTINGS) => return Ok(None),
        None => match ca_path(settings.environment(), options) {
            Some(found) => found,
            None => return Ok(None),
        },
    };
    let path = settings.root().join(path);
    // What is between the certificates may be in any encoding.
    let read = reading::bytes(&path, PROJECT_FILE).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let found = read.and_then(|text| certificates::only(&text).map_err(io::Error::other));
    found.map(Some).map_err(|source| Error::NamedFile {
        key: table::CA_BUNDLE.name(),
        origin,
        path,
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::new(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn variables_win_over_files_and_nearer_files_over_wider_ones() {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join(".config/pip");
        fs::create_dir_all(&config).unwrap();
        fs::write(
            config.join("pip.conf"),
            "[global]\n    Index_URL = http://user/%7Eme/\n    retries=9\n[install]\ntrusted-host = a\n   b\n",
        )
        .unwrap();
        let home = home.path().to_str().unwrap();
        let options = options(&environment(&[
            ("HOME", home),
            ("XDG_CONFIG_DIRS", "/nonexistent"),
            ("PIP_INDEX_URL", "https://me:pw@env/simple"),
        ]));
        assert_eq!(options["index-url"], "https://me:pw@env/simple");
        let other = home.to_owned() + "/other.conf";
        fs::write(&other, "").unwrap();
        let none = super::options(&environment(&[
            ("HOME", home),
            ("XDG_CONFIG_DIRS", "/nonexistent"),
            ("PIP_CONFIG_FILE", &other),
        ]));
        assert!(!none.contains_key("index-url"), "{none:?}");
        let conf = pip_conf(&options);
        assert!(
            conf.contains("trusted-host = a\n    b\n") && conf.contains("retries = 9\n"),
            "{conf}"
        );
    }

    #[test]
    fn constraints_of_this_machine_are_named_and_not_handed_over() {
        let told = |pairs: &[(&str, &str)]| {
            let environment = environment(&[&[("PIP_CONFIG_FILE", "/dev/null")], pairs].concat());
            constraints_kept_back(&environment, &options(&environment))
        };
        assert_eq!(told(&[]), None);
        let by_pip = told(&[("PIP_CONSTRAINT", "/etc/constraints.txt")]).unwrap();
        assert!(
            by_pip.starts_with("the constraints /etc/constraints.txt (PIP_CONSTRAINT) hold"),
            "{by_pip}"
        );
        assert!(
            told(&[("UV_CONSTRAINT", "c.txt")])
                .unwrap()
                .contains("c.txt (UV_CONSTRAINT)")
        );
        let secret = told(&[("PIP_CONSTRAINT", "https://me:pw@host/c.txt")]).unwrap();
        assert!(!secret.contains("pw"), "{secret}");
    }

    #[test]
    fn a_requirements_url_has_a_host() {
        let urls = [
            "https://files.example/a-1.tar.gz ; python_version > '3'",
            "git+https://me@git.example:8443/b.git@v1",
            "file:///tmp/c",
            "nothing",
        ];
        assert_eq!(url_hosts(&urls), ["files.example", "git.example"]);
    }

    #[test]
    fn only_the_indexes_netrc_entries_are_passed_on() {
        let text = "machine pypi.example login me password p1\nmachine bank.example\n login me\n password p2\ndefault login x password p3\n";
        let index = ["pypi.example".to_owned()];
        let read = Netrc::of(text);
        assert_eq!(
            read.only(&index).unwrap(),
            "machine pypi.example\n  login me\n  password p1\n"
        );
        let urls = [
            "https://bank.example/a-1.zip",
            "git+https://bank.example/b",
            "https://pypi.example/c",
            "https://nobody.example/d",
        ];
        let told = kept_back(&read, &index, &urls);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("the netrc entry of bank.example is not handed to the build"));
    }
}
