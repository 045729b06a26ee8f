//! Python works in a copy of the project, which looks to it as the project itself does.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use super::hooks::{computing, names};
use crate::sdist::run;
use crate::support::Sandbox;

/// A project whose description only Python knows, after it ran `code`.
fn project(code: &str) -> Sandbox {
    let sandbox = computing(code);
    let setup = sandbox.read("setup.py");
    sandbox.write(
        "setup.py",
        &setup.replace("setup(name=", "setup(packages=['pkg'], name="),
    );
    sandbox
}

/// What git says of `directory`, asked so.
fn git(directory: &Path, arguments: &[&str]) -> String {
    let who = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
    run(Command::new("git").args(who).args(arguments).current_dir(directory))
}

/// What setup.py made of `told`.
fn told(sandbox: &Sandbox) -> String {
    told_in(sandbox, ".")
}

fn told_in(sandbox: &Sandbox, directory: &str) -> String {
    let said = sandbox.run(&["inspect", "--json", directory]).exits(0).json();
    said["summary"].as_str().unwrap().to_owned()
}

#[test]
fn whatever_setup_py_does_to_its_files_the_checkout_stays_as_it_is() {
    let code = "import os, subprocess, shutil\n\
                V = '1.0+' + subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], stdout=-1, text=True).stdout.strip()\n\
                open('pkg/_commit.py', 'w').write(V)\nopen('pkg/fast.c', 'w').close()\nopen('README.md', 'a').write('more')\n\
                if os.path.exists('docs'): os.remove('pkg/old.py'); os.rename('notes', 'moved'); os.chmod('setup.py', 0o755); shutil.rmtree('docs')\n\
                subprocess.run(['git', 'add', '--all'], check=True)";
    let sandbox = project(code);
    for name in ["README.md", "pkg/old.py", "notes", "docs/index.md"] {
        sandbox.write(name, "text\n");
    }
    let sandbox = sandbox.committed();
    let index = fs::read(sandbox.project().join(".git/index")).unwrap();
    let files = || {
        names(&sandbox.project())
            .into_iter()
            .filter(|name| !name.starts_with(".git/"))
    };
    let before: Vec<_> = files().collect();
    let inspected = sandbox.run(&["inspect", "--json"]).exits(0).json();
    let commit = git(&sandbox.project(), &["rev-parse", "HEAD"]);
    assert_eq!(inspected["version"], format!("1.0+{}", &commit[..7]));
    assert_eq!(files().collect::<Vec<_>>(), before);
    assert!(fs::read(sandbox.project().join(".git/index")).unwrap() == index);
    sandbox.run(&["dist", "--train", "elsewhere:f"]).exits(0);
    assert_eq!(git(&sandbox.project(), &["status", "--porcelain"]), "?? dist/\n");
    let dockerfile = sandbox.read("dist/Dockerfile");
    assert!(
        dockerfile.contains(commit.trim()) && !dockerfile.contains("-dirty"),
        "{dockerfile}"
    );
}

#[test]
fn paths_are_those_of_the_project() {
    let code = "import os\nhere = os.path.dirname(os.path.abspath(__file__))\nassert here == os.getcwd() == os.environ['PWD']\n\
                told = ' '.join([os.path.basename(here), here, open('../NOTE').read(), open('../beside/file').read()])";
    let sandbox = project(code);
    fs::write(sandbox.project().join("../NOTE"), "noted").unwrap();
    fs::create_dir(sandbox.project().join("../beside")).unwrap();
    fs::write(sandbox.project().join("../beside/file"), "near").unwrap();
    let root = sandbox.project().canonicalize().unwrap();
    assert_eq!(told(&sandbox), format!("project {} noted near", root.display()));
    let failing = project("import os\nraise RuntimeError('not in ' + os.getcwd())")
        .run(&["inspect"])
        .exits(1);
    assert!(failing.stderr.contains("/project\n"), "{}", failing.stderr);
    assert!(!failing.stderr.contains("/tmp/.tmp"), "{}", failing.stderr);
}

#[test]
fn links_lead_where_they_led() {
    let code =
        "told = ' '.join(open(name).read() for name in ['relative', 'absolute', 'round', 'below/up', 'through/file'])";
    let sandbox = project(code);
    let root = sandbox.project();
    sandbox.write("below/file", "text");
    sandbox.write(".venv/file", "left out");
    for (target, link) in [
        (Path::new("below/file"), "relative"),
        (&root.join("below/file"), "absolute"),
        (Path::new("../project/below/file"), "round"),
        (Path::new("../below/file"), "below/up"),
        (Path::new("below"), "through"),
    ] {
        symlink(target, root.join(link)).unwrap();
    }
    // What cannot be read, has no end, or has a strange name is in nobody's way.
    run(Command::new("mkfifo").arg(root.join("pipe")));
    symlink("nowhere", root.join("dangling")).unwrap();
    symlink(".", root.join("circle")).unwrap();
    let strange: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"caf\xe9");
    fs::write(root.join(strange), "").unwrap();
    fs::set_permissions(root.join("below/file"), fs::Permissions::from_mode(0o400)).unwrap();
    assert_eq!(told(&sandbox), ["text"; 5].join(" "));
}

#[test]
fn a_large_file_is_linked_until_it_may_be_packed() {
    let code = "import os\ntold = str([os.path.islink('pkg/big.bin'), os.path.getsize('pkg/big.bin')])";
    let sandbox = project(code);
    sandbox.write("MANIFEST.in", "include pkg/big.bin\n");
    fs::write(sandbox.project().join("pkg/big.bin"), vec![7; 16_000_001]).unwrap();
    let sandbox = sandbox.committed();
    assert_eq!(told(&sandbox), "[True, 16000001]");
    sandbox.run(&["dist", "--train", "elsewhere:f"]).exits(0);
    let packed = run(Command::new("tar")
        .arg("-tvzf")
        .arg(sandbox.project().join("dist/a-1.tar.gz")));
    let line = packed.lines().find(|line| line.ends_with("a-1/pkg/big.bin")).unwrap();
    assert!(line.starts_with('-') && line.contains(" 16000001 "), "{line}");
}

#[test]
fn all_that_is_asked_is_asked_in_one_copy() {
    let sandbox = project("open('asked', 'a').write('x')");
    sandbox.write("MANIFEST.in", "include asked\n");
    sandbox.run(&["dist", "--train", "elsewhere:f"]).exits(0);
    let packed = Command::new("tar")
        .args(["-xOzf", "dist/a-1.tar.gz", "a-1/asked"])
        .current_dir(sandbox.project())
        .output()
        .unwrap();
    // Each question runs setup.py twice, first for what else it wants installed.
    assert_eq!(packed.stdout, b"xxxx");
    assert!(!sandbox.project().join("asked").exists());
}

#[test]
fn the_time_is_the_commits_or_always_the_same() {
    let sandbox = project("import os\ntold = os.environ['SOURCE_DATE_EPOCH']");
    assert_eq!(told(&sandbox), "315619200");
    let sandbox = sandbox.committed();
    assert_eq!(
        told(&sandbox),
        git(&sandbox.project(), &["log", "-1", "--format=%ct"]).trim()
    );
    assert_eq!(told(&sandbox.with("SOURCE_DATE_EPOCH", "1700000000")), "1700000000");
}

/// What a version of a plugin is made of.
const ASKING: &str = "import subprocess\n\
    def git(*asked): return subprocess.run(['git', *asked], stdout=-1, stderr=-2, text=True).stdout.strip()\n\
    told = '|'.join([git('describe', '--always', '--tags', '--dirty'), git('rev-parse', '--show-prefix', '--abbrev-ref', 'HEAD'), \
    git('status', '--porcelain', '--untracked-files=no'), git('ls-files'), git('config', 'remote.origin.url')])";

/// The same, asked in the checkout.
fn asked_in_place(directory: &Path) -> String {
    let code = format!("{ASKING}\nprint(told)");
    let said = run(Command::new("python3").args(["-c", &code]).current_dir(directory));
    said.trim_end().to_owned()
}

/// Demands that git says in the copy what it says in `directory` of the sandbox. What differs beside the project is deleted to git
/// there, as only the project is copied.
#[track_caller]
fn says_the_same(sandbox: &Sandbox, directory: &str) {
    let here = asked_in_place(&sandbox.project().join(directory)).replace('\n', " ");
    let there = told_in(sandbox, directory);
    assert_eq!(
        there.replace("D beside/file", "M beside/file"),
        here.replace("D beside/file", "M beside/file")
    );
}

#[test]
fn git_says_what_it_says_in_the_checkout() {
    // A summary is one line.
    let asking = format!("{ASKING}\ntold = told.replace('\\n', ' ')");
    for below in ["", "packages/one"] {
        let sandbox = Sandbox::empty();
        let inner = project(&asking);
        let place = |name: &str| Path::new(below).join(name).display().to_string();
        sandbox.write(&place("setup.py"), &inner.read("setup.py"));
        sandbox.write(&place("pkg/__init__.py"), "");
        // Kept by git, and not copied.
        sandbox.write(&place("__pycache__/kept"), "x");
        sandbox.write(&place("old.egg-info/kept"), "x");
        fs::write(sandbox.project().join(place("pkg/big.bin")), vec![7; 16_000_001]).unwrap();
        sandbox.write("beside/file", "x");
        sandbox.write("top", "x");
        let sandbox = sandbox.committed();
        let root = sandbox.project();
        let directory = if below.is_empty() { "." } else { below };
        git(&root, &["remote", "add", "origin", "https://example.org/one.git"]);
        says_the_same(&sandbox, directory);
        git(&root, &["tag", "v2.5"]);
        says_the_same(&sandbox, directory);
        for (name, text) in [("beside/file", "y"), (&*place("pkg/__init__.py"), "# y")] {
            let before = sandbox.read(name);
            sandbox.write(name, text);
            says_the_same(&sandbox, directory);
            git(&root, &["add", name]);
            says_the_same(&sandbox, directory);
            git(&root, &["reset", "-q"]);
            fs::remove_file(root.join(name)).unwrap();
            says_the_same(&sandbox, directory);
            sandbox.write(name, &before);
        }
        git(&root, &["checkout", "-q", "--detach"]);
        says_the_same(&sandbox, directory);
        // A working tree beside the first one, whose `.git` is a file.
        git(&root, &["worktree", "add", "-q", "../home/tree", "-b", "other"]);
        let tree = sandbox.home().join("tree").join(below);
        let here = asked_in_place(&tree);
        assert_eq!(told_in(&sandbox, tree.to_str().unwrap()), here.replace('\n', " "));
        assert!(here.contains("other"), "{here}");
    }
}

#[test]
fn git_answers_in_a_submodule() {
    // A summary is one line.
    let asking = format!("{ASKING}\ntold = told.replace('\\n', ' ')");
    let source = project(&asking).committed();
    let sandbox = Sandbox::empty();
    sandbox.write("top", "x");
    let sandbox = sandbox.committed();
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add"];
    let from = source.project();
    git(
        &sandbox.project(),
        &[&add[..], &[from.to_str().unwrap(), "below"]].concat(),
    );
    says_the_same(&sandbox, "below");
    sandbox.write("below/pkg/__init__.py", "# changed");
    says_the_same(&sandbox, "below");
}

#[test]
fn a_checkout_that_git_refuses_is_refused_in_the_copy_as_well() {
    let sandbox = project(
        "import subprocess\ntold = str(subprocess.run(['git', 'rev-parse', 'HEAD'], stdout=-1, stderr=-1).returncode)",
    );
    let sandbox = sandbox.committed();
    assert_eq!(told(&sandbox), "0");
    run(Command::new("chown")
        .args(["-R", "nobody"])
        .arg(sandbox.project().join(".git"))
        .arg(sandbox.project()));
    assert_eq!(told(&sandbox), "128");
    let trusting = format!(
        "[safe]\n\tdirectory = {}\n",
        sandbox.project().canonicalize().unwrap().display()
    );
    fs::write(sandbox.home().join(".gitconfig"), trusting).unwrap();
    assert_eq!(told(&sandbox), "0");
}

#[test]
fn a_version_that_a_plugin_takes_from_git_holds_from_reading_to_packing() {
    let sandbox = Sandbox::empty();
    sandbox.write(
        "packages/one/pyproject.toml",
        "[build-system]\nrequires = ['setuptools', 'setuptools-scm']\nbuild-backend = 'setuptools.build_meta'\n[project]\nname = 'one'\n\
         dynamic = ['version']\nscripts = {train = 'one:main'}\n[tool.setuptools]\npackages = ['one']\n[tool.setuptools_scm]\n\
         root = '../..'\nversion_file = 'one/_version.py'\n",
    );
    sandbox.write("packages/one/one/__init__.py", "def main():\n    pass\n");
    sandbox.write("packages/two/other.py", "");
    sandbox.write(".gitignore", "dist/\n_version.py\n");
    let sandbox = sandbox.committed();
    git(&sandbox.project(), &["tag", "v3.1"]);
    sandbox.run(&["dist", "packages/one"]).exits(0);
    assert!(sandbox.project().join("packages/one/dist/one-3.1.tar.gz").is_file());
    assert_eq!(
        git(&sandbox.project(), &["status", "--porcelain", "--ignored"]),
        "!! packages/one/dist/\n"
    );
}

#[test]
fn data_in_many_files_is_linked_too() {
    let sandbox = project(
        "import os\nlinked = sum(os.path.islink('data/' + name) for name in os.listdir('data'))\ntold = str(0 < linked < 40)",
    );
    fs::create_dir(sandbox.project().join("data")).unwrap();
    for number in 0..40 {
        let file = fs::File::create(sandbox.project().join(format!("data/{number}.npy"))).unwrap();
        file.set_len(10_000_000).unwrap();
    }
    assert_eq!(told(&sandbox), "True");
}
