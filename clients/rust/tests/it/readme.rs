//! The README's first lines are those of the example, which the whole-system tests run against a real server.

const README: &str = include_str!("../../README.md");
const EXAMPLE: &str = include_str!("../../examples/hello.rs");

#[test]
fn the_readme_shows_the_example_line_by_line() {
    let block = README.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let shown: Vec<&str> = block.lines().map(str::trim).collect();
    assert!((5..=10).contains(&shown.len()), "{} lines", shown.len());
    let body: Vec<&str> = EXAMPLE.lines().map(str::trim).collect();
    assert!(body.windows(shown.len()).any(|lines| lines == shown), "the example does not have these lines: {block}");
}
