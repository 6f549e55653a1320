// Talks to a Bedrock endpoint with the JavaScript SDK as it comes from npm, and prints what it saw as one JSON object.
//   node session.mjs ENDPOINT MODEL [ACCESS_KEY_ID SECRET_ACCESS_KEY]
import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from "@aws-sdk/client-bedrock-runtime";

const [endpoint, modelId, accessKeyId = "AKIDEXAMPLE", secretAccessKey = "example"] = process.argv.slice(2);
const client = new BedrockRuntimeClient({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId, secretAccessKey },
  maxAttempts: 1,
});
const handbook = "Every invoice is sent on the first working day of the month and is due within thirty days. ".repeat(400);
const question = "When is an invoice due?";

const converse = {
  modelId,
  system: [{ text: handbook }, { cachePoint: { type: "default" } }],
  messages: [{ role: "user", content: [{ text: question }] }],
  inferenceConfig: { maxTokens: 100 },
};
const anthropic = {
  modelId,
  contentType: "application/json",
  body: JSON.stringify({
    anthropic_version: "bedrock-2023-05-31",
    max_tokens: 100,
    system: [{ type: "text", text: "Answer briefly. " + handbook, cache_control: { type: "ephemeral" } }],
    messages: [{ role: "user", content: question }],
  }),
};

async function converseStream() {
  const reply = await client.send(new ConverseStreamCommand(converse));
  let text = "";
  let usage;
  for await (const event of reply.stream) {
    text += event.contentBlockDelta?.delta?.text ?? "";
    usage = event.metadata?.usage ?? usage;
  }
  return { text, usage };
}

async function invokeStream() {
  const reply = await client.send(new InvokeModelWithResponseStreamCommand(anthropic));
  const events = [];
  for await (const event of reply.body) {
    events.push(JSON.parse(new TextDecoder().decode(event.chunk.bytes)));
  }
  return events;
}

async function refused() {
  try {
    await client.send(new ConverseCommand({ ...converse, messages: [] }));
  } catch (error) {
    return { name: error.name, status: error.$metadata.httpStatusCode };
  }
}

const first = await client.send(new ConverseCommand(converse));
const second = await client.send(new ConverseCommand(converse));
const streamed = await converseStream();
const invoked = await client.send(new InvokeModelCommand(anthropic));
console.log(
  JSON.stringify({
    first: { usage: first.usage, text: first.output.message.content[0].text },
    second: { usage: second.usage },
    streamed,
    invoked: JSON.parse(new TextDecoder().decode(invoked.body)),
    invokedStream: await invokeStream(),
    refused: await refused(),
  }),
);
