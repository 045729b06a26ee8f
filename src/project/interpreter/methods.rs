//! Attributes and methods of objects.

use std::rc::Rc;

use ruff_text_size::Ranged;

use super::super::mentions;
use super::call::Arguments;
use super::object::{Content, Form, Groups, Object, OpenFile, Position, Shared, View};
use super::statement::insert;
use super::{Halt, MAX_ITEMS, Machine, Outcome, expression, files, format, library};

/// What a known function gives; `None` where it is not known.
pub(super) type Known = Result<Option<Form>, Halt>;

impl Machine {
    /// `object.name`.
    pub(super) fn attribute(&mut self, object: &Object, name: &str, node: &impl Ranged) -> Outcome {
        let place = self.place(node);
        if mentions::reaches_namespaces(name) {
            self.wild(node);
            return Ok(self.unknown(node, "may change any name"));
        }
        let form = match &object.form {
            Form::Class(class) => match class.names.borrow().get(name) {
                Some(value) if !matches!(value.form, Form::Function(_)) => return Ok(value.clone()),
                _ => return Ok(self.looked_up(object, node)),
            },
            Form::Module(names) => match names.borrow().get(name) {
                Some(value) => return Ok(value.clone()),
                None => return Err(Halt::Raised("AttributeError".into(), name.into())),
            },
            Form::Library(module) => {
                let full = format!("{module}.{name}");
                if self.patched.contains(&full) {
                    return Ok(self.unknown(node, "was set to something else"));
                }
                if let Some(constant) = library::constant(&full, place) {
                    return Ok(constant);
                }
                Form::Library(full.into())
            }
            Form::Path(path) => match name {
                "parent" => Form::Path(files::pure(path.parent().unwrap_or(path))),
                "name" => Form::Str(path.file_name().unwrap_or_default().to_string_lossy().as_ref().into()),
                "stem" => Form::Str(path.file_stem().unwrap_or_default().to_string_lossy().as_ref().into()),
                _ => Form::Method(Rc::new(object.clone()), name.into()),
            },
            Form::VersionInfo if name == "major" => Form::Int(3),
            Form::Str(_)
            | Form::Bytes(_)
            | Form::List(_)
            | Form::Tuple(_)
            | Form::Dict(_)
            | Form::Set(_)
            | Form::File(_)
            | Form::Match(_)
            | Form::Pattern(..) => Form::Method(Rc::new(object.clone()), name.into()),
            Form::None => return Err(Halt::Raised("AttributeError".into(), name.into())),
            _ => return Ok(self.looked_up(object, node)),
        };
        Ok(Object::new(form, place))
    }

    /// `object.name(arguments)`.
    pub(super) fn method(&mut self, object: &Object, name: &str, arguments: &Arguments, node: &impl Ranged) -> Known {
        // An argument that only Python knows makes the result unknown, but a list only where it is put.
        let is_store = matches!(name, "append" | "insert" | "setdefault" | "extend" | "update");
        if !is_store
            && arguments
                .each()
                .any(|argument| matches!(argument.form, Form::Unknown(_)))
        {
            return Ok(None);
        }
        match &object.form {
            Form::Str(text) => self.str_method(text, name, arguments, node),
            Form::Bytes(bytes) => Ok(bytes_method(bytes, name, arguments)),
            Form::List(items) => self.list_method(items, name, arguments, node),
            Form::Dict(entries) => self.dict_method(entries, name, arguments, object, node),
            Form::Set(items) => Ok(set_method(items, name, arguments)),
            Form::Tuple(items) => Ok(match (name, arguments.positional.as_slice()) {
                ("index", [wanted]) => {
                    let equal: Option<Vec<_>> = items.iter().map(|item| item.equals(wanted)).collect();
                    equal
                        .and_then(|equal| equal.into_iter().position(|equal| equal))
                        .map(index_form)
                }
                _ => None,
            }),
            Form::File(file) => Ok(file_method(file, name, arguments, object)),
            Form::Match(groups) => match_method(groups, name, arguments, object),
            Form::Pattern(pattern, flags) => {
                let mut all = vec![Object::new(Form::Pattern(Rc::clone(pattern), *flags), object.place)];
                all.extend(arguments.positional.iter().cloned());
                self.library(&format!("re.{name}").into(), &Arguments::of(all), node)
            }
            Form::Path(path) => self.path_method(path, name, arguments, node),
            _ => Ok(None),
        }
    }

    #[expect(clippy::too_many_lines, reason = "a table of methods is read line by line")]
    fn str_method(&mut self, text: &str, name: &str, arguments: &Arguments, node: &impl Ranged) -> Known {
        let place = self.place(node);
        let strings = |parts: Vec<String>| {
            let items = parts.into_iter().map(|part| Object::str(part, place)).collect();
            Form::List(Shared::new(items))
        };
        let one = |text: &str| Form::Str(text.into());
        let argument = arguments.text(0, "sep");
        let has_odd_blanks = text.chars().any(|c| ('\x1c'..='\x1f').contains(&c));
        if !arguments.named.is_empty() && !matches!(name, "format" | "split" | "encode") {
            return Ok(None);
        }
        Ok(Some(match (name, arguments.positional.len()) {
            ("format", _) => match format::braces(text, &arguments.positional, &arguments.named) {
                Some(made) => one(&made),
                None => return Ok(None),
            },
            ("strip", 0) if !has_odd_blanks => one(text.trim()),
            ("lstrip", 0) if !has_odd_blanks => one(text.trim_start()),
            ("rstrip", 0) if !has_odd_blanks => one(text.trim_end()),
            ("strip" | "lstrip" | "rstrip", 1) => {
                let Some(set) = argument else { return Ok(None) };
                let within = |c: char| set.contains(c);
                one(match name {
                    "strip" => text.trim_matches(within),
                    "lstrip" => text.trim_start_matches(within),
                    _ => text.trim_end_matches(within),
                })
            }
            ("split", 0) if arguments.named.is_empty() && !has_odd_blanks => {
                strings(text.split_whitespace().map(ToOwned::to_owned).collect())
            }
            ("split" | "rsplit", 1 | 2) => {
                let most = arguments.get(1, "maxsplit").map(Object::as_int);
                let (Some(separator), true) = (argument.filter(|separator| !separator.is_empty()), most != Some(None))
                else {
                    return Ok(None);
                };
                let most = most.flatten().and_then(|most| usize::try_from(most).ok());
                let owned = ToOwned::to_owned;
                strings(match (name, most) {
                    (_, None) => text.split(separator).map(owned).collect(),
                    ("split", Some(most)) => text.splitn(most + 1, separator).map(owned).collect(),
                    (_, Some(most)) => {
                        let mut parts: Vec<_> = text.rsplitn(most + 1, separator).map(owned).collect();
                        parts.reverse();
                        parts
                    }
                })
            }
            ("splitlines", 0) => {
                if super::super::requirement::has_other_line_ends(text) {
                    return Ok(None);
                }
                strings(text.lines().map(ToOwned::to_owned).collect())
            }
            ("join", 1) => {
                let joined = self.items(&arguments.positional[0], node)?;
                let Ok(items) = joined else { return Ok(None) };
                let parts: Option<Vec<_>> = items.iter().map(Object::as_str).collect();
                match parts {
                    Some(parts) => one(&parts.join(text)),
                    None => return Ok(None),
                }
            }
            ("replace", 2) => match (argument, arguments.text(1, "")) {
                (Some(from), Some(to)) if !from.is_empty() => one(&text.replace(from, to)),
                _ => return Ok(None),
            },
            ("startswith" | "endswith", 1) => {
                let fits = |affix: &str| {
                    if name == "startswith" {
                        text.starts_with(affix)
                    } else {
                        text.ends_with(affix)
                    }
                };
                match &arguments.positional[0].form {
                    Form::Str(affix) => Form::Bool(fits(affix)),
                    Form::Tuple(items) => {
                        let affixes: Option<Vec<_>> = items.iter().map(Object::as_str).collect();
                        match affixes {
                            Some(affixes) => Form::Bool(affixes.into_iter().any(fits)),
                            None => return Ok(None),
                        }
                    }
                    _ => return Ok(None),
                }
            }
            ("lower", 0) if text.is_ascii() => one(&text.to_ascii_lowercase()),
            ("upper", 0) if text.is_ascii() => one(&text.to_ascii_uppercase()),
            ("find", 1) if text.is_ascii() => match argument {
                Some(wanted) => text.find(wanted).map_or(Form::Int(-1), index_form),
                None => return Ok(None),
            },
            ("index", 1) if text.is_ascii() => match argument {
                Some(wanted) => match text.find(wanted) {
                    Some(at) => index_form(at),
                    None => return Err(Halt::Raised("ValueError".into(), "substring not found".into())),
                },
                None => return Ok(None),
            },
            ("count", 1) => match argument.filter(|wanted| !wanted.is_empty()) {
                Some(wanted) => index_form(text.matches(wanted).count()),
                None => return Ok(None),
            },
            ("partition" | "rpartition", 1) => {
                let Some(separator) = argument.filter(|separator| !separator.is_empty()) else {
                    return Ok(None);
                };
                let parts = if name == "partition" {
                    text.split_once(separator)
                        .map_or([text, "", ""], |(a, b)| [a, separator, b])
                } else {
                    text.rsplit_once(separator)
                        .map_or(["", "", text], |(a, b)| [a, separator, b])
                };
                Form::Tuple(parts.iter().map(|part| Object::str(part, place)).collect())
            }
            ("isdigit", 0) if text.is_ascii() => {
                Form::Bool(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
            }
            ("removeprefix", 1) => match argument {
                Some(prefix) => one(text.strip_prefix(prefix).unwrap_or(text)),
                None => return Ok(None),
            },
            ("removesuffix", 1) => match argument {
                Some(suffix) => one(text.strip_suffix(suffix).unwrap_or(text)),
                None => return Ok(None),
            },
            ("encode", 0 | 1) if arguments.get(0, "encoding").is_none_or(is_utf8) => {
                Form::Bytes(text.as_bytes().into())
            }
            _ => return Ok(None),
        }))
    }

    fn list_method(
        &mut self,
        items: &Shared<Vec<Object>>,
        name: &str,
        arguments: &Arguments,
        node: &impl Ranged,
    ) -> Known {
        let more = match (name, arguments.positional.as_slice()) {
            ("extend", [more]) => match self.items(more, node)? {
                Ok(more) if more.len() < MAX_ITEMS && items.get().is_ok_and(|items| items.len() < MAX_ITEMS) => more,
                Ok(_) => {
                    let why = self.dynamic(node, "makes a long list");
                    self.taint(&Object::new(Form::List(items.clone()), self.place(node)), &why);
                    return Ok(Some(Form::None));
                }
                Err(why) => {
                    self.taint(&Object::new(Form::List(items.clone()), self.place(node)), &why);
                    self.taint(more, &why);
                    self.doubts += 1;
                    return Ok(Some(Form::None));
                }
            },
            _ => Vec::new(),
        };
        if matches!(name, "remove" | "index" | "count" | "sort") {
            return self.searched(items, name, arguments, node);
        }
        if name == "copy" && arguments.is_empty() {
            let copied = items.get().map(|items| items.clone());
            return Ok(Some(
                copied.map_or_else(Form::Unknown, |copied| Form::List(Shared::new(copied))),
            ));
        }
        let mut items = match items.get_mut() {
            Ok(items) => items,
            Err(why) => return Ok(Some(Form::Unknown(why))),
        };
        match (name, arguments.positional.as_slice()) {
            ("append", [item]) => items.push(item.clone()),
            ("extend", [_]) => items.extend(more),
            ("insert", [at, item]) => {
                let Some(at) = at.as_int().and_then(|at| usize::try_from(at).ok()) else {
                    return Ok(None);
                };
                let at = at.min(items.len());
                items.insert(at, item.clone());
            }
            ("pop", []) => {
                let last = items.pop().map(|item| Some(item.form));
                return last.ok_or_else(|| Halt::Raised("IndexError".into(), "pop from empty list".into()));
            }
            ("reverse", []) => items.reverse(),
            ("clear", []) => items.clear(),
            _ => return Ok(None),
        }
        Ok(Some(Form::None))
    }

    /// Methods of a list that compare its items.
    fn searched(
        &mut self,
        shared: &Shared<Vec<Object>>,
        name: &str,
        arguments: &Arguments,
        node: &impl Ranged,
    ) -> Known {
        // A list may hold itself.
        let items = match shared.get() {
            Ok(items) => items.clone(),
            Err(why) => return Ok(Some(Form::Unknown(why))),
        };
        self.effort(items.len());
        if let ("sort", true) = (name, arguments.is_empty()) {
            let Some(sorted) = sorted(&items) else { return Ok(None) };
            return Ok(shared.get_mut().ok().map(|mut items| {
                *items = sorted;
                Form::None
            }));
        }
        let [wanted] = arguments.positional.as_slice() else {
            return Ok(None);
        };
        let equal: Option<Vec<_>> = items.iter().map(|item| item.equals(wanted)).collect();
        let Some(equal) = equal else {
            let why = self.dynamic(node, "compares what is not known");
            self.taint(&Object::new(Form::List(shared.clone()), why.place), &why);
            return Ok(Some(Form::Unknown(why)));
        };
        if name == "count" {
            return Ok(Some(index_form(equal.into_iter().filter(|equal| *equal).count())));
        }
        let Some(at) = equal.iter().position(|equal| *equal) else {
            return Err(Halt::Raised("ValueError".into(), "x not in list".into()));
        };
        if name == "index" {
            return Ok(Some(index_form(at)));
        }
        Ok(shared.get_mut().ok().map(|mut items| {
            items.remove(at);
            Form::None
        }))
    }

    fn dict_method(
        &mut self,
        shared: &Shared<Vec<(Object, Object)>>,
        name: &str,
        arguments: &Arguments,
        object: &Object,
        node: &impl Ranged,
    ) -> Known {
        if name == "update" {
            return Ok(self.update(shared, arguments, object, node));
        }
        let looks = matches!(name, "get" | "keys" | "values" | "items" | "copy");
        let known = if looks {
            shared.get().map(drop)
        } else {
            shared.get_mut().map(drop)
        };
        if let Err(why) = known {
            return Ok(Some(Form::Unknown(why)));
        }
        let mut entries = shared.content_mut();
        let find = |entries: &[(Object, Object)], key: &Object| {
            entries.iter().position(|(known, _)| known.equals(key) == Some(true))
        };
        let known_key = arguments
            .positional
            .first()
            .is_none_or(|key| matches!(key.form, Form::Str(_) | Form::Int(_)));
        if !known_key || !arguments.named.is_empty() {
            return Ok(None);
        }
        Ok(match (name, arguments.positional.as_slice()) {
            ("get", [key, rest @ ..]) if rest.len() < 2 => Some(match (find(&entries, key), rest.first()) {
                (Some(at), _) => entries[at].1.form.clone(),
                (None, Some(default)) => default.form.clone(),
                (None, None) => Form::None,
            }),
            ("setdefault", [key, default]) => Some(if let Some(at) = find(&entries, key) {
                entries[at].1.form.clone()
            } else {
                entries.push((key.clone(), default.clone()));
                default.form.clone()
            }),
            ("pop", [key, rest @ ..]) if rest.len() < 2 => match (find(&entries, key), rest.first()) {
                (Some(at), _) => Some(entries.remove(at).1.form),
                (None, Some(default)) => Some(default.form.clone()),
                (None, None) => {
                    return Err(Halt::Raised(
                        "KeyError".into(),
                        format::repr(key).unwrap_or_default().into(),
                    ));
                }
            },
            ("keys", []) => Some(Form::View(shared.clone(), View::Keys)),
            ("values", []) => Some(Form::View(shared.clone(), View::Values)),
            ("items", []) => Some(Form::View(shared.clone(), View::Items)),
            ("copy", []) => Some(Form::Dict(Shared::new(entries.clone()))),
            _ => None,
        })
    }

    fn update(
        &mut self,
        shared: &Shared<Vec<(Object, Object)>>,
        arguments: &Arguments,
        object: &Object,
        node: &impl Ranged,
    ) -> Option<Form> {
        let place = self.place(node);
        let mut more = match arguments.positional.first().map(|more| &more.form) {
            None => Vec::new(),
            Some(Form::Dict(more)) => match more.get() {
                Ok(more) => more.clone(),
                Err(why) => {
                    self.taint(object, &why);
                    return Some(Form::None);
                }
            },
            Some(_) => return None,
        };
        more.extend(
            arguments
                .named
                .iter()
                .map(|(name, value)| (Object::str(name, place), value.clone())),
        );
        match shared.get_mut() {
            Ok(mut entries) => more
                .into_iter()
                .for_each(|(key, value)| insert(&mut entries, key, value)),
            Err(why) => return Some(Form::Unknown(why)),
        }
        Some(Form::None)
    }
}

fn index_form(index: usize) -> Form {
    Form::Int(i64::try_from(index).unwrap_or(i64::MAX))
}

/// The items in order, where every two of them have one.
pub(super) fn sorted(items: &[Object]) -> Option<Vec<Object>> {
    let comparable = items
        .windows(2)
        .all(|pair| expression::order(&pair[0], &pair[1]).is_some());
    let mut sorted = items.to_vec();
    comparable.then(|| {
        sorted.sort_by(|a, b| expression::order(a, b).unwrap_or(std::cmp::Ordering::Equal));
        sorted
    })
}

/// Whether an encoding is UTF-8, or one that is part of it.
pub(super) fn is_utf8(encoding: &Object) -> bool {
    let name = encoding
        .as_str()
        .map(|name| name.to_lowercase().replace(['-', '_'], ""));
    matches!(name.as_deref(), Some("utf8"))
}

fn bytes_method(bytes: &[u8], name: &str, arguments: &Arguments) -> Option<Form> {
    let text = std::str::from_utf8(bytes).ok()?;
    match name {
        "decode"
            if arguments
                .get(0, "encoding")
                .is_none_or(|encoding| is_utf8(encoding) || text.is_ascii()) =>
        {
            Some(Form::Str(text.into()))
        }
        "strip" if arguments.is_empty() => Some(Form::Bytes(text.trim_ascii().as_bytes().into())),
        _ => None,
    }
}

fn set_method(items: &Shared<Vec<Object>>, name: &str, arguments: &Arguments) -> Option<Form> {
    let known = items.get().ok()?.clone();
    match (name, arguments.positional.as_slice()) {
        ("add", [item]) => {
            let equal: Option<Vec<_>> = known.iter().map(|known| known.equals(item)).collect();
            if !equal?.contains(&true) {
                items.get_mut().ok()?.push(item.clone());
            }
            Some(Form::None)
        }
        ("copy", []) => Some(Form::Set(Shared::new(known))),
        _ => None,
    }
}

fn file_method(file: &OpenFile, name: &str, arguments: &Arguments, object: &Object) -> Option<Form> {
    if !arguments.is_empty() {
        return None;
    }
    let all = |whole: Form, empty: Form| match file.position.replace(Position::End) {
        Position::Start => Some(whole),
        Position::End => Some(empty),
        Position::Somewhere => None,
    };
    match (&file.content, name) {
        (_, "close") => Some(Form::None),
        (Content::Text(text), "read") => all(Form::Str(text.clone()), Form::Str("".into())),
        (Content::Bytes(bytes), "read") => all(Form::Bytes(bytes.clone()), Form::Bytes([].into())),
        (Content::Text(text), "readlines") => {
            let lines = text
                .split_inclusive('\n')
                .map(|line| Object::str(line, object.place))
                .collect();
            all(Form::List(Shared::new(lines)), Form::List(Shared::new(Vec::new())))
        }
        // What comes after a first line is not kept track of.
        (Content::Text(text), "readline") if file.position.replace(Position::Somewhere) == Position::Start => {
            Some(Form::Str(text.split_inclusive('\n').next().unwrap_or_default().into()))
        }
        _ => None,
    }
}

fn match_method(groups: &Groups, name: &str, arguments: &Arguments, object: &Object) -> Known {
    let form = |text: &Option<Rc<str>>| text.as_ref().map_or(Form::None, |text| Form::Str(Rc::clone(text)));
    let wanted = match arguments.positional.as_slice() {
        [] => Some(0),
        [one] => match (one.as_int(), one.as_str()) {
            (Some(index), _) => usize::try_from(index).ok(),
            (None, Some(name)) => groups
                .names
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, index)| *index),
            _ => None,
        },
        _ => None,
    };
    match (name, wanted) {
        ("group", Some(index)) => match groups.texts.get(index) {
            Some(text) => Ok(Some(form(text))),
            None => Err(Halt::Raised("IndexError".into(), "no such group".into())),
        },
        ("groups", Some(0)) => {
            let items = groups
                .texts
                .iter()
                .skip(1)
                .map(|text| Object::new(form(text), object.place));
            Ok(Some(Form::Tuple(items.collect())))
        }
        _ => Ok(None),
    }
}
