// Talks to an endpoint of Bedrock with the AI SDK as it comes from npm, and prints what it saw as one JSON object.
//   node ai.mjs ENDPOINT ACCESS_KEY_ID SECRET_ACCESS_KEY
import { generateText, streamText, tool } from "ai";
import { createAmazonBedrock } from "@ai-sdk/amazon-bedrock";
import { createBedrockMantle } from "@ai-sdk/amazon-bedrock/mantle";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { z } from "zod";

const [endpoint, accessKeyId, secretAccessKey] = process.argv.slice(2);
const signing = { region: "us-east-1", accessKeyId, secretAccessKey };
const apiKey = `${accessKeyId}.${secretAccessKey}`;
const handbook = "Every invoice is sent on the first working day of the month and is due within thirty days. ".repeat(400);
const luna = "openai.gpt-5.6-luna";
const openai = createOpenAI({ baseURL: `${endpoint}/openai/v1`, apiKey });
const models = {
  converse: createAmazonBedrock({ baseURL: endpoint, ...signing })("us.anthropic.claude-sonnet-4-6"),
  mantle: createBedrockMantle({ baseURL: `${endpoint}/openai/v1`, ...signing })(luna),
  messages: createAnthropic({ baseURL: `${endpoint}/anthropic/v1`, apiKey })("us.anthropic.claude-opus-5"),
  responses: openai.responses(luna),
  chat: openai.chat(luna),
};
const weather = tool({
  description: "The weather in a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `It rains in ${city}.`,
});

const seen = {};
for (const [name, model] of Object.entries(models)) {
  const asked = { model, system: handbook, prompt: "When is an invoice due?", maxRetries: 0 };
  const plain = await generateText(asked);
  let streamed = "";
  for await (const piece of streamText(asked).textStream) streamed += piece;
  const again = await generateText(asked);
  seen[name] = { plain: plain.text, streamed, read: again.usage.inputTokenDetails.cacheReadTokens ?? 0 };
  if (name === "converse" || name === "messages" || name === "responses") {
    const used = await generateText({ model, prompt: "What is the weather in Paris?", tools: { weather }, maxRetries: 0 });
    seen[name].city = used.toolCalls[0].input.city;
  }
}
console.log(JSON.stringify(seen));
