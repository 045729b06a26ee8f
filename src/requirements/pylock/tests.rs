use super::*;

const HASH: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn read(packages: &str, extras: &[&str]) -> Result<Requirements, Error> {
    let text = format!(
        "lock-version = '1.0'\ncreated-by = 'me'\n{}",
        packages.replace("HASH", HASH)
    );
    let lock = Lock {
        file: "pylock.toml",
        text: &text,
        beside: std::path::Path::new("pylock.toml"),
        own: PackageName::from_str("tiny").ok(),
        extras: extras
            .iter()
            .filter_map(|extra| ExtraName::from_str(extra).ok())
            .collect(),
    };
    lock.read()
}

fn lines(packages: &str, extras: &[&str]) -> Vec<String> {
    crate::requirements::written(&read(packages, extras).unwrap().lines)
}

fn error(packages: &str) -> String {
    read(packages, &[]).unwrap_err().to_string()
}

#[test]
fn files_of_an_index_are_a_version_with_hashes() {
    let package = "[[packages]]\nname = 'a'\nversion = '1.0'\nmarker = \"sys_platform == 'linux'\"\nsdist = { url = 'https://h/a-1.0.tar.gz', hashes = { sha256 = 'HASH' } }\nwheels = [{ name = 'a-1.0-py3-none-any.whl', hashes = { sha256 = 'HASH', md5 = '0' } }]\n[[packages]]\nname = 'Tiny'\ndirectory = { path = '.' }\n";
    assert_eq!(
        lines(package, &[]),
        [
            "# pylock.toml".to_owned(),
            format!("a==1.0 ; sys_platform == 'linux' \\\n    --hash=sha256:{HASH}")
        ]
    );
}

#[test]
fn extras_and_groups_decide() {
    let package = |marker: &str| {
        format!(
            "default-groups = ['base']\n[[packages]]\nname = 'a'\nversion = '1'\nmarker = \"{marker}\"\nsdist = {{ hashes = {{ sha256 = 'HASH' }} }}\n"
        )
    };
    let is_in = |marker: &str, extras: &[&str]| !lines(&package(marker), extras).is_empty();
    assert!(is_in("'Train' in extras", &["train"]) && !is_in("'train' in extras", &[]));
    assert!(is_in("'train' not in extras", &[]) && !is_in("'train' not in extras", &["train"]));
    assert!(is_in("'base' in dependency_groups", &[]) && !is_in("'dev' in dependency_groups", &["dev"]));
    let kept = lines(
        &package("python_version >= '3.11' and ('x' in extras or 'y' in extras)"),
        &["y"],
    );
    assert!(
        kept[1].starts_with("a==1 ; python_full_version >= '3.11' \\"),
        "{kept:?}"
    );
}

#[test]
fn other_sources() {
    let vcs = "[[packages]]\nname = 'a'\nvcs = { type = 'git', url = 'https://h/a.git', commit-id = '0123', subdirectory = 's' }\n";
    assert_eq!(lines(vcs, &[])[1], "a @ git+https://h/a.git@0123#subdirectory=s");
    let archive = "[[packages]]\nname = 'a'\narchive = { url = 'https://h/a.zip', hashes = { sha256 = 'HASH' } }\n";
    assert_eq!(
        lines(archive, &[])[1],
        format!("a @ https://h/a.zip \\\n    --hash=sha256:{HASH}")
    );
    let two = "[[packages]]\nname = 'a'\nversion = '1'\nindex = 'https://one/simple'\nsdist = { hashes = { sha256 = 'HASH' } }\n[[packages]]\nname = 'b'\nversion = '1'\nindex = 'https://one/simple'\nsdist = { hashes = { sha256 = 'HASH' } }\n[[packages]]\nname = 'c'\nversion = '1'\nindex = 'https://two/simple'\nsdist = { hashes = { sha256 = 'HASH' } }\n";
    assert_eq!(lines(two, &[])[1], "--extra-index-url https://two/simple");
}

#[test]
fn what_cannot_be_installed_is_told_with_its_line() {
    assert!(
        error("[[packages]]\nname = 'a'\narchive = { path = '../a.zip', hashes = { sha256 = '0' } }\n")
            .starts_with("pylock.toml:4: a is `../a.zip` of this machine")
    );
    assert!(
        error("[[packages]]\nname = 'a'\narchive = { path = 'a.zip', hashes = {} }\n")
            .contains("a is `a.zip` of this machine")
    );
    assert!(
        error("[[packages]]\nname = 'a'\nversion = '1'\nsdist = { hashes = { md5 = '0' } }\n")
            .contains("has no SHA-256")
    );
    assert!(error("[[packages]]\nname = 'a'\nversion = '1'\n").contains("no file to install"));
    assert!(
        error("[[packages]]\nname = 'a'\narchive = { url = 'https://me:pw@h/a.zip', hashes = {} }\n")
            .contains("`https://***@h/a.zip` carries")
    );
    assert!(
        error("[[packages]]\nname = 'a'\nversion = '1'\nmarker = 'x'\nsdist = {}\n").contains("`x` is not a marker")
    );
    assert!(error("[[packages]\n").starts_with("pylock.toml:3: "));
    assert!(error("packages = 1\n").starts_with("pylock.toml:3: "));
    let text = "lock-version = '2.0'\n";
    let lock = Lock {
        file: "pylock.toml",
        text,
        beside: std::path::Path::new("pylock.toml"),
        own: None,
        extras: Vec::new(),
    };
    assert!(lock.read().unwrap_err().to_string().contains("lock-version 2.0"));
}

#[test]
fn what_pip_would_read_as_another_line_is_refused() {
    let package = |more: &str| format!("[[packages]]\nname = 'a'\nversion = '1'\n{more}\n");
    // As long as a hash.
    let smuggled = format!("{:x<64}", "\n--extra-index-url https://h/").replace('\n', "\\n");
    let hash = package(&format!("sdist = {{ hashes = {{ sha256 = \"{smuggled}\" }} }}"));
    assert!(error(&hash).contains("pip cannot be told `a==1`"), "{}", error(&hash));
    let from = |index: &str| format!("index = \"{index}\"\nsdist = {{ hashes = {{ sha256 = 'HASH' }} }}");
    // Most packages are from the usual index, which nobody is told of.
    let usual = package(&from("https://h/simple"));
    let with = |index: &str| usual.repeat(2) + &package(&from(index)).replace("'a'", "'b'");
    assert_eq!(lines(&with("https://i/simple"), &[]).len(), 4);
    for index in [
        "https://i/simple --trusted-host i",
        "https://i/simple\\n--pre",
        "https://i/simple # x",
        "https://i/${TOKEN}",
    ] {
        let error = error(&with(index));
        assert!(
            error.contains("pip cannot be told `--extra-index-url https://i/"),
            "{error}"
        );
    }
}
