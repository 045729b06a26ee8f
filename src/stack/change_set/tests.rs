use super::*;
use crate::explain::Explain as _;

fn declaration(key: &str, default: Option<&str>) -> ParameterDeclaration {
    ParameterDeclaration::builder()
        .parameter_key(key)
        .set_default_value(default.map(ToOwned::to_owned))
        .build()
}

fn settings(given: &[(&str, &str)], derived: &[(&str, &str)]) -> PlanSettings {
    let map = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    PlanSettings {
        stack: "iris".to_owned(),
        template: Template::Body(String::new()),
        given: map(given),
        derived: map(derived),
        tags: BTreeMap::new(),
    }
}

fn existing(parameters: &[&str]) -> Stack {
    Stack {
        name: "iris".to_owned(),
        id: "arn".to_owned(),
        status: "CREATE_COMPLETE".to_owned(),
        reason: None,
        changed_at: None,
        outputs: BTreeMap::new(),
        parameters: parameters
            .iter()
            .map(|key| ((*key).to_owned(), "****".to_owned()))
            .collect(),
    }
}

#[test]
fn what_is_set_wins_and_a_stack_keeps_the_rest() {
    let declared = [
        declaration("Email", None),
        declaration("GitHubToken", Some("")),
        declaration("GitHubRepo", None),
        declaration("New", Some("x")),
    ];
    let settings = settings(&[("Email", "me@example.com")], &[("GitHubRepo", "derived")]);
    let stack = existing(&["Email", "GitHubToken", "GitHubRepo"]);
    let parameters = parameters(&settings, &declared, Some(&stack)).unwrap();
    assert_eq!(parameters.len(), 3, "the new one takes the template's default");
    assert_eq!(parameters[0].parameter_value(), Some("me@example.com"));
    assert_eq!(parameters[1].use_previous_value(), Some(true));
    assert_eq!(parameters[2].use_previous_value(), Some(true));
}

#[test]
fn a_stack_from_before_engines_stays_with_docker() {
    let declared = [declaration("Engine", Some("native"))];
    let engine = |given: &[(&str, &str)], stack: Option<&[&str]>| {
        let stack = stack.map(existing);
        let parameters = parameters(&settings(given, &[]), &declared, stack.as_ref()).unwrap();
        parameters
            .first()
            .map(|engine| engine.parameter_value().unwrap_or("as it is").to_owned())
    };
    assert_eq!(engine(&[], None), None, "the template's default");
    assert_eq!(engine(&[], Some(&["Email"])).as_deref(), Some("docker"));
    assert_eq!(engine(&[], Some(&["Email", "Engine"])).as_deref(), Some("as it is"));
    assert_eq!(
        engine(&[("Engine", "native")], Some(&["Email"])).as_deref(),
        Some("native")
    );
}

#[test]
fn a_new_stack_says_everything_that_is_missing() {
    let declared = [
        declaration("Email", None),
        declaration("GitHubUser", None),
        declaration("Days", Some("1")),
    ];
    let error = parameters(&settings(&[], &[]), &declared, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the stack iris cannot be created without Email, GitHubUser"
    );
    assert!(
        error.advice().hints[0].contains("--email"),
        "{:?}",
        error.advice().hints
    );
}

#[test]
fn a_misspelt_parameter_is_refused() {
    let error = parameters(&settings(&[("email", "x")], &[]), &[declaration("Email", None)], None).unwrap_err();
    assert_eq!(error.to_string(), "the template has no parameter email");
}

#[test]
fn replacing_a_bucket_puts_data_at_stake() {
    let change = |action: &str, kind: &str, replaces| Change {
        action: action.to_owned(),
        logical_id: kind.rsplit(':').next().unwrap().to_owned(),
        kind: kind.to_owned(),
        replaces,
    };
    let plan = Plan {
        id: String::new(),
        stack: String::new(),
        stack_id: String::new(),
        creates: false,
        changes: vec![
            change("Modify", "AWS::S3::Bucket", false),
            change("Remove", "AWS::DynamoDB::Table", false),
            change("Modify", "AWS::ECR::Repository", true),
            change("Modify", "AWS::Lambda::Function", true),
        ],
    };
    assert_eq!(plan.data_at_stake(), ["Table", "Repository"]);
}
