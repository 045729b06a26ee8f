//! What is sent to S3, and what is made of its answers.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use super::*;

#[test]
fn a_copy_source_is_percent_encoded_but_for_its_slashes() {
    let object = |version: &str| Object {
        key: "repo/a b+c%/é.csv".to_owned(),
        version: version.to_owned(),
        size: 1,
        modified_ms: 0,
    };
    assert_eq!(copy_source("s", &object("null")), "s/repo/a%20b%2Bc%25/%C3%A9.csv");
    assert_eq!(
        copy_source("s", &object("v1")),
        "s/repo/a%20b%2Bc%25/%C3%A9.csv?versionId=v1"
    );
}

/// An S3 that answers one request, with `list`: its configuration, and the request's first line.
fn answering_once(list: &'static str) -> (SdkConfig, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        lines.find(|line| line.as_deref().is_ok_and(str::is_empty));
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length";
        write!(stream, "{head}: {}\r\n\r\n{list}", list.len()).unwrap();
        first
    });
    let credentials = aws_sdk_s3::config::Credentials::new("test", "test", None, None, "test");
    let config = SdkConfig::builder()
        .http_client(crate::aws::http_client())
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new("eu-west-1"))
        .credentials_provider(aws_sdk_s3::config::SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint);
    (config.build(), server)
}

#[tokio::test]
async fn a_key_that_xml_cannot_write_is_listed() {
    let (config, server) = answering_once(
        "<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated><Version>\
         <Key>input/data/training/a+%01%0A%2B%C3%A9.csv</Key><VersionId>v1</VersionId><IsLatest>true</IsLatest>\
         <Size>3</Size></Version></ListVersionsResult>",
    );
    let listed = S3::new(&config).list("iris", "input/data/training/").await.unwrap();
    assert_eq!(listed[0].key, "input/data/training/a \u{1}\n+é.csv");
    assert!(server.join().unwrap().contains("encoding-type=url"));
}

#[tokio::test]
async fn a_list_that_does_not_say_where_it_goes_on_is_refused() {
    let (config, server) = answering_once("<ListVersionsResult><IsTruncated>true</IsTruncated></ListVersionsResult>");
    let error = S3::new(&config).list("iris", "input/").await.unwrap_err();
    assert_eq!(error.to_string(), "S3 does not say where its list goes on");
    server.join().unwrap();
}
