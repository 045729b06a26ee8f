//! The part of Python's library, and of setuptools, that `setup.py` files use.

use std::path::PathBuf;
use std::rc::Rc;

use ruff_text_size::Ranged;

use super::super::value::Place;
use super::call::Arguments;
use super::files::{MAX_PARTS, pure};
use super::methods::Known;
use super::names::SILENT;
use super::object::{Content, Form, Object, Position};
use super::shared::{Sequence, Shared};
use super::{Halt, MAX_ITEMS, Machine, effort};

impl Machine {
    #[expect(clippy::too_many_lines, reason = "a table of functions is read line by line")]
    pub(super) fn library(&mut self, name: &Rc<str>, arguments: &Arguments, node: &impl Ranged) -> Known {
        if SILENT.contains(&&**name) {
            return Ok(Some(Form::None));
        }
        if let Some(method) = name.strip_prefix("builtins.str.") {
            let Some((text, rest)) = arguments.positional.split_first() else {
                return Ok(None);
            };
            return self.method(text, method, &Arguments::of(rest.to_vec()), node);
        }
        match &**name {
            "sys.path.insert" => {
                self.effects += 1;
                let first = arguments.positional.first().and_then(Object::as_int) == Some(0);
                self.search_in(arguments.positional.get(1), first);
                return Ok(Some(Form::None));
            }
            "sys.path.append" => {
                self.effects += 1;
                self.search_in(arguments.positional.first(), false);
                return Ok(Some(Form::None));
            }
            "builtins.__import__" => {
                let Some(module) = arguments.text(0, "name").map(ToOwned::to_owned) else {
                    self.wild(node);
                    return Ok(None);
                };
                let top = module.split('.').next().unwrap_or(&module);
                return self.module(&module, top, node).map(|module| Some(module.form));
            }
            "builtins.setattr" => {
                let [object, name, value] = arguments.positional.as_slice() else {
                    return Ok(None);
                };
                match name.as_str() {
                    Some(name) => self.set_attribute(object, name, value.clone(), node),
                    None => self.wild(node),
                }
                if name.as_str().is_none() && matches!(object.form, Form::Library(_)) {
                    self.give_up(node, "may change how setuptools works");
                }
                return Ok(Some(Form::None));
            }
            "builtins.globals" | "builtins.locals" | "builtins.vars" | "builtins.eval" => {
                self.wild(node);
                return Ok(None);
            }
            "os.environ.get" | "os.getenv" => {
                let why = self.dynamic(node, "depends on the environment");
                return Ok(Some(Form::Unknown(why)));
            }
            "sys.exit" | "os._exit" | "builtins.exit" | "builtins.quit" => {
                return Err(Halt::Raised("SystemExit".into(), "".into()));
            }
            "builtins.len" | "builtins.list" | "builtins.tuple" | "builtins.sorted" | "builtins.reversed" => {}
            // A dict holds what only Python knows as it holds the rest.
            "builtins.dict"
                if !arguments
                    .positional
                    .iter()
                    .any(|from| matches!(from.form, Form::Unknown(_))) => {}
            _ if arguments
                .each()
                .any(|argument| matches!(argument.form, Form::Unknown(_))) =>
            {
                return Ok(None);
            }
            _ => {}
        }
        match &**name {
            builtin if builtin.starts_with("builtins.") && &**name != "builtins.hasattr" => {
                self.builtin_call(&builtin[9..], arguments, node)
            }
            path if path.starts_with("os.") => self.os_call(&path[3..], arguments, node),
            re if re.starts_with("re.") => Ok(self.re_call(&re[3..], arguments, node)),
            "io.open" | "codecs.open" => self.open(arguments, node, &**name == "codecs.open"),
            "setuptools.find_packages" => Ok(self.find(false, arguments, node)),
            "setuptools.find_namespace_packages" => Ok(self.find(true, arguments, node)),
            "pathlib.Path" | "pathlib.PurePath" | "pathlib.PosixPath" => {
                if arguments.positional.len() > MAX_PARTS {
                    return Ok(None);
                }
                let mut path = PathBuf::new();
                for part in &arguments.positional {
                    let Some(part) = part.as_path() else { return Ok(None) };
                    path.push(part);
                }
                Ok(Some(Form::Path(pure(&path))))
            }
            "pathlib.Path.cwd" => Ok(Some(Form::Path(self.root.clone()))),
            "collections.OrderedDict" => {
                let made = self.builtin_call("dict", arguments, node)?;
                if let Some(Form::Dict(entries)) = &made {
                    // Written out, it is none.
                    entries.set_sequence(Sequence::Loose);
                }
                Ok(made)
            }
            "itertools.chain" => {
                let mut all = Vec::new();
                for each in &arguments.positional {
                    match self.ordered_items(each, node)? {
                        Ok(items) if all.len() + items.len() > MAX_ITEMS => return Ok(None),
                        Ok(items) => all.extend(items),
                        Err(why) => return Ok(Some(Form::Unknown(why))),
                    }
                }
                Ok(Some(Object::once(all, &arguments.positional)))
            }
            "itertools.chain.from_iterable" => {
                let [all] = arguments.positional.as_slice() else {
                    return Ok(None);
                };
                match self.ordered_items(all, node)? {
                    Ok(items) => self.library(&"itertools.chain".into(), &Arguments::of(items), node),
                    Err(why) => Ok(Some(Form::Unknown(why))),
                }
            }
            // Other interpreters than CPython are not what images run.
            "builtins.hasattr" if matches!(arguments.text(1, ""), Some(name) if name.starts_with("pypy_")) => {
                Ok(Some(Form::Bool(false)))
            }
            "platform.python_implementation" if arguments.is_empty() => Ok(Some(Form::Str("CPython".into()))),
            "glob.glob" | "glob.iglob" if arguments.named.is_empty() => Ok(self.glob(arguments, node)),
            "platform.system" if arguments.is_empty() => Ok(Some(Form::Str(
                if cfg!(target_os = "macos") { "Darwin" } else { "Linux" }.into(),
            ))),
            "ast.literal_eval" => Ok(self.literal(arguments, node)),
            "json.loads" | "json.load" if !arguments.named.iter().all(is_ordered_hook) => Ok(None),
            "json.loads" => Ok(arguments.text(0, "s").and_then(|text| json(text, self.place(node)))),
            "json.load" => {
                let Some(Form::File(file)) = arguments.positional.first().map(|file| &file.form) else {
                    return Ok(None);
                };
                Ok(match &file.content {
                    Content::Text(text) if file.position.replace(Position::End) == Position::Start => {
                        json(text, self.place(node))
                    }
                    _ => None,
                })
            }
            "copy.copy" | "copy.deepcopy" => Ok(match arguments.positional.first().map(|object| &object.form) {
                Some(Form::List(items)) => items
                    .get()
                    .ok()
                    .filter(|items| is_flat(items))
                    .map(|items| Form::List(Shared::new(items.clone()))),
                Some(form @ (Form::Str(_) | Form::Int(_) | Form::None | Form::Bool(_))) => Some(form.clone()),
                _ => None,
            }),
            "runpy.run_path" => self.run_path(arguments, node),
            _ => Ok(None),
        }
    }
}

/// `object_pairs_hook=OrderedDict`, which keeps what is there.
fn is_ordered_hook((name, value): &(String, Object)) -> bool {
    let is_ordered = matches!(&value.form, Form::Library(class) if &**class == "collections.OrderedDict");
    name == "object_pairs_hook" && is_ordered
}

/// Characters of JSON that are read: of brackets alone, each becomes a list.
const MAX_JSON: usize = 1_000_000;

fn json(text: &str, place: Place) -> Option<Form> {
    if text.len() > MAX_JSON {
        return None;
    }
    effort::bytes(effort::size_of_items(text.len() / 2))?;
    effort::work(text.len())?;
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    json_form(&value, place)
}

fn json_form(value: &serde_json::Value, place: Place) -> Option<Form> {
    let object = |value: &serde_json::Value| Some(Object::new(json_form(value, place)?, place));
    Some(match value {
        serde_json::Value::Null => Form::None,
        serde_json::Value::Bool(value) => Form::Bool(*value),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(number) => Form::Int(number),
            // Of large integers and fractions the last digit may be another one.
            None => return None,
        },
        serde_json::Value::String(text) => Form::Str(text.as_str().into()),
        serde_json::Value::Array(items) => Form::List(Shared::new(items.iter().map(object).collect::<Option<_>>()?)),
        serde_json::Value::Object(entries) => {
            let entry = |(key, value): (&String, &serde_json::Value)| Some((Object::str(key, place), object(value)?));
            Form::Dict(Shared::new(entries.iter().map(entry).collect::<Option<_>>()?))
        }
    })
}

fn is_flat(items: &[Object]) -> bool {
    items
        .iter()
        .all(|item| matches!(item.form, Form::Str(_) | Form::Int(_) | Form::Bool(_) | Form::None))
}
