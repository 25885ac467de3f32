//! Answers from a cassette.

use std::time::Duration;

use serde_json::Value;

use super::{Script, Step};

impl Script {
    /// The answers of a cassette, each as it was recorded: byte for byte, in the same pieces, and with
    /// the same end. With its pauses if `timed`.
    pub fn recorded(cassette: &str, timed: bool) -> Vec<Self> {
        let lines = cassette.lines().filter(|line| !line.trim().is_empty());
        lines
            .map(|line| Self::exchange(&serde_json::from_str(line).expect("JSON"), timed))
            .collect()
    }

    fn exchange(line: &Value, timed: bool) -> Self {
        let answered = &line["answered"];
        let status = answered["status"].as_u64().expect("a status");
        let headers = answered["headers"].as_object().expect("headers");
        let mut script = Self {
            status: u16::try_from(status).ok(),
            headers: headers
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned()))
                .collect(),
            steps: Vec::new(),
        };
        for piece in line["pieces"].as_array().expect("pieces") {
            if timed {
                let pause = Duration::from_millis(piece[0].as_u64().expect("milliseconds"));
                script.steps.push(Step::Pause(pause));
            }
            script = match piece[1].as_str() {
                Some(text) => script.raw(text),
                None => script.bytes(&from_hex(piece[1]["hex"].as_str().expect("hex digits"))),
            };
        }
        match line["end"].as_str() {
            Some("whole") => script,
            // Whoever recorded it did not wait for more.
            Some(_) => script.hang(),
            None => script.cut(),
        }
    }
}

fn from_hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u32> = digits
        .chars()
        .map(|c| c.to_digit(16).expect("a hex digit"))
        .collect();
    let pairs = digits.chunks(2);
    let byte = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]).expect("two digits");
    pairs.map(byte).collect()
}
