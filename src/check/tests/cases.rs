//! The table: for each rule what it finds, and what it does not.

use super::*;

/// The rule's id, a case that it finds something in, and one that it does not.
pub(super) fn cases() -> Vec<(&'static str, Case, Case)> {
    [of_projects(), of_dockerfiles(), of_requests()]
        .into_iter()
        .flatten()
        .collect()
}

fn of_projects() -> Vec<(&'static str, Case, Case)> {
    vec![
        ("SGB001", setup("version='1.0'", "version="), case()),
        (
            "SGB002",
            setup("version='1.0'", "version=__import__('os').popen('x').read()"),
            setup("'1.0'", "'1.%d' % 2"),
        ),
        (
            "SGB003",
            setup("iris.training': ['train =", "console_scripts': ['other ="),
            case(),
        ),
        (
            "SGB004",
            setup(
                "['train = iris.train:main']",
                "['train = iris.train:main'], 'b.c': ['train = iris:other']",
            ),
            case(),
        ),
        (
            "SGB005",
            case().file("setup.py", without_data().replace("iris.train:main", "iris.other:main")),
            case().file("setup.py", without_data()),
        ),
        (
            "SGB006",
            case().file("iris/train.py", format!("import pandas\n{TRAIN}")),
            case().file(
                "iris/train.py",
                format!("import json\ntry:\n    import pandas\nexcept ImportError:\n    pass\n{TRAIN}"),
            ),
        ),
        ("SGB007", setup("numpy==1.26.4", "numpy"), case()),
        (
            "SGB008",
            case().file(
                "iris/keys.ini",
                [
                    "key = AK",
                    "IAQWERTYUIOP234567\nsecret = aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC2eF4hJ6kL8n\n",
                ]
                .concat(),
            ),
            case().file(
                "iris/keys.ini",
                "key = AKIAIOSFODNN7EXAMPLE\nsecret = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
            ),
        ),
        (
            "SGB009",
            case().file("iris/.env", "PASSWORD=x\n"),
            case().file(".env", "PASSWORD=x\n"),
        ),
        (
            "SGB010",
            case().file("iris/model.pt", "x".repeat(10_000_000)),
            case().file("iris/model.pt", "x".repeat(1_000)),
        ),
        (
            "SGB011",
            case().file("iris/data.csv", LFS),
            case().file("data.csv", LFS),
        ),
        (
            "SGB012",
            case()
                .file("iris/train.py", "import iris.old\n".to_owned() + TRAIN)
                .file("iris/old.py", "print 'hello'\n"),
            case().file("iris/old.py", "print('hello')\n"),
        ),
    ]
}

fn of_dockerfiles() -> Vec<(&'static str, Case, Case)> {
    vec![
        (
            "SGB101",
            docker("FROM python:3.11\nENTRYPOINT [\"/usr/bin/tini\", \"--\", \"python\", \"a.py\"]\n"),
            docker(DOCKERFILE),
        ),
        (
            "SGB102",
            docker("FROM python:3.11\nENTRYPOINT python train.py\n"),
            docker("FROM python:3.11\nENTRYPOINT [ \"python\", \"train.py\" ]\n"),
        ),
        (
            "SGB103",
            docker("FROM python:3.11\nWORKDIR /opt/ml\nCOPY a input/data/\nENTRYPOINT [\"a\"]\n"),
            docker("FROM python:3.11\nCOPY a /opt/ml/code/\nENV SAGEMAKER_PROGRAM a\nENTRYPOINT [\"a\"]\n"),
        ),
        (
            "SGB104",
            docker("FROM python:3.11\nCOPY iris /iris\nCMD [\"python\", \"a.py\"]\n"),
            docker("FROM python:3.11\nCOPY program /opt/program\nENV PATH=/opt/program:$PATH\n")
                .file("program/train", "#!/bin/sh\n"),
        ),
        (
            "SGB105",
            docker("FROM python:3.11\nCOPY a /b\nUSER 1000\nENTRYPOINT [\"a\"]\n"),
            docker("FROM python:3.11\nCOPY --chown=1000 a /b\nUSER 1000\nENTRYPOINT [\"a\"]\n"),
        ),
        (
            "SGB106",
            docker("FROM ubuntu\nRUN apt-get install -y nvidia-driver-535\nENTRYPOINT [\"a\"]\n"),
            docker("FROM ubuntu\nRUN apt-get install -y cuda-toolkit-12-4\nENTRYPOINT [\"a\"]\n"),
        ),
        ("SGB107", docker("RUN a\n"), docker(DOCKERFILE)),
    ]
}

fn of_requests() -> Vec<(&'static str, Case, Case)> {
    vec![
        (
            "SGB301",
            case().set("role", "training"),
            case().set("role", "arn:aws:iam::123456789012:role/training"),
        ),
        (
            "SGB302",
            case().set("instance-type", "ml.m6g.large"),
            case().set("instance-type", "ml.m5.large"),
        ),
        (
            "SGB303",
            setup("numpy==1.26.4'", "numpy==1.26.4', 'torch==2.4.0+cpu'").set("instance-type", "ml.g5.xlarge"),
            setup("numpy==1.26.4'", "numpy==1.26.4', 'torch==2.4.0+cpu'").set("instance-type", "ml.m5.large"),
        ),
        (
            "SGB304",
            case().set("instance-type", "ml.trn1.2xlarge"),
            setup("numpy==1.26.4'", "numpy==1.26.4', 'torch-neuronx==2.1'").set("instance-type", "ml.trn1.2xlarge"),
        ),
        (
            "SGB305",
            Case {
                repository: Some("123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris"),
                ..case()
            }
            .set("function", "arn:aws:lambda:us-west-2:123456789012:function:t"),
            Case {
                repository: Some("123456789012.dkr.ecr.us-west-2.amazonaws.com/iris"),
                ..case()
            }
            .set("function", "arn:aws:lambda:us-west-2:123456789012:function:t"),
        ),
        (
            "SGB306",
            case().file("hyperparameters.json", "{\"a\": null}"),
            case().file("hyperparameters.json", "{\"a\": 1}"),
        ),
        (
            "SGB307",
            case()
                .metric("accuracy=([0-9.]+)")
                .file("training.log", "accuracy: 0.9\n"),
            case()
                .metric("accuracy=([0-9.]+)")
                .file("training.log", "epoch 1\naccuracy=0.9\n"),
        ),
        (
            "SGB308",
            case().metric("accuracy=([0-9.]+"),
            case().metric("accuracy=([0-9.]+)"),
        ),
        (
            "SGB901",
            docker("FROM python:3.11\nENTRYPOINT [\"tini\"] # sgbuild: allow[SGB101]\n"),
            docker("FROM python:3.11\n# sgbuild: allow[SGB101] only used here\nENTRYPOINT [\"tini\"]\n"),
        ),
        (
            "SGB902",
            case().file(
                "iris/train.py",
                format!("# sgbuild: allow[SGB006] brought by the base\n{TRAIN}"),
            ),
            case(),
        ),
    ]
}
