//! A literal, as `ast.literal_eval` takes it.

use ruff_python_ast::{Expr, Number};

use super::super::value::{Kind, Place, Value};
use super::format::float;

/// The value of a literal; `None` for any other expression, or a number that Python may show differently.
pub(crate) fn literal(expression: &Expr, place: Place) -> Option<Value> {
    let each = |items: &[Expr]| {
        items
            .iter()
            .map(|item| literal(item, place))
            .collect::<Option<Vec<_>>>()
    };
    let kind = match expression {
        Expr::NoneLiteral(_) => Kind::None,
        Expr::BooleanLiteral(literal) => Kind::Bool(literal.value),
        Expr::StringLiteral(literal) => Kind::Str(literal.value.to_str().to_owned()),
        Expr::NumberLiteral(literal) => Kind::Number(match &literal.value {
            Number::Int(int) => int.as_i64()?.to_string(),
            Number::Float(number) => float(*number)?,
            Number::Complex { .. } => return None,
        }),
        Expr::List(list) => Kind::List(each(&list.elts)?),
        Expr::Tuple(tuple) => Kind::Tuple(each(&tuple.elts)?),
        Expr::Dict(dict) => {
            let entry = |item: &ruff_python_ast::DictItem| {
                Some((literal(item.key.as_ref()?, place)?, literal(&item.value, place)?))
            };
            Kind::Dict(dict.items.iter().map(entry).collect::<Option<_>>()?)
        }
        _ => return None,
    };
    Some(Value::new(kind, place))
}
