//! Whether SageMaker gets the role that it is to train with.

use std::fmt::Write as _;

use aws_config::SdkConfig;
use aws_sdk_iam::Client;
use aws_sdk_iam::operation::get_role::GetRoleError;
use aws_sdk_iam::types::{
    ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType as Decision,
};
use serde_json::Value;

use super::not_asked;
use crate::aws::CallError;
use crate::check::finding::Finding;
use crate::check::rule::Rule;

/// Who the role is passed to.
const SAGEMAKER: &str = "sagemaker.amazonaws.com";

/// Whether there is this role, and whether SageMaker may assume it.
pub(super) async fn look(role: &str, config: &SdkConfig) -> Option<Finding> {
    let name = role.rsplit('/').next()?;
    let unusable = |what: String, advice: String| Some(Finding::new(Rule::RoleUnusable, what, advice));
    let error = match Client::new(config).get_role().role_name(name).send().await {
        Err(error) => error,
        Ok(answer) => {
            let found = answer.role?;
            if found.arn != role {
                let what = format!(
                    "there is no role {role}: the account's role of that name is {}",
                    found.arn
                );
                return unusable(what, format!("Set `role` to {}, or name another one.", found.arn));
            }
            let trust = found.assume_role_policy_document.unwrap_or_default();
            return match is_for_sagemaker(&trust) {
                Some(false) => unusable(
                    format!("SageMaker may not assume the role {role}: its trust policy does not name {SAGEMAKER}"),
                    format!(
                        "Allow the service {SAGEMAKER} sts:AssumeRole in the role's trust policy, or name a role of SageMaker's."
                    ),
                ),
                _ => None,
            };
        }
    };
    let is_missing = error
        .as_service_error()
        .is_some_and(GetRoleError::is_no_such_entity_exception);
    if is_missing {
        return unusable(
            format!("there is no role {role}"),
            "Correct the setting `role`; `sgbuild status` names the pipeline's.".to_owned(),
        );
    }
    Some(not_asked(&format!("the role {role}"), &CallError::from_sdk(&error)))
}

/// Whether a trust policy, percent-encoded JSON, lets the service assume the role; `None` where that is not plain from it.
/// See [trust policies](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_terms-and-concepts.html) and
/// [GetRole](https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html).
fn is_for_sagemaker(encoded: &str) -> Option<bool> {
    let text = percent_encoding::percent_decode_str(encoded).decode_utf8().ok()?;
    let policy: Value = serde_json::from_str(&text).ok()?;
    let names_it = |statement: &&Value| {
        let principal = &statement["Principal"];
        let is_any = principal == "*";
        statement["Effect"] == "Allow" && (is_any || listed(&principal["Service"]).any(is_sagemaker))
    };
    Some(listed(&policy["Statement"]).any(|statement| names_it(&statement)))
}

fn is_sagemaker(service: &Value) -> bool {
    service
        .as_str()
        .is_some_and(|name| name == "*" || name.starts_with("sagemaker."))
}

/// One value stands for a list of one in policies.
fn listed(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(all) => all.iter(),
        Value::Null => [].iter(),
        one => std::slice::from_ref(one).iter(),
    }
}

/// Whether the function's role may hand the training's role to SageMaker, as IAM itself
/// [simulates](https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html) it; nothing is passed.
pub(super) async fn passing(function_role: &str, role: &str, config: &SdkConfig) -> Option<Finding> {
    let to_sagemaker = ContextEntry::builder()
        .context_key_name("iam:PassedToService")
        .context_key_values(SAGEMAKER)
        .context_key_type(ContextKeyTypeEnum::String)
        .build();
    let answer = Client::new(config)
        .simulate_principal_policy()
        .policy_source_arn(function_role)
        .action_names("iam:PassRole")
        .resource_arns(role)
        .context_entries(to_sagemaker)
        .send()
        .await;
    let what = format!("whether the function's role {function_role} may pass {role}");
    let results = match answer {
        Ok(answer) => answer.evaluation_results.unwrap_or_default(),
        Err(error) => return Some(not_asked(&what, &CallError::from_sdk(&error))),
    };
    let [result] = &results[..] else {
        let count = format!("IAM answered with {} results for one question", results.len());
        return Some(not_asked(&what, &count));
    };
    denied(function_role, role, result)
}

/// What a result says, where that is not yes.
fn denied(function_role: &str, role: &str, result: &EvaluationResult) -> Option<Finding> {
    if result.eval_decision == Decision::Allowed {
        return None;
    }
    let mut message = format!("the function's role {function_role} may not pass {role} to SageMaker: ");
    let unknown = result.missing_context_values();
    message.push_str(&why(result));
    if !unknown.is_empty() {
        // A condition may hold in the call itself, where these are known.
        let _ = write!(message, "; not known here: {}", unknown.join(", "));
    }
    let advice = format!(
        "Grant {function_role} iam:PassRole on {role}, with the condition iam:PassedToService = {SAGEMAKER}, or name a role that it may pass."
    );
    Some(Finding::new(Rule::PassRoleDenied, message, advice).certain(unknown.is_empty()))
}

fn why(result: &EvaluationResult) -> String {
    let is_barred_above = result
        .organizations_decision_detail()
        .is_some_and(|detail| !detail.allowed_by_organizations());
    let is_out_of_bounds = result
        .permissions_boundary_decision_detail()
        .is_some_and(|detail| !detail.allowed_by_permissions_boundary());
    if is_barred_above {
        return "a policy of the organization bars it".to_owned();
    }
    if is_out_of_bounds {
        return "the role's permissions boundary bars it".to_owned();
    }
    if result.eval_decision != Decision::ExplicitDeny {
        return "no policy of it allows that".to_owned();
    }
    let denying = result
        .matched_statements()
        .iter()
        .find_map(|one| one.source_policy_id());
    denying.map_or_else(
        || "a policy denies it".to_owned(),
        |policy| format!("its policy {policy} denies it"),
    )
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::types::{OrganizationsDecisionDetail, PermissionsBoundaryDecisionDetail, Statement};

    use super::*;

    const FUNCTION: &str = "arn:aws:iam::123456789012:role/function";
    const TRAINING: &str = "arn:aws:iam::123456789012:role/training";

    fn result(decision: Decision) -> aws_sdk_iam::types::builders::EvaluationResultBuilder {
        EvaluationResult::builder()
            .eval_action_name("iam:PassRole")
            .eval_decision(decision)
    }

    fn told(result: aws_sdk_iam::types::builders::EvaluationResultBuilder) -> Option<String> {
        let finding = denied(FUNCTION, TRAINING, &result.build().unwrap())?;
        let reason = finding.message.split_once("to SageMaker: ").unwrap().1.to_owned();
        Some(format!("{}: {reason}", finding.severity))
    }

    #[test]
    fn what_iam_decides() {
        assert_eq!(told(result(Decision::Allowed)), None);
        let implicit = || result(Decision::ImplicitDeny);
        assert_eq!(told(implicit()).unwrap(), "error: no policy of it allows that");
        let statement = Statement::builder().source_policy_id("no-passing").build();
        assert_eq!(
            told(result(Decision::ExplicitDeny).matched_statements(statement)).unwrap(),
            "error: its policy no-passing denies it"
        );
        assert_eq!(
            told(result(Decision::ExplicitDeny)).unwrap(),
            "error: a policy denies it"
        );
        let barred = OrganizationsDecisionDetail::builder().build();
        assert_eq!(
            told(implicit().organizations_decision_detail(barred)).unwrap(),
            "error: a policy of the organization bars it"
        );
        let bounds = PermissionsBoundaryDecisionDetail::builder().build();
        assert_eq!(
            told(implicit().permissions_boundary_decision_detail(bounds)).unwrap(),
            "error: the role's permissions boundary bars it"
        );
        assert_eq!(
            told(implicit().missing_context_values("iam:AssociatedResourceArn")).unwrap(),
            "warning: no policy of it allows that; not known here: iam:AssociatedResourceArn"
        );
    }

    #[test]
    fn whom_a_trust_policy_names() {
        let policy = |principal: &str| {
            format!(
                "%7B%22Statement%22%3A%5B{{\"Effect\":\"Allow\",\"Principal\":{principal},\"Action\":\"sts:AssumeRole\"}}%5D%7D"
            )
        };
        for principal in [
            r#"{"Service":"sagemaker.amazonaws.com"}"#,
            r#"{"Service":["ec2.amazonaws.com","sagemaker.amazonaws.com"]}"#,
            r#""*""#,
        ] {
            assert_eq!(is_for_sagemaker(&policy(principal)), Some(true), "{principal}");
        }
        for principal in [r#"{"Service":"lambda.amazonaws.com"}"#, r#"{"AWS":"123456789012"}"#] {
            assert_eq!(is_for_sagemaker(&policy(principal)), Some(false), "{principal}");
        }
        let denied = r#"{"Statement":{"Effect":"Deny","Principal":{"Service":"sagemaker.amazonaws.com"}}}"#;
        assert_eq!(is_for_sagemaker(denied), Some(false));
        assert_eq!(is_for_sagemaker("{"), None);
    }
}
