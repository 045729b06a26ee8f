//! Requirements written as Python's `packaging` writes them, which is how setuptools has them in PKG-INFO.
//! <https://packaging.python.org/en/latest/specifications/dependency-specifiers/>

use crate::project::normalized;

/// A requirement in `packaging`'s spelling; as given where it is not understood here.
pub(crate) fn spelled(requirement: &str) -> String {
    respelled(requirement).unwrap_or_else(|| requirement.to_owned())
}

/// Version specifiers, sorted.
pub(crate) fn specifiers(text: &str) -> String {
    let mut all: Vec<String> = text
        .split(',')
        .map(|one| one.split_whitespace().collect())
        .filter(|one: &String| !one.is_empty())
        .collect();
    all.sort_unstable();
    all.dedup();
    all.join(",")
}

/// The extra that a requirement's marker asks for as its last condition.
pub(crate) fn extra(spelled: &str) -> Option<&str> {
    let (_, name) = spelled.rsplit_once("extra == \"")?;
    name.strip_suffix('"')
}

fn respelled(requirement: &str) -> Option<String> {
    let text = requirement.trim();
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let (name, rest) = text.split_at(text.find(|c| !in_name(c)).unwrap_or(text.len()));
    let (extras, rest) = extras(rest.trim_start())?;
    if let Some(rest) = rest.strip_prefix('@') {
        let rest = rest.trim_start();
        let (url, rest) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
        let marker = match rest.trim_start().strip_prefix(';') {
            Some(marker) => format!(" ; {}", marker_spelled(marker)?),
            None => String::new(),
        };
        return Some(format!("{name}{extras} @ {url}{marker}"));
    }
    let (versions, marker) = rest
        .split_once(';')
        .map_or((rest, None), |(rest, marker)| (rest, Some(marker)));
    let versions = versions.trim();
    let inner = versions.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
    let versions = specifiers(inner.unwrap_or(versions));
    let marker = match marker {
        Some(marker) => format!("; {}", marker_spelled(marker)?),
        None => String::new(),
    };
    Some(format!("{name}{extras}{versions}{marker}"))
}

/// `[b, a]` as `[a,b]`, and what follows it.
fn extras(text: &str) -> Option<(String, &str)> {
    let Some(inner) = text.strip_prefix('[') else {
        return Some((String::new(), text));
    };
    let (inner, rest) = inner.split_once(']')?;
    let mut names: Vec<&str> = inner
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    names.sort_unstable();
    names.dedup();
    let shown = if names.is_empty() {
        String::new()
    } else {
        format!("[{}]", names.join(","))
    };
    Some((shown, rest.trim_start()))
}

/// A marker: conditions and groups of them, with `and` and `or` between.
enum Node {
    Text(String),
    Group(Vec<Node>),
}

fn marker_spelled(text: &str) -> Option<String> {
    let tokens = tokens(text)?;
    let mut rest = tokens.as_slice();
    let group = group(&mut rest, 0)?;
    rest.is_empty().then(|| shown(&Node::Group(group), true))
}

fn shown(node: &Node, is_outermost: bool) -> String {
    match node {
        Node::Text(text) => text.clone(),
        Node::Group(nodes) => match nodes.as_slice() {
            [one] => shown(one, is_outermost),
            several => {
                let inner: Vec<String> = several.iter().map(|node| shown(node, false)).collect();
                let inner = inner.join(" ");
                if is_outermost { inner } else { format!("({inner})") }
            }
        },
    }
}

/// Parentheses nested deeper stay as they are given.
const MAX_DEPTH: usize = 50;

fn group(tokens: &mut &[String], depth: usize) -> Option<Vec<Node>> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut nodes = vec![condition(tokens, depth)?];
    while let Some((operator, rest)) = tokens
        .split_first()
        .filter(|(token, _)| matches!(token.as_str(), "and" | "or"))
    {
        *tokens = rest;
        nodes.push(Node::Text(operator.clone()));
        nodes.push(condition(tokens, depth)?);
    }
    Some(nodes)
}

fn condition(tokens: &mut &[String], depth: usize) -> Option<Node> {
    if tokens.first()? == "(" {
        *tokens = &tokens[1..];
        let inner = group(tokens, depth + 1)?;
        *tokens = tokens.strip_prefix(&[")".to_owned()])?;
        return Some(Node::Group(inner));
    }
    let ([left, operator, right], rest) = tokens.split_first_chunk()?;
    *tokens = rest;
    let is_extra = left == "extra";
    let right = if is_extra { normalized(right) } else { right.clone() };
    Some(Node::Text(format!("{left} {operator} {right}")))
}

/// Parentheses, operators, variables by their present names, and strings in double quotes.
fn tokens(text: &str) -> Option<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' => 1,
            '"' | '\'' => rest[1..].find(first)? + 2,
            '<' | '>' | '=' | '!' | '~' => rest.find(|c| !"<>=!~".contains(c))?,
            _ => rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.')))
                .unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        rest = after.trim_start();
        match token {
            "" => return None,
            "in" if found.last().is_some_and(|last| last == "not") => {
                found.pop();
                found.push("not in".to_owned());
            }
            "python_implementation" | "platform.python_implementation" => {
                found.push("platform_python_implementation".to_owned());
            }
            "os.name" | "sys.platform" | "platform.version" | "platform.machine" => found.push(token.replace('.', "_")),
            _ if matches!(first, '"' | '\'') => found.push(string(&token[1..length - 1])?),
            _ => found.push(token.to_owned()),
        }
    }
    Some(found)
}

/// A string without escapes, in double quotes unless it holds one.
fn string(inner: &str) -> Option<String> {
    let quote = if inner.contains('"') { '\'' } else { '"' };
    (!inner.contains('\\')).then(|| format!("{quote}{inner}{quote}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_spelled_as_packaging_does() {
        for (given, expected) in [
            ("Numpy >=1, <3", "Numpy<3,>=1"),
            ("a (>=1.0)", "a>=1.0"),
            ("a[z, b] ~= 1.4", "a[b,z]~=1.4"),
            ("a;python_version<'3'", "a; python_version < \"3\""),
            (
                "a ; (python_version<'3') and extra == \"T_e\"",
                "a; python_version < \"3\" and extra == \"t-e\"",
            ),
            (
                "a; (os.name=='nt' or sys_platform  not  in 'x') and extra=='e'",
                "a; (os_name == \"nt\" or sys_platform not in \"x\") and extra == \"e\"",
            ),
            ("a; ((os_name == 'nt'))", "a; os_name == \"nt\""),
            ("a @ https://h/a;b.zip", "a @ https://h/a;b.zip"),
            (
                "a@ https://h/a.zip ; os_name=='nt'",
                "a @ https://h/a.zip ; os_name == \"nt\"",
            ),
            ("a; os_name == '\\x'", "a; os_name == '\\x'"),
            ("a==1.*,>1", "a==1.*,>1"),
        ] {
            assert_eq!(spelled(given), expected);
        }
        assert_eq!(extra("a; os_name == \"nt\" and extra == \"e\""), Some("e"));
        assert_eq!(extra("a; os_name == \"extra\""), None);
    }
}
