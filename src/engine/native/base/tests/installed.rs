//! What is installed, and where it is looked for.

use super::image;
use super::pythons::{PATH, distribution, names, official, read};

#[test]
fn installed_distributions_are_those_that_importlib_finds() {
    let site = "usr/local/lib/python3.11/site-packages";
    let layer = distribution(official(), site, "Zope.Interface", "6.0");
    // The first of a name hides those of later directories.
    let layer = distribution(layer, "opt/lib", "zope_interface", "5.0");
    let layer = distribution(layer, "opt/lib", "only-there", "1");
    let layer = distribution(layer, "usr/local/lib/python3.11/site-packages/linked", "by-pth", "3");
    let layer = layer
        .file(
            &format!("{site}/Zope.Interface-6.0.dist-info/RECORD"),
            "zope/__init__.py,sha256=x,1\r\n\"a,\"\"b\"\".py\",,\n../../../bin/zope,,\n/etc/zope.cfg,,\n",
        )
        .file(
            &format!("{site}/x.pth"),
            "# a comment\nimport os; os.abort()\n\nlinked\n/opt/lib\n/no/such\nlinked\n",
        )
        .file(&format!("{site}/.hidden.pth"), "/root")
        .file(&format!("{site}/old.egg-info"), "Name: old\nVersion: 0.1\n")
        .file(
            &format!("{site}/older.egg-info/PKG-INFO"),
            "name: older\nversion: 0.2\n",
        )
        .file(
            &format!("{site}/older.egg-info/installed-files.txt"),
            "../older.py\nPKG-INFO\n",
        )
        .file("opt/src/editable.egg-info/PKG-INFO", "Name: editable\nVersion: 4\n")
        .file(&format!("{site}/easy-install.pth"), "/opt/src\n./an.egg\n")
        .file(&format!("{site}/an.egg/EGG-INFO/PKG-INFO"), "Name: an\nVersion: 5\n")
        .file(&format!("{site}/removed.dist-info/INSTALLER"), "pip")
        .file(&format!("{site}/nameless.dist-info/METADATA"), "Version: 1\n");
    let python = read(layer).python;
    assert_eq!(
        names(&python.installed),
        [
            "Zope.Interface 6.0",
            "old 0.1",
            "older 0.2",
            "editable 4",
            "an 5",
            "by-pth 3",
            "only-there 1"
        ]
    );
    assert_eq!(
        python.path[1..],
        [
            "/usr/local/lib/python3.11/site-packages",
            "/opt/src",
            "/usr/local/lib/python3.11/site-packages/an.egg",
            "/usr/local/lib/python3.11/site-packages/linked",
            "/opt/lib"
        ]
    );
    let zope = &python.installed[0];
    assert_eq!(
        zope.metadata,
        "Metadata-Version: 2.1\nName: Zope.Interface\nVersion: 6.0"
    );
    assert_eq!(zope.installer.as_deref(), Some("pip"));
    let site = format!("/{site}");
    let files: Vec<String> = zope.record.clone().into_iter().flatten().collect();
    let expected = [
        &*format!("{site}/zope/__init__.py"),
        &format!("{site}/a,\"b\".py"),
        "/usr/local/bin/zope",
        "/etc/zope.cfg",
    ];
    assert_eq!(files, expected);
    let older: Vec<String> = python.installed[2].record.clone().into_iter().flatten().collect();
    assert_eq!(
        older,
        [format!("{site}/older.py"), format!("{site}/older.egg-info/PKG-INFO")]
    );
    assert_eq!(python.installed[1].record, None);
}

#[test]
fn pythonpath_goes_first_and_the_users_own_packages_before_all_others() {
    let layer = official()
        .directory("opt/code")
        .directory("root/.local/lib/python3.11/site-packages")
        .directory("work/here");
    let path = |environment: &[&str]| image(std::slice::from_ref(&layer), environment).unwrap().python.path;
    let library = "/usr/local/lib/python3.11";
    let user = "/root/.local/lib/python3.11/site-packages";
    assert_eq!(
        path(&[PATH, "PYTHONPATH=/opt/code:here:/none"]),
        ["/opt/code", "/work/here", library, user]
    );
    assert_eq!(path(&[PATH, "PYTHONNOUSERSITE=1"]), [library]);
    assert_eq!(path(&[PATH, "HOME=/home/x"]), [library]);
}
