//! Types and parameters of functions, found in the text of a file.

/// Names of the structs, enums, traits, unions and type aliases that other files may see. `impl` blocks define no type.
pub(crate) fn visible_types(code: &str) -> Vec<&str> {
    const ITEMS: [&str; 5] = ["struct ", "enum ", "trait ", "union ", "type "];
    code.lines()
        .filter_map(|line| ITEMS.iter().find_map(|item| visible_item(line)?.strip_prefix(item)))
        .map(first_word)
        .collect()
}

/// The rest of a line that begins with `pub` or `pub(...)`, not indented.
fn visible_item(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub")?;
    match rest.strip_prefix('(') {
        Some(inside) => inside.split_once(") ").map(|(_, rest)| rest),
        None => rest.strip_prefix(' '),
    }
}

/// Parameters of functions whose pattern is a tuple, as in `(sample, plane): (&Sample, usize)`. Those of closures, which
/// stand between bars, take what an iterator gives.
pub(crate) fn tuple_parameters(code: &str) -> Vec<&str> {
    code.lines()
        .filter(|line| {
            line.match_indices("): (").any(|(end, _)| {
                let Some(start) = line[..end].rfind('(') else { return false };
                let before = line[..start].trim_end();
                let is_parameter = before.is_empty() || before.ends_with(['(', ',']);
                is_parameter && !before.contains('|') && line[start + 1..end].contains(',')
            })
        })
        .map(str::trim)
        .collect()
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default()
}

#[test]
fn visible_types_are_found() {
    let code = "pub struct A;\npub(crate) enum B<T> {\n    pub struct No;\npub(in crate::a) trait C: D {\n\
                pub type E = A;\nstruct Private;\nimpl A {\npub fn f() {\npub(super) const G: A = A;\n";
    assert_eq!(visible_types(code), ["A", "B", "C", "E"]);
}

#[test]
fn tuples_among_the_parameters_are_found() {
    let code = "fn f(a: A, (b, c): (B, C)) {\n    (d, e): (&D, usize),\n    (mut g, h): (G, &dyn H),\n\
                fn i(j: (J, K), [k, l]: [K; 2]) {\n    let (m, n): (M, N) = o;\n    all.map(|(p, q): (P, Q)| p);\n\
                all.fold(r, |s, (t, u): (T, U)| s);\n    .map(|((v, w), x): (Y, Z)| v)\n";
    let found = ["fn f(a: A, (b, c): (B, C)) {", "(d, e): (&D, usize),", "(mut g, h): (G, &dyn H),"];
    assert_eq!(tuple_parameters(code), found);
}
