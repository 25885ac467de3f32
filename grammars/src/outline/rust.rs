//! Rust.

use super::SymbolKind as Kind;
use super::found::{Found, Site};

pub(super) fn describe<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    match site.kind() {
        "function_item" | "function_signature_item" => site.named(if is_test(site) {
            Kind::Test
        } else {
            Kind::Function
        }),
        "struct_item" | "union_item" => site.named(Kind::Struct),
        "enum_item" => site.named(Kind::Enum),
        "enum_variant" => site.named(Kind::Variant),
        "field_declaration" => site.named(Kind::Field),
        "trait_item" => site.named(Kind::Trait),
        "impl_item" => implementation(site),
        "mod_item" => site.named(Kind::Module),
        "const_item" | "static_item" if !site.is_local() => site.named(Kind::Constant),
        "type_item" | "associated_type" if !site.is_local() => site.named(Kind::Type),
        "macro_definition" => site.named(Kind::Macro),
        _ => None,
    }
}

fn implementation<'a: 't, 't>(site: &Site<'a, 't>) -> Option<Found<'t>> {
    let implementor = site.child("type")?;
    let found = site.found(Kind::Impl, implementor);
    Some(match site.child("trait") {
        None => found,
        Some(of) => {
            let name = format!("{} for {}", site.text_of(of), found.name);
            found.named(name)
        }
    })
}

/// Whether an attribute marks it: `#[test]`, `#[tokio::test(…)]`, `#[rstest]`.
fn is_test(site: &Site<'_, '_>) -> bool {
    site.leading()
        .iter()
        .filter(|node| node.kind() == "attribute_item")
        .any(|attribute| {
            let attribute =
                super::text_of(*attribute, site.text).trim_start_matches(['#', '[', ' ']);
            let path = attribute.split(['(', ']', '=']).next().unwrap_or("").trim();
            matches!(
                path.rsplit("::").next(),
                Some("test" | "rstest" | "test_case" | "quickcheck")
            )
        })
}
