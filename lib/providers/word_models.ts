/** Names of models that surely make no pictures: servers list all they have. */
export const wordModels =
  /^(gpt-(?!image)|chatgpt|o\d\b|claude|llama|mistral|mixtral|deepseek|gemma|phi-?\d|command|codex|whisper|tts|sora|davinci|babbage|omni-moderation|text-)|embed|rerank|instruct|-chat|transcribe|^(gemini|qwen)(?!.*image)/i;
