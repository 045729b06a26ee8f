//! Expressions: literals, names, operators, subscripts, comprehensions.

use std::rc::Rc;

use ruff_python_ast::visitor::Visitor as _;
use ruff_python_ast::{
    BoolOp, CmpOp, Comprehension, Expr, ExprFString, FStringPart, InterpolatedStringElement, Number, Operator, UnaryOp,
};
use ruff_text_size::Ranged;

use super::super::mentions::Mentions;
use super::super::value::{Dynamic, Place};
use super::object::{Body, Content, Form, Object, Position, Shared, View};
use super::statement::insert;
use super::{Halt, MAX_DEPTH, MAX_ITEMS, MAX_LENGTH, Machine, Outcome, files, format, library};

impl Machine {
    /// What an expression gives.
    ///
    /// # Errors
    /// An exception that Python raises for certain; [`Halt::End`] where following it takes too long.
    pub(crate) fn evaluate(&mut self, expression: &Expr) -> Outcome {
        self.step(expression)?;
        if self.depth > MAX_DEPTH {
            return Ok(self.not_understood(expression, "is nested too deeply"));
        }
        self.depth += 1;
        let outcome = self.expression(expression);
        self.depth -= 1;
        outcome
    }

    /// An expression that is passed over: what it may change is unknown.
    pub(super) fn not_understood(&mut self, expression: &Expr, reason: &str) -> Object {
        let why = self.dynamic(expression, reason);
        let mut mentions = Mentions::default();
        mentions.visit_expr(expression);
        self.forget(&mentions, &why, true);
        Object::unknown(&why)
    }

    fn expression(&mut self, expression: &Expr) -> Outcome {
        let place = self.place(expression);
        let form = match expression {
            Expr::NoneLiteral(_) => Form::None,
            Expr::BooleanLiteral(literal) => Form::Bool(literal.value),
            Expr::StringLiteral(literal) => Form::Str(literal.value.to_str().into()),
            Expr::BytesLiteral(literal) => Form::Bytes(literal.value.bytes().collect()),
            Expr::NumberLiteral(literal) => match &literal.value {
                Number::Int(int) => match int.as_i64() {
                    Some(number) => Form::Int(number),
                    None => return Ok(self.unknown(expression, "is a large number")),
                },
                Number::Float(number) => Form::Float(*number),
                Number::Complex { .. } => return Ok(self.unknown(expression, "is a complex number")),
            },
            Expr::FString(text) => return self.f_string(text, expression),
            Expr::List(list) => match self.each_of(&list.elts)? {
                Ok(items) => Form::List(Shared::new(items)),
                Err(why) => return Ok(self.unknown_for(&why)),
            },
            Expr::Tuple(tuple) => match self.each_of(&tuple.elts)? {
                Ok(items) => Form::Tuple(items.into()),
                Err(why) => return Ok(self.unknown_for(&why)),
            },
            Expr::Set(set) => match self.each_of(&set.elts)? {
                Ok(items) => Form::Set(Shared::new(distinct(items))),
                Err(why) => return Ok(self.unknown_for(&why)),
            },
            Expr::Dict(dict) => return self.dict(dict, expression),
            Expr::Name(name) => {
                return match self.get(name.id.as_str()) {
                    Some(object) => Ok(object),
                    None => Ok(self.unknown(expression, "is a name without a known value")),
                };
            }
            Expr::Attribute(attribute) => {
                let object = self.evaluate(&attribute.value)?;
                return self.attribute(&object, attribute.attr.as_str(), expression);
            }
            Expr::Subscript(subscript) => {
                let object = self.evaluate(&subscript.value)?;
                if let Expr::Slice(slice) = &*subscript.slice {
                    return self.slice(&object, slice, expression);
                }
                let key = self.evaluate(&subscript.slice)?;
                return self.item(&object, &key, expression);
            }
            Expr::BinOp(binary) => {
                let left = self.evaluate(&binary.left)?;
                let right = self.evaluate(&binary.right)?;
                return Ok(self.operate(binary.op, &left, &right, expression));
            }
            Expr::UnaryOp(unary) => return self.unary(unary, expression),
            Expr::BoolOp(all) => return self.either(all, expression),
            Expr::Compare(compare) => return self.compare(compare, expression),
            Expr::If(choice) => {
                let test = self.evaluate(&choice.test)?;
                return match test.truthy() {
                    Ok(true) => self.evaluate(&choice.body),
                    Ok(false) => self.evaluate(&choice.orelse),
                    Err(why) => Ok(self.not_understood(expression, &depends(&why))),
                };
            }
            Expr::Named(_) if self.frame.comprehends => return Ok(self.not_understood(expression, "binds a name")),
            Expr::Named(named) => {
                let value = self.evaluate(&named.value)?;
                self.assign(&named.target, value.clone())?;
                return Ok(value);
            }
            Expr::Lambda(lambda) => {
                let parameters = lambda.parameters.as_deref().cloned().unwrap_or_default();
                self.function(parameters, Body::Lambda((*lambda.body).clone()))?
            }
            Expr::ListComp(made) => return self.comprehend(&made.generators, &made.elt, expression, false),
            // One that is not gone through at once would see what changes meanwhile.
            Expr::Generator(_) => return Ok(self.not_understood(expression, "is a generator")),
            Expr::SetComp(made) => return self.comprehend(&made.generators, &made.elt, expression, true),
            Expr::DictComp(made) => return self.comprehend_dict(made, expression),
            Expr::Call(call) => return self.call(call, expression),
            _ => return Ok(self.not_understood(expression, "is computed")),
        };
        Ok(Object::new(form, place))
    }

    /// Elements of a display, `*` unpacked.
    fn each_of(&mut self, elements: &[Expr]) -> Result<Result<Vec<Object>, Rc<Dynamic>>, Halt> {
        let mut items = Vec::new();
        let mut doubt = None;
        for element in elements {
            let Expr::Starred(starred) = element else {
                items.push(self.evaluate(element)?);
                continue;
            };
            let unpacked = self.evaluate(&starred.value)?;
            match self.items(&unpacked, element)? {
                Ok(more) => items.extend(more),
                Err(why) => doubt = Some(why),
            }
        }
        Ok(doubt.map_or(Ok(items), Err))
    }

    fn dict(&mut self, dict: &ruff_python_ast::ExprDict, expression: &Expr) -> Outcome {
        let mut entries = Vec::new();
        let mut doubt = None;
        for item in &dict.items {
            let Some(key) = &item.key else {
                let unpacked = self.evaluate(&item.value)?;
                match &unpacked.form {
                    Form::Dict(more) => match more.get() {
                        Ok(more) => more
                            .iter()
                            .cloned()
                            .for_each(|(key, value)| insert(&mut entries, key, value)),
                        Err(why) => doubt = Some(why),
                    },
                    _ => doubt = Some(self.dynamic(&item.value, "is unpacked into a dict")),
                }
                continue;
            };
            let key = self.evaluate(key)?;
            let value = self.evaluate(&item.value)?;
            if !is_key(&key) {
                doubt = Some(self.dynamic(
                    item.key.as_ref().map_or(expression, |key| key),
                    "is a key that is not known",
                ));
            }
            insert(&mut entries, key, value);
        }
        match doubt {
            Some(why) => {
                let made = Object::new(Form::Dict(Shared::new(entries)), why.place);
                self.taint(&made, &why);
                self.doubts += 1;
                Ok(made)
            }
            None => Ok(Object::new(Form::Dict(Shared::new(entries)), self.place(expression))),
        }
    }

    fn f_string(&mut self, text: &ExprFString, expression: &Expr) -> Outcome {
        let mut made = String::new();
        for part in &text.value {
            match part {
                FStringPart::Literal(literal) => made.push_str(literal.as_str()),
                FStringPart::FString(parts) => {
                    for element in &parts.elements {
                        match element {
                            InterpolatedStringElement::Literal(literal) => made.push_str(&literal.value),
                            InterpolatedStringElement::Interpolation(inserted) => {
                                let value = self.evaluate(&inserted.expression)?;
                                let is_plain = inserted.format_spec.is_none() && inserted.debug_text.is_none();
                                let shown = match inserted.conversion {
                                    ruff_python_ast::ConversionFlag::Repr => format::repr(&value),
                                    _ => format::str(&value),
                                };
                                let Some(shown) = shown.filter(|_| is_plain) else {
                                    return Ok(self.computed(&value, expression, "is formatted"));
                                };
                                made.push_str(&shown);
                            }
                        }
                    }
                }
            }
        }
        self.effort(made.len());
        Ok(Object::str(made, self.place(expression)))
    }

    /// An unknown result of something known to have no side effect: for the reason that `from` is unknown, if it is.
    pub(super) fn computed(&mut self, from: &Object, node: &impl Ranged, reason: &str) -> Object {
        match &from.form {
            Form::Unknown(why) => {
                let why = Rc::clone(why);
                self.unknown_for(&why)
            }
            _ => self.unknown(node, reason),
        }
    }

    /// An unknown part of an object: through it, the object may be changed.
    pub(super) fn looked_up(&mut self, object: &Object, node: &impl Ranged) -> Object {
        let part = self.computed(object, node, "is looked up");
        if let Form::Unknown(why) = &part.form {
            self.taint(object, &Rc::clone(why));
        }
        part
    }

    fn unary(&mut self, unary: &ruff_python_ast::ExprUnaryOp, expression: &Expr) -> Outcome {
        let operand = self.evaluate(&unary.operand)?;
        let form = match (unary.op, &operand.form) {
            (UnaryOp::Not, _) => match operand.truthy() {
                Ok(value) => Form::Bool(!value),
                Err(why) => return Ok(self.unknown_for(&why)),
            },
            (UnaryOp::USub, Form::Int(number)) => match number.checked_neg() {
                Some(number) => Form::Int(number),
                None => return Ok(self.unknown(expression, "is a large number")),
            },
            (UnaryOp::USub, Form::Float(number)) => Form::Float(-number),
            _ => return Ok(self.computed(&operand, expression, "is computed")),
        };
        Ok(Object::new(form, self.place(expression)))
    }

    /// `and`, `or`: the operand that decides.
    fn either(&mut self, all: &ruff_python_ast::ExprBoolOp, expression: &Expr) -> Outcome {
        let mut last = Object::new(Form::None, self.place(expression));
        for operand in &all.values {
            last = self.evaluate(operand)?;
            match (last.truthy(), all.op) {
                (Ok(true), BoolOp::Or) | (Ok(false), BoolOp::And) => return Ok(last),
                (Ok(_), _) => {}
                (Err(why), _) => return Ok(self.not_understood(expression, &depends(&why))),
            }
        }
        Ok(last)
    }

    fn compare(&mut self, compare: &ruff_python_ast::ExprCompare, expression: &Expr) -> Outcome {
        let mut left = self.evaluate(&compare.left)?;
        let mut result = true;
        for (op, right) in compare.ops.iter().zip(&compare.comparators) {
            let right = self.evaluate(right)?;
            match holds(*op, &left, &right) {
                Some(true) => {}
                Some(false) => {
                    result = false;
                    break;
                }
                None => {
                    let from = if matches!(left.form, Form::Unknown(_)) {
                        &left
                    } else {
                        &right
                    };
                    return Ok(self.computed(from, expression, "is compared"));
                }
            }
            left = right;
        }
        Ok(Object::new(Form::Bool(result), self.place(expression)))
    }

    /// A binary operator.
    pub(super) fn operate(&mut self, op: Operator, left: &Object, right: &Object, node: &impl Ranged) -> Object {
        let place = self.place(node);
        let too_long = |length: usize| length > MAX_LENGTH;
        if let (Form::Str(a), Form::Str(b)) = (&left.form, &right.form) {
            self.effort(a.len() + b.len());
        }
        let form = match (op, &left.form, &right.form) {
            (_, Form::Unknown(why), _) | (_, _, Form::Unknown(why)) => {
                let why = Rc::clone(why);
                self.taint(left, &why);
                self.taint(right, &why);
                return self.unknown_for(&why);
            }
            (Operator::Add, Form::Str(a), Form::Str(b)) if !too_long(a.len() + b.len()) => {
                Form::Str([&**a, &**b].concat().into())
            }
            (Operator::Add, Form::List(a), Form::List(b)) => match (a.get(), b.get()) {
                (Ok(a), Ok(b)) if a.len() + b.len() <= MAX_ITEMS => {
                    Form::List(Shared::new([a.as_slice(), &b].concat()))
                }
                (Err(why), _) | (_, Err(why)) => return self.unknown_for(&why),
                _ => return self.unknown(node, "is too long"),
            },
            (Operator::Add, Form::Tuple(a), Form::Tuple(b)) => Form::Tuple([&**a, &**b].concat().into()),
            (Operator::Mod, Form::Str(template), _) => match format::percent(template, right) {
                Some(text) => {
                    self.effort(text.len());
                    Form::Str(text.into())
                }
                None => return self.unknown(node, "is formatted"),
            },
            (Operator::Mult, Form::Str(text), Form::Int(times))
            | (Operator::Mult, Form::Int(times), Form::Str(text)) => {
                let times = usize::try_from(*times).unwrap_or(0);
                if too_long(text.len().saturating_mul(times)) {
                    return self.unknown(node, "is too long");
                }
                Form::Str(text.repeat(times).into())
            }
            (Operator::Mult, Form::List(items), Form::Int(times)) => match items.get() {
                Ok(items) if items.len().saturating_mul(usize::try_from(*times).unwrap_or(0)) <= MAX_ITEMS => {
                    let times = usize::try_from(*times).unwrap_or(0);
                    let repeated = std::iter::repeat_n(items.as_slice(), times).flatten();
                    Form::List(Shared::new(repeated.cloned().collect()))
                }
                _ => return self.unknown(node, "is repeated"),
            },
            (Operator::Div, Form::Path(path), Form::Str(name)) => Form::Path(files::pure(&path.join(&**name))),
            (Operator::Div, Form::Path(path), Form::Path(name)) => Form::Path(files::pure(&path.join(name))),
            (_, Form::Int(a), Form::Int(b)) => match arithmetic(op, *a, *b) {
                Some(number) => Form::Int(number),
                None => return self.unknown(node, "is computed"),
            },
            (Operator::BitOr, Form::Dict(a), Form::Dict(b)) => match (a.get(), b.get()) {
                (Ok(a), Ok(b)) => {
                    let mut entries = a.clone();
                    b.iter()
                        .cloned()
                        .for_each(|(key, value)| insert(&mut entries, key, value));
                    Form::Dict(Shared::new(entries))
                }
                (Err(why), _) | (_, Err(why)) => return self.unknown_for(&why),
            },
            (Operator::BitOr, Form::Set(a), Form::Set(b)) => match (a.get(), b.get()) {
                (Ok(a), Ok(b)) => Form::Set(Shared::new(distinct([a.as_slice(), &b].concat()))),
                (Err(why), _) | (_, Err(why)) => return self.unknown_for(&why),
            },
            (Operator::BitOr, Form::Library(a), Form::Library(b)) if a.starts_with("re.") && b.starts_with("re.") => {
                match (library::flag(a), library::flag(b)) {
                    (Some(a), Some(b)) => Form::Int(a | b),
                    _ => return self.unknown(node, "is computed"),
                }
            }
            _ => {
                let why = self.dynamic(node, "is computed");
                self.taint(left, &why);
                self.taint(right, &why);
                return self.unknown_for(&why);
            }
        };
        Object::new(form, place)
    }

    /// The items that iterating over an object gives, or why they are not known.
    pub(super) fn items(
        &mut self,
        object: &Object,
        node: &impl Ranged,
    ) -> Result<Result<Vec<Object>, Rc<Dynamic>>, Halt> {
        let place = object.place;
        if let Form::List(items) | Form::Set(items) = &object.form {
            let length = items.get().map_or(0, |items| items.len());
            self.effort(length);
        }
        Ok(match &object.form {
            Form::List(items) => items.get().map(|items| items.clone()),
            Form::Tuple(items) => Ok(items.to_vec()),
            Form::Dict(entries) => entries
                .get()
                .map(|entries| entries.iter().map(|(key, _)| key.clone()).collect()),
            Form::Set(items) => match items.get() {
                Ok(items) if items.len() <= 1 => Ok(items.clone()),
                Ok(_) => Err(self.dynamic(node, "is a set, whose order differs from run to run")),
                Err(why) => Err(why),
            },
            Form::Str(text) => Ok(text.chars().map(|c| Object::str(c.to_string(), place)).collect()),
            Form::File(file) => match &file.content {
                Content::Text(text) if file.position.replace(Position::Somewhere) == Position::Start => Ok(text
                    .split_inclusive('\n')
                    .map(|line| Object::str(line, place))
                    .collect()),
                Content::Text(_) | Content::Bytes(_) => {
                    Err(self.dynamic(node, "is read in a way that is not followed"))
                }
            },
            Form::View(entries, view) => entries.get().map(|entries| viewed(&entries, *view, place)),
            Form::Iterator(once) => {
                if once
                    .sources
                    .iter()
                    .any(|(source, version)| source.version() != *version)
                {
                    return Ok(Err(self.dynamic(node, "goes through something that has changed")));
                }
                Ok(once.items.take().unwrap_or_default())
            }
            Form::Unknown(why) => Err(Rc::clone(why)),
            Form::None | Form::Bool(_) | Form::Int(_) | Form::Float(_) => {
                return Err(Halt::Raised("TypeError".into(), "object is not iterable".into()));
            }
            _ => Err(self.dynamic(node, "is iterated over")),
        })
    }

    /// `object[key]`.
    fn item(&mut self, object: &Object, key: &Object, expression: &Expr) -> Outcome {
        let found = match (&object.form, key.as_int()) {
            (Form::List(items), Some(index)) => match items.get() {
                Ok(items) => at(&items, index),
                Err(why) => return Ok(self.unknown_for(&why)),
            },
            (Form::Tuple(items), Some(index)) => at(items, index),
            (Form::Str(text), Some(index)) => {
                let characters: Vec<_> = text.chars().map(|c| Object::str(c.to_string(), object.place)).collect();
                at(&characters, index)
            }
            (Form::Dict(entries), _) if is_key(key) => match entries.get() {
                Ok(entries) => match entries.iter().find(|(known, _)| known.equals(key) == Some(true)) {
                    Some((_, value)) => return Ok(value.clone()),
                    None => {
                        return Err(Halt::Raised(
                            "KeyError".into(),
                            format::repr(key).unwrap_or_default().into(),
                        ));
                    }
                },
                Err(why) => return Ok(self.unknown_for(&why)),
            },
            (Form::Match(groups), Some(index)) => {
                let group = usize::try_from(index).ok().and_then(|index| groups.texts.get(index));
                match group {
                    Some(Some(text)) => return Ok(Object::str(text, object.place)),
                    Some(None) => return Ok(Object::new(Form::None, object.place)),
                    None => return Err(Halt::Raised("IndexError".into(), "no such group".into())),
                }
            }
            (Form::VersionInfo, Some(0)) => return Ok(Object::new(Form::Int(3), self.place(expression))),
            (Form::Arguments, Some(_)) => return Ok(Object::new(Form::Argument, self.place(expression))),
            _ => return Ok(self.looked_up(object, expression)),
        };
        found.ok_or_else(|| Halt::Raised("IndexError".into(), "list index out of range".into()))
    }

    fn slice(&mut self, object: &Object, slice: &ruff_python_ast::ExprSlice, expression: &Expr) -> Outcome {
        let mut bounds = [None, None];
        for (bound, given) in bounds.iter_mut().zip([&slice.lower, &slice.upper]) {
            let Some(given) = given else { continue };
            let value = self.evaluate(given)?;
            match (value.as_int(), &value.form) {
                (Some(number), _) => *bound = Some(number),
                (None, Form::None) => {}
                _ => return Ok(self.looked_up(object, expression)),
            }
        }
        let step = match &slice.step {
            None => 1,
            Some(step) => match self.evaluate(step)?.as_int() {
                Some(step @ (1 | -1)) if step == 1 || bounds == [None, None] => step,
                _ => return Ok(self.looked_up(object, expression)),
            },
        };
        let cut = |items: Vec<Object>| {
            let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
            let place = |bound: i64| {
                if bound < 0 {
                    (bound + length).max(0)
                } else {
                    bound.min(length)
                }
            };
            let (start, end) = (bounds[0].map_or(0, place), bounds[1].map_or(length, place));
            let count = usize::try_from(end - start).unwrap_or(0);
            let mut cut: Vec<_> = items
                .into_iter()
                .skip(usize::try_from(start).unwrap_or(0))
                .take(count)
                .collect();
            if step == -1 {
                cut.reverse();
            }
            cut
        };
        let place = self.place(expression);
        let form = match &object.form {
            Form::List(items) => match items.get() {
                Ok(items) => Form::List(Shared::new(cut(items.clone()))),
                Err(why) => return Ok(self.unknown_for(&why)),
            },
            Form::Tuple(items) => Form::Tuple(cut(items.to_vec()).into()),
            Form::Str(text) => {
                let characters = text.chars().map(|c| Object::str(c.to_string(), place)).collect();
                let kept: String = cut(characters).iter().filter_map(|c| c.as_str()).collect();
                Form::Str(kept.into())
            }
            // `sys.version_info[:2]` compares as the whole does, and `sys.argv[1:]` holds what the whole holds.
            Form::VersionInfo if bounds[0].is_none() && bounds[1].is_none_or(|end| end >= 2) => Form::VersionInfo,
            Form::Arguments => Form::Arguments,
            _ => return Ok(self.looked_up(object, expression)),
        };
        Ok(Object::new(form, place))
    }

    fn comprehend(&mut self, generators: &[Comprehension], element: &Expr, expression: &Expr, as_set: bool) -> Outcome {
        if self.frame.is_class {
            return Ok(self.not_understood(expression, "is computed in a class"));
        }
        let mut made = Vec::new();
        let done = self.inner(|machine| {
            machine.generate(generators, &mut |machine| {
                let item = machine.evaluate(element)?;
                made.push(item);
                Ok(())
            })
        });
        match done {
            Ok(None) if as_set => Ok(Object::new(
                Form::Set(Shared::new(distinct(made))),
                self.place(expression),
            )),
            Ok(None) => Ok(Object::list(made, self.place(expression))),
            Ok(Some(why)) => Ok(self.not_understood(expression, &depends(&why))),
            Err(halt) => Err(halt),
        }
    }

    fn comprehend_dict(&mut self, made: &ruff_python_ast::ExprDictComp, expression: &Expr) -> Outcome {
        if self.frame.is_class {
            return Ok(self.not_understood(expression, "is computed in a class"));
        }
        let mut entries = Vec::new();
        let mut unclear = None;
        let done = self.inner(|machine| {
            machine.generate(&made.generators, &mut |machine| {
                let Some(key) = &made.key else {
                    unclear = Some(machine.dynamic(expression, "is unpacked into a dict"));
                    return Ok(());
                };
                let key = machine.evaluate(key)?;
                let value = machine.evaluate(&made.value)?;
                if !is_key(&key) {
                    unclear = Some(machine.dynamic(expression, "has a key that is not known"));
                }
                insert(&mut entries, key, value);
                Ok(())
            })
        });
        match done.map(|doubt| doubt.or(unclear)) {
            Ok(None) => Ok(Object::new(Form::Dict(Shared::new(entries)), self.place(expression))),
            Ok(Some(why)) => Ok(self.not_understood(expression, &depends(&why))),
            Err(halt) => Err(halt),
        }
    }

    /// A generator that is gone through at once.
    pub(super) fn generator(&mut self, generators: &[Comprehension], element: &Expr, expression: &Expr) -> Outcome {
        let made = self.comprehend(generators, element, expression, false)?;
        Ok(match &made.form {
            Form::List(items) => match items.get() {
                Ok(items) => Object::new(Object::once(items.clone(), &[]), made.place),
                Err(why) => self.unknown_for(&why),
            },
            _ => made,
        })
    }

    /// Runs `each` for every combination; answers why it could not, if so.
    fn generate(
        &mut self,
        generators: &[Comprehension],
        each: &mut dyn FnMut(&mut Self) -> Result<(), Halt>,
    ) -> Result<Option<Rc<Dynamic>>, Halt> {
        let Some((first, rest)) = generators.split_first() else {
            return each(self).map(|()| None);
        };
        let iterated = match &first.iter {
            Expr::Generator(made) => self.generator(&made.generators, &made.elt, &first.iter)?,
            iterated => self.evaluate(iterated)?,
        };
        let items = match self.items(&iterated, &first.iter)? {
            Ok(items) if !first.is_async => items,
            Ok(_) => return Ok(Some(self.dynamic(&first.iter, "is iterated over"))),
            Err(why) => return Ok(Some(why)),
        };
        let version = iterated.version();
        'items: for item in items {
            if iterated.version() != version {
                return Ok(Some(self.dynamic(&first.iter, "changes while it is gone through")));
            }
            self.step(&first.iter)?;
            self.assign(&first.target, item)?;
            for condition in &first.ifs {
                match self.evaluate(condition)?.truthy() {
                    Ok(true) => {}
                    Ok(false) => continue 'items,
                    Err(why) => return Ok(Some(why)),
                }
            }
            if let Some(why) = self.generate(rest, each)? {
                return Ok(Some(why));
            }
        }
        Ok(None)
    }
}

/// The reason of what `why` decides.
pub(super) fn depends(why: &Dynamic) -> String {
    format!("depends on `{}`, which {}", why.expression, why.reason)
}

fn is_key(key: &Object) -> bool {
    let is_plain = |key: &Object| matches!(key.form, Form::Str(_) | Form::Int(_) | Form::Bool(_) | Form::None);
    match &key.form {
        Form::Tuple(items) => items.iter().all(is_plain),
        _ => is_plain(key),
    }
}

fn at(items: &[Object], index: i64) -> Option<Object> {
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let index = if index < 0 { index + length } else { index };
    usize::try_from(index).ok().and_then(|index| items.get(index)).cloned()
}

/// The items of a set: each once.
pub(super) fn distinct(items: Vec<Object>) -> Vec<Object> {
    let mut kept: Vec<Object> = Vec::new();
    for item in items {
        if !kept.iter().any(|known| known.equals(&item) == Some(true)) {
            kept.push(item);
        }
    }
    kept
}

fn arithmetic(op: Operator, a: i64, b: i64) -> Option<i64> {
    match op {
        Operator::Add => a.checked_add(b),
        Operator::Sub => a.checked_sub(b),
        Operator::Mult => a.checked_mul(b),
        Operator::FloorDiv if b > 0 => Some(a.div_euclid(b)),
        Operator::Mod if b > 0 => Some(a.rem_euclid(b)),
        Operator::BitOr => Some(a | b),
        Operator::BitAnd => Some(a & b),
        _ => None,
    }
}

/// What a view of a dict shows.
fn viewed(entries: &[(Object, Object)], view: View, place: Place) -> Vec<Object> {
    let shown = |(key, value): &(Object, Object)| match view {
        View::Keys => key.clone(),
        View::Values => value.clone(),
        View::Items => Object::new(Form::Tuple([key.clone(), value.clone()].into()), place),
    };
    entries.iter().map(shown).collect()
}

/// Whether a comparison holds; `None` where only Python knows.
fn holds(op: CmpOp, left: &Object, right: &Object) -> Option<bool> {
    match op {
        CmpOp::Eq => left.equals(right),
        CmpOp::NotEq => left.equals(right).map(|equal| !equal),
        CmpOp::Is | CmpOp::IsNot => {
            let same = match (&left.form, &right.form) {
                (Form::Unknown(_), _) | (_, Form::Unknown(_)) => return None,
                (Form::None, Form::None) => true,
                (Form::Bool(a), Form::Bool(b)) => a == b,
                (Form::None | Form::Bool(_), _) | (_, Form::None | Form::Bool(_)) => false,
                (Form::List(a), Form::List(b)) => a.is(b),
                _ => return None,
            };
            Some(same == (op == CmpOp::Is))
        }
        CmpOp::In => contains(right, left),
        CmpOp::NotIn => contains(right, left).map(|found| !found),
        CmpOp::Lt | CmpOp::LtE | CmpOp::Gt | CmpOp::GtE => {
            if let (Form::VersionInfo, Form::Tuple(wanted)) = (&left.form, &right.form) {
                return version_holds(op, wanted);
            }
            // One number for the same: 0x030B0000 is 3.11.
            if let (Form::Library(name), Form::Int(wanted)) = (&left.form, &right.form)
                && &**name == "sys.hexversion"
            {
                let number = |number| Object::new(Form::Int(number), right.place);
                return version_holds(op, &[number(wanted >> 24), number((wanted >> 16) & 0xff)]);
            }
            let order = order(left, right)?;
            Some(match op {
                CmpOp::Lt => order.is_lt(),
                CmpOp::LtE => order.is_le(),
                CmpOp::Gt => order.is_gt(),
                _ => order.is_ge(),
            })
        }
    }
}

/// `sys.version_info` against a version that every Python of today is above, or below.
fn version_holds(op: CmpOp, wanted: &[Object]) -> Option<bool> {
    let wanted: Option<Vec<_>> = wanted.iter().map(Object::as_int).collect();
    let wanted = wanted?;
    let (major, minor) = (*wanted.first()?, wanted.get(1).copied().unwrap_or(0));
    let above = major < 3 || (major == 3 && minor <= OLDEST_MINOR);
    let below = major > 3;
    match op {
        CmpOp::Gt | CmpOp::GtE if above && !(minor == OLDEST_MINOR && major == 3 && wanted.len() > 2) => Some(true),
        CmpOp::Gt | CmpOp::GtE if below => Some(false),
        CmpOp::Lt | CmpOp::LtE if above && !(minor == OLDEST_MINOR && major == 3 && wanted.len() > 2) => Some(false),
        CmpOp::Lt | CmpOp::LtE if below => Some(true),
        _ => None,
    }
}

/// The oldest Python 3 that setuptools still runs on.
const OLDEST_MINOR: i64 = 9;

/// Python's order of two objects, where it has one that is certain.
pub(super) fn order(left: &Object, right: &Object) -> Option<std::cmp::Ordering> {
    order_below(left, right, 0)
}

fn order_below(left: &Object, right: &Object, depth: usize) -> Option<std::cmp::Ordering> {
    if depth > MAX_DEPTH {
        return None;
    }
    match (&left.form, &right.form) {
        (Form::Str(a), Form::Str(b)) => Some(a.cmp(b)),
        (Form::Tuple(a), Form::Tuple(b)) => sequence_order(a, b, depth),
        (Form::List(a), Form::List(b)) => sequence_order(&a.get().ok()?, &b.get().ok()?, depth),
        (Form::Float(a), Form::Float(b)) => a.partial_cmp(b),
        _ => Some(left.as_int()?.cmp(&right.as_int()?)),
    }
}

fn sequence_order(a: &[Object], b: &[Object], depth: usize) -> Option<std::cmp::Ordering> {
    for (a, b) in a.iter().zip(b) {
        if !a.equals(b)? {
            return order_below(a, b, depth + 1);
        }
    }
    Some(a.len().cmp(&b.len()))
}

/// `item in object`.
fn contains(object: &Object, item: &Object) -> Option<bool> {
    let among = |items: &[Object]| {
        let equal: Vec<_> = items.iter().map(|each| each.equals(item)).collect();
        if equal.contains(&Some(true)) {
            Some(true)
        } else if equal.contains(&None) {
            None
        } else {
            Some(false)
        }
    };
    match &object.form {
        Form::List(items) | Form::Set(items) => among(&items.get().ok()?),
        Form::Tuple(items) => among(items),
        Form::Dict(entries) => {
            let entries = entries.get().ok()?;
            among(&entries.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>())
        }
        Form::View(entries, view) => among(&viewed(&entries.get().ok()?, *view, object.place)),
        Form::Str(text) => Some(text.contains(item.as_str()?)),
        Form::Arguments => among(&[Object::new(Form::Argument, object.place)]),
        _ => None,
    }
}
