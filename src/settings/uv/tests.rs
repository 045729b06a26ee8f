use std::fs;

use super::*;
use crate::settings::{Definition, Value};

fn of(pairs: &[(&str, &str)], flags: Vec<(&'static Definition, Value)>) -> UvSettings {
    of_project(tempfile::tempdir().unwrap().path(), pairs, flags)
}

fn of_project(root: &Path, pairs: &[(&str, &str)], flags: Vec<(&'static Definition, Value)>) -> UvSettings {
    let nowhere = [("XDG_CONFIG_DIRS", "/nonexistent"), ("PIP_CONFIG_FILE", "/dev/null")];
    let pairs = nowhere
        .iter()
        .chain(pairs)
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let resolved = Settings::resolve(root, flags, Environment::new(pairs.collect())).unwrap();
    settings(&resolved)
}

fn of_uv<'a>(told: &'a UvSettings, name: &str) -> Option<&'a str> {
    variable(&told.environment, name)
}

#[test]
fn pips_settings_are_told_in_uvs_words() {
    let told = of(
        &[
            ("PIP_INDEX_URL", "https://me:pw@a.example/simple"),
            (
                "PIP_EXTRA_INDEX_URL",
                "https://b.example/simple https://c.example/simple",
            ),
            ("PIP_FIND_LINKS", "/wheels https://d.example/links"),
            ("PIP_TRUSTED_HOST", "b.example"),
            ("PIP_NO_INDEX", "yes"),
            ("PIP_CERT", "/certificates/own.pem"),
            ("PIP_DEFAULT_TIMEOUT", "180"),
            ("PIP_CONSTRAINT", "/constraints.txt"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
        ],
        Vec::new(),
    );
    for (name, value) in [
        ("UV_DEFAULT_INDEX", "https://me:pw@a.example/simple"),
        ("UV_INDEX", "https://b.example/simple https://c.example/simple"),
        ("UV_INDEX_STRATEGY", "unsafe-best-match"),
        ("UV_FIND_LINKS", "/wheels,https://d.example/links"),
        ("UV_INSECURE_HOST", "b.example"),
        ("SSL_CERT_FILE", "/certificates/own.pem"),
        ("UV_HTTP_TIMEOUT", "180"),
        ("UV_CONSTRAINT", "/constraints.txt"),
        ("UV_PYTHON_DOWNLOADS", "never"),
    ] {
        assert_eq!(of_uv(&told, name), Some(value), "{name}");
    }
    assert_eq!(told.index_arguments, ["--no-index"]);
    assert_eq!(of_uv(&told, "AWS_SECRET_ACCESS_KEY"), None);
    assert_eq!(of_uv(&told, "UV_SYSTEM_CERTS"), None);
}

#[test]
fn pips_settings_that_are_not_for_the_build_are_not_told_for_the_image() {
    let pairs = [
        ("PIP_INDEX_URL", "https://me:pw@a.example/simple"),
        ("PIP_EXTRA_INDEX_URL", "https://b.example/simple"),
        ("PIP_FIND_LINKS", "/wheels"),
        ("PIP_NO_INDEX", "1"),
        ("PIP_TRUSTED_HOST", "b.example"),
        ("PIP_CERT", "/certificates/own.pem"),
        ("UV_INDEX", "https://uv.example/simple"),
        ("NETRC", "/home/me/netrc"),
    ];
    let pairs = pairs
        .iter()
        .chain(&[("SGBUILD_PIP_SETTINGS", "false"), ("PIP_CONFIG_FILE", "/dev/null")]);
    let pairs = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let root = tempfile::tempdir().unwrap();
    let resolved = Settings::resolve(root.path(), Vec::new(), Environment::new(pairs.collect())).unwrap();
    let image = settings_for_image(&resolved);
    for name in ["UV_DEFAULT_INDEX", "UV_FIND_LINKS", "UV_INSECURE_HOST"] {
        assert_eq!(of_uv(&image, name), None, "{name}");
        assert!(of_uv(&settings(&resolved), name).is_some(), "{name}");
    }
    assert!(image.index_arguments.is_empty());
    assert_eq!(of_uv(&image, "NETRC"), Some("/dev/null"));
    assert_eq!(of_uv(&image, "SSL_CERT_FILE"), Some("/certificates/own.pem"));
    // What uv itself is told is no setting of pip's.
    assert_eq!(of_uv(&image, "UV_INDEX"), Some("https://uv.example/simple"));
}

#[test]
fn what_the_user_tells_uv_comes_first() {
    let told = of(
        &[
            ("PIP_INDEX_URL", "https://pip.example/simple"),
            ("PIP_EXTRA_INDEX_URL", "https://pip.example/extra"),
            ("UV_INDEX_URL", "https://uv.example/simple"),
            ("UV_INDEX", "https://uv.example/extra"),
            ("UV_PYTHON_DOWNLOADS", "automatic"),
            ("UV_PYTHON", "3.8"),
            ("VIRTUAL_ENV", "/venv"),
        ],
        Vec::new(),
    );
    for (name, value) in [
        ("UV_DEFAULT_INDEX", None),
        ("UV_INDEX_URL", Some("https://uv.example/simple")),
        ("UV_INDEX", Some("https://uv.example/extra")),
        ("UV_INDEX_STRATEGY", None),
        ("UV_PYTHON_DOWNLOADS", Some("never")),
        ("UV_PYTHON", None),
        ("VIRTUAL_ENV", None),
        ("UV_SYSTEM_CERTS", Some("true")),
    ] {
        assert_eq!(of_uv(&told, name), value, "{name}");
    }
}

#[test]
fn a_relative_path_is_meant_from_here() {
    let told = of(&[("UV_CACHE_DIR", ".uv-cache"), ("UV_INDEX", "own")], Vec::new());
    let here = std::env::current_dir().unwrap();
    assert_eq!(of_uv(&told, "UV_CACHE_DIR"), here.join(".uv-cache").to_str());
    assert_eq!(of_uv(&told, "UV_INDEX"), Some("own"));
}

#[test]
fn a_time_limit_of_pips_is_one_that_uv_understands() {
    for (pips, uvs) in [
        ("15.5", Some("16")),
        ("1e300", Some("86400")),
        ("0", None),
        ("soon", None),
    ] {
        let told = of(&[("PIP_DEFAULT_TIMEOUT", pips)], Vec::new());
        assert_eq!(of_uv(&told, "UV_HTTP_TIMEOUT"), uvs, "{pips}");
    }
}

#[test]
fn an_index_in_uv_toml_comes_before_pips() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("uv.toml");
    let told = |text: &str| {
        fs::write(&file, text).unwrap();
        let chosen = file.display().to_string();
        of(
            &[
                ("UV_CONFIG_FILE", chosen.as_str()),
                ("PIP_INDEX_URL", "https://pip.example/"),
            ],
            Vec::new(),
        )
    };
    let own = told("[[index]]\nurl = \"https://uv.example/simple\"\ndefault = true\n");
    assert_eq!(of_uv(&own, "UV_DEFAULT_INDEX"), None);
    let other = told("cache-dir = \"/tmp/x\"\n");
    assert_eq!(of_uv(&other, "UV_DEFAULT_INDEX"), Some("https://pip.example/"));
}

#[test]
fn a_checkout_does_not_say_which_servers_this_machine_trusts() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("setup.cfg"), "[sgbuild]\nca-bundle = theirs.pem\n").unwrap();
    let pip_cert = [("PIP_CERT", "/certificates/own.pem")];
    let pips = of_project(root.path(), &pip_cert, Vec::new());
    assert_eq!(of_uv(&pips, "SSL_CERT_FILE"), Some("/certificates/own.pem"));
    let systems = of_project(root.path(), &[], Vec::new());
    assert_eq!(of_uv(&systems, "SSL_CERT_FILE"), None);
    assert_eq!(of_uv(&systems, "UV_SYSTEM_CERTS"), Some("true"));
    let flag = (&table::CA_BUNDLE.definition, Value::Text("/mine.pem".to_owned()));
    let callers = of_project(root.path(), &pip_cert, vec![flag]);
    assert_eq!(of_uv(&callers, "SSL_CERT_FILE"), Some("/mine.pem"));
}

#[test]
fn programs_with_a_directory_are_the_projects() {
    let flags = vec![
        (&table::UV.definition, Value::Text("tools/uv".to_owned())),
        (&table::PYTHON.definition, Value::Text("python3.12".to_owned())),
    ];
    let told = of(&[], flags);
    assert!(told.program.unwrap().is_absolute());
    assert_eq!(told.python, Path::new("python3.12"));
}
