//! What is published about the settings is what the code does. `UPDATE_EXPECT=1` writes it anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

use std::fmt::Write as _;
use std::path::PathBuf;

use expect_test::expect_file;
use pleach_policy::{Settings, json_schema, narrow, parse};
use serde_json::Value;

fn docs(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name)
}

#[test]
fn the_schema_is_the_one_of_the_code() {
    let schema = serde_json::to_string_pretty(&json_schema()).unwrap() + "\n";
    expect_file![docs("pleach.schema.json")].assert_eq(&schema);
}

/// Between these two lines the page is made from the schema.
const BEGIN: &str =
    "<!-- The tables are made from the code by `server/policy/tests/published.rs`. -->\n";
const END: &str = "<!-- End of the tables. -->\n";

#[test]
fn the_reference_page_tells_the_keys_of_the_code() {
    let page = std::fs::read_to_string(docs("configuration.md")).unwrap();
    let (head, rest) = page
        .split_once(BEGIN)
        .expect("the page has the line before the tables");
    let (_, tail) = rest
        .split_once(END)
        .expect("the page has the line behind the tables");
    let made = format!("{head}{BEGIN}{}{END}{tail}", reference(&json_schema()));
    expect_file![docs("configuration.md")].assert_eq(&made);
}

/// A table for the top level and one for each of its tables.
fn reference(schema: &Value) -> String {
    let mut out = String::new();
    table(
        &mut out,
        "Top level",
        schema["description"].as_str().unwrap(),
        schema,
        schema,
    );
    for (name, property) in properties(schema) {
        let description = property["description"].as_str().unwrap();
        if let Some(inner) =
            definition(schema, property).filter(|inner| inner["properties"].is_object())
        {
            table(&mut out, &format!("`[{name}]`"), description, inner, schema);
        }
        if let Some(inner) = definition(schema, &property["additionalProperties"]) {
            table(
                &mut out,
                &format!("`[{name}.NAME]`"),
                description,
                inner,
                schema,
            );
        }
    }
    out
}

fn table(out: &mut String, title: &str, description: &str, table: &Value, schema: &Value) {
    let required = table["required"].as_array().cloned().unwrap_or_default();
    writeln!(out, "\n### {title}\n\n{description}\n").unwrap();
    writeln!(
        out,
        "| key | value | left out | meaning |\n|---|---|---|---|"
    )
    .unwrap();
    for (name, property) in properties(table) {
        let left_out = match &property["default"] {
            _ if required.contains(&Value::from(name.as_str())) => "must be given".to_owned(),
            Value::Null | Value::Object(_) => "nothing".to_owned(),
            default => format!("`{default}`"),
        };
        let description = property["description"].as_str().unwrap().replace('\n', " ");
        writeln!(
            out,
            "| `{name}` | {} | {left_out} | {description} |",
            value(property, schema)
        )
        .unwrap();
    }
}

/// What a key takes, in words.
fn value(property: &Value, schema: &Value) -> String {
    let inner = definition(schema, property).unwrap_or(property);
    if let Some(all) = inner["oneOf"].as_array() {
        let all: Vec<String> = all
            .iter()
            .map(|one| format!("`{}`", one["const"]))
            .collect();
        return all.join(", ");
    }
    match inner["type"].as_str().unwrap() {
        "boolean" => "`true` or `false`".to_owned(),
        "array" => "list of texts".to_owned(),
        "object" => "table".to_owned(),
        "string" => "text".to_owned(),
        kind => format!(
            "{} from {} to {}",
            if kind == "integer" {
                "whole number"
            } else {
                "number"
            },
            inner["minimum"],
            inner["maximum"]
        ),
    }
}

fn definition<'a>(schema: &'a Value, property: &Value) -> Option<&'a Value> {
    schema.pointer(property["$ref"].as_str()?.strip_prefix('#')?)
}

fn properties(table: &Value) -> impl Iterator<Item = (&String, &Value)> {
    table["properties"].as_object().into_iter().flatten()
}

#[test]
fn the_examples_on_the_page_work() {
    let page = std::fs::read_to_string(docs("configuration.md")).unwrap();
    let examples: Vec<&str> = page
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(examples.len() >= 3);
    for example in examples {
        let loaded = if example.contains("# pleach.toml in the workspace") {
            narrow(&Settings::default(), example)
        } else {
            parse(example)
        };
        assert_eq!(loaded.problems, [], "{example}");
    }
}

#[test]
fn every_key_is_described() {
    fn walk(value: &Value, path: &str) {
        for (name, property) in properties(value) {
            let path = format!("{path}.{name}");
            assert!(property["description"].is_string(), "{path}");
        }
        for (name, definition) in value["$defs"].as_object().into_iter().flatten() {
            walk(definition, name);
        }
    }
    walk(&json_schema(), "");
}

/// A date is of the wrong type for every key, and a key that is told as unknown is not read at all.
#[test]
fn the_parser_knows_exactly_the_keys_of_the_schema() {
    let schema = json_schema();
    let mut tables = vec![(String::new(), schema.clone())];
    for (name, property) in properties(&schema) {
        if let Some(inner) =
            definition(&schema, property).filter(|inner| inner["properties"].is_object())
        {
            tables.push((format!("{name}."), inner.clone()));
        }
        if let Some(inner) = definition(&schema, &property["additionalProperties"]) {
            tables.push((format!("{name}.x."), inner.clone()));
        }
    }
    assert_eq!(tables.len(), 14);
    for (prefix, table) in tables {
        let mut names: Vec<String> = properties(&table)
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        for name in &names {
            let loaded = parse(&format!(
                "{prefix}{} = 1979-05-27\n",
                name.trim_matches('`')
            ));
            let codes: Vec<&str> = loaded.problems.iter().map(|problem| problem.code).collect();
            assert!(codes.contains(&"wrong_type"), "{prefix}{name}: {codes:?}");
        }
        let loaded = parse(&format!("{prefix}qqqqqqqq = 1\n"));
        let told = loaded
            .problems
            .iter()
            .find(|problem| problem.code == "unknown_key")
            .unwrap();
        let (_, listed) = told.message.split_once("the keys here are ").unwrap();
        let mut listed: Vec<String> = listed.split(", ").map(String::from).collect();
        listed.sort();
        names.sort();
        assert_eq!(listed, names);
    }
}
