//! The page as a text; `site/report_check.py` looks at it in a browser.

use serde_json::{Value, json};

use super::*;

fn made_at() -> Timestamp {
    "2026-11-26T00:00:00Z".parse().unwrap()
}

fn record(number: u32, changes: &Value) -> RunRecord {
    let at = Timestamp::from_second(1_795_478_400 + i64::from(number) * 3600).unwrap();
    let mut record = json!({
        "training_job_name": format!("iris-{number}"), "run_id": format!("r{number}"), "git_hash": format!("{:040x}", number / 5),
        "image": format!("host/iris@sha256:{:064x}", number / 5), "instance_type": "ml.m5.large", "instance_count": 1,
        "volume_in_gb": 30, "max_runtime_seconds": 3600, "input_bucket": "iris", "data_source": "uploaded",
        "recorded_at": at, "job_creation_time": at, "job_end_time": at + jiff::SignedDuration::from_secs(600),
        "job_status": "Completed", "billable_seconds": 540, "metrics": { "accuracy": 0.9 },
    });
    for (name, value) in changes.as_object().unwrap() {
        record[name] = value.clone();
    }
    serde_json::from_value(record).unwrap()
}

#[test]
fn what_others_wrote_is_no_part_of_the_page() {
    let evil = "</script><script>alert(1)</script>\u{1b}[2J\u{202e}<img src=x onerror=alert(2)>'\"&";
    let run = record(
        1,
        &json!({
            "training_job_name": evil, "git_hash": evil, "package": evil, "version": evil, "image": format!("{evil}@sha256:{evil}"),
            "job_status": "Failed", "failure_reason": evil, "metrics": { evil: 1.0 }, "hyperparameters": { evil: evil },
            "input_versions": { evil: evil }, "create_training_job": { "Environment": { evil: evil } },
            "requirements": { "digest": evil, "installed": true, "lines": [evil] },
        }),
    );
    let page = page(&[run], &Prices::default(), made_at()).unwrap();
    assert_eq!(page.matches("<script").count(), 2, "ours, and its data");
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains("<img") && !page.contains('\u{1b}') && !page.contains('\u{202e}'));
    assert!(page.contains("&lt;&#x2f;script&gt;") || page.contains("&lt;/script&gt;"));
    let data = page.split_once("id=\"data\">").unwrap().1;
    let data: Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
    assert!(
        data["runs"][0]["job"].as_str().unwrap().starts_with("</script>"),
        "{data}"
    );
}

#[test]
fn totals_failures_and_costs_are_counted() {
    let mut runs: Vec<RunRecord> = (0..4).map(|number| record(number, &json!({}))).collect();
    for number in 4..7 {
        let reason = format!("AlgorithmError: row {number}");
        runs.push(record(
            number,
            &json!({ "job_status": "Failed", "failure_reason": reason }),
        ));
    }
    runs.push(record(
        7,
        &json!({ "job_status": "InProgress", "billable_seconds": null, "job_end_time": null }),
    ));
    let prices: Prices = ["ml.m5.large=2"]
        .iter()
        .map(|price| price.parse::<Price>().unwrap())
        .collect();
    let runs_in_order: Vec<&RunRecord> = runs.iter().collect();
    insta::assert_snapshot!(json!(totals(&runs_in_order, &prices)), @r#"{"runs":8,"completed":4,"failed":3,"stopped":0,"open":1,"billable":"1 h 3 min 0 s","unbilled":0,"cost":"2.10","unpriced":0}"#);
    let groups = failures::groups(&runs_in_order);
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].reason, "AlgorithmError: row ‹n›");
    assert_eq!(groups[0].jobs, ["iris-6", "iris-5", "iris-4"]);
    let with_costs = page(&runs, &prices, made_at()).unwrap();
    assert!(with_costs.contains(">Cost</th>") && with_costs.contains("ml.m5.large 2"));
    let without = page(&runs, &Prices::default(), made_at()).unwrap();
    assert!(!without.contains("Cost"), "what is not known is not spoken of");
    assert_eq!(with_costs.matches("<tr id=\"r").count(), 8);
}

#[test]
fn a_page_of_nothing_says_so() {
    let page = page(&[], &Prices::default(), made_at()).unwrap();
    assert!(page.contains("No run is recorded yet.") && page.contains("No run has failed."));
}

#[test]
fn a_chart_names_its_points_and_has_no_colour_of_its_own() {
    let runs = [
        record(1, &json!({})),
        record(9, &json!({ "metrics": { "accuracy": 0.95 } })),
    ];
    let page = page(&runs, &Prices::default(), made_at()).unwrap();
    assert!(page.contains("<title>iris-9, 2026-11-24 09:10, 0000000: 0.95</title>"));
    assert!(page.contains("2 runs, from 0.9 to 0.95; the first 0.9, the last 0.95."));
    let svg = page.split_once("<svg").unwrap().1.split_once("</svg>").unwrap().0;
    assert!(
        !svg.contains("#0") && svg.contains("class=\"line\"") && !svg.contains("style="),
        "{svg}"
    );
}

#[test]
fn five_hundred_runs_are_less_than_two_megabytes() {
    let names = |prefix: &str, count: usize| (0..count).map(|n| format!("{prefix}{n}")).collect::<Vec<_>>();
    let runs: Vec<RunRecord> = (0..500)
        .map(|number| {
            let object = |names: Vec<String>, value: String| -> Value { names.into_iter().map(|name| (name, Value::from(value.clone()))).collect() };
            let metrics: Value = names("metric-", 8).into_iter().map(|name| (name, Value::from(f64::from(number) / 7.0))).collect();
            let lines: Vec<String> = names("package-", 120).iter().map(|name| format!("{name}==1.{}", number / 10)).collect();
            record(number, &json!({
                "metrics": metrics,
                "hyperparameters": object(names("parameter-", 20), format!("0.{number}")),
                "input_versions": object(names("input/data/training/part-", 400), format!("version-{}", number / 3)),
                "requirements": { "digest": format!("sha256:{:064x}", number / 10), "installed": true, "lines": lines },
                "job_status": if number % 5 == 0 { "Failed" } else { "Completed" },
                "failure_reason": if number % 5 == 0 { json!(format!("AlgorithmError: row {number} {}", "x".repeat(900))) } else { Value::Null },
            }))
        })
        .collect();
    let page = page(&runs, &Prices::default(), made_at()).unwrap();
    assert!(page.len() < 2_000_000, "{}", page.len());
}
