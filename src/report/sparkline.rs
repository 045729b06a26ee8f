//! A row of numbers as one line of characters.

/// From the lowest to the highest ([Block Elements](https://www.unicode.org/charts/PDF/U2580.pdf)).
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The same where a terminal shows no others.
const ASCII: [char; 8] = ['_', '.', ',', '-', '=', '+', '*', '#'];

/// One character for each value; a space where there is none. All in the middle where they are all the same.
#[must_use]
pub(crate) fn sparkline(values: &[Option<f64>], is_unicode: bool) -> String {
    let levels = if is_unicode { BLOCKS } else { ASCII };
    let known = || values.iter().flatten().copied().filter(|value| value.is_finite());
    let (lowest, highest) = (
        known().fold(f64::INFINITY, f64::min),
        known().fold(f64::NEG_INFINITY, f64::max),
    );
    let level = |value: f64| {
        let share = value / 2.0 - lowest / 2.0;
        let range = highest / 2.0 - lowest / 2.0;
        if range <= 0.0 {
            return levels[3];
        }
        let thresholds = (1..8_u8).filter(|number| share / range * 8.0 >= f64::from(*number));
        levels[thresholds.count().min(7)]
    };
    let shown = values.iter().map(|value| match value {
        Some(value) if value.is_finite() => level(*value),
        _ => ' ',
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_from_the_lowest_to_the_highest() {
        let rising: Vec<Option<f64>> = (0..8).map(|n| Some(f64::from(n))).collect();
        assert_eq!(sparkline(&rising, true), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&rising, false), "_.,-=+*#");
        assert_eq!(sparkline(&[Some(1.0), None, Some(-1.0), Some(f64::NAN)], true), "█ ▁ ");
        assert_eq!(sparkline(&[Some(0.5), Some(0.5)], true), "▄▄");
        assert_eq!(sparkline(&[], true), "");
        assert_eq!(sparkline(&[Some(f64::MIN), Some(f64::MAX)], true), "▁█");
    }
}
