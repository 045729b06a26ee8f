//! pip's own parser as the judge of the parser of requirements files.

use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use sgbuild::requirements::{Kind, Wrong, parse};

use crate::support::{Testbed, root};

const HASH: &str = "--hash=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// What pip makes of each text; null where it refuses one.
fn as_pip(texts: &[String]) -> Vec<Value> {
    let mut pip = Command::new(Testbed::get().variable("SGBUILD_TESTBED_PYTHON"))
        .arg(root().join("tests/it/requirements/pip_lines.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    pip.stdin
        .take()
        .unwrap()
        .write_all(json!(texts).to_string().as_bytes())
        .unwrap();
    let output = pip.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn as_sgbuild(text: &str) -> Result<Value, Wrong> {
    let entries = parse(text).map_err(|error| error.wrong)?;
    let entries = entries.into_iter().map(|entry| {
        let (kind, value) = match entry.kind {
            Kind::Requirement { text, mut hashes, .. } => {
                hashes.sort();
                ("requirement", [vec![text], hashes].concat().join(" "))
            }
            Kind::Editable(target) => ("editable", target),
            Kind::Requirements(file) => ("requirements", file),
            Kind::Constraints(file) => ("constraints", file),
            Kind::Options { text, .. } => ("options", text),
        };
        json!([entry.line, kind, value])
    });
    Ok(entries.collect())
}

/// The long options of which the random texts may hold an abbreviation.
const LONG: [&str; 10] = [
    "--requirement",
    "--constraint",
    "--editable",
    "--index-url",
    "--extra-index-url",
    "--find-links",
    "--no-index",
    "--pre",
    "--hash",
    "--config-settings",
];

/// What pip reads and sgbuild refuses on purpose: pip would ignore a part of it, it must not reach the image, or an option is
/// abbreviated, which another pip may read otherwise.
fn is_stricter(wrong: &Wrong) -> bool {
    match wrong {
        Wrong::UnknownOption(option) => LONG.iter().any(|long| long.starts_with(option)),
        Wrong::Leftover(_)
        | Wrong::Ignored(_)
        | Wrong::HashAlone
        | Wrong::Hash(_)
        | Wrong::Variable(_)
        | Wrong::Credentials(_)
        | Wrong::LocalPath(_) => true,
        _ => false,
    }
}

fn compare(texts: &[String]) {
    let mut understood = 0;
    for (text, pip) in texts.iter().zip(as_pip(texts)) {
        match as_sgbuild(text) {
            Ok(ours) => assert_eq!(ours, pip, "{text:?}"),
            Err(wrong) => assert!(
                pip.is_null() || is_stricter(&wrong),
                "{text:?}: {wrong}, and pip reads {pip}"
            ),
        }
        understood += usize::from(!pip.is_null() && pip != json!([]));
    }
    // A judge that refuses everything would agree with everybody.
    assert!(understood > texts.len() / 20, "{understood} of {}", texts.len());
}

#[test]
fn lines_are_read_as_pip_reads_them() {
    let lines = [
        "numpy == 1.26.0 ; python_version < '3.12' and extra == \"x\"  # why",
        "a\\\nb\\",
        "a \\\n  # comment\nb",
        "a #c\\\nb",
        "\\a\\\\\nb",
        "-r a.txt\r\n-c b.txt\x0cc\u{2028}d\u{85}e",
        "--index-url=https://h/simple --extra-index-url 'https://i/simple' --pre --no-binary :all:",
        "-i https://h/simple --trusted-host h --use-feature fast-deps --require-hashes --prefer-binary",
        "a==1 --hash=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef -C k=v --global-option x",
        "-e .[x]\n-egit+https://h/r#egg=a\n--editable=./a",
        "a @ https://h/a.zip#sha256=00\nhttps://h/b.whl ; python_version>'3'\n./c.whl",
        "a#b\n#\n\t# c\n\u{a0}d\u{a0}# e",
        "-r 'a b.txt'\n-r \"a\\\"b.txt\"\n-r a\\ b.txt",
        "a --hash",
        "--foo\n",
        "a -\n",
        "a  -r b",
    ];
    compare(&lines.map(ToOwned::to_owned));
}

#[test]
fn random_texts_are_read_as_pip_reads_them() {
    let pieces = [
        "numpy==1.0",
        "a",
        " ",
        "  ",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "\\\n",
        " \\\n",
        "\\",
        "#c",
        " # c",
        "\x0c",
        "\x1c",
        "\u{a0}",
        "\u{2028}",
        "é",
        "'",
        "\"",
        "-",
        "--",
        "=",
        ";",
        "; python_version > '3'",
        HASH,
        "--hash",
        "--pre",
        " --pre",
        "-r",
        "-r a.txt",
        "-ra.txt",
        "--requirement=a.txt",
        "-c c.txt",
        "-e .",
        " -e ",
        "-i https://h/s",
        "--index-url https://h/s",
        "--no-index",
        "-f https://h/l",
        "--x",
        "$HOME",
        "@",
        "https://h/a.zip",
        "[x]",
        "--config-settings",
    ];
    let texts =
        proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 1..16).prop_map(|words| words.concat());
    let mut runner = TestRunner::deterministic();
    let texts: Vec<String> = (0..3000)
        .map(|_| texts.new_tree(&mut runner).unwrap().current())
        .collect();
    compare(&texts);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        if let Err(error) = parse(&text) {
            prop_assert!(error.line > 0 && !error.wrong.to_string().is_empty() && !error.wrong.hint().is_empty());
        }
    }
}
