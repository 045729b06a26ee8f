use super::*;

const DIGEST: &str = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

#[track_caller]
fn full(text: &str) -> String {
    Reference::parse(text).unwrap().to_string()
}

#[track_caller]
fn refusal(text: &str) -> String {
    Reference::parse(text).unwrap_err().to_string()
}

#[test]
fn docker_hubs_short_forms_are_spelled_out() {
    assert_eq!(full("python:3"), "docker.io/library/python:3");
    assert_eq!(full("index.docker.io/python"), "docker.io/library/python");
    assert_eq!(full("team/app"), "docker.io/team/app");
    assert_eq!(full("localhost/app"), "localhost/app");
    assert_eq!(full("Host/app"), "Host/app");
}

#[test]
fn a_port_is_not_a_tag() {
    let reference = Reference::parse("localhost:5000/a/b__c--d:V1").unwrap();
    assert_eq!(reference.repository.host, "localhost:5000");
    assert_eq!(reference.repository.path, "a/b__c--d");
    assert_eq!(reference.tag.as_deref(), Some("V1"));
    assert_eq!(reference.repository.port(), Some(5000));
    assert_eq!(full("localhost:5000"), "docker.io/library/localhost:5000");
    assert_eq!(full("[::1]:5000/a"), "[::1]:5000/a");
}

#[test]
fn tag_and_digest_may_stand_together() {
    let reference = Reference::parse(&format!("example.com/a:1@{DIGEST}")).unwrap();
    assert_eq!(
        (reference.tag.as_deref(), reference.api_reference()),
        (Some("1"), DIGEST)
    );
    assert_eq!(reference.to_string(), format!("example.com/a:1@{DIGEST}"));
}

#[test]
fn a_refusal_names_the_part() {
    assert_eq!(refusal(""), "`` is not an image reference: it is empty");
    assert_eq!(
        refusal("https://a.b/c"),
        "`https://a.b/c` is not an image reference: a reference has no URL scheme"
    );
    assert_eq!(
        refusal("a.b/Iris"),
        "`a.b/Iris` is not an image reference: the path `Iris` must be lower-case"
    );
    assert_eq!(
        refusal("a:b+c"),
        "`a:b+c` is not an image reference: the tag `b+c` holds `+`; only letters, digits, `_`, `.` and `-` may stand in it"
    );
    assert!(refusal("a@sha256:abc").ends_with("the digest `sha256:abc` needs 64 lower-case hexadecimal digits"));
    assert!(refusal("a@md5:abc").ends_with("has the unknown algorithm `md5`"));
    assert!(refusal("a@abc").ends_with("has no algorithm, as in `sha256:…`"));
    assert!(refusal(&format!("a:{}", "t".repeat(129))).ends_with("is longer than 128 characters"));
    assert!(refusal(&"a/".repeat(200)).contains("each part of the path"));
    assert!(refusal(&format!("a.b/{}", "c".repeat(255))).ends_with("longer than 255 characters"));
    assert!(refusal("a.b:99999/c").ends_with("the port of `a.b:99999` is not a number up to 65535"));
    assert!(refusal("a_b.c/d").ends_with("`a_b.c` is not a host name"));
    assert!(refusal(&DIGEST[7..]).ends_with("64 hexadecimal digits alone are an image id"));
    for bad in [
        "a//b",
        "/a",
        "a/",
        "a..b/c..d",
        "a/b___c",
        "a/-b",
        "a b",
        ":1",
        "a:",
        "a@",
        "-a.b/c",
        "é/a",
    ] {
        Reference::parse(bad).unwrap_err();
    }
}

#[test]
fn a_repository_carries_neither_tag_nor_digest() {
    assert_eq!(
        Repository::parse("a.b/c").unwrap(),
        Repository {
            host: "a.b".into(),
            path: "c".into()
        }
    );
    assert_eq!(
        Repository::parse("a.b/c:1").unwrap_err().to_string(),
        "`a.b/c:1` is not a repository: it carries the tag `1`"
    );
    assert!(
        Repository::parse(&format!("a.b/c:1@{DIGEST}"))
            .unwrap_err()
            .to_string()
            .contains("the digest")
    );
}

#[test]
fn a_tag_is_checked_before_it_is_used() {
    let repository = Repository::parse("a.b/c").unwrap();
    assert_eq!(repository.tagged("1.0-x").unwrap().to_string(), "a.b/c:1.0-x");
    assert_eq!(
        repository.tagged("-x").unwrap_err().to_string(),
        "`-x` is not an image tag: it begins with `.` or `-`"
    );
    assert_eq!(repository.tagged(&"t".repeat(128)).unwrap().tag.unwrap().len(), 128);
}

#[test]
fn loopback_hosts_are_known() {
    let loopback = |text: &str| Repository::parse(text).unwrap().is_loopback();
    assert!(loopback("localhost/a") && loopback("127.8.9.1:5000/a") && loopback("[::1]:5000/a"));
    assert!(!loopback("localhost.example.com/a") && !loopback("10.0.0.1/a") && !loopback("python"));
}
