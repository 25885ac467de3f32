#!/usr/bin/env python3
"""Makes models.json from LiteLLM's model_prices_and_context_window.json (or the _backup.json in its package).

usage: trim.py FILE VERSION DATE > models.json
"""
import json
import re
import sys

VENDORS = {
    "anthropic", "cerebras", "codestral", "dashscope", "deepseek", "gemini", "groq", "inception", "mistral",
    "moonshot", "morph", "openai", "xai", "zai",
}
KEPT = re.compile(
    r"(max_input_tokens|max_output_tokens|tiered_pricing"
    r"|(input|output)_cost_per_token(_above_\d+k_tokens)?"
    r"|cache_(read|creation)_input_token_cost(_above_\d+k_tokens)?)"
)

path, version, date = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    everything = json.load(file)
models = {}
for name, entry in sorted(everything.items()):
    if entry.get("litellm_provider") not in VENDORS:
        continue
    is_embedding = entry.get("mode") == "embedding"
    if not is_embedding and entry.get("mode") not in ("chat", "responses", "completion"):
        continue
    kept = {key: value for key, value in sorted(entry.items()) if KEPT.fullmatch(key)}
    # A price of nothing mostly means that nobody looked it up. What is unknown must not look free.
    if is_embedding and kept.get("input_cost_per_token"):
        # An embedding has no tokens of its own.
        kept["output_cost_per_token"] = 0.0
        kept.pop("max_output_tokens", None)
    elif not (kept.get("input_cost_per_token") and kept.get("output_cost_per_token")):
        kept = {key: value for key, value in kept.items() if "cost" not in key}
    if kept:
        models[name] = {"litellm_provider": entry["litellm_provider"], **kept}
lines = [f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in models.items()]
source = f"LiteLLM {version} (MIT), model_prices_and_context_window_backup.json"
print(f'{{"source": {json.dumps(source)}, "date": {json.dumps(date)}, "models": {{')
print(",\n".join(lines))
print("}}")
