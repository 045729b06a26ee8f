//! What the template allows is what the pipeline does: every call in the loop is judged by the stack's own policies, and what they allow
//! beyond those calls has a reason.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Launch, Pipeline, boto};
use crate::check::asked_of_aws;
use crate::support::{Sandbox, Testbed};

/// What the loop does not do, and why it is allowed: the statement and the action, and the reason.
const UNUSED: &[(&str, &str)] = &[
    (
        "BuildRole FindTheLastImage ecr:DescribeImages",
        "a package with requirements; src/registry/ecr/tests.rs asks",
    ),
    (
        "BuildRole FindTheLastImage ecr:ListImages",
        "the same, of a registry that does not tell when images were pushed: tests/it/last_image.rs",
    ),
    (
        "BuildRole KeepWhatBaseImagesHold s3:GetObject",
        "CodeBuild itself fetches the cache, with the build's role",
    ),
    ("BuildRole KeepWhatBaseImagesHold s3:PutObject", "and keeps it"),
    (
        "DataTriggerRole TellMissingObjects s3:ListBucket",
        "an object that was deleted before its event came is asked for: without this S3 answers 403 and not 404",
    ),
    (
        "DataTriggerRole TellMissingObjects s3:ListBucketVersions",
        "the same, of a version that was deleted",
    ),
    (
        "DataTriggerRole TellSyntheticData s3:GetObject",
        "an event without a version, from before the bucket kept them",
    ),
    (
        "DeadLettersPolicy JobChangedOnly sqs:SendMessage",
        "only where a function cannot be invoked: `a_condition_that_eventbridge_does_not_send_bars_it` does it",
    ),
    (
        "StartTrainingRole CopySyntheticData s3:AbortMultipartUpload",
        "a copy of more than 5 GB that was refused half-way; tests/it/start_training.rs has copies in parts",
    ),
    (
        "StartTrainingRole FindSyntheticData s3:ListBucket",
        "an object that went away between the listing and the copy: without this S3 answers 403 and not 404",
    ),
    (
        "StartTrainingRole GiveUp sqs:SendMessage",
        "builds wait for the function; whoever invokes it without waiting loses nothing",
    ),
    (
        "StartTrainingRole ReadSyntheticData s3:GetObject",
        "a synthetic bucket without versions; the loop's has them",
    ),
    (
        "StartTrainingRole ReadSyntheticData s3:GetObjectTagging",
        "the same, of tagged objects",
    ),
    (
        "StartTrainingRole RecordLongVersionLists s3:PutObject",
        "more objects than an item of the table holds; tests/it/start_training.rs has that many",
    ),
    (
        "StartTrainingRole Tell sns:Publish",
        "a run that cannot start, as one without data: tests/it/start_training.rs",
    ),
    (
        "StartTrainingRole Train sagemaker:DescribeTrainingJob",
        "a repeated delivery that finds its job created: tests/it/start_training.rs",
    ),
    (
        "TrainingRole FindCheckpoints s3:ListBucket",
        "the loop's trainings keep no checkpoints, which a setting turns on",
    ),
    (
        "TrainingRole KeepCheckpoints s3:AbortMultipartUpload",
        "the same, of a large one that was given up",
    ),
    (
        "TrainingRole KeepCheckpoints s3:GetObject",
        "the same, where it goes on from one",
    ),
    (
        "TrainingRole KeepCheckpoints s3:PutObject",
        "the same, where it writes one",
    ),
    (
        "TrainingRole WriteModels s3:AbortMultipartUpload",
        "a model of many parts whose upload is broken off",
    ),
];

fn texts(value: &Value) -> BTreeSet<String> {
    let texts = value.as_array().unwrap().iter();
    texts.map(|each| each.as_str().unwrap().to_owned()).collect()
}

/// An event of SageMaker's about a job.
fn job_changed(name: &str, status: &str) {
    let event = json!({
        "region": "us-west-2",
        "source": "aws.sagemaker",
        "detail-type": "SageMaker Training Job State Change",
        "detail": { "TrainingJobName": name, "TrainingJobStatus": status },
    });
    Pipeline::door("PUT", "events", Some(&event));
}

/// What `sgbuild check --aws` finds in a training by the pipeline, as `RULE message`.
fn checked(sandbox: &Sandbox, pipeline: &Pipeline) -> Vec<String> {
    let function = pipeline.made["functions"]["start_training"].as_str().unwrap();
    let named = [
        ("--function", function),
        ("--role", pipeline.made("role")),
        ("--source-bucket", pipeline.made("input_bucket")),
        ("--output-bucket", pipeline.made("artifact_bucket")),
    ];
    let flags: Vec<&str> = named.iter().flat_map(|(flag, value)| [*flag, *value]).collect();
    asked_of_aws(sandbox, &flags)
}

#[test]
fn the_loop_takes_what_the_template_allows_and_no_more() {
    let sandbox = Sandbox::of_fixture("setuptools-docker-style").with_testbed();
    sandbox.write("setup.cfg", "[sgbuild]\nmetrics = rows=^rows=([0-9]+)$\n");
    let sandbox = sandbox.committed();
    let synthetic = Testbed::get().variable("SGBUILD_TESTBED_SYNTHETIC_BUCKET");
    boto(&format!(
        "boto3.client('s3').put_object(Bucket={synthetic:?}, Key='row-counter/rows.csv', Body=b'a,b\\n1,2\\n', Tagging='a=b')"
    ));
    let parameters = json!({ "SyntheticBucketName": synthetic, "ScheduleExpression": "rate(7 days)" });
    let launch = Launch {
        parameters,
        ..Launch::default()
    };
    let pipeline = Pipeline::of(&sandbox, launch);

    // Time comes, for a build and for the runs that are open: it trains with the synthetic data.
    let fired = pipeline.fire_schedules();
    assert_eq!(fired["fired"].as_array().unwrap().len(), 2, "{fired}");
    let run = pipeline.all_settled(1).remove(0);
    assert_eq!(run["data_source"], "synthetic", "{run:#}");
    // Data comes: the synthetic data goes.
    pipeline.upload(&[("input/data/training/more.csv", "a,b\n5,6\n")]);
    let run = pipeline.all_settled(2).remove(0);
    assert_eq!(run["data_source"], "uploaded", "{run:#}");
    // An event is lost: of a run whose end SageMaker does not know.
    let lost = lost_run(&pipeline);
    job_changed(&lost, "Failed");
    let alarm = pipeline.wait("the alarm's mail", true, || {
        pipeline
            .messages()
            .into_iter()
            .find(|message| message.contains("\"ALARM\""))
    });
    assert!(alarm.contains("EventsLost"), "{alarm}");
    // A build fails.
    sandbox.write("setup.py", "raise SystemExit('no setup.py any more')\n");
    let sandbox = sandbox.committed();
    assert_eq!(pipeline.ended(3)[2]["status"], "FAILED");
    drop(sandbox);

    let sandbox = Sandbox::of_fixture("setuptools-docker-style").with_testbed();
    assert_eq!(checked(&sandbox, &pipeline), [""; 0]);

    let permissions = pipeline.permissions();
    assert_eq!(permissions["denied"], json!([]), "{permissions:#}");
    let reasons: BTreeSet<String> = UNUSED.iter().map(|(what, _)| (*what).to_owned()).collect();
    assert_eq!(texts(&permissions["unused"]), reasons, "{permissions:#}");
    // Every other statement alone allowed a call of the loop, which would have been refused without it.
    assert_eq!(permissions["twice"], json!([]), "{permissions:#}");
}

#[test]
fn a_connection_and_an_index_take_statements_of_their_own() {
    let sandbox = Sandbox::of_fixture("setuptools-docker-style").with_testbed();
    sandbox.write("setup.py", "raise SystemExit('no setup.py any more')\n");
    let sandbox = sandbox.committed();
    let secret = boto(&format!(
        "secret = boto3.client('secretsmanager').create_secret(
    Name='index-{}', SecretString=json.dumps({{'PIP_INDEX_URL': 'https://user:password@packages.example.com/simple'}}))
print(secret['ARN'])",
        uuid::Uuid::new_v4().simple()
    ));
    let connection = "arn:aws:codeconnections:us-west-2:123456789012:connection/0a1b2c3d-1111-2222-3333-444455556666";
    let parameters = json!({ "GitHubConnectionArn": connection, "PrivateIndexSecretArn": secret.trim() });
    let launch = Launch {
        parameters,
        ..Launch::default()
    };
    let pipeline = Pipeline::of(&sandbox, launch);
    pipeline.upload(&[("input/data/training/rows.csv", "a,b\n1,2\n")]);
    let build = pipeline.ended(1).remove(0);
    let log = super::log_of(&build);
    assert!(log.contains("no setup.py any more"), "{log}");
    let permissions = pipeline.permissions();
    assert_eq!(permissions["denied"], json!([]), "{permissions:#}");
    for used in [
        "BuildRole UseTheConnection codeconnections:GetConnectionToken",
        "BuildRole UseTheConnection codeconnections:UseConnection",
        "BuildRole ReadTheIndex secretsmanager:GetSecretValue",
    ] {
        assert!(permissions["used"][used].is_number(), "{used}: {permissions:#}");
    }
    assert!(!log.contains("password"), "{log}");
}

/// A record of a run that SageMaker has never heard of, as if its job were going on.
fn lost_run(pipeline: &Pipeline) -> String {
    let made = pipeline.made("table");
    let printed = boto(&format!(
        "from datetime import UTC, datetime
table = boto3.resource('dynamodb').Table({made:?})
item = table.scan()['Items'][0]
name = item['training_job_name'][:-8] + 'lost'
kept = {{key: item[key] for key in item if key not in ('notified_at', 'notification_claimed_ms', 'job_end_time')}}
now = datetime.now(UTC).isoformat().replace('+00:00', 'Z')
table.put_item(Item={{**kept, 'training_job_name': name, 'job_status': 'InProgress', 'recorded_at': now}})
print(name)"
    ));
    printed.trim().to_owned()
}

#[test]
fn a_condition_that_eventbridge_does_not_send_bars_it() {
    let permission = "      Principal: events.amazonaws.com
      SourceArn: !GetAtt JobChanged.Arn
";
    let with_account = format!("{permission}      SourceAccount: !Ref AWS::AccountId\n");
    let sandbox = Sandbox::of_fixture("setuptools-docker-style")
        .with_testbed()
        .committed();
    let pipeline = Pipeline::of(&sandbox, Launch::of_changed_template(permission, &with_account));
    job_changed(&format!("{}-1", pipeline.name), "Failed");
    let permissions = pipeline.permissions();
    let denied = permissions["denied"].as_array().unwrap();
    let [denied] = denied.as_slice() else {
        panic!("{permissions:#}")
    };
    assert_eq!(denied["caller"], "events.amazonaws.com");
    assert_eq!(denied["action"], "lambda:InvokeFunction");
    // What could not be delivered is kept, and the alarm tells of it.
    assert!(
        permissions["used"]["DeadLettersPolicy JobChangedOnly sqs:SendMessage"].is_number(),
        "{permissions:#}"
    );
    let messages = pipeline.messages();
    assert!(
        messages.iter().any(|message| message.contains("EventsLost")),
        "{messages:#?}"
    );
}

#[test]
fn without_a_statement_the_loop_stops_where_aws_would_stop_it() {
    let statement = "              - Sid: GiveTheTrainingItsRole
                Effect: Allow
                Action: iam:PassRole
                Resource: !GetAtt TrainingRole.Arn
                Condition: { StringEquals: { iam:PassedToService: sagemaker.amazonaws.com } }
";
    let sandbox = Sandbox::of_fixture("setuptools-docker-style")
        .with_testbed()
        .committed();
    let pipeline = Pipeline::of(&sandbox, Launch::of_changed_template(statement, ""));
    // It can be known before.
    let found = checked(&sandbox, &pipeline);
    assert!(
        found.len() == 1 && found[0].starts_with("SGB406 ") && found[0].contains("StartTrainingRole"),
        "{found:?}"
    );
    pipeline.upload(&[("input/data/training/rows.csv", "a,b\n1,2\n")]);
    let build = pipeline.ended(1).remove(0);
    assert_eq!(build["status"], "FAILED");
    let log = super::log_of(&build);
    assert!(
        log.contains("is not authorized to perform: iam:PassRole on resource: "),
        "{log}"
    );
    assert_eq!(pipeline.player("GET", None)["denied"][0]["caller"], "StartTrainingRole");
}
