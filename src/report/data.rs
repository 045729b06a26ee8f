//! What the page's script compares runs by, as JSON in the page.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use crate::record::{Group, Kind, RunRecord};
use crate::shown::cell;

/// How much all lists of requirements and of data may take in the page, in bytes; of what is more, the digest is compared.
const MAX_LISTS: usize = 512 * 1024;

/// The lists that many runs share, each once.
#[derive(Default)]
struct Lists {
    all: Vec<Value>,
    places: HashMap<(Kind, String), Option<usize>>,
    size: usize,
}

impl Lists {
    /// Where the list is; `None` where there is no more room.
    fn place(&mut self, group: &Group, digest: &str) -> Option<usize> {
        let key = (group.kind, digest.to_owned());
        if let Some(known) = self.places.get(&key) {
            return *known;
        }
        let facts = spelt(group.facts.as_ref()?);
        let size = facts.to_string().len();
        let place = (self.size + size <= MAX_LISTS).then(|| {
            self.size += size;
            self.all.push(facts);
            self.all.len() - 1
        });
        self.places.insert(key, place);
        place
    }
}

/// The facts of `runs`, the newest first as in the table, in a form that ends no script element
/// ([HTML](https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements)).
pub(super) fn json(runs: &[&RunRecord]) -> String {
    let mut lists = Lists::default();
    let runs: Vec<Value> = runs.iter().rev().map(|run| of_run(run, &mut lists)).collect();
    let text = json!({ "kinds": kinds(), "lists": lists.all, "runs": runs }).to_string();
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

fn kinds() -> Vec<&'static str> {
    let kinds = [
        Kind::Code,
        Kind::Image,
        Kind::Requirements,
        Kind::Data,
        Kind::Hyperparameters,
        Kind::Request,
        Kind::Metrics,
        Kind::Outcome,
    ];
    kinds.map(Kind::title).to_vec()
}

fn of_run(run: &RunRecord, lists: &mut Lists) -> Value {
    let groups = run.facts();
    let groups: Vec<Value> = groups.iter().map(|group| of_group(group, lists)).collect();
    json!({
        "job": cell(&run.training.job_name),
        "when": run.recorded_at.strftime("%Y-%m-%d %H:%M").to_string(),
        "groups": groups,
    })
}

/// The facts themselves, or where they are among the lists; with the digest that stands for them.
fn of_group(group: &Group, lists: &mut Lists) -> Value {
    let digest = group.digest.as_ref().map(|digest| cell(digest).into_owned());
    let facts = match (&digest, &group.facts) {
        (_, None) => Value::Null,
        (None, Some(facts)) => spelt(facts),
        (Some(digest), Some(_)) => lists.place(group, digest).map_or(Value::Null, Value::from),
    };
    json!([digest, facts])
}

fn spelt(facts: &BTreeMap<String, String>) -> Value {
    let facts = facts
        .iter()
        .map(|(name, value)| (cell(name).into_owned(), Value::from(cell(value))));
    Value::Object(facts.collect())
}
