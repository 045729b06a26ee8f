use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::*;
use crate::hex::hex;

fn settings(directory: &Path) -> DockerSettings {
    DockerSettings {
        config_dir: Some(directory.to_owned()),
        ..DockerSettings::default()
    }
}

fn add_context(directory: &Path, name: &str, host: &str) -> PathBuf {
    let id = hex(&Sha256::digest(name.as_bytes()));
    let meta = directory.join("contexts/meta").join(&id);
    std::fs::create_dir_all(&meta).unwrap();
    let text = serde_json::json!({"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": false}}});
    std::fs::write(meta.join("meta.json"), text.to_string()).unwrap();
    directory.join("contexts/tls").join(id).join("docker")
}

#[test]
fn the_order_is_host_then_context_then_current_context_then_the_socket() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path());
    assert_eq!(
        Endpoint::resolve(&settings).unwrap().to_string(),
        "unix:///var/run/docker.sock"
    );

    add_context(directory.path(), "current", "unix:///current.sock");
    std::fs::write(
        directory.path().join("config.json"),
        r#"{"auths": {}, "currentContext": "current"}"#,
    )
    .unwrap();
    assert_eq!(
        Endpoint::resolve(&settings).unwrap(),
        Endpoint::Unix("/current.sock".into())
    );

    add_context(directory.path(), "named", "ssh://me@build.example:2222");
    settings.context = Some("named".to_owned());
    assert_eq!(
        Endpoint::resolve(&settings).unwrap().to_string(),
        "ssh://me@build.example:2222"
    );
    settings.context = Some("default".to_owned());
    assert_eq!(
        Endpoint::resolve(&settings).unwrap().to_string(),
        "unix:///var/run/docker.sock"
    );

    settings.host = Some("tcp://127.0.0.1".to_owned());
    assert_eq!(
        Endpoint::resolve(&settings).unwrap().to_string(),
        "tcp://127.0.0.1:2375"
    );
}

#[test]
fn tls_material_belongs_to_the_host_or_the_context() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path());
    let material = add_context(directory.path(), "remote", "tcp://build.example:2376");
    std::fs::create_dir_all(&material).unwrap();
    settings.context = Some("remote".to_owned());
    let address = Address {
        host: "build.example".to_owned(),
        port: 2376,
    };
    let expected = TlsMaterial {
        directory: material,
        skip_verify: false,
    };
    assert_eq!(
        Endpoint::resolve(&settings).unwrap(),
        Endpoint::Tls(address.clone(), expected)
    );

    settings.host = Some("tcp://build.example".to_owned());
    settings.tls_verify = true;
    let expected = TlsMaterial {
        directory: directory.path().to_owned(),
        skip_verify: false,
    };
    assert_eq!(Endpoint::resolve(&settings).unwrap(), Endpoint::Tls(address, expected));
}

#[test]
fn a_missing_context_is_named_with_where_it_was_set() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path());
    settings.context = Some("gone".to_owned());
    let error = Endpoint::resolve(&settings).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the docker context gone (from DOCKER_CONTEXT) does not exist"
    );
    std::fs::write(directory.path().join("config.json"), "{").unwrap();
    settings.context = None;
    assert!(matches!(Endpoint::resolve(&settings), Err(Error::Configuration { .. })));
}

#[test]
fn malformed_hosts_are_refused_without_showing_a_password() {
    for (host, reason) in [
        ("unix://relative.sock", "absolute"),
        ("ftp://host", "known are"),
        ("tcp://", "host"),
        ("tcp://host:port", "port"),
        ("tcp://host/prefix", "only a host"),
        ("ssh://me:hunter2@host", "password"),
        ("ssh://-oProxyCommand=x", "dash"),
    ] {
        let error = address::parse(host, "DOCKER_HOST", None).unwrap_err().to_string();
        assert!(error.contains(reason), "{host}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    assert_eq!(
        address::parse("10.0.0.1:99", "DOCKER_HOST", None).unwrap().to_string(),
        "tcp://10.0.0.1:99"
    );
    assert_eq!(
        address::parse("tcp://[::1]:99", "DOCKER_HOST", None)
            .unwrap()
            .to_string(),
        "tcp://[::1]:99"
    );
}
