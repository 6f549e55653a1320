// Asks a Bedrock endpoint through the AI SDK as it comes from npm, on each surface, and prints what it saw as JSON.
//   node surfaces.mjs ENDPOINT
import { createAmazonBedrock } from "@ai-sdk/amazon-bedrock";
import { createBedrockMantle } from "@ai-sdk/amazon-bedrock/mantle";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const url = process.argv[2];
const keys = { region: "us-east-1", accessKeyId: "AKIDEXAMPLE", secretAccessKey: "example" };
const mantle = createBedrockMantle({ ...keys, baseURL: `${url}/openai/v1` });
const others = createBedrockMantle({ ...keys, baseURL: `${url}/v1` });
const converse = createAmazonBedrock({ ...keys, baseURL: url });
const handbook = "Every invoice is sent on the first working day of the month and is due within thirty days. ".repeat(300);
const point = { bedrock: { cachePoint: { type: "default" } } };
const tools = {
  get_weather: tool({
    description: "Weather of a city.",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `It is 21 degrees in ${city}.`,
  }),
};

async function lane(model) {
  const messages = [
    { role: "system", content: handbook, providerOptions: point },
    { role: "user", content: "When is an invoice due?" },
  ];
  const asked = { model, messages, maxRetries: 0, allowSystemInMessages: true };
  const first = await generateText(asked);
  const second = await generateText(asked);
  const stream = streamText(asked);
  let text = "";
  for await (const piece of stream.textStream) text += piece;
  const prompt = "What is the weather in Paris?";
  const loop = await generateText({ model, tools, prompt, stopWhen: stepCountIs(5), maxRetries: 0 });
  return {
    first: { text: first.text, usage: first.usage },
    second: { usage: second.usage },
    streamed: { text, usage: await stream.usage },
    loop: { steps: loop.steps.length, text: loop.text },
  };
}

console.log(
  JSON.stringify({
    responses: await lane(mantle.responses("openai.gpt-5.6-luna")),
    chat: await lane(mantle.chat("openai.gpt-5.6-luna")),
    "chat of gpt-oss": await lane(others.chat("openai.gpt-oss-120b")),
    converse: await lane(converse("us.anthropic.claude-sonnet-4-5-20250929-v1:0")),
  }),
);
