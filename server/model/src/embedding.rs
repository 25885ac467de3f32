//! Embeddings: texts as directions, near to each other where they mean similar things.

use std::time::Duration;

use crate::error::ProviderError;
use crate::exchange::{Patience, ask};
use crate::provider::Provider;

/// The longest that an embedding may be. The largest models that are offered have 4,096 numbers.
const LONGEST: usize = 16_384;
/// How long a batch may take with all repetitions, whatever an answer may take.
const WITHIN: Duration = Duration::from_mins(5);

/// What texts are embedded for. Some models embed a question in another way than what answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbeddingUse {
    /// They are to be found.
    Document,
    /// They ask for something.
    Question,
}

/// What a provider has made of texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// One for each text, in their order, all of one length, none without a direction.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens of the texts, when the provider has counted them.
    pub tokens: Option<u64>,
}

impl Provider {
    /// Whether this provider's protocol has embeddings at all.
    pub fn has_embeddings(&self) -> bool {
        self.dialect().embedding().is_some()
    }

    /// Embeds texts with the configured model, all in one request, which is repeated while a busy server
    /// puts it off. No text may be blank.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Settings`] where the protocol has no embeddings; [`ProviderError::ContextOverflow`]
    /// when the texts are too long, all together or one of them; else as for every question.
    pub async fn embed(
        &self,
        texts: &[String],
        wanted: EmbeddingUse,
    ) -> Result<Embedded, ProviderError> {
        let Some(format) = self.dialect().embedding() else {
            return Err(ProviderError::Settings {
                provider: self.name().to_owned(),
                why:
                    "its protocol has no embeddings; name another provider in `embeddings.provider`"
                        .to_owned(),
            });
        };
        let path = format.path(self.model());
        let body = format.body(self.model(), texts, wanted);
        let patience = Patience {
            within: self.config().total_timeout.min(WITHIN),
            repeats: true,
        };
        let answer = ask(self, &path, &body, patience).await?;
        let (vectors, tokens) = format
            .read(&answer)
            .ok_or_else(|| self.unreadable("there are no embeddings in it"))?;
        checked(&vectors, texts.len()).map_err(|why| self.unreadable(&why))?;
        Ok(Embedded { vectors, tokens })
    }
}

/// Whether there is one usable vector for each text.
fn checked(vectors: &[Vec<f32>], texts: usize) -> Result<(), String> {
    if vectors.len() != texts {
        return Err(format!("{} embeddings for {texts} texts", vectors.len()));
    }
    let length = vectors.first().map_or(0, Vec::len);
    for vector in vectors {
        if vector.len() != length {
            return Err("embeddings of different lengths".to_owned());
        }
        if length == 0 || length > LONGEST {
            return Err(format!("embeddings of {length} numbers"));
        }
        let is_sound = vector.iter().all(|number| number.is_finite());
        if !is_sound || vector.iter().all(|number| *number == 0.0) {
            return Err("an embedding without a direction".to_owned());
        }
    }
    Ok(())
}
