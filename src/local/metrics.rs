//! Metrics in a training's log, by the job's own regular expressions, and a small plot of each.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use regex_lite::{Regex, RegexBuilder};
use rustix::time::{ClockId, clock_gettime};

/// The plot's steps, from the least value to the greatest.
const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// How large an expression may become, in bytes, and how much of a line is looked at: looking takes time with the product of both.
const LARGEST: usize = 128 * 1024;
const LOOKED_AT: usize = 16 * 1024;
/// How long an expression may take for a line before it is not looked for any more.
const PATIENCE: Duration = Duration::from_millis(200);
/// As wide as a plot is at most.
const WIDTH: usize = 40;

/// The values of every metric so far.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    wanted: Vec<(String, Regex)>,
    values: BTreeMap<String, Vec<f64>>,
}

impl Metrics {
    /// What looks for metrics by their names and regular expressions, and what is wrong with those that are none.
    pub(super) fn new(definitions: &BTreeMap<String, String>) -> (Self, Vec<String>) {
        let (mut wanted, mut problems) = (Vec::new(), Vec::new());
        for (name, expression) in definitions {
            match RegexBuilder::new(expression).size_limit(LARGEST).build() {
                Ok(regex) => wanted.push((name.clone(), regex)),
                Err(error) => problems.push(format!("the metric {name} is not looked for: {expression}: {error}")),
            }
        }
        let metrics = Self {
            wanted,
            values: BTreeMap::new(),
        };
        (metrics, problems)
    }

    /// Looks for metrics in a line; whether there was one. What takes too long is told to `warn` and not looked for again: while it looks,
    /// nothing else goes on.
    pub(super) fn take(&mut self, line: &str, warn: &dyn Fn(&str)) -> bool {
        let before = self.count();
        let line = &line[..line.floor_char_boundary(LOOKED_AT)];
        let mut slow = None;
        for (at, (name, regex)) in self.wanted.iter().enumerate() {
            let begun = worked();
            let found = regex
                .captures_iter(line)
                .take_while(|_| worked().saturating_sub(begun) < PATIENCE)
                .filter_map(|found| found.get(1)?.as_str().parse().ok());
            let found: Vec<f64> = found.filter(|value: &f64| value.is_finite()).collect();
            if !found.is_empty() {
                self.values.entry(name.clone()).or_default().extend(found);
            }
            if worked().saturating_sub(begun) >= PATIENCE {
                slow = Some(at);
                break;
            }
        }
        if let Some(slow) = slow {
            let (name, _) = self.wanted.remove(slow);
            warn(&format!(
                "the metric {name} is not looked for any more: its expression takes too long"
            ));
        }
        self.count() > before
    }

    fn count(&self) -> usize {
        self.values.values().map(Vec::len).sum()
    }

    /// The last value of each: `accuracy 0.93, loss 0.21`.
    pub(super) fn last_values(&self) -> String {
        let last = self.last().into_iter();
        let last: Vec<_> = last.map(|(name, value)| format!("{name} {value}")).collect();
        last.join(", ")
    }

    /// The last value of each, which is what SageMaker keeps of it.
    pub(crate) fn last(&self) -> BTreeMap<String, f64> {
        let last = self.values.iter();
        last.filter_map(|(name, values)| Some((name.clone(), *values.last()?)))
            .collect()
    }

    /// A line for each metric that was found, with a plot of its values: `loss  0.9 █▅▂▁ 0.1`.
    pub(crate) fn plots(&self) -> Vec<String> {
        let widest = self
            .values
            .keys()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or_default();
        let plot = |(name, values): (&String, &Vec<f64>)| {
            let (first, last) = (values.first()?, values.last()?);
            let mut line = format!("{name:widest$}  ");
            if values.len() > 1 {
                // What is written into a text is written.
                let _ = write!(line, "{first} {} ", sparkline(values));
            }
            let _ = write!(line, "{last}");
            Some(line)
        };
        self.values.iter().filter_map(plot).collect()
    }
}

/// How long this thread has worked: not what it waited meanwhile.
fn worked() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

/// A character each value, or each average of some where there are many.
fn sparkline(values: &[f64]) -> String {
    let chunk = values.len().div_ceil(WIDTH);
    #[expect(clippy::cast_precision_loss, reason = "a count of a few values")]
    let average = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let means: Vec<f64> = values.chunks(chunk).map(average).collect();
    let least = means.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = greatest - least;
    let step = |value: &f64| {
        // All the same stand in the middle.
        let share = if span > 0.0 { (value - least) / span } else { 0.5 };
        let step = STEPS.iter().enumerate().rev();
        let mut step = step.filter(|(at, _)| {
            #[expect(clippy::cast_precision_loss, reason = "eight steps")]
            let begins = *at as f64 / STEPS.len() as f64;
            share >= begins
        });
        step.next().map_or(STEPS[0], |(_, block)| *block)
    };
    means.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(definitions: &[(&str, &str)], lines: &[&str]) -> Metrics {
        let definitions = definitions
            .iter()
            .map(|(name, regex)| ((*name).to_owned(), (*regex).to_owned()));
        let (mut metrics, problems) = Metrics::new(&definitions.collect());
        assert!(problems.is_empty(), "{problems:?}");
        for line in lines {
            metrics.take(line, &|warning| panic!("{warning}"));
        }
        metrics
    }

    #[test]
    fn each_value_is_found_and_the_last_one_counts() {
        let number = "([0-9.eE+-]+)";
        let (loss, accuracy) = (format!("loss={number}"), format!("accuracy={number}"));
        let found = metrics(
            &[("loss", &loss), ("accuracy", &accuracy)],
            &[
                "epoch 1 loss=0.9 accuracy=0.1",
                "nothing",
                "loss=0.5 loss=0.25",
                "accuracy=nan",
                "accuracy=9e-1",
            ],
        );
        assert_eq!(found.last_values(), "accuracy 0.9, loss 0.25");
        insta::assert_snapshot!(found.plots().join("\n"), @r"
        accuracy  0.1 ▁█ 0.9
        loss      0.9 █▄▁ 0.25
        ");
    }

    #[test]
    fn many_values_are_as_wide_as_few_and_one_needs_no_plot() {
        let lines: Vec<_> = (0..1_000).map(|step| format!("step={step}")).collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let found = metrics(&[("step", "step=([0-9]+)")], &lines);
        assert_eq!(sparkline(&found.values["step"]).chars().count(), WIDTH);
        assert_eq!(metrics(&[("a", "a=(.)")], &["a=1"]).plots(), ["a  1"]);
        assert_eq!(metrics(&[("a", "a=(.)")], &["a=1", "a=1"]).plots(), ["a  1 ▅▅ 1"]);
    }

    #[test]
    fn an_expression_that_is_none_is_told() {
        let definitions = BTreeMap::from([("loss".to_owned(), "loss=(".to_owned())]);
        let (metrics, problems) = Metrics::new(&definitions);
        assert!(metrics.wanted.is_empty());
        assert!(
            problems[0].starts_with("the metric loss is not looked for: loss=(: "),
            "{problems:?}"
        );
    }

    #[test]
    fn an_expression_that_takes_long_is_given_up() {
        let line = "a".repeat(1 << 20);
        let told = std::cell::RefCell::new(Vec::new());
        let begun = std::time::Instant::now();
        for expression in ["((((a?){100}){100}))b", "((a?){500})b", "(a)(.*b)?"] {
            let definitions = [("slow".to_owned(), expression.to_owned())];
            let (mut metrics, problems) = Metrics::new(&definitions.into());
            told.borrow_mut().extend(problems);
            metrics.take(&line, &|warning| told.borrow_mut().push(warning.to_owned()));
            metrics.take(&line, &|warning| panic!("again: {warning}"));
        }
        let told = told.into_inner();
        assert!(
            told.len() == 3
                && told
                    .iter()
                    .all(|told| told.contains("the metric slow is not looked for")),
            "{told:?}"
        );
        assert!(begun.elapsed() < Duration::from_mins(1));
    }
}
