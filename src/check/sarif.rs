//! The findings in [SARIF 2.1.0](https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html), which code hosts show beside the lines.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::exceptions::Applied;
use super::finding::{Finding, Place, Severity};
use super::rule::Rule;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The whole log: one run, with the rules that it names.
#[must_use]
pub fn sarif(applied: &Applied, version: &str) -> Value {
    let all = || {
        applied
            .findings
            .iter()
            .chain(applied.allowed.iter().map(|(finding, _)| finding))
    };
    let rules: Vec<Rule> = all()
        .map(|finding| finding.rule)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let index = |rule: Rule| rules.iter().position(|one| *one == rule);
    let result = |finding: &Finding, reason: Option<&str>| {
        let mut result = json!({
            "ruleId": finding.rule.id(),
            "ruleIndex": index(finding.rule),
            "level": level(finding.severity),
            "message": { "text": text(finding) },
        });
        if let Some(place) = &finding.place {
            result["locations"] = json!([location(place)]);
        }
        if let Some(reason) = reason {
            result["suppressions"] = json!([{ "kind": "inSource", "justification": reason }]);
        }
        result
    };
    let told = applied.findings.iter().map(|finding| result(finding, None));
    let allowed = applied
        .allowed
        .iter()
        .map(|(finding, reason)| result(finding, Some(reason)));
    let results: Vec<Value> = told.chain(allowed).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "sgbuild",
                "version": version,
                "semanticVersion": version,
                "rules": rules.iter().map(|rule| described(*rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { "PROJECT": { "description": { "text": "The project's directory." } } },
            "results": results,
        }],
    })
}

fn text(finding: &Finding) -> String {
    if finding.advice.is_empty() {
        return format!("{}.", finding.message);
    }
    format!("{}. {}", finding.message, finding.advice)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn described(rule: Rule) -> Value {
    json!({
        "id": rule.id(),
        "name": rule.name(),
        "shortDescription": { "text": format!("{}.", rule.summary()) },
        "help": { "text": crate::explain::plain(rule.page()), "markdown": rule.page() },
        "defaultConfiguration": { "level": level(rule.severity()) },
        "properties": { "tags": [rule.group().name()] },
    })
}

/// A path is a URI there, with `/` between its parts: <https://www.rfc-editor.org/rfc/rfc3986#section-2>.
fn location(place: &Place) -> Value {
    const KEPT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'.')
        .remove(b'-')
        .remove(b'_')
        .remove(b'~');
    let uri = percent_encoding::utf8_percent_encode(&place.file, KEPT).to_string();
    let mut physical = json!({ "artifactLocation": { "uri": uri } });
    if !place.file.starts_with('/') {
        physical["artifactLocation"]["uriBaseId"] = json!("PROJECT");
    }
    if let Some(line) = place.line {
        physical["region"] = json!({ "startLine": line });
        if let Some(column) = place.column {
            physical["region"]["startColumn"] = json!(column);
        }
    }
    json!({ "physicalLocation": physical })
}
