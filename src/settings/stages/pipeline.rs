//! The pipeline in AWS, and the account that it is in.

use std::collections::BTreeMap;

use crate::settings::{Origin, Setting, Settings, Value, table};

/// Where in AWS.
#[derive(Debug)]
pub struct AccountSettings<'a> {
    /// The region; that of the AWS configuration where it is not set.
    pub region: Option<&'a str>,
    /// The table in which the runs are recorded.
    pub runs_table: Option<&'a str>,
}

/// What the pipeline's stack is made of.
#[derive(Debug)]
pub struct PipelineSettings<'a> {
    /// The stack's name.
    pub stack: Option<&'a str>,
    /// The GitHub repository's name.
    pub github_repo: Option<&'a str>,
    /// A bucket for sgbuild itself.
    pub code_bucket: Option<&'a str>,
}

impl Settings {
    /// Where in AWS.
    #[must_use]
    pub fn account(&self) -> AccountSettings<'_> {
        AccountSettings {
            region: self.get(&table::REGION),
            runs_table: self.get(&table::RUNS_TABLE),
        }
    }

    /// What the pipeline's stack is made of.
    #[must_use]
    pub fn pipeline(&self) -> PipelineSettings<'_> {
        PipelineSettings {
            stack: self.get(&table::STACK),
            github_repo: self.get(&table::GITHUB_REPO),
            code_bucket: self.get(&table::CODE_BUCKET),
        }
    }

    /// The settings that are parameters of the stack's template, by the template's names. A default of ours is none of them:
    /// it must not undo what an existing stack was given.
    #[must_use]
    pub fn stack_parameters(&self) -> BTreeMap<String, String> {
        let given = self.all().filter_map(|(definition, setting)| {
            let Setting { value, origin } = setting?;
            let value = match value {
                Value::Text(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::List(items) => items.join(","),
                Value::Switch(on) => on.to_string(),
                Value::Map(_) | Value::Fields(_) => return None,
            };
            Some((definition.parameter?.to_owned(), value)).filter(|_| *origin != Origin::Default)
        });
        given.collect()
    }

    /// Other parameters of the template, which come before the settings of their own.
    #[must_use]
    pub fn other_stack_parameters(&self) -> &BTreeMap<String, String> {
        self.get(&table::PARAMETERS)
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::table::TABLE;
    use crate::stack::TEMPLATE;

    #[test]
    fn every_parameter_is_one_of_the_templates() {
        for parameter in TABLE.iter().filter_map(|definition| definition.parameter) {
            assert!(TEMPLATE.contains(&format!("\n  {parameter}:\n")), "{parameter}");
        }
    }
}
