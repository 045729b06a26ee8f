use std::fs;

use super::table::*;
use super::*;

pub(super) fn resolve(
    files: &[(&str, &str)],
    flags: Vec<(&'static Definition, Value)>,
    variables: &[(&str, &str)],
) -> Result<Settings, Error> {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(root.path().join(name), text).unwrap();
    }
    let variables = variables
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    Settings::resolve(root.path(), flags, Environment::new(variables))
}

#[test]
fn flags_win_over_variables_over_pyproject_over_setup_cfg_over_defaults() {
    let pyproject = (
        "pyproject.toml",
        "[project]\nname='x'\n\n[tool.sgbuild]\nrole = 'py'\nplatform = 'py'\ninstance-type = 'py'\n",
    );
    let setup_cfg = (
        "setup.cfg",
        "[metadata]\nrole=no\n[sgbuild]\nrole = cfg\nplatform: cfg\ninstance_type = cfg\nfunction = cfg\n",
    );
    let flags = vec![(&ROLE.definition, Value::Text("flag".to_owned()))];
    let settings = resolve(
        &[pyproject, setup_cfg],
        flags,
        &[("SGBUILD_ROLE", "env"), ("SGBUILD_PLATFORM", "env")],
    )
    .unwrap();
    let found = [
        settings.origin_of(&ROLE),
        settings.origin_of(&PLATFORM),
        settings.origin_of(&INSTANCE_TYPE),
        settings.origin_of(&FUNCTION),
        settings.origin_of(&VOLUME_SIZE),
    ];
    assert_eq!(
        found.map(ToString::to_string),
        [
            "--role",
            "SGBUILD_PLATFORM",
            "pyproject.toml:7",
            "setup.cfg:7",
            "default"
        ]
    );
    assert_eq!(settings.get(&ROLE), Some("flag"));
    assert_eq!(settings.get(&VOLUME_SIZE), 30);
}

#[test]
fn the_original_pipelines_variables_count_in_codebuild_only() {
    let stack = [("FUNCTION_NAME", "train-it"), ("EBS_VOL_GB", "50")];
    assert_eq!(resolve(&[], vec![], &stack).unwrap().get(&FUNCTION), None);
    let in_codebuild = [&stack[..], &[("CODEBUILD_BUILD_ID", "p:1")]].concat();
    let settings = resolve(&[], vec![], &in_codebuild).unwrap();
    assert_eq!(
        (settings.get(&FUNCTION), settings.get(&VOLUME_SIZE)),
        (Some("train-it"), 50)
    );
}

#[test]
fn values_keep_their_kinds() {
    let pyproject = "[tool.sgbuild]\npython-version = 3.10\nsystem_packages = ['gcc', 'git']\nenvironment = {A = 'x y'}\npull = true\n";
    let settings = resolve(
        &[("pyproject.toml", pyproject)],
        vec![],
        &[("SGBUILD_TAG", "a, b"), ("SGBUILD_LABELS", "k=v=w\nz=1")],
    )
    .unwrap();
    assert_eq!(settings.get(&PYTHON_VERSION), Some("3.10"));
    assert_eq!(settings.get(&SYSTEM_PACKAGES), ["gcc", "git"]);
    assert_eq!(settings.get(&ENVIRONMENT)["A"], "x y");
    assert!(settings.get(&PULL));
    assert_eq!(settings.get(&TAG), ["a", "b"]);
    assert_eq!(settings.get(&LABELS)["k"], "v=w");
}

#[test]
fn mistakes_are_named_with_their_line() {
    let error =
        |files: &[(&str, &str)], variables: &[(&str, &str)]| resolve(files, vec![], variables).unwrap_err().to_string();
    assert_eq!(
        error(&[("pyproject.toml", "[tool.sgbuild]\n\nplatfrom = 'x'\n")], &[]),
        "pyproject.toml:3: there is no setting `platfrom`; did you mean `platform`?"
    );
    // Three characters are wrong; in bytes the names are further apart than that.
    assert_eq!(
        error(&[("pyproject.toml", "[tool.sgbuild]\n'base-€€€ge' = 'x'\n")], &[]),
        "pyproject.toml:2: there is no setting `base-€€€ge`; did you mean `base-image`?"
    );
    assert_eq!(
        error(&[("pyproject.toml", "[tool.sgbuild]\nrole = 3\n")], &[]),
        "pyproject.toml:2: `role` is an integer, and a string is expected"
    );
    assert_eq!(
        error(&[("setup.cfg", "[sgbuild]\n# why\npull = perhaps\n")], &[]),
        "setup.cfg:3: `pull` is `perhaps`, and true or false is expected"
    );
    assert_eq!(
        error(&[], &[("SGBUILD_INSTANCE_COUNT", "two")]),
        "SGBUILD_INSTANCE_COUNT: `instance-count` is `two`, and a whole number is expected"
    );
    assert!(error(&[("pyproject.toml", "[tool.sgbuild\n")], &[]).starts_with("pyproject.toml:1: "));
}

#[test]
fn a_number_is_taken_as_it_is_or_refused() {
    let most = resolve(&[], vec![], &[("SGBUILD_PYTHON_TIMEOUT", "18446744073709551615")]).unwrap();
    assert_eq!(most.get(&PYTHON_TIMEOUT), u64::MAX);
    for (number, said) in [
        ("0", "`0`, and a whole number, 1 or more, is expected"),
        ("-1", "`-1`, and a whole number is expected"),
        (
            "18446744073709551616",
            "`18446744073709551616`, and a whole number is expected",
        ),
    ] {
        let pyproject = format!("[tool.sgbuild]\npython-timeout = {number}\n");
        let error = resolve(&[("pyproject.toml", &pyproject)], vec![], &[])
            .unwrap_err()
            .to_string();
        assert_eq!(error, format!("pyproject.toml:2: `python-timeout` is {said}"));
        let setup_cfg = format!("[sgbuild]\nvolume-size = {number}\n");
        let error = resolve(&[("setup.cfg", &setup_cfg)], vec![], &[])
            .unwrap_err()
            .to_string();
        assert_eq!(error, format!("setup.cfg:2: `volume-size` is {said}"));
    }
    let flag = vec![(&MAX_RUNTIME.definition, Value::Number(0))];
    let error = resolve(&[], flag, &[]).unwrap_err().to_string();
    assert!(error.starts_with("--max-runtime: "), "{error}");
}

#[test]
fn a_number_that_its_service_would_refuse_is_refused_with_its_origin() {
    for (variable, number, said) in [
        (
            "SGBUILD_BUILD_TIMEOUT",
            "4",
            "`build-timeout` is `4`, and a whole number, 5 or more, is expected",
        ),
        (
            "SGBUILD_BUILD_TIMEOUT",
            "2161",
            "`build-timeout` is `2161`, and a whole number, 2160 at most, is expected",
        ),
        (
            "SGBUILD_MAX_RUNTIME",
            "2419201",
            "`max-runtime` is `2419201`, and a whole number, 2419200 at most, is expected",
        ),
        (
            "SGBUILD_INSTANCE_COUNT",
            "2147483648",
            "`instance-count` is `2147483648`, and a whole number, 2147483647 at most, is expected",
        ),
    ] {
        let error = resolve(&[], vec![], &[(variable, number)]).unwrap_err();
        assert_eq!(error.to_string(), format!("{variable}: {said}"));
    }
    for (variable, number) in [
        ("SGBUILD_BUILD_TIMEOUT", "5"),
        ("SGBUILD_BUILD_TIMEOUT", "2160"),
        ("SGBUILD_MAX_RUNTIME", "2419200"),
    ] {
        resolve(&[], vec![], &[(variable, number)]).unwrap();
    }
}

#[test]
fn the_cache_directory_is_never_relative_and_never_shared() {
    let cache = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Environment::new(pairs.collect()).cache_dir()
    };
    assert_eq!(
        cache(&[("XDG_CACHE_HOME", "c"), ("HOME", "/h")]),
        Path::new("/h/.cache/sgbuild")
    );
    let own = format!("sgbuild-{}", rustix::process::geteuid().as_raw());
    for none in [[("HOME", ".")].as_slice(), &[]] {
        assert_eq!(cache(none), std::env::temp_dir().join(&own));
    }
}

#[test]
fn setup_cfg_is_read_as_configparser_reads_it() {
    let indented = ("setup.cfg", "[sgbuild]\n  platform = linux/arm64\n  train = pk:train\n");
    let settings = resolve(&[indented], vec![], &[]).unwrap();
    assert_eq!(settings.get(&PLATFORM), "linux/arm64");
    assert_eq!(settings.get(&TRAIN), Some("pk:train"));
    let twice = ("setup.cfg", "[sgbuild]\nrole = a\nrole = b\n");
    let error = resolve(&[twice], vec![], &[]).unwrap_err().to_string();
    assert!(error.contains("setup.cfg:3"), "{error}");
}

#[test]
fn a_setting_under_two_spellings_is_refused_and_numbers_have_their_radix() {
    let twice = ("pyproject.toml", "[tool.sgbuild]\nvolume_size = 3\nvolume-size = 4\n");
    let error = resolve(&[twice], vec![], &[]).unwrap_err().to_string();
    assert!(
        error.contains("pyproject.toml:") && error.contains("set twice"),
        "{error}"
    );
    let hexadecimal = ("pyproject.toml", "[tool.sgbuild]\nvolume-size = 0x10\n");
    assert_eq!(resolve(&[hexadecimal], vec![], &[]).unwrap().get(&VOLUME_SIZE), 16);
}
