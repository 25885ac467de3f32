//! What models cost and hold: the price table, and estimates from it.
//!
//! The table is data of others, made smaller: `prices/models.json` names its source and its date. A
//! file in the same form, or the original one, takes its place entry by entry. A price that is not in
//! the table is unknown, and never nothing.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, OnceLock};

use pleach_policy::MicroUsd;
use reqwest::Url;
use serde_json::{Map, Value};

use crate::decode::word;
use crate::{ModelRequest, ProviderConfig, Usage};

/// The table as it was when this version was made.
const BUILT_IN: &str = include_str!("../prices/models.json");

/// What is known of models.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceTable {
    /// By vendor, or by the name of a provider in the settings, and by model.
    models: BTreeMap<(String, String), ModelCard>,
}

/// What is known of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCard {
    /// Tokens that a request may have.
    pub context_tokens: Option<u64>,
    /// Tokens that an answer may have.
    pub output_tokens: Option<u64>,
    /// What it costs, when that is known.
    pub price: Option<Price>,
    /// Where this comes from.
    pub source: Arc<str>,
    /// When it was right, as the source says it: `2026-11-21`.
    pub date: Arc<str>,
}

/// The price of a model: by the length of the request, longer ones cost more at some providers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// From the shortest requests to the longest.
    tiers: Vec<Tier>,
}

/// Prices in millionths of a US dollar for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tier {
    /// Counts for requests of more tokens than this.
    above: u64,
    input: u64,
    output: u64,
    cached: Option<u64>,
    cache_write: Option<u64>,
}

/// Why a file of prices cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// It is no JSON.
    #[error("the price file is no JSON ({0}); take LiteLLM's model_prices_and_context_window.json")]
    NotJson(#[from] serde_json::Error),
    /// There is no model in it.
    #[error(
        "the price file holds no model; write {{\"PROVIDER/MODEL\": {{\"input_cost_per_token\": 0.000001, \
         \"output_cost_per_token\": 0.000002}}}}"
    )]
    Empty,
}

/// What a request will take, before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// Tokens of the request: from its length, so from few to many.
    pub input_tokens: RangeInclusive<u64>,
    /// Tokens of the request as they mostly are.
    pub likely_input_tokens: u64,
    /// The most tokens of the answer, when there is a bound.
    pub output_tokens: Option<u64>,
    /// What it costs at least (no answer) and at most (one that reaches its bound). `None` when the
    /// price or the bound is unknown.
    pub cost: Option<RangeInclusive<MicroUsd>>,
    /// Whether even the least estimate is more than the model reads.
    pub is_too_long: bool,
}

impl PriceTable {
    /// The table that comes with this version.
    pub fn built_in() -> &'static Self {
        static TABLE: OnceLock<PriceTable> = OnceLock::new();
        TABLE.get_or_init(|| {
            Self::default()
                .with_file(BUILT_IN, "", "")
                .unwrap_or_default()
        })
    }

    /// This table, with the entries of a file in place of its own. `name` and `date` tell where they
    /// come from, when the file itself does not. An entry is `"MODEL"` with a `litellm_provider`, or
    /// `"PROVIDER/MODEL"` with the name of a provider in the settings. A price of 0 there is one.
    pub fn with_file(mut self, text: &str, name: &str, date: &str) -> Result<Self, PriceError> {
        let file: Value = serde_json::from_str(text)?;
        let said = |key: &str, other: &str| word(&file, key).unwrap_or(other).into();
        let (source, date): (Arc<str>, Arc<str>) = (said("source", name), said("date", date));
        let models = file.get("models").unwrap_or(&file).as_object();
        let mut is_empty = true;
        for (key, entry) in models.into_iter().flatten() {
            let Some(entry) = entry.as_object() else {
                continue;
            };
            let mut place = |vendor: &str, model: &str| {
                let card = ModelCard::of(entry, &source, &date);
                let key = (vendor.to_ascii_lowercase(), model.to_owned());
                self.models.insert(key, card);
                is_empty = false;
            };
            let vendor = entry.get("litellm_provider").and_then(Value::as_str);
            match (vendor, key.split_once('/')) {
                (Some(vendor), Some((prefix, model))) if prefix == vendor => place(vendor, model),
                (Some(vendor), _) => place(vendor, key),
                (None, Some((provider, model))) => place(provider, model),
                (None, None) => {}
            }
        }
        if is_empty {
            return Err(PriceError::Empty);
        }
        Ok(self)
    }

    /// What is known of the model of a provider: by the provider's name in the settings, and else by
    /// whose address it is. A server of another address is another seller, with other prices.
    pub fn card(&self, config: &ProviderConfig) -> Option<&ModelCard> {
        let of = |vendor: &str, model: &str| {
            let key = (vendor.to_ascii_lowercase(), model.to_owned());
            self.models.get(&key)
        };
        let model = config
            .model
            .strip_prefix("models/")
            .unwrap_or(&config.model);
        of(&config.name, &config.model).or_else(|| {
            let vendor = vendor(&config.base_url)?;
            of(vendor, model).or_else(|| of(vendor, without_date(model)?))
        })
    }

    /// What a request to this provider will take, before it is sent.
    pub fn estimate(&self, config: &ProviderConfig, request: &ModelRequest) -> Estimate {
        let card = self.card(config);
        let length = Length::of(request);
        let input_tokens = length.few()..=length.many();
        let limit = card.and_then(|card| card.output_tokens);
        let bound = request.max_output_tokens.or(config.max_output_tokens);
        let output_tokens = match (bound.map(u64::from), limit) {
            (Some(bound), Some(limit)) => Some(bound.min(limit)),
            (bound, limit) => bound.or(limit),
        };
        let price = card.and_then(|card| card.price.as_ref());
        let cost = price.zip(output_tokens).map(|(price, most)| {
            let cost = |input_tokens, output_tokens| {
                price.cost(&Usage {
                    input_tokens,
                    output_tokens,
                    ..Usage::default()
                })
            };
            cost(*input_tokens.start(), 0)..=cost(*input_tokens.end(), most)
        });
        let context = card.and_then(|card| card.context_tokens);
        Estimate {
            is_too_long: context.is_some_and(|context| *input_tokens.start() > context),
            input_tokens,
            likely_input_tokens: length.likely(),
            output_tokens,
            cost,
        }
    }

    /// How many tokens an answer may have for this amount, after a request of so many tokens: 0 when the
    /// request alone takes it. `None` when the price is unknown.
    pub fn affordable(
        &self,
        config: &ProviderConfig,
        input_tokens: u64,
        amount: MicroUsd,
    ) -> Option<u64> {
        Some(
            self.card(config)?
                .price
                .as_ref()?
                .affordable(input_tokens, amount),
        )
    }

    /// What an answer of this provider has cost; `None` when the price is unknown.
    pub fn cost(&self, config: &ProviderConfig, usage: &Usage) -> Option<MicroUsd> {
        Some(self.card(config)?.price.as_ref()?.cost(usage))
    }
}

impl ModelCard {
    fn of(entry: &Map<String, Value>, source: &Arc<str>, date: &Arc<str>) -> Self {
        let count = |name: &str| {
            let value = entry.get(name)?;
            // Some are written with a point.
            value.as_u64().or_else(|| whole(value.as_f64()?))
        };
        Self {
            context_tokens: count("max_input_tokens"),
            output_tokens: count("max_output_tokens"),
            price: Price::of(entry),
            source: Arc::clone(source),
            date: Arc::clone(date),
        }
    }
}

impl Price {
    fn of(entry: &Map<String, Value>) -> Option<Self> {
        let mut tiers: Vec<Tier> = Vec::new();
        if let Some(given) = entry.get("tiered_pricing").and_then(Value::as_array) {
            for given in given {
                let above = given.get("range")?.get(0)?.as_f64().and_then(whole)?;
                tiers.push(Tier::of(above, "", given.as_object()?, None)?);
            }
        } else {
            let base = Tier::of(0, "", entry, None)?;
            tiers.push(base);
            let longer = entry.keys().filter_map(|name| {
                let rest = name.strip_prefix("input_cost_per_token_above_")?;
                rest.strip_suffix("k_tokens")?.parse::<u64>().ok()
            });
            for thousands in longer {
                let suffix = format!("_above_{thousands}k_tokens");
                let above = thousands.saturating_mul(1000);
                tiers.extend(Tier::of(above, &suffix, entry, Some(base)));
            }
        }
        tiers.sort_by_key(|tier| tier.above);
        (!tiers.is_empty()).then_some(Self { tiers })
    }

    /// The tier of a request of so many tokens.
    fn tier(&self, input_tokens: u64) -> Option<&Tier> {
        let tier = self.tiers.iter().rev();
        let mut tier = tier.filter(|tier| tier.above < input_tokens);
        tier.next().or(self.tiers.first())
    }

    /// See [`PriceTable::affordable`].
    fn affordable(&self, input_tokens: u64, amount: MicroUsd) -> u64 {
        let request = self.cost(&Usage {
            input_tokens,
            ..Usage::default()
        });
        let left = u128::from(amount.minus(request).0) * 1_000_000;
        let price = self.tier(input_tokens).map_or(u64::MAX, |tier| tier.output);
        // A token that costs nothing can be had as often as there are any.
        let tokens = left.checked_div(u128::from(price)).unwrap_or(u128::MAX);
        u64::try_from(tokens).unwrap_or(u64::MAX)
    }

    /// What these tokens cost, rounded up. The whole request has the price of its length.
    pub fn cost(&self, usage: &Usage) -> MicroUsd {
        let Some(tier) = self.tier(usage.input_tokens) else {
            return MicroUsd(u64::MAX);
        };
        let cached = usage.cached_tokens.unwrap_or_default();
        let written = usage.cache_write_tokens.unwrap_or_default();
        let plain = usage
            .input_tokens
            .saturating_sub(cached.saturating_add(written));
        let sum: u128 = [
            (plain, tier.input),
            (cached, tier.cached.unwrap_or(tier.input)),
            (written, tier.cache_write.unwrap_or(tier.input)),
            (usage.output_tokens, tier.output),
        ]
        .into_iter()
        .map(|(tokens, price)| u128::from(tokens) * u128::from(price))
        .sum();
        MicroUsd(u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }
}

impl Tier {
    /// The prices whose names end in `suffix`; `base` lends those that are not given anew.
    fn of(
        above: u64,
        suffix: &str,
        entry: &Map<String, Value>,
        base: Option<Self>,
    ) -> Option<Self> {
        let price = |name: &str| {
            let dollars = entry.get(&format!("{name}{suffix}"))?.as_f64()?;
            whole(dollars * 1e12)
        };
        Some(Self {
            above,
            input: price("input_cost_per_token")?,
            output: price("output_cost_per_token").or(base.map(|base| base.output))?,
            cached: price("cache_read_input_token_cost"),
            cache_write: price("cache_creation_input_token_cost"),
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it was looked whether it fits"
)]
fn whole(number: f64) -> Option<u64> {
    (0.0..=1e15)
        .contains(&number)
        .then(|| number.round() as u64)
}

/// Who sells at this address.
fn vendor(base_url: &str) -> Option<&'static str> {
    let url = Url::parse(base_url).ok()?;
    Some(match url.host_str()? {
        "api.anthropic.com" => "anthropic",
        "api.cerebras.ai" => "cerebras",
        "codestral.mistral.ai" => "codestral",
        "dashscope.aliyuncs.com" | "dashscope-intl.aliyuncs.com" => "dashscope",
        "api.deepseek.com" => "deepseek",
        "generativelanguage.googleapis.com" => "gemini",
        "api.groq.com" => "groq",
        "api.inceptionlabs.ai" => "inception",
        "api.mistral.ai" => "mistral",
        "api.moonshot.ai" | "api.moonshot.cn" => "moonshot",
        "api.morphllm.com" => "morph",
        "api.openai.com" => "openai",
        "api.x.ai" => "xai",
        "api.z.ai" => "zai",
        _ => return None,
    })
}

/// A model's name without the date of its edition: `claude-x-20260101`, `gpt-x-2026-01-01`.
fn without_date(model: &str) -> Option<&str> {
    let shape: String = model
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    ["-0000-00-00", "-00000000"]
        .iter()
        .find(|date| shape.ends_with(**date))
        .and_then(|date| model.get(..model.len() - date.len()))
}

/// The tokens of a text as they mostly are, by its length; for what no server has counted.
pub fn likely_tokens(text: &str) -> u64 {
    let mut length = Length::default();
    length.add(text);
    length.likely()
}

/// The length of texts, by which their tokens are estimated.
///
/// Measured with OpenAI's `o200k_base` on 3,000 source files and documents: 3.8 bytes a token in all,
/// from 3.2 to 5.0 in nine files of ten. Other vendors' vocabularies are smaller, by up to a third more
/// tokens. A letter beyond ASCII is one token and a half at most in the languages that are written.
#[derive(Debug, Clone, Copy, Default)]
struct Length {
    ascii: u64,
    letters: u64,
    /// Tokens of the form around the texts.
    form: u64,
}

impl Length {
    fn of(request: &ModelRequest) -> Self {
        /// What the form around a message takes.
        const FORM: u64 = 8;
        let mut length = Self::default();
        length.add(&request.system);
        for message in &request.messages {
            length.add(&message.text);
            for call in &message.calls {
                length.add(&call.name);
                length.add(&call.arguments.to_string());
            }
            for result in &message.results {
                length.add(&result.text);
            }
        }
        for tool in &request.tools {
            length.add(&tool.name);
            length.add(&tool.description);
            length.add(&tool.schema.to_string());
        }
        let parts = request.messages.len() + request.tools.len() + 1;
        let parts = u64::try_from(parts).unwrap_or(u64::MAX);
        length.form = parts.saturating_mul(FORM);
        length
    }

    fn add(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_ascii() {
                self.ascii += 1;
            } else {
                self.letters += 1;
            }
        }
    }

    fn few(self) -> u64 {
        self.ascii / 5 + self.letters / 6
    }

    fn likely(self) -> u64 {
        let text = (self.ascii * 10).div_ceil(38) + self.letters;
        text.saturating_add(self.form / 2)
    }

    fn many(self) -> u64 {
        let text = self.ascii * 10 / 24 + self.letters * 3 / 2;
        text.saturating_add(self.form)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Message;

    fn config(base_url: &str, model: &str) -> ProviderConfig {
        ProviderConfig::new("mine", base_url, model)
    }

    fn usage(input_tokens: u64, output_tokens: u64) -> Usage {
        Usage {
            input_tokens,
            output_tokens,
            ..Usage::default()
        }
    }

    const OPENAI: &str = "https://api.openai.com/v1";
    const ANTHROPIC: &str = "https://api.anthropic.com";

    #[test]
    fn the_table_that_comes_along_names_its_source_and_is_never_free() {
        let table = PriceTable::built_in();
        assert!(table.models.len() > 300, "{}", table.models.len());
        let priced = table.models.values().filter(|card| card.price.is_some());
        assert!(priced.count() > 250);
        for (key, card) in &table.models {
            assert!(card.source.starts_with("LiteLLM"), "{key:?}");
            assert_eq!(card.date.len(), "2026-11-21".len(), "{key:?}");
            if let Some(price) = &card.price {
                assert!(price.cost(&usage(1_000_000, 1_000_000)).0 > 1000, "{key:?}");
            }
        }
    }

    #[test]
    fn what_tokens_cost() {
        let table = PriceTable::built_in();
        let cost = |url, model, usage: Usage| table.cost(&config(url, model), &usage);
        // $4 and $20 for a million, 20 cents of it for what is cached, $5 for what is written there.
        let opus = |usage| cost(ANTHROPIC, "claude-opus-5-5", usage);
        assert_eq!(opus(usage(1_000_000, 0)), Some(MicroUsd(4_000_000)));
        assert_eq!(opus(usage(0, 1_000_000)), Some(MicroUsd(20_000_000)));
        let cached = Usage {
            cached_tokens: Some(900_000),
            cache_write_tokens: Some(100_000),
            ..usage(1_000_000, 0)
        };
        assert_eq!(opus(cached), Some(MicroUsd(180_000 + 500_000)));
        assert_eq!(opus(usage(0, 0)), Some(MicroUsd(0)));
        // Longer requests cost more, all of them.
        let sol = |usage| cost(OPENAI, "gpt-6.1-sol", usage);
        assert_eq!(sol(usage(272_000, 0)), Some(MicroUsd(544_000)));
        assert_eq!(sol(usage(272_001, 0)), Some(MicroUsd(1_088_004)));
        // An edition costs what its model costs.
        assert_eq!(
            cost(ANTHROPIC, "claude-opus-5-5-20261101", usage(1, 0)),
            Some(MicroUsd(4))
        );
    }

    #[test]
    fn what_is_not_known_is_not_free() {
        let table = PriceTable::built_in();
        let unknown = |url, model| table.cost(&config(url, model), &usage(1, 1)).is_none();
        assert!(unknown(ANTHROPIC, "claude-opus-99"));
        // Another seller of the same model.
        assert!(unknown("https://openrouter.ai/api/v1", "claude-opus-5-5"));
        assert!(unknown("http://127.0.0.1:8080", "qwen"));
        let estimate = table.estimate(&config("http://127.0.0.1:8080", "qwen"), &ask("x"));
        assert_eq!((estimate.cost, estimate.is_too_long), (None, false));
    }

    #[test]
    fn a_file_of_one_s_own_comes_first() {
        let original = r#"{"gpt-5": {"litellm_provider": "openai", "mode": "chat",
            "input_cost_per_token": 7e-06, "output_cost_per_token": 8e-06, "max_input_tokens": 5e3}}"#;
        let table = PriceTable::built_in().clone();
        let table = table
            .with_file(original, "prices.json", "2027-01-01")
            .unwrap();
        let own = r#"{"mine/qwen": {"input_cost_per_token": 0, "output_cost_per_token": 0}}"#;
        let table = table.with_file(own, "own.json", "").unwrap();
        let gpt = config(OPENAI, "gpt-5");
        assert_eq!(table.cost(&gpt, &usage(1, 1)), Some(MicroUsd(15)));
        let card = table.card(&gpt).unwrap();
        assert_eq!((&*card.source, &*card.date), ("prices.json", "2027-01-01"));
        assert_eq!(card.context_tokens, Some(5000));
        let local = config("http://127.0.0.1:8080", "qwen");
        assert_eq!(table.cost(&local, &usage(9, 9)), Some(MicroUsd(0)));
        assert!(table.card(&config(ANTHROPIC, "claude-opus-5-5")).is_some());
        for bad in ["", "[]", "{}", "{\"qwen\": {}}"] {
            assert!(
                PriceTable::default().with_file(bad, "x", "").is_err(),
                "{bad}"
            );
        }
    }

    fn ask(text: &str) -> ModelRequest {
        ModelRequest {
            messages: vec![Message::user(text)],
            ..ModelRequest::default()
        }
    }

    #[test]
    fn an_estimate_reaches_from_no_answer_to_the_longest() {
        let table = PriceTable::built_in();
        let mut config = config(ANTHROPIC, "claude-opus-5-5");
        let estimate = table.estimate(&config, &ask(&"x".repeat(24_000)));
        assert_eq!(estimate.input_tokens, 4800..=10_016);
        assert_eq!(estimate.output_tokens, Some(128_000));
        assert_eq!(estimate.cost, Some(MicroUsd(19_200)..=MicroUsd(2_600_064)));
        config.max_output_tokens = Some(1000);
        let estimate = table.estimate(&config, &ask("日本"));
        assert_eq!(estimate.input_tokens, 0..=19);
        assert_eq!(estimate.cost, Some(MicroUsd(0)..=MicroUsd(20_076)));
        let estimate = table.estimate(&config, &ask(&"x".repeat(5_100_000)));
        assert!(estimate.is_too_long);
    }

    /// Texts whose tokens were counted with `o200k_base`.
    #[test]
    fn real_counts_lie_within_the_estimate() {
        for (text, counted) in COUNTED {
            let length = Length::of(&ask(text));
            let estimate = length.few()..=length.many();
            assert!(estimate.contains(&length.likely()));
            assert!(
                estimate.contains(&counted),
                "{estimate:?} {counted}: {text}"
            );
        }
    }

    const COUNTED: [(&str, u64); 5] = [
        ("fn main() {\n    println!(\"Hello, world!\");\n}\n", 12),
        (
            "def add(left: int, right: int) -> int:\n    \"\"\"Adds two numbers.\"\"\"\n    return left + right\n",
            25,
        ),
        ("Der Übergang über die Brücke war größer als erwartet.", 12),
        ("日本語の文書を編集するためのサーバー。", 14),
        ("Это сервер, который изменяет программу.", 8),
    ];

    #[test]
    fn an_amount_buys_so_many_tokens_and_not_one_more() {
        let table = PriceTable::built_in();
        let opus = config(ANTHROPIC, "claude-opus-5-5");
        let buys = |input, amount| table.affordable(&opus, input, MicroUsd(amount)).unwrap();
        for (input, amount) in [(1000, 100_000), (0, 19), (0, 20), (1000, 3999), (5, 12_345)] {
            let tokens = buys(input, amount);
            let cost = |tokens| table.cost(&opus, &usage(input, tokens)).unwrap();
            assert!(cost(tokens) <= MicroUsd(amount.max(4 * input)));
            assert!(cost(tokens + 1) > MicroUsd(amount));
        }
        assert_eq!(buys(1000, 100_000), 4800);
        assert_eq!(buys(1000, 3999), 0);
        let local = config("http://127.0.0.1:8080", "qwen");
        assert_eq!(table.affordable(&local, 1, MicroUsd(1)), None);
        let free = r#"{"mine/qwen": {"input_cost_per_token": 0, "output_cost_per_token": 0}}"#;
        let table = PriceTable::default()
            .with_file(free, "own.json", "")
            .unwrap();
        assert_eq!(table.affordable(&local, 1, MicroUsd(1)), Some(u64::MAX));
    }

    #[test]
    fn amounts_are_shown_rounded_up() {
        assert_eq!(MicroUsd(0).to_string(), "$0.0000");
        assert_eq!(MicroUsd(1).to_string(), "$0.0001");
        assert_eq!(MicroUsd(12_345_678).to_string(), "$12.3457");
    }
}
