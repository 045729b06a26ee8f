//! Wheels that are made here, and the layers that come of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::archive::Archive;
use super::install::{self, Content, Installed, Scheme};
use super::splice::{self, Body, Entry, LayerReader};
use crate::oci::Digest;
use crate::progress::Silent;

/// A wheel of `pkg` 1.0 with these files besides its metadata; names that end with `*` may be run.
struct Given<'a> {
    files: &'a [(&'a str, &'a str)],
    method: CompressionMethod,
}

impl Given<'_> {
    fn write(&self, directory: &Path) -> PathBuf {
        let path = directory.join("pkg-1.0-py3-none-any.whl");
        let mut zip = ZipWriter::new(std::fs::File::create(&path).unwrap());
        let mut record = String::new();
        let metadata = [
            ("pkg-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"),
            ("pkg-1.0.dist-info/METADATA", "Name: pkg\n"),
        ];
        for (name, text) in self.files.iter().chain(&metadata) {
            let mode = if name.ends_with('*') { 0o755 } else { 0o644 };
            let name = name.trim_end_matches('*');
            let options = SimpleFileOptions::default()
                .compression_method(self.method)
                .unix_permissions(mode);
            zip.start_file(name, options).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
            writeln!(record, "{name},sha256=x,{}\r", text.len()).unwrap();
        }
        zip.start_file("pkg-1.0.dist-info/RECORD", SimpleFileOptions::default())
            .unwrap();
        zip.write_all(record.as_bytes()).unwrap();
        zip.finish().unwrap();
        path
    }
}

fn scheme() -> Scheme {
    Scheme {
        purelib: "/opt/lib/python3.11/site-packages".to_owned(),
        platlib: "/opt/lib64/python3.11/site-packages".to_owned(),
        scripts: "/opt/bin".to_owned(),
        data: "/opt".to_owned(),
        include: "/opt/include/python3.11".to_owned(),
        executable: "/opt/bin/python".to_owned(),
        python: (3, 11),
    }
}

fn installed(files: &[(&str, &str)]) -> (TempDir, Arc<Archive>, Result<Vec<Installed>, String>) {
    let directory = tempfile::tempdir().unwrap();
    let method = CompressionMethod::Deflated;
    let archive = Arc::new(Archive::open("pkg", &Given { files, method }.write(directory.path())).unwrap());
    let files = install::installed(&archive, "Pkg", &scheme(), true).map_err(|error| error.to_string());
    (directory, archive, files)
}

fn entries(archive: &Arc<Archive>, files: Vec<Installed>) -> Arc<[Entry]> {
    let entry = |file: Installed| Entry {
        path: file.path[1..].to_owned(),
        mode: file.mode,
        body: match file.content {
            Content::Bytes(bytes) => Body::Bytes(bytes),
            Content::Member(index) => Body::Member {
                wheel: Arc::clone(archive),
                index,
            },
        },
    };
    files.into_iter().map(entry).collect()
}

/// The files of a layer: their modes and contents by their paths.
fn unpacked(layer: &[u8]) -> BTreeMap<String, (u32, String)> {
    let plain = flate2::read::MultiGzDecoder::new(layer);
    let mut tar = tar::Archive::new(plain);
    let entries = tar.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        (path, (entry.header().mode().unwrap(), text))
    });
    entries.collect()
}

#[test]
fn a_wheel_is_a_layer_with_the_files_where_pip_puts_them() {
    let long = format!("pkg/{}/long.py", "d".repeat(120));
    let big = "numbers = 1\n".repeat(200_000);
    let (_kept, archive, files) = installed(&[
        ("pkg/__init__.py", "print(1)\n"),
        ("pkg/empty.py", ""),
        (&long, "x"),
        ("pkg/big.py", &big),
        ("pkg-1.0.data/scripts/tool*", "#!python -x\nprint(2)\n"),
        ("pkg-1.0.data/scripts/shell*", "#!/bin/sh\n"),
        ("pkg-1.0.data/data/share/pkg/a.txt", "data"),
        ("pkg-1.0.data/platlib/pkg/c.so", "elf"),
        ("pkg-1.0.data/headers/pkg.h", "//"),
        (
            "pkg-1.0.dist-info/entry_points.txt",
            "[console_scripts]\npkg-run = pkg.main:App.run [extra]\n[other]\nx = y\n",
        ),
    ]);
    let entries = entries(&archive, files.unwrap());
    let measured = splice::measure(&entries, &Silent).unwrap();
    let mut layer = Vec::new();
    LayerReader::of(Arc::clone(&entries)).read_to_end(&mut layer).unwrap();
    assert_eq!(
        (Digest::of(&layer), layer.len() as u64),
        (measured.digest, measured.size)
    );
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(&layer[..])
        .read_to_end(&mut plain)
        .unwrap();
    assert_eq!(
        (Digest::of(&plain), plain.len() as u64),
        (measured.diff_id, measured.unpacked)
    );

    let found = unpacked(&layer);
    let site = "opt/lib/python3.11/site-packages";
    let text = |path: &str| {
        found
            .get(path)
            .unwrap_or_else(|| panic!("{path}: {:?}", found.keys()))
            .clone()
    };
    assert_eq!(
        text(&format!("{site}/pkg/__init__.py")),
        (0o644, "print(1)\n".to_owned())
    );
    assert_eq!(text(&format!("{site}/pkg/empty.py")), (0o644, String::new()));
    assert_eq!(text(&format!("{site}/pkg/big.py")).1, big);
    assert_eq!(text(&format!("{site}/{long}")).1, "x");
    assert_eq!(
        text("opt/bin/tool"),
        (0o755, "#!/opt/bin/python\nprint(2)\n".to_owned())
    );
    assert_eq!(text("opt/bin/shell"), (0o755, "#!/bin/sh\n".to_owned()));
    assert_eq!(text("opt/share/pkg/a.txt").1, "data");
    assert_eq!(text("opt/lib64/python3.11/site-packages/pkg/c.so").1, "elf");
    assert_eq!(text("opt/include/python3.11/pkg/pkg.h").1, "//");
    let (mode, launcher) = text("opt/bin/pkg-run");
    assert_eq!(mode, 0o755);
    assert!(
        launcher.starts_with("#!/opt/bin/python\n") && launcher.contains("from pkg.main import App\n"),
        "{launcher}"
    );
    assert!(launcher.contains("sys.exit(App.run())"), "{launcher}");
    let info = format!("{site}/pkg-1.0.dist-info");
    assert_eq!(text(&format!("{info}/INSTALLER")).1, "pip\n");
    assert_eq!(text(&format!("{info}/REQUESTED")).1, "");
    let record = text(&format!("{info}/RECORD")).1;
    let lines: Vec<&str> = record.lines().collect();
    assert!(lines.contains(&"pkg/__init__.py,sha256=x,9"), "{record}");
    assert!(lines.contains(&"../../../share/pkg/a.txt,sha256=x,4"), "{record}");
    assert!(lines.contains(&"pkg-1.0.dist-info/RECORD,,"), "{record}");
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("../../../bin/pkg-run,sha256=")),
        "{record}"
    );
    // What was changed is hashed anew.
    assert!(!record.contains("bin/tool,sha256=x,"), "{record}");
}

#[test]
fn a_member_is_what_gzip_makes_whatever_came_before_it() {
    let plains = [
        b"a".repeat(100),
        Vec::new(),
        (0..=255).collect(),
        b"0123456".repeat(200_000),
        b"a".repeat(100),
    ];
    let mut deflater = splice::Deflater::default();
    for plain in plains {
        let builder = flate2::GzBuilder::new().operating_system(255);
        let mut encoder = builder.write(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&plain).unwrap();
        let mut expected = encoder.finish().unwrap();
        // How hard it was tried is not said.
        expected[8] = 0;
        assert_eq!(deflater.member(&plain).unwrap(), expected);
    }
}

#[test]
fn what_a_wheel_stores_is_deflated_without_being_compressed() {
    let directory = tempfile::tempdir().unwrap();
    let text = "0123456789".repeat(20_000);
    let given = Given {
        files: &[("pkg/data.txt", &text), ("pkg/none.txt", "")],
        method: CompressionMethod::Stored,
    };
    let archive = Arc::new(Archive::open("pkg", &given.write(directory.path())).unwrap());
    let files = install::installed(&archive, "pkg", &scheme(), false).unwrap();
    assert!(!files.iter().any(|file| file.path.ends_with("REQUESTED")));
    let entries = entries(&archive, files);
    let measured = splice::measure(&entries, &Silent).unwrap();
    let mut layer = Vec::new();
    LayerReader::of(entries).read_to_end(&mut layer).unwrap();
    assert_eq!(Digest::of(&layer), measured.digest);
    assert_eq!(
        unpacked(&layer)["opt/lib/python3.11/site-packages/pkg/data.txt"].1,
        text
    );
}

#[test]
fn what_no_installer_should_take_is_refused() {
    for (files, reason) in [
        (&[("pkg-1.0.data/x/y", "")][..], "the unknown scheme `x`"),
        (&[("pkg-1.0.data/stray", "")], "in no scheme"),
        (
            &[("other-1.0.dist-info/METADATA", "")],
            "several .dist-info directories",
        ),
        (
            &[("a.py", ""), ("pkg-1.0.data/purelib/a.py", "")],
            "has two files for /opt/lib/python3.11/site-packages/a.py",
        ),
        (
            &[(
                "pkg-1.0.dist-info/entry_points.txt",
                "[console_scripts]\nx = os; import y\n",
            )],
            "calls no function",
        ),
        (
            &[("pkg-1.0.dist-info/entry_points.txt", "[console_scripts]\n../x = a:b\n")],
            "a program called `../x`",
        ),
    ] {
        let error = installed(files).2.unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
}

/// The bytes of a small wheel, changed by `change`, as an archive.
fn changed(change: impl Fn(&mut Vec<u8>)) -> Result<Archive, String> {
    let directory = tempfile::tempdir().unwrap();
    let given = Given {
        files: &[("pkg/aaaa.py", "print('a')\n"), ("pkg/bbbb.py", "print('b')\n")],
        method: CompressionMethod::Deflated,
    };
    let path = given.write(directory.path());
    let mut bytes = std::fs::read(&path).unwrap();
    change(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    Archive::open("pkg", &path).map_err(|error| error.to_string())
}

fn replace(bytes: &mut [u8], from: &str, to: &str, which: impl Fn(usize) -> bool) {
    let places: Vec<usize> = (0..bytes.len().saturating_sub(from.len()))
        .filter(|at| bytes[*at..].starts_with(from.as_bytes()))
        .collect();
    for (nth, at) in places.into_iter().enumerate() {
        if which(nth) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    }
}

#[test]
fn an_archive_that_lies_is_refused() {
    let names = |to: &'static str, which: fn(usize) -> bool| {
        changed(move |bytes| replace(bytes, "pkg/bbbb.py", to, which)).unwrap_err()
    };
    assert!(names("pkg/aaaa.py", |_| true).contains("has `pkg/aaaa.py` twice"));
    assert!(names("pkg/cccc.py", |nth| nth == 0).contains("where another file is"));
    assert!(names("../bbbbb.py", |_| true).contains("leads elsewhere"));
    assert!(names("/kg/bbbb.py", |_| true).contains("leads elsewhere"));
    assert!(names("pkg\\bbbb.py", |_| true).contains("leads elsewhere"));
    assert!(
        changed(|bytes| bytes.truncate(bytes.len() / 2))
            .unwrap_err()
            .contains("no whole zip archive")
    );
    assert!(changed(Vec::clear).unwrap_err().contains("no whole zip archive"));
}

#[test]
fn a_damaged_file_is_found_when_it_becomes_a_layer() {
    let directory = tempfile::tempdir().unwrap();
    let text = "a text that shrinks ".repeat(50);
    let given = Given {
        files: &[("pkg/a.py", &text)],
        method: CompressionMethod::Deflated,
    };
    let path = given.write(directory.path());
    let mut bytes = std::fs::read(&path).unwrap();
    let at = Archive::open("pkg", &path).unwrap().members()[0].offset;
    bytes[usize::try_from(at).unwrap() + 4] ^= 0xff;
    std::fs::write(&path, bytes).unwrap();
    let archive = Arc::new(Archive::open("pkg", &path).unwrap());
    let files = install::installed(&archive, "pkg", &scheme(), false).unwrap();
    let error = splice::measure(&entries(&archive, files), &Silent).unwrap_err();
    assert!(error.to_string().contains("has a damaged `pkg/a.py`"), "{error}");
}

/// The paths below the root that a wheel of these files comes to.
fn places(files: &[(&str, &str)]) -> Vec<String> {
    let installed = installed(files).2.unwrap();
    installed.into_iter().map(|file| file.path).collect()
}

#[test]
fn programs_of_pip_are_named_by_the_version_of_python() {
    let points = "[console_scripts]\npip = a:b\npip3 = a:b\npip3.10 = a:b\npip-x = a:b\neasy_install = c:d\neasy_install-3.9 = c:d\n[gui_scripts]\npip2 = a:b\n";
    let programs: Vec<_> = places(&[("pkg-1.0.dist-info/entry_points.txt", points)])
        .into_iter()
        .filter_map(|path| path.strip_prefix("/opt/bin/").map(ToOwned::to_owned))
        .collect();
    let expected = [
        "easy_install",
        "easy_install-3.11",
        "pip",
        "pip-x",
        "pip2",
        "pip3",
        "pip3.11",
    ];
    assert_eq!(programs, expected);
}

#[test]
fn a_wheel_is_of_the_project_that_its_metadata_is_of() {
    let (_kept, archive, _) = installed(&[]);
    let of = |name: &str| install::installed(&archive, name, &scheme(), false).map_err(|error| error.to_string());
    // Old wheels have dashes in the names of their directories.
    assert!(of("PKG").is_ok() && of("pkg.1").is_ok());
    for other in ["pk", "other"] {
        let error = of(other).unwrap_err();
        assert!(
            error.contains("another project") && error.contains("pkg-1.0.dist-info"),
            "{error}"
        );
    }
}

#[test]
fn only_what_setuptools_made_for_a_program_gives_way_to_it() {
    let places = places(&[
        ("pkg-1.0.dist-info/entry_points.txt", "[console_scripts]\ntool = a:b\n"),
        ("pkg-1.0.data/scripts/tool", "#!python\n"),
        ("pkg-1.0.data/scripts/tool.exe", ""),
        ("pkg-1.0.data/scripts/Tool-script.py", ""),
        ("pkg-1.0.data/scripts/tool-Script.py", ""),
        ("pkg-1.0.data/scripts/tool.py", ""),
        ("PKG-1.data/scripts/other", ""),
    ]);
    let programs: Vec<_> = places
        .iter()
        .filter_map(|path| path.strip_prefix("/opt/bin/"))
        .collect();
    assert_eq!(programs, ["Tool-script.py", "other", "tool", "tool.py"]);
}

#[test]
fn a_layer_of_a_small_wheel_has_always_these_bytes() {
    let (_kept, archive, files) = installed(&[
        ("pkg/__init__.py", "print('always the same')\n"),
        ("pkg/data.txt", &"0123456789".repeat(1000)),
        ("pkg-1.0.data/scripts/tool*", "#!python\nprint(2)\n"),
        (
            "pkg-1.0.dist-info/entry_points.txt",
            "[console_scripts]\npkg-run = pkg:run\n",
        ),
    ]);
    let measured = splice::measure(&entries(&archive, files.unwrap()), &Silent).unwrap();
    assert_eq!(
        (measured.digest.as_str(), measured.diff_id.as_str()),
        (
            "sha256:86cd924d7c718d233e23d2794e17c4df19fcfb9e1689d268c1d22e80924c9943",
            "sha256:f92e16304e4a7b2ff99d2c1d2918668da144597fa4b73aaa916c32f28b83bd71"
        )
    );
}

#[test]
fn a_script_is_known_by_its_beginning_however_it_is_packed() {
    let numbers = (0..20_000)
        .map(|number| number.to_string())
        .collect::<Vec<_>>()
        .join("\n");
    let (ours, others) = (format!("#!python -O\n{numbers}"), format!("#!/bin/sh\n{numbers}"));
    for method in [CompressionMethod::Deflated, CompressionMethod::Stored] {
        let directory = tempfile::tempdir().unwrap();
        let files = &[
            ("pkg-1.0.data/scripts/ours", ours.as_str()),
            ("pkg-1.0.data/scripts/others", &others),
            ("pkg-1.0.data/scripts/short", "#!pytho"),
        ];
        let archive = Archive::open("pkg", &Given { files, method }.write(directory.path())).unwrap();
        let installed = install::installed(&archive, "Pkg", &scheme(), true).unwrap();
        let mut changed = installed.iter().filter(|file| file.path.starts_with("/opt/bin/"));
        let expected = Content::Bytes(format!("#!/opt/bin/python\n{numbers}").into_bytes());
        assert!(changed.all(|file| (file.content == expected) == (file.path == "/opt/bin/ours")));
    }
}
