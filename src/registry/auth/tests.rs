use base64::Engine as _;

use super::*;
use crate::registry::ecr::tests::config;
use crate::registry::scripted::{Scripted, answer};

const ECR: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/iris";

fn docker(config: &str) -> (tempfile::TempDir, AuthSettings) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("config.json"), config).unwrap();
    let settings = AuthSettings {
        cache: None,
        aws: None,
        docker_config_dir: Some(directory.path().to_owned()),
        path: Some("/usr/bin:/bin".to_owned()),
    };
    (directory, settings)
}

async fn ask(reference: &str, settings: &AuthSettings) -> Result<Credentials, Error> {
    credentials(&Repository::parse(reference).unwrap(), settings).await
}

fn auths(host: &str) -> String {
    let auth = base64::engine::general_purpose::STANDARD.encode("me:hunter2");
    format!(r#"{{"auths":{{"{host}":{{"auth":"{auth}"}}}}}}"#)
}

fn me() -> Credentials {
    Credentials::Basic {
        username: "me".to_owned(),
        password: Secret::new("hunter2"),
    }
}

#[tokio::test]
async fn a_public_image_needs_no_configuration_at_all() {
    let nowhere = AuthSettings {
        cache: None,
        aws: None,
        docker_config_dir: Some(PathBuf::from("/nonexistent")),
        path: None,
    };
    assert_eq!(ask("python", &nowhere).await.unwrap(), Credentials::Anonymous);
    assert_eq!(
        ask("public.ecr.aws/docker/library/python", &AuthSettings::default())
            .await
            .unwrap(),
        Credentials::Anonymous
    );
}

#[tokio::test]
async fn docker_logins_are_found_under_the_name_docker_gives_them() {
    let (_kept, settings) = docker(&auths("registry.example.com:5000"));
    assert_eq!(ask("registry.example.com:5000/a", &settings).await.unwrap(), me());
    assert_eq!(
        ask("other.example.com/a", &settings).await.unwrap(),
        Credentials::Anonymous
    );
    let (_kept, settings) = docker(&auths("https://index.docker.io/v1/"));
    assert_eq!(ask("team/private", &settings).await.unwrap(), me());
    let (_kept, settings) = docker(r#"{"auths":{"a.example":{"auth":"","identitytoken":"abc"}}}"#);
    assert_eq!(
        ask("a.example/x", &settings).await.unwrap(),
        Credentials::IdentityToken(Secret::new("abc"))
    );
}

#[tokio::test]
async fn a_damaged_configuration_is_named() {
    let (kept, settings) = docker("{");
    let error = ask("a.example/x", &settings).await.unwrap_err();
    let path = kept.path().join("config.json");
    assert!(
        error.to_string().starts_with(&format!(
            "Docker's configuration {} cannot be read: not JSON:",
            path.display()
        )),
        "{error}"
    );

    let (_kept, settings) = docker(r#"{"auths":{"a.example":{"auth":"%%%"}}}"#);
    let error = ask("a.example/x", &settings).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("is not usable: `auth` is not base64 of `user:password`"),
        "{error}"
    );

    let (_kept, settings) = docker(r#"{"auths":[]}"#);
    let error = ask("a.example/x", &settings).await.unwrap_err();
    assert!(error.to_string().ends_with("a value has an unexpected type"), "{error}");
}

#[tokio::test]
async fn a_helper_that_is_not_installed_is_named() {
    let (_kept, settings) = docker(r#"{"credHelpers":{"a.example":"absent-for-this-test"}}"#);
    let error = ask("a.example/x", &settings).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the credential helper `docker-credential-absent-for-this-test`, which "),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .ends_with("could not be run: is it installed and on PATH?"),
        "{error}"
    );
}

#[test]
fn a_helper_that_knows_nothing_is_not_a_failing_helper() {
    let outcome = |stdout: &str, stderr: &str| helper::understand(false, stdout, stderr);
    assert_eq!(outcome("credentials not found in native keychain\n", "").unwrap(), None);
    let reason = outcome("the keychain is locked\nmore", "").unwrap_err();
    let error = Error::Helper {
        host: "a.example".to_owned(),
        program: "docker-credential-x".to_owned(),
        path: "c.json".into(),
        reason,
    };
    assert_eq!(
        error.to_string(),
        "the credential helper `docker-credential-x`, which c.json names for `a.example`, failed: the keychain is locked"
    );
}

#[tokio::test]
async fn ecr_gets_its_own_token_even_beside_a_docker_login() {
    let server = Scripted::start(|_, _| {
        let token = base64::engine::general_purpose::STANDARD.encode("AWS:token");
        let body = format!(r#"{{"authorizationData":[{{"authorizationToken":"{token}"}}]}}"#);
        answer("200 OK", &[("content-type", "application/x-amz-json-1.1")], &body)
    })
    .await;
    let (_kept, mut settings) = docker(&auths(ECR.split('/').next().unwrap()));
    settings.aws = Some(config(&format!("http://{}", server.host())));
    let expected = Credentials::Basic {
        username: "AWS".to_owned(),
        password: Secret::new("token"),
    };
    assert_eq!(ask(ECR, &settings).await.unwrap(), expected);
}

#[tokio::test]
async fn without_aws_a_docker_login_serves_for_ecr() {
    let (_kept, settings) = docker(&auths(ECR.split('/').next().unwrap()));
    assert_eq!(ask(ECR, &settings).await.unwrap(), me());
    let (_kept, settings) = docker("{}");
    let error = ask(ECR, &settings).await.unwrap_err();
    assert!(
        error.to_string().starts_with("no AWS credentials were found"),
        "{error}"
    );
}
