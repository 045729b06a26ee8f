use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::*;

fn handed(pairs: &[(&str, &str)], configuration: &[PathBuf]) -> Handed {
    let environment = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    by_files(environment, configuration).unwrap()
}

fn file(handed: &Handed, variable: &str) -> String {
    fs::read_to_string(self::variable(&handed.environment, variable).unwrap()).unwrap()
}

fn urls(configuration: &Table) -> Vec<&str> {
    let indexes = configuration["index"].as_array().unwrap().iter();
    indexes.map(|index| index["url"].as_str().unwrap()).collect()
}

#[test]
fn what_has_no_credentials_stays_a_variable() {
    let pairs = [
        ("UV_INDEX", "private=https://a.example/simple"),
        ("UV_DEFAULT_INDEX", "https://b.example/simple"),
        ("HTTPS_PROXY", "http://proxy:3128"),
        ("NETRC", "/home/me/.netrc"),
    ];
    let handed = handed(&pairs, &[]);
    assert!(handed.files.is_none());
    assert_eq!(handed.environment.len(), pairs.len());
}

#[test]
fn indexes_with_credentials_become_a_file_for_this_user_alone() {
    let pairs = [
        (
            "UV_INDEX",
            "private=https://a.example/simple https://u:c4nary1@b.example/x",
        ),
        ("UV_INDEX_PRIVATE_USERNAME", "me"),
        ("UV_INDEX_PRIVATE_PASSWORD", "c4nary2/@%"),
        ("UV_EXTRA_INDEX_URL", "https://c4nary3@c.example/"),
        ("UV_DEFAULT_INDEX", "https://u:c4nary4@d.example/simple"),
        ("UV_INDEX_URL", "https://e.example/"),
        ("UV_FIND_LINKS", "https://u:c4nary5@f.example/,/srv/wheels"),
        ("UV_PUBLISH_TOKEN", "c4nary6"),
        ("UV_PYTHON_INSTALL_MIRROR", "https://u:c4nary7@g.example/"),
        ("UV_INDEX_OTHER_PASSWORD", "c4nary8"),
        ("UV_INDEX_STRATEGY", "unsafe-best-match"),
        ("UV_NO_CONFIG", "1"),
    ];
    let handed = handed(&pairs, &[]);
    assert!(!format!("{:?}", handed.environment).contains("c4nary"));
    let names: Vec<_> = handed.environment.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["UV_INDEX_STRATEGY", "UV_CONFIG_FILE"]);
    let path = variable(&handed.environment, "UV_CONFIG_FILE").unwrap();
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    let configuration: Table = file(&handed, "UV_CONFIG_FILE").parse().unwrap();
    let of_private = "https://me:c4nary2%2F%40%25@a.example/simple";
    assert_eq!(
        urls(&configuration),
        [
            of_private,
            "https://u:c4nary1@b.example/x",
            "https://c4nary3@c.example/",
            "https://u:c4nary4@d.example/simple"
        ]
    );
    assert_eq!(configuration["index"][3]["default"], true.into());
    assert_eq!(configuration["find-links"][1].as_str(), Some("/srv/wheels"));
    let place = Path::new(path).to_owned();
    drop(handed);
    assert!(!place.exists());
}

#[test]
fn the_users_own_configuration_is_kept_behind_the_variables() {
    let directory = tempfile::tempdir().unwrap();
    let (own, of_all) = (directory.path().join("own.toml"), directory.path().join("all.toml"));
    fs::write(
        &own,
        "native-tls = true\n[[index]]\nname = \"my-own\"\nurl = \"https://own.example/\"\ndefault = true\n[pip]\nindex = [{url = \"wheels\"}]\n",
    )
    .unwrap();
    fs::write(
        &of_all,
        "native-tls = false\noffline = true\n[[index]]\nurl = \"https://all.example/\"\n",
    )
    .unwrap();
    let pairs = [
        ("UV_DEFAULT_INDEX", "https://u:p@d.example/"),
        ("UV_INDEX_MY_OWN_PASSWORD", "c4nary"),
    ];
    let handed = handed(&pairs, &[own, directory.path().join("missing.toml"), of_all]);
    let configuration: Table = file(&handed, "UV_CONFIG_FILE").parse().unwrap();
    assert_eq!(
        urls(&configuration),
        [
            "https://u:p@d.example/",
            "https://:c4nary@own.example/",
            "https://all.example/"
        ]
    );
    assert_eq!(configuration["native-tls"], true.into());
    assert_eq!(configuration["offline"], true.into());
    let of_pip = configuration["pip"]["index"].as_array().unwrap();
    assert_eq!(of_pip[0]["url"].as_str(), Some("https://u:p@d.example/"));
    let wheels = fs::canonicalize(directory.path()).unwrap().join("wheels");
    assert_eq!(of_pip[1]["url"].as_str(), wheels.to_str());
    // uv takes one default.
    let text = file(&handed, "UV_CONFIG_FILE");
    assert_eq!(
        text.matches("default = true").count(),
        2,
        "one, and pip's copy of it: {text}"
    );
}

#[test]
fn a_configuration_that_is_none_is_told_without_what_is_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("uv.toml");
    fs::write(&path, "[[index]]\nurl = \"https://u:c4nary@h/\n").unwrap();
    let environment = vec![("UV_INDEX".to_owned(), "https://u:p@h/".to_owned())];
    let error = by_files(environment, std::slice::from_ref(&path))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(path.to_str().unwrap()) && !error.contains("c4nary"),
        "{error}"
    );
}

#[test]
fn git_reads_the_same_settings_from_a_file() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join(".gitconfig"), "[user]\n\tname = me\n").unwrap();
    let key = "url.https://u:c4nary@h.example/a\"b\\c/.insteadOf";
    let value = "https://h.example/ # \"x\"\n;\\";
    let handed = handed(
        &[
            ("HOME", home.path().to_str().unwrap()),
            ("GIT_CONFIG_COUNT", "2"),
            ("GIT_CONFIG_KEY_0", key),
            ("GIT_CONFIG_VALUE_0", value),
            ("GIT_CONFIG_KEY_1", "http.extraHeader"),
            ("GIT_CONFIG_VALUE_1", "Authorization: Basic c4nary"),
            ("GIT_CONFIG_PARAMETERS", "'http.proxy'='http://u:c4nary@p/'"),
        ],
        &[],
    );
    assert!(!format!("{:?}", handed.environment).contains("c4nary"));
    let asked = |key: &str| {
        let mut git = Command::new("git");
        git.args(["config", "--get", key])
            .env_clear()
            .envs(handed.environment.clone());
        git.env("PATH", std::env::var("PATH").unwrap()).current_dir(home.path());
        let output = git.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.strip_suffix('\n').map(ToOwned::to_owned)
    };
    assert_eq!(asked(key).as_deref(), Some(value));
    assert_eq!(
        asked("http.extraHeader").as_deref(),
        Some("Authorization: Basic c4nary")
    );
    assert_eq!(asked("http.proxy").as_deref(), Some("http://u:c4nary@p/"));
    assert_eq!(asked("user.name").as_deref(), Some("me"));
}

#[test]
fn a_proxy_with_credentials_has_a_name_in_small_letters() {
    let handed = handed(
        &[
            ("HTTPS_PROXY", "http://u:c4nary@p:1"),
            ("https_proxy", "http://other"),
            ("NO_PROXY", "h"),
        ],
        &[],
    );
    let expected = [("NO_PROXY", "h"), ("https_proxy", "http://u:c4nary@p:1")];
    assert_eq!(handed.environment, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
}
