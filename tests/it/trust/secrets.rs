//! What the build gets of the user's credentials, and who comes to see it.

use std::fs;
use std::process::Command;

use insta::assert_snapshot;

use crate::bad_input::tiny;
use crate::support::{Sandbox, Testbed};

const CANARY: &str = "c4n4ry-0f-p1p";
/// Nobody answers there: what is refused is refused before it is asked.
const NO_DAEMON: &str = "unix:///nonexistent/docker.sock";

fn with_lines(sandbox: Sandbox, lines: &str) -> Sandbox {
    let setup = sandbox.read("setup.py");
    sandbox.write(
        "setup.py",
        &setup.replace("    packages=", &format!("    dockerlines={lines},\n    packages=")),
    );
    sandbox
}

/// A user with a password for an index.
fn user(sandbox: Sandbox) -> Sandbox {
    sandbox
        .with(
            "PIP_EXTRA_INDEX_URL",
            format!("https://me:{CANARY}@index.example/simple"),
        )
        .with("DOCKER_HOST", NO_DAEMON)
        .with("SGBUILD_ENGINE", "docker")
}

fn configured(setting: &str) -> Sandbox {
    let sandbox = tiny();
    let build_system = "[build-system]\nrequires = [\"setuptools\"]\n";
    sandbox.write(
        "pyproject.toml",
        &format!("{build_system}\n[tool.sgbuild]\n{setting}\n"),
    );
    sandbox
}

/// Nothing is in the way but that there is no daemon.
#[track_caller]
fn reaches_the_daemon(sandbox: &Sandbox, arguments: &[&str]) {
    let ran = sandbox.run(&[&["build"], arguments].concat()).exits(1);
    ran.says(&["cannot connect to the Docker daemon"]);
}

#[test]
fn dockerlines_do_not_meet_credentials() {
    let sandbox = user(with_lines(
        tiny(),
        "[\"RUN --mount=type=secret,id=pip.conf cp /run/secrets/pip.conf /\"]",
    ));
    let ran = sandbox.run(&["build"]);
    assert_snapshot!(sandbox.transcript(&ran));
    assert!(!sandbox.project().join("dist").exists());
    let push = ["push", "--repository", "localhost:1/x"];
    sandbox.run(&push).exits(1).says(&["setup.py:6: dockerlines"]);
    // Nothing is sent anywhere by these.
    sandbox.run(&["dist"]).exits(0);
    // The ways out; then only the daemon is missing.
    for way in ["--trust-dockerfile", "--no-pip-settings"] {
        reaches_the_daemon(&sandbox, &[way]);
    }
    let sandbox = sandbox.with("SGBUILD_TRUST_DOCKERFILE", "true");
    reaches_the_daemon(&sandbox, &[]);
}

#[test]
fn every_credential_counts_and_what_is_none_does_not() {
    let lines = || with_lines(tiny(), "'RUN true'").with("DOCKER_HOST", NO_DAEMON);
    for (name, value) in [
        ("PIP_INDEX_URL", "https://token@index.example/simple"),
        ("PIP_INDEX_URL", "https://index.example/simple?token=abc"),
        ("PIP_PROXY", "me:secret@proxy.example:3128"),
    ] {
        lines()
            .with(name, value)
            .run(&["build"])
            .exits(1)
            .says(&["pip.conf with credentials"]);
    }
    let sandbox = lines().with("PIP_INDEX_URL", "https://index.example/simple");
    reaches_the_daemon(&sandbox, &[]);
    let netrc = "machine index.example login me password x\n";
    fs::write(sandbox.home().join(".netrc"), netrc).unwrap();
    sandbox
        .run(&["build"])
        .exits(1)
        .says(&["this build has netrc with credentials"]);
    // Computed by Python, they are the project's all the same.
    let computed = "__import__('time').strftime('RUN true').split('#')";
    let sandbox = with_lines(tiny(), computed).with("SGBUILD_NETRC_HOSTS", "index.example");
    fs::write(sandbox.home().join(".netrc"), netrc).unwrap();
    sandbox
        .run(&["build"])
        .exits(1)
        .says(&["setup.py: dockerlines adds lines"]);
}

#[test]
fn a_template_of_the_checkouts_does_not_meet_credentials_and_the_users_does() {
    let sandbox = user(configured("dockerfile-template = 'own.j2'"));
    sandbox.write("own.j2", "# syntax=evil/frontend\nFROM {{ base }}\n");
    let ran = sandbox.run(&["build"]).exits(1);
    ran.says(&["pyproject.toml:5: `dockerfile-template` has a file of the project make the Dockerfile"]);
    reaches_the_daemon(&sandbox, &["--dockerfile-template", "own.j2"]);
}

#[test]
fn the_checkout_does_not_turn_pip_elsewhere_where_there_are_credentials() {
    for variable in [
        "PIP_PROXY",
        "HTTPS_PROXY",
        "https_proxy",
        "PIP_TRUSTED_HOST",
        "PIP_LOG",
        "SSLKEYLOGFILE",
        "PIP_CERT",
    ] {
        let sandbox = user(configured(&format!(
            "environment = {{ {variable} = 'http://evil.example' }}"
        )));
        let said = format!("pyproject.toml:5: `environment` sets {variable}");
        sandbox.run(&["build"]).exits(1).says(&[&said]);
        // Whoever runs sgbuild may.
        let by_flag = format!("{variable}=http://mine.example");
        reaches_the_daemon(&sandbox, &["--env", &by_flag]);
    }
    let harmless = user(configured("environment = { PIP_NO_CACHE_DIR = '1', LANG = 'C' }"));
    reaches_the_daemon(&harmless, &[]);
    let sandbox = user(configured("requirements = 'r.txt'"));
    sandbox.write("r.txt", "six\n--trusted-host index.example\n");
    let ran = sandbox.run(&["build"]).exits(1);
    ran.says(&["r.txt:2: --trusted-host turns off TLS's checks of index.example"]);
    sandbox.write("r.txt", "six\n--trusted-host elsewhere.example\n");
    reaches_the_daemon(&sandbox, &[]);
}

const NETRC: &str = "machine index.example login me password one\nmachine bank.example login me password two\n";

/// Whether the Dockerfile mounts a netrc.
fn hands_netrc_over(sandbox: &Sandbox) -> bool {
    sandbox.read("dist/Dockerfile").contains("id=netrc")
}

#[test]
fn a_requirements_url_does_not_bring_its_hosts_password_into_the_build() {
    let url = "bank @ https://bank.example/bank-1.0.tar.gz";
    let declared = tiny();
    let setup = declared.read("setup.py");
    let keyword = format!("    install_requires=['{url}'],\n    packages=");
    declared.write("setup.py", &setup.replace("    packages=", &keyword));
    let file = |line: &str| {
        let sandbox = configured("requirements = 'r.txt'");
        sandbox.write("r.txt", &format!("{line}\n"));
        sandbox
    };
    let mut attacks = vec![declared];
    for line in [
        url,
        "https://bank.example/bank-1.0.tar.gz",
        "git+https://bank.example/bank#egg=bank",
        "--index-url https://bank.example/simple",
        "--extra-index-url https://bank.example/simple",
        "--find-links https://bank.example/links",
        "-c https://bank.example/constraints.txt",
    ] {
        attacks.push(file(line));
    }
    for sandbox in attacks {
        fs::write(sandbox.home().join(".netrc"), NETRC).unwrap();
        let ran = sandbox.run(&["dist"]).exits(0);
        assert_eq!(
            ran.stderr
                .matches("the netrc entry of bank.example is not handed to the build")
                .count(),
            1
        );
        assert!(!hands_netrc_over(&sandbox));
        let ran = sandbox.run(&["dist", "--netrc-host", "bank.example"]).exits(0);
        assert!(
            hands_netrc_over(&sandbox) && !ran.stderr.contains("netrc entry"),
            "{}",
            ran.stderr
        );
        let sandbox = sandbox.with("SGBUILD_NETRC_HOSTS", "bank.example,other.example");
        sandbox.run(&["dist"]).exits(0);
        assert!(hands_netrc_over(&sandbox));
        let ran = sandbox.run(&["dist", "--no-pip-settings"]).exits(0);
        assert!(
            !hands_netrc_over(&sandbox) && !ran.stderr.contains("netrc entry"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn a_build_requirements_url_is_not_fetched_by_the_image_at_all() {
    // numpy takes part in no reading, so Python need not be asked.
    let sandbox = tiny();
    let numpy = "numpy @ https://bank.example/numpy-1.0.tar.gz";
    let pyproject = format!("[build-system]\nrequires = ['setuptools', '{numpy}']\n");
    sandbox.write("pyproject.toml", &pyproject);
    fs::write(sandbox.home().join(".netrc"), NETRC).unwrap();
    let ran = sandbox.run(&["dist"]).exits(0);
    assert!(!ran.stderr.contains("netrc"), "{}", ran.stderr);
    let dockerfile = sandbox.read("dist/Dockerfile");
    assert!(
        !dockerfile.contains("numpy") && !dockerfile.contains("netrc"),
        "{dockerfile}"
    );
}

#[test]
fn the_entry_of_the_users_own_index_applies_by_itself() {
    let sandbox = tiny().with("PIP_INDEX_URL", "https://index.example/simple");
    let setup = sandbox.read("setup.py");
    sandbox.write(
        "setup.py",
        &setup.replace("    packages=", "    install_requires=['six'],\n    packages="),
    );
    fs::write(sandbox.home().join(".netrc"), NETRC).unwrap();
    let ran = sandbox.run(&["dist"]).exits(0);
    assert!(
        hands_netrc_over(&sandbox) && !ran.stderr.contains("netrc entry"),
        "{}",
        ran.stderr
    );
}

fn docker(arguments: &[&str]) -> String {
    let docker = Testbed::get().variable("SGBUILD_TESTBED_DOCKER");
    let output = Command::new(docker).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "docker {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The attack in full, with a real daemon: what dockerlines of the project's can take, they take, so they get nothing.
#[test]
fn in_a_real_build_dockerlines_keep_what_they_are_given() {
    let take = |id: &str| format!("RUN --mount=type=secret,id={id} cp /run/secrets/{id} /taken");
    let shown = |image: &str| docker(&["run", "--rm", "--entrypoint", "cat", image.trim_end(), "/taken"]);
    let sandbox = Sandbox::of_fixture("setuptools-docker-style").with_testbed();
    let sandbox = with_lines(sandbox, &format!("[{:?}]", take("pip.conf")))
        .with("PIP_EXTRA_INDEX_URL", format!("http://me:{CANARY}@127.0.0.1:9/simple"));
    sandbox.run(&["build"]).exits(1).says(&["dockerlines adds lines"]);
    // Only who says so gets it done, which shows what is at stake.
    let trusted = sandbox.run(&["build", "--trust-dockerfile"]).exits(0);
    assert!(shown(&trusted.stdout).contains(CANARY));

    // Certificates are no secret; the key beside them is, and does not come.
    let sandbox = Sandbox::of_fixture("setuptools-docker-style").with_testbed();
    let sandbox = with_lines(sandbox, &format!("[{:?}]", take("ca.pem")));
    let trusted_here = ["PIP_CERT", "SSL_CERT_FILE"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    let certificates = trusted_here.unwrap_or_else(|| "/etc/ssl/certs/ca-certificates.crt".to_owned());
    let key = format!("-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\npassword={CANARY}\n");
    sandbox.write(
        "bundle.pem",
        &format!("{key}{}{key}", fs::read_to_string(certificates).unwrap()),
    );
    let built = sandbox.run(&["build", "--ca-bundle", "bundle.pem"]).exits(0);
    let taken = shown(&built.stdout);
    assert!(taken.contains("-----BEGIN CERTIFICATE-----"));
    assert!(!taken.contains(CANARY) && !taken.contains("PRIVATE KEY"));
}

#[test]
fn no_core_is_written_of_what_knows_them() {
    let sandbox = tiny();
    // What only Python can say, with the limits that sgbuild hands on.
    sandbox.write(
        "setup.py",
        "import resource\nfrom setuptools import setup\nsoft, hard = resource.getrlimit(resource.RLIMIT_CORE)\nsetup(name='a', version=f'{soft}.{hard}')\n",
    );
    let usual = sandbox.command(&["inspect"]);
    let output = Command::new("sh")
        .args(["-c", "ulimit -Hc 5000 && ulimit -Sc 1000 && exec \"$0\" inspect"])
        .arg(usual.get_program())
        .current_dir(sandbox.project())
        .env_clear()
        .envs(usual.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    // Whoever wants one may raise the limit again. The shell counts in blocks of 512 bytes.
    assert!(shown.contains("0.2560000"), "{output:?}");
}
