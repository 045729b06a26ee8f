use proptest::prelude::*;

use super::*;

/// What nobody may write on our terminal, by the ranges of the standards rather than by our own table.
fn is_dangerous(character: char) -> bool {
    matches!(character, '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{61c}')
}

#[test]
fn what_a_terminal_obeys_and_what_nobody_sees_is_spelt_out() {
    for (text, expected) in [
        ("plain, with ümläuts, 漢字 and é", "plain, with ümläuts, 漢字 and é"),
        ("a\u{1b}[31mb\u{7}", r"a\x1b[31mb\x07"),
        ("a\n==> Pushed", r"a\n==> Pushed"),
        ("a\r\tb", r"a\r\tb"),
        ("\u{9b}2J\u{85}\u{7f}", r"\u{9b}2J\u{85}\x7f"),
        ("setup\u{202e}yp.\u{2066}", r"setup\u{202e}yp.\u{2066}"),
        (
            "a\u{200b}b\u{feff}\u{2028}\u{ad}\u{e0041}",
            r"a\u{200b}b\u{feff}\u{2028}\u{ad}\u{e0041}",
        ),
        (r"C:\new", r"C:\new"),
    ] {
        assert_eq!(cell(text), expected);
    }
    assert_eq!(line("a\tb\n"), "a\tb\\n");
}

#[test]
fn later_lines_stand_below_the_first() {
    assert_eq!(
        block("one\r\ntwo\n\nerror: three\n\n", 4),
        "one\n    two\n    \n    error: three"
    );
    assert_eq!(block("one\rtwo", 4), r"one\rtwo");
    assert!(matches!(block("nothing to do \n", 4), Cow::Borrowed("nothing to do")));
}

#[test]
fn what_is_too_long_is_cut() {
    let megabytes = "é".repeat(5_000_000);
    assert!(line(&megabytes).contains("éé… (9983616 bytes left out) …éé"));
    assert!(line(&megabytes).len() < LONGEST_LINE + 40);
    assert!(message(&megabytes, 4).len() < LONGEST_QUOTE + 40);
    let lines = "a\n".repeat(5_000_000);
    assert!(block(&lines, 4).len() < 4 * LONGEST_BLOCK, "{}", block(&lines, 4).len());
}

#[test]
fn a_log_is_shown_as_a_terminal_would_leave_it() {
    assert_eq!(log_line("a 1%\ra 50%\r\u{1b}[32ma 100%\u{1b}[0m\r\n"), "a 100%");
    assert_eq!(log_line("\u{1b}[2K\u{1b}[1;31mbad\u{1b}[m\u{1b}[?25l"), "bad");
    // Not ended, or not a control sequence: it stays, to be spelt out.
    assert_eq!(log_line("a\u{1b}[12é"), "aé");
    assert_eq!(line(&log_line("\u{1b}]0;title\u{7}x")), r"\x1b]0;title\x07x");
}

#[test]
fn json_stays_the_same_value() {
    let value = serde_json::json!({ "name": "a\u{202e}\u{7f}\u{9b}\u{e0041}\n\"ü" });
    let text = serde_json::to_string_pretty(&value).unwrap();
    let shown = json(&text);
    assert!(shown.contains(r"a\u202e\u007f\u009b\udb40\udc41\n"), "{shown}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
}

#[test]
fn a_page_keeps_its_columns_whatever_stands_in_them() {
    let rows = [["name", "漢字\n", "x"], ["a\tb", "é", "\u{1b}[8m"]];
    let widths = Page::widths(&rows, usize::MAX);
    assert_eq!(Page::widths(&[["e\u{301}"]], usize::MAX), [1]);
    let mut page = Page::new();
    for row in &rows {
        page.row(row, &widths);
    }
    page.field("summary", "one\nname            other");
    page.entry("12:00 algo-1", "first\n12:01 algo-2 second");
    insta::assert_snapshot!(page.to_string(), @r"
    name  漢字\n  x
    a\tb  é       \x1b[8m
    summary         one\nname            other
    12:00 algo-1 first
                 12:01 algo-2 second
    ");
}

#[test]
fn names_are_exact_for_programs_and_safe_on_a_terminal() {
    let names = Data::Names(vec!["a\nb".into(), "c".into()]);
    assert_eq!(names.bytes(false), b"a\nb\nc\n");
    assert_eq!(names.bytes(true), b"a\\nb\nc\n");
    let file = Data::File("FROM a\nRUN \u{1b}c\n".to_owned());
    assert_eq!(file.bytes(false), b"FROM a\nRUN \x1bc\n");
    assert_eq!(file.bytes(true), b"FROM a\nRUN \\x1bc\n");
    assert!(Data::name("").bytes(false).is_empty());
}

proptest! {
    #[test]
    fn nothing_dangerous_is_ever_shown(text in r"(\PC|[\x00-\x1f\x7f-\u{9f}\u{2020}-\u{2070}\u{feff}]){0,80}", indent in 1_usize..12) {
        prop_assert!(!cell(&text).chars().any(is_dangerous));
        prop_assert!(!line(&text).chars().any(|c| c != '\t' && is_dangerous(c)));
        prop_assert!(!cell(&log_line(&text)).chars().any(is_dangerous));
        let block = block(&text, indent);
        prop_assert!(!block.chars().any(|c| c != '\t' && c != '\n' && is_dangerous(c)));
        for later in block.split('\n').skip(1) {
            prop_assert!(later.starts_with(&" ".repeat(indent)), "{block:?}");
        }
        let mut page = Page::new();
        page.field("name", &text);
        prop_assert_eq!(page.to_string().lines().count(), 1);
    }

    #[test]
    fn what_is_harmless_is_not_touched(text in "[ -~äöüß漢字]{0,80}") {
        prop_assert!(matches!(cell(&text), Cow::Borrowed(same) if same == text));
    }
}
