// The same call in JavaScript (Node 18 or newer): fetch and nothing else.
import assert from "node:assert/strict";

const address = process.env.LOSSAPI_ADDRESS ?? "http://127.0.0.1:8000";

async function ask(path, request) {
  const reply = await fetch(address + path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(request),
  });
  const answer = await reply.json();
  if (!reply.ok) throw new Error(answer.error);
  return answer;
}

const huber = await ask("/v1/losses/huber", { prediction: [0, 3], target: [0, 0], delta: 1 });
assert.equal(huber.value, 1.25);
console.log("huber", huber.value);

// Float32Array as raw little-endian bytes: no number is printed or parsed.
const tensor = (array, shape) => ({
  dtype: "float32",
  shape,
  data: Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64"),
});
const logits = tensor(Float32Array.of(2, 1, 0.1, 0.5, 2.5, 0.2), [2, 3]);
const loss = await ask("/v1/losses/cross_entropy", { prediction: logits, target: [0, 1], from_logits: true });
assert.ok(Math.abs(loss.value - 0.314291) < 1e-6, String(loss.value));
console.log("cross_entropy", loss.value);

await assert.rejects(ask("/v1/losses/huber", { prediction: [0, 3], target: [0] }), /target of shape/);
