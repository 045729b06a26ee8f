//! What the training function is called with, and the variables that are set.

use serde_json::{Value, json};

use super::{Container, code, stdout};

/// What `signature` is called with when the job has these hyperparameters: what it got, or why it was not called.
fn called(signature: &str, hyperparameters: &Value) -> String {
    let source = format!(
        "import enum, os, pathlib\nfrom typing import *\nclass Optimizer(enum.Enum):\n    ADAM = 'adam'\n    SGD = 'sgd'\n\
         def main({signature}):\n    print(*(f'{{name}}={{value!r}}' for name, value in locals().items()))\n"
    );
    asked(Container::new(&source), hyperparameters)
}

fn asked(container: Container, hyperparameters: &Value) -> String {
    let container = container
        .configured("hyperparameters.json", hyperparameters)
        .configured(
            "inputdataconfig.json",
            &json!({ "train": { "TrainingInputMode": "File" }, "more-data": {} }),
        );
    let root = container.path("ml").to_str().unwrap().to_owned();
    let output = container.run(&["train"]);
    let said = match code(&output) {
        0 => stdout(&output),
        _ => container.failure().unwrap().lines().next().unwrap().to_owned(),
    };
    said.trim_end().replace(&root, "/opt/ml")
}

#[test]
fn hyperparameters_become_what_the_function_says_they_are() {
    for (signature, text, expected) in [
        ("x: int", "10", "x=10"),
        ("x: int", "10.0", "x=10"),
        ("x: int = 0", "10", "x=10"),
        ("x: float", "1e-3", "x=0.001"),
        ("x: float", "3", "x=3.0"),
        ("x: bool", "False", "x=False"),
        ("x: bool = True", "0", "x=False"),
        ("x: str", "10", "x='10'"),
        ("x: str", "\"adam\"", "x='adam'"),
        ("x: 'int'", "10", "x=10"),
        ("x: Optional[int] = 3", "null", "x=None"),
        ("x: Optional[int] = 3", "7", "x=7"),
        ("x: Union[int, str]", "seven", "x='seven'"),
        ("x: List[int]", "[1, 2]", "x=[1, 2]"),
        ("x: Tuple[float, ...]", "[1, 2]", "x=(1.0, 2.0)"),
        ("x: Dict[str, int]", "{\"a\": 1}", "x={'a': 1}"),
        ("x: Optimizer", "sgd", "x=<Optimizer.SGD: 'sgd'>"),
        ("x: Optimizer", "ADAM", "x=<Optimizer.ADAM: 'adam'>"),
        ("x: Optimizer = Optimizer.SGD", "adam", "x=<Optimizer.ADAM: 'adam'>"),
        ("x: pathlib.Path", "/a", "x=PosixPath('/a')"),
        ("x=0.1", "1", "x=1.0"),
        // `dropout=0` may be a fraction.
        ("x=0", "0.5", "x=0.5"),
        ("x", "[1]", "x=[1]"),
        ("x", "word", "x='word'"),
        ("x: 'Missing'", "3", "x=3"),
        ("*, x: int", "10", "x=10"),
        ("y=1, x: int = 2", "10", "y=1 x=10"),
        ("**x", "10", "x={'x': 10}"),
        ("y=1, **more", "10", "y=1 more={'x': 10}"),
    ] {
        assert_eq!(
            called(signature, &json!({ "x": text })),
            expected,
            "{signature} of {text}"
        );
    }
    assert_eq!(
        called("learning_rate: float", &json!({ "learning-rate": "0.1" })),
        "learning_rate=0.1"
    );
    assert_eq!(
        called("x: Literal['a', 1]", &json!({ "x": "1" })),
        "x=1",
        "as typing.Literal has it since Python 3.8"
    );
}

#[test]
fn what_is_no_such_value_is_refused_by_its_name() {
    for (signature, text) in [
        ("x: int", "3.5"),
        ("x: int", "true"),
        ("x: int", ""),
        ("x: float", "fast"),
        ("x: float", "true"),
        ("x: bool", "maybe"),
        ("x: List[int]", "1,2"),
        ("x: List[int]", "[\"a\"]"),
        ("x: Dict[str, int]", "[]"),
        ("x: Optimizer", "rmsprop"),
        ("x: Optional[int]", "7.5"),
        ("x: Literal['a', 'b']", "c"),
    ] {
        let said = called(signature, &json!({ "x": text }));
        assert!(
            said.starts_with("the hyperparameter x of iris.train:main is no ")
                && said.ends_with(format!(": {text}").trim_end()),
            "{signature} of {text}: {said}"
        );
    }
}

#[test]
fn names_that_do_not_fit_are_refused() {
    assert_eq!(
        called("epochs=1", &json!({ "epoch": "3", "lr": "1" })),
        "iris.train:main takes no hyperparameter epoch, lr: it takes epochs"
    );
    assert_eq!(
        called("epochs, lr", &json!({ "lr": "3" })),
        "iris.train:main needs epochs, and the job has no hyperparameter or channel of that name"
    );
    assert_eq!(
        called("seed=None", &json!({ "seed": "3", "lr": "1" })),
        "iris.train:main takes no hyperparameter lr: it takes seed"
    );
    assert_eq!(
        called("learning_rate", &json!({ "learning-rate": "3", "learning_rate": "4" })),
        "there are two hyperparameters for learning_rate, learning_rate is one"
    );
}

/// What the SDK and a tuning job add is nobody's parameter.
#[test]
fn hyperparameters_of_others_are_not_the_functions() {
    let of_others = json!({ "sagemaker_program": "\"train.py\"", "_tuning_objective_metric": "loss", "epochs": "3" });
    assert_eq!(called("epochs: int", &of_others), "epochs=3");
}

#[test]
fn channels_and_directories_go_by_their_names() {
    assert_eq!(
        called("train, more_data, model_dir, output_data_dir: pathlib.Path", &json!({})),
        "train='/opt/ml/input/data/train' more_data='/opt/ml/input/data/more-data' model_dir='/opt/ml/model' \
         output_data_dir=PosixPath('/opt/ml/output/data')"
    );
    // A hyperparameter says more than a convention.
    assert_eq!(
        called("model_dir", &json!({ "model_dir": "\"s3://b/m\"" })),
        "model_dir='s3://b/m'"
    );
}

#[test]
fn a_function_that_takes_nothing_gets_nothing() {
    let three = json!({ "epochs": "3" });
    assert_eq!(called("", &three), "");
    assert_eq!(called("argv=None", &three), "argv=None");
    assert_eq!(
        called("root=pathlib.Path('/opt')", &three),
        "root=PosixPath('/opt')",
        "a place"
    );
    assert_eq!(
        called("root='/opt/ml', logger=None", &three),
        "root='/opt/ml' logger=None"
    );
    assert_eq!(called("model_dir", &three), "model_dir='/opt/ml/model'");
    assert_eq!(called("*args", &three), "args=()");
    let script = "def main(epochs=1):\n    print(epochs)\n";
    let script = Container::with_entry_points(script, "iris.train:main", "", true);
    assert_eq!(
        asked(script, &three),
        "1",
        "a console script is called as its program would call it"
    );
    let command =
        "class Command:\n    def __call__(self, *args, **kwargs):\n        print(args, kwargs)\nmain = Command()\n";
    assert_eq!(asked(Container::new(command), &three), "() {}", "as those of click are");
}

#[test]
fn a_method_and_an_object_are_called_as_functions_are() {
    let object = "class Trainer:\n    def __call__(self, epochs: int):\n        print(epochs + 1)\nmain = Trainer()\n";
    assert_eq!(asked(Container::new(object), &json!({ "epochs": "3" })), "4");
    let wrapped = "import functools\ndef logged(f):\n    @functools.wraps(f)\n    def g(*a, **k):\n        return f(*a, **k)\n    return g\n\
                   @logged\ndef main(epochs: int):\n    print(epochs + 1)\n";
    assert_eq!(asked(Container::new(wrapped), &json!({ "epochs": "3" })), "4");
    let partial =
        "import functools\ndef train(a, epochs: int):\n    print(a, epochs)\nmain = functools.partial(train, 'x')\n";
    assert_eq!(asked(Container::new(partial), &json!({ "epochs": "3" })), "x 3");
}

#[test]
fn a_configuration_that_cannot_be_read_is_named() {
    let container = Container::new("def main(epochs=1):\n    pass\n").configured("hyperparameters.json", &json!([]));
    assert_eq!(code(&container.run(&["train"])), 1);
    assert!(
        container
            .failure()
            .unwrap()
            .contains("hyperparameters.json is no JSON object")
    );
    std::fs::write(container.path("ml/input/config/hyperparameters.json"), "{").unwrap();
    assert_eq!(code(&container.run(&["train"])), 1);
    assert!(
        container
            .failure()
            .unwrap()
            .contains("hyperparameters.json cannot be read")
    );
}

/// As `sagemaker-training` and the SDK's own driver set them.
#[test]
fn the_variables_of_the_training_toolkit_are_set() {
    let source = "import json, os\ndef main():\n    print(json.dumps({k: v for k, v in os.environ.items() if k.startswith(('SM_', 'NCCL'))}))\n";
    let container = Container::new(source)
        .configured("hyperparameters.json", &json!({ "learning-rate": "0.1", "name": "\"a b\"", "sagemaker_region": "x" }))
        .configured("inputdataconfig.json", &json!({ "train": {}, "test-data": {} }))
        .configured(
            "resourceconfig.json",
            &json!({
                "current_host": "algo-2", "hosts": ["algo-2", "algo-1"], "network_interface_name": "eth0",
                "current_instance_type": "ml.m5.large", "current_group_name": "workers",
                "instance_groups": [{ "instance_group_name": "workers", "instance_type": "ml.m5.large", "hosts": ["algo-1", "algo-2"] }],
            }),
        );
    let mut command = container.command(&["train"]);
    let output = command.env("SM_NUM_GPUS", "8").output().unwrap();
    let set: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let root = container.path("ml").to_str().unwrap().to_owned();
    for (name, expected) in [
        ("SM_MODEL_DIR", format!("{root}/model")),
        ("SM_OUTPUT_DATA_DIR", format!("{root}/output/data")),
        ("SM_CHANNEL_TRAIN", format!("{root}/input/data/train")),
        ("SM_CHANNEL_TEST_DATA", format!("{root}/input/data/test-data")),
        ("SM_CHANNELS", "[\"test-data\", \"train\"]".to_owned()),
        ("SM_HPS", "{\"learning-rate\": 0.1, \"name\": \"a b\"}".to_owned()),
        ("SM_HP_LEARNING_RATE", "0.1".to_owned()),
        ("SM_HP_NAME", "a b".to_owned()),
        (
            "SM_USER_ARGS",
            "[\"--learning-rate\", \"0.1\", \"--name\", \"a b\"]".to_owned(),
        ),
        ("SM_HOSTS", "[\"algo-1\", \"algo-2\"]".to_owned()),
        ("SM_CURRENT_HOST", "algo-2".to_owned()),
        ("SM_CURRENT_HOST_RANK", "1".to_owned()),
        ("SM_HOST_COUNT", "2".to_owned()),
        ("SM_MASTER_ADDR", "algo-1".to_owned()),
        ("SM_CURRENT_INSTANCE_GROUP", "workers".to_owned()),
        ("NCCL_SOCKET_IFNAME", "eth0".to_owned()),
        // What somebody has set stays.
        ("SM_NUM_GPUS", "8".to_owned()),
    ] {
        assert_eq!(set[name], *expected, "{name}");
    }
    let all: Value = serde_json::from_str(set["SM_TRAINING_ENV"].as_str().unwrap()).unwrap();
    assert_eq!(all["current_host"], "algo-2");
}
