//! Which commit is named, and when it is marked `-dirty`: as `git status` judges.

use super::*;

fn clean(sandbox: &Sandbox, directory: &Path) {
    let head = done(sandbox, directory, &["rev-parse", "HEAD"]);
    assert_eq!(commit(sandbox, directory), Some(head));
}

fn dirty(sandbox: &Sandbox, directory: &Path) {
    let head = done(sandbox, directory, &["rev-parse", "HEAD"]);
    assert_eq!(commit(sandbox, directory), Some(format!("{head}-dirty")));
}

#[test]
fn every_kind_of_change_counts_and_leftovers_of_builds_do_not() {
    let sandbox = tiny();
    sandbox.write("tiny/more.py", "");
    let sandbox = sandbox.committed();
    let project = sandbox.project();
    clean(&sandbox, &project);
    for leftover in [
        "dist/x",
        "build/x",
        "tiny.egg-info/x",
        "tiny/__pycache__/x.pyc",
        ".sgbuild-dist-1/x",
    ] {
        sandbox.write(leftover, "");
    }
    clean(&sandbox, &project);
    let changes: [&dyn Fn(); 5] = [
        // The same size, in the moment of the commit.
        &|| sandbox.write("tiny/train.py", "def train():\n    print('trainEd')\n"),
        &|| sandbox.write("new.txt", ""),
        &|| fs::remove_file(project.join("tiny/more.py")).unwrap(),
        &|| {
            sandbox.write("setup.cfg", "");
            done(&sandbox, &project, &["add", "setup.cfg"]);
        },
        &|| fs::set_permissions(project.join("setup.py"), fs::Permissions::from_mode(0o755)).unwrap(),
    ];
    for change in changes {
        change();
        dirty(&sandbox, &project);
        sandbox.commit("changed");
        clean(&sandbox, &project);
    }
    // Written again, and the same.
    sandbox.write("setup.py", &sandbox.read("setup.py"));
    clean(&sandbox, &project);
    // What is ignored is not new.
    sandbox.write(".git/info/exclude", "*.log\n");
    sandbox.write("a.log", "");
    clean(&sandbox, &project);
}

#[test]
fn only_the_projects_part_of_a_checkout_counts() {
    let sandbox = tiny();
    let member = sandbox.project().join("member");
    fs::create_dir(&member).unwrap();
    for name in ["setup.py", "tiny"] {
        fs::rename(sandbox.project().join(name), member.join(name)).unwrap();
    }
    let sandbox = sandbox.committed();
    sandbox.write("elsewhere.txt", "");
    clean(&sandbox, &member);
    sandbox.write("member/new.txt", "");
    dirty(&sandbox, &member);
}

#[test]
fn the_users_configuration_decides_how_text_is_compared() {
    let sandbox = tiny();
    fs::write(
        sandbox.home().join(".gitconfig"),
        "[core]\n\tautocrlf = true\n\texcludesFile = ~/ignored\n",
    )
    .unwrap();
    fs::write(sandbox.home().join("ignored"), "*.swp\n").unwrap();
    let sandbox = sandbox.committed();
    let project = sandbox.project();
    fs::remove_file(project.join("setup.py")).unwrap();
    done(&sandbox, &project, &["checkout", "--", "setup.py"]);
    let checked_out = sandbox.read("setup.py");
    assert!(checked_out.contains("\r\n"));
    sandbox.write("a.swp", "");
    clean(&sandbox, &project);
    // Looked at again, and the same by the user's rules.
    sandbox.write("setup.py", &checked_out);
    clean(&sandbox, &project);
    sandbox.write("setup.py", &checked_out.replace("1.0.0", "1.0.1"));
    dirty(&sandbox, &project);
}

/// A filter of the checkout's configuration that keeps files in another form.
fn filtered(name: &str, clean: &str, smudge: &str) -> Sandbox {
    let sandbox = tiny();
    sandbox.write(".gitattributes", &format!("*.bin filter={name} -text\n"));
    let sandbox = sandbox.committed();
    for (key, value) in [("clean", clean), ("smudge", smudge), ("required", "true")] {
        sandbox.git(&["config", &format!("filter.{name}.{key}"), value]);
    }
    sandbox.write("data.bin", "secret of the data\n");
    sandbox.commit("data");
    sandbox
}

#[test]
fn a_filtered_file_is_unchanged_until_it_is_written() {
    let sandbox = filtered("rot", "tr a-z n-za-m", "tr a-z n-za-m");
    let project = sandbox.project();
    assert_eq!(
        done(&sandbox, &project, &["cat-file", "blob", "HEAD:data.bin"]),
        "frperg bs gur qngn"
    );
    clean(&sandbox, &project);
    // As git itself checked it out a moment ago.
    fs::remove_file(project.join("data.bin")).unwrap();
    done(&sandbox, &project, &["checkout", "--", "data.bin"]);
    clean(&sandbox, &project);
    sandbox.write("data.bin", "another data\n");
    dirty(&sandbox, &project);
    sandbox.commit("other data");
    clean(&sandbox, &project);
    sandbox.write("setup.py", &format!("{}\n", sandbox.read("setup.py")));
    dirty(&sandbox, &project);
}

#[test]
fn what_lfs_keeps_elsewhere_is_compared_by_its_pointer() {
    let pointer = r#"sh -c 'f=$(mktemp); cat > $f; printf "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %s\n" $(sha256sum < $f | cut -d" " -f1) $(wc -c < $f)'"#;
    let sandbox = filtered("lfs", pointer, "cat");
    let project = sandbox.project();
    let blob = done(&sandbox, &project, &["cat-file", "blob", "HEAD:data.bin"]);
    assert!(blob.starts_with("version https://git-lfs"), "{blob}");
    clean(&sandbox, &project);
    // Written again later, as by a cache of the build service.
    let file = fs::File::options().append(true).open(project.join("data.bin")).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    clean(&sandbox, &project);
    sandbox.write("data.bin", "public of the data\n");
    dirty(&sandbox, &project);
    sandbox.write("data.bin", "secret of the data\n");
    clean(&sandbox, &project);
    sandbox.write("data.bin", "longer than it was before\n");
    dirty(&sandbox, &project);
}

#[test]
fn submodules_count_as_far_as_the_checkout_says() {
    let sandbox = tiny().committed();
    let library = sandbox.home().join("library");
    done(
        &sandbox,
        &sandbox.home(),
        &["init", "--quiet", library.to_str().unwrap()],
    );
    fs::write(library.join("a.txt"), "a\n").unwrap();
    done(&sandbox, &library, &["add", "--all"]);
    done(&sandbox, &library, &["commit", "--quiet", "--message", "library"]);
    let project = sandbox.project();
    done(
        &sandbox,
        &project,
        &["submodule", "--quiet", "add", library.to_str().unwrap(), "library"],
    );
    sandbox.commit("with a submodule");
    clean(&sandbox, &project);

    sandbox.write("library/a.txt", "b\n");
    dirty(&sandbox, &project);
    for (ignore, is_clean) in [("dirty", true), ("untracked", false), ("none", false)] {
        done(&sandbox, &project, &["config", "submodule.library.ignore", ignore]);
        if is_clean {
            clean(&sandbox, &project);
        } else {
            dirty(&sandbox, &project);
        }
    }
    sandbox.write("library/a.txt", "a\n");
    clean(&sandbox, &project);
    sandbox.write("library/new.txt", "");
    dirty(&sandbox, &project);
    done(&sandbox, &project, &["config", "submodule.library.ignore", "untracked"]);
    clean(&sandbox, &project);
    // Another commit than the one that is recorded.
    done(&sandbox, &project.join("library"), &["add", "--all"]);
    done(
        &sandbox,
        &project.join("library"),
        &["commit", "--quiet", "--message", "newer"],
    );
    dirty(&sandbox, &project);
    done(&sandbox, &project, &["config", "submodule.library.ignore", "all"]);
    clean(&sandbox, &project);
}

#[test]
fn every_kind_of_checkout_is_read() {
    let sandbox = tiny().committed();
    sandbox.write("second.txt", "");
    sandbox.commit("second");
    let project = sandbox.project();
    let origin = format!("file://{}", project.display());
    let at = |name: &str| sandbox.home().join(name);
    let to = |name: &str| at(name).display().to_string();
    done(&sandbox, &project, &["config", "uploadpack.allowFilter", "true"]);
    done(&sandbox, &project, &["worktree", "add", "--quiet", &to("worktree")]);
    for (name, options) in [
        ("shallow", &["--depth=1"] as &[&str]),
        ("blobless", &["--filter=blob:none"]),
        ("treeless", &["--filter=tree:0"]),
        ("separate", &[&format!("--separate-git-dir={}", to("gitdir"))]),
        ("sparse", &["--sparse"]),
        ("plain", &[]),
    ] {
        done(
            &sandbox,
            &sandbox.home(),
            &[&["clone", "--quiet"], options, &[&origin, &to(name)]].concat(),
        );
    }
    done(&sandbox, &at("sparse"), &["sparse-checkout", "set", "tiny"]);
    done(&sandbox, &at("plain"), &["update-index", "--split-index"]);
    done(
        &sandbox,
        &sandbox.home(),
        &["clone", "--quiet", "--shared", &origin[7..], &to("shared")],
    );
    for name in [
        "worktree", "shallow", "blobless", "treeless", "separate", "sparse", "plain", "shared",
    ] {
        clean(&sandbox, &at(name));
        fs::write(at(name).join("setup.py"), sandbox.read("setup.py") + "\n").unwrap();
        dirty(&sandbox, &at(name));
    }
}

#[test]
fn a_repository_of_sha256_is_read() {
    let sandbox = tiny();
    sandbox.git(&["init", "--quiet", "--object-format=sha256"]);
    sandbox.commit("first");
    clean(&sandbox, &sandbox.project());
}

#[test]
fn without_a_commit_or_git_there_is_none() {
    let sandbox = tiny();
    assert_eq!(commit(&sandbox, &sandbox.project()), None);
    sandbox.git(&["init", "--quiet"]);
    assert_eq!(commit(&sandbox, &sandbox.project()), None);
    sandbox.commit("first");
    let sandbox = sandbox.with("PATH", "/nonexistent");
    let ran = sandbox.run(&["dist", "--dry-run", "--static"]).exits(0);
    assert_eq!(
        (named(&ran), ran.stderr.contains("warning")),
        (None, false),
        "{}",
        ran.stderr
    );
    // A worktree without its repository, as a container sees it.
    let lost = tiny();
    lost.write(".git", "gitdir: /nonexistent/worktrees/x\n");
    assert_eq!(commit(&lost, &lost.project()), None);
}

#[test]
fn a_checkout_of_another_user_is_refused_until_the_user_trusts_it() {
    let sandbox = tiny().committed();
    let owner = Command::new("chown")
        .args(["--recursive", "12345"])
        .arg(sandbox.project())
        .status();
    assert!(owner.unwrap().success());
    let refused = sandbox.run(&["dist", "--dry-run", "--static"]).exits(0);
    assert_eq!(named(&refused), None);
    refused.says(&["git does not read this checkout, so its commit stays unknown: detected dubious ownership"]);
    let head = done(
        &sandbox,
        &sandbox.project(),
        &["-c", "safe.directory=*", "rev-parse", "HEAD"],
    );
    let sandbox = sandbox
        .with("GIT_CONFIG_COUNT", "1")
        .with("GIT_CONFIG_KEY_0", "safe.directory")
        .with("GIT_CONFIG_VALUE_0", "*");
    assert_eq!(commit(&sandbox, &sandbox.project()), Some(head));
}

#[test]
fn the_remote_is_shown_as_git_shows_it_and_without_credentials() {
    let sandbox = tiny().committed();
    fs::write(
        sandbox.home().join(".gitconfig"),
        "[url \"https://me:pa\\\"c4nary@host.example/\"]\n\tinsteadOf = gh:\n",
    )
    .unwrap();
    sandbox.git(&["remote", "add", "origin", "gh:team/tiny.git"]);
    let ran = sandbox.run(&["dist", "--dry-run", "--static"]).exits(0);
    assert!(
        ran.stdout.contains("https://***@host.example/team/tiny.git"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("c4nary"));
}
