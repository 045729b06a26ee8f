//! The archives that build backends make.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sgbuild::package::sdist::{Error, SdistSettings, repack};
use sgbuild::progress::Silent;

use super::oracle::members;
use super::{run, write};

/// Makes a tar.gz with Python: `code` adds to the open `t`.
fn tarball(dir: &Path, code: &str) -> PathBuf {
    let path = dir.join("demo-1.0.tar.gz");
    let program = format!(
        "import sys, tarfile, io\n\
         def add(name, data=b'', **kw):\n    i = tarfile.TarInfo(name); i.size = len(data)\n    [setattr(i, k, v) for k, v in kw.items()]\n    t.addfile(i, io.BytesIO(data))\n\
         t = tarfile.open(sys.argv[1], 'w:gz')\n{code}\nt.close()\n"
    );
    run(Command::new("python3").args(["-c", &program]).arg(&path));
    path
}

#[test]
fn a_backends_archive_is_made_reproducible() {
    let (one, two, out) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    let first = tarball(
        one.path(),
        "add('demo-1.0', type=tarfile.DIRTYPE)\nadd('demo-1.0/demo', type=tarfile.DIRTYPE)\n\
         add('demo-1.0/empty', type=tarfile.DIRTYPE)\nadd('demo-1.0/b.py', b'b', mtime=5, mode=0o600, uname='me')\n\
         add('demo-1.0/demo/run', b'a', mode=0o711)\nadd('demo-1.0/hard', type=tarfile.LNKTYPE, linkname='demo-1.0/b.py')\n\
         add('demo-1.0/demo/soft', type=tarfile.SYMTYPE, linkname='../b.py')\nadd('demo-1.0/größe' + 'x' * 120, b'long')",
    );
    let second = tarball(
        two.path(),
        "add('demo-1.0/größe' + 'x' * 120, b'long', mtime=9)\nadd('demo-1.0/demo/soft', type=tarfile.SYMTYPE, linkname='../b.py')\n\
         add('./demo-1.0/b.py', b'b', mode=0o664)\nadd('demo-1.0/hard', b'b', mode=0o600)\nadd('demo-1.0/empty/', type=tarfile.DIRTYPE)\n\
         add('demo-1.0/demo/run', b'a', mode=0o755)",
    );
    let a = repack(&first, &out.path().join("a"), &SdistSettings::default(), &Silent).unwrap();
    let b = repack(&second, two.path(), &SdistSettings::default(), &Silent).unwrap();
    assert_eq!(a.sha256, b.sha256);
    assert_eq!(b.path, second);
    let long = format!("größe{}", "x".repeat(120));
    assert_eq!(
        a.files,
        ["b.py", "demo/run", "demo/soft", "empty/", long.as_str(), "hard"]
    );
    let code =
        "import sys, tarfile\nfor m in tarfile.open(sys.argv[1]): print(m.name, oct(m.mode), m.linkname, m.mtime)";
    let listed = run(Command::new("python3")
        .args(["-c", code])
        .arg(&a.path)
        .env("PYTHONUTF8", "1"));
    assert_eq!(
        listed,
        format!(
            "demo-1.0/b.py 0o644  315619200\ndemo-1.0/demo/run 0o755  315619200\ndemo-1.0/demo/soft 0o755 ../b.py 315619200\n\
             demo-1.0/empty 0o755  315619200\ndemo-1.0/{long} 0o644  315619200\ndemo-1.0/hard 0o644  315619200\n"
        )
    );
    assert_eq!(members(&a.path)["demo-1.0/hard"], b"b");
}

#[test]
fn a_backends_archive_with_evil_members_is_refused() {
    let cases = [
        ("add('demo-1.0/../../x', b'')", "leads out of the archive"),
        ("add('/etc/passwd', b'')", "is an absolute path"),
        ("add('demo-1.0/a', b'1')\nadd('demo-1.0/a', b'2')", "appears twice"),
        ("add('demo-1.0/a', b'1')\nadd('demo-1.0/./a', b'2')", "appears twice"),
        ("add('demo-1.0/null', type=tarfile.CHRTYPE)", "is a device or pipe"),
        ("add('demo-1.0/pipe', type=tarfile.FIFOTYPE)", "is a device or pipe"),
        (
            "add('demo-1.0/l', type=tarfile.SYMTYPE, linkname='/etc')",
            "leads out of the archive",
        ),
        (
            "add('demo-1.0/l', type=tarfile.SYMTYPE, linkname='../../x')",
            "leads out of the archive",
        ),
        (
            "add('demo-1.0/l', type=tarfile.SYMTYPE, linkname='a/../l')",
            "leads out of the archive",
        ),
        (
            "add('demo-1.0/l', type=tarfile.SYMTYPE, linkname='none')",
            "is a link to nothing",
        ),
        (
            "add('demo-1.0/l', type=tarfile.LNKTYPE, linkname='/etc/passwd')",
            "leads out of the archive",
        ),
        (
            "add('demo-1.0/l', type=tarfile.LNKTYPE, linkname='demo-1.0/l')",
            "is a link to no file",
        ),
        (
            "add('demo-1.0/d', type=tarfile.DIRTYPE)\nadd('demo-1.0/l', type=tarfile.SYMTYPE, linkname='d')\nadd('demo-1.0/l/x', b'')",
            "lies below a member that is no directory",
        ),
        (
            "add('demo-1.0/a', b'')\nadd('other/a', b'')",
            "is in a second top-level directory",
        ),
        ("add('file', b'')", "does not lie in the archive's one directory"),
        ("", "the archive is empty"),
    ];
    for (code, reason) in cases {
        let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let error = repack(
            &tarball(dir.path(), code),
            out.path(),
            &SdistSettings::default(),
            &Silent,
        )
        .unwrap_err();
        assert!(error.to_string().contains(reason), "{code}\n{error}");
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_backends_archive_that_is_no_archive() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("demo-1.0.tar.gz", "not gzip")]);
    let truncated = tarball(&dir.path().join("."), "add('demo-1.0/a', bytes(range(256)) * 400)");
    let bytes = fs::read(&truncated).unwrap();
    for bad in [b"not gzip".as_slice(), &bytes[..bytes.len() / 2]] {
        fs::write(&truncated, bad).unwrap();
        let out = dir.path().join("out");
        let error = repack(&truncated, &out, &SdistSettings::default(), &Silent).unwrap_err();
        assert!(matches!(error, Error::ReadArchive { .. }), "{error}");
    }
    let error = repack(
        &dir.path().join("none.tar.gz"),
        dir.path(),
        &SdistSettings::default(),
        &Silent,
    )
    .unwrap_err();
    assert!(error.to_string().contains("none.tar.gz: No such file"), "{error}");
}
