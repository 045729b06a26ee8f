//! `launch`, `status` and `destroy` against the emulated account, and `buildspec.yml` under the original stack's environment.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::faults::{Fault, Proxy};
use crate::support::{Ran, Sandbox, Testbed, python, root};

/// boto3 against the emulator: what it prints, as JSON.
fn boto(expression: &str) -> Value {
    let printed = python(&format!(
        "import boto3, json\nprint(json.dumps({expression}, default=str))"
    ));
    serde_json::from_str(&printed).unwrap()
}

/// A stack of this test's own.
struct Stack {
    sandbox: Sandbox,
    name: String,
}

impl Stack {
    fn new() -> Self {
        Self {
            sandbox: Sandbox::of_fixture("setuptools-docker-style")
                .with_testbed()
                // As for who names none.
                .without("SGBUILD_ENGINE")
                .with("GITHUB_TOKEN", "not-a-token"),
            name: format!("it-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]),
        }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.sandbox.run(&[arguments, &["--stack", &self.name]].concat())
    }

    fn launch(&self, more: &[&str]) -> Ran {
        let repository = ["--github-user", "example", "--github-repo", &self.name];
        self.run(&[&["launch", "--email", "someone@example.com"], &repository[..], more].concat())
    }

    /// Its status as CloudFormation has it; `null` where there is none.
    fn status(&self) -> Value {
        boto(&format!(
            "[each['StackStatus'] for each in boto3.client('cloudformation').list_stacks()['StackSummaries'] if each['StackName'] == '{}' and each['StackStatus'] != 'DELETE_COMPLETE']",
            self.name
        ))
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let _ = self.run(&["destroy", "--yes"]);
    }
}

#[test]
fn the_stack_is_launched_shown_updated_and_destroyed_and_its_data_stays() {
    let stack = Stack::new();
    // Nothing is made by a dry run.
    let planned = stack.launch(&["--dry-run"]).exits(0);
    assert!(
        planned.stderr.contains("+ TrainingInputBucket (AWS::S3::Bucket)"),
        "{}",
        planned.stderr
    );
    assert_ne!(stack.status(), json!(["CREATE_COMPLETE"]));

    let launched = stack.launch(&[]).exits(0);
    assert_eq!(stack.status(), json!(["CREATE_COMPLETE"]), "{}", launched.stderr);
    for line in ["zipped", "CREATE_COMPLETE", "confirm it"] {
        assert!(launched.stderr.contains(line), "{line}: {}", launched.stderr);
    }
    let shown = stack.run(&["status"]).exits(0);
    for output in [
        "BuildProjectUrl",
        "DashboardUrl",
        "TrainingInputBucketUrl",
        "ModelArtifactBucketUrl",
        "MetadataTableUrl",
    ] {
        assert!(
            launched.stdout.contains(output) && shown.stdout.contains(output),
            "{}",
            shown.stdout
        );
    }
    // Parts of this very stack, and what stands beside it.
    let idle = &stack.run(&["status", "--json"]).exits(0).json()["idle"];
    let costs = idle["costs"].as_array().unwrap();
    for (name, kind) in [
        ("Dashboard", "AWS::CloudWatch::Dashboard"),
        ("GitHubTokenSecret", "AWS::SecretsManager::Secret"),
        ("JobChanged", "AWS::Events::Rule"),
        ("TrainingInputBucket", "AWS::S3::Bucket"),
        ("CodeBucket", "AWS::S3::Bucket"),
    ] {
        let cost = costs.iter().find(|cost| cost["logical_id"] == name);
        let cost = cost.unwrap_or_else(|| panic!("{name}: {idle:#}"));
        assert_eq!(cost["type"], kind);
        assert!(
            shown.stdout.contains(cost["paid_for"].as_str().unwrap()),
            "{}",
            shown.stdout
        );
    }
    assert!(!costs.iter().any(|cost| cost["logical_id"] == "Schedule"), "{idle:#}");
    assert_eq!(idle["unknown"], json!([]));
    without_the_right_to_list(&stack.name);
    // The dashboard's address ends in the name that CloudFormation has given it.
    let address = shown.stdout.lines().find(|line| line.starts_with("DashboardUrl"));
    let (_, name) = address.unwrap().rsplit_once("/dashboard/").unwrap();
    let widgets = boto(&format!(
        "[each['type'] for each in json.loads(boto3.client('cloudwatch').get_dashboard(DashboardName='{name}')['DashboardBody'])['widgets']]"
    ));
    assert_eq!(widgets, json!(vec!["metric"; 8]));
    assert!(!launched.stderr.contains("not-a-token") && !launched.stdout.contains("not-a-token"));
    let resources = boto(&format!(
        "[each['ResourceType'] for each in boto3.client('cloudformation').describe_stack_resources(StackName='{}')['StackResources']]",
        stack.name
    ));
    for kind in [
        "AWS::Lambda::Function",
        "AWS::DynamoDB::Table",
        "AWS::SQS::Queue",
        "AWS::CodeBuild::Project",
        "AWS::Events::Rule",
    ] {
        assert!(
            resources.as_array().unwrap().contains(&json!(kind)),
            "{kind}: {resources}"
        );
    }
    // The program is where functions and builds fetch it, once, whatever is launched.
    let again = stack.launch(&[]).exits(0);
    assert!(!again.stderr.contains("Uploading sgbuild.zip"), "{}", again.stderr);

    stack.run(&["destroy"]).exits(1).says(&["--yes"]);
    let bucket = |ran: &Ran| -> String {
        let kept = ran.stdout.lines().find(|line| line.contains("input"));
        kept.unwrap_or_else(|| panic!("{}", ran.stdout)).trim().to_owned()
    };
    let destroyed = stack.run(&["destroy", "--yes"]).exits(0);
    let kept = bucket(&destroyed);
    assert_eq!(stack.status(), json!([]));
    let buckets = boto("[each['Name'] for each in boto3.client('s3').list_buckets()['Buckets']]");
    assert!(
        buckets.as_array().unwrap().contains(&json!(kept)),
        "{kept} of {buckets}"
    );
    stack.run(&["status"]).exits(1).says(&["hint"]);
}

#[test]
fn a_stack_that_is_no_pipeline_is_left_alone() {
    let stack = Stack::new();
    let template = r#"{"Resources":{"Orders":{"Type":"AWS::SNS::Topic"}}}"#;
    boto(&format!(
        "boto3.client('cloudformation').create_stack(StackName='{}', TemplateBody='{template}')",
        stack.name
    ));
    // A checkout may name it.
    let section = format!("[tool.sgbuild]\nstack = \"{}\"\n", stack.name);
    stack.sandbox.write("pyproject.toml", &section);
    let launch = [
        "launch",
        "--email",
        "someone@example.com",
        "--github-user",
        "a",
        "--github-repo",
        "b",
    ];
    for arguments in [&["destroy", "--yes"][..], &["destroy", "--yes", "--dry-run"], &launch] {
        let ran = stack.sandbox.run(arguments).exits(1);
        ran.says(&["error[stack-foreign]", "is no pipeline of sgbuild's", "--stack"]);
    }
    assert_eq!(stack.status(), json!(["CREATE_COMPLETE"]));
    stack.sandbox.run(&["status"]).exits(0);
    boto(&format!(
        "boto3.client('cloudformation').delete_stack(StackName='{}')",
        stack.name
    ));
}

/// The stack is shown all the same.
fn without_the_right_to_list(stack: &str) {
    let fault = Fault {
        matching: "Action=ListStackResources",
        status: 403,
        header: Some(("content-type", "text/xml")),
        body: "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>",
        times: usize::MAX,
    };
    let proxy = Proxy::start(Testbed::get().variable("AWS_ENDPOINT_URL"), vec![fault]);
    let sandbox = Sandbox::of_fixture("setuptools-docker-style")
        .with_testbed()
        .with("AWS_ENDPOINT_URL", proxy.url());
    let shown = sandbox.run(&["status", "--stack", stack]).exits(0);
    assert!(shown.stdout.contains("DashboardUrl") && !shown.stdout.contains("While nothing runs"));
    shown.says(&["what it costs at rest is unknown", "cloudformation:ListStackResources"]);
}

#[test]
fn what_a_launch_lacks_is_said_before_anything_is_made() {
    let stack = Stack::new();
    let bare = stack.run(&["launch", "--github-user", "example", "--github-repo", "iris"]);
    let bare = bare.exits(1).says(&["Email"]);
    let misspelt = stack.launch(&["--parameter", "NoSuchParameter=1"]);
    let misspelt = misspelt.exits(2).says(&["NoSuchParameter"]);
    for refused in [bare, misspelt] {
        assert!(!refused.stderr.contains("Packing"), "{}", refused.stderr);
    }
    stack.launch(&["--binary", "setup.py"]).exits(1).says(&["setup.py"]);
    assert_eq!(stack.status(), json!([]));
}

#[test]
fn the_documented_parameters_alone_make_a_stack_of_what_was_uploaded() {
    let stack = Stack::new();
    let uploaded = stack.run(&["launch", "--upload-only"]).exits(0);
    for parameter in [
        "ParameterKey=CodeBucket,ParameterValue=sgbuild-",
        "ParameterKey=CodeKey,ParameterValue=sgbuild/",
        "ParameterKey=Architecture,ParameterValue=x86_64",
        "ParameterKey=BuildCodeKey,ParameterValue=sgbuild/",
    ] {
        assert!(uploaded.stdout.contains(parameter), "{parameter}: {}", uploaded.stdout);
    }
    let address = uploaded
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("TemplateURL="));
    let address = address.unwrap_or_else(|| panic!("{}", uploaded.stdout));
    // The latest has a name that needs no looking up.
    let (folder, name) = address.rsplit_once('/').unwrap();
    assert!(name.len() == 64 + ".template".len(), "{name}");
    let latest = format!("{folder}/cicd-pipeline.template");
    // With the original's parameters: https://docs.aws.amazon.com/cli/latest/reference/cloudformation/create-stack.html
    let sizes = python(&format!(
        "import boto3, os
given = {{'Email': 'someone@example.com', 'GitHubUser': 'example', 'GitHubRepo': 'iris', 'GitHubBranch': 'main',
         'GitHubToken': 'not-a-token', 'PythonBuildVersion': 'aws/codebuild/python:3.6.5-1.3.2'}}
formation = boto3.client('cloudformation')
formation.create_stack(StackName={name:?}, TemplateURL={latest:?}, Capabilities=['CAPABILITY_NAMED_IAM'],
    Parameters=[{{'ParameterKey': key, 'ParameterValue': value}} for key, value in given.items()])
made = formation.describe_stack_resources(StackName={name:?})['StackResources']
[function] = [each['PhysicalResourceId'] for each in made if each['LogicalResourceId'] == 'StartTraining']
[project] = [each['PhysicalResourceId'] for each in made if each['LogicalResourceId'] == 'BuildProject']
[project] = boto3.client('codebuild').batch_get_projects(names=[project])['projects']
[code] = [each['value'] for each in project['environment']['environmentVariables'] if each['name'] == 'SGBUILD_CODE']
bucket, key = code.removeprefix('s3://').split('/', 1)
print(boto3.client('s3').head_object(Bucket=bucket, Key=key)['ContentLength'])
print(boto3.client('lambda', endpoint_url=os.environ['AWS_ENDPOINT_URL']).get_function(FunctionName=function)['Configuration']['CodeSize'])",
        name = stack.name,
    ));
    assert_eq!(stack.status(), json!(["CREATE_COMPLETE"]));
    let sizes: Vec<u64> = sizes.lines().map(|line| line.parse().unwrap()).collect();
    assert!(sizes[0] > 1_000_000 && sizes[0] == sizes[1], "{sizes:?}");
}

#[test]
fn a_template_goes_by_s3_where_a_request_cannot_carry_it() {
    let stack = Stack::new();
    let template = fs::read_to_string(root().join("templates/cicd-pipeline.yaml")).unwrap();
    let of = |name: &str, size: usize| {
        let padding = "#".repeat(size.saturating_sub(template.len() + 1));
        fs::write(stack.sandbox.project().join(name), format!("{template}{padding}\n")).unwrap();
    };
    of("long.yaml", 60_000);
    of("longest.yaml", 1024 * 1024 + 1);
    let uploaded = |ran: &Ran| ran.stderr.contains("Uploading the template to s3://sgbuild-");
    // Nobody but CloudFormation can compare, so a dry run uploads it as well, and no more than that.
    let planned = stack.launch(&["--dry-run", "--template", "long.yaml"]).exits(0);
    assert!(uploaded(&planned), "{}", planned.stderr);
    for line in ["+ TrainingInputBucket", "Would upload it"] {
        assert!(planned.stderr.contains(line), "{line}: {}", planned.stderr);
    }
    let launched = stack.launch(&["--template", "long.yaml"]).exits(0);
    assert!(
        launched.stderr.contains("template is there already"),
        "{}",
        launched.stderr
    );
    assert_eq!(stack.status(), json!(["CREATE_COMPLETE"]));
    let again = stack.launch(&["--template", "long.yaml"]).exits(0);
    assert!(again.stderr.contains("is up to date"), "{}", again.stderr);
    let refused = stack.launch(&["--template", "longest.yaml"]).exits(1);
    refused.says(&["CloudFormation reads at most 1048576", "--template"]);
    // A stranger's bucket gets no template, either.
    let taken = stack.launch(&["--template", "long.yaml", "--code-bucket", "nobody-has-this-bucket"]);
    taken.exits(1).says(&["there is no bucket nobody-has-this-bucket"]);
}

#[test]
fn a_template_that_fits_goes_in_the_request() {
    let stack = Stack::new();
    let template = fs::read_to_string(root().join("templates/cicd-pipeline.yaml")).unwrap();
    let (parameters, _) = template.split_once("\nResources:").unwrap();
    let short = format!("{parameters}\nResources:\n  Topic: {{ Type: AWS::SNS::Topic }}\n");
    fs::write(stack.sandbox.project().join("short.yaml"), short).unwrap();
    let planned = stack.launch(&["--dry-run", "--template", "short.yaml"]).exits(0);
    assert!(
        planned.stderr.contains("+ Topic (AWS::SNS::Topic)"),
        "{}",
        planned.stderr
    );
    assert!(!planned.stderr.contains("Uploading"), "{}", planned.stderr);
}

#[test]
fn an_arm_program_is_for_the_functions_alone() {
    let stack = Stack::new();
    let program = fs::read(env!("CARGO_BIN_EXE_sgbuild")).unwrap();
    // The machine that the header names: https://gabi.xinuos.com/elf/02-eheader.html
    let mut arm = program;
    arm[18..20].copy_from_slice(&183_u16.to_le_bytes());
    let path = stack.sandbox.project().join("arm");
    fs::write(&path, arm).unwrap();
    let refused = stack.launch(&["--binary", "arm"]).exits(1);
    refused.says(&["arm is a program for arm64", "builds run on x86_64", "--build-binary"]);
    let refused = stack.launch(&["--binary", "arm", "--build-binary", "arm"]).exits(1);
    refused.says(&["builds run on x86_64"]);

    let intel = env!("CARGO_BIN_EXE_sgbuild");
    let uploaded = stack.run(&[
        "launch",
        "--upload-only",
        "--json",
        "--binary",
        "arm",
        "--build-binary",
        intel,
    ]);
    let uploaded: Value = serde_json::from_str(&uploaded.exits(0).stdout).unwrap();
    assert_eq!(uploaded["architecture"], "arm64");
    assert_ne!(uploaded["key"], uploaded["build_key"]);
    let latest = boto(&format!(
        "sorted(each['Key'] for each in boto3.client('s3').list_objects_v2(Bucket={})['Contents'])",
        uploaded["bucket"]
    ));
    for key in [
        json!("sgbuild/arm64.zip"),
        json!("sgbuild/x86_64.zip"),
        uploaded["build_key"].clone(),
    ] {
        assert!(latest.as_array().unwrap().contains(&key), "{key}: {latest}");
    }
}

#[test]
fn a_launch_tells_of_what_aws_cannot_make_of_it() {
    let stack = Stack::new();
    let old = stack.launch(&["--dry-run", "--build-image", "aws/codebuild/python:3.6.5-1.3.2"]);
    old.exits(0).says(&["aws/codebuild/python:3.6.5-1.3.2", "Ubuntu 14.04"]);
    let given = "PythonBuildVersion=aws/codebuild/standard:4.0";
    let other_way = stack.launch(&["--dry-run", "--parameter", given]);
    other_way.exits(0).says(&["deprecated"]);
}

#[test]
fn a_failed_launch_names_the_first_resource_that_failed_and_can_be_repeated() {
    let stack = Stack::new();
    let taken = format!("taken-{}", stack.name);
    boto(&format!(
        "boto3.client('ecr').create_repository(repositoryName='{taken}')"
    ));
    let template = fs::read_to_string(root().join("templates/cicd-pipeline.yaml")).unwrap();
    let (before, rest) = template.split_once("      RepositoryName:").unwrap();
    let (_, after) = rest.split_once('\n').unwrap();
    let template = format!("{before}      RepositoryName: {taken}\n{after}");
    fs::write(stack.sandbox.project().join("taken.yaml"), template).unwrap();

    let failed = stack.launch(&["--template", "taken.yaml"]).exits(1);
    let error = failed.stderr.lines().find(|line| line.starts_with("error[")).unwrap();
    for words in [
        "is ROLLBACK_COMPLETE",
        "Repository (AWS::ECR::Repository) failed",
        &taken,
        "already exists",
    ] {
        assert!(error.contains(words), "{words}: {error}");
    }
    failed.says(&["run the command again"]);
    let shown = stack.run(&["status"]).exits(0);
    assert!(shown.stderr.contains("ROLLBACK_COMPLETE") || shown.stdout.contains("ROLLBACK_COMPLETE"));

    boto(&format!(
        "boto3.client('ecr').delete_repository(repositoryName='{taken}', force=True)"
    ));
    stack
        .launch(&["--template", "taken.yaml"])
        .exits(0)
        .says(&["Removing what a failed creation left"]);
    assert_eq!(stack.status(), json!(["CREATE_COMPLETE"]));
}

/// A pipeline as the original's stack would have configured it, played until it is dropped.
struct Original(String);

impl Original {
    fn player(&self, method: &str, body: &Value) -> Value {
        let url = format!(
            "{}/_pipelines/{}",
            Testbed::get().variable("SGBUILD_TESTBED_PLAYER"),
            self.0
        );
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--fail-with-body",
            "--request",
            method,
            &url,
        ]);
        curl.args(["--data", &body.to_string()]);
        let output = curl.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }
}

impl Drop for Original {
    fn drop(&mut self) {
        self.player("DELETE", &json!({}));
    }
}

#[test]
fn the_buildspec_works_under_the_original_stacks_environment() {
    let sandbox = Sandbox::of_fixture("setuptools-docker-style").with_testbed();
    fs::copy(root().join("buildspec.yml"), sandbox.project().join("buildspec.yml")).unwrap();
    let sandbox = sandbox.committed();
    let original = Original(format!("original-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]));
    let made = original.player(
        "PUT",
        &json!({ "binary": env!("CARGO_BIN_EXE_sgbuild"), "source": sandbox.project(), "fetch": true }),
    );
    let bucket = made["input_bucket"].as_str().unwrap();
    python(&format!(
        "import boto3\nboto3.client('s3').put_object(Bucket={bucket:?}, Key='input/data/training/a.csv', Body=b'a,b\\n1,2\\n')"
    ));
    let begun = Instant::now();
    loop {
        let history = original.player("GET", &json!({}));
        let jobs = history["jobs"].as_array().unwrap();
        let builds = history["builds"].as_array().unwrap();
        assert!(builds.iter().all(|build| build["status"] != "FAILED"), "{history:#}");
        if let Some(job) = jobs.iter().find(|job| job["status"] == "Completed") {
            // FULL_NAME, FUNCTION_NAME and the other names of the original decide.
            assert!(
                job["image"]
                    .as_str()
                    .unwrap()
                    .contains(&format!("/{}@sha256:", original.0)),
                "{history:#}"
            );
            return;
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "{history:#}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn a_build_that_failed_pushes_and_trains_nothing() {
    let in_build = |succeeding: &str| {
        Sandbox::of_fixture("setuptools-docker-style")
            .with("CODEBUILD_BUILD_ID", "iris:1")
            .with("CODEBUILD_BUILD_SUCCEEDING", succeeding)
    };
    for verb in ["push", "train"] {
        let refused = in_build("0").run(&[verb]).exits(1);
        refused.says(&[
            "nothing is pushed or trained",
            "CODEBUILD_BUILD_SUCCEEDING is 0",
            "log of that phase",
        ]);
    }
    // One that succeeds gets as far as anywhere else.
    in_build("1").run(&["train"]).exits(1).says(&["no pushed image"]);
}

#[test]
fn a_package_that_needs_docker_has_no_pipeline_without_it() {
    let stack = Stack::new();
    let settings = |text: &str| {
        stack
            .sandbox
            .write("pyproject.toml", &format!("[tool.sgbuild]\n{text}\n"));
    };
    settings("dockerfile-template = \"Dockerfile.j2\"");
    stack.sandbox.write("Dockerfile.j2", "FROM {{ base_image }}\n");
    for more in [&[][..], &["--engine", "native"]] {
        stack.launch(more).exits(1).says(&[
            "without Docker",
            "Dockerfile template",
            "sgbuild launch --engine docker",
        ]);
        assert_eq!(stack.status(), json!([]), "{more:?}");
    }
    // What a base image can have is made once there is a repository.
    settings("system-packages = [\"git\"]");
    stack
        .launch(&["--dry-run"])
        .exits(0)
        .says(&["the setting `system-packages`", "sgbuild base"]);
    stack.launch(&["--engine", "docker"]).exits(0);
    // An update keeps the engine that was chosen.
    stack.launch(&[]).exits(0).says(&["is up to date"]);
}
