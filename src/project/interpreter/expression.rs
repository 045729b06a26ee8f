//! Expressions: literals, names, operators, subscripts, comprehensions.

use std::rc::Rc;

use ruff_python_ast::visitor::Visitor as _;
use ruff_python_ast::{ConversionFlag, Expr, ExprFString, FStringPart, InterpolatedStringElement, Number};
use ruff_text_size::Ranged;

use super::super::mentions::Mentions;
use super::super::value::Dynamic;
use super::keys::{distinct, is_key, unique};
use super::object::{Body, Form, Object};
use super::shared::{Sequence, Shared};
use super::{Halt, MAX_DEPTH, MAX_ITEMS, MAX_LENGTH, Machine, Outcome, depends, effort, format};

/// The elements of a display, and whether their order is known.
type Elements = (Vec<Object>, Sequence);

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
        if let Ok(object) = &outcome
            && makes(expression)
        {
            // Whether anything is left is checked next.
            let _ = effort::bytes(object.size());
        }
        self.check(expression)?;
        outcome
    }

    /// An expression that is passed over: what it may change is unknown.
    pub(super) fn not_understood(&mut self, expression: &Expr, reason: &str) -> Object {
        // Done whatever it costs; the caller checks whether anything is left.
        let _ = effort::work(usize::from(expression.range().len()));
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
            // Half of a surrogate pair is no character in Rust.
            Expr::StringLiteral(literal) if literal.value.to_str().contains(char::REPLACEMENT_CHARACTER) => {
                return Ok(self.unknown(expression, "may hold half a character"));
            }
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
                Ok((items, sequence)) => Form::List(Shared::in_sequence(items, sequence)),
                Err(why) => return Ok(self.unknown_for(&why)),
            },
            Expr::Tuple(tuple) => match self.each_of(&tuple.elts)? {
                Ok((items, _)) => Form::Tuple(items.into()),
                Err(why) => return Ok(self.unknown_for(&why)),
            },
            Expr::Set(set) => match self.each_of(&set.elts)? {
                Ok((items, _)) => match distinct(items) {
                    Some(items) => Form::Set(Shared::new(items)),
                    None => return Ok(self.not_understood(expression, "holds what is not known")),
                },
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
                let length = usize::from(lambda.range().len());
                self.source_effort(length, true, lambda)?;
                let parameters = lambda.parameters.as_deref().cloned().unwrap_or_default();
                self.function(parameters, Body::Lambda((*lambda.body).clone()), length)?
            }
            Expr::ListComp(made) => return self.comprehend(&made.generators, &made.elt, expression, false),
            Expr::Generator(made) => return self.later(made, expression),
            Expr::Yield(_) | Expr::YieldFrom(_) => return self.yields(expression),
            Expr::SetComp(made) => return self.comprehend(&made.generators, &made.elt, expression, true),
            Expr::DictComp(made) => return self.comprehend_dict(made, expression),
            Expr::Call(call) => return self.call(call, expression),
            _ => return Ok(self.not_understood(expression, "is of a kind that only Python evaluates")),
        };
        Ok(Object::new(form, place))
    }

    /// Elements of a display, `*` unpacked, and whether their order is known.
    fn each_of(&mut self, elements: &[Expr]) -> Result<Result<Elements, Rc<Dynamic>>, Halt> {
        let mut sequence = Sequence::Known;
        let mut items = Vec::new();
        let mut doubt = None;
        for element in elements {
            let Expr::Starred(starred) = element else {
                items.push(self.evaluate(element)?);
                continue;
            };
            let unpacked = self.evaluate(&starred.value)?;
            sequence = unpacked.sequence().max(sequence);
            match self.items(&unpacked, element)? {
                Ok(more) if items.len() + more.len() > MAX_ITEMS => doubt = Some(self.dynamic(element, "is too long")),
                Ok(more) => items.extend(more),
                Err(why) => doubt = Some(why),
            }
        }
        Ok(doubt.map_or(Ok((items, sequence)), Err))
    }

    fn dict(&mut self, dict: &ruff_python_ast::ExprDict, expression: &Expr) -> Outcome {
        let mut entries = Vec::new();
        let mut doubt = None;
        let mut sequence = Sequence::Known;
        for item in &dict.items {
            let Some(key) = &item.key else {
                let unpacked = self.evaluate(&item.value)?;
                match &unpacked.form {
                    Form::Dict(more) => match more.get() {
                        Ok(more) => {
                            sequence = unpacked.sequence().of_a_dict().max(sequence);
                            entries.extend(more.iter().cloned());
                        }
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
            entries.push((key, value));
        }
        let entries = unique(entries);
        match doubt {
            Some(why) => {
                let made = Object::new(Form::Dict(Shared::new(entries)), why.place);
                self.taint(&made, &why);
                self.doubts += 1;
                Ok(made)
            }
            None => Ok(Object::new(
                Form::Dict(Shared::in_sequence(entries, sequence)),
                self.place(expression),
            )),
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
                                    ConversionFlag::Repr => format::repr(&value),
                                    ConversionFlag::Ascii => None,
                                    ConversionFlag::Str | ConversionFlag::None => format::str(&value),
                                };
                                let Some(shown) = shown.filter(|_| is_plain) else {
                                    return Ok(self.computed(
                                        &value,
                                        expression,
                                        "is written out in a way that only Python knows",
                                    ));
                                };
                                made.push_str(&shown);
                                if made.len() > MAX_LENGTH {
                                    return Ok(self.unknown(expression, "is too long"));
                                }
                            }
                        }
                    }
                }
            }
        }
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
        let part = self.computed(object, node, "is a part that only Python can look up");
        if let Form::Unknown(why) = &part.form {
            self.taint(object, &Rc::clone(why));
        }
        part
    }
}

/// Whether an expression makes a new object: the others give one that is there already.
fn makes(expression: &Expr) -> bool {
    !matches!(
        expression,
        Expr::Name(_) | Expr::Attribute(_) | Expr::If(_) | Expr::BoolOp(_)
    )
}
