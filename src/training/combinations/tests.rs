use serde_json::json;

use super::*;

fn problems(further: &Value) -> String {
    let training = Training {
        instance_type: "ml.m5.large".to_owned(),
        instance_count: 1,
        max_runtime_seconds: 3600,
        further: further.as_object().cloned(),
        ..Training::default()
    };
    let problems = check(&training);
    let lines = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.path, problem.what));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_goes_together_is_fine() {
    let fine = json!({
        "EnableManagedSpotTraining": true,
        "StoppingCondition": { "MaxWaitTimeInSeconds": 3600, "MaxPendingTimeInSeconds": 7200 },
        "CheckpointConfig": { "S3Uri": "s3://models/checkpoints/", "LocalPath": "/opt/ml/checkpoints" },
        "VpcConfig": { "Subnets": ["subnet-0a1b2c3d"], "SecurityGroupIds": ["sg-0a1b2c3d4e5f60718"] },
        "OutputDataConfig": { "KmsKeyId": "alias/models" },
        "ResourceConfig": { "VolumeKmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/1a2b-3c" },
        "InputDataConfig": [
            { "ChannelName": "training", "InputMode": "Pipe" },
            { "ChannelName": "vocabulary", "DataSource": { "S3DataSource": { "S3Uri": "s3://iris/vocabulary/" } } },
            { "ChannelName": "shared", "DataSource": { "FileSystemDataSource": { "FileSystemId": "fs-0a1b2c3d" } } },
        ],
        "Tags": [{ "Key": "team", "Value": "iris & co".replace('&', "+") }],
        "Environment": { "OMP_NUM_THREADS": "1" },
        "ProfilerConfig": { "DisableProfiler": true },
    });
    assert_eq!(problems(&fine), "");
    assert_eq!(problems(&Value::Null), "");
}

#[test]
fn each_rule_has_its_words() {
    let place = |name: &str, source: Value| json!({ "ChannelName": name, "DataSource": source });
    let wrong = [
        json!({ "StoppingCondition": { "MaxWaitTimeInSeconds": 7200 } }),
        json!({ "EnableManagedSpotTraining": true, "ResourceConfig": { "KeepAlivePeriodInSeconds": 60, "TrainingPlanArn": "plan" } }),
        json!({ "EnableManagedSpotTraining": true, "StoppingCondition": { "MaxWaitTimeInSeconds": 3599 } }),
        json!({ "ResourceConfig": {
            "InstanceGroups": [
                { "InstanceGroupName": "a", "InstanceType": "ml.g5.xlarge", "InstanceCount": 1 },
                { "InstanceGroupName": "a", "InstanceType": "g5.xlarge", "InstanceCount": 1 },
            ],
            "InstancePreferences": [{ "InstanceType": "ml.m5d.large" }],
            "VolumeKmsKeyId": "my key",
        } }),
        json!({ "VpcConfig": { "Subnets": ["subnet-x"] } }),
        json!({ "VpcConfig": { "SecurityGroupIds": ["0a1b2c3d"] } }),
        json!({ "CheckpointConfig": { "LocalPath": "checkpoints" } }),
        json!({ "CheckpointConfig": { "S3Uri": "/mnt" }, "OutputDataConfig": { "KmsKeyId": "arn:aws:kms:x:1:key/a" } }),
        json!({ "InputDataConfig": [
            place("validation", json!({ "S3DataSource": { "S3Uri": "s3://iris/elsewhere/" } })),
            place("extra", json!({ "S3DataSource": {} })),
            place("extra", json!({ "FileSystemDataSource": {} })),
            place("bad", json!({ "S3DataSource": { "S3Uri": "iris" } })),
        ] }),
        json!({ "Environment": { "SGBUILD_RUN_ID": "mine", "A-B": "" } }),
        json!({ "Tags": [
            { "Key": "aws:x", "Value": "1" }, { "Key": "sgbuild:run-id", "Value": "1" }, { "Key": "a", "Value": "1\n2" }, { "Key": "a", "Value": "" },
        ] }),
        json!({ "ProfilerConfig": { "S3OutputPath": "s3://models/" } }),
    ];
    insta::assert_snapshot!(wrong.map(|further| problems(&further)).join("\n\n"), @r"
    StoppingCondition.MaxWaitTimeInSeconds: is for managed spot training alone (`spot`): nothing else is waited for

    ResourceConfig.TrainingPlanArn: `plan` is not the ARN of a training plan, such as arn:aws:sagemaker:us-west-2:123456789012:training-plan/mine
    EnableManagedSpotTraining: needs the longest wait for instances and training together (`max-wait`, MaxWaitTimeInSeconds)
    ResourceConfig.KeepAlivePeriodInSeconds: does not go with managed spot training (`spot`): spot instances are not kept
    ResourceConfig.TrainingPlanArn: does not go with managed spot training (`spot`): a plan's instances are reserved ones

    StoppingCondition.MaxWaitTimeInSeconds: is 3599, and the run alone may take 3600 seconds (`max-runtime`)

    ResourceConfig.InstanceGroups[1].InstanceType: `g5.xlarge` is not a SageMaker instance type, such as ml.m5.large
    ResourceConfig.VolumeKmsKeyId: `my key` is not a KMS key: its id, its ARN, or alias/NAME
    ResourceConfig.InstancePreferences: does not go with ResourceConfig.InstanceGroups
    ResourceConfig.InstanceGroups: names `a` twice
    ResourceConfig.VolumeKmsKeyId: is for volumes, and ml.g5.xlarge brings its own disks, which are encrypted anyway

    VpcConfig.Subnets[0]: `subnet-x` is not the id of a subnet, such as subnet-0a1b2c3d4e5f60718
    VpcConfig.Subnets: needs security groups as well (`security-groups`)

    VpcConfig.SecurityGroupIds[0]: `0a1b2c3d` is not the id of a security group, such as sg-0a1b2c3d4e5f60718
    VpcConfig.SecurityGroupIds: needs subnets as well (`subnets`)

    CheckpointConfig.LocalPath: `checkpoints` is not a directory of the container: it begins with /
    CheckpointConfig.LocalPath: needs the place in S3 as well (`checkpoints`)

    CheckpointConfig.S3Uri: `/mnt` is not an S3 URI, such as s3://bucket/folder/
    OutputDataConfig.KmsKeyId: `arn:aws:kms:x:1:key/a` is not a KMS key: its id, its ARN, or alias/NAME

    InputDataConfig[3].DataSource.S3DataSource.S3Uri: `iris` is not an S3 URI, such as s3://bucket/folder/
    InputDataConfig[0].DataSource.S3DataSource.S3Uri: says where the data of `validation` is: that is its folder of the input bucket (`source-bucket`)
    InputDataConfig[1]: does not say where the data of `extra` is (`channels`)
    InputDataConfig[2]: has a file system, which is reached through a network alone (`subnets`)
    InputDataConfig: names `extra` twice

    Environment: `SGBUILD_RUN_ID` is sgbuild's own
    Environment: `A-B` is not a variable's name: letters, digits and _

    Tags[2].Value: `1\n2` is not a text of a tag: letters, digits, blanks and _ . : / = + - @
    Tags: `aws:x` is a tag of aws's own
    Tags: `sgbuild:run-id` is a tag of sgbuild's own
    Tags: names `a` twice

    ProfilerConfig: is for a training that is profiled: switch on `profiler`
    ");
}

#[test]
fn disks_of_their_own() {
    for own in [
        "ml.g4dn.xlarge",
        "ml.m5d.large",
        "ml.p4d.24xlarge",
        "ml.m5dn.large",
        "ml.g5.xlarge",
        "ml.c6id.large",
        "ml.trn1.2xlarge",
    ] {
        assert!(has_disks(own), "{own}");
    }
    for none in ["ml.m5.large", "ml.p3.2xlarge", "ml.c5n.xlarge", "ml.m7i.large", ""] {
        assert!(!has_disks(none), "{none}");
    }
}
